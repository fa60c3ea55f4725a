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

  document.addEventListener("htmx:afterSwap", (event) => {
    const list = log();
    if (!list || !list.contains(event.detail.elt)) { return; }
    if (following) {
      // A page that stays open for hours must not hold the whole log.
      while (list.childElementCount > MOST) { list.firstElementChild.remove(); }
      list.scrollTop = list.scrollHeight;
    } else if (event.detail.target.id !== "log-more" && list.scrollTop < NEAR) {
      list.scrollTop += list.scrollHeight - height; // earlier lines came in above: keep the place
    }
  });

  /* ---- a line's number names the line in the address, without leaving the page */
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".ll > a");
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    location.hash = link.hash;
    history.replaceState(history.state, "", link.href);
  });

  /* ---- long lines wrap or scroll, as was chosen last; what is shown can be copied */
  const KEY = "chronos-log-wrap";

  function stored() { try { return localStorage.getItem(KEY); } catch { return null; } }

  function wrap(button, wanted) {
    button.setAttribute("aria-pressed", String(wanted));
    log()?.classList.toggle("log-scroll", !wanted);
    try { localStorage.setItem(KEY, wanted ? "yes" : "no"); } catch { /* it is then chosen anew on each page */ }
  }

  function shown() {
    return Array.from(log().querySelectorAll(".ll"), (line) => {
      const [time, level, text] = ["time", "b", "span"].map((part) => line.querySelector(part));
      return `${time.dateTime} ${level.textContent} ${text.textContent}`;
    }).join("\n");
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-log-wrap],[data-log-copy]");
    if (button === null) { return; }
    if (button.hasAttribute("data-log-wrap")) { wrap(button, button.getAttribute("aria-pressed") !== "true"); return; }
    await navigator.clipboard.writeText(shown());
    button.title = "Copied";
    button.lastElementChild.textContent = "Copied";
  });

  const wrapping = document.querySelector("[data-log-wrap]"), copying = document.querySelector("[data-log-copy]");
  if (wrapping) { wrapping.hidden = false; wrap(wrapping, stored() !== "no"); }
  if (copying && navigator.clipboard) { copying.hidden = false; }

  const list = log(), name = location.hash.match(/^#L(\d+)$/);
  const line = name && document.getElementById(name[0].slice(1));
  if (list && name && !line && !new URLSearchParams(location.search).has("line")) {
    location.replace(`?line=${name[1]}${name[0]}`); // a link to a line of another part
  } else if (list && !line && !location.search.includes("line=")) {
    list.scrollTop = list.scrollHeight;
  }
})();
