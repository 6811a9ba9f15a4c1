// Reads the data, wires the controls, keeps drawing, tables and panel in step.

const data = await readData();
const byId = (id) => document.getElementById(id);
data.nodeById = Object.fromEntries(data.nodes.map((record) => [record.id, record]));
data.edgeById = Object.fromEntries(data.edges.map((record) => [record.id, record]));
data.besideById = Object.fromEntries([...data.pairs, ...data.ends].map((record) => [record.id, record]));
data.all = data.nodes.length + data.edges.length + data.pairs.length + data.ends.length;
// A landscape without widths is one column, which has no name.
data.named = data.attributes.model === undefined;
for (const record of data.nodes) record.width ??= 0;
// What a column is called: a width, or a value of the parameter; nothing where there is one only.
data.rung = (width) => data.rungs[width] ?? "";
// Of many families the graph draws some, which have a look of their own; the others share those of
// their kinds.
const drawn = data.drawn && new Set(data.drawn);
if (drawn) data.nodes.forEach((record, place) => { data.looks[record.id] ??= data.legend.node[data.styles[place]]; });
data.graph = {
  nodes: drawn ? data.nodes.filter((record) => drawn.has(record.id)) : data.nodes,
  edges: drawn ? data.edges.filter((edge) => drawn.has(edge.from_id) && drawn.has(edge.to_id)) : data.edges,
};
data.widths = [...new Set(data.nodes.map((record) => record.width))].sort((a, b) => a - b);

// The same width as in the style sheet.
const narrow = window.matchMedia("(max-width: 820px)");
const scales = makeScales(data);
const state = { scale: "linear", tab: "node", chosen: null, views: new Set(["graph"]), bright: null, there: null, colouring: colouring(data, ""), off: { widths: new Set(), families: new Set(), edges: new Set(), beside: new Set() } };

const large = data.graph.nodes.length + data.graph.edges.length > MANY;
const cy = cytoscape({
  container: byId("network"),
  elements: makeElements(data),
  // The style comes with the first fit, when sizes are known.
  style: [],
  layout: { name: "preset", fit: false },
  autoungrabify: true,
  boxSelectionEnabled: false,
  minZoom: 0.02,
  maxZoom: 60,
  pixelRatio: large ? 1 : "auto",
  hideEdgesOnViewport: large,
});
const table = new Table(byId("table"), choose);
const hooks = {
  choose,
  tip: (id, x, y) => (id ? showTip(id, x, y) : hideTip()),
  chosen: () => state.chosen,
  scale: () => (state.scale === "even" ? scales.linear : scales[state.scale]),
  widthShown: (width) => !state.off.widths.has(String(width)),
  shown: (id) => !state.there || state.there.has(id),
  dim: () => (id) => Boolean(state.bright) && !state.bright.has(id),
  colour: () => state.colouring.of,
};
const planes = {
  tree: new TreeView(byId("tree"), data, { ...hooks, tip: (id, x, y) => hooks.tip(id, x + byId("pane-tree").offsetLeft, y) }),
  map: new MapView(byId("map"), data, { ...hooks, tip: (id, x, y) => hooks.tip(id, x + byId("pane-map").offsetLeft, y) }),
};

function subtitle() {
  const { attributes } = data;
  const parts = [
    attributes.dim === undefined ? "" : attributes.dim === "infinite" ? "inputs of any dimension" : `dimension ${attributes.dim}`,
    countedMinima(data, data.nodes.length),
    counted(data.transitions ?? data.edges.filter((edge) => edge.kind !== "lineage").length, data.words.passage, data.words.passages),
    attributes.seed === undefined ? "" : `seed ${attributes.seed}`,
    attributes.landtopo_version === undefined ? "" : `landtopo ${attributes.landtopo_version}`,
  ];
  byId("subtitle").textContent = parts.filter((part) => part).join(" · ");
}

// The words of the page that depend on what the landscape is of.
function wording() {
  if (data.named) return;
  const { parameter } = data.attributes;
  if (parameter) byId("widths").querySelector("legend").textContent = parameter.name;
  else byId("widths").hidden = true;
  byId("tab-widths").hidden = true;
  byId("families-legend").textContent = "Minima";
  byId("tab-node").textContent = "Minima";
  byId("search").placeholder = "text, or index=1 loss<0.5";
  byId("drawing").setAttribute("aria-label", "The graph: energy as height. The tables below hold the same.");
  const [linear, log] = byId("scale").options;
  linear.textContent = "energy";
  log.textContent = "energy, logarithmic";
}

