// The playground in the browser: five numbers, one dot for each connection, and a line of the last 20 seconds.
// What to show comes from screen.py; here it is only drawn. Works offline; nothing is loaded from anywhere.

const KINDS = ["answered", "quiet", "waiting", "connecting", "lost"];
const MEANING = {
  answered: "answered just now", quiet: "quiet", waiting: "waiting over ¼ s", connecting: "connecting", lost: "lost",
};
const SHAPES = { // for the legend; `mark` below draws the same
  answered: '<circle r="5" fill="currentColor" />',
  quiet: '<circle r="2.5" fill="currentColor" />',
  waiting: '<path d="M0 -5 5 0 0 5 -5 0z" fill="currentColor" />',
  connecting: '<circle r="3.5" fill="none" stroke="currentColor" stroke-width="1.4" />',
  lost: '<path d="M-3.5 -3.5 3.5 3.5M3.5 -3.5 -3.5 3.5" stroke="currentColor" stroke-width="1.6" />',
};
const FADE = 0.72; // of its brightness a dot keeps from one frame to the next: back to quiet in about a second
const LARGEST = 28; // pixels from dot to dot when there are few

function render({ model, el }) {
  const root = make(el, "div", "mux-screen");
  const [tiles, spark] = tileRow(make(root, "div", "mux-tiles"), model.get("titles"));
  spark.setAttribute("role", "img");
  spark.setAttribute("aria-label", "replies per second during the last 20 seconds");
  const dots = make(make(root, "div", "mux-dots"), "canvas");
  dots.setAttribute("role", "img");
  const legend = legendRow(make(root, "div", "mux-legend"));
  const message = make(root, "div", "mux-message");
  message.setAttribute("role", "alert");

  let glow = new Float32Array(0); // brightness of each dot, 0 to 1
  let drawn = -1; // number of the frame that `glow` has taken in

  function complaint() {
    message.textContent = model.get("message");
  }

  function numbers() {
    model.get("tiles").forEach((text, i) => { tiles[i].textContent = text; });
  }

  function picture() {
    const frame = unpack(model.get("frame"));
    if (!frame) return;
    if (frame.number !== drawn) {
      glow = fade(glow, frame.dots);
      drawn = frame.number;
    }
    nameSliders(root);
    const colours = palette(root);
    const counts = drawDots(dots, frame.dots, glow, colours);
    KINDS.forEach((kind) => { legend[kind].textContent = counts[kind].toLocaleString("en"); });
    dots.setAttribute("aria-label", KINDS.map((kind) => `${counts[kind]} ${MEANING[kind]}`).join(", "));
    dots.dataset.frame = frame.number;
    dots.dataset.count = frame.dots.length;
    spark.style.setProperty("--mux-own", model.get("colour"));
    drawSpark(spark, frame.history, getComputedStyle(spark).color, colours);
  }

  const listeners = { "change:message": complaint, "change:tiles": numbers, "change:frame": picture };
  Object.entries(listeners).forEach(([event, listener]) => model.on(event, listener));
  const size = new ResizeObserver(picture);
  size.observe(dots);
  const theme = new MutationObserver(picture);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  [complaint, numbers, picture].forEach((show) => show());

  return () => {
    size.disconnect();
    theme.disconnect();
    Object.entries(listeners).forEach(([event, listener]) => model.off(event, listener));
  };
}

// ---- building blocks

function tileRow(list, titles) {
  let spark;
  const tiles = titles.map((title, i) => {
    const tile = make(list, "div", "mux-tile");
    make(tile, "div", "mux-title").textContent = title;
    const value = make(tile, "div", "mux-value");
    if (i === 1) spark = make(make(tile, "div", "mux-spark"), "canvas");
    return value;
  });
  return [tiles, spark];
}

function legendRow(row) {
  const counts = {};
  KINDS.forEach((kind) => {
    const entry = make(row, "span");
    entry.innerHTML = `<svg viewBox="-7 -7 14 14" style="color: var(--mux-${kind})">${SHAPES[kind]}</svg>`;
    make(entry, "span").textContent = MEANING[kind];
    counts[kind] = make(entry, "b");
  });
  return counts;
}

// ---- frames: see frame.py

function unpack(view) {
  if (!view || view.byteLength < 12) return null;
  const [number, points, count] = [0, 4, 8].map((offset) => view.getUint32(offset, true));
  const history = Array.from({ length: points }, (_, i) => view.getFloat32(12 + 4 * i, true));
  return { number, history, dots: new Uint8Array(view.buffer, view.byteOffset + 12 + 4 * points, count) };
}

