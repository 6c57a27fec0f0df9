// What pages do beyond being read. Without it everything can still be read and done.
"use strict";

// The link of `groundswell dashboard` ends in "#" and a code, which browsers send to nobody: put it into the form.
function useCode() {
  const form = document.getElementById("by-code");
  const code = location.hash.slice(1);
  if (form === null || code === "") return;
  history.replaceState(null, "", location.pathname + location.search); // it is used up, and nobody's to keep
  form.elements.code.value = code;
  form.requestSubmit();
}

// What moves is sent once a second: texts by name, for the elements that name them. See figures.py and chart.py.
const known = {};

function watch() {
  const events = document.querySelector("[data-events]")?.dataset.events;
  if (events === undefined) return;
  let stream = null;
  let late = null;
  function open() {
    stream = new EventSource(events);
    stream.onopen = () => tell("Live:");
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) tell("Not live any more, load the page again; as of");
      else late ??= setTimeout(tell, 5_000, "Not live, trying again; as of"); // each stream ends after a while
    };
    stream.onmessage = (event) => Object.entries(JSON.parse(event.data)).forEach(take);
  }
  function tell(text) {
    clearTimeout(late);
    late = null;
    say(document.getElementById("live"), text);
  }
  // A page nobody sees needs nothing; and browsers allow one place only six connections.
  document.addEventListener("visibilitychange", () => {
    stream?.close();
    if (!document.hidden) open();
  });
  document.addEventListener("input", (event) => {
    const part = event.target.closest("[data-part]");
    if (part !== null) part.dataset.touched = "";
  });
  if (!document.hidden) open();
}

function say(place, text) {
  if (place.textContent !== text) place.textContent = text; // it is read out each time it is set
}

function take([key, value]) {
  const before = known[key];
  known[key] = value;
  if (key === ".stale") document.getElementById("stale").hidden = !value;
  show(document, key, value);
  if (Array.isArray(value) && before !== undefined) sayNew(key, before, value);
  for (const part of document.querySelectorAll(`[data-part="${CSS.escape(key)}"]`)) {
    if (part.dataset.as === value) continue;
    part.dataset.as = value;
    renew(key);
  }
}

function show(place, key, value) {
  const named = (what) => place.querySelectorAll(`[data-${what}="${CSS.escape(key)}"]`);
  for (const one of named("live")) {
    if (Array.isArray(value)) one.replaceChildren(...value.map(line));
    else one.replaceChildren(...coded(value));
  }
  for (const one of named("mood")) one.dataset.is = value;
  for (const one of named("bar")) {
    one.hidden = value === "";
    one.value = Number(value);
  }
  for (const one of named("line")) {
    const start = value.slice(1).split(" ", 1)[0];
    one.querySelector(".line").setAttribute("d", value);
    one.querySelector(".area").setAttribute("d", value && `${value}V${one.viewBox.baseVal.height}H${start}Z`);
  }
}

function line({ name, path, text }) {
  const item = document.createElement("li");
  if (path !== null) {
    const link = document.createElement("a");
    link.href = path;
    link.textContent = name;
    item.append(link, ": ");
  }
  item.append(...coded(text));
  return item;
}

// What stands between backquotes, as code.
function coded(text) {
  return text.split("`").map((piece, place) => {
    if (place % 2 === 0) return piece;
    return Object.assign(document.createElement("code"), { textContent: piece });
  });
}

// Lines change all the time; read out are those that were not there before.
function sayNew(key, before, now) {
  const about = ({ name, text }) => name ?? text;
  const old = new Set(before.map(about));
  const said = now.filter((one) => !old.has(about(one))).map(({ name, text }) => (name ? `${name}: ${text}` : text));
  if (said.length === 0) return;
  for (const place of document.querySelectorAll(`[data-says="${CSS.escape(key)}"]`)) say(place, said.join(". "));
}

// Where other buttons or rows belong now, those parts of the page are asked for anew, as it has them then.
const RENEW_MS = 2_000;
const changed = new Set();
let isRenewing = false;

async function renew(key) {
  changed.add(key);
  if (isRenewing) return;
  isRenewing = true;
  while (changed.size > 0) {
    const parts = [...document.querySelectorAll("[data-part]")].filter((part) => changed.has(part.dataset.part));
    changed.clear();
    const page = await asItIs();
    if (page !== null) sayEnded(page);
    for (const part of parts) swap(part, page?.getElementById(part.id));
    await new Promise((done) => setTimeout(done, RENEW_MS));
  }
  isRenewing = false;
}

