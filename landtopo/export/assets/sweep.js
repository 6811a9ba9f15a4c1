// Families over a parameter: a chart, a slider, and what is there where the slider stands.

const data = await readData();
const byId = (id) => document.getElementById(id);
const LOOKS = [
  { name: "minimum", color: "#0072B2", dash: [] },
  { name: "pass", color: "#D55E00", dash: [6, 3] },
];
const STEPS = 1000;
const TOUCH = 24;
const state = { value: data.start, chosen: null };
data.byId = Object.fromEntries(data.families.map((family) => [family.id, family]));

// A quantity of a family between two of its points, along a line.
function between(points, value, of) {
  let last = points.findIndex((point) => point >= value);
  last = last < 0 ? points.length - 1 : Math.max(last, 1);
  const [a, b] = [points[last - 1], points[last]];
  const share = b === a ? 0 : Math.min(1, Math.max(0, (value - a) / (b - a)));
  return of(last - 1, last, share);
}

const number = (column) => (a, b, share) => column[a] + share * (column[b] - column[a]);
const matrix = (stack) => (a, b, share) =>
  stack[a].map((row, i) => row.map((entry, j) => entry + share * (stack[b][i][j] - entry)));
const lossAt = (family, value) => between(family.values, value, number(family.losses));
const there = (value) => data.families.filter((family) => family.low <= value && value <= family.high);
const proved = (event) => (event.certified === null ? "not tried" : event.certified ? "yes" : "in part");

function scales(width, height) {
  const box = { left: 66, right: width - 12, top: 24, bottom: height - 40 };
  const losses = data.families.flatMap((family) => family.losses);
  const top = Math.max(...losses, 1e-12);
  return [box, [data.low, data.high], [Math.min(...losses, 0), top * 1.06]];
}

