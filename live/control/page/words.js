// How numbers and times are written: as quantlib/formats.py does, and a dash for what is not known.

export const DASH = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** A number with thousands separators and fixed digits; its minus is as wide as a plus. */
export function number(value, digits = 2, signed = false) {
  if (!known(value)) return DASH;
  const shown = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const nought = !/[1-9]/.test(shown);
  return (value < 0 && !nought ? "−" : signed && !nought ? "+" : "") + shown;
}

/** Quote currency: cents below a thousand, whole units above. */
export const money = (value, signed = false) => number(value, Math.abs(value) < 1000 ? 2 : 0, signed);

/** A fraction as percent. */
export const percent = (value, digits = 2, signed = false) => (known(value) ? `${number(value * 100, digits, signed)}%` : DASH);

/** A fraction as basis points. */
export const points = (value) => (known(value) ? number(value * 1e4, 1, true) : DASH);

/** A price with two digits, or five significant ones where two would hide it. */
export function price(value) {
  if (!known(value)) return DASH;
  return Math.abs(value) >= 10 || value === 0 ? number(value) : String(Number(value.toPrecision(5)));
}

/** Whatever a feature says. */
export function plain(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1e6) return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 2 });
  return size >= 100 || Number.isInteger(value) ? number(value, Number.isInteger(value) ? 0 : 2) : number(value, 4);
}

/** Nanoseconds UTC as a date and time. */
export function when(ts) {
  if (!known(ts) || ts <= 0) return DASH;
  const text = new Date(ts / 1e6).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** Seconds in the largest unit that fits. */
export function span(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 1e-3) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${number(seconds * 1e3, seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 120) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${number(seconds / 3600, 1)} h`;
  return `${number(seconds / 86400, 0)} days`;
}

/** The class of a gain or a loss. */
export const sign = (value) => (value > 0 ? "good" : value < 0 ? "bad" : "");
