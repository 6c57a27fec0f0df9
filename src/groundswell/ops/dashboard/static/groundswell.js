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

// What moves is sent once a second: texts by name, for the elements that name them. See figures.py.
function watch() {
  const events = document.querySelector("[data-events]")?.dataset.events;
  if (events === undefined) return;
  let stream = null;
  function open() {
    stream = new EventSource(events);
    stream.onopen = () => say("Live:");
    stream.onerror = () => say(stream.readyState === EventSource.CLOSED
      ? "Not live any more, load the page again; as of" : "Not live, trying again; as of");
    stream.onmessage = (event) => Object.entries(JSON.parse(event.data)).forEach(show);
  }
  // A page nobody sees needs nothing; and browsers allow one place only six connections.
  document.addEventListener("visibilitychange", () => {
    stream?.close();
    if (!document.hidden) open();
  });
  if (!document.hidden) open();
}

function say(text) {
  const line = document.getElementById("live");
  if (line.textContent !== text) line.textContent = text;
}

function show([key, value]) {
  if (key === ".stale") document.getElementById("stale").hidden = !value;
  for (const one of document.querySelectorAll(`[data-live="${CSS.escape(key)}"]`)) {
    if (Array.isArray(value)) one.replaceChildren(...value.map(line));
    else one.textContent = value;
  }
  for (const one of document.querySelectorAll(`[data-mood="${CSS.escape(key)}"]`)) one.dataset.is = value;
}

function line({ name, path, text }) {
  const item = document.createElement("li");
  if (path !== null) {
    const link = document.createElement("a");
    link.href = path;
    link.textContent = name;
    item.append(link, ": ");
  }
  item.append(text);
  return item;
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

useCode();
useOwnZone();
watch();
tap();
