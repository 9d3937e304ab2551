// What all scripts of this folder share. It stands before each of them, and after LOOKS: the marks of style.py.

function make(parent, tag, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent.appendChild(node);
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function describe(node, role, label) {
  node.setAttribute("role", role);
  if (label !== undefined) node.setAttribute("aria-label", label);
}

// Call each listener when its trait changes, and now; returns what ends it.
function follow(model, listeners) {
  const events = Object.entries(listeners);
  events.forEach(([trait, listener]) => model.on(`change:${trait}`, listener));
  new Set(Object.values(listeners)).forEach((listener) => listener());
  return () => events.forEach(([trait, listener]) => model.off(`change:${trait}`, listener));
}

// ---- the playground and the race: panels with sliders

// ipywidgets writes a slider's name beside it, but does not tell a screen reader: the name is given to the handle here.
function nameSliders(root) {
  root.closest(".mux")?.querySelectorAll(".noUi-handle:not([aria-label])").forEach((handle) => {
    const label = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
    const value = handle.closest(".widget-inline-hbox")?.querySelector(".widget-readout");
    if (!label || !value) return;
    handle.setAttribute("aria-label", label.textContent);
    value.id ||= `mux-${Math.random().toString(36).slice(2)}`;
    handle.setAttribute("aria-describedby", value.id);
  });
}

// Where it is said what went wrong; returns what shows it.
function complaintBox(parent, model) {
  const box = make(parent, "div", "mux-message");
  box.setAttribute("role", "alert");
  return () => put(box, model.get("message"));
}
