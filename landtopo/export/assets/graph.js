// The graph: widths as columns, loss as height, every pass as an arc whose top is its loss.

// Distance of columns and width of the band that the families of a width fill, in the units in
// which landtopo lays them out; a full column is HEIGHT high.
const COLUMN = 400;
const BAND = 240;
const HEIGHT = 1000;
// Room beside the outer columns in the same units; for the labels of the axis, above the highest
// pass and below the lowest family in pixels.
const MARGIN = 40;
const LABELS = 44;
const ABOVE = 70;
// From so many families and edges on, speed counts for more than looks.
const MANY = 1000;
// Below this a loss is rounding error of an exact zero.
const ZERO = 1e-14;
const DASHES = { dashed: [6, 3], dotted: [1.5, 3], solid: [] };

// Height scales: from a record to drawing units upwards, and the ticks of the axis.
function makeScales(data) {
  const passes = data.edges.filter((edge) => edge.kind !== "lineage");
  const losses = [...data.nodes, ...passes, ...data.ends].map((record) => record.loss);
  // Heights count from zero loss; energies have no zero, and count from the lowest.
  const base = data.named ? 0 : losses.reduce((least, loss) => Math.min(least, loss), Infinity);
  const above = losses.map((loss) => loss - base);
  const top = above.reduce((most, loss) => Math.max(most, loss), 0) || 1;
  const positive = above.filter((loss) => loss > ZERO);
  const lowest = (positive.length ? positive.reduce((least, loss) => Math.min(least, loss)) : top) / 3;
  const decades = Math.log10(top / lowest);
  return {
    linear: {
      height: (loss) => (HEIGHT * (loss - base)) / top,
      ticks: (low, high) => roundTicks(base + Math.max(0, (low * top) / HEIGHT), base + (high * top) / HEIGHT, 7)
        .map((loss) => [(HEIGHT * (loss - base)) / top, short(loss)]),
    },
    log: {
      height: (loss) => (HEIGHT * Math.log10(Math.max(loss - base, lowest) / lowest)) / decades,
      ticks: () => {
        const ticks = above.some((loss) => loss <= ZERO) ? [[0, "0"]] : [];
        for (let power = Math.ceil(Math.log10(lowest)); power <= Math.log10(top) + 0.3; power += 1) {
          for (const factor of decades < 3 ? [1, 2, 5] : [1]) {
            const height = (HEIGHT * Math.log10((factor * 10 ** power) / lowest)) / decades;
            if (height > 25) ticks.push([height, short(factor * 10 ** power)]);
          }
        }
        return ticks;
      },
    },
    even: { height: null, ticks: () => [] },
  };
}

// A curve is its points: two of a line, three of a quadratic and four of a cubic Bezier curve.
function onCurve(curve, t) {
  let points = curve;
  while (points.length > 1) {
    points = points.slice(1).map(([x, y], index) => [points[index][0] + (x - points[index][0]) * t, points[index][1] + (y - points[index][1]) * t]);
  }
  return points[0];
}

// The points along a curve, about so many pixels apart.
function alongCurve(curve, step) {
  const length = curve.slice(1).reduce((sum, [x, y], index) => sum + Math.hypot(x - curve[index][0], y - curve[index][1]), 0);
  const count = Math.min(Math.max(Math.ceil(length / step), 1), 500);
  return Array.from({ length: count + 1 }, (_, index) => onCurve(curve, index / count));
}

// An arc whose highest point is at `top`: the largest value of the quadratic Bezier curve with
// heights 0, c, e over its start is c^2 / (2c - e). Heights are pixels upwards.
function arc([x0, y0], [x1, y1], top, aside) {
  const rise = y1 - y0;
  const height = Math.max(top - y0, rise, 0);
  return [[x0, y0], [(x0 + x1) / 2 + aside, y0 + height + Math.sqrt(height * (height - rise))], [x1, y1]];
}

// A loop over its family whose top is `rise` above it; one that would hardly be seen sits beside it.
// A cubic Bezier curve with equal ends goes three quarters of the way to its control points.
function loop([x, y], rise, nth) {
  const wide = 28 + 12 * nth;
  if (rise >= 30) return [[x, y], [x - wide, y + (4 * rise) / 3], [x + wide, y + (4 * rise) / 3], [x, y]];
  const far = x + (4 / 3) * (44 + 12 * nth);
  return [[x, y], [far, y - wide], [far, y + wide], [x, y]];
}

