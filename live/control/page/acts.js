// What may be done, each act behind a dialog; critical ones are confirmed with a word from the seat.

import { ask } from "./ask.js";
import { at, el, say, toast } from "./draw.js";

const ACTS = {
  halt: { title: "Halt the session?", says: ["Opens nothing, closes nothing, takes back working entries. Positions stay as they are."], button: "Halt", danger: true, path: "halt" },
  pause: { title: "Pause?", says: ["Opens nothing and takes back working entries. Positions are left as their rules say."], button: "Pause", path: "pause" },
  resume: { title: "Resume trading?", button: "Resume", critical: true, path: "resume" },
  flatten: { title: "Leave every position?", button: "Flatten", danger: true, critical: true, path: "flatten" },
  override: { title: "Override a limit", button: "Continue", critical: true, path: "override" },
};
const SHORTEST = 3; // characters of a reason
let counting = 0;
let turn = 0; // of the dialog: an answer to one that was closed arms no other

/** The buttons, for those who may act. */
export function buttons(mayAct, facts) {
  at("bar-halt").onclick = () => open("halt", facts);
  if (!mayAct) {
    at("acts").replaceChildren(el("p", { class: "mute" }, "You may look, not act."));
    return;
  }
  const button = (act, text, style, key) => {
    const made = el("button", { type: "button", class: style, id: `act-${act}` }, text, key ? el("kbd", { "aria-hidden": "true" }, key) : null);
    if (key) made.setAttribute("aria-keyshortcuts", key);
    made.onclick = () => open(act, facts);
    return made;
  };
  at("acts").replaceChildren(button("halt", "Halt", "solid danger", "H"), button("pause", "Pause", "line"), button("resume", "Resume", "line"), button("flatten", "Flatten", "line"), button("override", "Override a limit", "line"));
  new IntersectionObserver(([seen]) => { at("bar-halt").hidden = seen.isIntersecting; }).observe(at("acts"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog");
    if (event.key.toLowerCase() !== "h" || event.ctrlKey || event.metaKey || event.altKey || typing || at("dialog").open) return;
    event.preventDefault();
    open("halt", facts);
  });
}

/** Open an act's dialog. */
async function open(act, facts) {
  const asked = ACTS[act];
  const dialog = at("dialog");
  turn += 1;
  say("dialog-title", asked.title);
  told(asked.says ?? []);
  at("dialog-fields").replaceChildren();
  say("dialog-error", "");
  say("dialog-left", "");
  clearInterval(counting);
  at("dialog-why").value = "";
  say("dialog-why-label", asked.critical ? "Why (it is written down)" : "Why (may stay empty)");
  armed(asked.button, asked.danger);
  at("dialog-cancel").onclick = () => dialog.close();
  dialog.onclose = () => { turn += 1; clearInterval(counting); submitted(null); };
  dialog.showModal();
  at("dialog-why").focus();
  if (act === "override") await limit(facts);
  else if (asked.critical) await confirm(act, { act }, {});
  else submitted(() => done(act, {}));
}

/** A critical act: the seat says what it will do and gives a word for it. */
async function confirm(act, question, fields) {
  const mine = turn;
  let given;
  submitted(null);
  try {
    given = await ask("/api/confirmations", question);
  } catch (error) {
    if (mine === turn) say("dialog-error", error.message);
    return;
  }
  if (mine !== turn) return;
  told(given.says);
  let left = 60;
  const count = () => {
    say("dialog-left", left > 0 ? `good for ${left} s` : "too late: close and begin anew");
    if (left-- <= 0) { clearInterval(counting); submitted(null); }
  };
  count();
  counting = setInterval(count, 1000);
  submitted(() => done(act, { ...fields, confirmation: given.nonce }));
}

/** Which limit, to what, for how long; then it is confirmed like the others. */
async function limit(facts) {
  const mine = turn;
  submitted(null);
  const known = await ask("/api/limits").catch((error) => { say("dialog-error", error.message); return { overridable: [] }; });
  if (mine !== turn) return;
  const choice = el("select", { id: "limit-name" }, ...known.overridable.map((one) => el("option", { value: one.limit }, one.spelled)));
  const value = el("input", { id: "limit-value", type: "number", min: "0", step: "any", required: "" });
  const minutes = el("input", { id: "limit-minutes", type: "number", min: "1", max: "10080", step: "1", value: "60", required: "" });
  const now = el("p", { class: "hint" });
  const chosen = () => known.overridable.find((one) => one.limit === choice.value);
  const unit = () => {
    const one = chosen();
    const shown = one?.value == null ? "" : `now ${one.fraction ? `${Number((one.value * 100).toFixed(6))} %` : one.value}`;
    now.textContent = [one?.fraction ? "in percent" : "a whole number", shown].filter(Boolean).join(", ");
  };
  choice.onchange = unit;
  unit();
  at("dialog-fields").replaceChildren(
    el("label", { for: "limit-name" }, "Limit"), choice, el("label", { for: "limit-value" }, "Value"), value, now,
    el("label", { for: "limit-minutes" }, "For how many minutes of the session's time"), minutes);
  submitted(async () => {
    const one = chosen();
    const number = Number(value.value) / (one.fraction ? 100 : 1);
    const until = new Date(facts().moment / 1e6 + Number(minutes.value) * 60000).toISOString();
    if (value.value === "" || !(Number(minutes.value) >= 1)) return say("dialog-error", "a value and minutes are needed");
    if (!reason()) return undefined;
    const fields = { limit: one.limit, value: number, until };
    armed("Override", true);
    await confirm("override", { act: "override", ...fields }, fields);
    if (at("dialog-error").textContent === "") at("dialog-fields").replaceChildren();
    return undefined;
  });
}

/** Do it, say what came of it. */
async function done(act, fields) {
  if (ACTS[act].critical && !reason()) return;
  at("dialog-do").disabled = true;
  try {
    const taken = await ask(`/api/acts/${ACTS[act].path}`, { ...fields, why: at("dialog-why").value.trim() });
    at("dialog").close();
    toast(`${taken.word}: noted in line ${taken.audit} of the audit log; obeyed ${taken.obeyed}`);
  } catch (error) {
    say("dialog-error", error.message);
    at("dialog-do").disabled = false;
  }
}

function reason() {
  if (at("dialog-why").value.trim().length >= SHORTEST) return true;
  say("dialog-error", "say why: it is written down");
  at("dialog-why").focus();
  return false;
}

function told(sentences) {
  at("dialog-says").replaceChildren(...sentences.map((sentence) => el("p", {}, sentence)));
}

function armed(text, danger) {
  say("dialog-do", text, danger ? "solid danger" : "solid");
}

function submitted(job) {
  at("dialog-do").disabled = job === null;
  at("dialog").querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    say("dialog-error", "");
    if (job && !at("dialog-do").disabled) job();
  };
}
