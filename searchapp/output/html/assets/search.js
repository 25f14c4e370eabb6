/* The page of a served corpus, made quick: the same addresses as without this script, asked for in parts while one writes.
   All markup comes from the server; texts are never made into markup here. */
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const app = byId("app"), ask = byId("ask"), q = byId("q"), help = byId("help");
  const QUIET_MS = 120, LEAST = 3, HIDDEN = ["Control", "Meta", "Alt"];
  const asked = { search: null, reading: null };  // what is on its way
  let timer = 0, isTyping = false, events = null, wasBusy = false;

  // ---- asking for parts of the page

  const here = () => location.pathname + location.search;
  const isPhone = () => matchMedia("(max-width: 760px)").matches;
  const tell = (text) => { byId("told").textContent = ""; setTimeout(() => { byId("told").textContent = text; }, 50); };

  async function load(kind, address, { only = null } = {}) {
    if (kind === "search" && asked.reading) asked.reading.abort();
    if (asked[kind]) asked[kind].abort();
    const asking = asked[kind] = new AbortController();
    app.classList.add("busy");
    try {
      const answer = await fetch(app.dataset[kind] + new URL(address, location.href).search, { signal: asking.signal });
      if (answer.status === 401) return location.reload();  // another server listens here now
      if (!(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error(String(answer.status));
      const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (asking.signal.aborted) return false;
      for (const id of only || ["status", "filters", "matches", "reading"]) {
        const part = parts.getElementById(id), old = byId(id);
        if (!part || !old) continue;
        const isOpen = id === "filters" && old.querySelector(".fold[open]");
        old.replaceWith(document.adoptNode(part));
        if (isOpen && part.querySelector(".fold")) part.querySelector(".fold").open = true;
      }
      enliven();
      return true;
    } catch (error) {
      if (error.name === "AbortError") return false;
      tell("The server does not answer.");
      lost(true);
      return false;
    } finally {
      if (asked[kind] === asking) { asked[kind] = null; app.classList.remove("busy"); }
    }
  }

  /* Show what only works with this script. */
  function enliven() {
    for (const each of document.querySelectorAll("[data-do][hidden]")) each.hidden = false;
    const title = byId("status").dataset.title;
    if (title) document.title = title;
  }

  /* The one screen of a phone goes by the address. */
  function setScreen() {
    app.dataset.screen = new URLSearchParams(location.search).has("match") ? "reading" : "matches";
  }

  function showPlace(address) {
    const id = new URL(address, location.href).hash.slice(1), place = id && byId(id);
    if (place) place.scrollIntoView({ block: "start" });
    else if (isPhone()) window.scrollTo(0, 0);
    else if (byId("here")) byId("here").scrollIntoView({ block: "start" });
  }

  async function search(address, { push = "push", focus = false, keep = false } = {}) {
    if (push && address !== here() + location.hash) history[`${push}State`](null, "", address);
    setScreen();
    if (!await load("search", address)) return;
    setScreen();
    if (!keep) showPlace(address);
    tell(byId("matches").dataset.count || "");
    if (focus) byId("matches").focus();
  }

  async function read(address, { push = "push", focus = false } = {}) {
    if (push) history[`${push}State`](null, "", address);
    setScreen();
    const said = new URL(address, location.href).searchParams;
    mark(said.get("match"));
    if (asked.search) {  // the matches that are there stay, with their question
      asked.search.abort();
      q.value = said.get("q") || "";
    }
    if (!await load("reading", address)) return;
    showPlace(address);
    const title = byId("document-title");
    if (focus && title) title.focus({ preventScroll: true });
  }

  /* Show which match is read. */
  function mark(id) {
    for (const each of links()) {
      if (each.dataset.read === id) each.setAttribute("aria-current", "true");
      else each.removeAttribute("aria-current");
    }
  }
  const links = () => [...document.querySelectorAll("#matches a[data-read]")];

  // ---- writing a question

  function question() {
    const address = new URLSearchParams();
    for (const [name, value] of new FormData(ask)) {
      if (value && !(name === "mode" && value === "hybrid")) address.append(name, value);
    }
    const text = address.toString();
    return text ? `/?${text}` : "/";
  }

  function typed() {
    clearTimeout(timer);
    const length = [...q.value.trim()].length;
    if (length && length < LEAST) return;
    timer = setTimeout(() => {
      search(question(), { push: isTyping ? "replace" : "push" });
      isTyping = true;
    }, QUIET_MS);
  }

  function settle() { clearTimeout(timer); isTyping = false; }

  ask.addEventListener("submit", (event) => {
    event.preventDefault();
    settle();
    search(question(), { push: question() === here() ? "" : "push" });
    if (isPhone()) q.blur();
  });
  q.addEventListener("input", (event) => { if (!event.isComposing) typed(); });
  q.addEventListener("compositionend", typed);
  ask.addEventListener("change", (event) => {
    if (event.target.name !== "mode" || !q.value.trim()) return;
    settle();
    search(question());
  });

  // ---- links and buttons

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) return act(button);
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined;
    if (link.origin !== location.origin || link.pathname !== "/" || link.hasAttribute("download") || link.classList.contains("skip")) return undefined;
    event.preventDefault();
    settle();
    const address = link.pathname + link.search + link.hash, byKey = !event.detail;
    if (link.dataset.read || "part" in link.dataset) return read(address, { focus: byKey || isPhone() });
    q.value = new URLSearchParams(link.search).get("q") || "";
    return search(address, { focus: byKey, keep: "more" in link.dataset }).then(() => {
      if ("more" in link.dataset) { const place = link.hash && byId(link.hash.slice(1)); if (place) place.scrollIntoView({ block: "nearest" }); }
    });
  });

  async function send(address) {
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.title || "it cannot be done");
    return said;
  }

  async function act(button) {
    try {
      if (button.dataset.do === "help") return help.showModal();
      if (button.dataset.do === "copy") {
        await navigator.clipboard.writeText(button.dataset.text);
        return said(button, "Copied");
      }
      if (button.dataset.do === "reveal") {
        await send(`/api/v1/documents/${button.dataset.id}/reveal`);
        return said(button, "Shown");
      }
      if (button.dataset.do === "refresh") {
        changed(await send("/api/v1/ingest"));
        tell("Reading what has changed");
      }
    } catch (error) {
      said(button, error.message);
    }
    return undefined;
  }

  /* Say on a button for a moment what became of it. */
  function said(button, text) {
    tell(text);
    const label = button.firstChild, before = label.textContent;
    if (button.dataset.said) return;
    button.dataset.said = "1";
    label.textContent = `${text} `;
    setTimeout(() => { label.textContent = before; delete button.dataset.said; }, 1600);
  }

  // ---- keys

  function move(by) {
    const all = links(), at = all.indexOf(document.activeElement);
    const from = at >= 0 ? at : all.findIndex((each) => each.hasAttribute("aria-current"));
    const next = all[Math.max(0, Math.min(all.length - 1, from + by))];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.closest("li").scrollIntoView({ block: "nearest" });
    clearTimeout(timer);
    if (!isPhone() && !next.hasAttribute("aria-current")) {
      const address = next.pathname + next.search + next.hash;
      timer = setTimeout(() => read(address, { push: "replace" }), QUIET_MS);
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || HIDDEN.includes(event.key)) return;
    const isWriting = event.target.matches("input[type=search], textarea, select");
    if (isWriting) {
      if (event.key === "Escape") { event.preventDefault(); q.blur(); byId("matches").focus(); }
      if (event.key === "ArrowDown" && links().length) { event.preventDefault(); (links().find((each) => each.hasAttribute("aria-current")) || links()[0]).focus(); }
      return;
    }
    const key = event.key;
    if (key === "/") { q.focus(); q.select(); }
    else if (key === "?") help.showModal();
    else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (key === "Enter" && !event.target.closest("a, button, summary, input")) {
      const current = links().find((each) => each.hasAttribute("aria-current")) || links()[0];
      if (!current) return;
      current.click();
    } else if (key === "Escape") {
      const back = document.querySelector("#reading [data-back]");
      if (isPhone() && back && app.dataset.screen === "reading") back.click();
      else { const current = links().find((each) => each.hasAttribute("aria-current")); if (current) current.focus(); }
    } else if (key.length === 1 && "nofcmsw".includes(key)) {
      const target = document.querySelector(`[data-key="${key}"]`);
      if (!target || target.hidden) return;
      target.click();
    } else return;
    event.preventDefault();
  });

  // ---- back and forward

  window.addEventListener("popstate", () => {
    settle();
    const said_ = new URLSearchParams(location.search);
    q.value = said_.get("q") || "";
    const mode = said_.get("mode") || "hybrid";
    for (const each of ask.querySelectorAll("[name=mode]")) each.checked = each.value === mode;
    search(here() + location.hash, { push: "" });
  });

  // ---- what happens to the corpus meanwhile

  const isBusy = (ingest) => Boolean(ingest) && !["done", "failed", "stopped"].includes(ingest.state);
  const count = (number) => number.toLocaleString("en");

  function progress(ingest) {
    const place = byId("ingest"), isOver = wasBusy && !isBusy(ingest);
    for (const each of document.querySelectorAll("[data-do=refresh]")) each.hidden = isBusy(ingest);
    if (!isBusy(ingest) && !isOver) return;
    const bar = place.querySelector("progress"), text = place.querySelector("span");
    place.hidden = false;
    bar.hidden = isOver;
    if (isOver) text.textContent = ingest ? `${ingest.state === "failed" ? "the refresh failed: " : ""}${ingest.detail || ingest.state}` : "";
    else if (ingest.state === "looking") { text.textContent = `looking at ${count(ingest.files_done)} files`; bar.removeAttribute("value"); }
    else {
      const left = typeof ingest.left_s === "number" ? `, ${duration(ingest.left_s)} left` : "";
      text.textContent = `${count(ingest.files_done)} of ${count(ingest.files_total)} files${left}`;
      bar.max = Math.max(1, ingest.files_total);
      bar.value = ingest.files_done;
    }
    if (isOver) tell(text.textContent);
  }
  const duration = (s) => s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`;

  function lost(isLost) {
    const facts = byId("status").querySelector(".facts"), before = byId("lost");
    if (!isLost) return before && before.remove();
    if (before) return undefined;
    const note = document.createElement("span");
    note.id = "lost";
    note.className = "note";
    note.textContent = "the server does not answer";
    return facts.append(note);
  }

  async function changed(now) {
    lost(false);
    const isOver = wasBusy && !isBusy(now.ingest);
    const isNew = now.version && now.version !== byId("status").dataset.version;
    if (!isBusy(now.ingest) && (isNew || isOver)) {
      // Who reads is not disturbed: only the line changes, and offers the rest.
      const isFirst = document.querySelector(".welcome");
      await load("search", here(), { only: isFirst ? null : ["status"] });
      if (isNew && !isFirst) {
        const again = document.createElement("a");
        again.href = here() + location.hash;
        again.textContent = "new: ask again";
        byId("status").querySelector(".facts").append(again);
      }
    }
    progress(now.ingest);
    wasBusy = isBusy(now.ingest);
  }

  /* Listen while somebody looks: a browser has few connections to one server. */
  function listen() {
    if (document.hidden) { if (events) events.close(); events = null; return; }
    if (events || !byId("status").dataset.events) return;
    events = new EventSource(byId("status").dataset.events);
    events.onmessage = (event) => changed(JSON.parse(event.data));
    events.onerror = () => lost(true);
    events.onopen = () => lost(false);
  }

  app.classList.add("live");
  enliven();
  document.addEventListener("visibilitychange", listen);
  listen();
  if (byId("here") && !location.hash && !isPhone()) byId("here").scrollIntoView({ block: "start" });
})();