class GraphView extends Plane {
  // Besides what a plane needs of `hooks`: height() is the scale of heights, counts() the families
  // that are found at each width.
  constructor(canvas, data, hooks) {
    super(canvas, hooks);
    this.data = data;
    this.near = new Set();
    const there = new Set(data.graph.nodes.map((record) => record.id));
    this.pairs = data.pairs.filter((pair) => there.has(pair.from_id) && there.has(pair.to_id));
    this.crowd = data.graph.nodes.length + data.graph.edges.length > MANY;
    // Lineage lies below the passes.
    const lineage = (record) => record.kind === "lineage";
    this.edges = [...data.graph.edges.filter(lineage), ...data.graph.edges.filter((edge) => !lineage(edge)), ...this.pairs];
    this.counts = {};
    for (const record of data.graph.nodes) this.counts[record.width] = (this.counts[record.width] || 0) + 1;
  }

  names() {
    return this.data.graph.nodes.map((record) => record.id).filter((id) => this.hooks.shown(id));
  }

  // Keys go from family to family, and along the edges of the last one and back.
  here() {
    return this.family;
  }

  familyAt(chosen) {
    const edge = this.data.edgeById[chosen];
    if (!edge) return this.data.nodeById[chosen] ? chosen : null;
    return [edge.from_id, edge.to_id].includes(this.family) ? this.family : edge.from_id;
  }