function checkbox(group, value, text, sign) {
  const box = element("input", { type: "checkbox", checked: true, value, onchange: () => {
    if (box.checked) state.off[group].delete(String(value));
    else state.off[group].add(String(value));
    update();
  } });
  byId(group).append(element("label", {}, box, ...(sign ? [sign] : []), text));
}

function visibleRecords() {
  const { test, hint } = compileQuery(byId("search").value, data.columns);
  const asked = byId("search").value.trim() !== "" && !hint;
  const nodes = data.nodes.filter((record) =>
    !state.off.widths.has(String(record.width)) && !state.off.families.has(data.looks[record.id].style));
  const there = new Set(nodes.map((record) => record.id));
  const edges = data.edges.filter((record) =>
    there.has(record.from_id) && there.has(record.to_id) && !state.off.edges.has(data.edgeLooks[record.id].style));
  const beside = [...data.pairs, ...data.ends].filter((record) =>
    !state.off.widths.has(String(record.width)) && !state.off.beside.has(besideLook(record).name)
    && (record.from_id === undefined || (there.has(record.from_id) && there.has(record.to_id))));
  const foundNodes = nodes.filter(test);
  const found = new Set(foundNodes.map((record) => record.id));
  const foundEdges = edges.filter((record) => test(record) || (found.has(record.from_id) && found.has(record.to_id)));
  return { asked, hint, nodes, edges, beside, foundNodes, foundEdges };
}

const besideLook = (record) => (record.from_id === undefined ? data.endLook : data.pairLook);

const same = (one, other) => one.size === other.size && [...one].every((id) => other.has(id));

let shownCounts = {};

function update() {
  const { asked, hint, nodes, edges, beside, foundNodes, foundEdges } = visibleRecords();
  const there = new Set([...nodes, ...edges, ...beside].map((record) => record.id));
  const bright = new Set([...foundNodes, ...foundEdges, ...(asked ? [] : beside)].map((record) => record.id));
  // Of thousands, asking for classes that have not changed would take as long as drawing them.
  const changed = (state.there ? !same(state.there, there) : there.size !== data.all) || !same(state.bright ?? there, bright);
  const before = changed ? cy.elements(":visible").length : 0;
  if (changed) {
    cy.batch(() => cy.elements().forEach((item) => {
      item.toggleClass("hidden", !there.has(item.id()));
      item.toggleClass("dim", there.has(item.id()) && !bright.has(item.id()));
    }));
  }
  state.there = there;
  state.bright = bright;
  if (changed && cy.elements(":visible").length !== before) placeNames(cy, data, state.shape);
  shownCounts = {};
  for (const record of foundNodes) shownCounts[record.width] = (shownCounts[record.width] || 0) + 1;
  byId("found").textContent = asked
    ? `${countedMinima(data, foundNodes.length)}, ${counted(foundEdges.length, "edge", "edges")}`
    : "";
  byId("hint").textContent = hint;
  byId("hint").hidden = !hint;
  // In the table passes come first: lineage edges have none of the first columns.
  const lineage = (record) => Number(record.kind === "lineage");
  state.found = { node: foundNodes, edge: [...foundEdges].sort((a, b) => lineage(a) - lineage(b)) };
  showTab(state.tab);
  axes();
  redraw();
}

// The tree and the map, in step with all else.
function redraw() {
  for (const name of state.views) planes[name]?.draw();
  byId("least-told").textContent = planes.tree.told();
  byId("tree-told").textContent = treeCaption(data, data.widths.filter(hooks.widthShown));
}

// Views stand side by side; a telephone has room for one.
function toggleView(name) {
  const views = state.views;
  if (narrow.matches || (views.has(name) && views.size === 1)) views.clear();
  if (views.has(name)) views.delete(name);
  else views.add(name);
  showViews();
}

function showViews() {
  for (const name of ["graph", "tree", "map"]) {
    byId(`pane-${name}`).hidden = !state.views.has(name);
    byId(`view-${name}`).setAttribute("aria-pressed", String(state.views.has(name)));
  }
  if (state.views.has("graph")) fit();
  redraw();
}

function recolour(name) {
  byId("colour").value = name;
  state.colouring = colouring(data, name);
  byId("keys").replaceChildren(...colourKeys(state.colouring));
  cy.batch(() => { for (const record of data.graph.nodes) cy.getElementById(record.id).data("color", state.colouring.of(record)); });
  redraw();
}

