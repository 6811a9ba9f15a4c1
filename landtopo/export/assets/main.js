// Reads the data, wires the controls, keeps drawing, tables and panel in step.

const data = await readData();
const byId = (id) => document.getElementById(id);
data.nodeById = Object.fromEntries(data.nodes.map((record) => [record.id, record]));
data.edgeById = Object.fromEntries(data.edges.map((record) => [record.id, record]));
data.besideById = Object.fromEntries([...data.pairs, ...data.ends].map((record) => [record.id, record]));
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
const state = { scale: "linear", counts: {}, tab: "node", chosen: null, views: new Set(["graph"]), bright: null, there: null, colouring: colouring(data, ""), off: { widths: new Set(), families: new Set(), edges: new Set(), beside: new Set() } };

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
  graph: new GraphView(byId("network"), data, { ...hooks, height: () => scales[state.scale], counts: () => state.counts }),
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

function update() {
  const { asked, hint, nodes, edges, beside, foundNodes, foundEdges } = visibleRecords();
  const there = new Set([...nodes, ...edges, ...beside].map((record) => record.id));
  const bright = new Set([...foundNodes, ...foundEdges, ...(asked ? [] : beside)].map((record) => record.id));
  state.there = there;
  state.bright = bright;
  state.counts = {};
  for (const record of foundNodes) state.counts[record.width] = (state.counts[record.width] || 0) + 1;
  byId("found").textContent = asked
    ? `${countedMinima(data, foundNodes.length)}, ${counted(foundEdges.length, "edge", "edges")}`
    : "";
  byId("hint").textContent = hint;
  byId("hint").hidden = !hint;
  // In the table passes come first: lineage edges have none of the first columns.
  const lineage = (record) => Number(record.kind === "lineage");
  state.found = { node: foundNodes, edge: [...foundEdges].sort((a, b) => lineage(a) - lineage(b)) };
  showTab(state.tab);
  redraw();
}

// Graph, tree and map, in step with all else.
function redraw() {
  for (const name of state.views) planes[name].draw();
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
  redraw();
}

function recolour(name) {
  byId("colour").value = name;
  state.colouring = colouring(data, name);
  byId("keys").replaceChildren(...colourKeys(state.colouring));
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
  state.chosen = record ? id : null;
  table.mark(state.chosen);
  const panel = byId("panel");
  const shown = data.nodeById[id] ? familyPanel : data.edgeById[id] ? edgePanel : besidePanel;
  panel.replaceChildren(...(record ? shown(record, data, choose) : overview(data)));
  panel.scrollTop = 0;
  // On a narrow screen the panel is a sheet below the drawing: both come into sight.
  if (record && narrow.matches) byId("drawing").scrollIntoView({ block: "start" });
  redraw();
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

function rescale(name) {
  state.scale = name;
  byId("scale").value = name;
  planes.graph.reset();
  redraw();
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
  document.querySelector('[role="tablist"]').addEventListener("keydown", tabKey);
  window.addEventListener("beforeprint", redraw);
  byId("panel").replaceChildren(...overview(data));
  update();
  // For whoever wants to go on from here in the browser's console.
  performance.mark("landtopo");
  window.landtopo = { data, choose, rescale, planes, toggleView, recolour };
}

start();
