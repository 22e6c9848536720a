// Each part of the page, drawn from the session's state.

import { at, el, pairs, say, table } from "./draw.js";
import { DASH, money, number, percent, plain, points, price, sign, span, when } from "./words.js";

const VALUES = 24; // columns of a signal's values that are shown
const ROWS = 200;

export function account(p) {
  const change = p.equity - p.begun;
  say("equity", money(p.equity));
  say("equity-change", `${money(change, true)}  ${percent(change / p.begun, 2, true)}`, sign(change));
  say("day", money(p.day, true), sign(p.day));
  say("day-share", percent(p.day / (p.equity - p.day), 2, true), sign(p.day));
  say("drawdown", percent(p.drawdown), p.drawdown > 0.1 ? "bad" : "");
  say("long", money(p.long));
  say("long-share", `${percent(p.long / p.equity, 1)} of equity`);
  say("short", money(p.short));
  say("short-share", `${percent(p.short / p.equity, 1)} of equity`);
  say("cash", money(p.cash));
  const of = p.steps ? ` of ${number(p.steps, 0)}` : "";
  say("steps", `step ${number(p.step, 0)}${of}`);
}

export function head(state) {
  const p = state.pulse;
  say("kind", p.kind, p.kind === "real money" ? "badge real" : "badge");
  say("title", p.title);
  say("account", [state.session, p.account].filter(Boolean).join(" · "));
  say("moment", when(p.ts));
}

export function mode(p, fresh) {
  say("mode-kicker", fresh ? "Mode" : "Mode it was in");
  say("mode", p.mode);
  at("mode").className = `word ${{ ACTIVE: "good", REDUCING: "second", HALTED: "bad" }[p.mode] ?? ""}`;
  const plainly = { ACTIVE: "Trades as its strategy says.", REDUCING: "Opens nothing; leaves positions as their rules say.", HALTED: "Opens nothing, closes nothing." };
  say("why", [fresh ? plainly[p.mode] : "What it does now is not known.", p.why && `Why: ${p.why}`].filter(Boolean).join(" "));
  document.title = `${fresh ? "" : "⚠ was "}${p.mode} · ${p.title}`;
  document.querySelector(".mode").className = `mode ${p.mode.toLowerCase()}`;
}

export function waiting(list) {
  at("waiting").replaceChildren(...list.map((one) => el("li", {}, `${one.word} waits for the session's next step (${[one.who, one.why].filter(Boolean).join(": ")})`)));
}

const OFF = 2 ** 31;

export function limits(used, overrides) {
  at("limits").replaceChildren(...used.map((one) => {
    const off = one.limit === null || one.limit >= OFF;
    const share = off || !(one.limit > 0) ? 0 : Math.min(1, Math.max(0, one.now / one.limit));
    const text = (value) => (one.fraction ? percent(value) : number(value, 0));
    const style = share >= 0.9 ? "bad" : share >= 0.6 ? "second" : "";
    const bar = el("i", { class: style || null });
    bar.style.width = `${share * 100}%`;
    const track = el("div", { class: "track", role: "meter", "aria-label": one.name, "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": share.toFixed(3) }, bar);
    return el("div", { class: "gauge" }, el("span", {}, one.name),
      el("span", { class: style || null }, text(one.now), el("span", { class: "mute" }, off ? "  off" : `  of ${text(one.limit)}`)), track);
  }));
  at("overrides").replaceChildren(...overrides.map((one) => el("li", {}, `${one.limit.replaceAll("_", " ")} overridden to ${one.value} until ${when(one.until)} (${one.who}: ${one.why})`)));
}

export function positions(rows) {
  say("positions-count", rows.length ? String(rows.length) : "");
  table("positions", [
    { name: "symbol", text: (r) => el("b", {}, r.symbol) },
    { name: "lots", text: (r) => number(r.lots, 0) },
    { name: "average", text: (r) => price(r.average) },
    { name: "mark", text: (r) => price(r.mark) },
    { name: "value", text: (r) => money(r.value) },
    { name: "profit", text: (r) => money(r.profit, true), style: (r) => sign(r.profit) },
  ], rows, "No position.");
}

