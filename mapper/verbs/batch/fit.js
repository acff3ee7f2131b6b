"use strict";
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const body = $("table").tBodies[0];
const lines = [...body.rows].map((row, place) => ({
  row, place,
  name: row.cells[0].textContent.toLowerCase(),
  neurons: Number(row.dataset.neurons),
  cells: [...row.querySelectorAll(".cell")],
}));
const orders = {
  name: (a, b) => a.place - b.place,
  neurons: (a, b) => b.neurons - a.neurons || a.place - b.place,
  fits: (a, b) => fitting(b) - fitting(a) || a.place - b.place,
};
const FITS = new Set(["native", "exact", "approximate"]);
const checked = (name) => [...document.querySelectorAll(`input.${name}`)].filter((box) => box.checked).map((box) => box.value);
const fitting = (line) => line.cells.filter((cell) => FITS.has(cell.dataset.kind)).length;

function refresh() {
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kinds = new Set(checked("kind"));
  const devices = new Set(checked("device"));
  for (const cell of document.querySelectorAll("#table [data-device]")) cell.hidden = !devices.has(cell.dataset.device);
  let shown = 0;
  for (const line of lines) {
    const seen = line.cells.filter((cell) => devices.has(cell.parentElement.dataset.device));
    const keep = words.every((word) => line.name.includes(word)) &&
      (kinds.size === 0 || seen.some((cell) => kinds.has(cell.dataset.kind)));
    line.row.hidden = !keep;
    shown += keep;
  }
  $("count").textContent = `${shown} of ${lines.length} models shown`;
}

function reorder() {
  body.append(...[...lines].sort(orders[$("order").value]).map((line) => line.row));
}

function show(cell) {
  const [kind, says, ...pairs] = data.rows[Number(cell.dataset.id)].map((at) => data.texts[at]);
  const device = $("table").tHead.rows[0].cells[cell.parentElement.cellIndex].textContent;
  const model = cell.closest("tr").cells[0];
  const file = [...model.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
  $("details-title").textContent = `${file} on ${device}`;
  $("details-kind").textContent = kind;
  $("details-kind").className = `tag ${cell.dataset.kind}`;
  $("details-says").textContent = says;
  $("details-more").replaceChildren(...pairs.map((text, at) => {
    const part = document.createElement(at % 2 ? "dd" : "dt");
    part.textContent = text;
    return part;
  }));
  $("details").showModal();
}

body.addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) show(cell);
});
body.addEventListener("keydown", (event) => {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const cell = event.target.closest(".cell");
  if (!step || !cell) return;
  const rows = [...body.rows].filter((row) => !row.hidden);
  let y = rows.indexOf(cell.closest("tr")), x = cell.parentElement.cellIndex;
  do { y += step[0]; x += step[1]; } while (rows[y]?.cells[x]?.hidden);
  const next = rows[y]?.cells[x]?.querySelector(".cell");
  if (next) { next.focus(); event.preventDefault(); }
});
$("find").addEventListener("input", refresh);
$("order").addEventListener("change", reorder);
$("tools").addEventListener("change", refresh);
$("clear").addEventListener("click", () => {
  $("find").value = "";
  for (const box of document.querySelectorAll("input.kind")) box.checked = false;
  for (const box of document.querySelectorAll("input.device")) box.checked = true;
  refresh();
});
$("tools").hidden = false;
refresh();
