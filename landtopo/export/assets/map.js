// The map: families and transition states in the plane, by their distances modulo symmetry.

class MapView extends Plane {
  constructor(canvas, data, hooks) {
    super(canvas, hooks);
    this.data = data;
    this.byWidth = {};
    for (const edge of data.edges) {
      if (edge.kind === "lineage") continue;
      const { width } = data.nodeById[edge.from_id];
      (this.byWidth[width] ??= []).push(edge);
    }
  }

  maps() {
    return this.data.maps.filter((map) => this.hooks.widthShown(map.width));
  }

  names() {
    return this.maps().flatMap((map) => Object.keys(map.places).filter((name) => this.data.nodeById[name]));
  }

  // Cells of equal size, as square as they can be, and where each map's middle is.
  layout() {
    const maps = this.maps();
    const { clientWidth, clientHeight } = this.canvas;
    const columns = Math.min(maps.length, Math.max(1, Math.round(Math.sqrt((maps.length * clientWidth) / clientHeight))));
    const rows = Math.ceil(maps.length / Math.max(columns, 1));
    const [wide, high] = [clientWidth / Math.max(columns, 1), clientHeight / Math.max(rows, 1)];
    return maps.map((map, place) => {
      const left = (place % columns) * wide;
      const top = Math.floor(place / columns) * high;
      const spans = [0, 1].map((way) => {
        const values = Object.values(map.places).map((at) => at[way]);
        return [Math.min(...values), Math.max(...values)];
      });
      const free = [wide - 90, high - 110];
      const unit = Math.min(...[0, 1].map((way) => free[way] / Math.max(spans[way][1] - spans[way][0], 1e-6)));
      const to = ([x, y]) => {
        const inside = this.at(
          wide / 2 + (x - (spans[0][0] + spans[0][1]) / 2) * unit,
          high / 2 - 8 - (y - (spans[1][0] + spans[1][1]) / 2) * unit,
        );
        return [inside[0] + left, inside[1] + top];
      };
      return { map, left, top, wide, high, unit, to };
    });
  }

  draw() {
    const pen = this.cleared();
    if (!pen || !this.data) return;
    this.lines = [];
    this.symbols = [];
    for (const cell of this.layout()) {
      pen.save();
      pen.beginPath();
      pen.rect(cell.left, cell.top, cell.wide, cell.high);
      pen.clip();
      this.drawPasses(pen, cell);
      this.drawFamilies(pen, cell);
      this.drawFrame(pen, cell);
      pen.restore();
    }
  }

  // All maps are zoomed alike, each within its cell.
  local(x, y) {
    const cell = this.layout().find(({ left, top, wide, high }) => x >= left && x <= left + wide && y >= top && y <= top + high);
    return cell ? [x - cell.left, y - cell.top] : [x, y];
  }

  drawPasses(pen, { map, to }) {
    const dim = this.hooks.dim();
    const chosen = this.hooks.chosen();
    for (const edge of this.byWidth[map.width] ?? []) {
      const [from, via, last] = [edge.from_id, edge.id, edge.to_id].map((name) => map.places[name] && to(map.places[name]));
      if (!from || !last) continue;
      const look = this.data.edgeLooks[edge.id];
      const marked = chosen === edge.id || chosen === edge.from_id || chosen === edge.to_id;
      pen.globalAlpha = dim(edge.id) && !marked ? 0.15 : 0.8;
      pen.strokeStyle = chosen === edge.id ? "#0969da" : look.color;
      pen.lineWidth = marked ? 2.5 : 1;
      pen.setLineDash({ dashed: [6, 3], dotted: [2, 3], solid: [] }[look.line]);
      pen.beginPath();
      pen.moveTo(...from);
      if (via) pen.lineTo(...via);
      pen.lineTo(...last);
      pen.stroke();
      pen.setLineDash([]);
      if (via) {
        pen.beginPath();
        for (const sign of [-1, 1]) {
          pen.moveTo(via[0] - 3.5, via[1] - 3.5 * sign);
          pen.lineTo(via[0] + 3.5, via[1] + 3.5 * sign);
        }
        pen.stroke();
        this.symbols.push([edge.id, ...via]);
      }
      pen.globalAlpha = 1;
      const corners = [from, ...(via ? [via] : []), last];
      corners.slice(1).forEach((end, place) => this.lines.push([edge.id, corners[place], end]));
    }
  }

