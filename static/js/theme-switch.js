// <button data-theme-switch>: changes between light and dark and remembers it in this browser.
"use strict";
(() => {
  const isDark = () => {
    const { theme } = document.documentElement.dataset;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("everkeep-theme", next); } catch { /* storage is off: valid for this page only */ }
  });
})();
