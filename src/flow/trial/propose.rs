//! Settings that would mend something, found in what the provider answered.

use serde_json::Value;

use crate::domain::fault::{Code, Step};
use crate::domain::provider::{Mapping, Pkce, Provider};
use crate::domain::trial::Proposal;
use crate::oauth::media::Media;
use crate::oauth::shown::unverified;

use super::mapping::{input_of, mended};
use super::recorder::Call;
use super::report::{Ended, signed_in_any};

/// Members that are ids of a person at many providers, the best first.
const IDS: [&str; 10] =
    ["sub", "id", "user_id", "userId", "uid", "uuid", "guid", "account_id", "accountId", "customer_id"];
/// How deep an answer is searched.
const DEPTH: usize = 4;

/// Everything that the answers suggest.
pub(super) fn proposals(ended: &Ended<'_>) -> Vec<Proposal> {
    let found = [
        issuer(ended),
        path(ended),
        separator(ended),
        signed(ended),
        subject(ended),
        mapping(ended),
        email(ended),
    ];
    found.into_iter().flatten().collect()
}

/// What is known to be unusual before anything is asked.
pub(super) fn warnings(provider: &Provider) -> Vec<String> {
    let off = (provider.pkce == Pkce::Off)
        .then(|| "PKCE is switched off: whoever steals a code can use it".to_owned());
    off.into_iter().collect()
}

/// Where within a token answer the access token stands, if not at its top.
pub(super) fn token_path(call: &Call) -> Option<String> {
    let body = call.json()?;
    let holds = |value: &Value| value.get("access_token").is_some_and(Value::is_string);
    if holds(&body) { None } else { search(&body, DEPTH, &holds) }
}

/// The path of the first object for which something holds.
fn search(value: &Value, depth: usize, holds: &impl Fn(&Value) -> bool) -> Option<String> {
    let members = value.as_object().filter(|_| depth > 0)?;
    members.iter().find_map(|(name, inner)| {
        let name = quoted(name);
        if holds(inner) {
            return Some(name);
        }
        search(inner, depth - 1, holds).map(|path| format!("{name}.{path}"))
    })
}

/// A name as JMESPath has it.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty();
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

/// An id_token came, and nobody knows who should have signed it.
fn issuer(ended: &Ended<'_>) -> Option<Proposal> {
    if ended.target.provider.oidc.issuer.is_some() {
        return None;
    }
    let (_, claims) = signed_in_any(ended)?;
    let iss = claims
        .get("iss")?
        .as_str()
        .filter(|iss| iss.starts_with("https://") || iss.starts_with("http://"))?;
    Some(Proposal::text(
        "issuer",
        iss,
        "an id_token came that names it; with it the token is verified and its claims can be used",
    ))
}

fn path(ended: &Ended<'_>) -> Option<Proposal> {
    let failed = ended.ended.as_ref().err().is_some_and(|fault| fault.code == Code::TokenGarbage);
    let path = token_path(ended.recorder.last(Step::Exchange)?).filter(|_| failed)?;
    Some(Proposal::text("token_path", &path, "the token answer holds `access_token` there"))
}

/// We asked for several scopes with spaces between them, and the provider answers with commas.
fn separator(ended: &Ended<'_>) -> Option<Proposal> {
    let provider = ended.target.provider;
    let asked = provider.scope.as_deref()?;
    let body = ended.recorder.last(Step::Exchange)?.json()?;
    let granted = body.get("scope")?.as_str()?;
    let commas = granted.contains(',') && !granted.contains(' ');
    (commas && asked.contains(' ') && provider.scope_separator == " ")
        .then(|| Proposal::text("scope_separator", ",", "the provider writes commas between its scopes"))
}

/// WhoAmI answered with a signed token, and nobody asked for one.
fn signed(ended: &Ended<'_>) -> Option<Proposal> {
    let answer = ended.recorder.last(Step::Whoami)?.answer.as_ref().ok()?;
    if Media::parse(answer.content_type.as_deref()) != Media::Jwt
        || ended.target.provider.oidc.userinfo_alg.is_some()
    {
        return None;
    }
    let (header, _) = unverified(std::str::from_utf8(&answer.body).ok()?)?;
    let algorithm = header.get("alg")?.as_str()?;
    Some(Proposal::text("userinfo_alg", algorithm, "WhoAmI answers with a token that is signed so"))
}

/// Nothing says who it is, but something in the answer looks like an id.
fn subject(ended: &Ended<'_>) -> Option<Proposal> {
    let signed_in = ended.ended.as_ref().ok()?;
    let findings = ended.recorder.findings.as_ref().filter(|_| signed_in.subject.is_none())?;
    let path = IDS.into_iter().find_map(|id| {
        let holds = |value: &Value| value.get(id).is_some_and(|id| id.is_string() || id.is_number());
        if holds(&findings.whoami) {
            return Some(id.to_owned());
        }
        search(&findings.whoami, DEPTH, &holds).map(|path| format!("{path}.{id}"))
    })?;
    Some(Proposal::text("subject", &path, "this looks like the provider's own id of the person"))
}

/// The mapping names what the answer has under another name.
fn mapping(ended: &Ended<'_>) -> Option<Proposal> {
    ended.ended.as_ref().ok()?;
    let mapping = ended.target.provider.mapping.as_ref()?;
    let mended = mended(mapping, ended.recorder.findings.as_ref()?)?;
    let why = "the answer has these names instead";
    Some(match mended {
        Mapping::Whole(text) => Proposal::text("mapping", &text, why),
        Mapping::Fields(fields) => {
            let entries: Vec<String> = fields
                .iter()
                .map(|(name, text)| {
                    format!("{} = {}", Value::from(name.as_str()), Value::from(text.as_str()))
                })
                .collect();
            let mut proposal = Proposal::text("mapping", "", why);
            proposal.toml = format!("mapping = {{ {} }}", entries.join(", "));
            proposal.value = serde_json::json!(fields);
            proposal
        }
    })
}

/// The profile has no email, but something in the answer looks like one.
fn email(ended: &Ended<'_>) -> Option<Proposal> {
    let signed_in = ended.ended.as_ref().ok()?;
    let has = signed_in.profile.as_map().contains_key("email");
    let findings =
        ended.recorder.findings.as_ref().filter(|_| !has && ended.target.provider.mapping.is_none())?;
    let path = path_of_email(&input_of(findings), DEPTH)?;
    let mut proposal =
        Proposal::text("mapping", &format!("{{email: {path}}}"), "the answer holds an email there");
    proposal.why.push_str("; add the other fields that you want");
    Some(proposal)
}

fn path_of_email(value: &Value, depth: usize) -> Option<String> {
    let members = value.as_object().filter(|_| depth > 0)?;
    members.iter().find_map(|(name, inner)| match inner {
        Value::String(text) => crate::profile::email::parse(text).map(|_| quoted(name)),
        Value::Object(_) => path_of_email(inner, depth - 1).map(|path| format!("{}.{path}", quoted(name))),
        _ => None,
    })
}
