// Charts in the colours of the page.  A chart is made anew when the theme changes, and fitted when its place does.

/* global uPlot */
import { at, el } from "./draw.js";
import { DASH, money, number, percent, points, span, when } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const veil = (name, share) => `rgb(${colour(`${name}-rgb`)} / ${share})`;
const FONT = "11px Inter, system-ui, sans-serif";

const axis = (more) => ({
  stroke: colour("mute"), font: FONT, grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false }, gap: 6, ...more,
});
const days = () => axis({ grid: { show: false }, size: 36 });
const cursor = (key) => ({ y: false, points: { size: 7 }, drag: { x: true, y: false }, sync: key ? { key } : undefined });

/** One chart in its place: `options()` is asked anew with each theme, `told(k)` says what is under the cursor. */
class Chart {
  constructor(id, height, options, told) {
    Object.assign(this, { place: at(id), height, options, told, data: null, drawn: null });
    this.tip = el("span", { class: "tip", "aria-hidden": "true" });
    new ResizeObserver(() => this.fit()).observe(this.place);
  }

  show(data) {
    this.data = data;
    if (!data[0].length) return;
    if (this.drawn) this.drawn.setData(data);
    else this.draw();
  }

  draw() {
    this.drawn?.destroy();
    this.drawn = null;
    if (!this.data?.[0].length || !this.place.clientWidth) return;
    const size = { width: this.place.clientWidth, height: this.height };
    const hooks = { setCursor: [(u) => { this.tip.textContent = u.cursor.idx == null ? "" : this.told(u.cursor.idx, this.data); }] };
    this.drawn = new uPlot({ ...size, legend: { show: false }, ...this.options(), hooks }, this.data, this.place);
    this.place.append(this.tip);
  }

  fit() {
    const width = this.place.clientWidth;
    if (!width) return;
    if (!this.drawn) this.draw();
    else if (this.drawn.width !== width) this.drawn.setSize({ width, height: this.height });
  }
}

const airy = (share) => (_, low, high) => {
  const room = Math.max((high - low) * share, Math.abs(high) * 1e-5, 1e-9);
  return [low - room, high + room];
};
const PADDING = [10, 10, 0, 0];
/** As many as tell one tick from the next. */
const decimals = (step) => [0, 1, 2, 3, 4, 5].find((n) => Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) ?? 6;
const step = (splits) => (splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1);

export function equityChart() {
  return new Chart("equity-chart", 220, () => ({
    cursor: cursor("equity"),
    padding: PADDING,
    scales: { x: { time: true }, y: { range: airy(0.05) } },
    axes: [axis({ show: false, size: 8 }), axis({ size: 74, values: (_, splits) => splits.map((v) => number(v, decimals(step(splits)))) })],
    series: [{}, { stroke: colour("line"), width: 1.6, fill: veil("line", 0.07), points: { show: false } }],
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
  }), (k, [x, y]) => `${when(x[k] * 1e9)}   ${money(y[k])}`);
}

export function drawdownChart() {
  return new Chart("drawdown-chart", 110, () => ({
    cursor: cursor("equity"),
    padding: PADDING,
    scales: { x: { time: true }, y: { range: (_, low) => [Math.min(low * 1.08, -0.001), 0] } },
    axes: [days(), axis({ size: 74, space: 22, values: (_, splits) => splits.map((v) => percent(v, decimals(100 * step(splits)))) })],
    series: [{}, { stroke: colour("bad"), width: 1.2, fill: veil("bad", 0.12), points: { show: false } }],
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
  }), (k, [x, y]) => `${when(x[k] * 1e9)}   ${percent(y[k])}`);
}

const bars = (series, dpr = 1) => uPlot.paths.bars({ size: [0.62, 22 * dpr], ...series });

export function slippageChart() {
  return new Chart("slippage-chart", 206, () => ({
    padding: [10, 0, 0, 0],
    cursor: cursor(null),
    scales: { x: { time: false, range: (_, low, high) => [low - 0.7, high + 0.7] }, y: { range: airy(0.08) }, money: { range: airy(0.08) } },
    axes: [
      axis({ grid: { show: false }, size: 26, values: (_, splits) => splits.map((v) => (Number.isInteger(v) ? `#${v}` : "")) }),
      axis({ size: 46, values: (_, splits) => splits.map((v) => number(v, 0)) }),
      axis({ scale: "money", side: 1, size: 56, grid: { show: false }, stroke: colour("line"), values: (_, splits) => splits.map((v) => number(v, 0)) }),
    ],
    series: [
      {},
      { fill: veil("good", 0.65), stroke: "transparent", width: 0, paths: bars({}), points: { show: false } },
      { fill: veil("bad", 0.65), stroke: "transparent", width: 0, paths: bars({}), points: { show: false } },
      { scale: "money", stroke: colour("line"), width: 1.5, points: { show: false } },
    ],
  }), (k, [x, won, lost, sum]) => `#${x[k]}   ${points((won[k] ?? lost[k]) / 1e4)} bp   sum ${money(sum[k], true)}`);
}

export function latencyChart(bounds) {
  const names = [...bounds.map((bound) => `≤ ${span(bound)}`), `> ${span(bounds.at(-1))}`];
  return new Chart("latency-chart", 130, () => ({
    padding: [10, 10, 0, 0],
    cursor: cursor(null),
    scales: { x: { time: false, range: [-0.6, bounds.length + 0.6] }, y: { range: (_, low, high) => [0, Math.max(high * 1.1, 0.1)] } },
    axes: [
      axis({ grid: { show: false }, size: 24, splits: bounds.map((_, k) => k).filter((k) => k % 3 === 1), values: (_, splits) => splits.map((k) => span(bounds[k])) }),
      axis({ size: 42, values: (_, splits) => splits.map((v) => percent(v, 0)) }),
    ],
    series: [
      {},
      { fill: veil("line", 0.7), stroke: "transparent", width: 0, paths: bars({ size: [0.42, 18], align: -1 }), points: { show: false } },
      { fill: veil("second", 0.7), stroke: "transparent", width: 0, paths: bars({ size: [0.42, 18], align: 1 }), points: { show: false } },
    ],
  }), (k, [, decision, submit]) => `${names[k] ?? DASH}   decisions ${percent(decision[k], 0)}, broker ${percent(submit[k], 0)}`);
}
