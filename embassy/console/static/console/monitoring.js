"use strict";

// The charts of a deployment, asked for again as long as somebody looks at them.
(() => {
  const page = document.getElementById("monitoring");
  const note = document.getElementById("monitoring-note");
  const HEIGHT = 200;
  const EVERY_MS = { "1h": 5000, "24h": 30000, "7d": 60000, "30d": 60000 };
  const BLUE = "#206bc4", GREEN = "#2fb344", ORANGE = "#f76707", RED = "#d63939", PURPLE = "#ae3ec9", GREY = "#667382";
  const charts = new Map();
  let period = page.querySelector("[data-period].active").dataset.period;
  let timer = 0;

  const milliseconds = (value) => (value == null ? "–" : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`);
  const counted = (value) => (value == null ? "–" : value.toLocaleString("en"));

  const draw = (name, data, series) => {
    const place = page.querySelector(`[data-chart="${name}"]`);
    const known = charts.get(name);
    const labels = series.map(({ label }) => label).join();
    if (known?.labels === labels) return known.chart.setData(data);
    known?.chart.destroy();
    const faint = "rgba(128,128,128,.15)";
    const axis = { stroke: getComputedStyle(note).color, grid: { stroke: faint }, ticks: { stroke: faint } };
    const own = series[0].value === milliseconds ? { values: (_, marks) => marks.map(milliseconds), size: 70 } : { size: 55 };
    const chart = new uPlot({
      width: place.clientWidth || 300,
      height: HEIGHT,
      scales: { y: { range: (_, __, max) => [0, max ? max * 1.1 : 1] } },
      axes: [axis, { ...axis, ...own }],
      series: [{ label: "time" }, ...series],
    }, data, place);
    charts.set(name, { chart, labels });
    new ResizeObserver(() => charts.get(name)?.chart === chart && place.clientWidth && chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  };

  const line = (label, stroke, value) => ({ label, stroke, width: 2, value: (_, at) => value(at), points: { show: false }, spanGaps: false });
  const bars = (label, stroke) => ({ ...line(label, stroke, counted), fill: `${stroke}55`, paths: uPlot.paths.bars({ size: [0.8, 40] }) });
  const timed = (label, stroke) => ({ ...line(label, stroke, milliseconds), value: (_, at) => milliseconds(at), points: { show: true, size: 4 } });

  const figure = (name, text) => { page.querySelector(`[data-figure="${name}"]`).textContent = text; };

  const show = (course) => {
    const { times, total } = course;
    figure("requests", counted(total.requests));
    figure("errors", total.requests ? `${counted(total.errors)} (${((100 * total.errors) / total.requests).toFixed(1)} %)` : "0");
    for (const name of ["latency", "first_token"]) figure(name, total[name].p50 == null ? "–" : `${milliseconds(total[name].p50)} · ${milliseconds(total[name].p95)}`);
    draw("requests", [times, course.requests], [bars("requests", BLUE)]);
    showErrors(course);
    for (const name of ["latency", "first_token"]) {
      draw(name, [times, course[name].p50, course[name].p95, course[name].p99], [timed("median", GREEN), timed("95 %", ORANGE), timed("99 %", RED)]);
    }
    draw("tokens", [times, course.tokens.read, course.tokens.written], [bars("read", PURPLE), bars("written", GREEN)]);
    note.textContent = total.requests ? "" : "No request in this time.";
  };

  const showErrors = ({ times, errors, total }) => {
    const codes = Object.keys(errors);
    const place = page.querySelector('[data-chart="errors"]');
    place.hidden = !codes.length;
    document.getElementById("no-errors").hidden = codes.length > 0;
    const table = document.getElementById("error-codes");
    table.hidden = !codes.length;
    const colours = [RED, ORANGE, PURPLE, BLUE, GREY];
    if (codes.length) draw("errors", [times, ...codes.map((code) => errors[code])], codes.map((code, at) => bars(code, colours[at % colours.length])));
    table.tBodies[0].replaceChildren(...total.by_code.map(({ code, count }) => {
      const row = document.createElement("tr");
      row.insertCell().textContent = code;
      row.insertCell().textContent = counted(count);
      row.lastChild.className = "text-end";
      return row;
    }));
  };

  const follow = async () => {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        const asked = period;
        const response = await fetch(`${page.dataset.address}?period=${asked}`, { headers: { Accept: "application/json" } });
        if (response.status === 401) return location.reload();
        if (!response.ok) throw new Error(String(response.status));
        const course = await response.json();
        if (asked === period) show(course);
      } catch (error) {
        note.textContent = "Not reachable just now.";
      }
    }
    clearTimeout(timer);
    timer = setTimeout(follow, EVERY_MS[period]);
  };

  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-period]");
    if (!button) return;
    period = button.dataset.period;
    for (const other of page.querySelectorAll("[data-period]")) {
      other.classList.toggle("active", other === button);
      other.setAttribute("aria-pressed", String(other === button));
    }
    history.replaceState(null, "", `?period=${period}`);
    follow();
  });
  document.addEventListener("visibilitychange", () => document.hidden || follow());
  follow();
})();
