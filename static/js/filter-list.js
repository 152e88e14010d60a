// <input type="search" data-filter="id">: shows only those children of the element that have the typed letters.
"use strict";
document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-filter]");
  if (!field) return;
  const wanted = field.value.trim().toLowerCase();
  for (const line of document.getElementById(field.dataset.filter).children) {
    line.hidden = !line.textContent.toLowerCase().includes(wanted);
  }
});
// Return in the field would send the form around it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-filter]")) event.preventDefault();
});
