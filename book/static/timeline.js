// A timeline that plays: the marks of a stored chart, one call after the other. Nothing is drawn anew; marks of calls that
// are still to come are hidden. Of several servers, one below the other, each shows as many calls.

const PLAY_MS = 10000; // from the first call to the last,
const LEAST_MS = 40; // but no faster than this for one call
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

// The marks of one chart, by call: neither ticks nor the legend's.
function callsOf(axes) {
  const marks = [...axes.querySelectorAll("use")].filter((mark) => !mark.closest("[id*='matplotlib.axis'], [id*='legend']"));
  const columns = new Map();
  marks.forEach((mark) => {
    const x = Number(mark.getAttribute("x"));
    columns.set(x, [...(columns.get(x) ?? []), mark]);
  });
  return [...columns.keys()].sort((one, other) => one - other).map((x) => columns.get(x));
}

function playTimeline(figure) {
  const charts = [...figure.querySelectorAll("g[id*='axes_']")].map(callsOf).filter((calls) => calls.length);
  const most = Math.max(0, ...charts.map((calls) => calls.length));
  if (most < 2) return;
  const bar = document.createElement("div");
  bar.className = "book-playbar";
  const button = document.createElement("button");
  const slider = document.createElement("input");
  const count = document.createElement("span");
  button.type = "button";
  Object.assign(slider, { type: "range", min: 1, max: most, value: most });
  slider.setAttribute("aria-label", "calls that are shown");
  let timer = 0;

  function show(number) {
    slider.value = number;
    slider.setAttribute("aria-valuetext", `call ${number} of ${most}`);
    count.textContent = `call ${number} of ${most}`;
    charts.forEach((calls) => calls.forEach((marks, i) => {
      marks.forEach((mark) => { mark.style.visibility = i < number ? "" : "hidden"; });
    }));
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  }

  function begin() {
    show(Number(slider.value) === most ? 1 : Number(slider.value));
    button.textContent = "Pause";
    timer = setInterval(() => {
      show(Number(slider.value) + 1);
      if (Number(slider.value) === most) pause();
    }, Math.max(LEAST_MS, PLAY_MS / most));
  }

  button.addEventListener("click", () => (timer ? pause() : begin()));
  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  pause();
  show(most);
  if (!STILL.matches) bar.append(button); // who wants less motion has the slider
  bar.append(slider, count);
  figure.prepend(bar);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".book-timeline").forEach(playTimeline));
