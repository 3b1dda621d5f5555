"use strict";

// The form that deploys comes with an empty time zone: this browser's is the likeliest.
(() => {
  const fill = (root) => {
    const zone = root.querySelector?.("[data-own-zone]");
    if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  };
  document.addEventListener("htmx:load", ({ target }) => fill(target));
  fill(document);
})();
