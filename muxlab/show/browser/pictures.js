// A chart is an SVG with a title and a description in it. JupyterLab shows it as an image that has neither, and a screen
// reader would pass it over. Here every such image of the page gets them as its alternative text, now and when it comes.

const SVG_DATA = "data:image/svg+xml,";

// Begin, once for a page. Every chapter has a question, which calls this before any chart is drawn.
function namePictures() {
  if (window.muxlabPictures) return;
  const look = (node) => {
    if (node instanceof HTMLImageElement) nameOne(node);
    else if (node instanceof Element) node.querySelectorAll(".jp-RenderedSVG img").forEach(nameOne);
  };
  look(document.body);
  window.muxlabPictures = new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(look)));
  window.muxlabPictures.observe(document.body, { childList: true, subtree: true });
}

function nameOne(image) {
  if (image.alt || !image.src.startsWith(SVG_DATA)) return;
  const svg = new DOMParser().parseFromString(decodeURIComponent(image.src.slice(SVG_DATA.length)), "image/svg+xml");
  image.alt = [...svg.documentElement.children].filter(({ tagName }) => ["title", "desc"].includes(tagName))
    .map(({ textContent }) => textContent.trim()).join("\n");
}
