// The stepper and the duel in the browser. What there is to show comes from view.py as plain data; here it is drawn, and
// all of it as text. Every node is made once and changed in place, so that the focus stays and nothing jumps.

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
const STEPS = [
  ["next", "Next line", "n", "Run one line, also those of helper functions"],
  ["next_call", "Next call", "c", "Run up to the next call to the kernel, and stop before it is made"],
  ["run_until_blocked", "Run until blocked", "r", "Run until the server has to wait"],
];
const ACTS = [
  ["send", "send", "sends the message"],
  ["read", "read", "reads what has arrived"],
  ["half_close", "half-close", "sends end of file, and can still read: shutdown(SHUT_WR)"],
  ["close", "close", "leaves politely"],
  ["reset", "reset", "leaves rudely: the server meets ECONNRESET"],
];
const PATIENCE = 500; // ms without an answer, after which the panel says that the kernel is busy
const BYTE = 4; // pixels: up to TICKS bytes are drawn one by one
const TICKS = 12;
const FULL = 2 ** 22; // bytes that fill a bar: about what a queue can hold

function render({ model, el }) {
  const root = make(el, "div", "ms");
  root.tabIndex = -1; // a click anywhere in it lets it have the keys
  const busy = { timer: 0 };
  const ask = (act, more = {}) => {
    if (root.dataset.busy) return;
    model.send({ act, ...more });
    clearTimeout(busy.timer);
    busy.timer = setTimeout(() => { root.dataset.busy = "yes"; }, PATIENCE);
  };
  const panel = (model.get("kind") === "duel" ? duel : stepper)(root, ask, model);

  function show() {
    clearTimeout(busy.timer);
    delete root.dataset.busy;
    const view = model.get("view");
    if (view.said) panel(view, model.get("source"));
    root.dataset.answered = view.answered;
  }

  // Keys pressed in the panel are the panel's: JupyterLab would take "c" and "r" for its own, and turn the cell to raw text.
  // It listens on the document; a window is asked before that.
  function key(event) {
    if (!root.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.shiftKey) return;
    event.stopPropagation();
    const wanted = event.target.tagName === "INPUT" ? null : root.querySelector(`[aria-keyshortcuts="${event.key}"]`);
    if (wanted) wanted.click();
  }

  const events = ["change:view", "change:source"];
  events.forEach((name) => model.on(name, show));
  window.addEventListener("keydown", key, true);
  show();
  return () => {
    clearTimeout(busy.timer);
    window.removeEventListener("keydown", key, true);
    events.forEach((name) => model.off(name, show));
  };
}

// ---- the two panels

function stepper(root, ask, model) {
  const top = make(root, "div", "ms-top");
  const name = serverName(top);
  const press = controls(top, ask, STEPS);
  const status = statusLine(root);
  const deck = make(root, "div", "ms-deck");
  const code = sourceView(deck);
  const side = make(deck, "div", "ms-side");
  const calls = callList(side, "Calls since the last step", "none");
  const locals = localList(side);
  const kernel = make(root, "div", "ms-kernel");
  const tools = toolbar(kernel, ask, model);
  const lanes = make(kernel, "div", "ms-lanes");
  lanes.tabIndex = 0;
  describe(lanes, "region", "clients and their queues");
  const heads = make(lanes, "div", "ms-lane ms-heads");
  ["client", "", "reply waiting", "receive queue", "send queue", "ready for", "epoll watches"].forEach((text, i) => {
    make(heads, "div", i === 3 ? "ms-kernelside" : "").textContent = text;
  });
  const listener = listenerLane(lanes);
  const nobody = make(lanes, "div", "ms-nobody");
  nobody.textContent = "No client yet. A new one waits in the accept queue before the server knows of it.";
  const rows = new Map();

  return (view, source) => {
    name(view);
    press(view);
    status(view);
    code(view, source);
    calls(view.calls);
    locals(view.locals, view.function);
    tools(view);
    listener(view.listener, view.rows);
    nobody.hidden = view.rows.length > 0;
    const before = rows.size;
    keep(rows, view.rows, () => clientLane(lanes, (act, client) => ask(act, { client, ...tools.message() })),
      (lane, row) => lane(row, view.status === "blocked"));
    if (rows.size > before && before > 0) lanes.scrollTop = lanes.scrollHeight;
  };
}

