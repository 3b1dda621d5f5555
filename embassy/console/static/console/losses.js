"use strict";

// The loss curve of a job, asked for again every second and a half until the job has ended.
(() => {
  const PERIOD_MS = 1500;
  const WINDOW = 20; // of the smoothed line: this part of all steps
  const box = document.getElementById("losses");
  const note = document.getElementById("loss-note");
  let chart = null;

  // A centred mean, so that the smoothed line does not lag behind.
  const smooth = (values) => {
    const reach = Math.floor(values.length / WINDOW);
    return values.map((_, at) => {
      const near = values.slice(Math.max(0, at - reach), at + reach + 1);
      return near.reduce((sum, value) => sum + value, 0) / near.length;
    });
  };

  const draw = (data) => {
    if (chart) return chart.setData(data);
    const axis = { stroke: getComputedStyle(note).color, grid: { stroke: "rgba(128,128,128,.15)" }, ticks: { stroke: "rgba(128,128,128,.15)" } };
    chart = new uPlot({
      width: box.clientWidth,
      height: 260,
      scales: { x: { time: false } },
      axes: [{ ...axis, label: "step", labelSize: 20 }, { ...axis, size: 60 }],
      series: [
        { label: "step" },
        { label: "loss", stroke: "rgba(32,107,196,.4)", width: 1, points: { show: false }, value: (_, v) => v?.toFixed(4) ?? "–" },
        { label: "smoothed", stroke: "#206bc4", width: 2, points: { show: false }, value: (_, v) => v?.toFixed(4) ?? "–" },
      ],
    }, data, box);
    new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: 260 })).observe(box);
  };

  const follow = async () => {
    let finished = false;
    try {
      const response = await fetch(box.dataset.address, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const losses = await response.json();
      finished = losses.is_finished;
      if (losses.steps.length) {
        draw([losses.steps, losses.losses, smooth(losses.losses)]);
        note.textContent = "";
      } else {
        note.textContent = finished ? "no loss was recorded" : "the curve begins with the first step";
      }
    } catch (error) {
      note.textContent = "not reachable just now";
    }
    if (!finished) setTimeout(follow, PERIOD_MS);
  };
  follow();
})();
