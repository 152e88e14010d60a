// The open item is marked in its list and its preview gets the focus on small screens; arrow keys go from row to
// row, Space ticks the row that has the focus, Escape closes the preview.
// <a data-open-row hx-target="#preview"> inside <li> or <tr> of #rows; <button data-close-preview> in #preview
"use strict";
(() => {
  const rowOf = (element) => element.closest("#rows > li, #rows > tr");
  const mark = (row) => {
    for (const open of document.querySelectorAll("#rows [data-open]")) {
      open.removeAttribute("data-open");
      open.querySelector("[data-open-row]").removeAttribute("aria-current");
    }
    if (!row) return;
    row.setAttribute("data-open", "");
    row.querySelector("[data-open-row]").setAttribute("aria-current", "true");
  };
  const close = () => {
    const opened = document.querySelector("#rows [data-open] [data-open-row]");
    document.querySelector("#preview [data-opened]").remove();
    mark(null);
    if (opened) opened.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open-row]");
    if (link) mark(rowOf(link));
    else if (event.target.closest("[data-close-preview]")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && document.querySelector(".ek-panes-wide #preview [data-opened]")) return close();
    const row = rowOf(event.target);
    if (!row || event.target.matches("[type=text], [type=search]")) return;
    const same = event.target.matches("[data-row]") ? "[data-row]" : "[data-open-row]";
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
      const focus = next && (next.querySelector(same) || next.querySelector("[data-more]"));
      if (!focus) return;
      event.preventDefault();
      focus.focus();
    } else if (event.key === " " && event.target.matches("[data-open-row]")) {
      const box = row.querySelector("[data-row]");
      if (!box || box.disabled) return;
      event.preventDefault();
      box.click();
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "preview" || window.matchMedia("(min-width: 48.01rem)").matches) return;
    event.target.focus();
    event.target.scrollIntoView();
  });
})();