function duel(root, ask, model) {
  const top = make(root, "div", "ms-top");
  make(top, "b", "ms-title").textContent = "The same bytes for both";
  const press = controls(top, ask, []);
  const tools = toolbar(root, ask, model);
  const grid = make(root, "div", "ms-duel");
  make(grid, "div", "ms-corner").textContent = "each client is connected to both servers";
  const heads = [0, 1].map(() => {
    const head = make(grid, "div", "ms-head");
    return [serverName(head), statusLine(head)];
  });
  const lanes = make(root, "div", "ms-lanes ms-duellanes");
  lanes.tabIndex = 0;
  describe(lanes, "region", "clients");
  const nobody = make(lanes, "div", "ms-nobody");
  nobody.textContent = "No client yet. A new one connects to both servers.";
  const foot = make(root, "div", "ms-duel ms-duelfoot");
  make(foot, "div", "ms-corner").textContent = "what each server did about it";
  const lists = [0, 1].map(() => callList(make(foot, "div", "ms-side"), "Calls since the act", "none: it slept on"));
  const rows = new Map();

  return (view) => {
    press(view);
    tools(view);
    view.sides.forEach((side, i) => {
      heads[i][0](side);
      heads[i][1](side);
      lists[i](side.calls);
    });
    const pairs = view.sides[0].rows.map((row, i) => ({ name: row.name, both: [row, view.sides[1].rows[i]] }));
    nobody.hidden = pairs.length > 0;
    keep(rows, pairs, () => pairLane(lanes, (act, client) => ask(act, { client, ...tools.message() })),
      (lane, pair) => lane(pair, view.sides));
  };
}

// ---- parts; each is a function that makes its nodes and returns one that shows the next moment

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

function sourceView(parent) {
  const box = make(parent, "div", "ms-source");
  const crumbs = make(box, "div", "ms-crumbs");
  const pane = make(box, "div", "ms-code");
  pane.tabIndex = 0;
  describe(pane, "region", "source");
  let drawn = "";
  let lines = [];

  function draw(source) {
    const text = JSON.stringify(source);
    if (text === drawn) return;
    drawn = text;
    crumbs.replaceChildren();
    source.path.forEach((name, i) => {
      if (i) make(crumbs, "span", "ms-arrow").textContent = "calls";
      make(crumbs, i === source.path.length - 1 ? "b" : "span").textContent = name;
    });
    pane.replaceChildren();
    lines = source.lines.map((parts, i) => sourceLine(pane, i + 1, parts));
  }

  return (view, source) => {
    draw(source);
    const notes = new Map(view.notes.map((note) => [note.line, note]));
    const lit = ["paused", "blocked", "crashed", "running"].includes(view.status) ? view.line : 0;
    pane.dataset.status = view.status;
    lines.forEach((line, i) => line(lit === i + 1, notes.get(i + 1)));
    const now = pane.querySelector(".is-lit");
    if (now) bringIntoView(pane, now);
  };
}

function sourceLine(pane, number, parts) {
  const node = make(pane, "div", "ms-line");
  make(node, "span", "ms-number").textContent = number;
  const text = make(node, "span", "ms-text");
  const indent = parts.length ? parts[0][1].length - parts[0][1].trimStart().length : 0;
  text.style.setProperty("--indent", `${indent + 4}ch`);
  parts.forEach(([kind, piece]) => { make(text, "span", kind && `ms-${kind}`).textContent = piece; });
  const note = make(text, "span", "ms-note");
  const sign = make(note, "span", "ms-sign");
  const words = make(note, "span");
  note.hidden = true;
  return (lit, said) => {
    node.classList.toggle("is-lit", lit);
    if (lit) node.setAttribute("aria-current", "step");
    else node.removeAttribute("aria-current");
    note.hidden = !said;
    if (!said) return;
    if (note.dataset.kind !== said.kind) sign.innerHTML = drawing(KIND[said.kind] ?? STATUS[said.kind]);
    note.dataset.kind = said.kind;
    note.classList.toggle("is-old", !said.fresh);
    put(words, said.text);
    note.title = said.text;
  };
}

// Scroll only when the line would be near an edge, then so far that the lines around it are in sight, and to a whole line.
function bringIntoView(pane, node) {
  const [top, room] = [node.offsetTop - pane.scrollTop, pane.clientHeight];
  if (top >= 18 && top + node.offsetHeight <= room - 36) return;
  let first = node;
  while (first.previousElementSibling && node.offsetTop - first.offsetTop < room * 0.35) first = first.previousElementSibling;
  pane.scrollTop = first.offsetTop;
}

