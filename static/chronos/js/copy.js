/* A link to a text becomes a button that copies it; where that is not allowed, the link leads to the text.
   A button copies what stands on the page; where that is not allowed, it is selected. */
(() => {
  "use strict";
  function copied(element) {
    element.lastChild.textContent = "Copied";
    document.dispatchEvent(new CustomEvent("chronos:say", { detail: "Copied" }));
  }

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-copy-from]");
    if (link === null || !navigator.clipboard || event.ctrlKey || event.metaKey) { return; }
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) { throw new Error(answer.statusText); }
      await navigator.clipboard.writeText(await answer.text());
      copied(link);
    } catch {
      location.assign(link.href);
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button === null) { return; }
    const shown = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(shown.textContent.trim());
      copied(button);
    } catch {
      getSelection().selectAllChildren(shown);
    }
  });
})();
