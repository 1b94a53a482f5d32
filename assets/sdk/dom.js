// Countersign for websites: customers sign in by an emailed code. One ES module, no dependency; its types are in
// dom.d.ts beside it. Tokens stand in localStorage, so that every tab of the website has them, and never in a URL.

/** How long before its end a token is renewed, in milliseconds; of a short one when a fifth is left. */
const EARLY = 300_000;
/** How long a call may take, and after how long one that failed by the way is tried again, in milliseconds. */
const PATIENCE = 15_000;

/** A call that was refused: `code` is a word for programs. */
export class CountersignError extends Error {
  constructor(code, message, status = 0, more = {}) {
    super(message);
    Object.assign(this, { name: "CountersignError", code, status, ...more });
  }
}

export class CountersignAuth {
  #api;
  #publicKey;
  #key;
  #state = null;
  #listeners = new Set();
  #channel = null;
  #timer = 0;
  #leads = true;
  #gone = new AbortController();
  #heard = (event) => this.#hear(event);
  #seen = () => document.hidden || this.#wake();

  constructor({ publicKey, apiEndpoint = new URL(import.meta.url).origin, enableTabSync = true } = {}) {
    if (!/^pk_dom_[A-Za-z0-9]{16,64}$/.test(publicKey)) {
      throw new CountersignError("unknown_key", "publicKey must be the publishable key of the website: pk_dom_…");
    }
    this.#api = `${String(apiEndpoint).replace(/\/+$/, "")}/api/client/v1/`;
    this.#publicKey = publicKey;
    this.#key = `countersign:${publicKey}`;
    this.#state = this.#stored();
    if (enableTabSync) {
      this.#channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(this.#key) : null;
      this.#channel?.addEventListener("message", this.#heard);
      addEventListener("storage", this.#heard);
      this.#lead();
    }
    document.addEventListener("visibilitychange", this.#seen);
    this.#schedule();
  }

  /** Sends a six-digit code to an address. */
  async sendOTP(email, { locale } = {}) {
    const data = await this.#call("POST", "otp/send", { publicKey: this.#publicKey, email, locale });
    this.#put("sessionStorage", `${this.#key}:ticket`, data.ticket);
    return { expiresIn: data.expiresIn };
  }

  /** Signs in with the code that came to this address, in the tab that asked for it. */
  async verifyOTP(email, code) {
    const ticket = this.#take("sessionStorage", `${this.#key}:ticket`);
    if (!ticket) throw new CountersignError("code_over", "send a code first");
    const body = { publicKey: this.#publicKey, email, code: String(code), ticket };
    const data = await this.#call("POST", "otp/verify", body);
    this.#put("sessionStorage", `${this.#key}:ticket`, null);
    await this.#alone(() => this.#become("LOGIN", { ...kept(data), user: data.user }));
    return data.user;
  }

  /** Who is signed in, as the server knows it now; null if nobody is. */
  async getUser() {
    const profile = await this.#own("GET", "profile");
    return profile && { ...profile.user, customer: profile.customer };
  }

  /** Changes fields of the own profile. */
  async updateProfile(fields) {
    const who = this.#state?.user?.id;
    const profile = await this.#own("PATCH", "profile", fields);
    if (!profile) throw new CountersignError("token_missing", "nobody is signed in", 401);
    // Another tab may have renewed the tokens meanwhile, signed out, or signed somebody else in: what is kept counts.
    await this.#alone(() => {
      const known = this.#known();
      if (known && known.user?.id === who) this.#become("SESSION_UPDATE", { ...known, user: profile.user });
    });
    return { ...profile.user, customer: profile.customer };
  }

  /** Whether somebody is signed in, as far as this browser knows. */
  isAuthenticated() {
    return this.#state !== null;
  }

  /** An access token that is good for a while; null if nobody is signed in. */
  async getAccessToken() {
    if (this.#state && this.#isDue()) {
      await this.#renew().catch((error) => {
        // What is not over yet is good enough.
        if (this.#state && this.#state.expiresAt <= Date.now()) throw error;
      });
    }
    return this.#state?.accessToken ?? null;
  }

