// What the parts of the stepper are made of: signs, buttons, texts that change only where they differ. And its head: the
// name of a server, its buttons and its state, and what clients are told to send.
// A part is a function that makes its nodes and returns one that shows the next moment.

const STATUS = {
  paused: '<path d="M-2.5 -4v8M2.5 -4v8" fill="none" stroke="currentColor" stroke-width="2.4" />',
  blocked: '<path d="M1.5 -5.5a5.5 5.5 0 1 0 4 7.5 4.6 4.6 0 0 1 -4 -7.5z" fill="currentColor" />',
  running: '<path d="M-3 -4.5 5 0 -3 4.5z" fill="currentColor" />',
  finished: '<path d="M-4.5 0.5 -1.5 3.5 4.5 -3.5" fill="none" stroke="currentColor" stroke-width="2.2" />',
  crashed: '<path d="M-3.8 -3.8 3.8 3.8M3.8 -3.8 -3.8 3.8" stroke="currentColor" stroke-width="2.4" />',
  stopped: '<path d="M-4 -4h8v8h-8z" fill="currentColor" />',
};
const MARKS = { // of the outcomes of calls, by the marker that style.py gives them
  o: '<circle r="4" fill="currentColor" />',
  D: '<path d="M0 -5 5 0 0 5 -5 0z" fill="currentColor" />',
  s: '<path d="M-3.6 -3.6h7.2v7.2h-7.2z" fill="currentColor" />',
  X: '<path d="M-3.6 -3.6 3.6 3.6M3.6 -3.6 -3.6 3.6" stroke="currentColor" stroke-width="2" />',
  "|": '<path d="M0 -5v10" stroke="currentColor" stroke-width="2.4" />',
  _: '<path d="M-3.5 0h7" stroke="currentColor" stroke-width="1.8" />',
};
const MORE = '<path d="M0 -4v1M0 -0.5v1M0 3v1" stroke="currentColor" stroke-width="1.6" />'; // calls that are left out

const STEPS = [
  ["next", "Next line", "n", "Run one line, also those of helper functions"],
  ["next_call", "Next call", "c", "Run up to the next call to the kernel, and stop before it is made"],
  ["run_until_blocked", "Run until blocked", "r", "Run until the server has to wait"],
];

function makeButton(parent, text, title, pressed) {
  const button = make(parent, "button", "ms-button");
  button.type = "button";
  button.textContent = text;
  button.title = title;
  button.dataset.title = title;
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") pressed();
    else if (button.dataset.why) button.dispatchEvent(new CustomEvent("ms-refused", { bubbles: true, detail: button.dataset.why }));
  });
  return button;
}

// Not `disabled`: a button that is switched off while it has the focus would lose it. And one that is off says `why`.
function disable(button, off, why = "") {
  button.setAttribute("aria-disabled", off ? "true" : "false");
  button.dataset.why = off ? why : "";
  button.title = off && why ? why : button.dataset.title;
}

function markChanged(node, changed) {
  node.classList.toggle("is-changed", changed);
}

// Give a node the colour of what is meant: an outcome of a call, or what a server is about.
function tint(node, kind, property = "--tone") {
  node.style.setProperty(property, `var(--mux-${kind}, var(--mux-muted))`);
}

// Put the sign of an outcome or of a status into a node. It is one of the shapes above, never data.
function putSign(node, kind) {
  const shape = STATUS[kind] ?? MARKS[LOOKS[kind]?.marker] ?? MORE;
  if (node.dataset.kind !== kind) node.innerHTML = `<svg viewBox="-7 -7 14 14" aria-hidden="true">${shape}</svg>`;
  node.dataset.kind = kind;
}

// One part for each item, by name; those whose item is gone go too.
function keep(parts, items, create, update) {
  const names = new Set(items.map((item) => item.name));
  [...parts.keys()].filter((name) => !names.has(name)).forEach((name) => {
    parts.get(name).node.remove();
    parts.delete(name);
  });
  items.forEach((item) => {
    if (!parts.has(item.name)) parts.set(item.name, create());
    update(parts.get(item.name), item);
  });
}

// ---- the head

function serverName(parent) {
  const node = make(parent, "div", "ms-name");
  make(node, "i");
  const text = make(node, "b");
  return ({ name, colour }) => {
    node.style.setProperty("--mux-own", colour);
    put(text, name);
  };
}

function controls(parent, ask, steps) {
  const box = make(parent, "div", "ms-controls");
  const buttons = steps.map(([act, text, key, meaning], i) => {
    const button = makeButton(box, text, `${meaning} (key ${key})`, () => ask(act));
    button.setAttribute("aria-keyshortcuts", key);
    button.dataset.act = act;
    if (i === 0) button.classList.add("ms-first");
    return button;
  });
  let ended = false;
  const stop = makeButton(box, "Stop", "", () => ask(ended ? "start" : "stop"));
  stop.classList.add("ms-stop");
  return (view) => {
    ended = view.ended;
    put(stop, ended ? "Start again" : "Stop");
    stop.title = ended ? "Start from the first line" : "End the server and its clients";
    stop.classList.toggle("is-next", Boolean(ended));
    buttons.forEach((button) => disable(button, !["paused", "running"].includes(view.status), view.refusal));
  };
}

function statusLine(parent) {
  const node = make(parent, "div", "ms-status");
  describe(node, "status");
  const sign = make(node, "span", "ms-sign");
  const both = make(node, "div");
  const headline = make(both, "b");
  const detail = make(both, "span", "ms-detail");
  return (view) => {
    putSign(sign, view.status);
    tint(node, view.forgotten > 0 ? "left" : view.status);
    node.dataset.status = view.status;
    node.classList.toggle("is-left", view.forgotten > 0);
    put(headline, view.headline);
    put(detail, view.detail);
    node.title = view.detail ? `${view.headline}: ${view.detail}` : view.headline;
  };
}

function toolbar(parent, ask, model) {
  const bar = make(parent, "div", "ms-tools");
  const fresh = makeButton(bar, "New client", "Connect one more client; it does nothing by itself", () => ask("client"));
  fresh.classList.add("ms-new");
  fresh.dataset.act = "client";
  const label = make(bar, "label", "ms-message");
  make(label, "span").textContent = "message";
  const text = make(label, "input", "ms-textbox");
  text.value = model.get("message");
  text.title = "What a client sends";
  text.setAttribute("aria-label", "message");
  make(label, "span").textContent = "×";
  const times = make(label, "input", "ms-times");
  times.type = "number";
  times.min = 1;
  times.value = model.get("times");
  times.title = "How many times over";
  times.setAttribute("aria-label", "times");
  const said = make(bar, "div", "ms-said");
  describe(said, "status");
  const words = make(said, "span", "ms-words");
  make(said, "span", "ms-busy").textContent = "Waiting for the kernel: it is busy, or was restarted";
  const update = (view) => {
    disable(fresh, view.ended, "The server has ended: press Start again.");
    fresh.classList.toggle("is-next", Boolean(view.wakers?.client));
    put(words, view.said.text);
    said.title = view.said.text;
    said.classList.toggle("is-trouble", !view.said.well);
  };
  // A button that cannot be pressed says why here, until something else is said.
  bar.closest(".ms").addEventListener("ms-refused", ({ detail }) => {
    put(words, detail);
    said.title = detail;
    said.classList.remove("is-trouble");
  });
  const message = () => ({ text: text.value, times: Math.max(1, Math.floor(+times.value) || 1) });
  return Object.assign(update, { message, door: fresh });
}
