// One lane for each client and one for the listener: what waits in its queues, what it is ready for and watched for.
// Each is a function that makes its nodes and returns one that shows the next moment.

const BYTE = 4; // pixels from byte to byte, where they are drawn one by one
const SEATS = 7; // places of the accept queue that are drawn

function listenerLane(parent, headings) {
  const lane = make(parent, "div", "ms-lane ms-listener");
  const who = nameCell(lane);
  const queue = make(lane, "div", "ms-queue");
  const seats = Array.from({ length: SEATS }, () => make(queue, "span", "ms-seat"));
  const count = make(queue, "span", "ms-count");
  const ready = tags(lane, "ms-ready", headings.ready);
  const watches = tags(lane, "ms-watches", headings.interest);
  const update = (row) => {
    who("listener", row.open ? "accept queue" : row.place, row.where);
    const waiting = row.queue;
    const extra = waiting.length - SEATS;
    seats.forEach((seat, i) => {
      const last = i === SEATS - 1 && extra > 0;
      put(seat, last ? `+ ${extra + 1}` : waiting[i] ?? "");
      seat.classList.toggle("is-taken", i < waiting.length);
      seat.hidden = !row.open || (i >= waiting.length && i >= row.limit + 1); // Linux lets one more in than it was told
    });
    put(count, row.count);
    markChanged(count, row.changed.includes("receive"));
    queue.title = row.open
      ? `${row.receive} connections wait to be accepted; there is room for ${row.limit.toLocaleString("en")}` : row.where;
    ready(row.ready, row.interest, row.changed.includes("ready"));
    watches(row.interest, row.ready, row.changed.includes("interest"));
  };
  return Object.assign(update, { seat: seats[0] });
}

function clientLane(parent, ask, words) {
  const lane = make(parent, "div", "ms-lane");
  describe(lane, "group", "");
  const who = nameCell(lane);
  const acts = actButtons(lane, ask, words.acts);
  const bars = { // in the order of the columns
    reply: queueBar(lane, words.headings.reply, "ms-reply"),
    receive: queueBar(lane, words.headings.receive, "ms-kernelside"),
    send: queueBar(lane, words.headings.send, "ms-send"),
  };
  const ready = tags(lane, "ms-ready", words.headings.ready);
  const watches = tags(lane, "ms-watches", words.headings.interest);
  const update = (row, asleep, wakers) => {
    const changed = (field) => row.changed.includes(field);
    lane.setAttribute("aria-label", `${row.name}, ${row.place}`);
    lane.dataset.place = row.open && !row.gone ? "open" : row.queued ? "queue" : "gone";
    who(row.name, row.place, row.where, changed("where"));
    acts(row, wakers);
    Object.entries(bars).forEach(([queue, show]) => {
      show(row.bars[queue], changed(queue), queue === "receive" && asleep && row.open);
    });
    ready(row.ready, row.interest, changed("ready"), row.open);
    watches(row.interest, row.ready, changed("interest"), row.open);
  };
  const places = { name: who.node, send: acts.first, receive: bars.receive.track, reply: bars.reply.track };
  return Object.assign(update, { node: lane, places });
}

function pairLane(parent, ask, words) {
  const lane = make(parent, "div", "ms-duel ms-pair");
  describe(lane, "group", "");
  const left = make(lane, "div", "ms-who");
  const who = nameCell(left);
  const acts = actButtons(left, ask, words.acts);
  const sides = [0, 1].map(() => {
    const box = make(lane, "div", "ms-half");
    const receive = queueBar(box, words.headings.receive, "ms-wide");
    const reply = queueBar(box, words.headings.reply, "ms-wide ms-thin");
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
      const asleep = views[i].status === "blocked" && row.open;
      side.box.classList.toggle("is-left", asleep && row.bars.receive.bytes > 0);
      side.receive(row.bars.receive, changed("receive"), asleep);
      side.reply(row.bars.reply, changed("reply"), false);
      side.ready(row.ready, row.interest, changed("ready"), row.open);
      side.watches(row.interest, row.ready, changed("interest"), row.open);
    });
  };
  const places = sides.map(({ receive, reply }) => (
    { name: who.node, send: acts.first, receive: receive.track, reply: reply.track }
  ));
  return Object.assign(update, { node: lane, places });
}

function nameCell(parent) {
  const cell = make(parent, "div", "ms-cell");
  const name = make(cell, "b");
  const place = make(cell, "span", "ms-place");
  const update = (text, where, meaning, changed = false) => {
    put(name, text);
    put(place, where);
    place.title = meaning;
    markChanged(place, changed);
  };
  return Object.assign(update, { node: name });
}

function actButtons(parent, ask, acts) {
  const box = make(parent, "div", "ms-acts");
  let name = "";
  const buttons = Object.entries(acts).map(([act, [text, meaning]]) => (
    { act, text, meaning, node: makeButton(box, text, "", () => ask(act, name)) }
  ));
  const update = (row, wakers = {}) => { // `wakers` says which button wakes the server when it sleeps
    name = row.name;
    buttons.forEach(({ act, text, meaning, node }) => {
      Object.assign(node.dataset, { title: `${name} ${meaning}`, act, client: name });
      node.setAttribute("aria-label", `${name}: ${text}`);
      disable(node, row.gone, `${name} has left.`);
      node.classList.toggle("is-next", (wakers[act] ?? []).includes(name));
    });
  };
  return Object.assign(update, { first: buttons[0].node });
}

// A bar as stepper_view.py describes it; without one, the queue cannot be seen.
function queueBar(parent, name, className) {
  const cell = make(parent, "div", `ms-bar ${className}`);
  cell.dataset.name = name;
  const number = make(cell, "span", "ms-count");
  const track = make(cell, "div", "ms-track");
  const fill = make(track, "div", "ms-fill");
  const update = (bar, changed, left) => {
    const { bytes, text, ticks, share } = bar ?? { bytes: 0, text: "", ticks: 0, share: 0 };
    fill.style.width = `calc(${ticks * BYTE}px + ${share} * (100% - ${ticks * BYTE}px))`;
    fill.classList.toggle("is-ticked", share === 0);
    cell.classList.toggle("is-empty", bytes === 0);
    cell.classList.toggle("is-left", left && bytes > 0);
    track.hidden = !bar;
    put(number, text);
    cell.title = bar ? `${name}: ${text}` : "";
    markChanged(number, changed);
  };
  return Object.assign(update, { track });
}

// A tag is filled where what a socket is ready for is also what it is watched for: that is what epoll reports.
function tags(parent, className, name = "") {
  const cell = make(parent, "div", `ms-tags ${className}`);
  cell.dataset.name = name; // for where there is no heading above it
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
    markChanged(cell, changed && words.length > 0);
  };
}
