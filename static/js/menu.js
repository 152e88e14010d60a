// <details class="ek-menu">: Escape closes it and gives the focus back; so does a click elsewhere.
// <details data-wide open>: starts closed on small screens.
"use strict";
(() => {
  const open = () => document.querySelectorAll("details.ek-menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  if (matchMedia("(max-width: 48rem)").matches) {
    for (const part of document.querySelectorAll("details[data-wide]")) part.open = false;
  }
})();
