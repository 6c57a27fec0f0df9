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

// Days are those of whoever looks, unless they say otherwise.
function useOwnZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const field of document.querySelectorAll("input[data-own-zone]")) field.value = zone;
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

useCode();
watch();
useOwnZone();
