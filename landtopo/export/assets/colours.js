// Colours of families by any column, the same in the graph, the tree and the map.

const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
// Okabe and Ito, as everywhere on the page.
const KINDS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#F0E442", "#000000"];
const MISSING = "#c4c9cf";

function blended(part) {
  const place = Math.min(Math.max(part, 0), 1) * (STOPS.length - 1);
  const from = Math.min(Math.floor(place), STOPS.length - 2);
  return `rgb(${STOPS[from].map((low, i) => Math.round(low + (STOPS[from + 1][i] - low) * (place - from))).join(",")})`;
}

// Columns that tell families apart and that colours can show: numbers, and texts of few kinds.
function colourColumns(data) {
  return data.columns.node.filter((column) => {
    if (["vector", "matrix", "structure"].includes(column.type) || column.name === "id") return false;
    const kinds = new Set(data.nodes.map((record) => record[column.name]).filter((value) => value !== undefined));
    return kinds.size > 1 && (isNumeric(column) || kinds.size <= KINDS.length);
  });
}

// A colour for each record, and what the colours mean: [colour, text] pairs, or two ends of a scale.
function colouring(data, name) {
  const column = data.columns.node.find((one) => one.name === name);
  if (!column) return { of: (record) => data.looks[record.id].color, keys: [] };
  const known = data.nodes.filter((record) => record[name] !== undefined);
  if (isNumeric(column)) {
    // Rounding errors of an exact zero would take most of a logarithmic scale.
    const value = (record) => (column.unit === "squared output" && Math.abs(record[name]) <= ZERO ? 0 : Number(record[name]));
    const values = known.map(value);
    const low = values.reduce((least, one) => Math.min(least, one), Infinity);
    const high = values.reduce((most, one) => Math.max(most, one), -Infinity);
    const decades = low > 0 && high / low > 1000;
    const size = (one) => (decades ? Math.log(one / low) / Math.log(high / low) : (one - low) / (high - low || 1));
    return {
      of: (record) => (record[name] === undefined ? MISSING : blended(size(value(record)))),
      scale: [brief(low), brief(high), decades ? "logarithmic" : ""],
    };
  }
  const kinds = [...new Set(known.map((record) => String(record[name])))].sort();
  const colours = Object.fromEntries(kinds.map((kind, place) => [kind, KINDS[place]]));
  const shown = (kind) => (column.type === "boolean" ? { true: "yes", false: "no" }[kind] : kind);
  return {
    of: (record) => (record[name] === undefined ? MISSING : colours[String(record[name])]),
    keys: kinds.map((kind) => [colours[kind], shown(kind)]),
  };
}

function colourKeys({ scale, keys }) {
  if (scale) {
    const stops = STOPS.map((stop) => `rgb(${stop.join(",")})`).join(",");
    return [
      element("span", {}, scale[0]),
      element("span", { class: "ramp", style: `background:linear-gradient(to right,${stops})` }),
      element("span", {}, [scale[1], scale[2]].filter((part) => part).join(", ")),
    ];
  }
  return keys.map(([colour, text]) =>
    element("span", { class: "key" }, element("span", { class: "dot", style: `background:${colour}` }), text));
}
