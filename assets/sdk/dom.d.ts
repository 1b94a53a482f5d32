/** Types of /sdk/dom.js: customers of a website sign in by an emailed code. */

export interface CountersignOptions {
  /** The publishable key of the website: `pk_dom_…`. */
  publicKey: string;
  /** Where Countersign is; the origin that this module was loaded from, if it is left out. */
  apiEndpoint?: string;
  /** Whether all tabs know of sign-in, sign-out and renewal at once; true, if it is left out. */
  enableTabSync?: boolean;
}

/** Who is signed in. */
export interface User {
  /** The customer's id, the claim `sub` of the access token. */
  id: string;
  /** The customer's address. */
  email: string | null;
}

/** What the customer sees of the own record. */
export interface Customer {
  id: string;
  /** A short number for people: `CUST-000001`. */
  customerNumber: string;
  email: string | null;
  emailVerified: boolean;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  fullName: string | null;
  displayName: string | null;
  locale: string | null;
  /** Fields of the tenant's own that its customers may change. */
  fields: Record<string, unknown>;
  /** What the customer may change, by name. */
  mayChange: string[];
  /** RFC 3339. */
  createdAt: string;
}

/** Who is signed in, with the own record. */
export interface UserWithProfile extends User {
  customer: Customer;
}

export type AuthEventType = "LOGIN" | "LOGOUT" | "TOKEN_REFRESH" | "SESSION_UPDATE";

/** What happened, in this tab or another one. */
export interface AuthEvent {
  type: AuthEventType;
  /** Who is signed in now; null if nobody is. */
  user: User | null;
}

/** A call that was refused. */
export class CountersignError extends Error {
  name: "CountersignError";
  /** A word for programs, as docs/customers.md has them; `network` if the server was not reached. */
  code: string;
  /** The HTTP status; 0 if there was no answer. */
  status: number;
  /** With `wrong_code`: how many more codes may be tried. */
  attemptsLeft?: number;
  /** With `too_many_requests`: for how many seconds to wait. */
  retryAfter?: number;
  /** Which members of a request are to blame. */
  faults?: { pointer: string; detail: string }[];
}

export class CountersignAuth {
  constructor(options: CountersignOptions);
  /** Sends a six-digit code to an address; the language is a tag, the browser's if it is left out. */
  sendOTP(email: string, options?: { locale?: string }): Promise<{ expiresIn: number }>;
  /** Signs in with the code that came to this address, in the tab that asked for it. */
  verifyOTP(email: string, code: string): Promise<User>;
  /** Who is signed in, as the server knows it now; null if nobody is. */
  getUser(): Promise<UserWithProfile | null>;
  /** Changes fields of the own profile: those that `mayChange` names; null blanks one. */
  updateProfile(fields: Record<string, unknown>): Promise<UserWithProfile>;
  /** Whether somebody is signed in, as far as this browser knows. */
  isAuthenticated(): boolean;
  /** An access token that is good for a while, renewed if need be; null if nobody is signed in. */
  getAccessToken(): Promise<string | null>;
  /** Calls back at every sign-in, sign-out and renewal, in whichever tab it was; the answer ends that. */
  onAuthStateChange(callback: (event: AuthEvent) => void): () => void;
  /** Signs out in all tabs, or on every device. */
  logout(options?: { everywhere?: boolean }): Promise<void>;
  /** Ends timers and listeners of this object. Nobody is signed out. */
  destroy(): void;
}

export default CountersignAuth;
