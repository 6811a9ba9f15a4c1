// The pictures of the panel, each on a canvas of its own.

const INK = "#1b1f24";
const SOFT = "#57606a";
const GRID = "#e4e8ec";
const FONT = '11px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

function canvas(width, height, label) {
  const ratio = window.devicePixelRatio || 1;
  const made = element("canvas", {
    width: Math.round(width * ratio),
    height: Math.round(height * ratio),
    role: "img",
    "aria-label": label,
    // The height follows where a narrow panel makes it narrower.
    style: `width:${width}px`,
  });
  const pen = made.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = FONT;
  return [made, pen];
}

// From blue (negative) through white to orange (positive): told apart without red and green.
function diverging(part) {
  const end = part < 0 ? [33, 102, 172] : [179, 88, 6];
  const share = Math.min(Math.abs(part), 1) ** 0.8;
  const mixed = end.map((channel) => Math.round(255 + (channel - 255) * share));
  return `rgb(${mixed.join(",")})`;
}

// A matrix in colours. `told`: label, rows and columns (what a row and a column is), room in pixels,
// line (a column before which a line is drawn), note (what stands below). Returns the element and a
// function that shows other numbers in it; `largest` fixes the scale of colours.
function heatMap(matrix, told) {
  const rows = matrix.length;
  const columns = rows ? matrix[0].length : 0;
  const { left, top } = { left: 34, top: 18 };
  const room = told.room ?? 300;
  const side = Math.max(3, Math.min(30, Math.floor(room / Math.max(columns, 1)), Math.floor(420 / Math.max(rows, 1))));
  const wide = left + columns * side + 8;
  const [made, pen] = canvas(wide, top + rows * side + 6, told.label);
  const largest = told.largest ?? Math.max(1e-300, ...matrix.flat().map(Math.abs));
  const head = told.heads ?? ((j) => String(j + 1));
  pen.fillStyle = SOFT;
  const skip = Math.max(1, Math.ceil(14 / side));
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let i = 0; i < rows; i += skip) pen.fillText(String(i + 1), left - 6, top + (i + 0.5) * side);
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  const apart = Math.max(1, Math.ceil(18 / side));
  for (let j = 0; j < columns; j += apart) pen.fillText(head(j), left + (j + 0.5) * side, top - 3);
  let shown = matrix;
  const readout = element("p", { class: "hint" });
  const rest = `Rows: ${told.rows}s. Columns: ${told.columns}s${told.note ?? ""}. ${told.largest ? "Colours go to" : "Largest:"} ${brief(largest)}.`;
  readout.textContent = rest;
  const paint = (numbers) => {
    shown = numbers;
    numbers.forEach((row, i) => row.forEach((value, j) => paintCell(pen, value, largest, left + j * side, top + i * side, side)));
    if (told.line > 0 && told.line < columns) {
      pen.strokeStyle = INK;
      pen.beginPath();
      pen.moveTo(left + told.line * side - 0.5, top);
      pen.lineTo(left + told.line * side - 0.5, top + rows * side);
      pen.stroke();
    }
  };
  paint(matrix);
  made.addEventListener("pointermove", (event) => {
    const shrunk = wide / made.clientWidth;
    const i = Math.floor((event.offsetY * shrunk - top) / side);
    const j = Math.floor((event.offsetX * shrunk - left) / side);
    const inside = i >= 0 && i < rows && j >= 0 && j < columns;
    readout.textContent = inside ? `${capital(told.rows)} ${i + 1}, ${told.columns} ${head(j)}: ${short(shown[i][j])}` : rest;
  });
  made.addEventListener("pointerleave", () => { readout.textContent = rest; });
  return [element("div", {}, made, readout), paint];
}

function paintCell(pen, value, largest, x, y, side) {
  const inner = side - (side > 5 ? 1 : 0);
  pen.fillStyle = diverging(value / largest);
  pen.fillRect(x, y, inner, inner);
  if (side < 28) return;
  pen.save();
  pen.fillStyle = Math.abs(value) > 0.6 * largest ? "#fff" : INK;
  pen.font = '9px system-ui, "DejaVu Sans", sans-serif';
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(value === 0 ? "0" : value.toFixed(2).replace("-0.00", "0.00"), x + side / 2, y + side / 2);
  pen.restore();
}

// A frame with round ticks; returns the two scales.
function frame(pen, box, x, y, labels) {
  const px = (value) => box.left + ((value - x[0]) / (x[1] - x[0] || 1)) * (box.right - box.left);
  const py = (value) => box.bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (box.bottom - box.top);
  pen.strokeStyle = GRID;
  pen.fillStyle = SOFT;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of roundTicks(y[0], y[1], 4)) {
    pen.beginPath();
    pen.moveTo(box.left, py(tick));
    pen.lineTo(box.right, py(tick));
    pen.stroke();
    pen.fillText(short(tick), box.left - 5, py(tick));
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of roundTicks(x[0], x[1], 5)) pen.fillText(short(tick), px(tick), box.bottom + 4);
  pen.fillText(labels[0], (box.left + box.right) / 2, box.bottom + 18);
  pen.textAlign = "left";
  pen.textBaseline = "bottom";
  pen.fillText(labels[1], 2, box.top - 6);
  return [px, py];
}

// Eigenvalues up to this size are zero up to rounding.
const NULL = 1e-9;

