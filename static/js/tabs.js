// Where the row of tabs is wider than the screen, the tab of the open page is in sight.
"use strict";
for (const tab of document.querySelectorAll(".ek-tabs [aria-current]")) {
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}
