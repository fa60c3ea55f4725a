/* The palette: what the server finds, what can be done on this page, and where one has been lately. Without
   this, its form leads to the search page. */
(() => {
  "use strict";
  const palette = document.getElementById("palette");
  const MOST_RECENT = 5;
  const HERE = ".messages button[formaction], .stops button, .page-head .acts :is(a, button), .bulk :is([name=do], [formaction])";

  function recent() {
    try { return JSON.parse(localStorage.getItem("recent")) ?? []; } catch { return []; }
  }

  function remember(visits) {
    try { localStorage.setItem("recent", JSON.stringify(visits)); } catch { /* storage may be off */ }
  }

  if (palette === null) {
    // Nobody is signed in: whoever comes next need not see where the last one was.
    try { localStorage.removeItem("recent"); } catch { /* storage may be off */ }
    return;
  }

  const field = document.getElementById("q-palette");
  const list = document.getElementById("pal-list");
  const here = document.getElementById("here");
  const found = document.getElementById("found");
  let chosen = null, pending = false, wanted = false;

  if (/^\/(jobs|runs)\/[0-9A-Z]{26}\/$/.test(location.pathname)) {
    const title = document.title.replace(/ · Chronos$/, "");
    const others = recent().filter((visit) => visit.address !== location.pathname);
    remember([{ title, address: location.pathname }, ...others].slice(0, MOST_RECENT + 1));
  }

  /* ---- groups that the server does not know */
  function group(title, entries) {
    const box = document.createElement("div"), head = document.createElement("h2");
    box.className = "pal-g";
    head.textContent = title;
    box.append(head, ...entries);
    return box;
  }

  function words(text, drawing) {
    const told = document.createElement("span");
    told.className = "trunc";
    told.textContent = text;
    return drawing ? [drawing, told] : [told];
  }

  function command(button) {
    const entry = document.createElement("button");
    entry.type = "button";
    const drawing = button.querySelector("svg")?.cloneNode(true);
    drawing?.classList.remove("i-sm");
    entry.append(...words(told(button), drawing));
    entry.addEventListener("click", () => {
      palette.close();
      button.click();
    });
    return entry;
  }

  function visit({ title, address }) {
    const entry = document.createElement("a");
    entry.href = address;
    entry.append(...words(title));
    return entry;
  }

  // A button beside a field that has to be filled in first does nothing by itself.
  function works(button) {
    const unfilled = !button.formNoValidate && button.form?.querySelector(":invalid");
    const idle = button.closest(".bulk") && !document.querySelector('[form="bulk"][name="id"]:checked');
    return button.textContent.trim() && !button.disabled && !unfilled && !idle;
  }

  // What leads somewhere from a menu is told with the name of the menu: "Compare: With the last good run".
  function told(button) {
    const menu = button.closest("details.menu")?.querySelector("summary:not(.btn-icon)");
    const words = button.textContent.trim().replace(/\s+/g, " ");
    const name = menu?.textContent.trim().replace(/…$/, "");
    return name && !words.startsWith(name) ? `${name}: ${words}` : words;
  }

  function fillHere() {
    const named = [...document.querySelectorAll(HERE)].filter(works);
    const visits = recent().filter((each) => each.address !== location.pathname).slice(0, MOST_RECENT);
    const groups = [];
    if (visits.length) { groups.push(group("Recent", visits.map(visit))); }
    if (named.length) { groups.push(group("On this page", named.map(command))); }
    here.replaceChildren(...groups);
  }

  function narrowHere() {
    const asked = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const box of here.children) {
      const entries = [...box.querySelectorAll("a, button")];
      for (const entry of entries) {
        const text = entry.textContent.toLowerCase();
        entry.hidden = !asked.every((word) => text.includes(word));
      }
      box.hidden = entries.every((entry) => entry.hidden);
    }
  }

  /* ---- a list box whose choice follows the arrows while the focus stays in the field */
  // By what hides them, for the palette asks before it is shown itself.
  const options = () => [...list.querySelectorAll('[role="option"]')].filter((each) => !each.closest("[hidden]"));

  function dress() {
    list.querySelectorAll(".pal-g").forEach((box, n) => {
      const head = box.querySelector("h2");
      head.id = `pal-g${n}`;
      head.setAttribute("role", "presentation");
      box.setAttribute("role", "group");
      box.setAttribute("aria-labelledby", head.id);
    });
    list.querySelectorAll(".pal-g :is(a, button)").forEach((entry, n) => {
      entry.id = `pal-${n}`;
      entry.tabIndex = -1;
      entry.setAttribute("role", "option");
    });
  }

  function choose(option) {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option ?? null;
    chosen?.setAttribute("aria-selected", "true");
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) { field.setAttribute("aria-activedescendant", chosen.id); } else { field.removeAttribute("aria-activedescendant"); }
  }

  function refresh() {
    narrowHere();
    dress();
    const [first] = options();
    for (const nothing of found.querySelectorAll(".pal-none")) { nothing.hidden = Boolean(first); }
    // A list box without an option is none: what stands there then is a sentence.
    list.setAttribute("role", first ? "listbox" : "group");
    field.setAttribute("aria-expanded", String(Boolean(first)));
    choose(first);
  }

  function go() {
    wanted = false;
    if (chosen) { chosen.click(); } else { field.form.submit(); }
  }

  palette.addEventListener("chronos:opening", () => {
    fillHere();
    refresh();
    field.select();
  });

  field.addEventListener("input", () => {
    pending = true;
    narrowHere();
  });

  field.addEventListener("keydown", (event) => {
    const all = options(), at = all.indexOf(chosen);
    if (event.key === "ArrowDown") { choose(all[(at + 1) % all.length]); }
    else if (event.key === "ArrowUp") { choose(all.at(at - 1)); }
    else if (event.key === "Enter" && pending) { wanted = true; }
    else if (event.key === "Enter") { go(); }
    else { return; }
    event.preventDefault();
  });

  found.addEventListener("htmx:afterSettle", (event) => {
    refresh();
    // An answer to the first letters alone: that to what stands in the field is still to come.
    if (event.detail.requestConfig.parameters.q !== field.value) { return; }
    pending = false;
    const many = options().length;
    document.dispatchEvent(new CustomEvent("chronos:say", { detail: many === 1 ? "1 result" : `${many} results` }));
    if (wanted) { go(); }
  });

  field.form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.failed && wanted) { field.form.submit(); }
  });

  for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": list.id, "aria-autocomplete": "list" })) {
    field.setAttribute(name, value);
  }
  list.setAttribute("aria-label", "Results");
})();
