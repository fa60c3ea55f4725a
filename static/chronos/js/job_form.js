/* The job form: ask before what was typed is lost. Everything else is htmx, and works without either. */
(() => {
  "use strict";
  const form = document.getElementById("job-form");
  // A page that came back with errors holds what nobody has saved yet.
  let unsaved = form.querySelector("[role=alert]") !== null;

  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
  addEventListener("beforeunload", (event) => { if (unsaved) { event.preventDefault(); } });
})();
