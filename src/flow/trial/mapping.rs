//! The last step: what the mapping made of the answer, and what it missed.

use serde_json::{Map, Value};

use crate::domain::profile::SignedIn;
use crate::domain::provider::Mapping;
use crate::domain::trial::{Findings, Stage, StageReport};
use crate::profile::Normaliser;
use crate::profile::typo::{Astray, astray};

use super::report::Ended;

/// The step `mapping` of a sign-in that went well.
pub(super) fn look(ended: &Ended<'_>, signed_in: &SignedIn) -> StageReport {
    let provider = ended.target.provider;
    let Some(findings) = &ended.recorder.findings else {
        return StageReport::ok(Stage::Mapping, "nothing was asked of the person");
    };
    let lost = provider.mapping.as_ref().map(|mapping| lost(mapping, findings)).unwrap_or_default();
    let empty = empty_fields(ended, signed_in);
    let asked = !findings.whoami.is_null() || findings.claims.is_some();
    if asked && signed_in.profile.is_empty() {
        let cause = if lost.is_empty() {
            "the sign-in went well, but no field of the profile was found in the answer".to_owned()
        } else {
            format!("no field of the profile was found: {}", gone_astray(&lost))
        };
        return StageReport::failed(Stage::Mapping, "profile_empty", cause, mend(&lost));
    }
    if !lost.is_empty() && !empty.is_empty() {
        let fields = empty.join("`, `");
        let cause = format!("the mapping leaves `{fields}` empty: {}", gone_astray(&lost));
        return StageReport::warning(Stage::Mapping, "mapping_misses", cause, mend(&lost));
    }
    if signed_in.subject.is_none() && asked {
        return StageReport::warning(
            Stage::Mapping,
            "subject_missing",
            "nothing in the answer says who this is at the provider, so no contact can be found again",
            "write `subject` with the path of the provider's own id of the person (see `proposals`)",
        );
    }
    if !empty.is_empty() {
        let fields = empty.join("`, `");
        return StageReport::warning(
            Stage::Mapping,
            "mapping_misses",
            format!("the mapping leaves `{fields}` empty for this person"),
            "if the provider knows it, compare the mapping with `whoami` below, and ask for it by `scope`",
        );
    }
    let fields: Vec<&str> = signed_in.profile.iter().map(|(name, _)| name.as_str()).collect();
    StageReport::ok(Stage::Mapping, format!("the profile has `{}`", fields.join("`, `")))
}

/// The fields that the mapping writes and the profile does not have.
fn empty_fields(ended: &Ended<'_>, signed_in: &SignedIn) -> Vec<String> {
    let provider = ended.target.provider;
    let Some(mapping) = &provider.mapping else { return Vec::new() };
    let written = Normaliser::new(Some(mapping), None, &[]).ok();
    let written: Vec<String> = written
        .as_ref()
        .and_then(Normaliser::written_fields)
        .map(|names| names.into_iter().map(str::to_owned).collect())
        .unwrap_or_default();
    let profile = signed_in.profile.as_map();
    written.into_iter().filter(|name| profile.get(name).is_none_or(Value::is_null)).collect()
}

/// The paths of a mapping that lead nowhere in what the provider said.
pub(super) fn lost(mapping: &Mapping, findings: &Findings) -> Vec<Astray> {
    let input = input_of(findings);
    match mapping {
        Mapping::Whole(text) => astray(text, &input),
        Mapping::Fields(fields) => fields.values().flat_map(|text| astray(text, &input)).collect(),
    }
}

/// A mapping with the paths that are meant in place of those that lead nowhere; none if nothing is known to be meant.
pub(super) fn mended(mapping: &Mapping, findings: &Findings) -> Option<Mapping> {
    let known: Vec<_> =
        lost(mapping, findings).into_iter().filter_map(|lost| Some((lost.path, lost.meant?))).collect();
    let mend = |text: &String| known.iter().fold(text.clone(), |text, (path, meant)| put(&text, path, meant));
    let mended = match mapping {
        Mapping::Whole(text) => Mapping::Whole(mend(text)),
        Mapping::Fields(fields) => {
            Mapping::Fields(fields.iter().map(|(name, text)| (name.clone(), mend(text))).collect())
        }
    };
    let is_better = mended != *mapping && lost(&mended, findings).len() < lost(mapping, findings).len();
    is_better.then_some(mended)
}

/// A text with a path in place of another, wherever that stands by itself.
fn put(text: &str, path: &str, meant: &str) -> String {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '"' | '\'');
    let (mut made, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(path).filter(|_| !path.is_empty()) {
        let (before, behind) = (&rest[..at], &rest[at + path.len()..]);
        let stands_alone = !before.ends_with(goes_on) && !behind.starts_with(goes_on);
        // `name:` is a field that the mapping writes, and no path.
        let is_name = behind.trim_start().starts_with(':');
        made.push_str(before);
        made.push_str(if stands_alone && !is_name { meant } else { path });
        rest = behind;
    }
    made + rest
}

/// The input of a mapping: the body's own fields, and the reserved roots (DESIGN §5.5).
pub(super) fn input_of(findings: &Findings) -> Value {
    let mut members = findings.whoami.as_object().cloned().unwrap_or_default();
    members.insert("whoami".to_owned(), findings.whoami.clone());
    members.insert("claims".to_owned(), findings.claims.clone().unwrap_or(Value::Null));
    members.insert("token_response".to_owned(), findings.token_response.clone());
    members.extend(findings.further.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(members.into_iter().collect::<Map<_, _>>())
}

fn gone_astray(lost: &[Astray]) -> String {
    let paths: Vec<String> = lost.iter().map(|lost| format!("`{}`", lost.path)).collect();
    format!("the answer has no {}", paths.join(", no "))
}

fn mend(lost: &[Astray]) -> String {
    let meant: Vec<String> = lost
        .iter()
        .filter_map(|lost| lost.meant.as_ref().map(|meant| format!("`{meant}` instead of `{}`", lost.path)))
        .collect();
    if meant.is_empty() {
        return "compare `mapping` with the WhoAmI answer below; `POST /v1/mapping/preview` tries another one on it"
            .to_owned();
    }
    format!("in `mapping`, write {}", meant.join(", and "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_replaced_where_it_stands_alone() {
        assert_eq!(put("{email: user.emial}", "user.emial", "user.email"), "{email: user.email}");
        assert_eq!(
            put("{emial: emial, a: 'emial', b: emial.x}", "emial", "email"),
            "{emial: email, a: 'emial', b: emial.x}"
        );
        assert_eq!(put("a", "", "b"), "a");
    }

    #[test]
    fn a_mapping_is_mended_only_if_fewer_paths_lead_nowhere_then() {
        let whoami = json!({"user": {"id": "7", "email": "a@example.com"}});
        let findings = Findings { whoami, ..Findings::default() };
        let whole = |text: &str| Mapping::Whole(text.to_owned());
        let mended = mended(&whole("{email: user.emial, id: user.id}"), &findings);
        assert_eq!(mended, Some(whole("{email: user.email, id: user.id}")));
        assert_eq!(super::mended(&whole("{email: user.email}"), &findings), None);
        assert_eq!(super::mended(&whole("{x: nothing.like.it.zzz}"), &findings), None);
    }
}
