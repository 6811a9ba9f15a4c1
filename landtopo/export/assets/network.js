// The drawing: widths as columns, loss as height, every pass as an arc whose top is its loss.

// Distance of columns and width of the band that the families of a width fill, in drawing units,
// as landtopo lays them out; a full column is HEIGHT high before the drawing is fitted.
const COLUMN = 400;
const BAND = 240;
const HEIGHT = 1000;
// Room beside the outer columns, in drawing units, and for the labels of the axis, in pixels.
const MARGIN = 40;
const LABELS = 44;
// From so many families and edges on, speed counts for more than looks.
const MANY = 1000;
// Below this a loss is rounding error of an exact zero.
const ZERO = 1e-14;

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

// Control point of an arc from (x0, y0) to (x1, y1) whose highest point is at `top`: the largest
// value of the quadratic Bezier curve with heights 0, c, e over y0 is c^2 / (2c - e).
function arc(start, end, top, aside) {
  const rise = end.y - start.y;
  const height = Math.max(top - start.y, rise, 0);
  const control = {
    x: (start.x + end.x) / 2 + aside,
    y: start.y + height + Math.sqrt(height * (height - rise)),
  };
  const along = { x: end.x - start.x, y: rise };
  const length = Math.hypot(along.x, along.y) || 1;
  const to = { x: control.x - start.x, y: control.y - start.y };
  return {
    weight: (to.x * along.x + to.y * along.y) / length ** 2,
    // Cytoscape measures to the side with its y axis pointing down.
    distance: (to.x * along.y - to.y * along.x) / length,
  };
}

// How crowded the fullest column is: above 60 families, fewer where a column has less than 150
// pixels, symbols shrink and lines get fainter.
function crowding(data, unit) {
  const counts = {};
  for (const record of data.graph.nodes) counts[record.width] = (counts[record.width] || 0) + 1;
  const room = 60 * Math.min(1, BAND / unit / 150);
  return Math.max(1, Math.max(0, ...Object.values(counts)) / room);
}

// How far heights are stretched so that the drawing fills a box, and how many drawing units a
// pixel of text and symbols then takes.
function shapeFor(data, box) {
  const across = (data.widths.length - 1) * COLUMN + BAND + 2 * MARGIN;
  const unit = across / Math.max(box.clientWidth - LABELS, 100);
  const stretch = Math.max(0.02, ((box.clientHeight - 140) * unit) / HEIGHT);
  return { unit, stretch, shrink: 1 / Math.sqrt(crowding(data, unit)) };
}

// Where everything is on a height scale: nodes at their loss, passes as arcs, by id.
function geometry(data, scale, { unit, stretch }) {
  const up = (loss) => stretch * scale.height(loss);
  const nodes = {};
  for (const record of data.graph.nodes) {
    const look = data.looks[record.id];
    nodes[record.id] = { x: look.x, y: scale.height ? up(record.loss) : stretch * look.y_even };
  }
  // Points that are no families have no rank: on the even scale they stand at the top.
  for (const end of data.ends) nodes[end.id] = { x: end.x, y: scale.height ? up(end.loss) : stretch * HEIGHT };
  const edges = {};
  const seen = {};
  for (const record of data.graph.edges) {
    if (record.kind === "lineage") continue;
    const [start, end] = [nodes[record.from_id], nodes[record.to_id]];
    const pair = [record.from_id, record.to_id].sort().join(" ");
    const nth = (seen[pair] = (seen[pair] ?? -1) + 1);
    const highest = Math.max(start.y, end.y);
    const top = scale.height ? Math.max(up(record.loss), highest) : highest + (44 + 14 * nth) * unit;
    const aside = nth ? 16 * unit * Math.ceil(nth / 2) * (nth % 2 ? 1 : -1) : 0;
    edges[record.id] = start === end ? loop(top - start.y, nth, unit) : arc(start, end, top, aside);
  }
  return { nodes, edges };
}

// A loop of the given height over its family; one that would hardly be seen sits beside it.
function loop(rise, nth, unit) {
  const low = rise < 30 * unit;
  const height = low ? (44 + 12 * nth) * unit : rise;
  // Cytoscape makes loops of equal direction and sweep larger one by one; tiny differences keep
  // every loop at its own height.
  const sweep = 2 * Math.atan(((14 + 6 * nth) * unit) / height) + nth * 1e-6;
  return {
    direction: low ? "90deg" : "0deg",
    sweep: `${sweep}rad`,
    distance: height / (1.4 * Math.cos(sweep / 2)),
  };
}

