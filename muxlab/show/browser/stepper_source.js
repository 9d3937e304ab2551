// The source, with the line that is next and what calls gave; the list of calls; the locals.
// Each is a function that makes its nodes and returns one that shows the next moment.

function sourceView(parent) {
  const box = make(parent, "div", "ms-source");
  const crumbs = make(box, "div", "ms-crumbs");
  const pane = make(box, "div", "ms-code");
  pane.tabIndex = 0;
  describe(pane, "group", "source");
  let drawn = "";
  let lines = [];
  let folded = true; // the rest of a docstring

  function draw(source) {
    const text = JSON.stringify(source);
    if (text === drawn) return;
    drawn = text;
    crumbs.replaceChildren();
    source.path.forEach((name, i) => {
      if (i) make(crumbs, "span", "ms-arrow").textContent = "calls";
      make(crumbs, i === source.path.length - 1 ? "b" : "span").textContent = name;
    });
    if (pane.contains(document.activeElement)) pane.focus(); // a button that folds lines is about to go
    pane.replaceChildren();
    lines = source.lines.map((parts, i) => sourceLine(pane, i + 1, parts));
    if (source.fold?.length) foldLines(pane, source.fold, folded, (now) => { folded = now; });
  }

  return (view, source) => {
    draw(source);
    const notes = new Map(view.notes.map((note) => [note.line, note]));
    tint(pane, view.status, "--lit");
    lines.forEach((line, i) => line(view.lit === i + 1, notes.get(i + 1)));
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
    putSign(sign, said.kind);
    tint(note, said.kind);
    note.dataset.kind = said.kind;
    note.classList.toggle("is-old", !said.fresh);
    put(words, said.text);
    note.title = said.text;
  };
}

// Hide the lines from `first` to `last` behind a button at the end of the line before them; `told` hears of each change.
function foldLines(pane, [first, last], folded, told) {
  const button = makeButton(pane.children[first - 2].querySelector(".ms-text"), "", "", () => turn(!folded));
  button.classList.add("ms-fold");
  function turn(now) {
    folded = now;
    told(now);
    put(button, now ? `… ${last - first + 1} more lines` : "fold");
    button.setAttribute("aria-expanded", now ? "false" : "true");
    for (let i = first; i <= last; i++) pane.children[i - 1].hidden = now;
  }
  turn(folded);
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
      tint(item, call.kind);
      putSign(make(item, "span", "ms-sign"), call.kind);
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
