// What the playground and the race share.

// ipywidgets writes a slider's name beside it, but does not tell a screen reader: the name is given to the handle here.
function nameSliders(root) {
  root.closest(".mux")?.querySelectorAll(".noUi-handle:not([aria-label])").forEach((handle) => {
    const label = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
    const value = handle.closest(".widget-inline-hbox")?.querySelector(".widget-readout");
    if (!label || !value) return;
    handle.setAttribute("aria-label", label.textContent);
    value.id ||= `mux-${Math.random().toString(36).slice(2)}`;
    handle.setAttribute("aria-describedby", value.id);
  });
}