function callList(parent, title, none) {
  const list = section(parent, title);
  return (calls) => {
    list.replaceChildren();
    calls.forEach((call) => {
      const item = make(list, "li");
      item.dataset.kind = call.kind;
      const sign = make(item, "span", "ms-sign");
      sign.innerHTML = drawing(KIND[call.kind]);
      make(item, "span", "ms-calltext").textContent = call.text;
      if (call.line || call.where) {
        make(item, "span", "ms-where").textContent = call.line ? call.line : call.where;
        item.title = `${call.text}\n${call.line ? `line ${call.line}` : `in ${call.where}`}`;
      }
    });
    if (!calls.length) make(list, "li", "ms-none").textContent = none;
    list.scrollTop = list.scrollHeight;
  };
}

function localList(parent) {
  const list = section(parent, "Locals");
  const title = list.previousElementSibling;
  return (pairs, name) => {
    const before = list.scrollTop;
    put(title, name ? `Locals of ${name}` : "Locals");
    list.replaceChildren();
    pairs.forEach(([key, text, changed]) => {
      const item = make(list, "li", changed ? "is-changed" : "");
      item.title = `${key} = ${text}${changed ? " (changed by the last step)" : ""}`;
      make(item, "span", "ms-key").textContent = key;
      make(item, "span", "ms-value").textContent = text;
    });
    if (!pairs.length) make(list, "li", "ms-none").textContent = "none";
    const news = list.querySelector(".is-changed");
    list.scrollTop = news ? Math.max(0, news.offsetTop - 18) : before;
  };
}

