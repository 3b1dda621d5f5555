"use strict";

// The curves of a job, asked for again every second and a half until the job has ended.
(() => {
  const PERIOD_MS = 1500;
  const HEIGHT = 260;
  const WINDOW = 20; // of the smoothed line: this part of all steps
  const COLOURS = ["#2fb344", "#f76707", "#ae3ec9", "#206bc4"];
  const box = document.getElementById("losses");
  const note = document.getElementById("loss-note");
  const courses = document.getElementById("courses");
  const charts = new Map();

  // A centred mean, so that the smoothed line does not lag behind.
  const smooth = (values) => {
    const reach = Math.floor(values.length / WINDOW);
    return values.map((_, at) => {
      const near = values.slice(Math.max(0, at - reach), at + reach + 1);
      return near.reduce((sum, value) => sum + value, 0) / near.length;
    });
  };

  const shown = (_, value) => value?.toFixed(4) ?? "–";

  const line = (label, stroke, more = {}) => ({ label, stroke, width: 2, points: { show: false }, spanGaps: true, value: shown, ...more });

  const draw = (place, data, series) => {
    const known = charts.get(place);
    if (known && known.series.length === series.length + 1) return known.setData(data);
    known?.destroy();
    const faint = "rgba(128,128,128,.15)";
    const axis = { stroke: getComputedStyle(note).color, grid: { stroke: faint }, ticks: { stroke: faint } };
    const chart = new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false } },
      axes: [{ ...axis, label: "step", labelSize: 20 }, { ...axis, size: 60 }],
      series: [{ label: "step" }, ...series],
    }, data, place);
    charts.set(place, chart);
    new ResizeObserver(() => charts.get(place) === chart && chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  };

  // The evaluation has few points, at steps of its own.
  const drawLosses = ({ steps, losses, evaluation }) => {
    const places = [...new Set([...steps, ...evaluation.map(([step]) => step)])].sort((a, b) => a - b);
    const trained = new Map(steps.map((step, at) => [step, losses[at]]));
    const smoothed = new Map(smooth(losses).map((value, at) => [steps[at], value]));
    const evaluated = new Map(evaluation);
    const data = [places, ...[trained, smoothed].map((values) => places.map((step) => values.get(step) ?? null))];
    const series = [line("training", "rgba(32,107,196,.35)", { width: 1 }), line("smoothed", "#206bc4")];
    if (evaluated.size) {
      data.push(places.map((step) => evaluated.get(step) ?? null));
      series.push(line("test rows", "#f76707", { points: { show: true, size: 7, fill: "#f76707" } }));
    }
    draw(box, data, series);
  };

  const drawCourses = ({ steps, lines }) => {
    const titles = Object.keys(lines);
    if (!titles.length) return;
    courses.hidden = false;
    draw(courses.querySelector(".chart"), [steps, ...titles.map((title) => lines[title])], titles.map((title, at) => line(title, COLOURS[at % COLOURS.length])));
  };

  const follow = async () => {
    let finished = false;
    try {
      const response = await fetch(box.dataset.address, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const curves = await response.json();
      finished = curves.is_finished;
      note.textContent = curves.steps.length ? "" : finished ? "no loss was recorded" : "the curve begins with the first step";
      if (curves.steps.length) drawLosses(curves);
      drawCourses(curves.courses);
    } catch (error) {
      note.textContent = "not reachable just now";
    }
    if (!finished) setTimeout(follow, PERIOD_MS);
  };
  follow();
})();
