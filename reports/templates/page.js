"use strict";
const form = document.getElementById("filter");
const marked = [...document.querySelectorAll("main [data-operation], main [data-face]")];

function filter() {
  const wanted = Object.fromEntries(new FormData(form));
  let hidden = 0;
  for (const element of marked) {
    const { operation, face, knobs } = element.dataset;
    element.hidden = Boolean(
      (wanted.operation && operation && operation !== wanted.operation) ||
      (wanted.face && face && face !== wanted.face) ||
      (wanted.knob && knobs && !knobs.split(" ").includes(wanted.knob)));
    hidden += element.hidden;
  }
  form.querySelector("output").textContent = hidden ? `${hidden} rows and charts hidden` : "";
}

function value(row, column) {
  const cell = [...row.cells].reduce((found, one) => {
    if (found.at <= column) found.cell = one;
    found.at += one.colSpan;
    return found;
  }, { at: 0, cell: null }).cell;
  const text = cell.dataset.sort ?? cell.textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
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

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let outer = target; outer; outer = outer.parentElement) {
    if (outer.tagName === "DETAILS") outer.open = true;
  }
  target?.scrollIntoView();
}

form.hidden = false;
form.addEventListener("change", filter);
form.addEventListener("submit", (event) => event.preventDefault());
for (const table of document.querySelectorAll("table.sortable")) {
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
