// A timeline whose marks come one after the other. What to show is the chart as it is stored, an SVG, and `x`: how far it has
// come. The chart gets a root of its own, as the names in it are the same in every chart of a page.

const MARKS = /^(line2d|LineCollection)_/; // by the names that matplotlib gives: not the axes, and not the titles
// A bar has a ground of its own; a spine of the chart has none.
const isBar = (group) => group.id.startsWith("patch_") && group.querySelector("[style*='fill: #']") !== null;

// Where a mark or a bar is, from what is written in the chart: in a fold, or wherever else nothing is drawn, it has no size.
function placeOf(node) {
  if (node.hasAttribute("x")) return { x: +node.getAttribute("x"), width: 0 };
  const along = [], down = [];
  for (const [, way, one, two] of node.getAttribute("d").matchAll(/([A-Z]?) *(-?[\d.]+)(?: +(-?[\d.]+))?/g)) {
    if (way !== "V") along.push(+one);
    if (way === "V") down.push(+one);
    else if (two !== undefined) down.push(+two);
  }
  const x = Math.min(...along);
  return { x, width: Math.max(...along) - x, top: Math.min(...down), bottom: Math.max(...down) };
}

function render({ model, el }) {
  const chart = new DOMParser().parseFromString(model.get("svg"), "image/svg+xml").documentElement;
  chart.querySelectorAll("script, foreignObject").forEach((node) => node.remove()); // a chart has none; and whose chart is it?
  [chart, ...chart.querySelectorAll("*")].forEach((node) => {
    [...node.attributes].filter(({ name }) => name.startsWith("on")).forEach(({ name }) => node.removeAttribute(name));
  });
  chart.style.maxWidth = "100%";
  chart.style.height = "auto";
  el.attachShadow({ mode: "open" }).append(document.importNode(chart, true));
  const groups = [...el.shadowRoot.querySelectorAll('[id^="axes_"] > g')]
    .filter((group) => MARKS.test(group.id) || isBar(group));
  const parts = groups.flatMap((group) => [...group.querySelectorAll("use, :not(defs) > path")])
    .map((node) => ({ node, ...placeOf(node) }));
  const bars = parts.filter(({ width }) => width > 1);
  const labels = [...el.shadowRoot.querySelectorAll('[id^="axes_"] > [id^="text_"] text')].map((node) => {
    const [x, y] = [+node.getAttribute("x"), +node.getAttribute("y")];
    const bar = bars.find((one) => x > one.x && x < one.x + one.width && y > one.top && y < one.bottom);
    return { node, end: bar ? bar.x + bar.width : 0 };
  });

  return follow(model, {
    x: () => {
      const now = model.get("x");
      parts.forEach(({ node, x, width }) => {
        node.style.visibility = x <= now + 0.6 ? "visible" : "hidden";
        if (width > 1) node.style.clipPath = `inset(-4px ${Math.max(0, x + width - now)}px -4px -4px)`; // a bar that grows
      });
      // What is written on a bar reads on nothing else, so it comes with the end of its bar.
      labels.forEach(({ node, end }) => { node.style.visibility = end <= now + 0.6 ? "visible" : "hidden"; });
    },
  });
}

export default { render };
