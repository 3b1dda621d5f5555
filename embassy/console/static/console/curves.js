"use strict";

// Curves of one job, which grow while it runs, or of several jobs over each other.
//   <div data-curves [data-events="address of the stream"]> … <span data-run="address">name</span> … </div>
(() => {
  const HEIGHT = 280;
  const WINDOW = 20; // of the smoothed line: this part of all points
  const COLOURS = ["#206bc4", "#f76707", "#2fb344", "#ae3ec9", "#d6336c", "#0ca678", "#f59f00", "#4263eb"];
  const DASHED = [6, 4];
  const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400]; // between two ticks
  const RETRY_MS = 3000;

  // A centred mean, so that the smoothed line does not lag behind.
  const smooth = (values) => {
    const reach = Math.floor(values.length / WINDOW);
    return values.map((value, at) => {
      if (value === null) return null;
      const near = values.slice(Math.max(0, at - reach), at + reach + 1).filter((one) => one !== null);
      return near.reduce((sum, one) => sum + one, 0) / near.length;
    });
  };

  const figure = (value) => {
    if (value === null || value === undefined) return "–";
    return Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(2) : value.toFixed(4);
  };

  const clock = (seconds) => {
    if (seconds === null || seconds === undefined) return "–";
    const whole = Math.round(seconds);
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
    return (parts[0] === "00" ? parts.slice(1) : parts).join(":");
  };

  const newest = (values) => values.findLast((value) => value !== null);

  const faded = (colour) => `${colour}55`;

  class Curves {
    constructor(root) {
      this.root = root;
      this.place = root.querySelector(".chart");
      this.note = root.querySelector("[data-note]");
      this.tabs = root.querySelector("[data-charts]");
      this.runs = [...root.querySelectorAll("[data-run]")].map((element, at) => {
        element.style.borderColor = COLOURS[at];
        return { address: element.dataset.run, label: element.textContent.trim(), curves: null };
      });
      this.key = "loss";
      for (const control of root.querySelectorAll("[data-control]")) control.addEventListener("change", () => this.draw());
      this.tabs.addEventListener("click", (event) => {
        const key = event.target.closest("button")?.dataset.key;
        if (key) this.choose(key);
      });
      new ResizeObserver(() => this.chart?.setSize({ width: this.place.clientWidth, height: HEIGHT })).observe(this.place);
      new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    }

    isOn(control) {
      return this.root.querySelector(`[data-control="${control}"]`)?.checked ?? false;
    }

    choose(key) {
      this.key = key;
      this.draw();
    }

    async load() {
      const answers = await Promise.all(this.runs.map(async (run) => {
        const response = await fetch(run.address, { headers: { Accept: "application/json" } });
        if (!response.ok) throw new Error(`The server answered ${response.status}.`);
        return response.json();
      }));
      answers.forEach((curves, at) => { this.runs[at].curves = curves; });
      this.draw();
      return answers;
    }

    charts() {
      const found = new Map();
      for (const { curves } of this.runs) {
        for (const chart of curves?.charts ?? []) if (!found.has(chart.key)) found.set(chart.key, chart);
      }
      return [...found.values()];
    }

    showTabs(charts) {
      const known = [...this.tabs.children].map((tab) => tab.dataset.key).join();
      if (known !== charts.map((chart) => chart.key).join()) {
        this.tabs.replaceChildren(...charts.map(({ key, title }) => {
          const tab = document.createElement("button");
          Object.assign(tab, { type: "button", className: "btn btn-sm", textContent: title });
          tab.dataset.key = key;
          return tab;
        }));
      }
      for (const tab of this.tabs.children) {
        tab.classList.toggle("btn-primary", tab.dataset.key === this.key);
        tab.setAttribute("aria-pressed", tab.dataset.key === this.key);
      }
    }

    // What the chosen chart shows: for each line its places, values and looks.
    lines() {
      const found = [];
      this.runs.forEach((run, at) => {
        const chart = run.curves?.charts.find(({ key }) => key === this.key);
        const several = this.runs.length > 1;
        (chart?.lines ?? []).forEach((line, number) => {
          const part = line.tests ? run.curves.tests : run.curves.training;
          const values = part.columns[line.column];
          if (!values) return;
          const colour = COLOURS[(several ? at : number) % COLOURS.length];
          const label = several ? `${run.label}${chart.lines.length > 1 ? `, ${line.label}` : ""}` : line.label;
          const dash = several && number && !line.tests ? DASHED : undefined;
          found.push({ label, colour, dash, tests: line.tests, values, places: this.isOn("time") ? part.seconds : part.steps });
        });
      });
      return found;
    }

    draw() {
      const charts = this.charts();
      if (charts.length && !charts.some(({ key }) => key === this.key)) this.key = charts[0].key;
      this.showTabs(charts);
      const lines = this.lines();
      this.root.classList.toggle("is-empty", !lines.length);
      if (!lines.length) return;
      const series = [];
      for (const line of lines) {
        const smoothed = this.isOn("smooth") && !line.tests && line.values.length >= WINDOW;
        const points = { show: line.tests || line.values.length === 1, size: 7, fill: line.colour };
        // Where nobody points at anything, the newest.
        const usual = { spanGaps: true, value: (chart, value, at, index) => figure(index === null ? newest(chart.data[at]) : value) };
        if (smoothed && this.runs.length === 1) series.push({ ...usual, label: line.label, stroke: faded(line.colour), width: 1, points, of: line, data: line.values });
        series.push({ ...usual, label: smoothed && this.runs.length === 1 ? `${line.label}, smoothed` : line.label, stroke: line.colour, width: 2, dash: line.tests ? DASHED : line.dash, points, of: line, data: smoothed ? smooth(line.values) : line.values });
      }
      this.show(series);
    }

    show(series) {
      const places = [...new Set(series.flatMap(({ of }) => of.places))].sort((a, b) => a - b);
      const log = this.isOn("log");
      const data = [places, ...series.map(({ of, data: values }) => {
        // A logarithm has no room for what is not above 0.
        const known = new Map(of.places.map((place, at) => [place, log && values[at] <= 0 ? null : values[at]]));
        return places.map((place) => known.get(place) ?? null);
      })];
      const shape = JSON.stringify([this.key, log, this.isOn("time"), document.documentElement.dataset.bsTheme, series.map(({ label }) => label)]);
      if (this.shape === shape) this.chart.setData(data);
      else this.make(series, data, log);
      this.shape = shape;
      const said = series.map(({ label, data: values }) => `${label} ${figure(newest(values))}`);
      this.place.setAttribute("aria-label", `At last: ${said.join("; ")}`);
    }

    make(series, data, log) {
      this.chart?.destroy();
      const faint = "rgba(128,128,128,.15)";
      const axis = { stroke: getComputedStyle(this.note).color, grid: { stroke: faint }, ticks: { stroke: faint } };
      const byTime = this.isOn("time");
      const place = byTime ? clock : (value) => String(value ?? "–");
      const across = { label: byTime ? "time" : "step", value: (chart, value, at, index) => place(index === null ? chart.data[0].at(-1) : value) };
      this.chart = new uPlot({
        width: this.place.clientWidth,
        height: HEIGHT,
        scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
        axes: [
          { ...axis, label: across.label, labelSize: 20, ...(byTime ? { values: (_, ticks) => ticks.map(clock), incrs: SECONDS } : {}) },
          { ...axis, size: 64 },
        ],
        series: [across, ...series.map(({ of, data: values, ...looks }) => looks)],
      }, data, this.place);
    }
  }

  // --- growing while the job runs -----------------------------------------------------------------

  // False: there is a column that we do not know yet, so everything must be asked for again.
  const append = (curves, { time, details }) => {
    const { training } = curves;
    const { step, metrics, ...own } = details;
    const values = { ...own, ...metrics };
    const names = Object.keys(training.columns);
    if (!names.length || step <= training.steps.at(-1)) return false;
    training.steps.push(step);
    training.seconds.push(time - curves.began);
    for (const name of names) training.columns[name].push(typeof values[name] === "number" ? values[name] : null);
    return true;
  };

  const follow = (view) => {
    const [run] = view.runs;
    let drawing = 0;
    let stale = false;
    const later = (whole) => {
      stale ||= whole;
      if (drawing) return;
      drawing = setTimeout(async () => {
        drawing = 0;
        const again = stale;
        stale = false;
        if (again) await view.load().catch(() => { view.note.textContent = "not reachable just now"; });
        else view.draw();
      }, 300);
    };
    const source = new EventSource(`${view.root.dataset.events}?after=${run.curves.last}`);
    source.addEventListener("step", ({ data }) => {
      later(!append(run.curves, JSON.parse(data)));
      news();
    });
    source.addEventListener("eval", () => later(true));
    for (const kind of ["status", "started", "preflight", "checkpoint", "warning", "tested", "end", "removed", "parity"]) {
      source.addEventListener(kind, () => news());
    }
    source.onopen = () => { view.note.textContent = "live"; };
    source.onerror = () => { view.note.textContent = source.readyState === EventSource.CLOSED ? "" : "connecting again…"; };
  };

  // The other parts of the page come anew, but not more than once a second.
  let telling = 0;
  const news = () => {
    if (telling) return;
    telling = setTimeout(() => {
      telling = 0;
      htmx.trigger(document.body, "news");
    }, 1000);
  };

  const begin = async (view) => {
    try {
      const [first] = await view.load();
      const isLive = view.root.dataset.events && !first.is_finished;
      view.note.textContent = first.charts.length || isLive ? "" : "Nothing was recorded.";
      if (isLive) follow(view);
    } catch (error) {
      view.note.textContent = "not reachable just now";
      setTimeout(() => begin(view), RETRY_MS);
    }
  };

  for (const root of document.querySelectorAll("[data-curves]")) begin(new Curves(root));
})();
