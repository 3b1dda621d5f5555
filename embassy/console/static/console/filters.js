"use strict";

// Hides what does not have what was typed; what is chosen stays.
document.addEventListener("input", ({ target }) => {
  if (!target.dataset.filters) return;
  const wanted = target.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(`${target.dataset.filters} [data-text]`)) {
    row.hidden = !row.dataset.text.includes(wanted) && !row.querySelector(":checked");
  }
});
