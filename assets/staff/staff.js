// What the pages of staff add where scripts run; every page works without it.
"use strict";

(() => {
  // Copy buttons: <button data-copy="#id"> copies what stands in that element.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    const text = "value" in source ? source.value : source.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      say(button, "Copied");
    } catch {
      // Without a right to the clipboard the text is marked, ready for the keyboard.
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      say(button, "Marked: press Ctrl+C");
    }
  });

  function say(button, words) {
    const label = button.dataset.label ?? (button.dataset.label = button.textContent);
    button.textContent = words;
    setTimeout(() => { button.textContent = label; }, 2000);
  }

  // The browser's own zone and language, for forms that ask for them.
  const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions();
  for (const field of document.querySelectorAll("input[data-fill=zone]")) field.value = timeZone ?? "";
  for (const field of document.querySelectorAll("input[data-fill=locale]")) field.value = locale ?? "";

  // A list of faults takes the focus, so that it is read first.
  document.querySelector("[data-focus]")?.focus();

  // A lost connection is shown until it is there again: <p data-live-state="#id" hidden> watches that element.
  for (const note of document.querySelectorAll("[data-live-state]")) {
    const source = document.querySelector(note.dataset.liveState);
    if (!source) continue;
    const lost = () => { note.hidden = false; };
    const there = () => { note.hidden = true; };
    source.addEventListener("htmx:sse:error", (event) => {
      lost();
      // Signed out meanwhile: the page asks for itself, and is shown the way.
      if (event.detail?.status === 401) location.reload();
    });
    source.addEventListener("htmx:response:error", lost);
    source.addEventListener("htmx:error", lost);
    source.addEventListener("htmx:sse:close", lost);
    source.addEventListener("htmx:sse:after:connection", there);
    window.addEventListener("offline", lost);
  }
})();
