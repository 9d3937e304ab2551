// Questions that can be answered, folds that open then, and the search on a page that is opened as a file.
//
// `askQuestion` and `tellOutcome` are the scripts of the notebook's own widgets (see site.py). In the notebook they talk
// to Python through a model; here the model is an object over what the notebook has stored.

const UNANSWERED = -1;

// ---- what was answered, kept in this browser; where it may keep nothing, for as long as the page is open

const answers = {
  key: (question) => `muxlab ${question}`,
  get(question) {
    try { return Number(localStorage.getItem(this.key(question)) ?? UNANSWERED); } catch { return UNANSWERED; }
  },
  set(question, answer) {
    try { localStorage.setItem(this.key(question), answer); } catch { /* not kept, then */ }
  },
  forget(question) {
    try { localStorage.removeItem(this.key(question)); } catch { /* there is none */ }
  },
};

// ---- questions

function modelOf(traits) {
  const listeners = {};
  return {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    save_changes() {},
    send() {},
    on(event, listener) { (listeners[event] ??= []).push(listener); },
    off() {},
  };
}

function startQuestion(place) {
  const traits = { ...JSON.parse(place.dataset.traits), answer: answers.get(place.id) };
  const model = modelOf(traits);
  const fold = document.querySelector(`.book-fold[data-question="${place.id}"]`);
  const outcome = document.querySelector(`.book-outcome[data-question="${place.id}"]`);
  place.replaceChildren();
  outcome.replaceChildren();
  askQuestion({ model, el: place });
  tellOutcome({ model, el: outcome });
  outcome.querySelector("details")?.setAttribute("open", ""); // who was shown the experiment may see what came out
  fold.open = traits.answer !== UNANSWERED;
  model.on("change:answer", () => {
    answers.set(place.id, traits.answer);
    fold.open = true;
  });
  return fold;
}

// In the note at the top: how many questions there are, and a way to see or forget everything at once.
function startPage() {
  const questions = [...document.querySelectorAll(".book-question")];
  if (!questions.length) return;
  const folds = questions.map(startQuestion);
  const bar = document.querySelector("article .book-bar");
  const many = questions.length === 1 ? "one question" : `${questions.length} questions`;
  bar.append(document.createElement("br"), `This chapter asks you ${many}. What follows a question is folded until you have answered it. `);
  const add = (text, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", act);
    bar.append(button, " ");
  };
  add("Unfold everything", () => folds.forEach((fold) => { fold.open = true; }));
  add("Start afresh", () => {
    questions.forEach((place) => answers.forget(place.id));
    location.reload();
  });
}

// ---- what is too wide and scrolls can be reached by the keyboard; the theme sees to what is in sight when the page loads

function giveTabStops(fold) {
  fold.querySelectorAll("pre").forEach((code) => { if (code.scrollWidth > code.clientWidth) code.tabIndex = 0; });
}

document.addEventListener("toggle", (event) => { if (event.target.open) giveTabStops(event.target); }, true);

// ---- the search: its summaries are pages that it fetches, and a page that is opened as a file may fetch nothing

if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

document.addEventListener("DOMContentLoaded", startPage);
