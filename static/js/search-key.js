// "/" goes to the search field in the top bar, unless the reader is typing.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(".ek-top input[type=search]");
  if (!field || !field.offsetParent) return;
  event.preventDefault();
  field.focus();
});
