// What a question (predict.js) and the line below its experiment (outcome.js) share, see predict.py.

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const NONE = -1;

const lettered = (number) => `(${LETTERS[number]})`;

function writeWithCode(parent, text) { // `code` between backticks
  text.split(/`([^`]+)`/).forEach((part, i) => {
    if (i % 2) make(parent, "code").textContent = part;
    else parent.append(part);
  });
}
