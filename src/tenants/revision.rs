//! A provider's revision: the hash of its settings without secrets (DESIGN §4). A login that
//! began with one revision finishes with it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::domain::provider::call::{Exchange, IssuedBy, WhoamiAuth, WhoamiCall, WhoamiMethod};
use crate::domain::provider::oidc::{CLOCK_SKEW, Oidc};
use crate::domain::provider::{
    AssertionNames, CallbackNames, CallbackPath, ClientAuth, EnrichPolicy, Identity, Mapping, Pkce,
    PrivateKey, Provider, ResponseMode, Revision, ScopeEncoding, TokenRequestForm, TrustedField,
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
    authorize_url: Option<&'a str>,
    token_url: Option<&'a str>,
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
    /// What was added later: a provider that uses none of it keeps the revision that it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<More<'a>>,
}

/// Settings that most providers do not need.
#[derive(Serialize)]
struct More<'a> {
    private_key_id: Option<&'a str>,
    whoami: Option<&'a WhoamiCall>,
    further_whoami: &'a [(String, WhoamiCall)],
    identity: Identity,
    token_params: &'a BTreeMap<String, String>,
    token_headers: &'a BTreeMap<String, String>,
    token_path: Option<&'a str>,
    exchange: Option<&'a Exchange>,
    rename: &'a BTreeMap<String, String>,
    callback_names: &'a CallbackNames,
    vars: &'a BTreeMap<String, String>,
    oidc: &'a Oidc,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    vault: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<&'a AssertionNames>,
    #[serde(skip_serializing_if = "is_usual")]
    scope_encoding: ScopeEncoding,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    callback_keep: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_by: Option<&'a IssuedBy>,
}

/// Whether a setting is as if it had been left out.
fn is_usual<T: Default + PartialEq>(set: &T) -> bool {
    *set == T::default()
}

/// Builds the revision of a provider: SHA-256 over its settings as JSON, in 64 hexadecimal digits.
pub fn build(provider: &Provider) -> Revision {
    let more = More::of(provider);
    hash_of(&Canonical {
        version: 1,
        id: provider.id.as_str(),
        label: &provider.label,
        client_id: &provider.client_id,
        scope: provider.scope.as_deref(),
        authorize_url: provider.authorize_url.as_ref().map(url::Url::as_str),
        token_url: provider.token_url.as_ref().map(url::Url::as_str),
        whoami_url: provider.whoami.as_ref().map(|call| call.url.as_str()),
        mapping: provider.mapping.as_ref(),
        subject: provider.subject.as_deref(),
        trusted: &provider.trusted,
        callback_path: provider.callback_path,
        client_auth: provider.client_auth,
        token_request: provider.token_request,
        pkce: provider.pkce,
        scope_separator: &provider.scope_separator,
        authorize_params: &provider.authorize_params,
        response_mode: provider.response_mode,
        enrich: &provider.enrich,
        merge_by_email: provider.merge_by_email,
        more: (!more.is_empty()).then_some(more),
    })
}

/// Whether nothing of a call is set but its URL.
fn is_plain(call: &WhoamiCall) -> bool {
    let WhoamiCall { url: _, auth, method, params, headers } = call;
    let is_usual = *auth == WhoamiAuth::Bearer && *method == WhoamiMethod::Get;
    is_usual && params.is_empty() && headers.is_empty()
}

/// Names every field, so that a new one cannot be forgotten: the compiler asks where it belongs.
fn name_all(provider: &Provider) {
    let Provider {
        // In the second part.
        private_key: _,
        whoami: _,
        further_whoami: _,
        identity: _,
        token_params: _,
        token_headers: _,
        token_path: _,
        exchange: _,
        rename: _,
        callback_names: _,
        vars: _,
        oidc: _,
        vault: _,
        assertion: _,
        scope_encoding: _,
        callback_keep: _,
        previous_key: _,
        issued_by: _,
        // In the first part.
        id: _,
        label: _,
        client_id: _,
        scope: _,
        authorize_url: _,
        token_url: _,
        mapping: _,
        subject: _,
        trusted: _,
        callback_path: _,
        client_auth: _,
        token_request: _,
        pkce: _,
        scope_separator: _,
        authorize_params: _,
        response_mode: _,
        enrich: _,
        merge_by_email: _,
        // No part of it.
        client_secret: _,
        previous_secret: _,
        blocks_webviews: _,
        for_staff: _,
        revision: _,
    } = provider;
}

impl<'a> More<'a> {
    fn of(provider: &'a Provider) -> Self {
        name_all(provider);
        let id_of = |key: &'a Option<PrivateKey>| key.as_ref().and_then(|key| key.id.as_deref());
        Self {
            private_key_id: id_of(&provider.private_key),
            whoami: provider.whoami.as_ref().filter(|call| !is_plain(call)),
            further_whoami: &provider.further_whoami,
            identity: provider.identity,
            token_params: &provider.token_params,
            token_headers: &provider.token_headers,
            token_path: provider.token_path.as_deref(),
            exchange: provider.exchange.as_ref(),
            rename: &provider.rename,
            callback_names: &provider.callback_names,
            vars: &provider.vars,
            oidc: &provider.oidc,
            vault: provider.vault,
            assertion: Some(&provider.assertion).filter(|names| !is_usual(*names)),
            scope_encoding: provider.scope_encoding,
            callback_keep: &provider.callback_keep,
            previous_key_id: id_of(&provider.previous_key),
            issued_by: provider.issued_by.as_ref(),
        }
    }

    /// Whether everything is as if it had been left out.
    fn is_empty(&self) -> bool {
        let Self { private_key_id, whoami, further_whoami, identity, token_params, token_headers, .. } = self;
        let Self { token_path, exchange, rename, callback_names, vars, oidc, vault, .. } = self;
        let Self { assertion, scope_encoding, callback_keep, previous_key_id, issued_by, .. } = self;
        private_key_id.is_none()
            && whoami.is_none()
            && further_whoami.is_empty()
            && *identity == Identity::Whoami
            && token_params.is_empty()
            && token_headers.is_empty()
            && token_path.is_none()
            && exchange.is_none()
            && rename.is_empty()
            && **callback_names == CallbackNames::default()
            && vars.is_empty()
            && !vault
            && assertion.is_none()
            && is_usual(scope_encoding)
            && callback_keep.is_empty()
            && previous_key_id.is_none()
            && issued_by.is_none()
            && **oidc == Oidc { clock_skew: CLOCK_SKEW, ..Oidc::default() }
    }
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