function section(parent, title) {
  const box = make(parent, "div", "ms-section");
  make(box, "div", "ms-heading").textContent = title;
  const list = make(box, "ul", "ms-list");
  list.tabIndex = 0;
  list.setAttribute("aria-label", title);
  return list;
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

const SEATS = 7; // places of the accept queue that are drawn

function listenerLane(parent) {
  const lane = make(parent, "div", "ms-lane ms-listener");
  const who = nameCell(lane);
  const queue = make(lane, "div", "ms-queue");
  const seats = Array.from({ length: SEATS }, () => make(queue, "span", "ms-seat"));
  const count = make(queue, "span", "ms-count");
  const ready = tags(lane, "ms-ready");
  const watches = tags(lane, "ms-watches");
  return (row, rows) => {
    who("listener", row.open ? "accept queue" : row.place, row.where);
    const waiting = rows.filter((one) => one.queued).map((one) => one.name);
    const extra = waiting.length - SEATS;
    seats.forEach((seat, i) => {
      const last = i === SEATS - 1 && extra > 0;
      put(seat, last ? `+ ${extra + 1}` : waiting[i] ?? "");
      seat.classList.toggle("is-taken", i < waiting.length);
      seat.hidden = !row.open || (i >= waiting.length && i >= row.limit + 1); // Linux lets one more in than it was told
    });
    put(count, row.open ? `${row.receive} of ${row.limit}` : "");
    mark(count, row.changed.includes("receive"));
    queue.title = row.open
      ? `${row.receive} connections wait to be accepted; there is room for ${row.limit.toLocaleString("en")}` : row.where;
    ready(row.ready, row.interest, row.changed.includes("ready"));
    watches(row.interest, row.ready, row.changed.includes("interest"));
  };
}

function clientLane(parent, ask) {
  const lane = make(parent, "div", "ms-lane");
  describe(lane, "group", "");
  const who = nameCell(lane);
  const acts = actButtons(lane, ask);
  const reply = queueBar(lane, "reply waiting", "ms-reply");
  const receive = queueBar(lane, "receive queue", "ms-kernelside");
  const send = queueBar(lane, "send queue", "ms-send");
  const ready = tags(lane, "ms-ready");
  const watches = tags(lane, "ms-watches");
  const update = (row, asleep) => {
    const changed = (field) => row.changed.includes(field);
    lane.setAttribute("aria-label", `${row.name}, ${row.place}`);
    lane.dataset.place = row.open && !row.gone ? "open" : row.queued ? "queue" : "gone";
    who(row.name, row.place, row.where, changed("where"));
    acts(row);
    reply(row.reply, changed("reply"), false, !row.gone);
    receive(row.receive, changed("receive"), asleep && row.open, row.open || row.queued);
    send(row.send, changed("send"), false, row.open);
    ready(row.ready, row.interest, changed("ready"), row.open);
    watches(row.interest, row.ready, changed("interest"), row.open);
  };
  return Object.assign(update, { node: lane });
}

function pairLane(parent, ask) {
  const lane = make(parent, "div", "ms-duel ms-pair");
  describe(lane, "group", "");
  const left = make(lane, "div", "ms-who");
  const who = nameCell(left);
  const acts = actButtons(left, ask);
  const sides = [0, 1].map(() => {
    const box = make(lane, "div", "ms-half");
    const receive = queueBar(box, "receive queue", "ms-wide");
    const reply = queueBar(box, "reply waiting", "ms-wide ms-thin");
    const masks = make(box, "div", "ms-masks");
    make(masks, "span").textContent = "ready";
    const ready = tags(masks, "ms-ready");
    make(masks, "span").textContent = "watched";
    const watches = tags(masks, "ms-watches");
    return { box, receive, ready, watches, reply };
  });
  const update = (pair, views) => {
    lane.setAttribute("aria-label", pair.name);
    const [one, other] = pair.both;
    who(pair.name, one.place === other.place ? one.place : `${one.place} / ${other.place}`, one.where);
    acts({ name: pair.name, gone: one.gone });
    sides.forEach((side, i) => {
      const row = pair.both[i];
      const changed = (field) => row.changed.includes(field);
      const asleep = views[i].status === "blocked" && row.open && row.receive > 0;
      side.box.classList.toggle("is-left", asleep);
      side.receive(row.receive, changed("receive"), asleep, row.open || row.queued);
      side.reply(row.reply, changed("reply"), false, !row.gone);
      side.ready(row.ready, row.interest, changed("ready"), row.open);
      side.watches(row.interest, row.ready, changed("interest"), row.open);
    });
  };
  return Object.assign(update, { node: lane });
}

function nameCell(parent) {
  const cell = make(parent, "div", "ms-cell");
  const name = make(cell, "b");
  const place = make(cell, "span", "ms-place");
  return (text, where, meaning, changed = false) => {
    put(name, text);
    put(place, where);
    place.title = meaning;
    mark(place, changed);
  };
}

function actButtons(parent, ask) {
  const box = make(parent, "div", "ms-acts");
  let name = "";
  const buttons = ACTS.map(([act, text]) => makeButton(box, text, "", () => ask(act, name)));
  return (row) => {
    name = row.name;
    buttons.forEach((button, i) => {
      button.title = `${name} ${ACTS[i][2]}`;
      button.setAttribute("aria-label", `${name}: ${ACTS[i][1]}`);
      disable(button, row.gone);
    });
  };
}

// A few bytes are drawn one by one; more of them as a bar that grows ever more slowly.
function queueBar(parent, name, className) {
  const cell = make(parent, "div", `ms-bar ${className}`);
  cell.dataset.name = name;
  const number = make(cell, "span", "ms-count");
  const track = make(cell, "div", "ms-track");
  const fill = make(track, "div", "ms-fill");
  return (bytes, changed, left, known) => {
    const few = Math.min(bytes, TICKS) * BYTE;
    const more = bytes > TICKS ? Math.min(1, Math.log(bytes / TICKS) / Math.log(FULL / TICKS)) : 0;
    fill.style.width = `calc(${few}px + ${more} * (100% - ${TICKS * BYTE}px))`;
    fill.classList.toggle("is-ticked", bytes <= TICKS);
    cell.classList.toggle("is-empty", bytes === 0);
    cell.classList.toggle("is-left", left && bytes > 0);
    track.hidden = !known;
    put(number, known ? inBytes(bytes) : "");
    cell.title = known ? `${name}: ${inBytes(bytes)}` : "";
    mark(number, changed);
  };
}

// A tag is filled where what a socket is ready for is also what it is watched for: that is what epoll reports.
function tags(parent, className) {
  const cell = make(parent, "div", `ms-tags ${className}`);
  return (words, others, changed, known = true) => {
    const text = JSON.stringify([words, others]);
    if (cell.dataset.text !== text) {
      cell.dataset.text = text;
      cell.replaceChildren();
      words.forEach((word) => {
        make(cell, "span", `ms-tag${others.includes(word) ? " is-met" : ""}`).textContent = word;
      });
      if (!words.length && known) make(cell, "span", "ms-none").textContent = "–";
    }
    mark(cell, changed && words.length > 0);
  };
}

// ---- building blocks

function make(parent, tag, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent.appendChild(node);
  return node;
}

function makeButton(parent, text, title, pressed) {
  const button = make(parent, "button", "ms-button");
  button.type = "button";
  button.textContent = text;
  button.title = title;
  button.addEventListener("click", () => { if (button.getAttribute("aria-disabled") !== "true") pressed(); });
  return button;
}

// Not `disabled`: a button that is switched off while it has the focus would lose it.
function inBytes(count) {
  return `${count.toLocaleString("en")} byte${count === 1 ? "" : "s"}`;
}

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

export default { render };
