//! What a failure means and how to mend it, in words for the tenant's admin.

use serde_json::Value;

use crate::domain::fault::{Code, Fault, Step};
use crate::egress::error::EgressError;
use crate::flow::probe::{TOKEN_URL, complained, unmet};
use crate::oauth::complaint::{Complaint, visible};
use crate::oauth::media::Media;

use super::propose::token_path;
use super::recorder::Call;
use super::report::Ended;

/// How much of a provider's own words is repeated, in characters.
const WORDS: usize = 300;

/// Cause and remedy.
type Words = (String, String);

/// What the fault means, and what to do.
pub(super) fn explain(ended: &Ended<'_>, fault: Fault) -> Words {
    if let Some(disbelieved) = ended.recorder.disbelieved.filter(|known| known.code() == fault.code) {
        return (disbelieved.explanation().to_owned(), disbelieved.remedy().to_owned());
    }
    let call = ended.recorder.last(fault.step);
    if let Some(Call { request, answer: Err(error), .. }) = call {
        let report = unmet(&request.url, error);
        return (
            report.cause.unwrap_or_default(),
            with_setting(fault.step, error, &report.remedy.unwrap_or_default()),
        );
    }
    match fault.step {
        Step::Exchange => at_token(ended, fault, call),
        Step::Whoami => at_whoami(ended, fault, call),
        Step::Normalise => at_mapping(ended, fault),
        _ => at_keys(ended, fault),
    }
}

/// The same with the setting that names the address.
fn with_setting(step: Step, error: &EgressError, remedy: &str) -> String {
    let setting = if step == Step::Exchange { "token_url" } else { "whoami_url" };
    match error {
        EgressError::Connect | EgressError::Timeout | EgressError::Broken => {
            format!("{remedy} (`{setting}`)")
        }
        _ => remedy.to_owned(),
    }
}

fn at_token(ended: &Ended<'_>, fault: Fault, call: Option<&Call>) -> Words {
    let url = ended.server.token_url.as_str();
    let Some(call) = call else {
        let cause = "nothing could be sent to the token endpoint: our assertion cannot be signed".to_owned();
        return (cause, "enter `private_key` (PEM or JWK) or `client_secret` anew".to_owned());
    };
    let status = call.status().unwrap_or_default();
    let (text, said) = (call.text(), said(call));
    let is_no_endpoint = matches!(status, 404 | 405 | 410) || is_page(call);
    match fault.code {
        Code::InvalidClient => refused_client(ended, status, &said),
        Code::InvalidGrant => refused_code(ended, &text, &said),
        Code::TokenRefused | Code::TokenGarbage if is_no_endpoint => {
            let what = if is_page(call) { "a page" } else { "nothing that takes a code" };
            (format!("at `{url}` is {what} and no token endpoint (status {status})"), TOKEN_URL.to_owned())
        }
        Code::TokenRefused => match Complaint::of_text(&text) {
            Some(complaint) => of_complaint(ended, complaint),
            None => (
                format!("the token endpoint refuses the request (status {status}): {said}"),
                "look its error up in the provider's documentation; `token_request`, `token_params` and `client_auth` \
                 change what is sent"
                    .to_owned(),
            ),
        },
        Code::TokenGarbage => match token_path(call) {
            Some(path) => (
                format!("the token answer holds `access_token` not at its top but within `{path}`"),
                format!("write `token_path = \"{path}\"`"),
            ),
            None => (
                format!("the answer of `{url}` (status {status}) holds no access token that can be used"),
                "compare `received` with the provider's documentation: its token may stand elsewhere (`token_path`) or \
                 be of another kind"
                    .to_owned(),
            ),
        },
        Code::TokenFailed if (300..400).contains(&status) => {
            (format!("`{url}` redirects (status {status}), and a code is sent to no other address"), TOKEN_URL.to_owned())
        }
        _ => (
            format!("the token endpoint at `{url}` fails (status {status})"),
            "look into the provider's own log, or ask whoever runs it; no setting here is known to help".to_owned(),
        ),
    }
}

fn refused_client(ended: &Ended<'_>, status: u16, said: &str) -> Words {
    let client = &ended.target.provider.client_id;
    let cause = format!("the provider does not take our client id or secret (status {status}, {said})");
    let remedy = match ended.other_ways.first() {
        Some(proposal) => format!("write `{}`: so the same secret is taken", proposal.toml),
        None => format!(
            "the secret is wrong, or is not that of the client `{client}`: copy `client_id` and `client_secret` anew from \
             the provider's console; the other ways to send them were tried, and are refused too"
        ),
    };
    (cause, remedy)
}

fn refused_code(ended: &Ended<'_>, text: &str, said: &str) -> Words {
    match Complaint::of_text(text) {
        Some(complaint @ (Complaint::RedirectUri | Complaint::Pkce)) => of_complaint(ended, complaint),
        _ => (
            format!("the provider does not take its own code: {said}"),
            "begin another test; if it fails again, `token_url` belongs to another environment or client than \
             `authorize_url`, or the provider wants a parameter more (`token_params`)"
                .to_owned(),
        ),
    }
}

