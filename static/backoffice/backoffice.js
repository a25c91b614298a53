// Keyboard, palette, masks and menus. No inline handler anywhere: everything hangs on data attributes.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const say = text => { $("#live").textContent = text; };

// The rail is a popover on narrow screens and a column on wide ones; without this script it stays a plain list.
const rail = $("#side");
if (rail) {
  const wide = matchMedia("(min-width: 62.01rem)");
  const dock = () => wide.matches ? rail.removeAttribute("popover") : rail.setAttribute("popover", "auto");
  rail.classList.remove("nojs");
  wide.addEventListener("change", dock);
  dock();
}

// Command palette
const palette = $("#palette");
const input = palette && $("input", palette);
const options = () => $$("[role=option]:not([hidden])", palette);
const choose = option => {
  $$("[role=option]", palette).forEach((each, i) => { each.id ||= `command-${i}`; each.setAttribute("aria-selected", each === option); });
  if (option) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
};
const narrow = () => {
  const typed = input.value.trim().toLowerCase();
  $$("[role=option]", palette).forEach(each => { each.hidden = !each.textContent.toLowerCase().includes(typed); });
  const none = $("[data-none]", palette);
  none.hidden = options().length > 0;
  $("b", none).textContent = input.value.trim();
  if (!none.hidden) { input.removeAttribute("aria-activedescendant"); say(none.textContent); }
  choose(options()[0]);
};
const go = target => {
  const place = document.getElementById(target);
  if (!place) return;
  const parent = place.closest("details");
  if (parent) parent.open = true;
  place.scrollIntoView({ block: "center" });
  if (place.matches("button, a")) place.click(); else place.focus();
};
const run = option => {
  palette.close();
  const box = $("#q");
  if (!option) { if (box && input.value.trim()) { box.value = input.value.trim(); box.form.requestSubmit(); } return; }
  if (option.dataset.url) location.href = option.dataset.url;
  if (option.dataset.target) go(option.dataset.target);
  if (option.dataset.shows) $(`#${option.dataset.shows}`).showModal();
};
// Each place of the rail is a command as well: none is written twice into a page
const places = () => $$("#rail .item").map(place => {
  const option = document.createElement("li"), label = [...place.childNodes].filter(each => each.nodeType === Node.TEXT_NODE).map(each => each.data.trim()).join("");
  option.setAttribute("role", "option");
  option.dataset.url = place.getAttribute("href");
  option.append($("i", place).cloneNode(), `Go to ${label[0].toLowerCase()}${label.slice(1)}`);
  return option;
});
const openPalette = () => { $("[data-places]", palette)?.replaceWith(...places()); input.value = ""; narrow(); palette.showModal(); input.focus(); };
if (palette) {
  $$("[data-open=palette]").forEach(button => { button.hidden = false; button.addEventListener("click", openPalette); });
  input.addEventListener("input", narrow);
  input.addEventListener("keydown", event => {
    const all = options(), at = all.findIndex(each => each.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(all[Math.min(all.length - 1, at + 1)]);
    else if (event.key === "ArrowUp") choose(all[Math.max(0, at - 1)]);
    else if (event.key === "Enter") run(all[at]);
    else return;
    event.preventDefault();
  });
  palette.addEventListener("click", event => { const option = event.target.closest("[role=option]"); if (option) run(option); });
}

// Shortcuts: never while typing, and only where they are not turned off
const move = step => {
  const rows = $$(".row");
  if (!rows.length) return;
  const at = rows.findIndex(row => row.classList.contains("cursor"));
  const to = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  rows[at]?.classList.remove("cursor");
  to.classList.add("cursor");
  $("a", to).focus();
};
// Ticked rows: how many, all of the page, and from one to another with Shift
const boxes = () => $$("input[name=case][form=several]");
const several = $("#several");
const count = () => {
  const n = boxes().filter(each => each.checked).length, isAll = $("[data-all]", several)?.checked;
  several.classList.toggle("idle", !n && !isAll);
  $("[data-ticked]", several).textContent = isAll ? "The whole view" : n ? `${n} ticked` : "Ticked cases";
};
let lastTicked = null;
if (several) {
  const all = $("[data-tick-all]", several);
  all.hidden = false;
  all.addEventListener("click", () => { const every = boxes().every(each => each.checked); boxes().forEach(each => { each.checked = !every; }); count(); say($("[data-ticked]", several).textContent); });
  addEventListener("click", event => {
    if (event.target.matches("[data-all]")) { count(); say($("[data-ticked]", several).textContent); }
    if (!event.target.matches("input[name=case]")) return;
    const list = boxes(), at = list.indexOf(event.target), from = list.indexOf(lastTicked);
    if (event.shiftKey && from >= 0) list.slice(Math.min(at, from), Math.max(at, from) + 1).forEach(each => { each.checked = event.target.checked; });
    lastTicked = event.target;
    count();
  });
  addEventListener("pageshow", count);
}
let goesAt = 0;
const keys = { g: () => { goesAt = Date.now(); }, x: () => $(".row.cursor input[name=case]")?.click(), j: () => move(1), k: () => move(-1), d: () => go("decision"), "?": () => $("#help")?.showModal() };
addEventListener("keydown", event => {
  if ((event.ctrlKey || event.metaKey) && event.key === "k" && palette) { event.preventDefault(); openPalette(); return; }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.form) { event.target.form.requestSubmit(); return; }
  if (document.documentElement.dataset.shortcuts === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  const isGoing = Date.now() - goesAt < 1500, place = isGoing && $(`[data-go="${CSS.escape(event.key)}"]`);
  goesAt = 0;
  if (place) { event.preventDefault(); location.href = place.href; return; }
  const target = $(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) { event.preventDefault(); target.matches("input, textarea") ? target.focus() : target.click(); }
  else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

// Clicks: copying, hiding, menus that close when another place is clicked
addEventListener("click", event => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => say("Copied"));
  const hide = event.target.closest("[data-hide]");
  if (hide) { event.preventDefault(); remask(hide.closest("dd")); }
  $$("details.pop[open]").forEach(menu => { if (!menu.contains(event.target)) menu.open = false; });
});
addEventListener("keydown", event => {
  const menu = event.key === "Escape" && event.target.closest?.("details.pop[open], .bulk details[open]");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
  if (event.key === "Escape") event.target.closest?.("dd")?.querySelector("[data-hide]")?.click();
});

// Revealed values hide after a minute, when the tab is left, and before printing
const remask = place => {
  const mask = place && $("template[data-mask]", place);
  if (!mask) return;
  const isHere = place.contains(document.activeElement);
  place.replaceChildren(mask.content.cloneNode(true));
  if (isHere) $("a", place)?.focus();
  if (window.htmx) htmx.process(place);
};
const remaskAll = () => $$("[data-revealed]").forEach(each => remask(each.closest("dd")));
const tick = () => {
  const now = Date.now();
  $$("[data-revealed]").forEach(each => {
    each.dataset.until ||= now + 1000 * Number(each.dataset.revealed);
    const left = Math.ceil((each.dataset.until - now) / 1000);
    const shown = $("[data-left]", each.closest("dd"));
    if (left <= 0) remask(each.closest("dd")); else if (shown) shown.textContent = `hides in ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  });
};
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => { if (document.hidden) remaskAll(); });
addEventListener("beforeprint", remaskAll);
addEventListener("pagehide", remaskAll);

// htmx: no polling on a hidden tab, refusals are shown where they belong, focus goes to what is new
document.addEventListener("htmx:beforeRequest", event => {
  if (document.hidden && event.detail.elt.matches("[data-background]")) event.preventDefault();
});
// Whoever types uses the page: then what it asks for by itself counts as use, and the session does not end meanwhile.
let hasTyped = false;
addEventListener("input", () => { hasTyped = true; });
document.addEventListener("htmx:configRequest", event => {
  if (hasTyped && "X-Background" in event.detail.headers) { delete event.detail.headers["X-Background"]; hasTyped = false; }
});
document.addEventListener("htmx:beforeSwap", event => {
  const status = event.detail.xhr.status;
  if ([403, 404, 409, 413, 422, 429].includes(status) && event.detail.xhr.responseText.includes("data-fragment")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
// What failed is seen as well as heard, until something works again
const trouble = $("#trouble");
const warn = text => { trouble.textContent = text; trouble.hidden = !text; };
document.addEventListener("htmx:responseError", event => warn(`That did not work (${event.detail.xhr.status}). Reload the page and try again.`));
["htmx:sendError", "htmx:timeout"].forEach(name => document.addEventListener(name, () => warn("The office does not answer. What you see may be old: look again before you repeat what you did.")));
document.addEventListener("htmx:afterRequest", event => { if (event.detail.successful) warn(""); });
document.addEventListener("htmx:afterSwap", event => {
  tick();
  const focus = $("[data-focus]", event.detail.target);
  if (focus) focus.focus();
});

// What is typed and not sent is not lost without a word: leaving the page asks, and so does sending another of its forms.
// Without this script both happen as before. What a part of the page asks for by htmx leaves nothing.
const isChanged = field => field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked
  : field.matches("select") ? field.selectedIndex !== Math.max(0, [...field.options].findIndex(each => each.defaultSelected))
  : field.matches("textarea, input:not([type=hidden], [type=search], [type=password])") && field.value !== field.defaultValue;
const unsent = sent => $$("main form[method=post]:not([hx-post], .finder, .bulk)").some(form => form !== sent && [...form.elements].some(isChanged));
let isAsked = false;
const askNoMore = () => { isAsked = true; setTimeout(() => { isAsked = false; }, 500); };
addEventListener("submit", event => {
  if (event.target.matches("[method=dialog], [hx-post], [hx-get]")) return;
  if (unsent(event.target) && !confirm("What you typed in another part of this page is not kept yet. Go on and lose it?")) { event.preventDefault(); event.stopImmediatePropagation(); }
  else isAsked = true;
}, true);
addEventListener("beforeunload", event => { if (!isAsked && unsent()) event.preventDefault(); isAsked = false; });
addEventListener("click", event => { if (event.target.closest("a[href^='tel:'], a[href^='mailto:'], a[download]")) askNoMore(); });

// What is typed is kept at the server while one types, for whoever types it alone, until it is sent. Only what was changed:
// put back into a page, it writes over nothing that others changed meanwhile.
const drafts = $("main[data-drafts]")?.dataset.drafts;
const placeOf = form => new URL(form.getAttribute("action") || location.href, location.href).pathname;
const typedInto = form => [...form.elements].filter(each => each.name && isChanged(each) && !each.matches("[type=file], [type=password]"));
const isWork = each => each.matches("textarea, input:not([type=checkbox], [type=radio])") && each.value.trim().length > 3;
let waits = null, isSent = false;
const keepDraft = form => {
  clearTimeout(waits); waits = null;
  const typed = typedInto(form), token = form.elements.csrfmiddlewaretoken;
  if (isSent || !token || !typed.some(isWork)) return;
  const fields = JSON.stringify(typed.map(each => [each.name, each.value, each.matches("[type=checkbox], [type=radio]") ? each.checked : true]));
  const body = new URLSearchParams({ csrfmiddlewaretoken: token.value, place: placeOf(form), page: location.pathname + location.search, fields });
  fetch(drafts, { method: "POST", body, keepalive: fields.length < 40000, redirect: "manual" }).catch(() => {});
};
if (drafts) {
  let latest = null;
  addEventListener("input", event => {
    const form = event.target.form;
    if (!form?.matches("main form[method=post]:not([hx-post], [data-no-draft], .finder, .bulk)")) return;
    if (waits && latest !== form) keepDraft(latest);
    latest = form;
    waits ||= setTimeout(() => keepDraft(form), 4000);
  });
  const now = () => { if (waits) keepDraft(latest); };
  document.addEventListener("visibilitychange", () => { if (document.hidden) now(); });
  addEventListener("pagehide", now);
  $$("[data-put-back]").forEach(button => { button.hidden = false; button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.putBack, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return warn("What you typed cannot be read now. Reload the page and try again.");
    const { place, fields } = await answer.json();
    const form = $$("main form[method=post]:not([data-no-draft])").find(each => placeOf(each) === place);
    if (!form) { location.href = button.dataset.putBack; return; }
    fields.forEach(([name, value, isOn]) => {
      const all = [...form.elements].filter(each => each.name === name);
      const each = all.find(one => one.matches("[type=checkbox], [type=radio]") && one.value === value) || all[0];
      if (!each) return;
      if (each.matches("[type=checkbox], [type=radio]")) each.checked = isOn; else each.value = value;
      each.dispatchEvent(new Event("change", { bubbles: true }));
      for (let parent = each.closest("details"); parent; parent = parent.parentElement.closest("details")) parent.open = true;
    });
    button.closest("section").remove();
    say("What you typed is back. It is not sent yet.");
    typedInto(form).find(isWork)?.focus();
  }); });
}

// One submit per form, and the first problem gets the focus
addEventListener("submit", event => {
  if (event.defaultPrevented || event.target.method === "dialog") return;
  if (!event.target.matches("[hx-post], [hx-get]")) { isSent = true; clearTimeout(waits); }
  [...event.target.elements].filter(each => each.matches("button:not([type=button])")).forEach(button => setTimeout(() => { button.disabled = true; }));
});
// Whoever acts on a row of a list goes on from there when the list comes back
{
  const lines = () => $$("main tbody tr");
  addEventListener("submit", event => { sessionStorage.line = `${location.pathname} ${lines().indexOf(event.submitter?.closest("tr"))}`; });
  const [list, line] = (sessionStorage.line || "").split(" ");
  delete sessionStorage.line;
  if (list === location.pathname && line >= 0) $("a, button", lines()[Math.min(line, lines().length - 1)])?.focus();
}
addEventListener("pageshow", () => { isSent = false; });
addEventListener("pageshow", () => $$("form button:not([hidden]):disabled, button[form]:disabled").forEach(button => { button.disabled = false; }));
$("[data-focus]")?.focus();
