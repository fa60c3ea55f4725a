/* Messages as toasts: said to screen readers, dismissed by hand; good news passes by itself, but only after it
   could be read, and never while the pointer or the focus is on the messages or nobody looks at the page. */
(() => {
  "use strict";
  const LEAST_SECONDS = 8, SECONDS_PER_WORD = 0.5;
  const list = document.querySelector("ul.messages");

  function say(text) {
    const says = document.getElementById("says");
    if (says) { says.textContent = text; }
  }
  document.addEventListener("chronos:say", (event) => say(event.detail));

  if (list === null) { return; }
  // A live region speaks only of what is put into it after the page has come.
  setTimeout(() => say([...list.querySelectorAll("li:not([role=alert]) > p")].map((each) => each.textContent).join(" ")), 300);

  function dismiss(message) {
    const focused = message.contains(document.activeElement);
    message.remove();
    if (focused) {
      const main = document.getElementById("main");
      main.tabIndex = -1;
      main.focus({ preventScroll: true });
    }
  }

  const left = new Map();
  for (const message of list.querySelectorAll("[data-passing]")) {
    const words = message.textContent.trim().split(/\s+/).length;
    const actions = message.querySelector("a, button:not([data-dismiss])") ? 2 : 1;
    left.set(message, actions * Math.max(LEAST_SECONDS, words * SECONDS_PER_WORD));
  }

  setInterval(() => {
    if (document.hidden || list.matches(":hover, :focus-within")) { return; }
    for (const [message, seconds] of left) {
      left.set(message, seconds - 1);
      if (seconds <= 1) {
        left.delete(message);
        dismiss(message);
      }
    }
  }, 1000);

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) { dismiss(button.closest("li")); }
  });
})();