function makeElements(data) {
  const nodes = data.graph.nodes.map((record) => ({
    group: "nodes",
    data: { id: record.id, color: data.looks[record.id].color },
    classes: data.looks[record.id].shape,
  }));
  const edges = data.graph.edges.map((record) => ({
    group: "edges",
    classes: record.kind === "lineage" ? "lineage" : record.from_id === record.to_id ? "loop" : "pass",
    data: { id: record.id, source: record.from_id, target: record.to_id },
  }));
  const ends = data.ends.map((record) => ({ group: "nodes", data: { id: record.id, color: "#fff" }, classes: "beside" }));
  const there = new Set(nodes.map((node) => node.data.id));
  const pairs = data.pairs.filter((pair) => there.has(pair.from_id) && there.has(pair.to_id)).map((record) => ({
    group: "edges", classes: "beside", data: { id: record.id, source: record.from_id, target: record.to_id },
  }));
  return [...nodes, ...ends, ...edges, ...pairs];
}

// Sizes are in drawing units, so that they are right on the screen when the drawing is fitted.
function makeStyle(data, { unit, shrink }) {
  const crowded = shrink < 1;
  const look = (item) => data.edgeLooks[item.id()] ?? { ...data.pairLook, line: data.pairLook.shape };
  const place = (name) => (item) => item.scratch("place")[name];
  const lineage = crowded
    // Thousands of arrows would hide what they join and take seconds to draw.
    ? { "curve-style": "haystack", "line-style": "solid", opacity: 0.3, width: 0.5 * unit }
    : {
      "curve-style": "bezier", "control-point-step-size": 16 * unit, opacity: 0.9, width: 1.2 * unit,
      "line-dash-pattern": [1.5 * unit, 3 * unit],
      "line-style": (item) => (look(item).line === "dotted" ? "dashed" : look(item).line),
      "target-arrow-shape": "triangle", "target-arrow-color": (item) => look(item).color, "arrow-scale": 0.8 * unit,
    };
  // Ends at the centres: where symbols overlap, other ends would turn an arc's sides around.
  const inside = { "source-endpoint": "0px 0px", "target-endpoint": "0px 0px" };
  const diameter = (item) => (data.looks[item.id()]?.size ?? 14) * unit * shrink;
  return [
    { selector: "node", style: {
      width: diameter, height: diameter, "background-color": "data(color)",
      "border-width": unit * Math.max(shrink, 0.5), "border-color": INK,
      label: (item) => (item.scratch("side") ? item.id() : ""), color: INK,
      "font-size": LETTERS * unit * shrink, "min-zoomed-font-size": 8, "font-family": "system-ui, DejaVu Sans, sans-serif",
      "text-halign": (item) => SIDES[item.scratch("side")]?.[0] ?? "center",
      "text-valign": (item) => SIDES[item.scratch("side")]?.[1] ?? "bottom",
      "text-margin-x": (item) => toSide(item, 0) * GAP * unit * shrink,
      "text-margin-y": (item) => toSide(item, 1) * GAP * unit * shrink,
      "text-background-color": "#fff", "text-background-opacity": crowded ? 0 : 0.8,
    } },
    { selector: "node.square", style: { shape: "round-rectangle" } },
    { selector: "node.diamond", style: { shape: "diamond" } },
    { selector: "edge", style: {
      width: (item) => look(item).thickness * unit * (crowded ? 0.5 : 1),
      "line-color": (item) => look(item).color, "line-style": (item) => look(item).line, opacity: 0.75,
    } },
    { selector: "edge.lineage", style: lineage },
    { selector: "edge.pass", style: {
      "curve-style": "unbundled-bezier", "edge-distances": "endpoints", ...inside,
      "control-point-weights": place("weight"), "control-point-distances": place("distance"),
    } },
    { selector: "edge.loop", style: {
      "curve-style": "bezier", ...inside, "control-point-step-size": place("distance"),
      "loop-direction": place("direction"), "loop-sweep": place("sweep"),
    } },
    { selector: "edge.beside", style: { "curve-style": "straight", "line-style": "dashed", "line-dash-pattern": [3 * unit, 4 * unit] } },
    { selector: "node.beside", style: { "border-width": 1.6 * unit } },
    { selector: ".hidden", style: { display: "none" } },
    { selector: ".dim", style: { opacity: 0.12 } },
    { selector: ".hover", style: { "underlay-color": "#8c959f", "underlay-opacity": 0.35, "underlay-shape": "ellipse", "underlay-padding": 6 * unit } },
    { selector: ".faded", style: { opacity: 0.1 } },
    { selector: ".near", style: { opacity: 1, "z-index": 8 } },
    { selector: ".chosen", style: {
      "underlay-color": "#54aeff", "underlay-opacity": 0.6, "underlay-shape": "ellipse", "underlay-padding": 6 * unit, opacity: 1, "z-index": 9,
    } },
    { selector: "node.chosen", style: { label: "data(id)" } },
  ];
}

