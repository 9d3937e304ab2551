// What all scripts of this folder share; put before each.

function make(parent, tag, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent.appendChild(node);
  return node;
}
