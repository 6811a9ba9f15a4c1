// Along the way over a pass: a slider moves a point of it, and loss, overlaps and neurons follow.

// Weights, loss and arc length at a place between 0 and 1 of a way; between its points lines.
function placeOn(way, part) {
  const last = way.at.length - 1;
  const length = part * way.at[last];
  let next = way.at.findIndex((at) => at >= length);
  if (next < 1) next = part > 0 ? last : 1;
  const [from, to] = [way.at[next - 1], way.at[next]];
  const share = part <= 0 ? 0 : Math.min(1, (length - from) / (to - from || 1));
  const mixed = (a, b) => a + share * (b - a);
  return {
    length,
    loss: mixed(way.losses[next - 1], way.losses[next]),
    weights: way.points[next - 1].map((row, k) => row.map((value, j) => mixed(value, way.points[next][k][j]))),
  };
}

// Two orthonormal directions in which the neurons move most: leading eigenvectors of the sum of
// squares of their steps from the start, by powers.
function planeOf(way) {
  const [start] = way.points;
  const steps = way.points.slice(1).flatMap((weights) => weights.map((row, k) => row.map((value, j) => value - start[k][j])));
  const size = start[0].length;
  const found = [];
  for (let number = 0; number < Math.min(2, size); number += 1) {
    let axis = Array.from({ length: size }, (_, j) => 1 / (j + 1 + number));
    for (let round = 0; round < 200; round += 1) {
      const next = new Array(size).fill(0);
      for (const step of steps) {
        const along = step.reduce((sum, value, j) => sum + value * axis[j], 0);
        step.forEach((value, j) => { next[j] += along * value; });
      }
      axis = normalised(next, found) ?? normalised(axis, found) ?? axis;
    }
    found.push(axis);
  }
  return found;
}

function normalised(vector, others) {
  const left = others.reduce((rest, other) => {
    const along = rest.reduce((sum, value, j) => sum + value * other[j], 0);
    return rest.map((value, j) => value - along * other[j]);
  }, vector);
  const length = Math.hypot(...left);
  return length > 1e-12 ? left.map((value) => value / length) : null;
}

// The neurons as dots with the lines they run on, and the teacher's as arrows, seen along that plane.
function neuronsMap(way, vectors) {
  const [wide, high] = [344, 300];
  const [made, pen] = canvas(wide, high, `${way.points[0].length} neurons on the way, and ${vectors.length} of the teacher`);
  const plane = planeOf(way);
  const seen = (vector) => [0, 1].map((axis) => (plane[axis] ?? []).reduce((sum, value, j) => sum + value * (vector[j] ?? 0), 0));
  const trails = way.points[0].map((_, k) => way.points.map((weights) => seen(weights[k])));
  const arrows = vectors.map(seen);
  const largest = Math.max(1e-300, ...[...trails.flat(), ...arrows].flat().map(Math.abs));
  const scale = (Math.min(wide, high) / 2 - 18) / largest;
  const to = ([x, y]) => [wide / 2 + x * scale, high / 2 - y * scale];
  const line = (points, color, thick) => {
    pen.strokeStyle = color;
    pen.lineWidth = thick;
    pen.beginPath();
    points.forEach((point, place) => (place ? pen.lineTo(...point) : pen.moveTo(...point)));
    pen.stroke();
  };
  const paint = (weights) => {
    pen.clearRect(0, 0, wide, high);
    arrows.forEach((arrow, m) => {
      line([to([0, 0]), to(arrow)], "#8c959f", 1);
      if (Math.hypot(...arrow) * scale > 14) drawName(pen, `v${m + 1}`, ...to(arrow.map((value) => value * 1.04)));
    });
    trails.forEach((trail, k) => line(trail.map(to), KINDS[k % KINDS.length], 1));
    weights.forEach((row, k) => {
      const [x, y] = to(seen(row));
      dot(pen, x, y, KINDS[k % KINDS.length]);
      pen.textAlign = "left";
      pen.textBaseline = "bottom";
      drawName(pen, String(k + 1), x + 5, y - 3);
    });
  };
  return [made, paint];
}

function alongWay(record, data) {
  const way = data.ways[record.id];
  if (!way || !data.vectors) return null;
  const all = way.points.map((weights) => statistics(weights, data.vectors));
  const scale = { R: largestOf(all.map(({ R }) => R)), Q: largestOf(all.map(({ Q }) => Q)) };
  const [maps, paintMaps] = overlapMaps(way.points[0], data.vectors, scale);
  const [neurons, paintNeurons] = neuronsMap(way, data.vectors);
  const told = element("output", { for: "along", id: "along-told" });
  const slider = element("input", {
    type: "range", id: "along", min: 0, max: 200, step: 1, "aria-label": `Place on the way from ${record.from_id} to ${record.to_id}`,
    oninput: () => show(Number(slider.value) / 200),
  });
  const show = (part) => {
    const { length, loss, weights } = placeOn(way, part);
    const outside = Math.hypot(...statistics(weights, data.vectors).outside);
    told.textContent = `Arc length ${brief(length)} of ${brief(way.at[way.at.length - 1])}, loss ${lossText(Number(loss.toPrecision(4)))}`
      + `${outside > 1e-3 ? `, ${brief(outside)} outside the teacher's span` : ""}.`;
    slider.setAttribute("aria-valuetext", told.textContent);
    paintMaps(weights);
    paintNeurons(weights);
  };
  slider.value = String(Math.round((200 * way.at[way.losses.indexOf(Math.max(...way.losses))]) / way.at[way.at.length - 1]));
  show(Number(slider.value) / 200);
  return element("div", { class: "along" },
    element("div", { class: "way" }, element("span", { "aria-hidden": "true" }, record.from_id), slider, element("span", { "aria-hidden": "true" }, record.to_id)),
    told, neurons,
    element("p", { class: "hint" }, `Neurons, their ways and the teacher's vectors, in the plane in which neurons move most. ${way.at.length} points of the way are kept, with four decimals; between them lines are drawn.`),
    maps);
}

// Why there is nothing to drag along.
function noWay(record, data) {
  if (!data.named || record.kind !== "saddle" || data.ways[record.id]) return "";
  return "The points of this way are not on the page: it has them for the lowest passes, where both descents end without passing another saddle.";
}
