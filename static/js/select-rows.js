// Rows, "select all", and the bar that acts on them. Works on rows that htmx brings in later.
// <div data-select="bulk"> … <input type="checkbox" data-all> … <input type="checkbox" data-row> … </div>
// <div id="bulk" hidden> <b data-count></b> selected … </div>
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
  document.addEventListener("htmx:afterSettle", updateAll);
  addEventListener("pageshow", updateAll);
  updateAll();
})();
