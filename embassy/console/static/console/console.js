"use strict";

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const root = document.documentElement.dataset;
  root.bsTheme = root.bsTheme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.bsTheme);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A form that was refused comes back open.
for (const dialog of document.querySelectorAll("dialog[data-shown]")) dialog.showModal();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
  button.classList.add("text-success");
  setTimeout(() => button.classList.remove("text-success"), 1200);
});

// What somebody has unfolded stays so when its part of the page comes anew.
const unfolded = new Set();
document.addEventListener("toggle", ({ target }) => {
  if (!target.dataset.kept) return;
  if (target.open) unfolded.add(target.dataset.kept);
  else unfolded.delete(target.dataset.kept);
}, true);
document.addEventListener("htmx:oobAfterSwap", () => {
  for (const fold of document.querySelectorAll("details[data-kept]")) {
    if (unfolded.has(fold.dataset.kept)) fold.open = true;
  }
});

document.addEventListener("alpine:init", () => {
  Alpine.data("upload", () => ({
    label: "Drop a file here, or choose one",
    state: "",
    busy: false,
    zone: {
      ["@dragover.prevent"]() { this.$el.classList.add("over"); },
      ["@dragleave"]() { this.$el.classList.remove("over"); },
      ["@drop.prevent"](event) {
        this.$el.classList.remove("over");
        this.$refs.file.files = event.dataTransfer.files;
        this.name();
      },
      ["@change"]() { this.name(); },
    },
    events: {
      ["@htmx:before-request"]() {
        this.busy = true;
        this.$refs.bar.hidden = false;
        this.state = "Uploading…";
      },
      ["@htmx:xhr:progress"](event) {
        const { loaded, total } = event.detail;
        if (!total) return;
        this.$refs.bar.value = (100 * loaded) / total;
        this.state = loaded < total ? `Uploading: ${Math.round((100 * loaded) / total)} %` : "Checking every row…";
      },
      ["@htmx:after-request"](event) {
        this.busy = false;
        this.$refs.bar.hidden = true;
        this.state = event.detail.xhr.status >= 500 || !event.detail.xhr.status ? "The upload failed. Try again." : "";
      },
    },
    name() {
      const [file] = this.$refs.file.files;
      if (file) this.label = `${file.name} (${Math.max(1, Math.round(file.size / 1024))} kB)`;
    },
  }));

});

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-shows]");
  if (!tab) return;
  for (const other of tab.parentElement.children) other.classList.toggle("active", other === tab);
  for (const example of document.querySelectorAll("[data-example]")) {
    example.hidden = example.dataset.example !== tab.dataset.shows;
  }
});
