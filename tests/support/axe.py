"""axe-core in a page, and the contrast of every text in it: what is wrong there for somebody who sees or hears little.

axe-core comes from npm (`make axe`) and lies in the ignored folder `.axe`. It is read from there into the page, so
nothing is asked of the network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parents[2] / ".axe/node_modules/axe-core/axe.min.js"

# The body of JupyterLab's page is 0 pixels high and hides what goes beyond it. axe would take everything in it for
# hidden, and pass over its contrast.
RUN = """async ({ selector, only }) => {
    const style = document.head.appendChild(document.createElement('style'));
    style.textContent = 'body:has(> .jp-LabShell) { height: 100vh }';
    const { violations } = await axe.run({ include: [selector] }, {
        resultTypes: ['violations'],
        preload: false,  // a page that was opened as a file may not fetch its style sheets
        ...(only ? { runOnly: only } : {}),
    });
    style.remove();
    return violations.flatMap(rule => rule.nodes.map(node => {
        const { message } = [...node.any, ...node.all, ...node.none][0];
        return `${rule.id}: ${node.html.slice(0, 150)} at ${node.target.join(' ')}: ${message}`;
    }));
}"""

# Where axe is not sure about the contrast of a text, because it is short, or because something empty lies over it, it
# says nothing. Here every text is measured: its colour, over the colours of all that it lies in. Only a control that is
# switched off may be fainter (WCAG 2, 1.4.3).
MEASURE = """selector => {
    const dot = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const paint = (colour, opacity = 1) => {  // over what was painted before; returns what one sees
        dot.globalAlpha = opacity;
        dot.fillStyle = colour;
        dot.fillRect(0, 0, 1, 1);
        return [...dot.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const luminance = (colour) => {
        const [red, green, blue] = colour.map(part => part / 255)
            .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const isRead = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().width
        && !node.closest('style, script, title, desc, [aria-disabled=true], :disabled');
    const isLarge = ({ fontSize, fontWeight }) => parseFloat(fontSize) >= (fontWeight >= 700 ? 18.6 : 24);
    const measure = (node) => {
        const chain = [];
        for (let one = node; one; one = one.parentElement) chain.unshift(getComputedStyle(one));
        const own = chain.at(-1);
        let ground = paint('white');
        chain.forEach(({ backgroundColor }) => { ground = paint(backgroundColor); });
        const opacity = chain.reduce((product, style) => product * style.opacity, 1);
        const letters = paint(node.ownerSVGElement ? own.fill : own.color, opacity);
        const [low, high] = [ground, letters].map(luminance).sort((one, other) => one - other);
        return { contrast: (high + 0.05) / (low + 0.05), least: isLarge(own) ? 3 : 4.5, letters, ground };
    };
    const faint = [];
    let measured = 0;
    document.querySelectorAll(selector).forEach(root => {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const node = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
            if (!text || !isRead(node)) continue;
            const { contrast, least, letters, ground } = measure(node);
            measured += 1;
            if (contrast < least) {
                faint.push(`${contrast.toFixed(2)}: "${text.slice(0, 40)}" in ${node.outerHTML.slice(0, 60)},`
                    + ` ${letters} on ${ground}`);
            }
        }
    });
    return [faint, measured];
}"""


# A chapter of the book has ten thousand coloured words of code. Of those that look alike, one is enough to see whether
# it can be read; looking at all of them takes ten times as long as all the rest.
THIN_OUT = """() => {
    const seen = new Set();
    document.querySelectorAll('.highlight pre span, pre [class^=tok-]').forEach(word => {
        const code = word.closest('pre'), line = word.closest('ins, del');
        const look = [word.className, code.className, code.parentElement.className, line?.tagName].join();
        if (seen.has(look)) word.replaceWith(...word.childNodes);
        seen.add(look);
    });
}"""


def find_wrong(page: "Page", selector: str = "body", only: list[str] | None = None) -> list[str]:
    """Return what axe finds wrong below `selector`, one line for each node; only by these rules, if there are some."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    return list(page.evaluate(RUN, {"selector": selector, "only": only}))


def find_faint(page: "Page", selector: str = "body") -> tuple[list[str], int]:
    """Return the texts below `selector` whose contrast is too low, and how many texts were measured."""
    faint, read = page.evaluate(MEASURE, selector)
    return faint, read
