"use strict";

// A file of any size in parts: some at a time, each as often as it takes, from where it stopped.
(() => {
  const AT_A_TIME = 3;
  const RETRIES = 8;
  const LONGEST_PAUSE_MS = 30_000;
  const HEAD_BYTES = 64 * 1024;
  const POLL_MS = 700;
  const SPEED_MS = 8000; // of this window the speed is told
  const UNITS = ["B", "kB", "MB", "GB"];

  class Refused extends Error {} // by the server, for good
  class Stopped extends Error {} // by the visitor

  const size = (bytes) => {
    const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
    const value = bytes / 1000 ** power;
    return `${value.toFixed(power && value < 100 ? 1 : 0)} ${UNITS[power]}`;
  };
  const time = (seconds) => (seconds < 90 ? `${Math.ceil(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const online = () => (navigator.onLine ? null : new Promise((resolve) => addEventListener("online", resolve, { once: true })));
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // Without HTTPS browsers have no SHA-256. This tells files apart well enough, and nobody trusts it.
  const plainDigest = (bytes) => {
    const lanes = Uint32Array.from({ length: 8 }, (_, at) => 2166136261 ^ (at * 0x9e3779b9));
    bytes.forEach((byte, at) => { lanes[at & 7] = Math.imul(lanes[at & 7] ^ byte, 16777619); });
    return [...lanes].map((lane) => lane.toString(16).padStart(8, "0")).join("");
  };

  const identityOf = async (file) => {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    const facts = new TextEncoder().encode(`${file.name}\n${file.size}\n${file.lastModified}\n`);
    const bytes = new Uint8Array([...facts, ...head]);
    return crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", bytes)) : plainDigest(bytes);
  };

  // Our own server: the answer's JSON. Throws Refused with its sentence, another error if trying again may help.
  const ask = async (address, fields, token) => {
    const options = { headers: { "HX-Request": "true", Accept: "application/json" } };
    if (fields) {
      options.method = "POST";
      options.body = new URLSearchParams(fields);
      options.headers["X-CSRFToken"] = token;
    }
    const response = await fetch(address, options);
    if (response.status === 401) location.reload();
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const sentence = answer.error ?? `The server answered ${response.status}.`;
    throw response.status < 500 && response.status !== 429 ? new Refused(sentence) : new Error(sentence);
  };

  const patiently = async (attempt, isStopped, onWait) => {
    for (let tries = 1; ; tries += 1) {
      if (isStopped()) throw new Stopped();
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof Refused || error instanceof Stopped || isStopped() || tries > RETRIES) throw error;
        onWait(navigator.onLine ? "The connection was lost. Trying again…" : "There is no connection. The upload goes on when it is back.");
        await (online() ?? pause(Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tries)));
      }
    }
  };

  // One file on its way. `show` is told how many bytes have arrived.
  class Sending {
    constructor(file, facts, token, show, onWait) {
      Object.assign(this, { file, facts, token, show, onWait });
      this.stopped = false;
      this.requests = new Set();
      this.loaded = new Map();
    }

    stop() {
      this.stopped = true;
      for (const request of this.requests) request.abort();
    }

    async run() {
      const there = new Set(this.facts.parts);
      for (const number of there) this.loaded.set(number, this.part(number).size);
      const missing = Array.from({ length: this.facts.part_count }, (_, at) => at + 1).filter((number) => !there.has(number));
      this.tell();
      const worker = async () => {
        while (missing.length && !this.stopped) await this.send(missing.shift());
      };
      try {
        await Promise.all(Array.from({ length: AT_A_TIME }, worker));
      } catch (error) {
        this.stop();
        throw error;
      }
      if (this.stopped) throw new Stopped();
    }

    part(number) {
      const start = (number - 1) * this.facts.part_bytes;
      return this.file.slice(start, Math.min(start + this.facts.part_bytes, this.file.size));
    }

    async send(number) {
      const part = this.part(number);
      await patiently(async () => {
        this.loaded.delete(number);
        const sha256 = crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", await part.arrayBuffer())) : "";
        const { url } = await ask(`${this.facts.address}/parts/${number}`, { sha256 }, this.token);
        await this.put(url, part, number);
      }, () => this.stopped, this.onWait);
      this.loaded.set(number, part.size);
      this.tell();
    }

    put(url, part, number) {
      return new Promise((resolve, reject) => {
        if (this.stopped) return reject(new Stopped());
        const request = new XMLHttpRequest();
        this.requests.add(request);
        request.open("PUT", url);
        request.upload.onprogress = ({ loaded }) => { this.loaded.set(number, loaded); this.tell(); };
        request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`The storage answered ${request.status}.`)));
        request.onerror = () => reject(new Error("The connection was lost."));
        request.onabort = () => reject(new Stopped());
        request.onloadend = () => this.requests.delete(request);
        request.send(part);
      });
    }

    tell() {
      this.show([...this.loaded.values()].reduce((sum, bytes) => sum + bytes, 0));
    }
  }

  addEventListener("alpine:init", () => Alpine.data("intake", () => ({
    state: "idle",
    label: "Drop a file here, or choose one",
    said: "",
    problem: "",
    get isIdle() { return this.state === "idle"; },
    get isSending() { return this.state === "sending"; },
    get isPaused() { return this.state === "paused"; },
    get isCancellable() { return this.state === "paused" || this.state === "sending"; },
    zone: {
      ["@dragover.prevent"]() { this.$el.classList.add("over"); },
      ["@dragleave"]() { this.$el.classList.remove("over"); },
      ["@drop.prevent"](event) {
        this.$el.classList.remove("over");
        if (!this.isIdle || !event.dataTransfer.files.length) return;
        this.$refs.file.files = event.dataTransfer.files;
        this.choose();
      },
      ["@change"]() { this.choose(); },
    },
    form: {
      ["@submit.prevent"]() { this.start(); },
      ["@beforeunload.window"](event) { if (this.isSending) event.preventDefault(); },
    },
    going: { ["@click"]() { this.start(); } },
    pausing: { ["@click"]() { this.halt("Paused. It can go on at any time, even after this page was closed."); } },
    cancelling: { ["@click"]() { this.cancel(); } },
    choose() {
      const [file] = this.$refs.file.files;
      this.problem = "";
      if (file) this.label = `${file.name} (${size(file.size)})`;
    },
    token() { return this.$root.querySelector("[name=csrfmiddlewaretoken]").value; },
    async start() {
      const [file] = this.$refs.file.files;
      if (!file || this.isSending) return;
      this.state = "sending";
      this.problem = "";
      this.said = "Looking what is there already…";
      this.$refs.bar.hidden = false;
      this.$refs.file.disabled = true;
      try {
        await this.send(file);
      } catch (error) {
        this.fail(error);
      }
    },
    async send(file) {
      const fields = { file_name: file.name, size: file.size, identity: await identityOf(file), name: this.$root.querySelector("[name=name]").value };
      const wait = (sentence) => { this.said = sentence; };
      const stopped = () => !this.isSending;
      this.facts = await patiently(() => ask(this.$root.dataset.begin, fields, this.token()), stopped, wait);
      this.marks = [];
      this.sending = new Sending(file, this.facts, this.token(), (bytes) => this.show(bytes, file.size), wait);
      if (stopped()) throw new Stopped();
      await this.sending.run();
      this.state = "checking";
      this.said = "Checking every row…";
      this.$refs.bar.removeAttribute("value");
      const facts = await patiently(() => ask(`${this.facts.address}/finish`, {}, this.token()), () => false, wait);
      await this.follow(facts);
    },
    async follow(facts) {
      while (["waiting", "running"].includes(facts.status)) {
        if (facts.status === "running" && facts.done_bytes) {
          this.$refs.bar.value = (100 * facts.done_bytes) / facts.size;
          this.said = `Checking: ${facts.done_rows.toLocaleString()} rows so far. You may leave this page.`;
        } else this.said = facts.reason || "Waiting for the check. You may leave this page.";
        await pause(POLL_MS);
        facts = await patiently(() => ask(facts.address), () => false, () => {});
      }
      if (facts.dataset) return location.assign(facts.dataset);
      if (facts.status === "refused") {
        const answer = await fetch(facts.report, { headers: { "HX-Request": "true" } });
        document.getElementById("report").innerHTML = await answer.text();
        return this.rest("");
      }
      throw new Refused(facts.reason || "The check failed.");
    },
    show(bytes, total) {
      if (!this.isSending) return;
      const now = performance.now();
      this.marks = [...this.marks.filter((mark) => now - mark.now < SPEED_MS), { now, bytes }];
      const [first] = this.marks;
      const speed = now > first.now ? (1000 * (bytes - first.bytes)) / (now - first.now) : 0;
      this.$refs.bar.value = (100 * bytes) / total;
      const left = speed > 0 ? `, ${size(speed)}/s, ${time((total - bytes) / speed)} left` : "";
      this.said = `${Math.floor((100 * bytes) / total)} %: ${size(bytes)} of ${size(total)}${left}`;
    },
    halt(sentence) {
      this.state = "paused";
      this.said = sentence;
      this.sending?.stop();
    },
    fail(error) {
      if (error instanceof Stopped) return;
      if (error instanceof Refused) {
        this.rest("");
        this.problem = error.message;
      } else this.halt("The connection was lost. What has arrived is kept.");
    },
    async cancel() {
      this.sending?.stop();
      this.state = "cancelling";
      this.said = "Cancelling…";
      const options = { method: "POST", redirect: "manual", keepalive: true, headers: { "X-CSRFToken": this.token() } };
      const answer = this.facts && await fetch(`${this.facts.address}/cancel`, options).catch(() => null);
      this.rest(answer === null ? "The server cannot be reached. What has arrived is removed in two days." : "Cancelled.");
    },
    rest(sentence) {
      this.state = "idle";
      this.said = sentence;
      this.facts = this.sending = undefined;
      this.$refs.bar.hidden = true;
      this.$refs.bar.value = 0;
      this.$refs.file.disabled = false;
    },
  })));
})();
