// The merge tree: a branch for each family, from its loss up to where a lower one takes over.

const TREE = { left: 8, right: 14, top: 34, bottom: 46 };
// Trees of more leaves start with the most important ones.
const LEAVES = 1000;

class TreeView extends Plane {
  constructor(canvas, data, hooks) {
    super(canvas, hooks);
    this.data = data;
    this.least = 0;
    this.lasting = {};
    for (const tree of data.trees) {
      for (const name of tree.order) {
        const end = tree.ends[name];
        this.lasting[name] = end ? end[1] - data.nodeById[name].loss : Infinity;
      }
    }
    this.split = new Set(data.trees.filter((tree) => tree.order.filter((name) => !tree.ends[name]).length > 1));
    const all = Object.values(this.lasting).filter((length) => Number.isFinite(length) && length > 0).sort((a, b) => a - b);
    this.range = all.length ? [all[0], all[all.length - 1]] : null;
    // Of thousands the lowest passes alone would be seen: a slider at the foot shows all.
    this.start = 0;
    if (all.length > LEAVES) this.start = Math.ceil(100 * this.partOf(all[all.length - LEAVES]));
    // Passes whose descents were not followed join nothing, and are shown as what they are.
    this.open = data.edges.filter((edge) => edge.verified === false && edge.from_id !== edge.to_id && edge.kind !== "lineage");
  }

  partOf(length) {
    const [low, high] = this.range;
    return high > low ? Math.log(length / low) / Math.log(high / low) : 0;
  }

  // The slider's place, 0 to 100, as the shortest branch that is drawn.
  setLeast(place) {
    const [low, high] = this.range ?? [0, 0];
    this.least = place > 0 ? low * (high / low) ** (place / 100) * (1 - 1e-12) : 0;
    this.draw();
  }

  told() {
    const shown = this.names().length;
    const whole = this.trees().reduce((sum, tree) => sum + tree.order.length, 0);
    return this.least ? `${short(Number(this.least.toPrecision(3)))}: ${shown} of ${whole}` : `all ${whole}`;
  }

  trees() {
    return this.data.trees.filter((tree) => this.hooks.widthShown(tree.width));
  }

  ways(other) {
    return other ? "y" : "x";
  }

  names() {
    const chosen = this.hooks.chosen();
    return this.trees().flatMap((tree) =>
      tree.order.filter((name) => this.lasting[name] >= this.least || name === chosen));
  }

  // Everything in its place before zooming.
  layout() {
    const { clientWidth, clientHeight } = this.canvas;
    const trees = this.trees();
    const chosen = this.hooks.chosen();
    const groups = trees.map((tree) => ({
      tree,
      order: tree.order.filter((name) => this.lasting[name] >= this.least || name === chosen),
      ends: this.data.ends.filter((end) => end.width === tree.width),
    }));
    const slots = groups.reduce((sum, { order, ends }) => sum + order.length + (ends.length ? 1 : 0), groups.length);
    const step = (clientWidth - LABELS - TREE.left - TREE.right) / Math.max(slots, 1);
    const scale = this.hooks.scale();
    const levels = groups.flatMap(({ tree, order, ends }) => [
      ...order.flatMap((name) => [this.data.nodeById[name].loss, tree.ends[name]?.[1] ?? this.data.nodeById[name].loss]),
      ...ends.map((end) => end.loss),
    ]).map(scale.height);
    const low = levels.reduce((least, level) => Math.min(least, level), Infinity);
    const high = levels.reduce((most, level) => Math.max(most, level), -Infinity);
    const room = clientHeight - TREE.top - TREE.bottom - 18;
    const up = (loss) => clientHeight - TREE.bottom - ((scale.height(loss) - low) / (high - low || 1)) * room;
    const places = {};
    let next = LABELS + TREE.left + step / 2;
    const bands = groups.map(({ tree, order, ends }) => {
      const from = next - step / 2;
      for (const name of order) {
        places[name] = [next, up(this.data.nodeById[name].loss)];
        next += step;
      }
      for (const end of ends) places[end.id] = [next, up(end.loss)];
      next += step * (ends.length ? 2 : 1);
      return { tree, order, from, to: next - step, ends };
    });
    return { bands, places, up, step, low, high, room, scale };
  }

