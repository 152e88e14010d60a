// <button data-copy="element-id">: copies the text or value of that element and says so on the button.
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const words = button.querySelector("[data-copy-words]") ?? button;
  const before = words.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    words.textContent = "Copied";
  } catch {
    words.textContent = "Press Ctrl+C";
    if (source.select) source.select(); else getSelection().selectAllChildren(source);
  }
  setTimeout(() => { words.textContent = before; }, 2000);
});
