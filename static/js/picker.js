// <input type="search" data-finds> in .ek-picker: Return finds by this picker, not by the first one of the form; the arrow
// down goes to what was found.
"use strict";
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-finds]") || !["Enter", "ArrowDown"].includes(event.key)) return;
  const picker = event.target.closest(".ek-picker");
  event.preventDefault();
  if (event.key === "Enter") picker.querySelector("button[name=find]").click();
  else picker.querySelector("input[type=radio]")?.focus();
});
