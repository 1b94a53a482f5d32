//! The tables within the table of a provider: parameters, headers, names, calls and claims.

use crate::config::shape::{Each, Kind, Names, PLAIN, Table};
use crate::config::text::{ANY, FIELD_NAME, HEADER, HEADER_VALUE, PARAMETER, TOKEN_PLACE};
use crate::tenants::shape::{optional, required, text, with_default};

use super::words::{CALLBACK_RENAMED, POLICIES, RENAMED, WHOAMI_METHODS};

pub(super) static MAPPING: Table = Table {
    doc: "An expression per field.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Text(&PLAIN),
        doc: "The JMESPath expression of this field.",
    }),
};

pub(super) static AUTHORIZE_PARAMS: Table = Table {
    doc: "Fixed parameters that are added to the authorization request; the value `{nonce}` stands for a fresh one. \
          Example: `access_type = offline`.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&PARAMETER),
        kind: &Kind::Text(&ANY),
        doc: "The parameter's value.",
    }),
};

pub(super) static ENRICH: Table = Table {
    doc: "What a sign-in may do to each field of the contact. Example: `email = overwrite`.",
    fields: &[with_default(
        "required",
        Kind::List(&Kind::Text(&FIELD_NAME)),
        "",
        "Fields without which a login fails. Example: `email`.",
    )],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Word(&POLICIES),
        doc: "`fill` an empty field (the default), `overwrite` it, `suggest` the value to a person, or `ignore` it.",
    }),
};

pub(super) static FIXED_PARAMS: Table = Table {
    doc: "Fixed parameters.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&PARAMETER),
        kind: &Kind::Text(&ANY),
        doc: "The parameter's value; `{client_id}` stands for ours.",
    }),
};

pub(super) static EXCHANGE_PARAMS: Table = Table {
    doc: "Parameters of the second exchange.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&PARAMETER),
        kind: &Kind::Text(&ANY),
        doc: "The parameter's value.",
    }),
};

pub(super) static FIXED_HEADERS: Table = Table {
    doc: "Fixed headers.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&HEADER),
        kind: &Kind::Text(&HEADER_VALUE),
        doc: "The header's value; `{client_id}` stands for ours.",
    }),
};

pub(super) static RENAME: Table = Table {
    doc: "Parameters of the authorization and token requests that the provider names otherwise, as \
          name = theirs. Example: `client_id = appid`.",
    fields: &[],
    each: Some(Each {
        names: Names::Words(&RENAMED),
        kind: &Kind::Text(&PARAMETER),
        doc: "What the provider calls it.",
    }),
};

pub(super) static CALLBACK_RENAME: Table = Table {
    doc: "What the provider calls the parameters of the callback, as name = theirs. Example: `code = auth_code`.",
    fields: &[],
    each: Some(Each {
        names: Names::Words(&CALLBACK_RENAMED),
        kind: &Kind::Text(&PARAMETER),
        doc: "What the provider calls it.",
    }),
};

/// What `whoami_auth` and a further call's `auth` mean.
pub(super) const TOKEN_PLACE_DOC: &str = "Where the access token stands in the call: `bearer`, `scheme:token` (another word than \
                               `Bearer`), `header:X-Name`, `query:access_token` or `body:access_token`. \
                               Example: `bearer`.";

pub(super) static WHOAMI: Table = Table {
    doc: "Further calls with the access token. Each answer stands under its name in the mapping's input. \
          Example: `emails`.",
    fields: &[
        required("name", text(&FIELD_NAME), "Its name in the mapping's input."),
        required("url", text(&PLAIN), "Where; `{name}` is a value of the token answer, as in `whoami_url`."),
        with_default("auth", text(&TOKEN_PLACE), "bearer", TOKEN_PLACE_DOC),
        with_default("method", Kind::Word(&WHOAMI_METHODS), "GET", "How it is asked."),
        optional("params", Kind::Table(&FIXED_PARAMS), "Fixed parameters."),
        optional("headers", Kind::Table(&FIXED_HEADERS), "Fixed headers."),
    ],
    each: None,
};

pub(super) static CLAIMS: Table = Table {
    doc: "The parameter `claims` (OIDC Core, 5.5): what is asked for in the `id_token` and at `userinfo`, each as JSON. \
          Example: `id_token = {\"email\": {\"essential\": true}}`.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Literal,
        doc: "What is asked for there.",
    }),
};

pub(super) static TOKEN_URLS: Table = Table {
    doc: "Token endpoints by what a callback says.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&PARAMETER),
        kind: &Kind::Text(&PLAIN),
        doc: "Where a code of that server is exchanged.",
    }),
};

pub(super) static VARS: Table = Table {
    doc: "Values for a preset's variables.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Text(&PLAIN),
        doc: "The variable's value.",
    }),
};
