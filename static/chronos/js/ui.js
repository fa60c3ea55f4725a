/* The shell's behaviour: theme, menus, dialogs, ticking times, the pause of live pages.
   One listener on the document each, so that what htmx swaps in works at once. */
(() => {
  "use strict";
  const root = document.documentElement;

  /* ---- theme, menus, dialogs */
  function switchTheme() {
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    try { localStorage.setItem("theme", next); } catch { /* storage may be off */ }
  }

  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) { return false; }
    const menu = document.activeElement?.closest("details.menu[open]");
    closeMenus();
    // The dialog gives the focus back to where it was: a closed menu shows nothing but its name.
    menu?.querySelector("summary").focus();
    dialog.dispatchEvent(new CustomEvent("chronos:opening"));
    dialog.showModal();
    return true;
  }
  document.addEventListener("chronos:open", (event) => openDialog(event.detail));

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except && !menu.contains(except)) { menu.open = false; }
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const asked = event.target.closest("[data-theme-toggle],[data-open],[data-close],[data-live-toggle]");
    if (asked === null) {
      if (event.target.matches("dialog.dlg")) { event.target.close(); } // the veil around it
      return;
    }
    if (asked.hasAttribute("data-theme-toggle")) { switchTheme(); }
    if (asked.hasAttribute("data-live-toggle")) { toggleLive(asked); }
    if (asked.hasAttribute("data-close")) { asked.closest("dialog").close(); }
    if (asked.dataset.open && openDialog(asked.dataset.open)) { event.preventDefault(); }
  });

  /* ---- on a phone the bar of pages scrolls: to where one is */
  const here = document.querySelector(".rail [aria-current]");
  if (here) {
    const rail = here.closest(".rail");
    rail.scrollLeft = here.offsetLeft - (rail.clientWidth - here.offsetWidth) / 2;
  }

  /* ---- where the timeline scrolls: to now, which is at 640 of 1200 */
  const around = document.getElementById("timeline")?.parentElement;
  if (around) { around.scrollLeft = around.scrollWidth * 640 / 1200 - around.clientWidth / 2; }

  /* ---- the first thing to correct */
  const wrong = document.querySelector(".is-invalid");
  if (wrong) { wrong.focus(); }

  /* ---- escape closes what is open; all other keys are in keys.js */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") { return; }
    const menu = document.querySelector("details.menu[open]") ?? event.target.closest("details[open]:is(.letter-note, :has(> summary[data-key]))");
    closeMenus();
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* ---- times: data-in counts down, data-ago grows; the words are those of dashboard/wording.py */
  function span(seconds) {
    if (seconds <= 0) { return "now"; }
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    const two = (number) => String(number).padStart(2, "0");
    if (hours >= 48) { return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`; }
    if (hours) { return `${hours} h ${two(minutes)} min`; }
    return minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
  }

  function ago(seconds) {
    if (seconds < 1) { return "just now"; }
    if (seconds >= 172800) { return `${Math.floor(seconds / 86400)} d ago`; }
    if (seconds >= 3600) { return `${Math.floor(seconds / 3600)} h ago`; }
    return seconds >= 60 ? `${Math.floor(seconds / 60)} min ago` : `${seconds} s ago`;
  }

  function say(element, text) {
    if (element.textContent !== text) { element.textContent = text; }
  }

  // What the server wrote is true when the page arrives; from then on this machine's clock only measures.
  const seen = new WeakMap();

  function since(element) {
    if (!seen.has(element)) { seen.set(element, performance.now()); }
    return Math.floor((performance.now() - seen.get(element)) / 1000);
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-in]")) {
      const left = Number(element.dataset.in) - since(element);
      say(element, "words" in element.dataset && left > 0 ? `in ${span(left)}` : span(left));
      element.classList.toggle("cd-soon", element.classList.contains("cd") && left < 60);
    }
    for (const element of document.querySelectorAll("[data-ago]")) {
      say(element, ago(Number(element.dataset.ago) + since(element)));
    }
  }
  tick();
  setInterval(tick, 1000);

  /* ---- live parts: data-live marks what refreshes itself; it waits while somebody is busy with the page */
  let paused = false;

  function toggleLive(button) {
    paused = !paused;
    document.dispatchEvent(new CustomEvent("chronos:say", { detail: paused ? "Refreshing is paused." : "Refreshing goes on." }));
    button.setAttribute("aria-pressed", String(paused));
    for (const word of button.querySelectorAll("[data-when]")) {
      word.hidden = (word.dataset.when === "paused") !== paused;
    }
  }

  function busy() {
    const inHand = "details.menu[open], details.letter-note[open], details.acknowledging[open], details.err-more[open], dialog[open], tr.sel, [data-pick]:checked";
    return paused || document.hidden || document.querySelector(inHand) !== null || !getSelection().isCollapsed;
  }

  // Somebody writes, or chooses, inside of what would be exchanged.
  const handled = (part) => part.querySelector('input:focus, textarea:focus, select:focus, input[name="id"]:checked') !== null;

  // A server that is slow is asked less often, one that is away less and less often.
  const SLOW = 2000, LONGEST_REST = 120_000;
  let failures = 0, restsUntil = 0, asked = new WeakMap();

  const polls = ({ elt, requestConfig }) => elt.hasAttribute("data-live") && !requestConfig.triggeringEvent;

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!polls(event.detail)) { return; }
    if (busy() || handled(event.detail.elt) || performance.now() < restsUntil) { event.preventDefault(); }
    else { asked.set(event.detail.xhr, performance.now()); }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const began = asked.get(event.detail.xhr);
    if (began === undefined) { return; }
    const took = performance.now() - began, status = event.detail.xhr.status;
    failures = status === 0 || status >= 500 ? failures + 1 : 0;
    const rest = failures ? 5000 * 2 ** failures : took > SLOW ? 5 * took : 0;
    restsUntil = performance.now() + Math.min(rest, LONGEST_REST);
    showNote("slow", !failures && took > SLOW);
  });

  /* ---- a refresh leaves the keyboard where it is: htmx does so for what has an id, this for the rest */
  let place = "";

  function placeOf(element) {
    const around = element.id ? null : element.closest("[id]");
    if (around === null) { return ""; }
    const within = `#${CSS.escape(around.id)} `;
    if (element.form) { return `${within}form[action="${CSS.escape(element.form.getAttribute("action"))}"] button`; }
    return within + (element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : element.localName);
  }

  // One part may come while another that took the focus with it has not settled: then nothing has it.
  document.addEventListener("htmx:beforeSwap", () => {
    if (document.activeElement !== document.body) { place = placeOf(document.activeElement); }
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (place && document.activeElement === document.body) { document.querySelector(place)?.focus({ preventScroll: true }); }
    place = "";
  });

  /* ---- what is done by key and leads back to this page leaves the keyboard where it was, too */
  const RETURN = "return", RETURNS_WITHIN = 30_000;

  // Where the keyboard is, if that is how somebody came there, and it is no field in which one types.
  function placeOfKeys() {
    const held = document.activeElement;
    if (!held.matches(":is(a, button, summary, [type=checkbox]):focus-visible")) { return ""; }
    const element = held.closest("details.menu")?.querySelector("summary") ?? held;
    return element.id ? `#${CSS.escape(element.id)}` : placeOf(element);
  }

  document.addEventListener("submit", () => {
    const address = location.pathname, at = Date.now(), to = placeOfKeys();
    if (!to) { return; }
    try { sessionStorage.setItem(RETURN, JSON.stringify({ address, at, to })); } catch { /* storage may be off */ }
  });

  function comeBack() {
    let left = null;
    try { left = JSON.parse(sessionStorage.getItem(RETURN)); sessionStorage.removeItem(RETURN); } catch { /* storage may be off */ }
    if (!left?.to || left.address !== location.pathname || Date.now() - left.at > RETURNS_WITHIN) { return; }
    // Only where something was done and is told: the first button of a preview may do what nobody has read yet.
    const done = document.querySelector("ul.messages") !== null && document.activeElement === document.body;
    if (done) { document.querySelector(left.to)?.focus(); }
  }
  comeBack();

  /* ---- and the way back in the history leads to the row that was opened */
  document.addEventListener("click", (event) => {
    const left = event.target.closest("main a[href]") && placeOfKeys();
    if (left) { history.replaceState({ ...history.state, left }, ""); }
  });
  const wentBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (wentBack && history.state?.left) { document.querySelector(history.state.left)?.focus({ preventScroll: true }); }

  /* ---- a link back to the page one came from is that way back: what was selected there still is */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-back]");
    if (!link || link.href !== document.referrer || history.length < 2) { return; }
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return; }
    event.preventDefault();
    history.back();
  });

  function showNote(id, shown) {
    const note = document.getElementById(id);
    if (note) { note.hidden = !shown; }
  }

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const status = event.detail.xhr.status;
    showNote("signed-out", status === 401);
    showNote("no-answer", status >= 500);
  });
  document.addEventListener("htmx:sendError", () => showNote("no-answer", true));

  /* ---- who signed in again in another tab has a new token: forms opened before go on working */
  const token = () => document.cookie.match(/(?:^|; )(?:__Host-)?chronos_csrf=([^;]+)/)?.[1];

  document.addEventListener("submit", (event) => {
    const field = event.target.elements.csrfmiddlewaretoken;
    if (field && token()) { field.value = token(); }
  }, true);
  document.addEventListener("htmx:configRequest", (event) => {
    const sent = event.detail.parameters;
    if (sent.csrfmiddlewaretoken && token()) { sent.csrfmiddlewaretoken = token(); }
  });

  /* ---- what is left empty in filters stays out of the request, and so out of the address */
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, verb, formData } = event.detail;
    if (verb !== "get" || !elt.matches("form.filters")) { return; }
    for (const name of new Set(formData.keys())) {
      const given = formData.getAll(name).filter((value) => value !== "");
      formData.delete(name);
      for (const value of given) { formData.append(name, value); }
    }
  });

  /* ---- the browser's zone, so that the server can offer it */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `chronos_browser_tz=${zone}`;
  if (zone && !document.cookie.includes(cookie)) {
    document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
  }
})();