  key(event) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step || !this.family) {
      super.key(event);
      return;
    }
    // Passes first, as in the panel.
    const joined = this.edges.filter((edge) => (edge.from_id === this.family || edge.to_id === this.family) && this.hooks.shown(edge.id));
    const lineage = (edge) => edge.kind === "lineage";
    const ids = [this.family, ...[...joined.filter((edge) => !lineage(edge)), ...joined.filter(lineage)].map((edge) => edge.id)];
    this.hooks.choose(ids[(Math.max(ids.indexOf(this.hooks.chosen()), 0) + step + ids.length) % ids.length]);
    event.preventDefault();
  }

  // Where everything is before zooming, in pixels: families at their loss, passes as arcs.
  layout() {
    const { clientWidth, clientHeight } = this.canvas;
    const { data } = this;
    const across = (data.widths.length - 1) * COLUMN + BAND + 2 * MARGIN;
    const unit = Math.max(clientWidth - LABELS, 100) / across;
    const stretch = Math.max(clientHeight - 2 * ABOVE, 20) / HEIGHT;
    const right = (x) => LABELS + (BAND / 2 + MARGIN + x) * unit;
    const scale = this.hooks.height();
    const up = (loss) => stretch * scale.height(loss);
    // Heights, upwards from the lowest.
    const raised = {};
    for (const { id, loss } of data.graph.nodes) {
      const look = data.looks[id];
      raised[id] = [right(look.x), scale.height ? up(loss) : stretch * look.y_even];
    }
    // Points that are no families have no rank: on the even scale they stand at the top.
    for (const { id, x, loss } of data.ends) raised[id] = [right(x), scale.height ? up(loss) : stretch * HEIGHT];
    const foot = clientHeight - ABOVE;
    const flip = ([x, y]) => [x, foot - y];
    const curves = {};
    const seen = {};
    for (const record of this.edges) {
      const ends = [record.from_id, record.to_id];
      const pair = `${ends.sort().join(" ")} ${record.kind === "lineage"}`;
      const nth = (seen[pair] = (seen[pair] ?? -1) + 1);
      curves[record.id] = this.curve(record, raised, nth, up).map(flip);
    }
    const places = Object.fromEntries(Object.entries(raised).map(([id, place]) => [id, flip(place)]));
    // Where the fullest column has more families than 60, or less than 150 pixels, symbols shrink
    // and lines get fainter.
    const room = 60 * Math.min(1, (BAND * unit) / 150);
    const shrink = 1 / Math.sqrt(Math.max(1, Math.max(0, ...Object.values(this.counts)) / room));
    return { places, curves, unit, stretch, foot, right, shrink, scale };
  }

  curve(record, raised, nth, up) {
    const [start, end] = [raised[record.from_id], raised[record.to_id]];
    const aside = nth ? 16 * Math.ceil(nth / 2) * (nth % 2 ? 1 : -1) : 0;
    if (record.kind === undefined) return [start, end];
    if (record.kind === "lineage") return aside ? [start, [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 2 * aside], end] : [start, end];
    const highest = Math.max(start[1], end[1]);
    const top = this.hooks.height().height ? Math.max(up(record.loss), highest) : highest + 44 + 14 * nth;
    return record.from_id === record.to_id ? loop(start, top - start[1], nth) : arc(start, end, top, aside);
  }

  // Symbols that had to shrink grow to their size where they are zoomed.
  radius(id) {
    const size = (this.data.looks[id] ?? this.data.endLook).size ?? 14;
    return (size / 2) * Math.min(1, this.shape.shrink * this.zoom.x);
  }

  // How clearly each thing that is not filtered away is seen, by id.
  clearness() {
    const all = [...this.edges, ...this.data.graph.nodes, ...this.data.ends];
    return Object.fromEntries(all.map(({ id }) => [id, this.seen(id)]).filter(([, part]) => part));
  }

  // How clearly something is seen, 0 to 1; what is joined with the chosen one is seen in a crowd.
  clear(dim) {
    const left = this.crowd && this.near.size > 0;
    return (id) => {
      if (!this.hooks.shown(id)) return 0;
      if (this.near.has(id)) return 1;
      return left ? 0.1 : dim(id) ? 0.12 : 1;
    };
  }

  // The chosen one with its edges, or its ends.
  nearTo(chosen) {
    const { nodeById } = this.data;
    if (!chosen) return new Set();
    const own = this.edges.filter((edge) => (nodeById[chosen] ? edge.from_id === chosen || edge.to_id === chosen : edge.id === chosen));
    return new Set([chosen, ...own.flatMap((edge) => [edge.id, edge.from_id, edge.to_id])]);
  }

  draw() {
    const pen = this.cleared();
    if (!pen || !this.data) return;
    const scale = this.hooks.height();
    const size = `${this.canvas.clientWidth} ${this.canvas.clientHeight}`;
    if (this.fitted !== size || this.shape.scale !== scale) {
      this.shape = this.layout();
      this.namesKey = "";
    }
    this.fitted = size;
    this.near = this.nearTo(this.hooks.chosen());
    this.family = this.familyAt(this.hooks.chosen());
    this.seen = this.clear(this.hooks.dim());
    this.drawAxes(pen);
    // Thousands of lines would make moving slow.
    if (!this.crowd || !this.moving()) {
      for (const edge of this.edges) if (!this.near.has(edge.id)) this.drawEdge(pen, edge);
      for (const edge of this.edges) if (this.near.has(edge.id)) this.drawEdge(pen, edge);
    }
    this.drawFamilies(pen);
    pen.globalAlpha = 1;
    this.drawHeads(pen);
  }

  drawEdge(pen, edge) {
    const seen = this.seen(edge.id);
    const points = this.shape.curves[edge.id].map(([x, y]) => this.at(x, y));
    if (!seen || !this.inSight(points)) return;
    const lineage = edge.kind === "lineage";
    const crowded = this.shape.shrink < 1;
    const look = this.data.edgeLooks[edge.id] ?? { ...this.data.pairLook, line: this.data.pairLook.shape };
    const near = this.near.has(edge.id);
    pen.beginPath();
    pen.moveTo(...points[0]);
    if (points.length === 2) pen.lineTo(...points[1]);
    else if (points.length === 3) pen.quadraticCurveTo(...points[1], ...points[2]);
    else pen.bezierCurveTo(...points[1], ...points[2], ...points[3]);
    if (this.hooks.chosen() === edge.id) {
      pen.globalAlpha = 0.6;
      pen.strokeStyle = "#54aeff";
      pen.lineWidth = look.thickness + 12;
      pen.stroke();
    }
    pen.globalAlpha = near ? 1 : seen * (!lineage ? 0.75 : crowded ? 0.3 : 0.9);
    pen.strokeStyle = look.color;
    pen.lineWidth = lineage ? (crowded ? 0.5 : 1.2) : look.thickness * (crowded ? 0.5 : 1);
    // Thousands of dashes and arrows would hide what they join and take seconds to draw.
    const dash = lineage && crowded ? [] : DASHES[look.line];
    if (dash.length) pen.setLineDash(dash);
    pen.stroke();
    if (dash.length) pen.setLineDash([]);
    if (lineage && !crowded) this.drawArrow(pen, points, this.radius(edge.to_id), look.color);
  }

  drawArrow(pen, points, radius, color) {
    const [[x0, y0], [x, y]] = points.slice(-2);
    const length = Math.hypot(x - x0, y - y0) || 1;
    const [right, down] = [(x - x0) / length, (y - y0) / length];
    const at = (back, side) => [x - back * right - side * down, y - back * down + side * right];
    pen.fillStyle = color;
    pen.beginPath();
    pen.moveTo(...at(radius + 1, 0));
    pen.lineTo(...at(radius + 9, 4));
    pen.lineTo(...at(radius + 9, -4));
    pen.fill();
  }

  inSight(points) {
    const { clientWidth, clientHeight } = this.canvas;
    const within = (axis, most) => points.some((point) => point[axis] > -20) && points.some((point) => point[axis] < most + 20);
    return within(0, clientWidth) && within(1, clientHeight);
  }

  drawFamilies(pen) {
    const { data } = this;
    const chosen = this.hooks.chosen();
    const colour = this.hooks.colour();
    const shown = [...data.graph.nodes, ...data.ends].filter(({ id }) => this.seen(id));
    // The chosen one is drawn over the others.
    const last = ({ id }) => (id === chosen ? 2 : Number(this.near.has(id)));
    for (const record of this.near.size ? shown.toSorted((a, b) => last(a) - last(b)) : shown) {
      const { id } = record;
      const [x, y] = this.at(...this.shape.places[id]);
      if (!this.inSight([[x, y]])) continue;
      pen.globalAlpha = this.seen(id);
      const fill = data.nodeById[id] ? colour(record) : "#fff";
      drawSymbol(pen, data.looks[id]?.shape ?? "circle", x, y, this.radius(id), fill, id === chosen);
    }
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    this.labels = this.namesOf(shown);
    for (const [id, x, y] of this.labels) {
      pen.globalAlpha = this.seen(id);
      drawName(pen, id, x + this.shift.x, y + this.shift.y);
    }
  }

  // Names with their middles before shifting. Of thousands none can be read but that of the chosen.
  namesOf(shown) {
    const chosen = this.hooks.chosen();
    const symbols = shown.map(({ id }) => {
      const [x, y] = this.shape.places[id];
      const wide = this.data.looks[id]?.shape === "diamond" ? 1.3 : 1;
      return { id, x: x * this.zoom.x, y: y * this.zoom.y, half: wide * this.radius(id) + 1 };
    });
    const below = ({ id, x, y, half }) => [id, x, y + half + GAP + LETTERS / 2];
    const own = symbols.filter(({ id }) => id === chosen).map(below);
    if (this.crowd) return own;
    const curves = this.edges.filter(({ id }) => this.seen(id))
      .map(({ id }) => this.shape.curves[id].map(([x, y]) => [x * this.zoom.x, y * this.zoom.y]));
    const key = JSON.stringify([this.zoom.x, symbols.map(({ id }) => id), curves.length]);
    if (this.namesKey !== key) {
      this.sides = nameSides(symbols, curves, LABELS * this.zoom.x, this.canvas.clientWidth * this.zoom.x);
    }
    this.namesKey = key;
    return this.sides.some(([id]) => id === chosen) ? this.sides : [...this.sides, ...own];
  }

  // Columns and the axis of losses, behind all else.
  drawAxes(pen) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { unit, stretch, foot, right, scale } = this.shape;
    pen.fillStyle = "#f6f8fa";
    this.data.widths.forEach((_, index) => {
      const [left] = this.at(right(index * COLUMN - BAND / 2 - 30), 0);
      pen.fillRect(left, 0, (BAND + 60) * unit * this.zoom.x, height);
    });
    const level = (y) => (foot - (y - this.shift.y) / this.zoom.y) / stretch;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    pen.lineWidth = 1;
    let last = Infinity;
    for (const [tick, text] of scale.ticks(level(height), level(0))) {
      const [, y] = this.at(0, foot - tick * stretch);
      if (y < 30 || y > height - 6) continue;
      pen.strokeStyle = GRID;
      pen.beginPath();
      pen.moveTo(0, y);
      pen.lineTo(width, y);
      pen.stroke();
      if (last - y < 14) continue;
      last = y;
      const wide = pen.measureText(text).width;
      pen.fillStyle = "rgba(255,255,255,0.85)";
      pen.fillRect(4, y - 7, wide + 8, 14);
      pen.fillStyle = SOFT;
      pen.fillText(text, 8, y);
    }
  }

  drawHeads(pen) {
    const middles = this.data.widths.map((_, index) => this.at(this.shape.right(index * COLUMN), 0)[0]);
    const apart = COLUMN * this.shape.unit * this.zoom.x;
    pen.textAlign = "center";
    pen.font = `600 ${FONT}`;
    for (const { text, middle, wide } of columnHeads(pen, this.data, { middles, apart, shown: this.hooks.counts(), across: this.canvas.clientWidth })) {
      pen.fillStyle = "rgba(255,255,255,0.9)";
      pen.fillRect(middle - wide / 2 - 6, 4, wide + 12, 20);
      pen.fillStyle = INK;
      pen.fillText(text, middle, 14);
    }
  }

  hit(x, y) {
    const away = (id) => {
      const [left, top] = this.at(...this.shape.places[id]);
      return Math.hypot(left - x, top - y) - this.radius(id);
    };
    const near = HIT();
    const least = (found) => found.reduce((best, one) => (one[1] < best[1] ? one : best), [null, Infinity])[0];
    const symbol = least([...this.data.graph.nodes, ...this.data.ends].filter(({ id }) => this.seen(id))
      .map(({ id }) => [id, away(id)]).filter(([, apart]) => apart <= near / 3));
    if (symbol) return symbol;
    const inside = (points, axis, at) => points.some((point) => point[axis] > at - near) && points.some((point) => point[axis] < at + near);
    return least(this.edges.filter(({ id }) => this.seen(id)).flatMap(({ id }) => {
      const points = this.shape.curves[id].map(([left, top]) => this.at(left, top));
      if (!inside(points, 0, x) || !inside(points, 1, y)) return [];
      const line = alongCurve(points, 6);
      const apart = line.slice(1).reduce((most, to, index) => Math.min(most, distanceTo([x, y], line[index], to)), Infinity);
      return apart <= near / 1.5 ? [[id, apart]] : [];
    }));
  }
}

