// The list of what is in an export. Its rows are strangers' words: they become text, never markup.
(function () {
  "use strict";
  var KIND = 0, FOLDER = 1, NAME = 2, PERSON = 3, WHEN = 4, SIZE = 5, PATH = 6, PART = 7, PROBLEM = 8;
  var PAGE = 100;
  var rows = [], haystack = [], shown = [], page = 0, by = WHEN, falling = true, waiting = 0;
  var words = new Intl.Collator(undefined, { numeric: true });
  var $ = function (id) { return document.getElementById(id); };

  // Each list file calls this; the next one is asked for until there is none.
  window.everkeep = function (list) {
    if (list.about) {
      document.title = list.about.title;
      $("title").textContent = list.about.title;
      $("about").textContent = list.about.words;
    }
    list.rows.forEach(function (row) {
      rows.push(row);
      haystack.push((row[NAME] + "\n" + row[PERSON] + "\n" + row[FOLDER]).toLocaleLowerCase());
    });
    list.last ? load(list.part + 1, 1) : load(list.part, list.number + 1);
  };

  function load(part, number) {
    var script = document.createElement("script");
    script.src = "index/part-" + part + "-" + number + ".js";
    script.onerror = begin;
    document.body.appendChild(script);
  }

  function begin() {
    var kinds = [];
    rows.forEach(function (row) { if (kinds.indexOf(row[KIND]) < 0) kinds.push(row[KIND]); });
    kinds.forEach(function (kind) { $("kind").add(new Option(kind, kind)); });
    document.documentElement.setAttribute("data-ready", "");
    find();
  }

  function find() {
    var wanted = $("text").value.trim().toLocaleLowerCase(), kind = $("kind").value, failed = $("problems").checked;
    shown = [];
    for (var i = 0; i < rows.length; i++) {
      if (kind && rows[i][KIND] !== kind) continue;
      if (failed && !rows[i][PROBLEM]) continue;
      if (wanted && haystack[i].indexOf(wanted) < 0) continue;
      shown.push(rows[i]);
    }
    sort();
  }

  function sort() {
    var sign = falling ? -1 : 1, numbers = by === SIZE || by === PART, plain = by === WHEN;
    shown.sort(function (a, b) {
      if (numbers) return sign * (a[by] - b[by]);
      if (plain) return sign * (a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0);
      return sign * words.compare(a[by], b[by]);
    });
    page = 0;
    show();
  }

  function show() {
    var body = $("rows"), pages = Math.max(1, Math.ceil(shown.length / PAGE));
    body.textContent = "";
    shown.slice(page * PAGE, (page + 1) * PAGE).forEach(function (row) { body.appendChild(line(row)); });
    $("count").textContent = shown.length.toLocaleString() + " of " + rows.length.toLocaleString() + " items";
    $("page").textContent = "Page " + (page + 1) + " of " + pages;
    $("before").disabled = page === 0;
    $("after").disabled = page >= pages - 1;
  }

  function line(row) {
    var tr = document.createElement("tr"), first = document.createElement("td"), name = row[NAME] || "No subject";
    if (row[PATH]) {
      var link = document.createElement("a");
      link.href = row[PATH].split("/").map(encodeURIComponent).join("/");
      link.textContent = name;
      link.rel = "noreferrer";
      first.appendChild(link);
    } else first.append(name);
    add(first, "small", row[KIND]);
    if (row[PROBLEM]) add(first, "span", row[PROBLEM]).className = "bad";
    tr.appendChild(first);
    [["Person", row[PERSON]], ["Folder", row[FOLDER]], ["Date", day(row[WHEN])], ["Size", size(row[SIZE])], ["Part", row[PART]]]
      .forEach(function (cell) { add(tr, "td", cell[1]).setAttribute("data-label", cell[0]); });
    return tr;
  }

  function add(parent, tag, text) {
    var element = document.createElement(tag);
    element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function day(when) { return when ? when.slice(0, 16).replace("T", " ") : ""; }

  function size(bytes) {
    var units = ["bytes", "kB", "MB", "GB"], at = 0;
    while (bytes >= 1000 && at < 3) { bytes /= 1000; at++; }
    return (at ? bytes.toFixed(1) : bytes) + " " + units[at];
  }

  $("find").addEventListener("submit", function (event) { event.preventDefault(); });
  $("find").addEventListener("input", function () { clearTimeout(waiting); waiting = setTimeout(find, 120); });
  $("before").addEventListener("click", function () { page--; show(); scrollTo(0, 0); });
  $("after").addEventListener("click", function () { page++; show(); scrollTo(0, 0); });
  document.querySelectorAll("th").forEach(function (head) {
    head.addEventListener("click", function () {
      var chosen = Number(head.getAttribute("data-by"));
      falling = chosen === by ? !falling : chosen === WHEN || chosen === SIZE;
      by = chosen;
      document.querySelectorAll("th").forEach(function (each) { each.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sort();
    });
  });
  load(1, 1);
})();
