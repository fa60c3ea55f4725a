/* The inbox: marks what is open, steps through the events; the links and forms work without it. */
(() => {
  "use strict";
  const OPENABLE = "a.sig, a.ev";
  const events = () => [...document.querySelectorAll("a.ev")];

  function mark(link) {
    const kind = link.matches(".sig") ? "a.sig" : "a.ev";
    for (const other of document.querySelectorAll(kind)) { other.toggleAttribute("aria-current", false); }
    link.setAttribute("aria-current", "true");
  }

  /* The pane may have been filled without a click: with the newest event, or the one that comes next. */
  function markShown() {
    const shown = document.getElementById("event")?.dataset.letter;
    const link = shown && events().find((each) => each.dataset.letter === shown);
    if (link) { mark(link); }
  }

  function step(by) {
    const all = events(), at = all.findIndex((each) => each.hasAttribute("aria-current"));
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    if (!next) { return; }
    next.scrollIntoView({ block: "nearest" });
    next.click();
  }

  document.addEventListener("click", (event) => {
    const stepping = event.target.closest("[data-step]");
    if (stepping) { step(Number(stepping.dataset.step)); return; }
    const link = event.target.closest(OPENABLE);
    if (link) { mark(link); }
  });

  /* A note that was begun is there again after whatever else was done, until it is sent. */
  const noteOf = () => document.querySelector("#event #id_notes");
  const draftOf = (note) => `note ${note.form.getAttribute("action")}`;

  function keep(note) {
    try { sessionStorage.setItem(draftOf(note), note.value); } catch { /* storage may be off */ }
  }

  function bringBack() {
    const note = noteOf();
    try { if (note && !note.value) { note.value = sessionStorage.getItem(draftOf(note)) ?? ""; } } catch { /* storage may be off */ }
  }

  document.addEventListener("input", ({ target }) => { if (target === noteOf()) { keep(target); } });
  document.addEventListener("submit", ({ target }) => {
    const note = noteOf();
    if (note?.form === target) { try { sessionStorage.removeItem(draftOf(note)); } catch { /* storage may be off */ } }
  });
  function settled() {
    bringBack();
    markShown();
  }

  document.addEventListener("htmx:afterSettle", settled);
  settled();

  /* The group that is open is what "all of this group" means, and where the way back leads. */
  document.addEventListener("htmx:pushedIntoHistory", () => {
    const next = document.querySelector('#bulk [name="next"]');
    if (next) { next.value = location.pathname + location.search; }
    const matching = document.querySelector('#bulk [name="matching"]');
    const signature = new URLSearchParams(location.search).get("signature");
    if (matching && signature) {
      const asked = new URLSearchParams(location.search);
      matching.value = `?${asked}`;
      const label = document.querySelector('label[for="bulk-all"]');
      if (label && label.textContent !== "All of this group") {
        label.textContent = "All of this group";
        document.getElementById("bulk-all").checked = false;
      }
    }
  });
})();
