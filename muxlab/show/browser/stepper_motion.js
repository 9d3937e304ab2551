// Bytes that are seen to move: from a client into its receive queue, from there to the server, and as a reply back. What has
// moved is the difference between the frame before and this one; a reader who wants less motion sees none.

const FLIGHT = 550; // ms
const APART = 45; // ms between one bit and the next
const MOST = 6; // bits of one flight: more say nothing more
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

// Make the layer that bits fly in. Returns `fly(flights)`: each is [from, to, bytes], two nodes and a number.
function motionLayer(root) {
  const layer = make(root, "div", "ms-flights");
  layer.setAttribute("aria-hidden", "true");
  return (flights) => {
    layer.replaceChildren();
    if (STILL.matches || document.hidden) return;
    const origin = layer.getBoundingClientRect();
    flights.forEach(([from, to, bytes]) => {
      const [start, end] = [middleOf(from, origin), middleOf(to, origin)];
      if (!start || !end) return;
      const bits = Math.min(MOST, 1 + Math.floor(Math.log2(bytes)));
      for (let i = 0; i < bits; i++) flyOne(layer, start, end, i * APART);
    });
  };
}

function flyOne(layer, [x, y], [toX, toY], delay) {
  const bit = make(layer, "i", "ms-bit");
  const at = (left, top, scale, opacity) => ({ transform: `translate(${left}px, ${top}px) scale(${scale})`, opacity });
  const frames = [at(x, y, 0.4, 0), at(x + (toX - x) * 0.12, y + (toY - y) * 0.12, 1, 1), at(toX, toY, 1, 1), at(toX, toY, 0.4, 0)];
  frames[2].offset = 0.9;
  bit.animate(frames, { duration: FLIGHT, delay, easing: "ease-in-out", fill: "both" }).finished
    .then(() => bit.remove(), () => {}); // a flight that was called off
}

// The middle of a node, within what is seen of the region that it scrolls in; null when it is not shown at all.
function middleOf(node, origin) {
  const box = node?.getBoundingClientRect();
  if (!box || box.width === 0) return null;
  const pane = node.closest(".ms-code, .ms-lanes")?.getBoundingClientRect() ?? box;
  const y = Math.min(Math.max(box.top + box.height / 2, pane.top + 6), pane.bottom - 6);
  return [box.left + Math.min(box.width / 2, 120) - origin.left, y - origin.top];
}

// What has moved for one client: `places` are the nodes of its name, its button "send", its two queues and the server. Where
// servers have `whole` runs between two frames, as in the duel, what was replied to has come and gone unseen.
function flightsOf(before, now, places) {
  if (!before) return [[places.door, places.name, 1]];
  const grown = (queue) => (now.bars[queue]?.bytes ?? 0) - (before.bars[queue]?.bytes ?? 0);
  const flights = [];
  const add = (count, from, to) => { if (count > 0) flights.push([from, to, count]); };
  add(grown("receive") + (places.whole ? Math.max(0, grown("reply")) : 0), places.send, places.receive);
  if (now.open) add(-grown("receive"), places.receive, places.server); // a connection that is closed loses its bytes
  add(grown("reply"), places.server, places.reply);
  if (!now.gone) add(-grown("reply"), places.reply, places.name);
  if (before.queued && now.open) flights.push([places.seat, places.name, 1]);
  return flights;
}
