//! A provider's revision: the hash of its settings without secrets (DESIGN §4). A login that
//! began with one revision finishes with it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::domain::provider::{
    CallbackPath, ClientAuth, EnrichPolicy, Mapping, Pkce, Provider, ResponseMode, Revision,
    TokenRequestForm, TrustedField,
};
use crate::domain::rule::Rule;

/// Everything of a provider that the hash speaks for, in a fixed order.
#[derive(Serialize)]
struct Canonical<'a> {
    version: u8,
    id: &'a str,
    label: &'a str,
    client_id: &'a str,
    scope: Option<&'a str>,
    authorize_url: &'a str,
    token_url: &'a str,
    whoami_url: Option<&'a str>,
    mapping: Option<&'a Mapping>,
    subject: Option<&'a str>,
    trusted: &'a [TrustedField],
    callback_path: CallbackPath,
    client_auth: ClientAuth,
    token_request: TokenRequestForm,
    pkce: Pkce,
    scope_separator: &'a str,
    authorize_params: &'a BTreeMap<String, String>,
    response_mode: ResponseMode,
    enrich: &'a EnrichPolicy,
    merge_by_email: bool,
}

/// Builds the revision of a provider: SHA-256 over its settings as JSON, in 64 hexadecimal digits.
pub fn build(provider: &Provider) -> Revision {
    // Every field is named, so that a new one cannot be forgotten here.
    let Provider {
        id,
        label,
        client_id,
        client_secret: _,
        scope,
        authorize_url,
        token_url,
        whoami_url,
        mapping,
        subject,
        trusted,
        callback_path,
        client_auth,
        token_request,
        pkce,
        scope_separator,
        authorize_params,
        response_mode,
        enrich,
        merge_by_email,
        revision: _,
    } = provider;
    let canonical = Canonical {
        version: 1,
        id: id.as_str(),
        label,
        client_id,
        scope: scope.as_deref(),
        authorize_url: authorize_url.as_str(),
        token_url: token_url.as_str(),
        whoami_url: whoami_url.as_ref().map(url::Url::as_str),
        mapping: mapping.as_ref(),
        subject: subject.as_deref(),
        trusted,
        callback_path: *callback_path,
        client_auth: *client_auth,
        token_request: *token_request,
        pkce: *pkce,
        scope_separator,
        authorize_params,
        response_mode: *response_mode,
        enrich,
        merge_by_email: *merge_by_email,
    };
    hash_of(&canonical)
}

/// Builds the revision of a tenant's rules, in their order.
pub fn of_rules(rules: &[Rule]) -> Revision {
    let canonical: Vec<_> = rules.iter().map(|rule| (&rule.when, &rule.set)).collect();
    hash_of(&canonical)
}

fn hash_of(canonical: &impl Serialize) -> Revision {
    let json = serde_json::to_vec(canonical).expect("names and texts always become JSON");
    let hash = digest(&SHA256, &json);
    Revision::new(digits_of(hash.as_ref()))
}

/// Bytes in hexadecimal digits.
pub(super) fn digits_of(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
