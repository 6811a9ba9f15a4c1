// A table of any length: only the rows in sight are in the document.

const ROW = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));

class Table {
  constructor(box, onChoose) {
    this.box = box;
    this.onChoose = onChoose;
    this.sort = { node: null, edge: null };
    this.chosen = null;
    box.addEventListener("scroll", () => this.fill());
    new ResizeObserver(() => this.fill()).observe(box);
  }

  show(owner, columns, records) {
    this.owner = owner;
    this.columns = columns;
    this.records = records;
    const head = element("tr", {}, ...columns.map((column) => this.header(column)));
    this.body = element("tbody", {});
    const table = element("table", { class: "rows" }, element("thead", {}, head), this.body);
    this.order();
    this.box.replaceChildren(table);
    this.fill(true);
  }

  header(column) {
    const sorted = this.sort[this.owner];
    const here = sorted && sorted.name === column.name;
    const arrow = here ? (sorted.down ? " ▾" : " ▴") : "";
    const button = element("button", { type: "button", title: column.meaning, onclick: () => this.sortBy(column) }, column.name + arrow);
    const order = here ? (sorted.down ? "descending" : "ascending") : "none";
    const unit = element("small", {}, column.unit || " ");
    return element("th", { scope: "col", class: isNumeric(column) ? "number" : "", "aria-sort": order }, button, unit);
  }

  sortBy(column) {
    const sorted = this.sort[this.owner];
    const down = Boolean(sorted && sorted.name === column.name && !sorted.down);
    this.sort[this.owner] = { name: column.name, down, column };
    this.show(this.owner, this.columns, this.records);
  }

  order() {
    const sorted = this.sort[this.owner];
    this.sorted = [...this.records];
    if (!sorted) return;
    const { name, down, column } = sorted;
    const size = (value) => (typeof value === "object" ? value.length : sortKey(value, column));
    this.sorted.sort((one, other) => {
      // Rows without a value come last either way.
      if (one[name] === undefined || other[name] === undefined) {
        return Number(one[name] === undefined) - Number(other[name] === undefined);
      }
      const [a, b] = [size(one[name]), size(other[name])];
      return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    });
  }

  fill(always) {
    if (!this.body || !this.body.isConnected) return;
    const high = ROW();
    const first = Math.max(0, Math.floor(this.box.scrollTop / high) - 10);
    const last = Math.min(this.sorted.length, first + Math.ceil(this.box.clientHeight / high) + 20);
    if (!always && this.first === first && this.last === last) return;
    this.first = first;
    this.last = last;
    const rows = this.sorted.slice(first, last).map((record) => this.row(record));
    this.body.replaceChildren(this.space(first * high), ...rows, this.space((this.sorted.length - last) * high));
  }

  space(height) {
    return element("tr", { "aria-hidden": "true", style: `height:${height}px` });
  }

  row(record) {
    const choose = () => this.onChoose(record.id);
    const cells = this.columns.map((column) =>
      element("td", { class: isNumeric(column) ? "number" : "" }, cell(record[column.name], column))
    );
    return element("tr", {
      "data-id": record.id, tabindex: "0", class: record.id === this.chosen ? "chosen" : "", onclick: choose,
      onkeydown: (event) => { if (event.key === "Enter") choose(); },
    }, ...cells);
  }

  mark(id) {
    this.chosen = id;
    this.fill(true);
  }

  // Rows of plain text cells, for the meanings of columns and the graph's own attributes.
  plain(names, rows) {
    this.body = null;
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
    const lines = rows.map((row) => element("tr", {}, ...row.map((text) => element("td", {}, text))));
    this.box.replaceChildren(
      element("table", { class: "rows plain" }, element("thead", {}, head), element("tbody", {}, ...lines))
    );
  }
}
