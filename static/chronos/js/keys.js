/* Keys: "/" and "?", links that carry data-key, j and k through the rows of a list, and what can be done
   with a row or, where no row has the focus, with the page. The row is the one with the focus: nothing else
   is kept, so what htmx swaps in works at once. */
(() => {
  "use strict";
  const ROWS = "main :is(tbody tr, ul.rows > li, a.sig, .ev-row)";
  const OPENS = ["a.job", "th a[href]", ".t a[href]", "a[href]"];
  // What can be done is told by where its button leads, so that lists and pages need not say it again.
  const DEEDS = {
    r: '[formaction$="/run-now/"], form[action$="/run-now/"] button',
    p: '[formaction^="/jobs/"]:is([formaction$="/pause/"], [formaction$="/resume/"]), form[action^="/jobs/"][action$="/resume/"] button, a[data-open="dlg-pause"]',
    e: 'a[href$="/edit/"]',
    a: '[formaction$="/acknowledge/"], form[action$="/acknowledge/"] button',
  };
  let before = "";

  function off() {
    try { return localStorage.getItem("keys") === "off"; } catch { return false; }
  }

  function typing(target) {
    return target.isContentEditable || target.matches('textarea, select, input:not([type="checkbox"], [type="radio"])');
  }

  const linkOf = (row) => row.matches("a") ? row : OPENS.map((each) => row.querySelector(each)).find(Boolean);
  const rows = () => [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility() && linkOf(row));
  const boxOf = (row) => row?.querySelector('input[type="checkbox"]');
  const rowInFocus = () => document.activeElement.closest(ROWS);

  function move(step) {
    const all = rows(), at = all.indexOf(rowInFocus());
    const row = at < 0 ? all[0] : all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (!row) { return false; }
    linkOf(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  function deed(key) {
    return rowInFocus()?.querySelector(DEEDS[key]) ?? document.querySelector(`.page-head :is(${DEEDS[key]})`);
  }

  // A deed that asks for a note first leaves the person in the note: Ctrl and Enter go on with that deed.
  const pressed = new WeakMap();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.form) { pressed.set(button.form, button); }
  }, true);

  function goOn(event) {
    const button = pressed.get(event.target.form);
    if (!button?.isConnected) { return; }
    button.click();
    event.preventDefault();
  }

  function press(element) {
    const lacking = element?.matches("button") && !element.formNoValidate && firstLacking(element.form);
    if (lacking) {
      pressed.set(element.form, element);
      lacking.focus();
      return true;
    }
    element?.click();
    if (element?.matches("summary") && element.parentElement.open) { enter(element.parentElement); }
    return Boolean(element);
  }

  // What is still to be typed before the form can go.
  function firstLacking(form) {
    return form?.noValidate ? null : form?.querySelector(":is(input, select, textarea):invalid");
  }

  // What a key has opened may be far below: the next key is meant for it.
  function enter(details) {
    details.querySelector(":is(input, select, textarea, button):not([type=hidden])")?.focus({ preventScroll: true });
    details.scrollIntoView({ block: "nearest" });
  }

  function select() {
    return press(boxOf(rowInFocus()));
  }

  function selectUpTo() {
    return Boolean(boxOf(rowInFocus())?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: true })));
  }

  const keyed = (keys) => `:is(a, button, summary)[data-key="${CSS.escape(keys)}"]`;

  function follow(keys) {
    const element = document.querySelector(keyed(keys));
    return press(element && isOfAnother(element) ? linkOf(rowInFocus()) : element);
  }

  // The pane beside a list may show another row than the one in focus: a key opens that one first.
  function isOfAnother(element) {
    const shown = element.closest("[data-letter]")?.dataset.letter, row = rowInFocus();
    if (!shown || !row) { return false; }
    const asked = row.querySelector("[data-letter]")?.dataset.letter;
    return asked ? asked !== shown : row.matches("a.sig:not([aria-current])");
  }

  function open(dialog) {
    document.dispatchEvent(new CustomEvent("chronos:open", { detail: dialog }));
    return true;
  }

  const SIMPLE = {
    "/": () => open("palette"),
    "?": () => open("keys"),
    j: () => move(1),
    k: () => move(-1),
    x: select,
    X: selectUpTo,
    l: () => press(document.querySelector("[data-live-toggle]")),
  };

  // To acknowledge is one key on lists, and another one where it asks for how long.
  const ALIKE = { a: "z", z: "a" };

  function does(key) {
    return (Object.hasOwn(DEEDS, key) && press(deed(key))) || follow(key);
  }

  function act(key) {
    if (before === "g") { return follow(`g ${key}`); }
    if (Object.hasOwn(SIMPLE, key)) { return SIMPLE[key](); }
    return does(key) || (Object.hasOwn(ALIKE, key) && does(ALIKE[key]));
  }

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      if (!document.querySelector("dialog[open]") && document.getElementById("palette")) {
        open("palette");
        event.preventDefault();
      }
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) { goOn(event); }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || off()) { return; }
    if (typing(event.target) || document.querySelector("dialog[open]")) { return; }
    // A key that is held down goes through rows, and does nothing twice.
    if (event.repeat && !"jk".includes(event.key)) { return; }
    if (act(event.key)) { event.preventDefault(); }
    before = before === "g" ? "" : event.key;
  });

  /* ---- the list of keys: what is valid on this page now */
  const VALID = {
    rows: () => rows().length > 0,
    x: () => rows().some(boxOf),
    live: () => document.querySelector("[data-live-toggle]") !== null,
  };

  function valid(name) {
    if (Object.hasOwn(VALID, name)) { return VALID[name](); }
    if (name.startsWith("key ")) { return !acts(name.slice(4)) && document.querySelector(keyed(name.slice(4))) !== null; }
    return acts(name);
  }

  // What can be done with a row or the page comes first: a key does one thing, and the list says which.
  function acts(name) {
    return Object.hasOwn(DEEDS, name) && document.querySelector(`:is(${ROWS}, .page-head) :is(${DEEDS[name]})`) !== null;
  }

  const keys = document.getElementById("keys");
  keys?.addEventListener("chronos:opening", () => {
    const here = keys.querySelector("[data-here]");
    const told = [...here.querySelectorAll("[data-valid]")];
    for (const each of told) { each.hidden = !valid(each.dataset.valid); }
    here.hidden = told.every((each) => each.hidden);
    document.getElementById("keys-off").checked = off();
  });
  document.getElementById("keys-off")?.addEventListener("change", (event) => {
    try { localStorage.setItem("keys", event.target.checked ? "off" : "on"); } catch { /* storage may be off */ }
  });
})();
