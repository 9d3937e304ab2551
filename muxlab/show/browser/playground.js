// The playground in the browser: five numbers, one dot for each connection, and a line of the last 20 seconds.
// What to show comes from playground.py; here it is only drawn. Works offline; nothing is loaded from anywhere.

const MEANING = {
  answered: "answered just now", quiet: "quiet", waiting: "waiting over ¼ s", connecting: "connecting", lost: "lost",
};
const KINDS = Object.keys(MEANING);
const FADE = 0.72; // of its brightness a dot keeps from one frame to the next: back to quiet in about a second
const LARGEST = 28; // pixels from dot to dot when there are few
const SAMPLE = 14; // pixels of a mark in the legend

function render({ model, el }) {
  const root = make(el, "div", "mux-playground");
  const [tiles, spark] = tileRow(make(root, "div", "mux-tiles"), model.get("titles"));
  describe(spark, "img", "replies per second during the last 20 seconds");
  const dots = make(make(root, "div", "mux-dots"), "canvas");
  describe(dots, "img");
  const legend = legendRow(make(root, "div", "mux-legend"));
  const message = complaintBox(root, model);
  const kinds = model.get("kinds");
  const kindOf = (byte) => kinds[byte] ?? "answered";

  let glow = new Float32Array(0); // brightness of each dot, 0 to 1
  let drawn = -1; // number of the frame that `glow` has taken in

  function picture() {
    const number = model.get("number");
    if (number < 0) return;
    model.get("tiles").forEach((text, i) => { put(tiles[i], text); });
    const { buffer, byteOffset, byteLength } = model.get("dots");
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const shown = Array.from(bytes, kindOf);
    if (number !== drawn) glow = fade(glow, bytes, shown);
    drawn = number;
    nameSliders(root);
    const colours = palette(root);
    drawDots(dots, shown, glow, colours);
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
    shown.forEach((kind) => { counts[kind]++; });
    KINDS.forEach((kind) => {
      put(legend[kind].count, counts[kind].toLocaleString("en"));
      const [g] = clean(legend[kind].sample);
      mark(g, kind, SAMPLE / 2, SAMPLE / 2, SAMPLE, colours, kind === "answered" ? 1 : 0);
    });
    dots.setAttribute("aria-label", KINDS.map((kind) => `${counts[kind]} ${MEANING[kind]}`).join(", "));
    dots.dataset.frame = number;
    dots.dataset.count = shown.length;
    spark.style.setProperty("--mux-own", model.get("colour"));
    drawSpark(spark, model.get("history"), model.get("points"), getComputedStyle(spark).color, colours);
  }

  const size = new ResizeObserver(picture);
  size.observe(dots);
  const theme = new MutationObserver(picture);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  const end = follow(model, { message, number: picture });

  return () => {
    size.disconnect();
    theme.disconnect();
    end();
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
  return Object.fromEntries(KINDS.map((kind) => {
    const entry = make(row, "span");
    const sample = make(entry, "canvas");
    make(entry, "span").textContent = MEANING[kind];
    return [kind, { sample, count: make(entry, "b") }];
  }));
}

// One reply lights a dot up; many between two frames light it up more.
function fade(before, dots, shown) {
  return Float32Array.from(shown, (kind, i) => {
    const fresh = kind === "answered" ? 0.55 + 0.45 * (Math.log(dots[i]) / Math.log(250)) : 0;
    return Math.max(fresh, (before[i] ?? 0) * FADE);
  });
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

function drawDots(canvas, shown, glow, colours) {
  const [g, width, height] = clean(canvas);
  if (width === 0) return;
  const side = cellSize(shown.length, width, height);
  const columns = Math.max(1, Math.floor(width / side + 1e-6));
  shown.forEach((kind, i) => {
    mark(g, kind, ((i % columns) + 0.5) * side, (Math.floor(i / columns) + 0.5) * side, side, colours, glow[i]);
  });
}

// One dot in a square of `side`: a cross, a diamond, a ring, or a disc that grows with its light.
function mark(g, kind, x, y, side, colours, light) {
  const { marker, size, hollow } = LOOKS[kind];
  const r = (side * size) / 2;
  g.lineWidth = Math.max(1, side * 0.1);
  g.fillStyle = g.strokeStyle = colours[kind];
  g.beginPath();
  if (marker === "x") {
    g.moveTo(x - r, y - r);
    g.lineTo(x + r, y + r);
    g.moveTo(x + r, y - r);
    g.lineTo(x - r, y + r);
    g.stroke();
  } else if (marker === "D") {
    g.moveTo(x, y - r);
    g.lineTo(x + r, y);
    g.lineTo(x, y + r);
    g.lineTo(x - r, y);
    g.fill();
  } else if (hollow) {
    g.arc(x, y, r, 0, 7);
    g.stroke();
  } else {
    g.fillStyle = colours.quiet;
    g.arc(x, y, (side / 2) * (LOOKS.quiet.size + (LOOKS.answered.size - LOOKS.quiet.size) * light), 0, 7);
    g.fill();
    if (light > 0.03) {
      g.globalAlpha = Math.min(1, light * 1.3);
      g.fillStyle = colours.answered;
      g.fill();
      g.globalAlpha = 1;
    }
  }
}

function drawSpark(canvas, history, points, colour, colours) {
  const [g, width, height] = clean(canvas);
  const top = ceiling(Math.max(1, ...history));
  const step = width / (points - 1);
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
