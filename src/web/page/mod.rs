//! What customers see: view structs in, whole answers out, with every header that a page needs.
//! No page of ours has JavaScript. Callers hand in facts (names, times, codes); words, markup, escaping
//! and headers are made here.
//!
//! | function | page |
//! |---|---|
//! | [`landing()`] | who asks, what is shared, *Continue*, *This wasn't me* |
//! | [`elsewhere()`] | an app's own browser, which the provider refuses: how to leave it |
//! | [`decline()`] | asks once more before a link is declined |
//! | [`consent()`] | what an app asks of a customer, and where to sign in |
//! | [`emailed_code()`] | takes an emailed code, on the way into an app |
//! | [`result()`] | how a sign-in ended, or the code to send in the chat |
//! | [`away()`] | the way back into the app that a sign-in came from |
//! | [`busy()`] | a provider that is out of order |
//! | [`notice()`] | everything else: expired, unknown, neutral, wrong host, busy … |
//! | [`trial()`] | a test login, for the tenant's admin |
//! | [`code_letter()`] | no page, but the letter with a customer's code |
//! | [`element()`] | the web chat element, which stands in pages of tenants' own |
//! | [`asset()`] | the stylesheets and the icon that the pages name |
//! | [`public()`] | the headers of the pages of `reference/`, which are no customer's |
//!
//! To add a page: 1. its texts in `assets/locales/en/pages.ftl` and a variant each in `text.rs`,
//! 2. the same messages in every other language (a test asks), 3. a view struct and a function in
//! a file of its own and a template in `templates/`, or a variant of [`Notice`] if it is no more
//! than a heading and a sentence, 4. its state in `tests/it/pages.rs`.
//!
//! To add a language: a folder in `assets/locales/` with a complete `pages.ftl`; nothing else.

mod asset;
mod away;
mod consent;
mod element;
mod emailed;
mod frame;
mod landing;
mod language;
mod letter;
mod notice;
mod remaining;
mod result;
mod sentence;
mod text;
mod trial;

pub use asset::{StaffAssets, asset, icon, reference_stylesheet, staff_assets, stylesheet};
pub use away::{Away, away};
pub use consent::{Consent, consent};
pub use element::{Element, element};
pub use emailed::{CodeFault, EmailedCode, emailed_code};
pub use frame::{Visitor, dress, public};
pub use landing::{Decline, Elsewhere, Landing, decline, elsewhere, landing};
pub use letter::{LetterLook, code_letter};
pub use notice::{Notice, busy, notice};
pub use result::{Outcome, ResultPage, result, working};
pub use sentence::sentence;
pub use text::{clean, tidy};
pub use trial::{TestStands, trial};