const TABS = [...(data.widthTable ? ["widths"] : []), "node", "edge", "columns", "about"];

function showTab(tab) {
  state.tab = tab;
  for (const name of TABS) {
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === tab));
    byId(`tab-${name}`).tabIndex = name === tab ? 0 : -1;
  }
  byId("table").setAttribute("aria-labelledby", `tab-${tab}`);
  if (tab === "node" || tab === "edge") {
    table.show(tab, data.columns[tab], state.found[tab]);
  } else if (tab === "widths") {
    table.plain(data.widthTable.header, data.widthTable.rows);
  } else if (tab === "columns") {
    const rows = ["node", "edge", "graph"].flatMap((owner) => data.columns[owner].map((column) =>
      [{ node: data.words.one, edge: "edge", graph: "graph" }[owner], column.name, column.type, column.unit, column.meaning]));
    table.plain(["of", "column", "type", "unit", "meaning"], rows);
  } else {
    table.plain(["attribute", "meaning", "value"], data.columns.graph.map((column) => {
      const value = data.attributes[column.name];
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      return [column.name, column.meaning, text.length > 400 ? `${text.slice(0, 400)} … (${text.length} characters)` : text];
    }));
  }
}

function choose(id) {
  const record = data.nodeById[id] || data.edgeById[id] || data.besideById[id];
  cy.elements(".chosen").removeClass("chosen");
  state.chosen = record ? id : null;
  // The family from which keys go along edges.
  if (!record || data.nodeById[id]) state.family = state.chosen;
  else if (![record.from_id, record.to_id].includes(state.family)) state.family = record.from_id;
  table.mark(state.chosen);
  const panel = byId("panel");
  const shown = data.nodeById[id] ? familyPanel : data.edgeById[id] ? edgePanel : besidePanel;
  panel.replaceChildren(...(record ? shown(record, data, choose) : overview(data)));
  panel.scrollTop = 0;
  // On a narrow screen the panel is a sheet below the drawing: both come into sight.
  if (record && narrow.matches) byId("drawing").scrollIntoView({ block: "start" });
  const item = cy.getElementById(id ?? "");
  const near = record ? item.union(item.isNode() ? item.closedNeighborhood() : item.connectedNodes()) : null;
  cy.batch(() => {
    cy.elements(".near").removeClass("near");
    if (near) near.addClass("near");
    // In a crowd what the chosen one is joined with can only be seen when the rest steps back.
    if (large && state.faded) cy.elements().removeClass("faded");
    state.faded = Boolean(near);
    if (large && near) cy.elements().difference(near).addClass("faded");
  });
  if (record) item.addClass("chosen");
  redraw();
}

// Keys in the graph: families and edges one after the other, as they can be seen.
function graphKey(event) {
  const near = (ids, step) => ids[(Math.max(ids.indexOf(state.chosen), step > 0 ? -1 : 0) + step + ids.length) % ids.length];
  const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const along = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const seen = (records) => records.map((record) => record.id).filter((id) => state.there.has(id));
  if (across) {
    const { family } = state;
    if (data.edgeById[state.chosen]) choose(family);
    choose(near(seen(data.graph.nodes), across) ?? null);
  } else if (along && state.family) {
    // Passes first, as in the panel.
    const joined = data.graph.edges.filter((edge) => edge.from_id === state.family || edge.to_id === state.family)
      .sort((a, b) => Number(a.kind === "lineage") - Number(b.kind === "lineage"));
    choose(near([state.family, ...seen(joined)], along));
  } else if (event.key === "+" || event.key === "=" || event.key === "-") {
    const [x, y] = [cy.width() / 2, cy.height() / 2];
    cy.zoom({ level: cy.zoom() * (event.key === "-" ? 1 / 1.3 : 1.3), renderedPosition: { x, y } });
  } else if (event.key === "0") fit();
  else if (event.key === "Escape") choose(null);
  else return;
  event.preventDefault();
}

// Arrow keys go from tab to tab.
function tabKey(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const next = TABS[(TABS.indexOf(state.tab) + step + TABS.length) % TABS.length];
  showTab(next);
  byId(`tab-${next}`).focus();
  event.preventDefault();
}

function axes() {
  drawAxes(byId("axes"), cy, data, scales[state.scale], state.shape.stretch, shownCounts);
}

function rescale(name) {
  state.scale = name;
  byId("scale").value = name;
  fit();
  redraw();
}

