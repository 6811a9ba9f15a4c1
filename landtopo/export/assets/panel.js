// What is known of one family or one edge.

const SYMBOLS = {
  square: '<rect x="2" y="2" width="10" height="10" rx="2"',
  diamond: '<path d="M7 1 13 7 7 13 1 7z"',
  circle: '<circle cx="7" cy="7" r="5.5"',
  hollow: '<circle cx="7" cy="7" r="4.5"',
};

function symbol(look) {
  const holder = element("span", {});
  holder.innerHTML = `<svg width="14" height="14" aria-hidden="true">${SYMBOLS[look.shape]}
    fill="${look.shape === "hollow" ? "#fff" : look.color}" stroke="#1b1f24"/></svg>`;
  return holder.firstChild;
}

function stroke(look) {
  const dash = { dashed: "6 3", dotted: "2 3", solid: "" }[look.line ?? look.shape];
  const holder = element("span", {});
  holder.innerHTML = `<svg width="24" height="14" aria-hidden="true"><line x1="1" x2="23" y1="7" y2="7"
    stroke="${look.color}" stroke-width="${Math.max(2, look.thickness)}" stroke-dasharray="${dash}"/></svg>`;
  return holder.firstChild;
}

const PICTURES = ["weights", "eigenvalues", "profile", "id", "description", "coordinates"];

function values(record, columns) {
  const rows = columns
    .filter((column) => record[column.name] !== undefined && !PICTURES.includes(column.name))
    .map((column) => {
      const unit = column.unit ? [element("span", { class: "unit" }, column.unit)] : [];
      const text = ["matrix", "vector", "structure"].includes(column.type)
        ? JSON.stringify(record[column.name])
        : cell(record[column.name], column);
      return element("tr", {},
        element("td", { title: column.meaning }, column.name),
        element("td", { title: String(record[column.name]) }, text, ...unit));
    });
  return element("table", { class: "values" }, element("tbody", {}, ...rows));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const placed = (style, record, data) => [style, data.rung(record.width)].filter(Boolean).join(", ");

// As many to a row as have room.
function coordinates(values) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // What is left of an exact zero is shown as zero.
  const shown = (value) => (Math.abs(value) < 1e-12 * largest ? "0" : brief(value));
  return element("ol", { class: "coordinates" }, ...values.map((value) => element("li", { title: String(value) }, shown(value))));
}

function section(title, content) {
  return content ? [element("h3", {}, title), content] : [];
}

// Of neurons, and of teacher neurons where those have to be renumbered too.
function permutation(edge) {
  const teachers = edge.teacher_permutation ?? "()";
  const neurons = edge.permutation === "()" && edge.cycle_type === undefined ? "" : edge.permutation ?? "";
  return [neurons, ...(teachers === "()" ? [] : [`teacher ${teachers}`])].filter((part) => part).join(", ");
}

function edgeLine(edge, id, choose) {
  const other = edge.from_id === id ? edge.to_id : edge.from_id;
  const neuron = edge.neuron === undefined ? "" : ` of ${edge.neuron}`;
  const name = edge.kind === "lineage"
    ? `${edge.fate ?? "lineage"}${edge.operation ? ` (${edge.operation}${neuron})` : ""}`
    : `${edge.kind} ${permutation(edge)}`;
  const barrier = edge.from_id === id ? edge.barrier_from : edge.barrier_to;
  const amount = edge.kind === "lineage"
    ? (edge.fraction === undefined || edge.fate === "stays" ? "" : `${brief(100 * edge.fraction)} %`)
    : (barrier === undefined ? "" : `barrier ${brief(barrier)}`);
  const target = other === id ? "its own copies" : other;
  const arrow = edge.kind !== "lineage" ? "↔" : edge.from_id === id ? "→" : "←";
  const button = element("button", { type: "button", onclick: () => choose(edge.id) },
    element("span", {}, `${edge.id} ${arrow} ${target}`), element("span", {}, `${name} ${amount}`));
  return element("li", {}, button);
}

// What one more neuron does, or the next value of a parameter.
function oneMore(record, data, lines) {
  if (!data.named) return section("Next value of the parameter", lines);
  const psi = record.psi_min;
  const slope = psi === undefined ? "" : psi < -1e-9
    ? `A new neuron that grows from zero in the best direction goes down: its slope is ${brief(psi)}.`
    : "No direction was found in which a new neuron, growing from zero, goes down at first order.";
  const none = lines ? "" : "What becomes of it at the next width was not studied.";
  if (!slope && !lines) return [];
  return section("One more neuron", element("div", {}, ...[slope, none].filter(Boolean).map((text) => element("p", {}, text)), ...(lines ? [lines] : [])));
}

function familyPanel(record, data, choose) {
  const look = data.looks[record.id];
  const own = data.edges.filter((edge) => edge.from_id === record.id || edge.to_id === record.id);
  const list = (edges) => edges.length &&
    element("ul", { class: "links" }, ...edges.map((edge) => edgeLine(edge, record.id, choose)));
  const passes = own.filter((edge) => edge.kind !== "lineage").sort((a, b) => a.loss - b.loss);
  return [
    element("h2", {}, `${capital(data.words.one)} ${record.id}`),
    element("p", { class: "badge" }, symbol(look), placed(look.style, record, data)),
    ...(record.description ? [element("p", { id: "description" }, record.description)] : []),
    ...section("Weights", record.weights && weightsMap(record.weights, data.span)),
    ...section("Overlaps", overlapsOf(record, data)),
    ...section("Coordinates", record.coordinates && coordinates(record.coordinates)),
    ...section("Hessian spectrum", record.eigenvalues && record.eigenvalues.length && spectrum(record.eigenvalues)),
    ...section(`${capital(data.words.passages)}, lowest first`, list(passes)),
    ...oneMore(record, data, list(own.filter((edge) => edge.kind === "lineage" && edge.from_id === record.id))),
    ...section("Where it comes from", list(own.filter((edge) => edge.kind === "lineage" && edge.to_id === record.id))),
    ...section("Values", values(record, data.columns.node)),
  ];
}

