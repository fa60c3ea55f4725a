/* The theme before first paint: loads in <head>, not deferred. */
(() => {
  "use strict";
  const root = document.documentElement;
  let saved = null;
  try { saved = localStorage.getItem("theme"); } catch { /* storage may be off */ }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.bsTheme = /^(light|dark)$/.test(saved) ? saved : (dark ? "dark" : "light");
  root.classList.add("js");
  // Paper is light.
  let shown = "";
  addEventListener("beforeprint", () => { shown = root.dataset.bsTheme; root.dataset.bsTheme = "light"; });
  addEventListener("afterprint", () => { root.dataset.bsTheme = shown; });
})();