export function orders(rows) {
  say("orders-count", rows.length ? String(rows.length) : "");
  table("orders", [
    { name: "symbol", text: (r) => el("b", {}, r.symbol) },
    { name: "id", text: (r) => String(r.id) },
    { name: "side", text: (r) => r.side, style: (r) => (r.side === "buy" ? "good" : "bad") },
    { name: "kind", text: (r) => r.kind.replace("_", " ") },
    { name: "lots", text: (r) => number(r.lots, 0) },
    { name: "limit", text: (r) => (r.limit === null ? "" : price(r.limit)) },
    { name: "stop", text: (r) => (r.stop === null ? "" : price(r.stop)) },
    { name: "for", text: (r) => r.leg },
  ], rows, "No working order.");
}

export function fills(rows) {
  table("fills", [
    { name: "when", text: (r) => when(r.ts) },
    { name: "symbol", text: (r) => el("b", {}, r.symbol), left: true },
    { name: "side", text: (r) => r.side, style: (r) => (r.side === "buy" ? "good" : "bad") },
    { name: "for", text: (r) => r.leg },
    { name: "lots", text: (r) => number(r.lots, 0) },
    { name: "expected", text: (r) => price(r.expected) },
    { name: "actual", text: (r) => price(r.price) },
    { name: "bp", text: (r) => points(r.share), style: (r) => sign(-r.share) },
    { name: "slippage", text: (r) => money(r.slippage, true), style: (r) => sign(-r.slippage) },
    { name: "fee", text: (r) => money(r.fee) },
    { name: "realised", text: (r) => (r.realised ? money(r.realised, true) : ""), style: (r) => sign(r.realised) },
  ], rows.slice(-ROWS).reverse(), "No fill yet.");
  const known = rows.filter((r) => r.share !== null);
  const lost = known.reduce((sum, r) => sum + r.slippage, 0);
  const worst = known.reduce((most, r) => Math.max(most, r.share), -Infinity);
  pairs("quality", [
    ["fills shown", number(rows.length, 0)], ["fees", money(rows.reduce((sum, r) => sum + r.fee, 0))],
    ["slippage", money(lost, true), sign(-lost)], ["worst", `${points(worst)} bp`],
  ]);
}

/** What the slippage chart draws. */
export function slippage(rows) {
  let sum = 0;
  const sums = rows.map((r) => (sum += r.slippage ?? 0));
  const share = rows.map((r) => (r.share === null ? null : r.share * 1e4));
  return [rows.map((r) => r.number), share.map((v) => (v !== null && v <= 0 ? v : null)), share.map((v) => (v !== null && v > 0 ? v : null)), sums];
}

export function signals(rows) {
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.values)))].slice(0, VALUES);
  table("signals", [
    { name: "symbol", text: (r) => el("b", {}, r.symbol) },
    { name: "decision", text: (r) => r.decision, left: true, style: (r) => (r.decision === "nothing" ? "mute" : "") },
    ...names.map((name) => ({ name, text: (r) => plain(r.values[name]) })),
    { name: "as of", text: (r) => when(r.ts), style: () => "mute" },
  ], rows, "Nothing decided yet.");
}

export function refusals(counts) {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  const most = rows[0]?.[1] ?? 1;
  const none = el("p", { class: "empty" }, "Nothing was refused.");
  at("refusals").replaceChildren(...(rows.length ? rows.map(([reason, count]) => {
    const bar = el("i", {});
    bar.style.width = `${(100 * count) / most}%`;
    return el("div", { class: "gauge" }, el("span", {}, reason), el("span", {}, number(count, 0)), el("div", { class: "track" }, bar));
  }) : [none]));
}

export function feed(f, older) {
  say("feed-name", f.name);
  at("feed-dot").className = `dot ${f.connected && !f.stale ? "good" : "bad"}`;
  pairs("feed", [
    ["connected", f.connected ? "yes" : "no", f.connected ? "" : "bad"], ["last message", `${span(f.age + older)} ago`, f.stale ? "bad" : ""],
    ["messages", number(f.messages, 0)], ["rows decided on", number(f.rows, 0)],
    ["late", number(f.late, 0)], ["corrected", number(f.corrected, 0)],
    ["duplicates", number(f.duplicates, 0)], ["refused", number(f.refused, 0)],
    ["reconnects", number(f.reconnects, 0)], ["backfilled", number(f.backfilled, 0)],
    ...(f.trouble ? [["trouble", f.trouble, "bad", true]] : []),
  ]);
}

