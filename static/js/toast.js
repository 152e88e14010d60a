// <button data-dismiss> takes away the toast (or note) that it stands in.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".ek-toast, .ek-note")?.remove();
});
