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

// ---- is the kernel there, is the page there?

const GONE = "The kernel was restarted: run this cell again.";

// After a restart of the kernel nothing that is pressed is heard by anybody. The card dims then, and says what to do. That
// a widget's own connection is gone its model does not tell us; that of its layout, which ends with it, we can look at.
// Returns what ends the watch.
function tellWhenGone(model, node) {
  const look = () => {
    const card = node.closest(".mux-card") ?? node.querySelector(".mux-card");
    const gone = model.get("layout")?.comm_live === false;
    if (!card || gone === card.classList.contains("is-gone")) return;
    card.classList.toggle("is-gone", gone);
    if (!gone) {
      card.querySelector(".mux-gone").remove();
      return;
    }
    const notice = make(card, "div", "mux-gone");
    describe(notice, "status");
    setTimeout(() => { make(notice, "b").textContent = GONE; }); // a screen reader announces what changes in a place that it knows
  };
  const soon = () => setTimeout(look); // when all that ends has ended
  model.on("comm_live_update", soon);
  look();
  return () => model.off("comm_live_update", soon);
}

// A panel that runs asks once a second whether anybody sees it, and stops when no page has answered for a while: live.py.
// The answer waits for no timer, as a browser lets those of a hidden tab run once a minute.
function answerPings(model) {
  const answer = () => model.send({ pong: model.get("ping") });
  model.on("change:ping", answer);
  return () => model.off("change:ping", answer);
}

// ---- panels with sliders

// ipywidgets writes a slider's name and value beside it, but does not tell a screen reader, to which the place on the slider
// would be read: "12" for 1,000 connections. Both are given to the handle here. Call it again when sliders may have come.
function nameSliders(root) {
  root.closest(".mux")?.querySelectorAll(".noUi-handle:not([aria-label])").forEach((handle) => {
    const slider = handle.closest(".widget-inline-hbox");
    const [label, value] = [slider?.querySelector(".widget-label"), slider?.querySelector(".widget-readout")];
    if (!label || !value) return;
    handle.setAttribute("aria-label", label.textContent);
    if (slider.classList.contains("mux-stops")) {
      value.contentEditable = "false"; // nothing comes of typing here: the keyboard need not stop at it
    } else {
      describe(value, "textbox", `${label.textContent}, as a number`);
    }
    const tell = () => {
      if (handle.getAttribute("aria-valuetext") !== value.textContent) handle.setAttribute("aria-valuetext", value.textContent);
    };
    const changes = new MutationObserver(tell); // noUiSlider writes its own text whenever the slider moves
    changes.observe(handle, { attributes: true, attributeFilter: ["aria-valuetext"] });
    changes.observe(value, { childList: true, characterData: true, subtree: true });
    tell();
  });
}

// Where it is said what went wrong; returns what shows it.
function complaintBox(parent, model) {
  const box = make(parent, "div", "mux-message");
  box.setAttribute("role", "alert");
  return () => put(box, model.get("message"));
}
