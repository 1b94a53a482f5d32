// Keeps the demo page alive: fetches its live parts and sends its forms in the background.
// Without this script the page works by forms and reloads.
"use strict";

let tag = "";

/** Puts fresh parts in place of the old ones, and marks what is new in them. */
function replace(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old || old.innerHTML.trim() === part.innerHTML.trim()) continue;
    const known = new Set([...old.querySelectorAll("[data-key]")].map((item) => item.dataset.key));
    for (const item of part.querySelectorAll("[data-key]")) {
      if (!known.has(item.dataset.key)) item.classList.add("fresh");
    }
    old.replaceChildren(...part.childNodes);
    if (part.dataset.part === "chat") old.scrollTop = old.scrollHeight;
  }
  // A trick is played once: then the menu says again that the provider behaves.
  const menu = document.querySelector(".trick select");
  if (!document.querySelector(".waiting") && document.activeElement !== menu) menu.value = "";
}

async function refresh() {
  const answer = await fetch("/demo/live", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") || "";
  replace(await answer.text());
}

async function watch() {
  for (;;) {
    try {
      await refresh();
    } catch {
      // The demo was stopped, or the computer slept: ask again.
    }
    await new Promise((done) => setTimeout(done, document.hidden ? 2000 : 600));
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.leaves) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  if (form.classList.contains("compose")) form.reset();
  if (form.getAttribute("action") === "/demo/restart") document.querySelector(".trick").reset();
  await fetch(form.action, { method: "POST", body, redirect: "manual" });
  await refresh();
});

document.querySelector(".trick select").addEventListener("change", (event) => {
  event.target.form.requestSubmit();
  event.target.blur();
});
document.body.classList.add("scripted");
document.querySelector(".chat").scrollTop = 1e6;
watch();