function kindOf(byte) {
  return byte === 0 ? "quiet" : byte <= 250 ? "answered" : ["waiting", "connecting", "lost"][byte - 251];
}

// One reply lights a dot up; many between two frames light it up more.
function fade(before, dots) {
  const after = new Float32Array(dots.length);
  for (let i = 0; i < dots.length; i++) {
    const fresh = dots[i] > 0 && dots[i] <= 250 ? 0.55 + 0.45 * (Math.log(dots[i]) / Math.log(250)) : 0;
    after[i] = Math.max(fresh, (before[i] ?? 0) * FADE);
  }
  return after;
}

// ---- drawing

function palette(root) {
  const style = getComputedStyle(root);
  const colours = Object.fromEntries(KINDS.map((kind) => [kind, style.getPropertyValue(`--mux-${kind}`)]));
  return { ...colours, line: style.getPropertyValue("--mux-line") };
}

// Make the canvas as fine as the screen, and return its context, cleared, in CSS pixels.
function clean(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  return [g, width, height];
}

// The side of the largest squares of which `count` fit, row by row, into width × height.
function cellSize(count, width, height) {
  let best = 0;
  for (let rows = 1; rows === 1 || height / rows > best; rows++) {
    best = Math.max(best, Math.min(width / Math.ceil(Math.max(1, count) / rows), height / rows));
  }
  return Math.min(LARGEST, best);
}

function drawDots(canvas, dots, glow, colours) {
  const [g, width, height] = clean(canvas);
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  if (width === 0) return counts;
  const side = cellSize(dots.length, width, height);
  const columns = Math.max(1, Math.floor(width / side + 1e-6));
  for (let i = 0; i < dots.length; i++) {
    const kind = kindOf(dots[i]);
    counts[kind]++;
    const lit = kind === "quiet" || kind === "answered" ? glow[i] : 0;
    mark(g, kind, ((i % columns) + 0.5) * side, (Math.floor(i / columns) + 0.5) * side, side, colours, lit);
  }
  return counts;
}

// Every kind has its own shape: a dot that grows with its light, a diamond, a ring, a cross.
function mark(g, kind, x, y, side, colours, lit) {
  g.lineWidth = Math.max(1, side * 0.1);
  g.fillStyle = g.strokeStyle = colours[kind];
  g.beginPath();
  if (kind === "lost") {
    const r = side * 0.24;
    g.moveTo(x - r, y - r);
    g.lineTo(x + r, y + r);
    g.moveTo(x + r, y - r);
    g.lineTo(x - r, y + r);
    g.stroke();
  } else if (kind === "waiting") {
    const r = side * 0.36;
    g.moveTo(x, y - r);
    g.lineTo(x + r, y);
    g.lineTo(x, y + r);
    g.lineTo(x - r, y);
    g.fill();
  } else if (kind === "connecting") {
    g.arc(x, y, side * 0.24, 0, 7);
    g.stroke();
  } else {
    g.fillStyle = colours.quiet;
    g.arc(x, y, side * (0.18 + 0.2 * lit), 0, 7);
    g.fill();
    if (lit > 0.03) {
      g.globalAlpha = Math.min(1, lit * 1.3);
      g.fillStyle = colours.answered;
      g.fill();
      g.globalAlpha = 1;
    }
  }
}

function drawSpark(canvas, history, colour, colours) {
  const [g, width, height] = clean(canvas);
  const top = ceiling(Math.max(1, ...history));
  const step = width / 199; // 20 seconds, ten points each
  g.strokeStyle = colours.line;
  g.beginPath();
  g.moveTo(0, height - 1);
  g.lineTo(width, height - 1);
  g.stroke();
  if (!history.length) return;
  const at = (i) => [width - 3 - (history.length - 1 - i) * step, height - 3 - (height - 6) * (history[i] / top)];
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = 1.6;
  g.lineJoin = "round";
  g.beginPath();
  history.forEach((_, i) => g.lineTo(...at(i)));
  g.stroke();
  g.beginPath();
  g.arc(...at(history.length - 1), 2.4, 0, 7);
  g.fill();
}

// 1, 2 or 5 times a power of ten: a scale that stays while the line below it moves.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

export default { render };
