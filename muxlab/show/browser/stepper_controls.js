// The name of a server, its buttons and its state, and what clients are told to send.
// Each is a function that makes its nodes and returns one that shows the next moment.

const STEPS = [
  ["next", "Next line", "n", "Run one line, also those of helper functions"],
  ["next_call", "Next call", "c", "Run up to the next call to the kernel, and stop before it is made"],
  ["run_until_blocked", "Run until blocked", "r", "Run until the server has to wait"],
];

function serverName(parent) {
  const node = make(parent, "div", "ms-name");
  make(node, "i");
  const text = make(node, "b");
  return ({ name, colour }) => {
    node.style.setProperty("--ms-own", colour);
    put(text, name);
  };
}

function controls(parent, ask, steps) {
  const box = make(parent, "div", "ms-controls");
  const buttons = steps.map(([act, text, key, meaning], i) => {
    const button = makeButton(box, text, `${meaning} (key ${key})`, () => ask(act));
    button.setAttribute("aria-keyshortcuts", key);
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
    buttons.forEach((button) => disable(button, !["paused", "running"].includes(view.status)));
  };
}

function statusLine(parent) {
  const node = make(parent, "div", "ms-status");
  describe(node, "status");
  const sign = make(node, "span", "ms-sign");
  const headline = make(node, "b");
  const detail = make(node, "span", "ms-detail");
  return (view) => {
    if (node.dataset.status !== view.status) sign.innerHTML = drawing(STATUS[view.status]);
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
    disable(fresh, view.ended);
    put(words, view.said.text);
    said.title = view.said.text;
    said.classList.toggle("is-trouble", !view.said.well);
  };
  const message = () => ({ text: text.value, times: Math.max(1, Math.floor(+times.value) || 1) });
  return Object.assign(update, { message });
}