  /** Calls back at every sign-in, sign-out and renewal, in whichever tab it was; the answer ends that. */
  onAuthStateChange(callback) {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Signs out: here, in all tabs, or on every device. */
  async logout({ everywhere = false } = {}) {
    try {
      await this.#own("POST", "logout", { everywhere });
    } finally {
      await this.#alone(() => this.#state && this.#become("LOGOUT", null));
    }
  }

  /** Ends what this object does by itself. Nobody is signed out. */
  destroy() {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.#listeners.clear();
    this.#channel?.close();
    this.#channel = null;
    removeEventListener("storage", this.#heard);
    document.removeEventListener("visibilitychange", this.#seen);
  }

  /** A call as the customer who is signed in; null if nobody is, or no longer. */
  async #own(method, path, body) {
    const token = await this.getAccessToken();
    if (!token) return null;
    try {
      return await this.#call(method, path, body, token);
    } catch (error) {
      if (error.status !== 401) throw error;
      // It was revoked, or ended on its way: a fresh one, or nobody is signed in.
      await this.#renew(token);
      return this.#state && this.#call(method, path, body, this.#state.accessToken);
    }
  }

  /** A fresh pair of tokens. Of all tabs one asks for it: whoever comes next finds that it is done. */
  #renew(stale) {
    return this.#alone(async () => {
      const known = this.#stored() ?? this.#state;
      if (known && known.expiresAt > (this.#state?.expiresAt ?? Infinity)) this.#state = known;
      const before = this.#state;
      if (!before || !(before.accessToken === stale || this.#isDue())) return;
      try {
        const data = await this.#call("POST", "refresh", { refresh_token: before.refreshToken });
        // Somebody may have signed out meanwhile.
        if (this.#state === before) this.#become("TOKEN_REFRESH", { ...before, ...kept(data) });
      } catch (error) {
        if (error.code !== "invalid_refresh_token") throw error;
        if (this.#state === before) this.#become("LOGOUT", null);
      }
    });
  }

  /** Of all tabs the oldest renews by the clock; when it goes, the next one does. */
  #lead() {
    if (!navigator.locks) return;
    const { signal } = this.#gone;
    const lead = () => {
      this.#leads = true;
      this.#schedule();
      return new Promise((resign) => signal.addEventListener("abort", resign));
    };
    this.#leads = false;
    navigator.locks.request(`${this.#key}:leads`, { signal }, lead).catch(() => {});
  }

  /** Runs something while no other tab does. */
  #alone(work) {
    return navigator.locks ? navigator.locks.request(this.#key, work) : work();
  }

  #isDue() {
    return Date.now() >= dueAt(this.#state);
  }

  #wake() {
    if (this.#state && this.#isDue()) {
      this.#renew().catch(() => (this.#timer = setTimeout(() => this.#wake(), PATIENCE)));
    }
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (this.#state && this.#leads) {
      this.#timer = setTimeout(() => this.#wake(), Math.max(0, dueAt(this.#state) - Date.now()));
    }
  }

  #become(type, state) {
    this.#put("localStorage", this.#key, state && JSON.stringify(state));
    this.#channel?.postMessage({ type, state });
    this.#changed(type, state);
  }

  #changed(type, state) {
    this.#state = state;
    this.#schedule();
    for (const callback of [...this.#listeners]) {
      try {
        callback({ type, user: state?.user ?? null });
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** Another tab says what changed; where it cannot, the storage does. */
  #hear(event) {
    if (event.type === "message") {
      const { type, state } = event.data;
      // The storage may have said it first.
      return JSON.stringify(state) === JSON.stringify(this.#state) ? undefined : this.#changed(type, state);
    }
    if (event.key !== this.#key && event.key !== null) return;
    const state = this.#stored();
    if (state?.refreshToken === this.#state?.refreshToken) return;
    this.#changed(!state ? "LOGOUT" : this.#state ? "TOKEN_REFRESH" : "LOGIN", state);
  }

  #stored() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch {
      return null;
    }
  }

  /** What all tabs know; in a browser that keeps nothing, what this one does. */
  #known() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch {
      return this.#state;
    }
  }

  #take(storage, name) {
    try {
      return globalThis[storage].getItem(name);
    } catch {
      return null;
    }
  }

  /** A browser may refuse the storage itself, not only what is put there. */
  #put(storage, name, text) {
    try {
      if (text === null) globalThis[storage].removeItem(name);
      else globalThis[storage].setItem(name, text);
    } catch {
      // A browser that keeps nothing: this tab knows it all the same.
    }
  }

  async #call(method, path, body, token) {
    const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
    const request = { method, headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store" };
    let response;
    try {
      response = await fetch(this.#api + path, { ...request, signal: AbortSignal.timeout(PATIENCE) });
    } catch (error) {
      throw new CountersignError("network", `the server was not reached: ${error.message}`);
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok && answer.success) return answer.data;
    const { code = "network", message = `the server answered ${response.status}`, attemptsLeft, faults } = answer.error ?? {};
    const retryAfter = Number(response.headers.get("retry-after")) || undefined;
    throw new CountersignError(code, message, response.status, { attemptsLeft, faults, retryAfter });
  }
}

/** What is kept of an answer with tokens. The browser's own clock counts, whatever the server's says. */
function kept(data) {
  const lifetime = data.expires_in * 1000;
  return { accessToken: data.access_token, refreshToken: data.refresh_token, lifetime, expiresAt: Date.now() + lifetime };
}

function dueAt({ expiresAt, lifetime }) {
  return expiresAt - Math.min(EARLY, lifetime / 5);
}

export default CountersignAuth;
