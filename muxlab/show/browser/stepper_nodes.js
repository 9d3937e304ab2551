// What the parts of the stepper are made of: signs, buttons, texts that change only where they differ.

const STATUS = {
  paused: '<path d="M-2.5 -4v8M2.5 -4v8" fill="none" stroke="currentColor" stroke-width="2.4" />',
  blocked: '<path d="M1.5 -5.5a5.5 5.5 0 1 0 4 7.5 4.6 4.6 0 0 1 -4 -7.5z" fill="currentColor" />',
  running: '<path d="M-3 -4.5 5 0 -3 4.5z" fill="currentColor" />',
  finished: '<path d="M-4.5 0.5 -1.5 3.5 4.5 -3.5" fill="none" stroke="currentColor" stroke-width="2.2" />',
  crashed: '<path d="M-3.8 -3.8 3.8 3.8M3.8 -3.8 -3.8 3.8" stroke="currentColor" stroke-width="2.4" />',
  stopped: '<path d="M-4 -4h8v8h-8z" fill="currentColor" />',
};
const KIND = { // the outcomes of calls, as in theme.py
  data: '<circle r="4" fill="currentColor" />',
  EAGAIN: '<path d="M0 -5 5 0 0 5 -5 0z" fill="currentColor" />',
  end: '<path d="M-3.6 -3.6h7.2v7.2h-7.2z" fill="currentColor" />',
  error: '<path d="M-3.6 -3.6 3.6 3.6M3.6 -3.6 -3.6 3.6" stroke="currentColor" stroke-width="2" />',
  wait: '<path d="M0 -5v10" stroke="currentColor" stroke-width="2.4" />',
  done: '<path d="M-3.5 0h7" stroke="currentColor" stroke-width="1.8" />',
  more: '<path d="M0 -4v1M0 -0.5v1M0 3v1" stroke="currentColor" stroke-width="1.6" />',
};

function makeButton(parent, text, title, pressed) {
  const button = make(parent, "button", "ms-button");
  button.type = "button";
  button.textContent = text;
  button.title = title;
  button.addEventListener("click", () => { if (button.getAttribute("aria-disabled") !== "true") pressed(); });
  return button;
}

// Not `disabled`: a button that is switched off while it has the focus would lose it.
function disable(button, off) {
  button.setAttribute("aria-disabled", off ? "true" : "false");
}

function describe(node, role, label) {
  node.setAttribute("role", role);
  if (label !== undefined) node.setAttribute("aria-label", label);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(node, changed) {
  node.classList.toggle("is-changed", changed);
}

function drawing(shape) { // one of the shapes above, never data
  return `<svg viewBox="-7 -7 14 14" aria-hidden="true">${shape}</svg>`;
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