function edgePanel(record, data, choose) {
  const look = data.edgeLooks[record.id];
  const title = record.kind === "lineage" ? "Lineage" : capital(data.words.passage);
  const value = data.words.value;
  const ends = [...new Set([record.from_id, record.to_id])].map((id) =>
    element("li", {}, element("button", { type: "button", onclick: () => choose(id) },
      element("span", {}, id), element("span", {}, data.nodeById[id].description ?? ""))));
  const top = record.loss === undefined ? "" : `Highest ${value} ${lossText(record.loss)}. ` +
    (record.barrier_from === undefined ? "" : `Barrier ${lossText(record.barrier_from)} from ${record.from_id}`) +
    (record.barrier_to === undefined || record.from_id === record.to_id ? "" : `, ${lossText(record.barrier_to)} from ${record.to_id}`) + ".";
  const names = [record.from_id, record.to_id];
  const drawn = record.profile && record.profile.length > 1;
  const profile = drawn && profileChart(record.profile, names, record.loss ?? -Infinity, value,
    `${capital(value)} along the path from ${names[0]} to ${names[1]}`);
  const close = drawn && closeUp(record.profile, names, value);
  return [
    element("h2", {}, `${title} ${record.id}`),
    element("p", { class: "badge" }, stroke(look), look.style),
    ...(top ? [element("p", { id: "barrier" }, top)] : []),
    ...(record.through_saddle ? [element("p", {}, "One descent keeps a symmetry of the saddle and ends in a lower saddle; from there it was followed on.")] : []),
    ...section("Barrier profile", profile),
    ...section("The lower barrier, close up", close),
    ...section("Along the way", alongWay(record, data)),
    ...(noWay(record, data) ? [element("p", { class: "hint" }, noWay(record, data))] : []),
    ...section("Joins", element("ul", { class: "links" }, ...ends)),
    ...section("Weights of the transition state", record.weights && weightsMap(record.weights, data.span)),
    ...section("Overlaps there", overlapsOf(record, data)),
    ...section("Coordinates of the transition state", record.coordinates && coordinates(record.coordinates)),
    ...section("Hessian spectrum there", record.eigenvalues && record.eigenvalues.length && spectrum(record.eigenvalues)),
    ...section("Values", values(record, data.columns.edge)),
  ];
}

// What nothing joins, and what may be a minimum.
function besidePanel(record, data, choose) {
  if (record.from_id === undefined) {
    return [
      element("h2", {}, `Undecided point ${record.id}`),
      element("p", { class: "badge" }, symbol(data.endLook), placed(data.endLook.name, record, data)),
      element("p", {}, record.text),
    ];
  }
  const ends = [record.from_id, record.to_id].map((id) =>
    element("li", {}, element("button", { type: "button", onclick: () => choose(id) },
      element("span", {}, id), element("span", {}, data.nodeById[id].description ?? ""))));
  return [
    element("h2", {}, "No path was found"),
    element("p", { class: "badge" }, stroke(data.pairLook), data.pairLook.name),
    element("p", {}, `${counted(record.tries, "band was", "bands were")} tried between these ${data.named ? "families" : "minima"}. There may be a path all the same.`),
    ...section("Between", element("ul", { class: "links" }, ...ends)),
  ];
}

const NETWORKS = [
  "Each symbol is a family of minima: one minimum up to permutations and symmetries. It grows with the share of the starts that end there. Columns are student widths, height is the loss.",
  "Each arc is a mountain pass: its top is at the loss of the transition state. A loop joins labelled copies of one family; a small one beside its family costs little or nothing to cross.",
  "Grey arrows lead to what a family becomes when one neuron is added: solid where it stays a minimum, dotted where it flows into another.",
];
const ENERGIES = [
  "Each symbol is a minimum with all its copies by symmetry, where a symmetry is known. It grows with the share of the starts that end there, where there were starts. Height is the energy.",
  "Each arc is a mountain pass: its top is at the energy of the transition state. A loop joins copies of one minimum; a small one beside its minimum costs little or nothing to cross.",
];

function overview(data) {
  const widths = data.story.flatMap(({ width, found, evidence, open }) => [
    ...(data.named ? [element("h4", {}, capital(data.rung(width)))] : []),
    ...(found ? [element("p", {}, found)] : []),
    ...open.map((text) => element("p", { class: "open" }, text)),
    ...(evidence.length ? [element("details", {}, element("summary", {}, "How sure this is"),
      ...evidence.map((text) => element("p", {}, text)))] : []),
  ]);
  return [
    element("h2", {}, "In short"),
    element("p", { class: "hint" }, `Click or tap a ${data.words.one} or an edge, or a row of a table. Drag to move; scroll or pinch to zoom.`),
    ...(data.drawn ? [element("p", { class: "open" }, `The graph draws the ${data.drawn.length} with the longest branches of ${countedMinima(data, data.nodes.length)}; the tree and the table hold all. Passes are those between them, and where branches end.`)] : []),
    ...widths,
    ...section("How to read this", element("div", {},
      ...(data.named ? NETWORKS : ENERGIES).map((text) => element("p", {}, text)))),
  ];
}