function draw() {
  const chart = byId("chart");
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  const ratio = window.devicePixelRatio || 1;
  [chart.width, chart.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const pen = chart.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = FONT;
  const [box, across, up] = scales(width, height);
  const [px, py] = frame(pen, box, across, up, [data.parameter, "loss"]);
  for (const event of data.events) line(pen, px(event.value), box, "#c8ced4", 1);
  for (const family of data.families) {
    const look = LOOKS[family.index];
    pen.strokeStyle = look.color;
    pen.lineWidth = family.id === state.chosen ? 3.5 : 1.5;
    pen.setLineDash(look.dash);
    pen.beginPath();
    family.values.forEach((value, i) => pen.lineTo(px(value), py(family.losses[i])));
    pen.stroke();
  }
  pen.setLineDash([]);
  for (const family of data.families) {
    for (const [event, i] of [[family.begins, 0], [family.ends, family.values.length - 1]]) {
      if (event !== null) diamond(pen, px(family.values[i]), py(family.losses[i]), data.events[event].certified === true);
    }
  }
  line(pen, px(state.value), box, INK, 1);
  for (const family of there(state.value)) dot(pen, px(state.value), py(lossAt(family, state.value)), LOOKS[family.index].color);
}

function line(pen, x, box, color, width) {
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(x, box.top);
  pen.lineTo(x, box.bottom);
  pen.stroke();
}

function diamond(pen, x, y, full) {
  pen.beginPath();
  pen.moveTo(x, y - 5);
  for (const [dx, dy] of [[5, 0], [0, 5], [-5, 0]]) pen.lineTo(x + dx, y + dy);
  pen.closePath();
  pen.fillStyle = full ? INK : "#fff";
  pen.strokeStyle = INK;
  pen.lineWidth = 1;
  pen.fill();
  pen.stroke();
}

function heat(entries, title, columns, teacher) {
  const [rows, wide] = [entries.length, entries[0].length];
  const [left, top] = [30, 20];
  const side = Math.max(4, Math.min(38, Math.floor(300 / Math.max(rows, wide))));
  const [made, pen] = canvas(left + wide * side + 4, top + rows * side + 4, `${title}; its numbers are below`);
  const largest = Math.max(1e-300, ...entries.flat().map(Math.abs));
  entries.forEach((row, i) => row.forEach((value, j) => {
    pen.fillStyle = diverging(value / largest);
    pen.fillRect(left + j * side, top + i * side, side - 1, side - 1);
    if (side < 28) return;
    pen.fillStyle = Math.abs(value) > 0.6 * largest ? "#fff" : INK;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(value.toFixed(2).replace("-0.00", "0.00"), left + (j + 0.5) * side, top + (i + 0.5) * side);
  }));
  pen.fillStyle = SOFT;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const skip = Math.max(1, Math.ceil(16 / side));
  for (let i = 0; i < rows; i += skip) pen.fillText(String(i + 1), left / 2, top + (i + 0.5) * side);
  for (let j = 0; j < wide; j += skip) pen.fillText(String(j + 1), left + (j + 0.5) * side, top / 2);
  const head = element("tr", {}, element("th", {}, ""), ...entries[0].map((_, j) => element("th", { scope: "col", class: "number" }, `${columns} ${j + 1}`)));
  const body = entries.map((row, i) => element("tr", {}, element("th", { scope: "row" }, `neuron ${i + 1}`),
    ...row.map((value) => element("td", { class: "number" }, value.toFixed(5)))));
  return element("div", { class: "figure" }, element("h3", {}, title), made,
    element("details", {}, element("summary", {}, `${teacher} as numbers`),
      element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": title }, element("table", {}, head, ...body))));
}

function panel() {
  const family = data.byId[state.chosen];
  const open = [...document.querySelectorAll("#panel details")].map((item) => item.open);
  if (!family) {
    byId("panel").replaceChildren();
    return;
  }
  const inside = Math.min(family.high, Math.max(family.low, state.value));
  const told = [
    `A ${LOOKS[family.index].name} of isotropy ${family.isotropy}, ${family.anti_aligned} anti-aligned.`,
    `From ${short(family.low)}: ${family.why_begins} To ${short(family.high)}: ${family.why_ends}`,
    "Between computed points numbers are interpolated.",
  ];
  byId("panel").replaceChildren(
    element("h2", {}, `Family ${family.id} at ${short(inside)}`),
    element("p", { class: "soft" }, told.join(" ")),
    heat(between(family.at, inside, matrix(family.q)), "Q: scalar products of neurons", "neuron", "Q"),
    heat(between(family.at, inside, matrix(family.r)), "R: of neurons with the teacher's vectors", "teacher", "R"),
  );
  document.querySelectorAll("#panel details").forEach((item, i) => { item.open = Boolean(open[i]); });
}

function row(cells, heads, attributes) {
  return element("tr", attributes || {}, ...cells.map((cell, i) => element("td", { class: heads[i][1] }, cell)));
}

function fill(table, heads, rows) {
  const head = element("tr", {}, ...heads.map(([name, kind]) => element("th", { scope: "col", class: kind === "number" ? kind : false }, name)));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

const FAMILIES = [["family", ""], ["kind", ""], ["loss", "number"], ["lowest eigenvalue", "number"], ["index", "number"], ["isotropy", ""], ["from", "number"], ["to", "number"]];
const EVENTS = [["parameter", "number"], ["event", ""], ["bracketed", ""], ["signs add up", ""], ["proved", ""], ["families", "long"], ["what branches off", "long"]];

function families() {
  const focus = document.activeElement && document.activeElement.dataset.id;
  const rows = there(state.value)
    .map((family) => [family, lossAt(family, state.value)])
    .sort((a, b) => a[0].index - b[0].index || a[1] - b[1])
    .map(([family, loss]) => {
      const button = element("button", { type: "button", "data-id": family.id, "aria-pressed": String(family.id === state.chosen), onclick: () => choose(family.id) }, family.id);
      const lowest = between(family.values, state.value, number(family.smallest));
      return row([button, LOOKS[family.index].name, lossText(loss), brief(lowest), String(family.index), family.isotropy, short(family.low), short(family.high)],
        FAMILIES, { class: family.id === state.chosen ? "chosen" : false });
    });
  fill(byId("families"), FAMILIES, rows);
  const again = focus && document.querySelector(`#families button[data-id="${focus}"]`);
  if (again) again.focus();
}

function choose(id) {
  state.chosen = state.chosen === id ? null : id;
  families();
  panel();
  draw();
}

function move(value) {
  if (!Number.isFinite(value)) return;
  state.value = Math.min(data.high, Math.max(data.low, value));
  byId("slider").value = String(Math.round(((state.value - data.low) / (data.high - data.low)) * STEPS));
  byId("slider").setAttribute("aria-valuetext", short(state.value));
  if (document.activeElement !== byId("value")) byId("value").value = String(Number(state.value.toPrecision(12)));
  const now = there(state.value);
  const minima = now.filter((family) => family.index === 0).length;
  byId("told").textContent = `At ${short(state.value)}: ${counted(minima, "minimum", "minima")} and ${counted(now.length - minima, "pass", "passes")}.`;
  byId("previous").disabled = !data.events.some((event) => event.value < state.value);
  byId("next").disabled = !data.events.some((event) => event.value > state.value);
  families();
  panel();
  draw();
}

function step(way) {
  const values = data.events.map((event) => event.value).filter((value) => way * (value - state.value) > 0);
  if (values.length) move(way > 0 ? Math.min(...values) : Math.max(...values));
}

// A click on a curve chooses it; anywhere else it moves the slider there.
function point(event) {
  const chart = byId("chart");
  const [box, across, up] = scales(chart.clientWidth, chart.clientHeight);
  const value = across[0] + ((event.offsetX - box.left) / (box.right - box.left)) * (across[1] - across[0]);
  const y = (loss) => box.bottom - ((loss - up[0]) / (up[1] - up[0])) * (box.bottom - box.top);
  move(value);
  const near = there(state.value).map((family) => [Math.abs(y(lossAt(family, state.value)) - event.offsetY), family.id]).sort((a, b) => a[0] - b[0]);
  if (near.length && near[0][0] < TOUCH && near[0][1] !== state.chosen) choose(near[0][1]);
}

function legend() {
  const sign = (content) => {
    const holder = element("span", {});
    holder.innerHTML = `<svg width="26" height="14" aria-hidden="true">${content}</svg>`;
    return holder.firstChild;
  };
  const mark = (fill) => `<path d="M13 2 18 7 13 12 8 7z" fill="${fill}" stroke="${INK}"/>`;
  const items = LOOKS.map((look) => [`<line x1="1" x2="25" y1="7" y2="7" stroke="${look.color}" stroke-width="2" stroke-dasharray="${look.dash.join(" ")}"/>`, look.name]);
  items.push([mark(INK), "event, proved on both sides"], [mark("#fff"), "event"]);
  byId("legend").replaceChildren(...items.map(([content, text]) => element("li", {}, sign(content), text)));
}

function start() {
  byId("subtitle").textContent = [`student of ${counted(data.width, "neuron", "neurons")}`, counted(data.families.length, "family", "families"),
    counted(data.events.length, "event", "events"), `seed ${data.seed}`, `landtopo ${data.version}`].join(" · ");
  byId("parameter").textContent = `${data.parameter[0].toUpperCase()}${data.parameter.slice(1)}`;
  byId("sure").textContent = data.sure;
  fill(byId("events"), EVENTS, data.events.map((event) => row(
    [element("button", { type: "button", onclick: () => { move(event.value); byId("slider").focus(); } }, String(Number(event.value.toPrecision(11)))),
      event.kind, event.bracketed ? "yes" : "no", event.balanced === null ? "not looked at" : event.balanced ? "yes" : "no", proved(event), event.sentence, event.account], EVENTS)));
  legend();
  byId("slider").addEventListener("input", () => move(data.low + (Number(byId("slider").value) / STEPS) * (data.high - data.low)));
  byId("value").addEventListener("input", () => move(byId("value").value === "" ? NaN : Number(byId("value").value)));
  byId("value").addEventListener("blur", () => move(state.value));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("chart").addEventListener("click", point);
  window.addEventListener("resize", draw);
  move(state.value);
  // For whoever wants to go on from here in the browser's console.
  window.landtopo = { data, state, move, choose };
}

start();
