/* Selecting rows: counts, ranges with shift, all of a page. Without it the boxes and the bar work too. */
(() => {
  "use strict";
  const ROWS = 'input[type="checkbox"][form="bulk"][name="id"]';
  const boxes = () => [...document.querySelectorAll(ROWS)];
  let last = null;

  function show() {
    const all = boxes(), picked = all.filter((box) => box.checked);
    for (const box of all) { box.closest("tr, .ev-row").classList.toggle("sel", box.checked); }
    const whole = document.querySelector("[data-pick-all]");
    if (whole) {
      whole.checked = picked.length > 0 && picked.length === all.length;
      whole.indeterminate = picked.length > 0 && picked.length < all.length;
    }
    const everything = document.getElementById("bulk-all");
    const told = document.querySelector("[data-picked]");
    if (told) { told.textContent = everything?.checked ? "All selected" : `${picked.length} selected`; }
  }

  /* ---- whoever takes the last row out of the selection does not mean all of them either */
  function picked() {
    const everything = document.getElementById("bulk-all");
    if (everything && !boxes().some((box) => box.checked)) { everything.checked = false; }
    show();
  }

  function pickTo(box) {
    const all = boxes(), [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) { each.checked = box.checked; }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-pick-none]")) {
      for (const box of boxes()) { box.checked = false; }
      picked();
      document.querySelector("[data-pick-all]")?.focus();
    } else if (event.target.matches(ROWS)) {
      if (event.shiftKey && last?.isConnected) { pickTo(event.target); }
      last = event.target;
      picked();
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) {
      for (const box of boxes()) { box.checked = event.target.checked; }
      picked();
    } else if (event.target.matches("#bulk-all")) { show(); }
  });

  /* ---- the way back in the history leads to the rows that were selected; all that match are chosen anew */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#bulk")) { return; } // its own `id` is what its boxes are named
    const picked = boxes().filter((box) => box.checked).map((box) => box.value);
    history.replaceState({ ...history.state, picked }, "");
  });
  const wentBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const left = wentBack ? history.state?.picked ?? [] : [];
  for (const box of boxes()) { box.checked ||= left.includes(box.value); }

  document.addEventListener("htmx:afterSettle", show);
  window.addEventListener("pageshow", show);
  show();
})();
