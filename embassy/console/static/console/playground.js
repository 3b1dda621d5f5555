"use strict";

// Panes that each ask one model. One prompt goes to all of them, and each shows its answer as it comes.
(() => {
  const page = document.getElementById("playground");
  if (!page) return;
  const byId = (id) => document.getElementById(id);
  const { element } = Answers;
  const MOST_PANES = 4;
  const TEXT = "text-generation";
  const PATHS = { classification: "/v1/classification", embedding: "/v1/embeddings", regression: "/v1/regression" };
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const place = byId("panes");
  const panes = [];

  const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

  // --- parameters -----------------------------------------------------------------------------------

  const parsed = (field) => {
    const text = field.value.trim();
    field.classList.remove("is-invalid");
    if (!text) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      field.classList.add("is-invalid");
      field.closest("details").open = true;
      field.focus();
      throw new Error("not JSON");
    }
  };

  const sampling = () => {
    const found = {};
    for (const [name, id] of [["temperature", "play-temperature"], ["top_p", "play-top-p"], ["max_tokens", "play-tokens"], ["seed", "play-seed"]]) {
      if (byId(id).value !== "") found[name] = Number(byId(id).value);
    }
    const stops = lines(byId("play-stop").value);
    if (stops.length) found.stop = stops;
    const schema = parsed(byId("play-schema"));
    if (schema) found.response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
    return found;
  };

  const isBare = () => byId("play-mode").value === "completion";

  // --- the stream -----------------------------------------------------------------------------------

  const events = async (response, take) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) take(part);
    }
  };

  const failure = async (response) => {
    const body = await response.json().catch(() => ({}));
    return new Error(body.error ?? `The server answered ${response.status}.`);
  };

  // --- one pane -------------------------------------------------------------------------------------

  class Pane {
    constructor(model) {
      this.root = byId("pane-template").content.firstElementChild.cloneNode(true);
      this.part = (name) => this.root.querySelector(`[data-part="${name}"]`);
      this.select = this.part("model");
      this.conversation = this.part("conversation");
      this.messages = [];
      this.stopper = null;
      this.lastBody = null;
      if (model) this.select.value = model;
      this.select.addEventListener("change", () => { this.clear(); kept(); });
      this.part("copy").addEventListener("click", () => this.copy());
      this.part("remove")?.addEventListener("click", () => remove(this));
      place.append(this.root);
      this.clear();
    }

    get model() { return this.select.value; }

    get task() { return this.select.selectedOptions[0]?.dataset.task ?? TEXT; }

    get name() { return this.select.selectedOptions[0]?.dataset.name ?? this.model; }

    clear() {
      this.stop();
      this.messages = [];
      this.note("");
      const hints = {
        [TEXT]: "Ask it something. A sleeping model wakes up for it.",
        embedding: "Write several texts, one on each line: you see how near they are.",
        classification: "Write a text: you see the probability of each label.",
        regression: "Write a text: you see the number it stands for.",
      };
      this.conversation.replaceChildren(element("p", "text-secondary m-auto text-center", hints[this.task]));
      shownFor();
    }

    note(text) { this.part("note").textContent = text; }

    show(child) {
      if (!this.conversation.querySelector(".bubble")) this.conversation.replaceChildren();
      this.conversation.append(child);
      this.conversation.scrollTop = this.conversation.scrollHeight;
      return child;
    }

    bubble(kind, text) { return this.show(element("div", `bubble ${kind}`, text)); }

    stop() { this.stopper?.abort(); }

    body(text) {
      if (this.task === "embedding") return { input: lines(text) };
      if (this.task !== TEXT) return { input: text };
      if (isBare()) return { prompt: text, ...sampling() };
      const system = byId("play-system").value.trim();
      const tools = parsed(byId("play-tools"));
      const messages = [...(system ? [{ role: "system", content: system }] : []), ...this.messages, { role: "user", content: text }];
      return { messages, ...sampling(), ...(tools ? { tools } : {}) };
    }

    async ask(text) {
      const body = this.body(text);
      this.lastBody = body;
      this.bubble("mine", text);
      const answer = this.bubble("", "…");
      this.stopper = new AbortController();
      this.root.setAttribute("aria-busy", "true");
      this.note("Sent…");
      try {
        const began = performance.now();
        const response = await fetch(page.dataset.address, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-CSRFToken": token },
          body: JSON.stringify({ ...body, model: this.model }),
          signal: this.stopper.signal,
        });
        if (!response.ok) throw await failure(response);
        if (this.task === TEXT) await this.stream(response, answer, began, text);
        else await this.whole(response, answer, began, text);
      } catch (error) {
        if (error.name === "AbortError") {
          this.note("Stopped.");
          if (answer.textContent === "…") answer.remove();
        } else {
          answer.classList.add("failed");
          answer.textContent = error instanceof TypeError ? "The server cannot be reached just now." : error.message;
          this.note("");
        }
      } finally {
        this.stopper = null;
        this.root.removeAttribute("aria-busy");
      }
    }

    async stream(response, answer, began, text) {
      const spoken = { text: "", calls: [], first: 0, chunks: 0, usage: null };
      await events(response, (line) => this.take(line, answer, spoken, began));
      const seconds = (performance.now() - began) / 1000;
      if (!spoken.text && !spoken.calls.length) answer.textContent = "(an empty answer)";
      if (!isBare()) this.messages.push({ role: "user", content: text }, { role: "assistant", content: spoken.text });
      const count = spoken.usage?.completion_tokens ?? spoken.chunks;
      const writing = seconds - (spoken.first - began) / 1000;
      const parts = [`${count} token${count === 1 ? "" : "s"}`];
      if (count > 1 && writing > 0) parts.push(`${((count - 1) / writing).toFixed(1)} tokens/s`);
      if (spoken.first) parts.push(`first after ${Math.round(spoken.first - began)} ms`);
      parts.push(`${seconds.toFixed(2)} s`);
      this.note(parts.join(" · "));
    }

    take(line, answer, spoken, began) {
      if (line.startsWith(": waking")) return this.note(`Waking up: ${line.slice(9)}`);
      if (!line.startsWith("data: ") || line === "data: [DONE]") return;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Error(event.error.message ?? event.error);
      if (event.usage) spoken.usage = event.usage;
      const choice = event.choices?.[0];
      const said = choice?.delta?.content ?? choice?.text ?? "";
      for (const call of choice?.delta?.tool_calls ?? []) this.call(spoken.calls, call);
      if (!said && !spoken.calls.length) return;
      if (!spoken.first) {
        spoken.first = performance.now();
        this.note(`First token after ${Math.round(spoken.first - began)} ms`);
      }
      spoken.chunks += said ? 1 : 0;
      spoken.text += said;
      const calls = spoken.calls.map((call) => `${call.name}(${call.arguments})`);
      answer.textContent = [spoken.text, ...calls].filter(Boolean).join("\n");
      this.conversation.scrollTop = this.conversation.scrollHeight;
    }

    call(calls, { index, function: part }) {
      calls[index] ??= { name: "", arguments: "" };
      calls[index].name += part?.name ?? "";
      calls[index].arguments += part?.arguments ?? "";
    }

    async whole(response, answer, began, text) {
      const body = await response.json();
      const texts = this.task === "embedding" ? lines(text) : [text];
      answer.classList.add("wide");
      answer.replaceChildren(Answers.whole[this.task](body, texts));
      const tokens = body.usage?.prompt_tokens ?? body.usage?.total_tokens;
      this.note([`${((performance.now() - began) / 1000).toFixed(2)} s`, ...(tokens ? [`${tokens} tokens read`] : [])].join(" · "));
    }

    async copy() {
      const text = byId("play-text").value.trim() || "Hello";
      const body = this.lastBody ?? this.body(text);
      const path = this.task !== TEXT ? PATHS[this.task] : body.prompt === undefined ? "/v1/chat/completions" : "/v1/completions";
      const quoted = JSON.stringify({ model: this.name, ...body }).replaceAll("'", "'\\''");
      await navigator.clipboard.writeText(
        `curl ${location.origin}${path} \\\n  -H "X-API-Key: $EMBASSY_API_KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '${quoted}'\n`,
      );
      this.note("Copied. Put a key into EMBASSY_API_KEY before you run it.");
    }
  }

  // --- the page -------------------------------------------------------------------------------------

  // The address names the models, so that it can be kept or passed on.
  const kept = () => {
    if (page.dataset.fixed !== undefined) return;
    const query = new URLSearchParams(panes.map((pane) => ["model", pane.model]));
    history.replaceState(null, "", `?${query}`);
  };

  const shownFor = () => {
    const someText = panes.length === 0 || panes.some((pane) => pane.task === TEXT);
    for (const part of page.querySelectorAll("[data-for-text]")) part.hidden = !someText;
    place.dataset.count = panes.length;
    for (const pane of panes) {
      const button = pane.part("remove");
      if (button) button.hidden = panes.length < 2;
    }
    if (byId("play-add")) byId("play-add").disabled = panes.length >= MOST_PANES;
  };

  const add = (model) => {
    panes.push(new Pane(model));
    shownFor();
  };

  const remove = (pane) => {
    pane.stop();
    pane.root.remove();
    panes.splice(panes.indexOf(pane), 1);
    shownFor();
    kept();
  };

  const busy = (is) => {
    byId("play-send").disabled = is;
    byId("play-stop-all").hidden = !is;
  };

  for (const model of JSON.parse(byId("pane-models").textContent)) add(model);
  shownFor();

  byId("play-form")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = byId("play-text").value.trim();
    if (!text || byId("play-send").disabled) return;
    try {
      for (const pane of panes) pane.body(text); // what is wrong is told before anything is sent
    } catch (error) {
      return;
    }
    byId("play-text").value = "";
    busy(true);
    await Promise.all(panes.map((pane) => pane.ask(text)));
    busy(false);
    byId("play-text").focus();
  });

  byId("play-text")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (panes.some((pane) => pane.task === "embedding") && !event.ctrlKey) return; // texts are lines
    event.preventDefault();
    byId("play-form").requestSubmit();
  });

  byId("play-stop-all")?.addEventListener("click", () => panes.forEach((pane) => pane.stop()));
  byId("play-clear").addEventListener("click", () => panes.forEach((pane) => pane.clear()));
  byId("play-add")?.addEventListener("click", () => {
    const used = new Set(panes.map((pane) => pane.model));
    const options = [...byId("pane-template").content.querySelectorAll("option")].map((option) => option.value);
    add(options.find((model) => !used.has(model)) ?? options[0]);
    kept();
  });
})();
