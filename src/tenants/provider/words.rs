//! The words that settings of a provider may be.

use crate::config::shape::Words;
use crate::domain::algorithm::Algorithm;
use crate::preset;

pub(super) static TRUSTED: Words =
    Words { what: "a field that can be trusted", known: || vec!["email", "phone"], later: &[] };

pub(super) static CALLBACK_PATHS: Words =
    Words { what: "a callback path", known: || vec!["bare", "named"], later: &[] };

pub(super) static CLIENT_AUTHS: Words = Words {
    what: "a way to authenticate",
    known: || {
        vec![
            "auto",
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "signed_secret",
            "none",
            "secret_as_user",
        ]
    },
    later: &[],
};

pub(super) static SCOPE_ENCODINGS: Words =
    Words { what: "an encoding of the separator", known: || vec!["percent", "bare"], later: &[] };

pub(super) static TOKEN_REQUESTS: Words =
    Words { what: "a form of the token request", known: || vec!["form", "json", "query"], later: &[] };

pub(super) static PKCES: Words = Words { what: "a PKCE method", known: || vec!["S256", "off"], later: &[] };

pub(super) static RESPONSE_MODES: Words =
    Words { what: "a response mode", known: || vec!["query", "form_post"], later: &[] };

pub(super) static POLICIES: Words = Words {
    what: "an enrichment policy",
    known: || vec!["fill", "overwrite", "suggest", "ignore"],
    later: &[],
};

pub(super) static IDENTITIES: Words = Words {
    what: "a source of the person's data",
    known: || vec!["whoami", "id_token", "access_token", "token_response"],
    later: &[],
};

pub(super) static WHOAMI_METHODS: Words =
    Words { what: "a method", known: || vec!["GET", "POST"], later: &[] };

pub(super) static ANNOUNCED: Words =
    Words { what: "a choice", known: || vec!["auto", "required", "off"], later: &[] };

pub(super) static ALGORITHMS: Words = Words {
    what: "a signature algorithm",
    known: || Algorithm::ALL.map(Algorithm::as_str).to_vec(),
    later: &[],
};

pub(super) static RENAMED: Words = Words {
    what: "a parameter that can be renamed",
    known: || {
        vec![
            "client_id",
            "client_secret",
            "code",
            "code_challenge",
            "code_challenge_method",
            "code_verifier",
            "grant_type",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
        ]
    },
    later: &[],
};

pub(super) static CALLBACK_RENAMED: Words =
    Words { what: "a parameter of the callback", known: || vec!["code", "state"], later: &[] };

pub(super) static PRESETS: Words =
    Words { what: "a preset", known: || preset::all().iter().map(|preset| preset.id).collect(), later: &[] };