export function broker(b, older) {
  say("broker-name", b.name);
  at("broker-dot").className = `dot ${!b.connected || b.breaker === "open" ? "bad" : b.breaker === "closed" && !b.unknown ? "good" : "second"}`;
  pairs("broker", [
    ["connected", b.connected ? "yes" : "no", b.connected ? "" : "bad"], ["last answer", `${span(b.age + older)} ago`],
    ["calls", number(b.calls, 0)], ["failures", number(b.failures, 0), b.failures ? "second" : ""],
    ["circuit breaker", b.breaker, b.breaker === "closed" ? "" : "bad"], ["left this minute", b.remaining < 0 ? DASH : number(b.remaining, 0)],
    ["orders unknown", number(b.unknown, 0), b.unknown ? "bad" : ""],
    ...(b.trouble ? [["trouble", b.trouble, "bad", true]] : []),
  ]);
}

/** Shares of the histogram's stretches: its counts are sums from below. */
export function shares(histogram) {
  const counts = [...histogram.counts, histogram.number];
  return counts.map((count, k) => (count - (k ? counts[k - 1] : 0)) / Math.max(1, histogram.number));
}

/** The bound under which a share of a histogram lies. */
function bound(histogram, bounds, share) {
  const k = histogram.counts.findIndex((count) => count >= share * histogram.number);
  if (!histogram.number) return DASH;
  return k < 0 ? `> ${span(bounds.at(-1))}` : `≤ ${span(bounds[k])}`;
}

export function latency(decision, submit, bounds) {
  const rows = (name, h) => [
    [`${name}, 99 %`, bound(h, bounds, 0.99)], [`${name}, longest`, h.number ? span(h.longest) : DASH],
  ];
  pairs("latency", [...rows("decision", decision), ...rows("broker", submit)]);
}

export function ended(rows) {
  table("ended", [
    { name: "when", text: (r) => when(r.ts) },
    { name: "symbol", text: (r) => el("b", {}, r.symbol), left: true },
    { name: "side", text: (r) => r.side, style: (r) => (r.side === "buy" ? "good" : "bad") },
    { name: "kind", text: (r) => r.kind.replace("_", " ") },
    { name: "for", text: (r) => r.leg },
    { name: "filled", text: (r) => `${number(r.filled, 0)} of ${number(r.lots, 0)}` },
    { name: "average", text: (r) => price(r.average) },
    { name: "end", text: (r) => [r.status, r.reason].filter(Boolean).join(": "), style: (r) => (r.status === "rejected" ? "bad" : "mute") },
  ], [...rows].reverse(), "No order has ended yet.");
}

export function incidents(rows) {
  table("incidents", [
    { name: "when", text: (r) => when(r.ts) },
    { name: "kind", text: (r) => r.kind, left: true },
    { name: "symbol", text: (r) => r.symbol, left: true },
    { name: "what", text: (r) => r.text, left: true, wrap: true },
  ], [...rows].reverse(), "Nothing happened.");
}

export function log(lines) {
  const place = at("log");
  const below = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  const styles = { ERROR: "bad", CRITICAL: "bad", WARNING: "second" };
  const fields = (line) => Object.entries(line.fields).filter(([name]) => name !== "logger").map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  place.replaceChildren(...(lines.length ? lines.map((line) => el("p", { class: styles[line.level] ?? null },
    el("span", { class: "mute" }, line.time.slice(11, 19) || DASH), `${line.event} `, el("span", { class: "fields" }, fields(line))))
    : [el("p", { class: "empty" }, "No line yet.")]));
  if (below) place.scrollTop = place.scrollHeight;
}

export function audit(entries, broken) {
  say("chain", broken ? `the chain is broken: ${broken}` : entries.length ? "the chain holds ✓" : "", broken ? "bad" : "good");
  table("audit", [
    { name: "when", text: (r) => when(r.at) },
    { name: "who", text: (r) => r.who, left: true },
    { name: "what", text: (r) => [r.what, r.detail.limit ? `${r.detail.limit} = ${r.detail.value}` : ""].filter(Boolean).join(" "), left: true },
    { name: "why", text: (r) => r.why, left: true, wrap: true },
  ], [...entries].reverse(), "Nobody did anything yet.");
}
