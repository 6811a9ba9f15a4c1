// Where the name of each family stands: on the side of its symbol where it hides nothing.

const LETTERS = 11;
const GAP = 3;
// Across and along by side, the preferred one first: below, above, right, left, then the corners.
const SIDES = [[0, 1], [0, -1], [1, 0], [-1, 0], [1, 1], [-1, 1], [1, -1], [-1, -1]];

// Points by the square of a grid that they are in.
class Squares {
  constructor(side) {
    this.side = side;
    this.squares = new Map();
  }

  add([x, y]) {
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
// Symbols have id, x, y and half, the half of their size. Returns names with their middles.
function nameSides(symbols, curves, first, last) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = FONT;
  const lines = new Squares(2 * LETTERS);
  for (const curve of curves) for (const point of alongCurve(curve, 2)) lines.add(point);
  const taken = symbols.map(({ id, x, y, half }) => ({ id, x1: x - half, y1: y - half, x2: x + half, y2: y + half }));
  const names = [];
  for (const { id, x, y, half } of symbols) {
    const [wide, high] = [pen.measureText(id).width + 4, LETTERS + 3];
    const away = half + GAP - 1;
    const free = SIDES.map(([across, along]) => {
      const [middle, level] = [x + across * (away + wide / 2), y + along * (away + high / 2)];
      return { id, x: middle, y: level, x1: middle - wide / 2, y1: level - high / 2, x2: middle + wide / 2, y2: level + high / 2 };
    }).filter((box) => box.x1 >= first && box.x2 <= last && !names.some((name) => meet(name, box))
      && !taken.some((other) => other.id !== id && meet(other, box)));
    const costs = free.map((box) => lines.count(box));
    const best = free[costs.indexOf(Math.min(...costs))];
    if (best) names.push(best);
  }
  return names.map((name) => [name.id, name.x, name.y]);
}
