// The playground in the browser: five numbers, one dot for each connection, and a line of the last 20 seconds.
// What to show comes from playground.py; here it is only drawn. Works offline; nothing is loaded from anywhere.

function render({ model, el }) {
  const root = make(el, "div", "mux-playground");
  const [tiles, spark] = tileRow(make(root, "div", "mux-tiles"), model.get("titles"));
  describe(spark, "img", "replies per second during the last 20 seconds");
  const dots = dotField(root, model.get("kinds"));
  const legend = dotLegend(root, true);
  const message = complaintBox(root, model);
  let drawn = -1; // number of the frame that was drawn last

  function picture() {
    const number = model.get("number");
    if (number < 0) return;
    nameSliders(root);
    const before = model.get("before");
    model.get("tiles").forEach((text, i) => {
      put(tiles[i].value, text);
      put(tiles[i].before, before.length ? `before: ${before[i]}` : "");
    });
    const { buffer, byteOffset, byteLength } = model.get("dots");
    legend(dots.show(new Uint8Array(buffer, byteOffset, byteLength), number !== drawn));
    drawn = number;
    dots.canvas.dataset.frame = number;
    spark.style.setProperty("--mux-own", model.get("colour"));
    drawSpark(spark, model.get("history"), model.get("points"));
  }

  const ends = [
    redrawn(dots.canvas, picture),
    follow(model, { message, number: picture }),
    answerPings(model),
    tellWhenGone(model, el),
  ];
  return () => ends.forEach((end) => end());
}

// Five tiles, each with its title, its number, and below that the number of the setting before; and the line in the second.
function tileRow(list, titles) {
  const tiles = titles.map((title) => {
    const tile = make(list, "div", "mux-tile");
    make(tile, "div", "mux-title").textContent = title;
    return { node: tile, value: make(tile, "div", "mux-value"), before: make(tile, "div", "mux-before") };
  });
  return [tiles, make(make(tiles[1].node, "div", "mux-spark"), "canvas")];
}

function drawSpark(canvas, history, points) {
  const [g, width, height] = clean(canvas);
  const style = getComputedStyle(canvas);
  const top = ceiling(Math.max(1, ...history));
  const step = width / (points - 1);
  g.strokeStyle = style.getPropertyValue("--mux-line");
  g.beginPath();
  g.moveTo(0, height - 1);
  g.lineTo(width, height - 1);
  g.stroke();
  if (!history.length) return;
  const at = (i) => [width - 3 - (history.length - 1 - i) * step, height - 3 - (height - 6) * (history[i] / top)];
  g.strokeStyle = g.fillStyle = style.color;
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
