/* The log of a run stays at its end while it grows, unless somebody has scrolled up to read. */
(() => {
  "use strict";
  const NEAR = 24, MOST = 5000;

  function log() { return document.querySelector("[data-log]"); }
  function atEnd(list) { return list.scrollHeight - list.scrollTop - list.clientHeight < NEAR; }

  let following = true, height = 0;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const list = log();
    if (list && list.contains(event.detail.target)) { following = atEnd(list); height = list.scrollHeight; }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const list = log();
    if (!list || !list.contains(event.detail.elt)) { return; }
    if (following) {
      // A page that stays open for hours must not hold the whole log.
      while (list.childElementCount > MOST) { list.firstElementChild.remove(); }
      list.scrollTop = list.scrollHeight;
    } else if (event.detail.elt.id !== "log-more" && list.scrollTop < NEAR) {
      list.scrollTop += list.scrollHeight - height; // earlier lines came in above: keep the place
    }
  });

  const list = log();
  const line = location.hash.match(/^#L\d+$/) && document.getElementById(location.hash.slice(1));
  if (list && !line) { list.scrollTop = list.scrollHeight; }
})();
