// The search on the first page: rows of ATLAS that meet every condition, sorted by one column.
"use strict";
const COLUMNS = ["label", "what", "loss", "index", "symmetry", "anti", "description"];
const MOST = 200;
const form = document.getElementById("search");
const body = document.querySelector("#found tbody");
const told = document.getElementById("told");
let order = { column: "label", up: true };

function number(text) {
  return text.trim() === "" ? null : Number(text);
}

function meets(row, wanted) {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = `${row.label} ${row.symmetry} ${row.description}`.toLowerCase();
  return words.every((word) => all.includes(word))
    && (wanted.least === null || row.loss >= wanted.least)
    && (wanted.most === null || row.loss <= wanted.most)
    && (wanted.index === null || row.index === wanted.index);
}

function compare(a, b) {
  const x = a[order.column], y = b[order.column];
  const sign = typeof x === "number" && typeof y === "number"
    ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
  return order.up ? sign : -sign;
}

function cell(row, column) {
  const made = document.createElement("td");
  if (column === "label") {
    const anchor = document.createElement("a");
    anchor.href = row.href;
    anchor.textContent = row.label;
    made.append(anchor);
  } else {
    made.textContent = column === "loss" && row.loss !== 0 ? row.loss.toPrecision(10) : row[column];
  }
  return made;
}

function show() {
  const wanted = {
    text: form.text.value, least: number(form.least.value), most: number(form.most.value),
    index: number(form.index.value),
  };
  if ([wanted.least, wanted.most, wanted.index].some(Number.isNaN)) {
    told.textContent = "Losses and the index must be numbers.";
    body.replaceChildren();
    return;
  }
  const found = ATLAS.filter((row) => meets(row, wanted)).sort(compare);
  body.replaceChildren(...found.slice(0, MOST).map((row) => {
    const line = document.createElement("tr");
    line.append(...COLUMNS.map((column) => cell(row, column)));
    return line;
  }));
  told.textContent = `${found.length} of ${ATLAS.length} points`
    + (found.length > MOST ? `, the first ${MOST} shown` : "");
}

for (const button of document.querySelectorAll("#found th button")) {
  button.addEventListener("click", () => {
    const column = button.dataset.column;
    order = { column, up: order.column === column ? !order.up : true };
    for (const other of document.querySelectorAll("#found th")) {
      other.removeAttribute("aria-sort");
    }
    button.parentElement.setAttribute("aria-sort", order.up ? "ascending" : "descending");
    show();
  });
}
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
show();
