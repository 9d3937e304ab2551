// One lane for each client and one for the listener: what waits in its queues, what it is ready for and watched for.
// Each is a function that makes its nodes and returns one that shows the next moment.

const ACTS = [
  ["send", "send", "sends the message"],
  ["read", "read", "reads what has arrived"],
  ["half_close", "half-close", "sends end of file, and can still read: shutdown(SHUT_WR)"],
  ["close", "close", "leaves politely"],
  ["reset", "reset", "leaves rudely: the server meets ECONNRESET"],
];
const BYTE = 4; // pixels: up to TICKS bytes are drawn one by one
const TICKS = 12;
const FULL = 2 ** 22; // bytes that fill a bar: about what a queue can hold
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

function inBytes(count) {
  return `${count.toLocaleString("en")} byte${count === 1 ? "" : "s"}`;
}
