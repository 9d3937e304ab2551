"""axe-core in a page, and the contrast of every text in it: what is wrong there for somebody who sees or hears little.

axe-core comes from npm (`make axe`) and lies in the ignored folder `.axe`. It is read from there into the page, so
nothing is asked of the network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parents[2] / ".axe/node_modules/axe-core/axe.min.js"

# The body of JupyterLab's page is 0 pixels high and hides what goes beyond it. axe would take everything in it for hidden,
# and pass over its contrast.
RUN = """async selector => {
    const style = document.head.appendChild(document.createElement('style'));
    style.textContent = 'body:has(> .jp-LabShell) { height: 100vh }';
    const { violations } = await axe.run({ include: [selector] }, { resultTypes: ['violations'] });
    style.remove();
    return violations.flatMap(rule => rule.nodes.map(node => {
        const { message } = [...node.any, ...node.all, ...node.none][0];
        return `${rule.id}: ${node.html.slice(0, 150)} at ${node.target.join(' ')}: ${message}`;
    }));
}"""

# Where axe is not sure about the contrast of a text, because it is short, or something empty lies over it, it does not
# say that anything is wrong. Here every text is measured: its colour, over the colours of all that it lies in. A control
# that is switched off may be fainter (WCAG 2, 1.4.3).
MEASURE = """selector => {
    const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const over = (colours) => {  // the colour of what is painted one over the other
        pixel.fillStyle = 'white';
        pixel.fillRect(0, 0, 1, 1);
        colours.forEach(colour => { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1); });
        return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const light = (colour) => {
        const [red, green, blue] = colour.map(part => part / 255)
            .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const faint = [];
    let read = 0;
    for (const root of document.querySelectorAll(selector)) {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const node = texts.currentNode.parentElement;
            const text = texts.currentNode.data.trim();
            if (!text || !node.checkVisibility({ visibilityProperty: true }) || node.closest('style, script, title, desc')) continue;
            if (node.closest('[aria-disabled=true], :disabled')) continue;
            const box = node.getBoundingClientRect();
            if (!box.width || !box.height) continue;
            const style = getComputedStyle(node);
            const ink = node.ownerSVGElement ? style.fill : style.color;
            const grounds = [];
            let opacity = 1;
            for (let one = node; one; one = one.parentElement) {
                grounds.unshift(getComputedStyle(one).backgroundColor);
                opacity *= getComputedStyle(one).opacity;
            }
            const ground = over(grounds);
            pixel.globalAlpha = opacity;
            pixel.fillStyle = ink;
            pixel.fillRect(0, 0, 1, 1);
            pixel.globalAlpha = 1;
            const letters = [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
            const [low, high] = [light(ground), light(letters)].sort((one, other) => one - other);
            const size = parseFloat(style.fontSize) * 0.75, large = size >= 18 || (size >= 14 && style.fontWeight >= 700);
            read += 1;
            if (high / low >= (large ? 3 : 4.5)) continue;
            faint.push(`${(high / low).toFixed(2)}: ${node.className} "${text.slice(0, 40)}", ${letters} on ${ground}`);
        }
    }
    return [faint, read];
}"""


def find_wrong(page: "Page", selector: str = "body") -> list[str]:
    """Return what axe finds wrong below `selector`, one line for each node."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    return list(page.evaluate(RUN, selector))


def find_faint(page: "Page", selector: str = "body") -> tuple[list[str], int]:
    """Return the texts below `selector` whose contrast is too low, and how many texts were measured."""
    faint, read = page.evaluate(MEASURE, selector)
    return faint, read
