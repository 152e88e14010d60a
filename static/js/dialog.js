// <button data-dialog="id"> opens <dialog id="id"> as a modal; <button data-close> inside closes it.
// <dialog data-open> is part of the page's state and opens at once, also when htmx brings it in.
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog")?.close();
  });
  const openNew = (root) => {
    for (const dialog of root.querySelectorAll("dialog[data-open]:not([open])")) dialog.showModal();
  };
  openNew(document);
  document.addEventListener("htmx:load", (event) => openNew(event.target.parentElement ?? document));
})();
