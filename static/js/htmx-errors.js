// A part that htmx could not fetch is said, never swallowed. On 403 and 404 the server's own sentence follows
// as a page; here the reader learns that the part stayed as it was.
"use strict";
(() => {
  const say = (sentence) => {
    const region = document.getElementById("toasts");
    if (!region) return;
    const toast = document.createElement("div");
    toast.className = "ek-toast";
    const words = document.createElement("span");
    words.textContent = sentence;
    const close = document.createElement("button");
    close.className = "btn btn-sm";
    close.type = "button";
    close.dataset.dismiss = "";
    close.textContent = "Close";
    toast.append(words, close);
    region.replaceChildren(toast);
  };
  // A live part asks again by itself: only what a person did is answered aloud.
  const asked = (event) => ["click", "submit", "change"].includes(event.detail.requestConfig?.triggeringEvent?.type);
  document.addEventListener("htmx:responseError", (event) => {
    if (!asked(event)) return;
    const sentence = event.detail.xhr.getResponseHeader("X-Everkeep-Says");
    say(sentence ? decodeURIComponent(sentence) : "This part did not load. Your backups are not affected. Try again.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (asked(event)) say("The portal did not answer. Your backups are not affected. Try again.");
  });
})();
