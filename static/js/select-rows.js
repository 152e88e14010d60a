// Rows, "select all", and the bar that acts on them. Works on rows that htmx brings in later.
// <div data-select="bulk"> … <input type="checkbox" data-all> … <input type="checkbox" data-row> … </div>
// <div id="bulk" hidden> <b data-count></b> selected … </div>   <button data-needs="bulk" disabled>: usable while rows are ticked.
// On a row's box: arrow keys go to the box above or below; with Shift, a click ticks all rows in between.
"use strict";
(() => {
  const update = (scope) => {
    const boxes = [...scope.querySelectorAll("input[data-row]")];
    const on = boxes.filter((box) => box.checked).length;
    const master = scope.querySelector("input[data-all]");
    if (master) {
      master.checked = on > 0 && on === boxes.length;
      master.indeterminate = on > 0 && on < boxes.length;
    }
    for (const button of document.querySelectorAll(`[data-needs="${scope.dataset.select}"]`)) button.disabled = on === 0;
    const bulk = document.getElementById(scope.dataset.select);
    if (!bulk) return;
    bulk.hidden = on === 0;
    for (const count of bulk.querySelectorAll("[data-count]")) count.textContent = on;
  };
  const updateAll = () => { for (const scope of document.querySelectorAll("[data-select]")) update(scope); };
  document.addEventListener("change", (event) => {
    const scope = event.target.closest("[data-select]");
    if (!scope || !event.target.matches("input[data-all], input[data-row]")) return;
    if (event.target.matches("[data-all]")) {
      for (const box of scope.querySelectorAll("input[data-row]")) {
        if (!box.disabled) box.checked = event.target.checked;
      }
    }
    update(scope);
  });
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select] input[data-row]");
    if (!box) return;
    const boxes = [...box.closest("[data-select]").querySelectorAll("input[data-row]")];
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const other of boxes.slice(from, to)) if (!other.disabled) other.checked = box.checked;
    last = box;
  });
  document.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way || !event.target.matches("[data-select] input[data-row]") || event.target.closest("#rows")) return;
    const boxes = [...event.target.closest("[data-select]").querySelectorAll("input[data-row]")];
    event.preventDefault();
    boxes[boxes.indexOf(event.target) + way]?.focus();
  });
  document.addEventListener("htmx:afterSettle", updateAll);
  addEventListener("pageshow", updateAll);
  updateAll();
})();
