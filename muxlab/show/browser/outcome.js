// The line below an experiment, see predict.py: whether the prediction was right. It keeps what came out to itself until
// there is a prediction, or until it is asked for.

function render({ model, el }) {
  const root = make(el, "div", "mux-card mux-outcome");
  root.setAttribute("role", "status");

  function show() {
    const [answer, truth, choices] = [model.get("answer"), model.get("truth"), model.get("choices")];
    root.replaceChildren();
    root.dataset.state = answer === NONE ? "open" : answer === truth ? "right" : "wrong";
    if (answer === NONE) {
      make(root, "b").textContent = "Not predicted yet. ";
      root.append("Choose an answer above, or ");
      const fold = make(root, "details");
      make(fold, "summary").textContent = "see what came out";
      writeOutcome(make(fold, "span"), choices, truth, model.get("result"));
      return;
    }
    make(root, "b").textContent = answer === truth ? "✓ Right: " : "✗ Not so: ";
    if (answer !== truth) {
      root.append(`you said ${lettered(answer)} `);
      writeWithCode(root, choices[answer]);
      root.append("; it is ");
    }
    writeOutcome(root, choices, truth, model.get("result"));
    if (answer !== truth) root.append(". Now you have something to find out.");
  }

  return follow(model, { answer: show, truth: show, result: show });
}

function writeOutcome(parent, choices, truth, result) {
  parent.append(truth === NONE ? `none of these: ${result}` : `${lettered(truth)} `);
  if (truth !== NONE) writeWithCode(parent, choices[truth]);
}

export default { render };
