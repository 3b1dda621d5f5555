"use strict";

// Which label was answered with which, for each job. ECharts is loaded once they come into view.
(() => {
  const section = document.querySelector("[data-matrices]");
  const matrices = JSON.parse(document.getElementById("matrices").textContent);
  const places = [...section.querySelectorAll(".matrix")];
  const COLOURS = { light: ["#e7f0fa", "#206bc4"], dark: ["#22324a", "#5a9df0"] };

  const load = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = section.dataset.matrices;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });

  const options = ({ labels, cells }) => {
    const theme = document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light";
    const colour = getComputedStyle(section).color;
    const axis = (name) => ({
      type: "category", data: labels, name, nameLocation: "middle", nameGap: name === "Answer" ? 34 : 84,
      nameTextStyle: { color: colour }, splitArea: { show: false },
      axisLabel: { color: colour, width: 76, overflow: "truncate", interval: 0, rotate: name === "Answer" && labels.length > 4 ? 35 : 0 },
    });
    return {
      animation: false,
      grid: { left: 100, right: 8, top: 8, bottom: labels.length > 4 ? 72 : 44 },
      // Text drawn on the canvas: the other kind would need inline styles.
      tooltip: { renderMode: "richText", formatter: ({ data: [across, down, , count, share] }) => `${labels[down]} → ${labels[across]}\n${count} rows, ${Math.round(share * 100)} %` },
      xAxis: axis("Answer"),
      yAxis: { ...axis("Expected"), inverse: true },
      visualMap: { show: false, min: 0, max: 1, dimension: 2, inRange: { color: COLOURS[theme] } },
      series: [{
        type: "heatmap",
        data: cells.map(([across, down, count, share]) => [across, down, share, count, share]),
        label: { show: labels.length <= 12, formatter: ({ data }) => String(data[3]), color: theme === "dark" ? "#fff" : "#182433" },
        emphasis: { itemStyle: { borderColor: colour, borderWidth: 1 } },
      }],
    };
  };

  const draw = () => places.forEach((place, at) => {
    const chart = echarts.getInstanceByDom(place) ?? echarts.init(place);
    chart.setOption(options(matrices[at]), true);
  });

  new IntersectionObserver(async (entries, observer) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    await load();
    draw();
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    new ResizeObserver(() => { for (const place of places) echarts.getInstanceByDom(place)?.resize(); }).observe(section);
  }).observe(section);
})();
