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

useCode();
