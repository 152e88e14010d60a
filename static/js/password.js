// <button data-show="field-id" aria-pressed="false">Show</button>: shows and hides a password.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  if (!button) return;
  const field = document.getElementById(button.dataset.show);
  const hidden = field.type === "password";
  field.type = hidden ? "text" : "password";
  button.textContent = hidden ? "Hide" : "Show";
  button.setAttribute("aria-pressed", String(hidden));
});
