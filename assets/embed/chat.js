// <countersign-sign-in>: the sign-in card of a web chat. No dependency, no build step.
//
//   <script src="(your sign-in host)/embed/chat.js" async></script>
//   <countersign-sign-in card='(message.payload of the create call, as JSON)'></countersign-sign-in>
//
// | attribute | what |
// |---|---|
// | card  | `message.payload` of a link on the channel `webchat`, as JSON; also the property `card`, as text or object |
// | theme | `light` or `dark`; without it as the customer's system says |
// | lang  | the language of the element's own words; without it the card's |
//
// It tells its page of each change by the event `countersign` (bubbles, composed), whose `detail` is
// {authLinkId, status, final, binding}. Colours: the CSS properties --countersign-accent, -on-accent, -back, -ink,
// -quiet and -line. docs/web-chat.md has the rest.
(() => {
  "use strict";

  // Where this script came from is the only place that a card may lead to: what stands in a chat may be forged.
  const home = document.currentScript && new URL(document.currentScript.src).origin;
  if (!home || customElements.get("countersign-sign-in")) return;

  const WORDS = /* words */ {};
  const OVER = new Set(["cancelled", "superseded", "expired"]);
  // How long to wait before listening again, in milliseconds.
  const SOONEST = 1000;
  const LATEST = 30000;

  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: block; max-width: 24rem; color-scheme: light dark;
      --back: var(--countersign-back, #ffffff); --ink: var(--countersign-ink, #101b2d);
      --quiet: var(--countersign-quiet, #52607a); --line: var(--countersign-line, #c9d3e2);
      --accent: var(--countersign-accent, #0a4fa3); --on-accent: var(--countersign-on-accent, #ffffff);
      --good: #0b6a4e; --bad: #a3123a; }
    @media (prefers-color-scheme: dark) { :host(:not([theme="light"])) {
      --back: var(--countersign-back, #18222f); --ink: var(--countersign-ink, #eef3fa);
      --quiet: var(--countersign-quiet, #a7b4c8); --line: var(--countersign-line, #3a4960);
      --accent: var(--countersign-accent, #8abcff); --on-accent: var(--countersign-on-accent, #06203f);
      --good: #74d6b1; --bad: #ff9aa6; } }
    :host([theme="light"]) { color-scheme: light; }
    :host([theme="dark"]) { color-scheme: dark;
      --back: var(--countersign-back, #18222f); --ink: var(--countersign-ink, #eef3fa);
      --quiet: var(--countersign-quiet, #a7b4c8); --line: var(--countersign-line, #3a4960);
      --accent: var(--countersign-accent, #8abcff); --on-accent: var(--countersign-on-accent, #06203f);
      --good: #74d6b1; --bad: #ff9aa6; }
    :host([hidden]) { display: none; }
    * { box-sizing: border-box; }
    .card { padding: 1rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--back);
      color: var(--ink); font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
      text-align: start; overflow-wrap: anywhere; }
    p { margin: 0 0 .75rem; }
    .title { margin-bottom: .25rem; font-weight: 650; }
    .text { color: var(--quiet); }
    form { margin: 0; }
    button, a.open { display: block; width: 100%; min-height: 2.75rem; padding: .6rem 1rem; border: 0;
      border-radius: .75rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600;
      text-align: center; text-decoration: none; cursor: pointer; }
    button:hover, a.open:hover { filter: brightness(1.08); }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .news { margin: .75rem 0 0; color: var(--quiet); font-size: .9375rem; }
    .news:empty { display: none; }
    .news[data-mood="good"] { margin-top: 0; color: var(--good); font-weight: 600; }
    .news[data-mood="bad"] { color: var(--bad); }
    .news a { color: var(--accent); }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    [hidden] { display: none; }
    @media (forced-colors: active) { button, a.open { border: 1px solid; } }
    @media (prefers-reduced-motion: no-preference) { .card { transition: border-color .2s; } }
  `);

  /** An element with properties and children. Text is only ever text. */
  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  /** The words of a language, by its whole tag or its first part, else English. */
  function words(tag) {
    const wanted = String(tag || "").toLowerCase();
    const known = Object.keys(WORDS).find((name) => name.toLowerCase() === wanted)
      || Object.keys(WORDS).find((name) => name.toLowerCase() === wanted.split("-")[0]);
    return { tag: known || "en", ...WORDS[known || "en"] };
  }

  /** A card of ours, or nothing: its link must lead to where this script came from. */
  function read(card) {
    try {
      const { type, authLinkId, title, text, button, embed, language } =
        typeof card === "string" ? JSON.parse(card) : card;
      const link = new URL(button.url);
      if (type !== "card" || link.origin !== home || !/^https?:$/.test(link.protocol)) return null;
      const token = embed && typeof embed.token === "string" ? embed.token : null;
      return { id: String(authLinkId), title: String(title), text: String(text), label: String(button.label),
        link: link.href, token, language: String(language || "en") };
    } catch {
      return null;
    }
  }

  class CountersignSignIn extends HTMLElement {
    static observedAttributes = ["card", "lang"];
    #root = this.attachShadow({ mode: "open" });
    #card = null;
    #words = words("en");
    #parts = null;
    #listening = null;
    #last = "";

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [style];
    }

    get card() {
      return this.getAttribute("card");
    }

    set card(card) {
      this.setAttribute("card", typeof card === "string" ? card : JSON.stringify(card));
    }

    connectedCallback() {
      this.#begin();
    }

    disconnectedCallback() {
      this.#listening?.abort();
    }

    attributeChangedCallback() {
      if (this.isConnected) this.#begin();
    }

    #begin() {
      this.#listening?.abort();
      this.#card = read(this.getAttribute("card") || "null");
      this.#last = "";
      this.#root.replaceChildren();
      if (!this.#card) {
        if (this.hasAttribute("card")) console.warn("countersign-sign-in: this is no card of the page's sign-in host");
        return;
      }
      this.#draw();
      if (this.#card.token) {
        this.#listening = new AbortController();
        this.#listen(this.#listening.signal);
      }
    }

    #draw() {
      const { title, text, language } = this.#card;
      this.#words = words(this.lang || language);
      const heading = make("p", { className: "title", id: "title" }, title);
      const news = make("p", { className: "news" });
      news.setAttribute("role", "status");
      const action = this.#card.token ? this.#form() : this.#link("open", this.#card.label);
      const card = make("section", { className: "card", lang: language, dir: words(language).dir }, heading);
      card.setAttribute("aria-labelledby", "title");
      if (text !== title) card.append(make("p", { className: "text" }, text));
      news.lang = this.#words.tag;
      news.dir = this.#words.dir;
      card.append(action, news);
      this.#parts = { action, news };
      this.#root.append(card);
    }

    /** The button that opens the window of the sign-in, with the token in a form that only our host gets. */
    #form() {
      const hint = make("span", { className: "unseen", lang: this.#words.tag }, ` (${this.#words.window})`);
      const form = make("form", { method: "post", action: `${home}/embed/open` },
        make("input", { type: "hidden", name: "token", value: this.#card.token }),
        make("button", { type: "submit" }, this.#card.label, hint));
      form.addEventListener("submit", (event) => {
        const name = `countersign-${Math.random().toString(36).slice(2)}`;
        const [width, height] = [480, 760];
        const left = Math.max(0, Math.round(screenX + (outerWidth - width) / 2));
        const top = Math.max(0, Math.round(screenY + (outerHeight - height) / 2));
        const popup = open("", name, `popup,width=${width},height=${height},left=${left},top=${top}`);
        if (!popup) {
          event.preventDefault();
          this.#say([this.#words.blocked, " ", this.#link("", this.#words.page)], "");
          return;
        }
        form.target = name;
      });
      return form;
    }

    /** The plain link: what is signed in by it is confirmed by the code. */
    #link(className, label) {
      return make("a", { className, href: this.#card.link, target: "_blank", rel: "noopener noreferrer" }, label);
    }

    #say(pieces, mood) {
      this.#parts.news.dataset.mood = mood;
      this.#parts.news.replaceChildren(...pieces);
    }

    /** Hears of the link as long as it can change, and comes back when it was cut off. */
    async #listen(signal) {
      let wait = SOONEST;
      while (!signal.aborted) {
        try {
          const answer = await fetch(`${home}/embed/listen`, { method: "POST", cache: "no-store", credentials: "omit",
            referrerPolicy: "no-referrer", body: new URLSearchParams({ token: this.#card.token }), signal });
          if (answer.status === 404) return;
          if (answer.ok) {
            wait = SOONEST;
            if (await this.#hear(answer.body.getReader())) return;
          }
        } catch {
          // The network went away, the broker starts again, or this page is not in `[webchat] origins`: ask again, ever later.
        }
        await new Promise((done) => setTimeout(done, wait));
        wait = Math.min(2 * wait, LATEST);
      }
    }

    /** Reads one stream of events. True if nothing can follow. */
    async #hear(reader) {
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return false;
        text += decoder.decode(value, { stream: true });
        const events = text.split("\n\n");
        text = events.pop();
        for (const event of events) {
          const data = event.split("\n").find((line) => line.startsWith("data: "));
          if (data && this.#tell(JSON.parse(data.slice(6)))) return true;
        }
      }
    }

    /** Shows how the sign-in is, and tells the page. True if nothing can follow. */
    #tell({ status, final, binding }) {
      const now = `${status} ${binding}`;
      if (now === this.#last) return final;
      this.#last = now;
      const { opened, code, done, again, over } = this.#words;
      const said = { opened, provisional: code, completed: done, denied: again, failed: again }[status]
        || (OVER.has(status) ? over : "");
      const mood = status === "completed" ? "good" : status === "failed" || status === "denied" ? "bad" : "";
      this.#say([said], mood);
      // Who has the focus on the button keeps it on the card when the button goes away.
      if (final && this.#root.activeElement) {
        this.#parts.news.tabIndex = -1;
        this.#parts.news.focus();
      }
      this.#parts.action.hidden = final;
      const detail = { authLinkId: this.#card.id, status, final, binding };
      this.dispatchEvent(new CustomEvent("countersign", { bubbles: true, composed: true, detail }));
      return final;
    }
  }

  customElements.define("countersign-sign-in", CountersignSignIn);
})();