// All columns side by side, the highest pass below their names.
function fit() {
  const pane = byId("pane-graph");
  state.fitted = pane.clientWidth > 0;
  state.shape = shapeFor(data, pane);
  cy.resize();
  place(cy, data, scales[state.scale], state.shape);
  const zoom = 1 / state.shape.unit;
  cy.viewport({ zoom, pan: { x: LABELS + (BAND / 2 + MARGIN) * zoom, y: pane.clientHeight - 70 } });
  axes();
}

function tip(event) {
  event.target.addClass("hover");
  const { x, y } = event.renderedPosition;
  showTip(event.target.id(), x, y);
}

const hideTip = () => { byId("tip").hidden = true; };

function showTip(id, x, y) {
  const beside = data.besideById[id];
  const record = beside || data.nodeById[id] || data.edgeById[id];
  const name = beside ? besideLook(beside).name : (data.looks[id] || data.edgeLooks[id]).style;
  const loss = record.loss === undefined ? "" : `, ${data.words.value} ${lossText(record.loss)}`;
  const ends = record.from_id === undefined ? "" : `, ${record.from_id} to ${record.to_id}`;
  byId("tip").textContent = `${record.id}: ${name}${ends}${loss}`;
  byId("tip").hidden = false;
  const box = byId("drawing");
  const { offsetWidth: wide, offsetHeight: high } = byId("tip");
  byId("tip").style.left = `${Math.max(0, Math.min(x + 14, box.clientWidth - wide - 4))}px`;
  byId("tip").style.top = `${Math.max(0, Math.min(y + 14, box.clientHeight - high - 4))}px`;
}

function start() {
  subtitle();
  wording();
  for (const width of data.widths.filter(data.rung)) checkbox("widths", width, data.rung(width).replace(/^(width|.* =) /, ""));
  for (const look of data.legend.node) checkbox("families", look.style, look.style, symbol(look));
  for (const look of data.legend.edge) checkbox("edges", look.style, look.style, stroke(look));
  if (data.pairs.length) checkbox("beside", data.pairLook.name, data.pairLook.name, stroke(data.pairLook));
  if (data.ends.length) checkbox("beside", data.endLook.name, data.endLook.name, symbol(data.endLook));
  byId("beside").hidden = !data.pairs.length && !data.ends.length;
  byId("scale").addEventListener("change", (event) => rescale(event.target.value));
  byId("fit").addEventListener("click", () => {
    for (const plane of Object.values(planes)) plane.reset();
    fit();
    redraw();
  });
  for (const name of ["graph", "tree", "map"]) byId(`view-${name}`).addEventListener("click", () => toggleView(name));
  byId("view-map").hidden = !data.maps.length;
  byId("view-tree").hidden = !data.trees.length;
  for (const { name, meaning } of colourColumns(data)) byId("colour").append(element("option", { value: name, title: meaning }, name));
  byId("colour").addEventListener("change", (event) => recolour(event.target.value));
  byId("least").addEventListener("input", (event) => { planes.tree.setLeast(Number(event.target.value)); redraw(); });
  byId("least").value = planes.tree.start;
  planes.tree.setLeast(planes.tree.start);
  byId("more").addEventListener("click", (event) => {
    const open = event.target.getAttribute("aria-expanded") === "true";
    event.target.setAttribute("aria-expanded", String(!open));
  });
  narrow.addEventListener("change", () => {
    if (narrow.matches) state.views = new Set([...state.views].slice(0, 1));
    showViews();
    table.fill(true);
  });
  let waiting = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  for (const name of TABS) {
    byId(`tab-${name}`).addEventListener("click", () => { byId("table").scrollTop = 0; showTab(name); });
  }
  byId("network").addEventListener("keydown", graphKey);
  document.querySelector('[role="tablist"]').addEventListener("keydown", tabKey);
  window.addEventListener("beforeprint", fit);
  cy.on("tap", (event) => choose(event.target === cy ? null : event.target.id()));
  cy.on("mouseover", "node, edge", tip);
  cy.on("mouseout", "node, edge", (event) => {
    event.target.removeClass("hover");
    hideTip();
  });
  cy.on("viewport resize", axes);
  fit();
  // The frame of a notebook has no size yet when its page is read.
  new ResizeObserver(() => { if (!state.fitted) fit(); }).observe(byId("pane-graph"));
  update();
  choose(null);
  // For whoever wants to go on from here in the browser's console.
  performance.mark("landtopo");
  window.landtopo = { cy, data, choose, rescale, planes, toggleView, recolour };
}

start();
