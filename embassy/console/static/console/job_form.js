"use strict";

document.addEventListener("alpine:init", () => {
  Alpine.data("job", () => ({
    tests: "",
    kind: "",
    base: "",
    sum: 0,
    chosen: 0,
    init() {
      const form = this.$root;
      this.tests = form.dataset.tests;
      this.kind = form.dataset.kind;
      form.addEventListener("change", () => this.look());
      form.addEventListener("input", () => this.look());
      form.addEventListener("htmx:afterSettle", () => this.look());
      form.addEventListener("submit", () => setTimeout(() => this.lock(true)));
      window.addEventListener("pageshow", () => this.lock(false)); // back from the job's page
      this.look();
    },
    // Once a job has been asked for, a second click must not ask for another.
    lock(locked) {
      const button = this.$root.querySelector("#start");
      if (button) button.disabled = locked;
    },
    look() {
      const form = this.$root;
      this.base = form.querySelector("[name=base_model]:checked")?.value ?? "";
      this.kind = form.querySelector("[name=kind]:checked")?.value ?? this.kind;
      this.fit();
      this.weigh();
    },
    // Data sets whose rows are of another kind, and functions for other tasks, are no choice.
    fit() {
      const needs = this.$root.querySelector("[name=kind]:checked")?.dataset.needs;
      for (const option of this.$root.querySelectorAll("[data-fits] option[data-rows]")) {
        option.disabled = Boolean(needs) && option.dataset.rows !== needs && !option.selected;
      }
      const task = this.kind.split(" ")[1];
      for (const row of this.$root.querySelectorAll("[data-tasks]")) {
        const suits = !row.dataset.tasks || row.dataset.tasks.split(" ").includes(task);
        row.classList.toggle("d-none", !suits && !row.querySelector(":checked"));
      }
    },
    weights() {
      const boxes = [...this.$root.querySelectorAll("[name=test_functions]:checked")];
      return boxes.map((box) => document.getElementById(box.dataset.weighs));
    },
    weigh() {
      const weights = this.weights();
      this.chosen = weights.length;
      this.sum = weights.reduce((sum, field) => sum + (Number(field.value) || 0), 0);
    },
    // The last one takes what rounding leaves.
    share() {
      const weights = this.weights();
      const each = Math.floor(10000 / weights.length) / 10000;
      weights.forEach((field, at) => {
        field.value = at < weights.length - 1 ? each : Number((1 - each * (weights.length - 1)).toFixed(4));
      });
      this.weigh();
      this.$root.dispatchEvent(new Event("change"));
    },
    get isWhole() { return Math.abs(this.sum - 1) <= 1e-6; },
    get sumText() {
      if (!this.chosen) return "Choose at least one.";
      return this.isWhole ? "The weights sum to 1." : `The weights sum to ${Number(this.sum.toFixed(4))}, not to 1.`;
    },
    get sumClass() { return this.chosen && this.isWhole ? "text-success" : "text-danger"; },
    get isHub() { return this.base === "HF_MODEL"; },
    get isSplit() { return this.tests === "split"; },
    get isExisting() { return this.tests === "existing"; },
    get isReward() { return this.kind.startsWith("GRPO"); },
    get isNoReward() { return !this.isReward; },
    get isClassification() { return this.kind.endsWith(" classification"); },
    get isTested() { return this.tests !== "none"; },
    get isScored() { return this.tests !== "none" || this.isReward; },
  }));
});

// What is wrong is what somebody must read first.
document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-focus]")?.focus());
