/* A link to a text becomes a button that copies it; where that is not allowed, the link leads to the text. */
(() => {
  "use strict";
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-copy-from]");
    if (link === null || !navigator.clipboard || event.ctrlKey || event.metaKey) { return; }
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) { throw new Error(answer.statusText); }
      await navigator.clipboard.writeText(await answer.text());
      link.lastChild.textContent = "Copied";
    } catch {
      location.assign(link.href);
    }
  });
})();