function spectrum(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [made, pen] = canvas(344, 170, `Hessian spectrum: ${values.length} eigenvalues`);
  const low = Math.min(0, sorted[0]);
  const high = Math.max(0, sorted[sorted.length - 1]);
  const pad = (high - low) * 0.05 || 1;
  const box = { left: 62, right: 336, top: 22, bottom: 134 };
  const [px, py] = frame(pen, box, [0, sorted.length + 1], [low - pad, high + pad], ["rank", "eigenvalue"]);
  pen.strokeStyle = SOFT;
  pen.beginPath();
  pen.moveTo(box.left, py(0));
  pen.lineTo(box.right, py(0));
  pen.stroke();
  sorted.forEach((value, index) => {
    const zero = Math.abs(value) <= NULL;
    pen.fillStyle = pen.strokeStyle = value < 0 && !zero ? "#D55E00" : "#0072B2";
    pen.beginPath();
    pen.arc(px(index + 1), py(value), 2.5, 0, 7);
    if (zero) pen.stroke();
    else pen.fill();
  });
  const zeros = values.filter((value) => Math.abs(value) <= NULL).length;
  const negative = values.filter((value) => value < -NULL).length;
  const nonzero = sorted.filter((value) => Math.abs(value) > NULL);
  const told = [
    ...(negative ? [`${negative} negative`] : []),
    ...(zeros ? [`${zeros} zero up to rounding (open)`] : []),
    ...(nonzero.length ? [`from ${brief(nonzero[0])} to ${brief(nonzero[nonzero.length - 1])}`] : []),
  ];
  return element("div", {}, made, element("p", { class: "hint" }, `${told.join(", ")}.`));
}

// Slopes of a smooth curve through points that has no top which they have not (Fritsch and Butland,
// SIAM J. Sci. Stat. Comput. 5, 1984). At a named end, a minimum, it is level.
function slopes(points, ends) {
  const steps = points.slice(1).map(([s], index) => s - points[index][0]);
  const secants = points.slice(1).map(([, loss], index) => (steps[index] ? (loss - points[index][1]) / steps[index] : 0));
  const last = points.length - 1;
  return points.map((_, index) => {
    if (index === 0) return ends[0] && last > 1 ? 0 : secants[0] ?? 0;
    if (index === last) return ends[1] && last > 1 ? 0 : secants[last - 1];
    const [before, after] = [secants[index - 1], secants[index]];
    if (before * after <= 0) return 0;
    const [near, far] = [2 * steps[index] + steps[index - 1], steps[index] + 2 * steps[index - 1]];
    return (near + far) / (near / before + far / after);
  });
}

function profileChart(points, ends, pass, label, title) {
  const [made, pen] = canvas(344, 240, title);
  const losses = points.map((point) => point[1]);
  const low = Math.min(...losses);
  const high = Math.max(...losses, pass);
  // A flat way is drawn as flat: what rounding makes of its loss is not blown up.
  const pad = high - low > 1e-13 ? (high - low) * 0.12 : Math.max(Math.abs(high) * 0.1, 1e-6);
  const box = { left: 74, right: 334, top: 24, bottom: 196 };
  const range = [points[0][0], points[points.length - 1][0]];
  const [px, py] = frame(pen, box, range, [low - pad, high + pad], ["arc length", label]);
  pen.strokeStyle = "#0072B2";
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  pen.beginPath();
  const rises = slopes(points, ends);
  pen.moveTo(px(points[0][0]), py(points[0][1]));
  points.slice(1).forEach(([s, loss], index) => {
    const [before, step] = [points[index], (s - points[index][0]) / 3];
    pen.bezierCurveTo(px(before[0] + step), py(before[1] + step * rises[index]),
      px(s - step), py(loss - step * rises[index + 1]), px(s), py(loss));
  });
  pen.stroke();
  const top = points[losses.indexOf(Math.max(...losses))];
  pen.textBaseline = "bottom";
  if (top[1] > Math.max(losses[0], losses[losses.length - 1])) {
    dot(pen, px(top[0]), py(top[1]), "#D55E00");
    pen.fillStyle = INK;
    const aside = (px(top[0]) - box.left) / (box.right - box.left);
    pen.textAlign = aside > 0.8 ? "right" : aside < 0.2 ? "left" : "center";
    pen.fillText(short(top[1]), px(top[0]), py(top[1]) - 6);
  }
  for (const [side, point, x] of [["left", points[0], box.left], ["right", points[points.length - 1], box.right]]) {
    const name = ends[side === "left" ? 0 : 1];
    if (!name) continue;
    dot(pen, px(point[0]), py(point[1]), INK);
    pen.textAlign = side;
    pen.fillText(name, x, box.bottom + 40);
  }
  return made;
}

function dot(pen, x, y, color) {
  pen.fillStyle = color;
  pen.beginPath();
  pen.arc(x, y, 4, 0, 7);
  pen.fill();
}

// The part of a profile around a barrier that is too small to be seen beside the other one.
function closeUp(points, ends, value) {
  const losses = points.map((point) => point[1]);
  const highest = Math.max(...losses);
  const barriers = [highest - losses[0], highest - losses[losses.length - 1]];
  const side = barriers[0] <= barriers[1] ? 0 : 1;
  if (!(barriers[side] > 0) || barriers[side] > 0.1 * barriers[1 - side]) return null;
  const floor = highest - 2 * barriers[side];
  const top = losses.indexOf(highest);
  let first = top;
  let last = top;
  while (first > 0 && losses[first - 1] >= floor) first -= 1;
  while (last < losses.length - 1 && losses[last + 1] >= floor) last += 1;
  const end = highest - barriers[side];
  const near = points.slice(first, last + 1).map(([s, loss]) => [s, loss - end]);
  const names = [first === 0 ? ends[0] : "", last === points.length - 1 ? ends[1] : ""];
  const title = `The pass between ${ends[0]} and ${ends[1]}, close up`;
  return profileChart(near, names, -Infinity, `${value} above ${ends[side]}`, title);
}
