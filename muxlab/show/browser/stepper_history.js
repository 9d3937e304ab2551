// The way back: a slider over what the stepper or the duel has shown so far. A frame is what was drawn, plain data; to go back
// is to draw an earlier one. The server does not go back: it stands where it stood, and whatever is pressed goes on from there.

const KEPT = 200; // frames; one is a few kilobytes of text, so all of them take a megabyte or two. The oldest go first.
const SAME = 250; // ms within which a change belongs to the same step: the kernel tells of the step, and of what it set off

// Make the bar. `draw(view, source, past)` draws a frame; `save()` asks for a page that plays them all. Returns
// `note(view, source)`, to be called with each new one, and `now()`, which goes back to the latest.
function historyBar(parent, draw, save) {
  const bar = make(parent, "div", "ms-history");
  const back = makeButton(bar, "‹", "Look at the step before (key [)", () => look(place - 1));
  const slider = make(bar, "input", "ms-scrub");
  const on = makeButton(bar, "›", "Look at the next step (key ])", () => look(place + 1));
  back.setAttribute("aria-keyshortcuts", "[");
  back.setAttribute("aria-label", "step back");
  on.setAttribute("aria-keyshortcuts", "]");
  on.setAttribute("aria-label", "step forward");
  slider.type = "range";
  slider.min = 0;
  slider.setAttribute("aria-label", "history");
  const words = make(bar, "span", "ms-when");
  describe(words, "status");
  const return_ = makeButton(bar, "Back to now", "Show how the server stands", () => {
    slider.focus(); // the button is about to go, and the focus would go with it
    now();
  });
  makeButton(bar, "Save as a page", "Write one HTML file that plays what you have seen so far, anywhere", save).classList.add("ms-save");
  slider.addEventListener("input", () => look(+slider.value));
  bar.addEventListener("keydown", (event) => { if (event.key === "Escape") now(); });

  let frames = []; // {view, source, text, time}
  let dropped = 0; // frames that were too many
  let place = -1; // of the frame that is shown

  const latest = () => frames.length - 1;
  const number = (i) => (dropped + i + 1).toLocaleString("en");

  function look(wanted) {
    place = Math.max(0, Math.min(latest(), wanted));
    const past = place < latest();
    slider.max = latest();
    slider.value = place;
    disable(back, place === 0);
    disable(on, !past);
    const text = past
      ? `Looking back: step ${number(place)} of ${number(latest())}. The server stands at ${number(latest())}.`
      : `step ${number(place)}`;
    put(words, text);
    slider.setAttribute("aria-valuetext", text);
    bar.classList.toggle("is-past", past);
    return_.hidden = !past;
    draw(frames[place].view, frames[place].source, past);
  }

  function note(view, source) {
    if (frames.length && frames[latest()].view.run !== view.run) [frames, dropped, place] = [[], 0, -1]; // it was started again
    const here = place === latest();
    const frame = { view, source, text: JSON.stringify({ ...view, answered: 0 }), time: performance.now() };
    const last = frames[latest()];
    const same = last && (last.text === frame.text
      || (last.view.answered === view.answered && frame.time - last.time < SAME));
    if (same) frames[latest()] = frame;
    else frames.push(frame);
    if (frames.length > KEPT) {
      frames.shift();
      dropped += 1;
      place = Math.max(0, place - 1);
    }
    look(here ? latest() : place);
  }

  const now = () => { if (place !== latest()) look(latest()); };
  return { note, now, by: (steps) => look(place + steps) };
}
