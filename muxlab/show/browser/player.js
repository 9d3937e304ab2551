// Plays a recording: the panel's own script, over frames that were stored. No kernel and no network is asked for anything.
// The panel's script is wrapped around this file by player.py, which says what comes as `panel`. A fragment of HTML holds the
// frames, packed; see recording.py for what is in them.

const READING = 55; // ms that a letter of a caption takes to read,
const SHORTEST = 1400; // and at least so much for a frame
const WITHIN = 650; // ms for a frame that goes on under the same caption
const SMOOTH = window.matchMedia("(prefers-reduced-motion: no-preference)");
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const WHY = "This is a recording: no server runs here. Move through it with the arrow keys or the buttons on top.";

const FOOT = {
  live: "Recorded from servers and clients at work, ten moments a second. Nothing runs here.",
  stepper: "Recorded from a real server, with the kernel's own figures. Nothing runs here.",
  duel: "Recorded from two real servers, with the kernel's own figures. Nothing runs here.",
  timeline: "The calls that a real server made, in their order.",
};

function playAll() {
  document.querySelectorAll(`.muxlab-recording[data-kind="${KIND}"]:not([data-state])`).forEach((node) => {
    node.dataset.state = "unpacking";
    const packed = node.querySelector(".mr-packed").textContent;
    unpack(packed).then((recording) => play(node, recording)).catch((error) => {
      node.dataset.state = "broken";
      make(node, "p").textContent = `This recording cannot be played here: ${error.message}`;
    });
  });
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(plain).text(), (key, value) => {
    const stored = value?.["muxlab.bytes"];
    return stored === undefined ? value : Uint8Array.from(atob(stored), (letter) => letter.charCodeAt(0));
  });
}

