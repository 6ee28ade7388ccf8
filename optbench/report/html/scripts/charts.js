"use strict";
// Figures: drawn with uPlot when they come into view, values under the pointer or the arrow keys.

const { xs, figures } = JSON.parse(document.getElementById("data-figures").textContent);
const MOST_POINTS = 40; // of a curve that shows them: more would be one thick line
const drawn = new Map(); // the box of a plot -> its uPlot

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// On a dark page a curve is the same colour mixed with white, so that it stands out as much.
function inkOf(color, opacity = 1) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches && !matchMedia("print").matches;
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const light = (0.21 * parts[0] + 0.72 * parts[1] + 0.07 * parts[2]) / 255;
  const white = dark ? Math.max(0.25, 0.85 - light) : 0;
  const ink = parts.map((part) => Math.round(part + white * (255 - part)));
  return `rgba(${ink.join(",")},${opacity})`;
}

// Numbers travel with few digits; a missing one is null and leaves a gap.
function columnsOf(chart) {
  const tables = [], shapes = [], bands = [];
  const add = (series, values, shape) => {
    tables.push([xs[series.x], values]);
    shapes.push({ series, ...shape });
  };
  for (const series of chart.series) {
    add(series, series.y, { main: true });
    if (series.low) {
      add(series, series.high, { edge: true });
      add(series, series.low, { edge: true });
      bands.push({ series: [shapes.length - 1, shapes.length], color: series.color });
    }
  }
  return { data: uPlot.join(tables), shapes, bands };
}

function axisOf(axis, along) {
  return {
    label: axis.label,
    labelSize: 22,
    labelFont: "13px system-ui, sans-serif",
    font: "12px system-ui, sans-serif",
    size: along ? 34 : 62,
    stroke: () => css("--soft"),
    grid: { stroke: () => css("--line"), width: 1 },
    ticks: { stroke: () => css("--line"), width: 1, size: 5 },
    space: along ? 60 : 34,
    incrs: axis.log ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] : undefined,
    values: (plot, ticks) => ticks.map((tick) => onAxis(axis, tick)),
  };
}

function curveOf(shape, chart) {
  const { series } = shape;
  return {
    label: series.label,
    stroke: () => inkOf(series.color),
    width: shape.edge ? 0 : series.thin ? 1 : 2,
    alpha: series.thin ? 0.45 : 1,
    dash: series.dash || undefined,
    paths: chart.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: { show: !shape.edge && series.y.length < (chart.points ? MOST_POINTS : 3), size: 6 },
    spanGaps: false,
  };
}

// The record of a curve nearest to the pointer: the curves' own steps differ.
function nearestRecord(values, at) {
  for (let off = 0; off < values.length; off++) {
    if (values[at - off] !== null && values[at - off] !== undefined) return at - off;
    if (values[at + off] !== null && values[at + off] !== undefined) return at + off;
  }
  return at;
}

function draw(box, chart, legend) {
  drawn.get(box)?.plot.destroy();
  box.replaceChildren();
  const { data, shapes, bands } = columnsOf(chart);
  const tip = box.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.setAttribute("aria-live", "polite");
  let focused = null;
  const say = (plot) => {
    const { left, top, idx } = plot.cursor;
    if (left === undefined || left < 0 || idx === null || idx === undefined) return void (tip.textContent = "");
    let best = null;
    shapes.forEach((shape, i) => {
      if (!shape.main || !plot.series[i + 1].show) return;
      const at = nearestRecord(data[i + 1], idx), value = data[i + 1][at];
      if (value === null || value === undefined) return;
      const away = Math.hypot(
        plot.valToPos(value, "y") - top, plot.valToPos(data[0][at], "x") - left);
      if (focused === null ? !best || away < best.away : i === focused) best = { i, at, value, away };
    });
    if (!best) return void (tip.textContent = "");
    const { series } = shapes[best.i], around = series.low ? bandAt(series, data[0][best.at], chart) : "";
    tip.textContent = `${series.label}: ${onAxis(chart.y, best.value, 4)}${around} at ${chart.x.label} ${onAxis(chart.x, data[0][best.at], 4)}`;
    const width = tip.offsetWidth, x = plot.bbox.left / devicePixelRatio + left;
    tip.style.left = `${Math.max(0, Math.min(x + 12, box.clientWidth - width))}px`;
    tip.style.top = `${Math.max(0, plot.bbox.top / devicePixelRatio + top - 34)}px`;
  };
  const plot = new uPlot({
    width: box.clientWidth,
    height: box.clientHeight,
    legend: { show: false },
    scales: { x: { time: false }, y: { range: rangeOf(chart) } },
    axes: [axisOf(chart.x, true), axisOf(chart.y, false)],
    series: [{}, ...shapes.map((shape) => curveOf(shape, chart))],
    bands: bands.map((band) => ({ series: band.series, fill: () => inkOf(band.color, 0.18) })),
    cursor: { points: { show: false }, focus: { prox: 24 }, drag: { x: true, y: false } },
    focus: { alpha: 0.25 },
    hooks: {
      setCursor: [say],
      drawClear: [(it) => lines(it, chart)],
    },
  }, data, box);
  const state = {
    plot, chart, shapes, legend,
    focusOn(i) { focused = i; plot.setSeries(i === null ? null : i + 1, { focus: true }); },
    move(step) {
      const at = Math.max(0, Math.min(data[0].length - 1, (plot.cursor.idx ?? -1) + step));
      const i = focused ?? shapes.findIndex((shape, k) => shape.main && plot.series[k + 1].show);
      if (i < 0) return;
      const value = data[i + 1][nearestRecord(data[i + 1], at)];
      plot.setCursor({ left: plot.valToPos(data[0][at], "x"), top: value === null ? 0 : plot.valToPos(value, "y") });
    },
    next(step) {
      const shownOnes = shapes.map((shape, k) => k).filter((k) => shapes[k].main && plot.series[k + 1].show);
      if (!shownOnes.length) return;
      const at = shownOnes.indexOf(focused);
      state.focusOn(shownOnes[(at + step + shownOnes.length) % shownOnes.length]);
      state.move(0);
    },
  };
  drawn.set(box, state);
  if (legend) fillLegend(legend, state);
  return state;
}