async function asItIs() {
  try {
    const answer = await fetch(location.pathname + location.search, { headers: { "X-By-Itself": "1" } });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

function swap(part, fresh) {
  const at = part.contains(document.activeElement) ? document.activeElement : null;
  const isFilledIn = "touched" in part.dataset || at?.matches("input, select, textarea");
  if (!fresh || isFilledIn || part.querySelector("[role=alert]")) return sayOld(part);
  const open = [...part.querySelectorAll("details[id][open]")].map((one) => one.id);
  part.replaceChildren(...fresh.childNodes);
  for (const one of part.querySelectorAll("details[id]")) if (open.includes(one.id)) one.open = true;
  for (const [key, value] of Object.entries(known)) show(part, key, value);
  useOwnZone();
  if (at === null) return;
  const again = at.id && part.querySelector(`#${CSS.escape(at.id)}`);
  (again || part.querySelector("h2"))?.focus();
}

function sayOld(part) {
  if (part.querySelector(".old") !== null) return;
  const note = document.createElement("p");
  note.className = "trouble old";
  const again = document.createElement("a");
  again.href = "";
  again.textContent = "Load this page again";
  note.append("This has changed meanwhile. ", again, " to see how it is.");
  part.prepend(note);
}

function sayEnded(page) {
  const going = [...document.querySelectorAll("[data-going]")].map((one) => one.dataset.going);
  const ended = [...page.querySelectorAll("[data-gone]")].filter((one) => going.includes(one.dataset.gone));
  if (ended.length > 0) say(document.getElementById("ended"), ended.map((one) => one.dataset.says).join(" "));
}

// The page "Tap": lines of /api/tap as they come, the newest first.
async function tap() {
  const place = document.getElementById("tap");
  if (place === null) return;
  const [button, list, says] = ["button[aria-pressed]", "ol", "[role=status]"].map((one) => place.querySelector(one));
  const most = Number(place.dataset.linesMax);
  const asked = new URLSearchParams(new FormData(place.querySelector("form")));
  for (const [name, value] of [...asked]) if (value === "") asked.delete(name);
  const held = [];
  const counts = { left: 0, missed: 0 };
  let isPaused = false;
  let isEnded = false;

  function tell() {
    if (isEnded) return;
    const now = isPaused ? `Paused; ${counts.missed} came since.` : "Live.";
    const text = counts.left ? `${now} ${counts.left} were left out: they came too fast.` : now;
    if (says.textContent !== text) says.textContent = text; // it is read out each time it is set
  }
  function end(why) {
    isEnded = true;
    says.textContent = `Ended: ${why}. Load the page again to go on.`;
    button.disabled = true;
  }
  function item(line) {
    const { id, kind, source, ...rest } = line.record;
    const fate = line.why === null ? line.fate : `${line.fate} (${line.why})`;
    const made = document.createElement("li");
    put(made, "b", line.component);
    made.append(tidy(` ${fate}, ${line.at.slice(11, 19)}: ${kind} ${id}`));
    put(made, "small", flat("", rest).join(" "));
    return made;
  }
  function put(into, tag, text) {
    into.appendChild(document.createElement(tag)).textContent = tidy(text);
  }
  function tidy(text) {
    return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd"); // what came may turn the writing round
  }
  function flat(before, value) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      return [`${before}=${typeof value === "string" ? value : JSON.stringify(value)}`];
    }
    const under = ["", "person"].includes(before) ? "" : `${before}.`;
    return Object.entries(value).flatMap(([name, part]) => flat(under + name, part));
  }
  function take(line) {
    if (line.type === "dropped") counts.left += line.records;
    if (line.type === "ended") end(line.why);
    if (line.type !== "record") return;
    held.push(line);
    if (held.length > most) held.shift();
    if (isPaused) counts.missed += 1;
  }
  function show() {
    if (!isPaused) list.prepend(...held.splice(0).map(item).reverse());
    while (list.childElementCount > most) list.lastElementChild.remove();
    tell();
  }
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    counts.missed = 0;
    button.setAttribute("aria-pressed", String(isPaused));
    show();
  });

  place.hidden = false;
  try {
    const answer = await fetch(`${place.dataset.url}?${asked}`, { headers: { Accept: "application/x-ndjson" } });
    if (!answer.ok) return end((await answer.json()).error);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.map((line) => JSON.parse(line)).forEach(take);
      show();
    }
    if (!isEnded) end("the daemon closed it");
  } catch {
    if (!isEnded) end("the daemon cannot be reached");
  }
}

// Days are those of whoever looks, unless they say otherwise.
function useOwnZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const field of document.querySelectorAll("input[data-own-zone]")) field.value = zone;
}

// The list under "More" goes when somebody turns to something else.
function closeMore() {
  const more = document.querySelector("nav details");
  if (more === null) return;
  function close(event) {
    if (!more.contains(event.relatedTarget ?? event.target)) more.open = false;
  }
  document.addEventListener("click", close);
  more.addEventListener("focusout", (event) => event.relatedTarget && close(event));
  more.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !more.open) return;
    more.open = false;
    more.querySelector("summary").focus();
  });
}

// Why something was not done stands where its form does, which may be far down.
document.querySelector("main [role=alert]")?.scrollIntoView({ block: "center" });

useCode();
closeMore();
useOwnZone();
watch();
tap();