function play(node, recording) {
  const moments = [];
  recording.frames.forEach((frame) => moments.push({ ...moments[moments.length - 1], ...frame }));
  const live = recording.seconds > 0;
  const last = moments.length - 1;
  // Where "forward" goes: to the next frame, or, where they follow each other by themselves, to the end of what a caption tells.
  const ends = moments.map((_, i) => i).filter((i) => i === last || moments[i].caption !== moments[i + 1].caption);
  const stops = live ? [0, ...ends] : moments.map((_, i) => i);
  let place = recording.kind === "timeline" ? last : 0; // a chart is whole until it is played
  let epoch = 0; // counts the jumps: a panel lets bytes fly only from one frame to the next one
  let timer = 0;
  let until = last; // where it pauses

  node.replaceChildren();
  node.tabIndex = -1; // a click anywhere in it lets it have the keys
  describe(node, "group", `recording: ${recording.title}`);
  const card = make(node, "div", "mux-card mr");
  const top = make(card, "div", "mr-top");
  const back = button(top, "mr-back", "Back", () => { pause(); go(before()); });
  const start = button(top, "mr-start", "Play", () => (timer ? pause() : begin()));
  const on = button(top, "mr-on", "Forward", () => { pause(); go(after()); });
  const slider = make(top, "input", "mr-slider");
  Object.assign(slider, { type: "range", min: 0, max: last, value: 0 });
  slider.setAttribute("aria-label", live ? "moment of the recording" : "step of the recording");
  slider.addEventListener("input", () => { pause(); go(+slider.value); });
  const count = make(top, "span", "mr-count");
  const caption = make(card, "p", "mr-caption");
  describe(caption, "status");
  const model = modelOf(() => moments[place], () => epoch, () => { pause(); go(place + 1); });
  if (recording.kind === "playground") serverName(card, recording.title, moments[0].colour);
  const moveSliders = live ? settings(card, moments, playSetting) : () => {};
  const el = make(card, "div", "mr-panel");
  make(card, "p", "mr-foot").textContent = FOOT[recording.kind] ?? FOOT.live;

  const before = () => stops.findLast((i) => i < place) ?? 0;
  const after = () => stops.find((i) => i > place) ?? last;

  function go(wanted) {
    const old = place;
    place = Math.max(0, Math.min(last, wanted));
    if (place !== old + 1) epoch += 1;
    model.tell(moments[old], moments[place]);
    show();
  }

  function show() {
    const { caption: text, setting } = moments[place];
    const number = live && recording.kind !== "timeline" ? `${(place * recording.seconds).toFixed(1)} s` : `${place + 1} of ${last + 1}`;
    slider.value = place;
    slider.setAttribute("aria-valuetext", `${number}: ${text}`);
    put(count, number);
    put(caption, text);
    off(back, place === 0);
    off(on, place === last);
    moveSliders(setting);
    stillControls(el, moments[place + 1]?.pressed);
    node.dataset.place = place;
  }

  function begin(end = last) {
    if (place === last) go(0);
    until = end;
    node.dataset.state = "playing";
    caption.setAttribute("aria-live", live ? "off" : "polite"); // a screen reader cannot follow ten captions a second
    put(start.words, "Pause");
    timer = setTimeout(next, pace());
  }

  // Play one setting of the sliders, from its first frame on; a reader who wants less motion sees how it ends.
  function playSetting(first) {
    pause();
    const end = ends.find((i) => i >= first && moments[i + 1]?.setting !== moments[first].setting);
    go(SMOOTH.matches ? first : end);
    if (SMOOTH.matches) begin(end);
  }

  function next() {
    if (!node.isConnected) return;
    go(place + 1);
    if (place >= until) pause();
    else timer = setTimeout(next, pace());
  }

  function pace() {
    const { caption: text } = moments[place];
    if (live) { // before the next caption there is time to read this one to its end
      const frames = place - (ends.findLast((i) => i < place) ?? 0);
      const unread = frames > 1 && ends.includes(place) ? READING * text.length - 1000 * recording.seconds * frames : 0;
      return Math.max(1000 * recording.seconds, unread);
    }
    return moments[place + 1]?.caption === text ? WITHIN : Math.max(SHORTEST, READING * text.length);
  }

  function pause() {
    clearTimeout(timer);
    timer = 0;
    node.dataset.state = "paused";
    caption.setAttribute("aria-live", "polite");
    put(start.words, "Play");
  }

  // The keys of a recording are asked before those of the panel in it, which listens on the window, too, but began later.
  function key(event) {
    if (!node.isConnected) {
      window.removeEventListener("keydown", key, true);
      return;
    }
    if (!node.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.type === "range" && /^(Arrow|Home|End)/.test(event.key)) return; // it moves itself
    const deeds = {
      ArrowLeft: () => go(before()), ArrowRight: () => go(after()), "[": () => go(before()), "]": () => go(after()),
      Home: () => go(0), End: () => go(last),
    };
    if (!Object.hasOwn(deeds, event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pause();
    deeds[event.key]();
  }

  window.addEventListener("keydown", key, true);
  followTheme(node, () => { model.tell({}, moments[place]); show(); });
  panel.render({ model, el });
  pause();
  show();
  if (node.dataset.autoplay !== undefined && SMOOTH.matches) whenSeen(node, begin);
}

// What a panel's script takes for its model: it can be read, and it tells what has changed.
function modelOf(now, epoch, pressed) {
  const listeners = []; // [event, listener]
  const tell = (old, fresh) => {
    const changed = (name) => old[name] !== fresh[name];
    const called = listeners.filter(([event]) => event.startsWith("change:") && changed(event.slice(7)));
    new Set(called.map(([, listener]) => listener)).forEach((listener) => listener());
  };
  const get = (name) => {
    const value = now()[name];
    return name === "view" ? { ...value, run: epoch() } : value;
  };
  return {
    get,
    tell,
    set() {},
    save_changes() {},
    send: ({ act }) => { if (act) pressed(); }, // only the button that was pressed next can be
    on: (event, listener) => { listeners.push([event, listener]); },
    off: (event, listener) => {
      const i = listeners.findIndex((one) => one[0] === event && one[1] === listener);
      if (i >= 0) listeners.splice(i, 1);
    },
  };
}

// Nothing in the panel can be pressed that would need a server. It stays in its place and in the order of the keys, and says why.
// The button that was pressed `next` is lit, and can be pressed again: it leads to the next frame.
function stillControls(el, next) {
  el.querySelectorAll("button, input").forEach((control) => {
    if (control.matches(".ms-fold, .ms-history *")) return;
    const lit = Boolean(next?.act) && control.dataset.act === next.act && (control.dataset.client ?? "") === next.client;
    control.classList.toggle("mr-next", lit);
    control.title = lit ? "Pressed next in this recording" : WHY;
    if (lit) {
      control.setAttribute("aria-disabled", "false");
      return;
    }
    if (control.tagName === "INPUT") control.disabled = true;
    control.setAttribute("aria-disabled", "true");
    control.dataset.why = WHY;
  });
}

function serverName(card, title, colour) {
  const name = make(card, "div", "mr-name");
  make(name, "i").style.background = colour;
  make(name, "b").textContent = title;
}

// The sliders of a panel that was recorded at a few settings: each stops only at those, and jumps to where one begins.
function settings(card, moments, jump) {
  const box = make(card, "div", "mr-settings");
  const first = moments.flatMap(({ setting }, i) => (setting && setting !== moments[i - 1]?.setting ? [{ setting, i }] : []));
  const names = Object.keys(first[0]?.setting ?? {});
  const updates = names.map((name) => {
    const values = [...new Set(first.map(({ setting }) => setting[name]))].sort((one, other) => one - other);
    const label = make(box, "label", "mr-setting");
    const words = make(label, "span");
    make(words, "span").textContent = name;
    const value = make(words, "b");
    if (values.length === 1) {
      put(value, values[0].toLocaleString("en"));
      return () => {};
    }
    const slider = make(label, "input");
    Object.assign(slider, { type: "range", min: 0, max: values.length - 1 });
    slider.setAttribute("aria-label", name);
    let here = first[0].setting;
    slider.addEventListener("input", () => {
      const likeness = ({ setting }) => names.filter((one) => one !== name && setting[one] === here[one]).length;
      const there = first.filter(({ setting }) => setting[name] === values[+slider.value]);
      jump(there.sort((one, other) => likeness(other) - likeness(one))[0].i);
    });
    return (setting) => {
      here = setting;
      slider.value = values.indexOf(setting[name]);
      slider.setAttribute("aria-valuetext", setting[name].toLocaleString("en"));
      put(value, setting[name].toLocaleString("en"));
    };
  });
  if (first.length > 1) make(box, "p", "mr-foot").textContent = "Each slider stops only at what was recorded.";
  return (setting) => updates.forEach((update) => update(setting));
}

// ---- buttons, light and dark

function button(parent, className, text, pressed) {
  const node = make(parent, "button", `mr-button ${className}`);
  node.type = "button";
  make(node, "i").setAttribute("aria-hidden", "true");
  const words = make(node, "span");
  words.textContent = text;
  node.addEventListener("click", () => { if (node.getAttribute("aria-disabled") !== "true") pressed(); });
  return Object.assign(node, { words });
}

function off(node, now) { // not `disabled`, or it would lose the focus
  node.setAttribute("aria-disabled", now ? "true" : "false");
}

// Whether the page is dark: JupyterLab says so, a book of Sphinx's says so, VS Code says so; else the reader's system does.
function isDark() {
  const { body, documentElement: root } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (root.dataset.theme) return root.dataset.theme === "dark";
  if (body.dataset.vscodeThemeKind) return !body.dataset.vscodeThemeKind.endsWith("light");
  return DARK.matches;
}

// The style sheets of the panels ask JupyterLab's mark for light and dark, so the recording bears it, too.
function followTheme(node, redraw) {
  const look = () => {
    const mark = isDark() ? "false" : "true";
    if (node.dataset.jpThemeLight === mark) return;
    node.dataset.jpThemeLight = mark;
    requestAnimationFrame(redraw); // a canvas has no colours of its own
  };
  node.classList.toggle("has-no-theme", !document.body.dataset.jpThemeLight);
  const watch = new MutationObserver(look);
  const attributeFilter = ["data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];
  [document.documentElement, document.body].forEach((one) => watch.observe(one, { attributes: true, attributeFilter }));
  DARK.addEventListener("change", look);
  look();
}

function whenSeen(node, begin) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    begin();
  }, { threshold: 0.6 });
  watch.observe(node);
}