  // The family whose branch is drawn where another one takes over.
  trunk(tree, name, places) {
    let [trunk] = tree.ends[name];
    while (!places[trunk]) [trunk] = tree.ends[trunk];
    return trunk;
  }

  draw() {
    const pen = this.cleared();
    if (!pen || !this.data) return;
    const shape = this.layout();
    this.shape = shape;
    const { bands, places, up, step } = shape;
    const thin = step * this.zoom.x < 3 ? 0.4 : 1.2;
    this.lines = [];
    for (const band of bands) {
      const [from] = this.at(band.from, 0);
      const [to] = this.at(band.to, 0);
      pen.fillStyle = "#f6f8fa";
      pen.fillRect(from, 0, to - from, this.canvas.clientHeight);
    }
    this.drawLevels(pen, shape);
    const dim = this.hooks.dim();
    for (const { tree, order, ends } of bands) {
      for (const name of order) {
        const [x, y] = this.at(...places[name]);
        const end = tree.ends[name];
        // What nothing joins to a lower one goes on in dots, where there is more than one tree.
        const top = end ? this.at(0, up(end[1]))[1] : TREE.top;
        const other = end ? this.at(...places[this.trunk(tree, name, places)])[0] : x;
        const chosen = this.hooks.chosen();
        const marked = chosen === name || (end && end[2].includes(chosen));
        this.stroke(pen, [[x, y], [x, top], [other, top]], {
          width: marked ? 3 : thin, color: marked ? "#0969da" : dim(name) ? "#d0d7de" : INK, dash: end || order.length < 2 || !this.split.has(tree) ? [] : [2, 3],
        });
        this.lines.push([name, [x, y], [x, top]]);
        if (end) this.lines.push([end[2][0], [x, top], [other, top]]);
      }
      this.drawOpen(pen, tree, places, up);
      for (const end of ends) drawSymbol(pen, "circle", ...this.at(...places[end.id]), 5, "#fff", this.hooks.chosen() === end.id);
    }
    this.drawLeaves(pen, shape, dim);
    this.drawHeads(pen, bands);
  }

