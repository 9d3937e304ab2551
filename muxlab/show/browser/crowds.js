// Two servers and two crowds of the same size, side by side: one dot for each client, and in words how many were answered.
// What to show comes from crowds.py; the dots are drawn by dots.js.

function render({ model, el }) {
  const root = make(el, "div", "mux-crowds");
  const halves = make(root, "div", "mux-halves");
  const sides = model.get("sides").map(({ name, colour }) => {
    const half = make(halves, "div", "mux-half");
    const title = make(half, "div", "mux-server");
    make(title, "i").style.background = colour;
    make(title, "b").textContent = name;
    const count = make(half, "div", "mux-count");
    const [many, words] = [make(count, "b"), make(count, "span")];
    const dots = dotField(half, model.get("kinds"));
    const wait = make(half, "div", "mux-wait");
    return { many, words, dots, wait };
  });
  const legend = dotLegend(root, false);
  const message = complaintBox(root, model);
  let drawn = -1; // number of the frame that was drawn last

  function picture() {
    const number = model.get("number");
    if (number < 0) return;
    nameSliders(root);
    model.get("sides").forEach(({ answered, of, wait, patient }, i) => {
      put(sides[i].many, answered);
      put(sides[i].words, of);
      put(sides[i].wait, wait);
      sides[i].wait.classList.toggle("is-long", !patient);
      const { buffer, byteOffset, byteLength } = model.get("dots")[i];
      sides[i].dots.show(new Uint8Array(buffer, byteOffset, byteLength), number !== drawn);
      sides[i].dots.canvas.dataset.frame = number;
    });
    legend();
    drawn = number;
  }

  const ends = [
    ...sides.map(({ dots }) => redrawn(dots.canvas, picture)),
    follow(model, { message, number: picture }),
    answerPings(model),
    tellWhenGone(model, el),
  ];
  return () => ends.forEach((end) => end());
}

export default { render };
