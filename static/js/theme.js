// Before first paint: the reader's choice of light or dark, if there is one. Without it the system decides (CSS).
// Loaded in <head> without defer; the switch itself is in theme-switch.js.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("everkeep-theme"); } catch { /* storage is off: the system decides */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