// Put everything in its place on a height scale.
function place(cy, data, scale, shape) {
  const { nodes, edges } = geometry(data, scale, shape);
  cy.batch(() => {
    for (const [id, { x, y }] of Object.entries(nodes)) cy.getElementById(id).position({ x, y: -y });
    for (const [id, where] of Object.entries(edges)) cy.getElementById(id).scratch("place", where);
  });
  cy.nodes().forEach((item) => item.scratch("side", "below"));
  cy.style(makeStyle(data, shape));
  placeNames(cy, data, shape);
}

// Give the names of what is shown their sides. Of thousands none can be read.
function placeNames(cy, data, { unit, shrink }) {
  const [first, last] = [-BAND / 2 - MARGIN, (data.widths.length - 1) * COLUMN + BAND / 2 + MARGIN];
  if (cy.elements().length <= MANY) nameSides(cy, unit * shrink, first, last);
}

// What stands above the columns: the longest form for which all of them have room.
function columnHeads(pen, data, zoom, pan, shown, across) {
  const { widths } = data;
  const number = (one) => (data.named ? counted(shown[one] || 0, "family", "families") : countedMinima(data, shown[one] || 0));
  const forms = !data.rung(widths[0]) ? [number, (one) => `${shown[one] || 0}`] : [
    (one) => `${data.rung(one)} · ${number(one)}`,
    (one) => data.rung(one),
    (one) => data.rung(one).replace(/^(width|.* =) /, ""),
  ];
  const sized = forms.map((form) => widths.map((one, index) => {
    const text = form(one);
    return { text, wide: pen.measureText(text).width, middle: index * COLUMN * zoom + pan.x };
  }));
  const fits = (heads) => heads.every(({ wide }) => wide + 16 < COLUMN * zoom);
  const heads = sized.find(fits) ?? sized[sized.length - 1];
  // The outermost ones move inwards rather than being cut.
  return heads.map((head) => {
    const half = head.wide / 2 + 6;
    const seen = head.middle > -half && head.middle < across + half && (heads.length === 1 || COLUMN * zoom > 2 * half);
    const inside = Math.min(Math.max(head.middle, half), across - half);
    return { ...head, middle: seen && Math.abs(inside - head.middle) < half ? inside : head.middle };
  });
}

// Columns, their names and the loss axis, behind the graph and in step with it.
function drawAxes(plane, cy, data, scale, stretch, shown) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = plane;
  plane.width = Math.round(width * ratio);
  plane.height = Math.round(height * ratio);
  const pen = plane.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = FONT;
  const zoom = cy.zoom();
  const pan = cy.pan();
  data.widths.forEach((studentWidth, index) => {
    const middle = index * COLUMN * zoom + pan.x;
    pen.fillStyle = "#f6f8fa";
    pen.fillRect(middle - (BAND / 2 + 30) * zoom, 0, (BAND + 60) * zoom, height);
  });
  pen.textBaseline = "middle";
  let last = Infinity;
  for (const [level, text] of scale.ticks((pan.y - height) / zoom / stretch, pan.y / zoom / stretch)) {
    const y = pan.y - level * stretch * zoom;
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
    pen.textAlign = "left";
    pen.fillText(text, 8, y);
  }
  pen.textAlign = "center";
  pen.font = `600 ${FONT}`;
  for (const { text, middle, wide } of columnHeads(pen, data, zoom, pan, shown, width)) {
    pen.fillStyle = "rgba(255,255,255,0.9)";
    pen.fillRect(middle - wide / 2 - 6, 4, wide + 12, 20);
    pen.fillStyle = INK;
    pen.fillText(text, middle, 14);
  }
}