  stroke(pen, points, { width, color, dash }) {
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.setLineDash(dash ?? []);
    pen.beginPath();
    points.forEach(([x, y], place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
    pen.setLineDash([]);
  }

  // Passes that were not verified, and pairs that were tried and not joined.
  drawOpen(pen, tree, places, up) {
    const own = (edge) => places[edge.from_id] && places[edge.to_id] && this.data.nodeById[edge.from_id].width === tree.width;
    for (const edge of this.open.filter(own)) {
      const [[x0], [x1]] = [this.at(...places[edge.from_id]), this.at(...places[edge.to_id])];
      const [, y] = this.at(0, up(edge.loss));
      this.stroke(pen, [[x0, y], [x1, y]], { width: 1.5, color: this.hooks.chosen() === edge.id ? "#0969da" : "#CC3311", dash: [6, 3] });
      this.lines.push([edge.id, [x0, y], [x1, y]]);
    }
    for (const pair of this.data.pairs.filter(own)) {
      const ends = [this.at(...places[pair.from_id]), this.at(...places[pair.to_id])];
      this.stroke(pen, ends, { width: 1.5, color: this.hooks.chosen() === pair.id ? "#0969da" : this.data.pairLook.color, dash: [2, 4] });
      this.lines.push([pair.id, ...ends]);
    }
  }

  drawLevels(pen, { low, high, room, scale }) {
    const height = this.canvas.clientHeight;
    const level = (y) => low + ((height - TREE.bottom - (y - this.shift.y) / this.zoom.y) / room) * (high - low || 1);
    let last = Infinity;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    for (const [tick, text] of scale.ticks(level(height), level(TREE.top))) {
      const [, y] = this.at(0, height - TREE.bottom - ((tick - low) / (high - low || 1)) * room);
      if (y < TREE.top || y > height - 24 || last - y < 16) continue;
      last = y;
      this.stroke(pen, [[LABELS, y], [this.canvas.clientWidth, y]], { width: 1, color: GRID });
      this.drawText(pen, text, 4, y, SOFT);
    }
  }

  drawText(pen, text, x, y, color) {
    const wide = pen.measureText(text).width;
    const left = { left: x, right: x - wide, center: x - wide / 2 }[pen.textAlign];
    pen.fillStyle = "rgba(255,255,255,0.85)";
    pen.fillRect(left - 2, y - 7, wide + 4, 14);
    pen.fillStyle = color;
    pen.fillText(text, x, y);
  }

  drawLeaves(pen, { bands, places, step }, dim) {
    const apart = step * this.zoom.x;
    const radius = Math.min(6, Math.max(1, apart / 3));
    const names = bands.flatMap(({ order }) => order);
    const chosen = this.hooks.chosen();
    const widest = names.length > LEAVES ? Infinity : names.reduce((most, name) => Math.max(most, pen.measureText(name).width), 0);
    const colour = this.hooks.colour();
    for (const name of [...names.filter((one) => one !== chosen), ...names.filter((one) => one === chosen)]) {
      const [x, y] = this.at(...places[name]);
      if (x < -20 || x > this.canvas.clientWidth + 20) continue;
      pen.globalAlpha = dim(name) && name !== chosen ? 0.2 : 1;
      drawSymbol(pen, this.data.looks[name].shape, x, y, radius, colour(this.data.nodeById[name]), name === chosen);
      pen.globalAlpha = 1;
      if (widest + 6 > apart && name !== chosen && apart < 13) continue;
      pen.save();
      pen.translate(x, y + radius + 4);
      const flat = widest + 6 <= apart || (name === chosen && apart < 13);
      if (!flat) pen.rotate(-Math.PI / 2);
      pen.textAlign = flat ? "center" : "right";
      pen.textBaseline = flat ? "top" : "middle";
      drawName(pen, name, 0, 0);
      pen.restore();
    }
  }

  drawHeads(pen, bands) {
    pen.font = `600 ${FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { tree, order, from, to } of bands) {
      const text = this.data.rung(tree.width) || countedMinima(this.data, order.length);
      const [middle] = this.at((from + to) / 2, 0);
      this.drawText(pen, text, middle, 16, INK);
    }
    pen.font = FONT;
  }

  hit(x, y) {
    const near = HIT();
    const symbols = Object.entries(this.shape.places).map(([name, place]) => {
      const [left, top] = this.at(...place);
      return [name, Math.hypot(left - x, top - y)];
    }).filter(([, apart]) => apart <= near).sort((a, b) => a[1] - b[1]);
    if (symbols.length) return symbols[0][0];
    const lines = this.lines.map(([name, from, to]) => [name, distanceTo([x, y], from, to)])
      .filter(([, apart]) => apart <= near / 1.5).sort((a, b) => a[1] - b[1]);
    return lines.length ? lines[0][0] : null;
  }
}

// How sure a tree is, in a line below it.
function treeCaption(data, widths) {
  const parts = widths.flatMap((width) => {
    const key = data.rung(width) ? String(width) : Object.keys(data.attributes.coverage ?? {})[0];
    const met = data.attributes.coverage?.[key];
    const climbed = data.attributes.transition_search?.[key]?.coverage;
    const share = ({ coverage, coverage_interval: ends }) =>
      `${(100 * coverage).toFixed(1)} % (${ends.map((end) => (100 * end).toFixed(1)).join(" to ")})`;
    const told = [
      ...(met?.coverage_interval ? [`of starts ${share(met)}`] : []),
      ...(climbed?.starts && climbed.coverage_interval ? [`of climbs to passes ${share(climbed)}`] : []),
    ];
    return told.length ? [`${data.rung(width) && widths.length > 1 ? `${data.rung(width)}: ` : ""}${told.join(", ")}`] : [];
  });
  const open = data.edges.filter((edge) => edge.verified === false).length;
  return [
    ...(parts.length ? [`Estimated coverage ${parts.join("; ")}.`] : ["How much was searched is not known."]),
    ...(open ? [`${counted(open, data.words.passage, data.words.passages)} not verified: dashed, ${open === 1 ? "joins" : "join"} nothing.`] : []),
    ...(data.edges.some((edge) => edge.verified === undefined && edge.kind !== "lineage") ? ["Whether passes were verified is not known."] : []),
  ].join(" ");
}
