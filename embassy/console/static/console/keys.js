"use strict";

document.addEventListener("alpine:init", () => {
  Alpine.data("newKey", () => ({
    all: true,
    days: "",
    init() {
      this.all = this.$root.querySelector("[name=all_scopes]").checked;
      this.days = this.$root.querySelector("[name=days]").value;
    },
    get some() { return !this.all; },
    get onDay() { return this.days === "date"; },
    another() {
      const names = this.$refs.models;
      const field = names.lastElementChild.cloneNode(true);
      field.value = "";
      names.append(field);
      field.focus();
    },
  }));
});
