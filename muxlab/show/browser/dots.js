// One dot for each client, in the browser: of the playground and of two crowds side by side. The bytes are those of
// Swarm.activity: what happened to each client since the last frame.

const MEANING = {
  answered: "answered just now", quiet: "quiet", waiting: "waiting over ¼ s", connecting: "connecting", lost: "lost",
};
const KINDS = Object.keys(MEANING);
const FADE = 0.72; // of its brightness a dot keeps from one frame to the next: back to quiet in about a second
const AGED = 40; // frames after which one that waits has grown as large as it grows: four seconds
const LARGEST = 28; // pixels from dot to dot when there are few
const LEAST = 1.5; // pixels: the radius of a dot that is still seen when there are thousands
const SAMPLE = 14; // pixels of a mark in the legend
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const STANDS = 1000; // ms that a picture stands for a reader who wants less motion: nothing fades, nothing flashes

// Make a canvas of dots. `show(bytes, fresh)` draws them, and returns how many there are of each kind; a frame that was
// shown before is not `fresh`.
function dotField(parent, kinds) {
  const canvas = make(make(parent, "div", "mux-dots"), "canvas");
  describe(canvas, "img");
  let glow = new Float32Array(0); // brightness of each dot, 0 to 1
  let wait = new Float32Array(0); // frames for which each has been waiting
  const lights = (shown) => shown.map((kind) => (kind === "answered" ? 1 : 0));
  const stand = standing((shown) => drawDots(canvas, shown, lights(shown), shown.map((_, i) => wait[i] ?? 0)));
  const show = (bytes, fresh) => {
    const shown = Array.from(bytes, (byte) => kinds[byte] ?? "answered");
    if (fresh || shown.length !== glow.length) {
      glow = Float32Array.from(shown, (kind, i) => Math.max(kind === "answered" ? brightness(bytes[i]) : 0, (glow[i] ?? 0) * FADE));
      wait = Float32Array.from(shown, (kind, i) => (kind === "waiting" ? Math.min(AGED, (wait[i] ?? 0) + 1) : 0));
    }
    if (STILL.matches) stand(shown, fresh);
    else drawDots(canvas, shown, glow, wait);
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
    shown.forEach((kind) => { counts[kind]++; });
    canvas.setAttribute("aria-label", KINDS.map((kind) => `${counts[kind]} ${MEANING[kind]}`).join(", "));
    canvas.dataset.count = shown.length;
    return counts;
  };
  return { canvas, show };
}

// One picture a second: whoever was answered since the last one is lit, and the others are as they are now. `draw` draws.
function standing(draw) {
  let lit = []; // whether each was answered since the last picture
  let picture = [];
  let drawn = -Infinity; // when
  let timer = 0;
  let now = [];
  const next = () => {
    picture = now.map((kind, i) => (lit[i] ? "answered" : kind));
    lit = [];
    drawn = performance.now();
    draw(picture);
  };
  return (shown, fresh) => {
    if (fresh) shown.forEach((kind, i) => { lit[i] ||= kind === "answered"; });
    now = shown;
    clearTimeout(timer);
    const left = drawn + STANDS - performance.now();
    if (left <= 0) next();
    else {
      if (!fresh) draw(picture); // the canvas has another size, or the page another theme
      timer = setTimeout(next, left);
    }
  };
}

// What the marks mean; returns what shows how many there are of each.
function dotLegend(parent, counted) {
  const row = make(parent, "div", "mux-legend");
  const entries = KINDS.map((kind) => {
    const entry = make(row, "span");
    const sample = make(entry, "canvas");
    make(entry, "span").textContent = MEANING[kind];
    return { kind, sample, count: counted ? make(entry, "b") : null };
  });
  return (counts) => {
    const colours = palette(row);
    entries.forEach(({ kind, sample, count }) => {
      if (count) put(count, counts[kind].toLocaleString("en"));
      const [g] = clean(sample);
      mark(g, kind, SAMPLE / 2, SAMPLE / 2, SAMPLE, colours, kind === "answered" ? 1 : 0, AGED);
    });
  };
}

// Call `draw` when the canvas has another size or the page another theme; returns what ends that.
function redrawn(canvas, draw) {
  const size = new ResizeObserver(draw);
  size.observe(canvas);
  const theme = new MutationObserver(() => requestAnimationFrame(draw)); // at the moment of the change all has size 0
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  return () => {
    size.disconnect();
    theme.disconnect();
  };
}

// One reply lights a dot up; many between two frames light it up more.
function brightness(replies) {
  return 0.55 + 0.45 * (Math.log(replies) / Math.log(250));
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

function drawDots(canvas, shown, glow, wait) {
  const [g, width, height] = clean(canvas);
  if (width === 0) return;
  const colours = palette(canvas);
  const side = cellSize(shown.length, width, height);
  const columns = Math.max(1, Math.floor(width / side + 1e-6));
  shown.forEach((kind, i) => {
    mark(g, kind, ((i % columns) + 0.5) * side, (Math.floor(i / columns) + 0.5) * side, side, colours, glow[i], wait[i]);
  });
}

// One dot in a square of `side`: a cross, a ring, a diamond that grows with its wait, or a disc that grows with its light.
function mark(g, kind, x, y, side, colours, light, wait) {
  const { marker, size, hollow } = LOOKS[kind];
  const r = Math.max((side * size) / 2, Math.min(side / 2, LEAST)) * (kind === "waiting" ? 0.8 + 0.4 * (wait / AGED) : 1);
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
    const quiet = Math.max((side * LOOKS.quiet.size) / 2, Math.min(side * 0.42, LEAST));
    g.arc(x, y, quiet + Math.max(0, (side * LOOKS.answered.size) / 2 - quiet) * light, 0, 7);
    g.fill();
    if (light > 0.03) {
      g.globalAlpha = Math.min(1, light * 1.3);
      g.fillStyle = colours.answered;
      g.fill();
      g.globalAlpha = 1;
    }
  }
}