// What stands above the columns: the longest form for which all of them have room.
function columnHeads(pen, data, { middles, apart, shown, across }) {
  const { widths } = data;
  const number = (one) => (data.named ? counted(shown[one] || 0, "family", "families") : countedMinima(data, shown[one] || 0));
  const forms = !data.rung(widths[0]) ? [number, (one) => `${shown[one] || 0}`] : [
    (one) => `${data.rung(one)} · ${number(one)}`,
    (one) => data.rung(one),
    (one) => data.rung(one).replace(/^(width|.* =) /, ""),
  ];
  const sized = forms.map((form) => widths.map((one, index) => {
    const text = form(one);
    return { text, wide: pen.measureText(text).width, middle: middles[index] };
  }));
  const fits = (heads) => heads.every(({ wide }) => wide + 16 < apart);
  const heads = sized.find(fits) ?? sized[sized.length - 1];
  // The outermost ones move inwards rather than being cut.
  return heads.map((head) => {
    const half = head.wide / 2 + 6;
    const seen = head.middle > -half && head.middle < across + half && (heads.length === 1 || apart > 2 * half);
    const inside = Math.min(Math.max(head.middle, half), across - half);
    return { ...head, middle: seen && Math.abs(inside - head.middle) < half ? inside : head.middle };
  });
}
