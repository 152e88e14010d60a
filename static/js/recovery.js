// The open message is marked in the list, and its preview gets the focus on small screens.
// <a data-open-row hx-target="#preview"> inside <li>
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open-row]");
    if (!link) return;
    for (const row of document.querySelectorAll("[data-open-row]")) {
      row.removeAttribute("aria-current");
      row.closest("li").removeAttribute("data-open");
    }
    link.setAttribute("aria-current", "true");
    link.closest("li").setAttribute("data-open", "");
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "preview" || window.matchMedia("(min-width: 48.01rem)").matches) return;
    event.target.focus();
    event.target.scrollIntoView();
  });
})();