function bandAt(series, x, chart) {
  const at = xs[series.x].indexOf(x);
  if (at < 0 || series.low[at] === null) return "";
  return ` [${onAxis(chart.y, series.low[at])}, ${onAxis(chart.y, series.high[at])}]`;
}

function rangeOf(chart) {
  return (plot, low, high) => {
    if (low === null) return [0, 1];
    const extra = chart.lines.map((line) => line.y);
    const least = Math.max(Math.min(low, ...extra), chart.y.least ?? -Infinity);
    const most = Math.max(high, least, ...extra);
    const room = 0.04 * (most - least) || Math.abs(most) * 0.1 || 1;
    return [least - room, most + room];
  };
}

function lines(plot, chart) {
  const { ctx, bbox } = plot, scale = devicePixelRatio;
  ctx.save();
  for (const line of chart.lines) {
    const y = Math.round(plot.valToPos(line.y, "y", true));
    ctx.strokeStyle = ctx.fillStyle = css("--soft");
    ctx.lineWidth = scale;
    ctx.setLineDash([4 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.fillText(line.label, bbox.left + 4 * scale, y - 4 * scale);
  }
  ctx.restore();
}

function swatch(series) {
  const dash = series.dash ? ` stroke-dasharray="${series.dash.map(Number).join(" ")}"` : "";
  const holder = document.createElement("template");
  holder.innerHTML = `<svg viewBox="0 0 24 10" aria-hidden="true"><line x1="0" y1="5" x2="24" y2="5" stroke-width="3"${dash}/></svg>`;
  holder.content.querySelector("line").style.stroke = inkOf(series.color);
  return holder.content;
}

function fillLegend(list, state) {
  const entries = state.shapes.map((shape, i) => {
    if (!shape.main || shape.series.thin) return null;
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.append(swatch(shape.series), shape.series.label);
    button.addEventListener("click", () => {
      const show = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(show));
      state.plot.setSeries(i + 1, { show });
      for (let k = i + 1; state.shapes[k]?.edge; k++) state.plot.setSeries(k + 1, { show });
    });
    for (const [name, on] of [["mouseenter", i], ["focus", i], ["mouseleave", null], ["blur", null]]) {
      button.addEventListener(name, () => state.focusOn(on));
    }
    item.append(button);
    return item;
  });
  list.replaceChildren(...entries.filter(Boolean));
}

function keys(box) {
  box.addEventListener("keydown", (event) => {
    const state = drawn.get(box);
    const act = { ArrowRight: () => state.move(1), ArrowLeft: () => state.move(-1),
      ArrowDown: () => state.next(1), ArrowUp: () => state.next(-1) }[event.key];
    if (!state || !act) return;
    event.preventDefault();
    act();
  });
  box.addEventListener("blur", () => {
    const state = drawn.get(box);
    state?.focusOn(null);
    state?.plot.setCursor({ left: -10, top: -10 });
  });
}

function show(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "yes";
  const charts = figures[figure.id], box = figure.querySelector(".plot");
  const legend = figure.querySelector(".legend"), choice = figure.querySelector("select");
  const note = figure.querySelector(".note");
  const choose = (chart) => {
    draw(box, chart, legend);
    note.textContent = chart.note;
  };
  choose(charts[0]);
  keys(box);
  choice?.addEventListener("change", () => choose(charts[Number(choice.value)]));
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      show(entry.target);
      seen.unobserve(entry.target);
    }
  }
}, { rootMargin: "200px" });
const allFigures = [...document.querySelectorAll("[data-figure]")];
allFigures.forEach((figure) => seen.observe(figure));

new ResizeObserver(() => fit()).observe(document.querySelector("main"));

function fit() {
  for (const [box, { plot }] of drawn) {
    if (!box.isConnected) drawn.delete(box);
    else if (box.clientWidth && plot.width !== box.clientWidth) {
      plot.setSize({ width: box.clientWidth, height: box.clientHeight });
    }
  }
}

function anew() {
  for (const [box, { chart, legend }] of [...drawn]) if (box.isConnected) draw(box, chart, legend);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
matchMedia("print").addEventListener("change", anew);
addEventListener("beforeprint", () => allFigures.forEach(show));