  drawFamilies(pen, { map, to, left, wide }) {
    const dim = this.hooks.dim();
    const colour = this.hooks.colour();
    const chosen = this.hooks.chosen();
    const names = Object.keys(map.places).filter((name) => this.data.nodeById[name] && this.hooks.shown(name));
    const boxes = Object.keys(map.places).map((name) => {
      const [x, y] = to(map.places[name]);
      return { x1: x - 6, x2: x + 6, y1: y - 6, y2: y + 6, name };
    });
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const name of names) {
      const [x, y] = to(map.places[name]);
      const look = this.data.looks[name];
      pen.globalAlpha = dim(name) && name !== chosen ? 0.2 : 1;
      drawSymbol(pen, look.shape, x, y, look.size / 3.2, colour(this.data.nodeById[name]), name === chosen);
      pen.globalAlpha = 1;
      this.symbols.unshift([name, x, y]);
      const half = pen.measureText(name).width / 2 + 2;
      const away = look.size / 3.2 + 9;
      // On the side where it hides no symbol and no other name, if there is one.
      const sides = [[0, away], [0, -away], [away + half - 6, 0], [-away - half + 6, 0]].map(([across, along]) => (
        { x1: x + across - half, x2: x + across + half, y1: y + along - 7, y2: y + along + 7, name }));
      const free = sides.find((box) => box.x1 > left && box.x2 < left + wide && !boxes.some((other) => other.name !== name && meet(box, other)));
      if (!free) continue;
      boxes.push({ ...free, name: `name of ${name}` });
      drawName(pen, name, (free.x1 + free.x2) / 2, (free.y1 + free.y2) / 2);
    }
  }

  // What distances are and how true the map is, and a length to compare with.
  drawFrame(pen, { map, left, top, wide, high, unit }) {
    pen.strokeStyle = GRID;
    pen.lineWidth = 1;
    pen.strokeRect(left + 0.5, top + 0.5, wide - 1, high - 1);
    const told = [this.data.rung(map.width), ...map.told.split("\n")].filter(Boolean).join(", ");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    const lines = wrapped(pen, told, wide - 20);
    pen.fillStyle = "rgba(255,255,255,0.9)";
    pen.fillRect(left + 1, top + 1, wide - 2, 16 * lines.length + 4);
    pen.fillStyle = INK;
    lines.forEach((line, place) => pen.fillText(line, left + 8, top + 12 + 16 * place));
    const pixel = map.size / (unit * this.zoom.x);
    // The longest round one below a hundred pixels.
    const power = 10 ** Math.floor(Math.log10(100 * pixel));
    const length = [5, 2, 1].map((factor) => factor * power).find((one) => one <= 100 * pixel);
    const y = top + high - 12;
    pen.strokeStyle = SOFT;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(left + 10, y);
    pen.lineTo(left + 10 + length / pixel, y);
    pen.stroke();
    pen.fillStyle = SOFT;
    pen.fillText(short(length), left + 16 + length / pixel, y);
  }

  hit(x, y) {
    const near = HIT();
    const symbols = this.symbols.map(([name, left, top]) => [name, Math.hypot(left - x, top - y)])
      .filter(([, apart]) => apart <= near).sort((a, b) => a[1] - b[1]);
    if (symbols.length) return symbols[0][0];
    const lines = this.lines.map(([name, from, to]) => [name, distanceTo([x, y], from, to)])
      .filter(([, apart]) => apart <= near / 1.5).sort((a, b) => a[1] - b[1]);
    return lines.length ? lines[0][0] : null;
  }
}

function wrapped(pen, text, room) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (pen.measureText(longer).width <= room || !lines[lines.length - 1]) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
