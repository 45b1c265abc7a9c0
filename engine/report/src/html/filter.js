// Filters findings by text, severity, state and novelty. The page says the same
// without it: everything here hides and opens what is there.
"use strict";
(() => {
  const form = document.getElementById("filter");
  const rules = Array.from(document.querySelectorAll("details.rule"), (element) => ({
    element,
    severity: element.dataset.s,
    state: element.dataset.k,
    head: element.querySelector("summary").textContent.toLowerCase(),
    count: element.querySelector(".count"),
    chunks: Array.from(element.querySelectorAll("table"), (table) => ({
      element: table.closest("details.more") || table,
      rows: Array.from(table.tBodies[0].rows),
      texts: null,
    })),
  }));
  for (const rule of rules) {
    rule.label = rule.count.textContent;
  }
  const checked = (name) =>
    new Set(Array.from(form.querySelectorAll(`input[name=${name}]:checked`), (i) => i.value));
  const onlyNew = form.elements.new;
  const said = form.querySelector("output");
  // The words that are typed must all be there, in any order.
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = checked("severity");
    const states = checked("state");
    const fresh = Boolean(onlyNew && onlyNew.checked);
    let found = 0;
    let inRules = 0;
    for (const rule of rules) {
      const wanted = severities.has(rule.severity) && states.has(rule.state);
      const rest = words.filter((w) => !rule.head.includes(w));
      let shown = 0;
      let all = 0;
      for (const chunk of rule.chunks) {
        let here = 0;
        if (rest.length > 0 && !chunk.texts) {
          chunk.texts = chunk.rows.map((r) => r.textContent.toLowerCase());
        }
        chunk.rows.forEach((row, n) => {
          const show =
            wanted &&
            (!fresh || row.classList.contains("n")) &&
            rest.every((w) => chunk.texts[n].includes(w));
          row.hidden = !show;
          if (show) {
            here += 1;
          }
        });
        chunk.element.hidden = here === 0;
        shown += here;
        all += chunk.rows.length;
      }
      rule.element.hidden = shown === 0;
      rule.count.textContent = shown === all ? rule.label : `${shown} of ${rule.label}`;
      rule.shown = shown;
      found += shown;
      inRules += shown > 0 ? 1 : 0;
    }
    for (const group of document.querySelectorAll("article.waiver")) {
      group.hidden = !group.querySelector("details.rule:not([hidden])");
    }
    said.value = `${found} findings of ${inRules} rules`;
    // Few matches of a search are shown at once.
    if (words.length > 0 && found <= 100) {
      for (const rule of rules) {
        if (rule.shown > 0) {
          rule.element.open = true;
          for (const chunk of rule.chunks) {
            if (!chunk.element.hidden && chunk.element.tagName === "DETAILS") {
              chunk.element.open = true;
            }
          }
        }
      }
    }
  };
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 150);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));
  const fold = (open) => {
    for (const rule of rules) {
      if (!rule.element.hidden) {
        rule.element.open = open;
      }
    }
  };
  document.getElementById("unfold").addEventListener("click", () => fold(true));
  document.getElementById("fold").addEventListener("click", () => fold(false));
  form.hidden = false;
  apply();
})();
