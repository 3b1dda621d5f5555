"use strict";

// The bars of the usage page. Another measure needs no other page.
(() => {
  const HEIGHT = 240;
  const DAY = 86400;
  const MEASURES = {
    requests: [["Requests", "requests", "#206bc4"], ["Errors", "errors", "#d63939"]],
    tokens: [["Tokens in", "prompt_tokens", "#206bc4"], ["Tokens out", "completion_tokens", "#f76707"]],
    engine_hours: [["Engine hours", "engine_hours", "#2fb344"]],
    training_hours: [["Training hours", "training_hours", "#ae3ec9"]],
  };
  const box = document.getElementById("usage-chart");
  const choice = document.getElementById("usage-measure");
  const data = JSON.parse(document.getElementById("usage-data").textContent);
  let chart;

  const shown = (_, value) => value?.toLocaleString("en") ?? "–";
  const isDaily = data.times.length > 1 && data.times[1] - data.times[0] >= DAY;
  const moment = (_, time) => time == null ? "–" : new Date(time * 1000).toISOString().slice(0, isDaily ? 10 : 16).replace("T", " ");

  // uPlot would write dates the American way.
  const label = (time) => {
    const date = new Date(time * 1000);
    const isMidnight = time % DAY === 0;
    return isMidnight ? date.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }) : date.toISOString().slice(11, 16);
  };
  const step = (data.times[1] ?? data.times[0] + 3600) - data.times[0];

  const draw = () => {
    chart?.destroy();
    const measures = MEASURES[choice.value];
    const faint = "rgba(128,128,128,.15)";
    const axis = { stroke: getComputedStyle(box).color, grid: { stroke: faint }, ticks: { stroke: faint } };
    chart = new uPlot({
      width: box.clientWidth,
      height: HEIGHT,
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
      scales: { x: { range: (_, first, last) => [first - step / 2, last + step / 2] }, y: { range: (_, least, most) => [0, Math.max(most, 1) * 1.05] } },
      axes: [{ ...axis, space: 64, values: (_, times) => times.map(label) }, { ...axis, size: 72, values: (_, values) => values.map((value) => value.toLocaleString("en")) }],
      series: [
        { label: "UTC", value: moment },
        ...measures.map(([label, , colour]) => ({ label, stroke: colour, fill: `${colour}66`, width: 1, points: { show: false }, value: shown, paths: uPlot.paths.bars({ size: [0.8, 60] }) })),
      ],
    }, [data.times, ...measures.map(([, column]) => data[column])], box);
  };

  choice.addEventListener("change", draw);
  new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
  document.querySelector("[data-theme-switch]")?.addEventListener("click", () => setTimeout(draw));
  draw();
})();
