// Numbers and cells as text, and the little language of the search field.

function rounded(value, digits) {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  const number = Number(value.toPrecision(digits));
  return Math.abs(number) < 1e-3 || Math.abs(number) >= 1e6 ? number.toExponential() : String(number);
}

function counted(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

const countedMinima = (data, number) => counted(number, data.words.one, data.named ? "families" : data.words.minima);

const short = (value) => rounded(value, 9);
// What rounding leaves of an exact zero is shown as zero; the files hold every digit.
const lossText = (value) => (Math.abs(value) < 1e-20 ? "0" : short(value));
const brief = (value) => rounded(value, 4);

// A cell of a table: long values by their size, the panel shows them as pictures.
function cell(value, column) {
  if (value === undefined) return "";
  if (column.type === "matrix") return `${value.length} × ${value.length ? value[0].length : 0}`;
  if (column.type === "vector") return `${value.length} values`;
  if (column.type === "structure") return Array.isArray(value) ? `${value.length} entries` : "…";
  if (column.type === "boolean") return value ? "yes" : "no";
  if (column.unit === "squared output" || column.unit === "unit of energy") return lossText(value);
  return short(value);
}

function isNumeric(column) {
  return ["integer", "exact integer", "number"].includes(column.type);
}

// Exact integers come as text, since they may be larger than a double can hold.
function sortKey(value, column) {
  return column.type === "exact integer" ? BigInt(value) : value;
}

// "anti_aligned=1 loss<0.02 S_5": every word must hold. Returns a test of a record and, where a
// word means nothing, a hint instead.
function compileQuery(text, columns) {
  const words = text.trim().replace(/\s*(<=|>=|[<>=])\s*/g, "$1").split(/\s+/).filter((word) => word);
  const compared = words.map((word) => word.match(/^([^<>=]*)(<=|>=|[<>=])(.*)$/));
  const hint = compared.map((parts) => (parts ? hintFor(parts[1], parts[2], parts[3], columns) : "")).find(Boolean);
  if (hint) return { test: () => true, hint };
  const tests = words.map((word, place) => {
    if (compared[place]) return comparison(...compared[place].slice(1));
    const lower = word.toLowerCase();
    return (record) =>
      Object.values(record).some(
        (value) => typeof value === "string" && value.toLowerCase().includes(lower)
      );
  });
  return { test: (record) => tests.every((test) => test(record)), hint: "" };
}

// What is wrong with a comparison, and which columns there are; empty if nothing is wrong.
function hintFor(name, sign, wanted, columns) {
  const names = (owner) => columns[owner].map((column) => column.name);
  if (!names("node").includes(name) && !names("edge").includes(name)) {
    const missing = name ? `There is no column “${name}”.` : `A column’s name goes before “${sign}”.`;
    return `${missing} Families have: ${names("node").join(", ")}. Edges have: ${names("edge").join(", ")}.`;
  }
  if (wanted === "") return `A value goes after “${name}${sign}”.`;
  if (sign !== "=" && Number.isNaN(Number(wanted))) return `“${sign}” compares numbers, and “${wanted}” is none.`;
  return "";
}

function comparison(name, sign, wanted) {
  const number = Number(wanted);
  return (record) => {
    const value = record[name];
    if (value === undefined) return false;
    if (Number.isNaN(number)) {
      const yes = { yes: "true", no: "false" }[wanted] || wanted;
      return sign === "=" && String(value).toLowerCase() === yes.toLowerCase();
    }
    const have = Number(value);
    if (sign === "<") return have < number;
    if (sign === ">") return have > number;
    if (sign === "<=") return have <= number;
    if (sign === ">=") return have >= number;
    return have === number;
  };
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Ticks at round numbers, about `wanted` of them.
function roundTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(wanted, 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index <= high / step + 1e-9; index += 1) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}
