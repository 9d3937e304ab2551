// A race in the browser: for each server one bar of replies per second, and one of CPU time per reply.
// What to show comes from race.py; here it is only drawn.

function render({ model, el }) {
  const root = make(el, "div", "mux-race");
  const table = make(root, "div", "mux-lanes");
  const message = complaintBox(root, model);

  function lanes() {
    nameSliders(root);
    table.replaceChildren();
    model.get("titles").forEach((title) => { make(table, "div", "mux-title").textContent = title; });
    model.get("lanes").forEach((lane) => {
      const name = make(table, "div", "mux-lane");
      make(name, "i").style.background = lane.colour;
      make(name, "b").textContent = lane.name;
      make(name, "span").textContent = lane.note;
      lane.bars.forEach(({ share, text }) => {
        const bar = make(table, "div", "mux-bar");
        const fill = make(bar, "i");
        fill.style.width = `${100 * share}%`;
        fill.style.background = lane.colour;
        make(bar, "span").textContent = text;
      });
    });
  }

  const shown = new ResizeObserver(() => nameSliders(root)); // when it begins, this is not in the page yet
  shown.observe(root);
  const ends = [() => shown.disconnect(), follow(model, { lanes, message }), answerPings(model), tellWhenGone(model, el)];
  return () => ends.forEach((end) => end());
}

export default { render };
