//! What holds of a tenant's accounts at channels beside what the reader of files says: a token that is not sent anew goes
//! to the server that it went to before. Whoever may change settings could read it otherwise, at a server of their own.

use serde_json::Value;
use url::Url;

use crate::domain::accounts::Accounts;
use crate::domain::stored::{Settings, StoredTenant};

use super::SettingsError;
use super::format::{Format, Remark};

/// A secret that our own calls at a channel carry, and where they go.
struct Call {
    channel: &'static str,
    secret: &'static str,
    pointer: &'static str,
    goes_to: fn(&Accounts) -> Option<&Url>,
}

const CALLS: [Call; 2] = [
    Call {
        channel: "apple",
        secret: "secret",
        pointer: "/channel/apple/secret",
        goes_to: |accounts| accounts.apple.as_ref().map(|apple| &apple.gateway),
    },
    Call {
        channel: "messenger",
        secret: "page_token",
        pointer: "/channel/messenger/pageToken",
        goes_to: |accounts| accounts.messenger.as_ref().map(|page| &page.graph),
    },
];

/// Refuses (422, at the secret) what would send a kept secret to another origin. `after` is what is about to go live.
pub(super) fn same_places(
    format: &dyn Format,
    before: &StoredTenant,
    after: (&Settings, &Accounts),
) -> Result<(), SettingsError> {
    let kept: Vec<&Call> = CALLS.iter().filter(|call| is_kept(call, &before.document, after.0)).collect();
    if kept.is_empty() || before.document.get("channel") == after.0.get("channel") {
        return Ok(());
    }
    // What cannot be read any more went nowhere.
    let known = format.read(&before.id, &before.document, &before.live(), &before.secrets).ok();
    let origin = |url: &Url| url.origin().ascii_serialization();
    let moved = |call: &&Call| {
        let now = (call.goes_to)(after.1).map(origin);
        let then = known.as_ref().and_then(|known| (call.goes_to)(&known.tenant.accounts)).map(origin);
        (now != then).then(|| {
            let message = "the secret would be sent to another server than before";
            let help = "send the secret anew together with the new URL; `null` takes it away";
            Remark::new(call.pointer, message.to_owned(), help.to_owned())
        })
    };
    let remarks: Vec<Remark> = kept.iter().filter_map(moved).collect();
    if remarks.is_empty() { Ok(()) } else { Err(SettingsError::Refused(remarks)) }
}

/// Whether a secret is the same as before.
fn is_kept(call: &Call, before: &Settings, after: &Settings) -> bool {
    let of = |settings: &Settings| -> Option<Value> {
        settings.get("channel")?.get(call.channel)?.get(call.secret).cloned()
    };
    of(before).is_some_and(|secret| of(after) == Some(secret))
}
