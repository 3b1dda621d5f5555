"use strict";

// The search in the header: Ctrl-K goes there, arrows go through what was found, Escape leaves.
(() => {
  const box = document.getElementById("search-box");
  if (!box) return;
  const field = box.querySelector("input");
  const panel = document.getElementById("search-found");
  const links = () => [...panel.querySelectorAll("a")];

  const show = (wanted) => { panel.hidden = !wanted; };

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.focus();
      show(false);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || panel.hidden) return;
    event.preventDefault();
    const places = [field, ...links()];
    places[(places.indexOf(document.activeElement) + step + places.length) % places.length].focus();
  });

  panel.addEventListener("htmx:afterSwap", () => show(field.value.trim() !== ""));
  field.addEventListener("focus", () => panel.children.length && show(field.value.trim() !== ""));
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) show(false);
  });
})();
