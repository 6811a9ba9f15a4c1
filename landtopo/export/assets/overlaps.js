// The summary statistics of a student: Q = W W^T, its neurons with each other, and R = W V^T, its
// neurons with those of the teacher. The loss depends on nothing else.

const product = (one, other) => one.map((row) => other.map((column) =>
  column.reduce((sum, value, place) => sum + value * (row[place] ?? 0), 0)));

// Where the teacher is told, Q and R; the lengths of what lies outside the teacher's span beside R.
function statistics(weights, vectors) {
  const span = vectors[0].length;
  const outside = weights.map((row) => Math.hypot(...row.slice(span)));
  return { Q: product(weights, weights), R: product(weights, vectors), outside };
}

const largestOf = (matrices) => matrices.flat(2).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);

function weightsMap(weights, span) {
  const columns = weights.length ? weights[0].length : 0;
  const note = span > 0 && span < columns ? `, the first ${span} in the teacher's span` : "";
  const label = `Weights: ${weights.length} neurons, ${columns} coordinates`;
  return heatMap(weights, { label, rows: "neuron", columns: "coordinate", line: span, note })[0];
}

// R and Q of one point, one below the other; `scale` fixes the colours. Returns the element and a
// function that shows another point.
function overlapMaps(weights, vectors, scale) {
  const { Q, R } = statistics(weights, vectors);
  const [ofR, paintR] = heatMap(R, {
    label: `Overlaps R of ${weights.length} neurons with ${vectors.length} of the teacher`, rows: "neuron", columns: "teacher neuron", largest: scale?.R,
  });
  const [ofQ, paintQ] = heatMap(Q, {
    label: `Overlaps Q of ${weights.length} neurons with each other`, rows: "neuron", columns: "neuron", largest: scale?.Q,
  });
  const made = element("div", {},
    element("h4", {}, "R, with the teacher"), ofR, element("h4", {}, "Q, with each other"), ofQ);
  return [made, (other) => {
    const next = statistics(other, vectors);
    paintR(next.R);
    paintQ(next.Q);
  }];
}

const overlapsOf = (record, data) => record.weights?.length && data.vectors && overlapMaps(record.weights, data.vectors)[0];
