// A chart of days: the arrow keys walk from bar to bar, and the day under the pointer or the focus is said below.
// <div data-days> <svg> <g data-day="18 Nov: 12 new …" tabindex="-1"> … </svg> <p data-readout> </div>
"use strict";
(() => {
  const say = (event) => {
    const day = event.target.closest?.("[data-day]");
    const readout = day?.closest("[data-days]")?.querySelector("[data-readout]");
    if (readout) readout.textContent = day.dataset.day;
    return day;
  };
  document.addEventListener("pointerover", say);
  document.addEventListener("focusin", say);
  document.addEventListener("keydown", (event) => {
    const day = event.target.closest?.("[data-day]");
    if (!day) return;
    const days = [...day.closest("[data-days]").querySelectorAll("[data-day]")];
    const here = days.indexOf(day);
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: days.length - 1 }[event.key];
    if (to === undefined || !days[to]) return;
    event.preventDefault();
    day.tabIndex = -1;
    days[to].tabIndex = 0;
    days[to].focus();
  });
})();
