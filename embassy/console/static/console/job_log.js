"use strict";

// The trainer's log: read on while the job runs, held still when somebody scrolls up or says so.
(() => {
  const PERIOD_MS = 1500;
  const MOST_CHARACTERS = 500_000; // more is in the file
  const pane = document.getElementById("trainer");
  if (!pane) return;
  const card = pane.closest(".job-log");
  const find = (name) => card.querySelector(`[data-log-${name}]`);
  const follows = find("follows");
  const attempts = find("attempt");
  let attempt = null;
  let offset = 0;
  let timer = 0;
  let begun = false;

  const ask = async () => {
    const query = new URLSearchParams({ offset });
    if (attempt) query.set("attempt", attempt);
    const response = await fetch(`${pane.dataset.address}?${query}`, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return response.json();
  };

  const showAttempts = (piece) => {
    attempts.hidden = piece.attempts.length < 2;
    if (attempts.options.length === piece.attempts.length) return;
    attempts.replaceChildren(...piece.attempts.map((number) => new Option(`Attempt ${number}`, number)));
    attempts.value = piece.attempt;
  };

  const show = (piece) => {
    showAttempts(piece);
    if (piece.text) pane.textContent = (pane.textContent + piece.text).slice(-MOST_CHARACTERS);
    else if (!piece.size) pane.textContent = piece.is_finished ? "It said nothing." : "Nothing yet.";
    offset = piece.next_offset;
    if (piece.attempt) attempt = piece.attempt;
    if (follows.checked) pane.scrollTop = pane.scrollHeight;
  };

  const follow = async () => {
    let next = PERIOD_MS;
    try {
      const before = offset;
      const piece = await ask();
      if (!offset) pane.textContent = "";
      show(piece);
      if (piece.next_offset > before && piece.next_offset < piece.size) next = 0;
      else if (piece.is_finished) next = null;
    } catch {
      next = 2 * PERIOD_MS;
    }
    if (next !== null) timer = setTimeout(follow, next);
  };

  const restart = (number) => {
    clearTimeout(timer);
    attempt = number;
    offset = 0;
    pane.textContent = "";
    const address = find("download");
    if (number) address.search = `?attempt=${number}`;
    follow();
  };

  card.addEventListener("click", ({ target }) => {
    const tab = target.closest("[data-log-tab]");
    if (!tab) return;
    for (const other of card.querySelectorAll("[data-log-tab]")) {
      other.classList.toggle("btn-primary", other === tab);
      other.setAttribute("aria-pressed", other === tab);
      document.getElementById(other.dataset.logTab).hidden = other !== tab;
    }
    find("tools").hidden = tab.dataset.logTab !== "trainer";
    if (tab.dataset.logTab === "trainer" && !begun) {
      begun = true;
      follow();
    }
  });
  attempts.addEventListener("change", () => restart(attempts.value));
  follows.addEventListener("change", () => { if (follows.checked) pane.scrollTop = pane.scrollHeight; });
  pane.addEventListener("wheel", () => {
    follows.checked = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 8;
  }, { passive: true });
})();
