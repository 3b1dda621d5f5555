"use strict";

// Which jobs are to be compared: kept while the list comes anew, and from one of its pages to the next.
(() => {
  const MOST = 4;
  const box = () => document.querySelector("[data-chosen-jobs]");
  const key = () => `jobs to compare: ${box().dataset.chosenJobs}`;
  const read = () => JSON.parse(sessionStorage.getItem(key()) ?? "[]");
  const write = (chosen) => sessionStorage.setItem(key(), JSON.stringify(chosen));

  const show = () => {
    const form = box();
    if (!form) return;
    const chosen = read();
    for (const input of form.querySelectorAll("input[name=job]")) {
      input.checked = chosen.includes(input.value);
      input.disabled = !input.checked && chosen.length >= MOST;
    }
    const count = chosen.length;
    form.querySelector("[data-chosen-note]").textContent = count ? `${count} chosen${count === 1 ? "; choose one more" : ""}${count === MOST ? ", as many as fit beside each other" : ""}` : "Choose two to four jobs to compare them.";
    form.querySelector("[data-chosen-go]").disabled = count < 2;
    form.querySelector("[data-chosen-none]").hidden = !count;
  };

  document.addEventListener("change", ({ target }) => {
    if (target.name !== "job" || !target.closest("[data-chosen-jobs]")) return;
    const others = read().filter((job) => job !== target.value);
    write(target.checked ? [...others, target.value] : others);
    show();
  });
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-chosen-none]")) return;
    write([]);
    show();
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-chosen-jobs]")) return;
    event.preventDefault();
    location.assign(`${event.target.action}?${new URLSearchParams(read().map((job) => ["job", job]))}`);
  });
  document.addEventListener("htmx:afterSettle", show);
  window.addEventListener("pageshow", show);
  show();
})();
