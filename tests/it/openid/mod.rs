//! Logins at OpenID providers, through the program's own routes: from the link to the contact.
//!
//! | file | what |
//! |---|---|
//! | `relying_party` | the OpenID Foundation's cases for relying parties: what must be refused and what must pass |
//! | `rotation` | keys that change, are unknown, or cannot be had |
//! | `answers` | callbacks, metadata, UserInfo |
//! | `pushed` | requests that are pushed though nobody demands it |
//! | `hostile` | every endpoint answers in every wrong way |
//! | `npm` | servers from npm with many clients |
//! | `real` | `oidc-provider` in its client variants |
//! | `mock` | `oauth2-mock-server`, told to misbehave |

mod answers;
mod hostile;
mod mock;
mod npm;
mod pushed;
mod real;
mod relying_party;
mod rotation;
