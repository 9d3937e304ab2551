// The stepper and the duel in the browser: the two panels. Their parts come from the files stepper_*.js, which stand before
// this one. What there is to show comes from stepper_view.py as plain data; here it is drawn, and all of it as text. Every node
// is made once and changed in place, so that the focus stays and nothing jumps.

const PATIENCE = 500; // ms without an answer, after which the panel says that the kernel is busy

function render({ model, el }) {
  const root = make(el, "div", "mux-card ms");
  root.tabIndex = -1; // a click anywhere in it lets it have the keys
  const busy = { timer: 0 };
  const ask = (act, more = {}) => {
    if (root.dataset.busy) return;
    history.now();
    model.send({ act, ...more });
    clearTimeout(busy.timer);
    busy.timer = setTimeout(() => { root.dataset.busy = "yes"; }, PATIENCE);
  };
  const bar = document.createElement("div");
  const panel = (model.get("kind") === "duel" ? duel : stepper)(root, ask, model, bar);
  const history = historyBar(bar, (view, source, past) => {
    root.classList.toggle("is-past", past);
    panel(view, source, past);
  }, () => ask("save"));

  function show() {
    clearTimeout(busy.timer);
    delete root.dataset.busy;
    const view = model.get("view");
    if (view.said) history.note(view, model.get("source"));
    root.dataset.answered = view.answered;
  }

  // Keys pressed in the panel are the panel's: JupyterLab would take "c" and "r" for its own, and turn the cell to raw text.
  // It listens on the document; a window is asked before that.
  function key(event) {
    if (!root.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.shiftKey) return;
    event.stopPropagation();
    if (event.target.tagName === "INPUT" && event.target.type !== "range") return;
    const buttons = [...root.querySelectorAll("[aria-keyshortcuts]")];
    buttons.find((button) => button.getAttribute("aria-keyshortcuts") === event.key)?.click();
    if (event.target.type !== "range" && event.key === "ArrowLeft") history.by(-1);
    if (event.target.type !== "range" && event.key === "ArrowRight") history.by(1);
  }

  window.addEventListener("keydown", key, true);
  const ends = [follow(model, { view: show, source: show }), tellWhenGone(model, el)];
  return () => {
    clearTimeout(busy.timer);
    window.removeEventListener("keydown", key, true);
    ends.forEach((end) => end());
  };
}

// ---- the two panels

function stepper(root, ask, model, bar) {
  const top = make(root, "div", "ms-top");
  const name = serverName(top);
  const press = controls(top, ask, STEPS);
  const status = statusLine(root);
  root.append(bar);
  const deck = make(root, "div", "ms-deck");
  const code = sourceView(deck);
  const side = make(deck, "div", "ms-side");
  const calls = callList(side, "Calls since the last step", "none");
  const locals = localList(side);
  const kernel = make(root, "div", "ms-kernel");
  const tools = toolbar(kernel, ask, model);
  const lanes = make(kernel, "div", "ms-lanes");
  lanes.tabIndex = 0;
  describe(lanes, "group", "clients and their queues");
  const heads = make(lanes, "div", "ms-lane ms-heads");
  const words = { acts: model.get("acts"), headings: model.get("headings") };
  ["client", "", ...Object.values(words.headings)].forEach((text, i) => {
    make(heads, "div", i === 3 ? "ms-kernelside" : "").textContent = text;
  });
  const listener = listenerLane(lanes, words.headings);
  const nobody = make(lanes, "div", "ms-nobody");
  nobody.textContent = "No client yet. A new one waits in the accept queue before the server knows of it.";
  const rows = new Map();
  const fly = motionLayer(root);
  let last = null; // what the server was about in the latest frame

  return (view, source, past) => {
    name(view);
    press(view);
    status(view);
    code(view, source);
    calls(view.calls);
    locals(view.locals, view.function);
    tools(view);
    listener(view.listener);
    nobody.hidden = view.rows.length > 0;
    const before = rows.size;
    keep(rows, view.rows, () => clientLane(lanes, (act, client) => ask(act, { client, ...tools.message() }), words),
      (lane, row) => lane(row, view.status === "blocked", view.wakers));
    if (rows.size > before && before > 0) lanes.scrollTop = lanes.scrollHeight;
    if (past) return;
    if (last && last.run === view.run) {
      const server = deck.querySelector(".is-lit") ?? deck.querySelector(".ms-code");
      const common = { server, door: tools.door, seat: listener.seat };
      fly(view.rows.flatMap((row) => flightsOf(last.rows.find((one) => one.name === row.name), row,
        { ...common, ...rows.get(row.name).places })));
    }
    last = view;
  };
}

function duel(root, ask, model, bar) {
  const words = { acts: model.get("acts"), headings: model.get("headings") };
  const top = make(root, "div", "ms-top");
  make(top, "b", "ms-title").textContent = "The same bytes for both";
  const press = controls(top, ask, []);
  const tools = toolbar(root, ask, model);
  root.append(bar);
  const grid = make(root, "div", "ms-duel");
  make(grid, "div", "ms-corner").textContent = "each client is connected to both servers";
  const heads = [0, 1].map(() => {
    const head = make(grid, "div", "ms-head");
    return { name: serverName(head), status: statusLine(head), node: head };
  });
  const lanes = make(root, "div", "ms-lanes ms-duellanes");
  lanes.tabIndex = 0;
  describe(lanes, "group", "clients");
  const nobody = make(lanes, "div", "ms-nobody");
  nobody.textContent = "No client yet. A new one connects to both servers.";
  const foot = make(root, "div", "ms-duel ms-duelfoot");
  make(foot, "div", "ms-corner").textContent = "what each server did about it";
  const lists = [0, 1].map(() => callList(make(foot, "div", "ms-side"), "Calls since the act", "none: it slept on"));
  const rows = new Map();
  const fly = motionLayer(root);
  let last = null; // what both servers were about in the latest frame

  return (view, _, past) => {
    press(view);
    tools(view);
    view.sides.forEach((side, i) => {
      heads[i].name(side);
      heads[i].status(side);
      lists[i](side.calls);
    });
    const pairs = view.sides[0].rows.map((row, i) => ({ name: row.name, both: [row, view.sides[1].rows[i]] }));
    nobody.hidden = pairs.length > 0;
    keep(rows, pairs, () => pairLane(lanes, (act, client) => ask(act, { client, ...tools.message() }), words),
      (lane, pair) => lane(pair, view.sides));
    if (past) return;
    if (last && last.run === view.run) {
      fly(view.sides.flatMap((side, i) => side.rows.flatMap((row) => flightsOf(
        last.sides[i].rows.find((one) => one.name === row.name), row,
        { whole: true, server: heads[i].node, door: tools.door, seat: heads[i].node, ...rows.get(row.name).places[i] }))));
    }
    last = view;
  };
}

export default { render };
