// <template data-typed='{"to": "/a/", "fields": {"name": ["value"]}}'>: puts what was typed before the page asked who
// is there into the form that leads to `to`, and what the template holds above it. Nothing is sent.
"use strict";
(() => {
  const kept = document.querySelector("template[data-typed]");
  if (!kept) return;
  const { to, fields } = JSON.parse(kept.dataset.typed);
  const leadsTo = (form) => new URL(form.getAttribute("hx-post") || form.getAttribute("action") || location.href, location.href).pathname;
  const isTheOne = (form) => leadsTo(form) === to && [...form.elements].every(
    (field) => field.type !== "hidden" || !fields[field.name] || fields[field.name].includes(field.value));
  const isTyped = (field) => field.name && !field.disabled && !["hidden", "password", "file", "submit", "button"].includes(field.type);
  const form = [...document.querySelectorAll("form[method=post], form[hx-post]")].find(isTheOne);
  const typed = [...(form?.elements ?? [])].filter(isTyped);
  if (!typed.length) return;
  const next = {};
  for (const field of typed) {
    const values = fields[field.name];
    if (field.type === "checkbox") field.checked = values?.includes(field.value) ?? false;
    else if (!values) continue;
    else if (field.type === "radio") field.checked = values.includes(field.value);
    else if (field.options) for (const option of field.options) option.selected = values.includes(option.value);
    else field.value = values[next[field.name] = (next[field.name] ?? -1) + 1] ?? field.value;
  }
  for (let around = form.parentElement; around; around = around.parentElement) {
    if (around.matches("details")) around.open = true;
    if (around.matches("dialog:not([open])")) around.showModal();
  }
  const note = kept.content.firstElementChild;
  form.before(note);
  note.tabIndex = -1;
  note.focus();
})();
