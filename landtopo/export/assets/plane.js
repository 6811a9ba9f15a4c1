// A drawing on a canvas that is moved, zoomed and clicked, with the mouse, fingers or keys.

// Nearer than this, in pixels, is hit; fingers are larger.
const HIT = () => (narrow.matches ? 22 : 9);

class Plane {
  // `hooks`: choose(id), tip(id, x, y) with id null for nothing, and chosen().
  constructor(canvas, hooks) {
    this.canvas = canvas;
    this.hooks = hooks;
    this.reset();
    this.pointers = new Map();
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => hooks.tip(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => {
      if (canvas.clientWidth !== this.width || canvas.clientHeight !== this.height) this.draw();
    }).observe(canvas);
  }

  reset() {
    this.zoom = { x: 1, y: 1 };
    this.shift = { x: 0, y: 0 };
  }

  // From places before zooming, in pixels, to pixels.
  at(x, y) {
    return [x * this.zoom.x + this.shift.x, y * this.zoom.y + this.shift.y];
  }

  scaleBy(factor, x, y, ways) {
    for (const [way, middle] of [["x", x], ["y", y]]) {
      if (!ways.includes(way)) continue;
      const zoom = Math.min(Math.max(this.zoom[way] * factor, 1), 1e5);
      this.shift[way] = middle - ((middle - this.shift[way]) * zoom) / this.zoom[way];
      this.zoom[way] = zoom;
    }
    this.draw();
  }

  // A place on the canvas in the part of it that is zoomed.
  local(x, y) {
    return [x, y];
  }

  wheel(event) {
    event.preventDefault();
    this.scaleBy(Math.exp(-event.deltaY / 400), ...this.local(event.offsetX, event.offsetY), this.ways(event.shiftKey));
  }

  ways() {
    return "xy";
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.moved = this.pointers.size > 1;
    this.began = [event.offsetX, event.offsetY];
  }

  move(event) {
    const here = [event.offsetX, event.offsetY];
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      const id = this.hit(...here);
      this.canvas.style.cursor = id ? "pointer" : "";
      this.hooks.tip(id, ...here);
      return;
    }
    if (!this.moved && Math.hypot(here[0] - this.began[0], here[1] - this.began[1]) < 4) return;
    this.moved = true;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.pointers.set(event.pointerId, here);
    if (others.length) {
      const [[x, y]] = others;
      const grown = Math.hypot(here[0] - x, here[1] - y) / Math.max(Math.hypot(before[0] - x, before[1] - y), 1);
      this.scaleBy(grown, ...this.local(x, y), this.ways(false));
      return;
    }
    this.shift.x += here[0] - before[0];
    this.shift.y += here[1] - before[1];
    this.draw();
  }

  up(event) {
    const known = this.pointers.delete(event.pointerId);
    if (!known) return;
    if (this.moved) this.draw();
    else if (event.type === "pointerup") this.hooks.choose(this.hit(event.offsetX, event.offsetY));
  }

  // Whether it is being dragged.
  moving() {
    return this.pointers.size > 0 && this.moved;
  }

  // From where keys go on.
  here() {
    return this.hooks.chosen();
  }

  key(event) {
    const [x, y] = this.local(this.canvas.clientWidth / 2 - 1, this.canvas.clientHeight / 2 - 1);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const names = this.names();
      const place = names.indexOf(this.here());
      this.hooks.choose(names[place < 0 ? 0 : (place + step + names.length) % names.length]);
    } else if (event.key === "+" || event.key === "=") this.scaleBy(1.3, x, y, this.ways(false));
    else if (event.key === "-") this.scaleBy(1 / 1.3, x, y, this.ways(false));
    else if (event.key === "0") { this.reset(); this.draw(); } else if (event.key === "Escape") this.hooks.choose(null);
    else return;
    event.preventDefault();
  }

  // The pen on a cleared canvas, or null where nothing can be seen.
  cleared() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    [this.width, this.height] = [width, height];
    if (!width || !height) return null;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = FONT;
    pen.lineJoin = "round";
    return pen;
  }
}

// A family's symbol, as in the graph.
function drawSymbol(pen, shape, x, y, radius, fill, chosen) {
  if (chosen) {
    pen.fillStyle = "rgba(84,174,255,0.6)";
    pen.beginPath();
    pen.arc(x, y, radius + 6, 0, 7);
    pen.fill();
  }
  pen.beginPath();
  if (shape === "square") pen.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else if (shape === "diamond") {
    pen.moveTo(x, y - 1.3 * radius);
    pen.lineTo(x + 1.3 * radius, y);
    pen.lineTo(x, y + 1.3 * radius);
    pen.lineTo(x - 1.3 * radius, y);
    pen.closePath();
  } else pen.arc(x, y, radius, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  // A border would hide the colour of a small one.
  if (radius < 3) return;
  pen.strokeStyle = INK;
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.stroke();
}

// Text that lines may pass behind.
function drawName(pen, text, x, y) {
  pen.lineWidth = 3;
  pen.strokeStyle = "rgba(255,255,255,0.85)";
  pen.strokeText(text, x, y);
  pen.fillStyle = INK;
  pen.fillText(text, x, y);
}

function distanceTo([x, y], [x0, y0], [x1, y1]) {
  const [wide, high] = [x1 - x0, y1 - y0];
  const part = Math.min(Math.max(((x - x0) * wide + (y - y0) * high) / (wide * wide + high * high || 1), 0), 1);
  return Math.hypot(x - x0 - part * wide, y - y0 - part * high);
}
