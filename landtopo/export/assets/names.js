// Where the name of each family stands: on the side of its symbol where it hides nothing.

const LETTERS = 11;
const GAP = 3;
// Horizontal and vertical place by side, the preferred one first.
const SIDES = {
  below: ["center", "bottom"],
  above: ["center", "top"],
  right: ["right", "center"],
  left: ["left", "center"],
  belowRight: ["right", "bottom"],
  belowLeft: ["left", "bottom"],
  aboveRight: ["right", "top"],
  aboveLeft: ["left", "top"],
};
const DIRECTION = { left: -1, top: -1, center: 0, right: 1, bottom: 1 };

function toSide(item, axis) {
  return DIRECTION[SIDES[item.scratch("side")]?.[axis] ?? "center"];
}

// Points along an edge as it is drawn, no further apart than `step`.
function pointsOf(edge, step) {
  const [start, end] = [edge.sourceEndpoint(), edge.targetEndpoint()];
  const controls = edge.controlPoints() ?? [];
  const between = (a, b, t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
  // Cytoscape draws quadratic curves that meet halfway between their control points.
  const joints = controls.slice(1).map((control, index) => between(controls[index], control, 0.5));
  const knots = [start, ...joints, end];
  const pieces = knots.slice(1).map((to, index) => [knots[index], controls[index] ?? between(knots[index], to, 0.5), to]);
  return pieces.flatMap(([from, control, to]) => {
    const length = Math.hypot(control.x - from.x, control.y - from.y) + Math.hypot(to.x - control.x, to.y - control.y);
    const count = Math.min(Math.ceil(length / step), 2000);
    return Array.from({ length: count + 1 }, (_, index) => {
      const t = index / Math.max(count, 1);
      return between(between(from, control, t), between(control, to, t), t);
    });
  });
}

// Points by the square of a grid that they are in.
class Squares {
  constructor(side) {
    this.side = side;
    this.squares = new Map();
  }

  add({ x, y }) {
    const key = `${Math.floor(x / this.side)} ${Math.floor(y / this.side)}`;
    if (!this.squares.has(key)) this.squares.set(key, []);
    this.squares.get(key).push([x, y]);
  }

  count({ x1, y1, x2, y2 }) {
    let found = 0;
    for (let i = Math.floor(x1 / this.side); i <= Math.floor(x2 / this.side); i += 1) {
      for (let j = Math.floor(y1 / this.side); j <= Math.floor(y2 / this.side); j += 1) {
        for (const [x, y] of this.squares.get(`${i} ${j}`) ?? []) {
          found += Number(x >= x1 && x <= x2 && y >= y1 && y <= y2);
        }
      }
    }
    return found;
  }
}

const meet = (a, b) => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;

// Choose the side of every name, one family after the other: no other name and no symbol may be
// below it, and as little of the lines as can be. A name without such a side is left out; it is
// shown when its family is chosen. Names stay between `first` and `last`, clear of the loss axis.
function nameSides(cy, unit, first, last) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = FONT;
  const lines = new Squares(2 * LETTERS * unit);
  // What is hidden has no place.
  cy.edges(":visible").forEach((edge) => { for (const point of pointsOf(edge, 2 * unit)) lines.add(point); });
  const symbols = cy.nodes(":visible").map((item) => {
    const { x, y } = item.position();
    const half = item.width() / 2 + unit;
    return { item, x, y, half, box: { x1: x - half, y1: y - half, x2: x + half, y2: y + half } };
  });
  const names = [];
  for (const { item, x, y, half, box } of symbols) {
    const [wide, high] = [(pen.measureText(item.id()).width + 4) * unit, (LETTERS + 3) * unit];
    const away = half + (GAP - 1) * unit;
    const choices = Object.entries(SIDES).map(([side, [across, along]]) => {
      const left = x + DIRECTION[across] * (away + wide / 2) - wide / 2;
      const top = y + DIRECTION[along] * (away + high / 2) - high / 2;
      return { side, box: { x1: left, y1: top, x2: left + wide, y2: top + high } };
    }).filter((choice) => choice.box.x1 >= first && choice.box.x2 <= last && !names.some((name) => meet(name, choice.box))
      && !symbols.some((other) => other.item !== item && meet(other.box, choice.box)));
    const least = choices.map((choice) => ({ ...choice, cost: lines.count(choice.box) }))
      .sort((a, b) => a.cost - b.cost)[0];
    item.scratch("side", least ? least.side : "");
    if (least) names.push(least.box);
  }
  cy.nodes().updateStyle();
}
