"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/* Fragments: "#id", or "#id&name=value&name=value" with what was chosen there, so that a link keeps it. */
function fragment() {
  const [id, ...rest] = location.hash.slice(1).split("&");
  try {
    return { id: decodeURIComponent(id), chosen: new URLSearchParams(rest.join("&")) };
  } catch {
    return { id: "", chosen: new URLSearchParams() };
  }
}

function remember(id, form) {
  const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const words = [id, chosen.toString()].filter(Boolean).join("&");
  try {
    history.replaceState(null, "", `#${words}`);
  } catch {
    /* Some browsers forbid it for files: the choice still holds, the address does not show it. */
  }
}

function choose(form, chosen) {
  for (const field of form.elements) {
    if (!field.name || !chosen.has(field.name)) continue;
    const value = chosen.get(field.name);
    if (field.type === "radio") field.checked = field.value === value;
    else if (all("option", field).some((option) => option.value === value)) field.value = value;
  }
}

/* Filter */
const filters = document.getElementById("filter");
const marked = all("main [data-operation], main [data-face]");

function filter() {
  const wanted = Object.fromEntries(new FormData(filters));
  let hidden = 0;
  for (const element of marked) {
    const { operation, face, knobs } = element.dataset;
    element.hidden = Boolean(
      (wanted.operation && operation && operation !== wanted.operation) ||
      (wanted.face && face && face !== wanted.face) ||
      (wanted.knob && knobs && !knobs.split(" ").includes(wanted.knob)));
    hidden += element.hidden;
  }
  filters.querySelector("output").textContent = hidden ? `${hidden} rows and charts hidden` : "";
}

/* Sort */
function cellAt(row, column) {
  let at = 0;
  for (const cell of row.cells) {
    if (column < at + cell.colSpan) return cell;
    at += cell.colSpan;
  }
  return row.cells[row.cells.length - 1];
}

function value(row, column) {
  const cell = cellAt(row, column);
  const text = cell.dataset.sort ?? cell.textContent.trim();
  /* The time of a run and a commit may begin with a digit, and are no numbers. */
  const isName = /^\d{4}-\d\d-|^[0-9a-f]{12}$/.test(text);
  const number = isName ? NaN : parseFloat(text.replace(/,/g, "").replace("−", "-"));
  return Number.isNaN(number) ? text : number;
}

function sort(table, header, column) {
  const down = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
  rows.sort(([a], [b]) => {
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

/* Flip the knobs: shows the row of the table of cells that has this setting; it computes nothing. */
const panel = document.getElementById("knobs");
const cells = document.querySelector("#cells table");

function levels(row) {
  return new Set(row.querySelector(".variant")?.title.split(", "));
}

function measured() {
  const wanted = new FormData(panel);
  const knobs = [...wanted].filter(([name]) => name.startsWith("knob:"));
  const row = [...cells.tBodies[0].rows].find((each) => {
    const own = levels(each);
    return each.dataset.operation === wanted.get("operation") && each.dataset.face === wanted.get("face") &&
      (!wanted.get("server") || each.dataset.server === wanted.get("server")) &&
      knobs.every(([name, level]) => own.has(`${name.slice(5)} ${level}`));
  });
  const shown = panel.querySelector("dl");
  shown.replaceChildren();
  panel.querySelector("output").textContent = row ? "" : "This setting was not measured.";
  if (!row) return;
  const names = [...cells.tHead.rows[0].cells].map((header) => header.textContent);
  let column = 0;
  let counted = "";
  for (const cell of row.cells) {
    if (!cell.querySelector(".variant") && !["Operation", "Face", "Server"].includes(names[column])) {
      const name = document.createElement("dt");
      const what = document.createElement("dd");
      /* "Statements cold" and its neighbour "warm" share a head. */
      if (names[column].endsWith(" cold")) counted = names[column].slice(0, -5);
      const said = names[column] === "warm" ? `${counted} warm` : names[column];
      name.textContent = cell.colSpan > 1 ? "Time" : said;
      what.textContent = cell.textContent;
      const pair = document.createElement("div");
      pair.append(name, what);
      shown.append(pair);
    }
    column += cell.colSpan;
  }
  panel.querySelector("a").href = row.querySelector("a").getAttribute("href");
}

/* Marks of drawings: the row of the data table that a mark stands for, near the pointer, or kept by a click or tap. */
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
let kept = false;

function tell(mark) {
  const figure = mark.closest("figure");
  const table = figure?.querySelector(".data table");
  const row = table?.tBodies[0].rows[Number(mark.dataset.row)];
  if (!row) return;
  const names = [...table.tHead.rows[0].cells].map((header) => header.textContent);
  const lines = [...row.cells].map((cell, column) => {
    const line = document.createElement(column ? "span" : "b");
    line.textContent = column ? `${names[column]}: ${cell.textContent}` : cell.textContent;
    return line;
  });
  for (const at of (row.dataset.at ?? "").split(" ").filter(Boolean)) {
    const [file, pointer] = at.startsWith("/") ? ["findings.json", at] : at.split("#");
    /* A page that was published alone has no files beside it. */
    const source = document.createElement(document.querySelector(".raw") ? "a" : "span");
    source.textContent = `${file} ${pointer}`;
    if (source.tagName === "A") source.href = file;
    lines.push(source);
  }
  tip.replaceChildren(...lines);
  tip.hidden = false;
}

function place(event) {
  const { offsetWidth: width, offsetHeight: height } = tip;
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, Math.min(event.pageX + 12, scrollX + room - width - 8))}px`;
  const below = event.clientY + height + 20 < innerHeight;
  tip.style.top = `${below ? event.pageY + 14 : Math.max(0, event.pageY - height - 14)}px`;
}

function away() {
  kept = false;
  tip.hidden = true;
}

if (document.querySelector(".drawing [data-row]")) {
  document.body.append(tip);
  addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.(".drawing [data-row]");
    if (kept || (!mark && tip.contains(event.target))) return;
    if (!mark) return away();
    tell(mark);
    place(event);
  });
  addEventListener("click", (event) => {
    const mark = event.target.closest?.(".drawing [data-row]");
    if (tip.contains(event.target)) return;
    if (!mark) return away();
    tell(mark);
    place(event);
    kept = true;
  });
  addEventListener("keydown", (event) => event.key === "Escape" && away());
}

/* Start */
function reveal() {
  const { id, chosen } = fragment();
  for (const [form, name, apply] of [[filters, "filter", filter], [panel, "knobs", measured]]) {
    if (form && id === name) {
      choose(form, chosen);
      apply();
    }
  }
  const target = document.getElementById(id);
  for (let outer = target; outer; outer = outer.parentElement) {
    if (outer.tagName === "DETAILS") outer.open = true;
  }
  target?.scrollIntoView();
}

if (filters) {
  filters.hidden = false;
  filters.addEventListener("change", () => {
    filter();
    remember("filter", filters);
  });
}
if (panel && cells) {
  panel.hidden = false;
  for (const plain of all("[data-plain]")) plain.hidden = true;
  measured();
  panel.addEventListener("change", () => {
    measured();
    remember("knobs", panel);
  });
}
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
for (const table of all("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, header, column));
  });
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();
