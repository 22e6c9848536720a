// Elements and tables, made of text alone: nothing that a session says is ever read as markup.

export const at = (id) => document.getElementById(id);

/** An element with attributes and children; null children are left out. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Put text in its place if it is another one. */
export function say(id, text, style = null) {
  const place = at(id);
  if (place.textContent !== text) place.textContent = text;
  if (style !== null) place.className = style;
}

/**
 * A table in its place; where it was scrolled to, it stays.
 * columns: [{ name, text(row), style?(row), left?, wrap? }]
 */
export function table(id, columns, rows, none = "none") {
  if (!rows.length) {
    at(id).replaceChildren(el("p", { class: "empty" }, none));
    return;
  }
  const align = (column) => [column.left ? "left" : "", column.wrap ? "wrap" : ""].join(" ").trim() || null;
  const head = el("tr", {}, ...columns.map((column) => el("th", { scope: "col", class: align(column) }, column.name)));
  const body = rows.map((row) =>
    el("tr", {}, ...columns.map((column) => {
      const style = [align(column), column.style?.(row)].filter(Boolean).join(" ");
      return el("td", { class: style || null }, column.text(row));
    })));
  at(id).replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
}

/** Names beside values. */
export function pairs(id, rows) {
  at(id).replaceChildren(...rows.map(([name, value, style, whole]) =>
    el("div", { class: whole ? "whole" : null }, el("dt", {}, name), el("dd", { class: style || null }, value))));
}

/** A passing message. */
export function toast(text, wrong = false) {
  const shown = el("p", { class: wrong ? "wrong" : null }, text);
  at("toasts").append(shown);
  setTimeout(() => shown.remove(), 8000);
}
