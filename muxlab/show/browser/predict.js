// A question with choices, see predict.py. The first click answers, before the experiment or after it; what came out is
// marked when Python has told it and the question is answered.

function render({ model, el }) {
  const root = make(el, "div", "mux-card mux-predict");
  const question = make(root, "div", "mux-predict-question");
  make(question, "em").textContent = "Predict.";
  question.append(" ");
  writeWithCode(question, model.get("question"));
  question.id = `mux-${model.model_id ?? Math.random().toString(36).slice(2)}`;
  const group = make(root, "div", "mux-predict-choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", question.id);
  const buttons = model.get("choices").map((text, number) => {
    const button = make(group, "button", "mux-predict-choice");
    button.type = "button";
    make(button, "b").textContent = LETTERS[number];
    writeWithCode(make(button, "span"), text);
    make(button, "i");
    button.addEventListener("click", () => choose(number));
    return button;
  });
  const note = make(root, "div", "mux-predict-note");
  note.setAttribute("role", "status");

  function choose(number) {
    if (model.get("answer") !== NONE) return;
    model.set("answer", number);
    model.save_changes();
  }

  function show() {
    const [answer, truth] = [model.get("answer"), model.get("truth")];
    root.dataset.state = answer === NONE ? "open" : truth === null ? "locked" : "revealed";
    buttons.forEach((button, number) => {
      button.setAttribute("aria-pressed", number === answer);
      button.setAttribute("aria-disabled", root.dataset.state !== "open");
      button.classList.toggle("mux-own", number === answer);
      button.classList.toggle("mux-true", answer !== NONE && number === truth);
      button.lastChild.textContent = answer === NONE ? "" : remark(number, answer, truth);
    });
    note.textContent = inWords(answer, truth, model.get("result"));
  }

  keepFromLab(group);
  namePictures();
  const ends = [follow(model, { answer: show, truth: show, result: show }), tellWhenGone(model, el)];
  return () => ends.forEach((end) => end());
}

function remark(number, answer, truth) {
  return [number === answer && "your answer", number === truth && "what came out"].filter(Boolean).join(" · ");
}

function inWords(answer, truth, result) {
  if (answer === NONE) {
    return truth === null ? "Choose one, then run the next cell." : "Not predicted yet: choose one, and the cell below tells you whether it is right.";
  }
  if (truth === null) return `Locked: you said ${lettered(answer)}. Now run the next cell.`;
  const outcome = truth === NONE ? `It is none of these: ${result}` : `It is ${lettered(truth)}`;
  return answer === truth ? `${outcome}, as you said.` : `${outcome}. You said ${lettered(answer)}.`; // what follows from that is said below
}

// JupyterLab makes the cell active that is clicked or gets the focus: Shift+Enter, which is to run the experiment below,
// would run the question's cell once more, and ask anew. Mouse events do not follow a pointer that was prevented, and the
// focus is not told on. The keys that move along the buttons and press them are not JupyterLab's either, nor is a Shift or
// Control on its own: at any key, JupyterLab takes the focus back to its active cell, and Shift+Tab would lead nowhere.
function keepFromLab(group) {
  group.addEventListener("pointerdown", (event) => event.preventDefault());
  group.addEventListener("focusin", (event) => event.stopPropagation());
  group.addEventListener("keydown", (event) => {
    const onItsOwn = ["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key);
    if (onItsOwn || ([" ", "Enter"].includes(event.key) && !event.shiftKey)) event.stopPropagation();
  });
}

export default { render };