fn of_complaint(ended: &Ended<'_>, complaint: Complaint) -> Words {
    let target = ended.target;
    let origin = &target.tenant.origin;
    let (id, path) = (&target.provider.id, target.provider.callback_path);
    let uri = crate::domain::request::Route::EndUser.redirect_uri(origin, id, path);
    let (report, _) = complained(target, &uri, complaint);
    (report.cause.unwrap_or_default(), report.remedy.unwrap_or_default())
}

fn at_whoami(ended: &Ended<'_>, fault: Fault, call: Option<&Call>) -> Words {
    let Some(call) = call else {
        return (
            "the address of WhoAmI needs a value that the token answer does not have".to_owned(),
            "compare the names in braces in `whoami_url` with the members of the token answer".to_owned(),
        );
    };
    let url = ended.server.whoami.as_ref().map(|call| call.url.as_str()).unwrap_or_default();
    let status = call.status().unwrap_or_default();
    let said = said(call);
    match (fault.code, status) {
        (Code::WhoamiRefused, 403) => (
            format!("WhoAmI at `{url}` knows the access token and does not let it read (status 403): {said}"),
            whoami_rights(ended),
        ),
        (Code::WhoamiRefused, _) => (
            format!("WhoAmI at `{url}` does not take the access token as it is sent (status {status}): {said}"),
            "see in the provider's documentation where the token belongs: `whoami_auth` can put it under another scheme, \
             into another header, or into the query"
                .to_owned(),
        ),
        (Code::WhoamiFailed, 404 | 405 | 410) => (
            format!("there is nothing at `{url}` (status {status})"),
            "correct `whoami_url`, or `whoami_method` if it wants a POST".to_owned(),
        ),
        (Code::WhoamiGarbage, _) if is_signed(call) => (
            "WhoAmI answers with a signed token, and nothing is known of who signs it".to_owned(),
            "set `issuer`, and `userinfo_alg` to the algorithm of its header".to_owned(),
        ),
        (Code::WhoamiGarbage, _) => (
            format!("the answer of `{url}` is no JSON that can be read"),
            "correct `whoami_url`: it must be the address of an API, not of a page; `received` shows what came".to_owned(),
        ),
        _ => (
            format!("WhoAmI at `{url}` fails (status {status}): {said}"),
            "look into the provider's own log, or ask whoever runs it".to_owned(),
        ),
    }
}

/// What a client lacks whose token is known and may not read.
fn whoami_rights(ended: &Ended<'_>) -> String {
    let asked = match ended.target.provider.scope.as_deref().filter(|scope| !scope.is_empty()) {
        Some(scope) => format!("only `{scope}` is asked for"),
        None => "none is asked for".to_owned(),
    };
    format!(
        "add the scope to `scope` that the endpoint needs ({asked}), and allow it for the client at the provider; the person \
         who signed in must be allowed to read it, too"
    )
}

fn at_mapping(ended: &Ended<'_>, fault: Fault) -> Words {
    if fault.code == Code::RequiredMissing {
        let required = ended.target.provider.enrich.required.join("`, `");
        return (
            format!("the profile lacks a field that is required (`{required}`)"),
            "map it in `mapping`, ask the provider for it by `scope`, or take it out of `required`"
                .to_owned(),
        );
    }
    let note = ended.timeline.notes().iter().find_map(|note| note.strip_prefix("mapping: "));
    (
        format!("the mapping cannot be carried out: {}", note.unwrap_or("it is at fault")),
        "correct `mapping` at that place; `POST /v1/mapping/preview` tries it on the WhoAmI answer below"
            .to_owned(),
    )
}

fn at_keys(ended: &Ended<'_>, fault: Fault) -> Words {
    let note = ended.timeline.notes().iter().find_map(|note| note.strip_prefix("keys: "));
    match note {
        Some(note) => (
            format!("the provider's keys cannot be read: {note}"),
            "correct `jwks_url`, or leave it out where the issuer's metadata name the keys".to_owned(),
        ),
        None => (
            format!("the login failed at `{}` with `{}`", fault.step, fault.code),
            "docs/errors.md says what the code means".to_owned(),
        ),
    }
}

/// The provider's own words for an error, short.
fn said(call: &Call) -> String {
    let words = call.json().and_then(|body| {
        let texts = ["error", "error_description", "message", "detail"].map(|name| body.get(name).cloned());
        let texts = texts.into_iter().flatten().map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        });
        Some(texts.collect::<Vec<_>>().join(": ")).filter(|words| !words.is_empty())
    });
    let words = words.unwrap_or_else(|| visible(&call.text()));
    let short: String = words.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    if short.is_empty() { "without a word".to_owned() } else { format!("`{short}`") }
}

fn is_page(call: &Call) -> bool {
    media(call) == Some(Media::Html)
}

fn is_signed(call: &Call) -> bool {
    media(call) == Some(Media::Jwt)
}

fn media(call: &Call) -> Option<Media> {
    call.answer.as_ref().ok().map(|answer| Media::parse(answer.content_type.as_deref()))
}
