// The page: logs in, listens, and draws again what has changed.

import { buttons } from "./acts.js";
import { ask, prove } from "./ask.js";
import { drawdownChart, equityChart, latencyChart, slippageChart } from "./charts.js";
import { at, say, el } from "./draw.js";
import { listen } from "./listen.js";
import * as panels from "./panels.js";
import { span, when } from "./words.js";

const STALE = 5; // seconds after which what is known is old
const KEPT = { fills: 5000, lines: 400, points: 4000 };
const HISTORY = 15000; // milliseconds between two looks at the whole curve: pulses are fewer than steps
const THEMES = ["light", "dark"];

const seat = { state: {}, fills: [], lines: [], audit: { entries: [], broken: null }, curve: [[], [], []], heard: 0, age: null };
const charts = {};
let stop = () => {};

async function begin() {
  try {
    const me = await ask("/api/me");
    prove(me.proof);
    await enter(me);
  } catch (error) {
    if (error.status === 401) login();
    else setTimeout(begin, 2000);
  }
}

function login(why = "") {
  stop();
  at("seat").hidden = true;
  at("login").hidden = false;
  say("login-error", why);
  at("token").focus();
  at("login").onsubmit = async (event) => {
    event.preventDefault();
    try {
      prove((await ask("/api/login", { token: at("token").value.trim() })).proof);
      location.reload();
    } catch (error) {
      say("login-error", error.message);
    }
  };
}

async function enter(me) {
  at("login").hidden = true;
  at("seat").hidden = false;
  say("me", `${me.name}${me.name === me.role ? "" : ` (${me.role})`}`);
  buttons(me.may_act, () => seat.state);
  at("logout").onclick = async () => { await ask("/api/logout", {}).catch(() => {}); location.reload(); };
  at("theme").onclick = switchTheme;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const health = await ask("/api/health");
  Object.assign(charts, { equity: equityChart(), drawdown: drawdownChart(), slippage: slippageChart(), latency: latencyChart(health.bounds) });
  charts.bounds = health.bounds;
  panels.fills([]);
  panels.ended([]);
  panels.incidents([]);
  panels.log([]);
  await history();
  stop = listen(hear, away);
  setInterval(freshness, 500);
  setInterval(history, HISTORY);
}

/** The equity since the start; between two looks the page adds what the pulse says. */
async function history() {
  const { points } = await ask("/api/equity").catch(() => ({ points: null }));
  if (!points) return;
  seat.curve = [points.map((p) => p.ts / 1e9), points.map((p) => p.equity), points.map((p) => -p.drawdown)];
  curve();
}

function curve() {
  const [x, equity, drawdown] = seat.curve;
  charts.equity.show([x, equity]);
  charts.drawdown.show([x, drawdown]);
}

function hear(message) {
  seat.heard = performance.now();
  if (message.kind === "state") changed(message.state);
  if (message.kind === "fills") filled(message.fills);
  if (message.kind === "ended") panels.ended(message.ended);
  if (message.kind === "incidents") panels.incidents(message.incidents);
  if (message.kind === "log") panels.log((seat.lines = [...seat.lines, ...message.lines].slice(-KEPT.lines)));
  if (message.kind === "audit") panels.audit((seat.audit = message).entries, message.broken);
  if (message.kind === "tick") seat.age = message.age;
  freshness();
}

function away(code) {
  if (code === 4401) login("You are no longer logged in.");
  freshness();
}

/** Take what is new of the state, and draw what depends on it. */
function changed(news) {
  const pulse = news.pulse ? { ...seat.state.pulse, ...news.pulse } : seat.state.pulse;
  seat.state = { ...seat.state, ...news, pulse };
  if (news.waiting) panels.waiting(news.waiting);
  if (!news.pulse) return;
  panels.head(seat.state);
  panels.account(pulse);
  const fresh = news.pulse;
  if (fresh.positions) panels.positions(pulse.positions);
  if (fresh.orders) panels.orders(pulse.orders);
  if (fresh.signals) panels.signals(pulse.signals);
  if (fresh.refusals) panels.refusals(pulse.refusals);
  if (fresh.limits) ask("/api/limits").then((said) => panels.limits(said.used, said.overrides)).catch(() => {});
  if (fresh.decision || fresh.submit) latency(pulse);
  grow(pulse);
}

function latency(pulse) {
  panels.latency(pulse.decision, pulse.submit, charts.bounds);
  const decision = panels.shares(pulse.decision);
  charts.latency.show([decision.map((_, k) => k), decision, panels.shares(pulse.submit)]);
}

function grow(pulse) {
  const [x, equity, drawdown] = seat.curve;
  const ts = pulse.ts / 1e9;
  if (pulse.equity === null || (x.length && ts <= x.at(-1))) return;
  seat.curve = [[...x, ts], [...equity, pulse.equity], [...drawdown, -pulse.drawdown]].map((column) => column.slice(-KEPT.points));
  curve();
}

function filled(fills) {
  const afresh = fills[0].number === 1;
  seat.fills = [...(afresh ? [] : seat.fills), ...fills].slice(-KEPT.fills);
  panels.fills(seat.fills);
  charts.slippage.show(panels.slippage(seat.fills.slice(-120)));
}

/** What is old is shown as old: loudly, and never as numbers of now. */
function freshness() {
  const silent = seat.heard ? (performance.now() - seat.heard) / 1000 : Infinity;
  const { pulse, running, trouble = {} } = seat.state;
  const age = seat.age === null ? null : seat.age + silent;
  const said = [];
  if (silent > STALE) said.push(`No word from the seat for ${Number.isFinite(silent) ? span(silent) : "now"}. What you see is old.`);
  else if (!pulse) said.push("The session has not said anything yet.");
  else if (age > STALE) {
    const last = `Its last word is of ${when(pulse.at)}, ${span(age)} ago.`;
    said.push(running ? `The session is silent. ${last} What you see is old.` : `The session is not running. ${last} What you see is old.`);
  }
  const stale = said.length > 0;
  for (const [what, why] of Object.entries(trouble)) said.push(`${what}: ${why}`);
  if (seat.audit.broken) said.push(`The audit log's chain is broken: ${seat.audit.broken}`);
  banner(said);
  document.body.classList.toggle("stale", stale);
  at("dot").className = `dot ${stale ? "bad" : "good"}`;
  say("age", age === null ? "no pulse" : stale ? `${span(age)} old` : "live");
  if (!pulse) return;
  panels.mode(pulse, !stale);
  panels.feed(pulse.feed, age ?? 0);
  panels.broker(pulse.broker, age ?? 0);
}

function banner(said) {
  const place = at("banner");
  place.hidden = !said.length;
  if (place.dataset.said === said.join("\n")) return;
  place.dataset.said = said.join("\n");
  place.replaceChildren(...said.map((sentence) => el("p", {}, sentence)));
}

function switchTheme() {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = THEMES[dark ? 0 : 1];
  localStorage.setItem("theme", root.dataset.theme);
  redraw();
}

function redraw() {
  for (const name of ["equity", "drawdown", "slippage", "latency"]) charts[name]?.draw();
}

begin();
