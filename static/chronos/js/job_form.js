/* The job form: what was typed is not lost, neither by leaving the page nor by a session that has ended.
   Everything else is htmx, and works without either. */
(() => {
  "use strict";
  const form = document.getElementById("job-form");
  // A page that came back with errors holds what nobody has saved yet.
  let unsaved = form.querySelector("[role=alert]") !== null;
  let answered = false;

  function show(id, shown) { document.getElementById(id).hidden = !shown; }

  /* To send the form while signed out, or to nobody, would lead away from it: ask first who is there. */
  async function ask(button) {
    try {
      const answer = await fetch(form.dataset.ask, { headers: { "HX-Request": "true" }, redirect: "manual" });
      show("no-answer", answer.status >= 500);
      show("signed-out", answer.status === 401);
      answered = answer.ok;
    } catch {
      show("no-answer", true);
    }
    if (answered) { form.requestSubmit(button); }
  }

  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.name !== "do") { return; }
    if (answered) {
      answered = unsaved = false;
      return;
    }
    event.preventDefault();
    ask(event.submitter);
  });
  addEventListener("beforeunload", (event) => { if (unsaved) { event.preventDefault(); } });
})();
