//! The table of a tenant's file: every setting with its type, default and meaning. The reader,
//! the JSON schema and the documentation are made from it.
//!
//! To add a setting: 1. a line here (take it out of the `Later` ones if it stands there), 2. its
//! reading in the file of its section, 3. `UPDATE_SCHEMA=1 cargo test --test it settings::`,
//! 4. a fixture under `fixtures/settings/`.

use crate::config::settings::CLIENT;
use crate::config::shape::{Each, Field, Kind, Names, Need, PLAIN, Table, Text, Words};
use crate::config::text::{ANY, DURATION, FIELD_NAME, HOST, LOCALE, PARAMETER, SCOPES, SEPARATOR, SLUG, TAG};
use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;

use super::webhooks;

/// A tenant's file, `tenants/<name>.toml`.
pub static SHAPE: Table = Table {
    doc: "A tenant of Countersign. The name of the file is the name of the tenant.",
    fields: &[
        required("name", text(&PLAIN), "What customers read on the pages and in messages."),
        with_default(
            "hosts",
            Kind::List(&Kind::Text(&HOST)),
            "",
            "Extra host names beside the tenant's name under the base domain. The first is canonical: links and \
             redirect URIs use it.",
        ),
        optional("binding", Kind::Table(&BINDING), BINDING.doc),
        required(
            "provider",
            Kind::List(&Kind::Table(&PROVIDER)),
            "The tenant's OAuth servers, at least one.",
        ),
        optional(
            "snippet",
            Kind::List(&Kind::Table(&SNIPPET)),
            "Saved wordings of the message that carries the link.",
        ),
        optional("return", Kind::Table(&RETURN), RETURN.doc),
        optional("client", Kind::List(&Kind::Table(&CLIENT)), "Bots and apps that may call the API."),
        optional(
            "rule",
            Kind::List(&Kind::Table(&RULE)),
            "What a sign-in tells the platform beside the profile, e.g. a queue. In order; later rules win.",
        ),
        optional(
            "webhook",
            Kind::List(&Kind::Table(&webhooks::SHAPE)),
            "Where events are sent, at most 20 places.",
        ),
        later("staff"),
    ],
    each: None,
};

pub(super) const fn text(form: &'static Text) -> Kind {
    Kind::Text(form)
}

pub(super) const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, need: Need::Required, doc }
}

pub(super) const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, need: Need::Optional, doc }
}

pub(super) const fn with_default(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Field {
    Field { name, kind, need: Need::Default(default), doc }
}

const fn later(name: &'static str) -> Field {
    Field { name, kind: Kind::Later, need: Need::Optional, doc: "Reserved for a later version." }
}

static BINDING: Table = Table {
    doc: "What the chat must prove before a sign-in counts.",
    fields: &[
        optional(
            "minimum",
            Kind::Word(&BINDINGS),
            "For every channel without a line of its own. Left out: `browser` for web chat, `code` for all others. \
             `none` proves nothing: whoever gets hold of the link signs in as the person in the chat.",
        ),
        with_default("lasts", text(&DURATION), "12h", "How long a conversation stays verified."),
    ],
    each: Some(Each {
        names: Names::Words(&CHANNELS),
        kind: &Kind::Word(&BINDINGS),
        doc: "What this channel must prove.",
    }),
};

static BINDINGS: Words = Words {
    what: "a binding",
    known: || Binding::ALL.iter().map(|binding| binding.as_str()).collect(),
    later: &[],
};

static CHANNELS: Words = Words {
    what: "a channel",
    known: || Channel::ALL.iter().map(|channel| channel.as_str()).collect(),
    later: &[],
};

static PROVIDER: Table = Table {
    doc: "An OAuth server of the tenant.",
    fields: &[
        required("id", text(&SLUG), "Its name in the tenant; API calls and callback paths use it."),
        optional(
            "label",
            text(&PLAIN),
            "What the customer reads before going there; without it the tenant's name.",
        ),
        required("client_id", text(&PLAIN), "Our name at the provider."),
        optional(
            "client_secret",
            Kind::Secret,
            "Our secret there: where to find it. Left out only with `client_auth = \"none\"`.",
        ),
        optional("scope", text(&SCOPES), "What we ask for, with spaces between scopes."),
        required("authorize_url", text(&PLAIN), "Where the customer's browser is sent to sign in."),
        required("token_url", text(&PLAIN), "Where the code is exchanged for a token."),
        optional(
            "whoami_url",
            text(&PLAIN),
            "Who it was. Without it a login proves authentication only, and no contact is enriched.",
        ),
        optional(
            "mapping",
            Kind::Either(&[Kind::Text(&PLAIN), Kind::Table(&MAPPING)]),
            "From the WhoAmI answer to fields: one JMESPath expression that gives an object, or a table with an expression per field. \
             Without it the usual formats are understood.",
        ),
        optional(
            "subject",
            text(&PLAIN),
            "The JMESPath expression of what identifies the person for good. Without it the first of `sub`, `userId`, `id`, `userName`, `email`.",
        ),
        with_default(
            "trusted",
            Kind::List(&Kind::Word(&TRUSTED)),
            "",
            "Fields that count as verified although the provider sends no flag.",
        ),
        with_default(
            "callback_path",
            Kind::Word(&CALLBACK_PATHS),
            "bare",
            "Whether the callback paths end with the provider's id (`named`) or not (`bare`, for one provider per tenant). Fixed once it is registered.",
        ),
        with_default(
            "client_auth",
            Kind::Word(&CLIENT_AUTHS),
            "auto",
            "How we say who we are at the token endpoint.",
        ),
        with_default("token_request", Kind::Word(&TOKEN_REQUESTS), "form", "The form of the token request."),
        with_default("pkce", Kind::Word(&PKCES), "S256", "PKCE; `off` only for providers that reject it."),
        with_default(
            "scope_separator",
            text(&SEPARATOR),
            " ",
            "What stands between two scopes in the authorization request.",
        ),
        optional("authorize_params", Kind::Table(&AUTHORIZE_PARAMS), AUTHORIZE_PARAMS.doc),
        with_default(
            "response_mode",
            Kind::Word(&RESPONSE_MODES),
            "query",
            "How the provider sends the customer back.",
        ),
        optional("enrich", Kind::Table(&ENRICH), ENRICH.doc),
        with_default(
            "merge_by_email",
            Kind::Flag,
            "false",
            "Whether somebody who signs in here for the first time joins the contact that has the same email, instead \
             of getting a contact of their own. Both sides must be verified: this sign-in's email (by the provider's \
             flag or `trusted`), or whoever types somebody else's address at the provider would take over that \
             contact; and the contact's, or whoever had written somebody else's address into their own contact \
             would wait there for the real owner's data.",
        ),
        later("issuer"),
        later("preset"),
        later("vars"),
        later("private_key"),
        later("private_key_id"),
        later("token_params"),
        later("token_headers"),
        later("whoami_params"),
        later("whoami_headers"),
        later("rename"),
        later("callback_rename"),
        later("token_path"),
        later("exchange_url"),
        later("exchange_params"),
        later("whoami_auth"),
        later("whoami_method"),
        later("whoami"),
        later("identity"),
        later("id_token_algs"),
        later("clock_skew"),
        later("max_age"),
        later("acr_values"),
        later("prompt"),
        later("login_hint"),
        later("claims"),
        later("iss"),
        later("par"),
        later("jwks_url"),
        later("userinfo_alg"),
    ],
    each: None,
};

static MAPPING: Table = Table {
    doc: "An expression per field.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Text(&PLAIN),
        doc: "The JMESPath expression of this field.",
    }),
};

static AUTHORIZE_PARAMS: Table = Table {
    doc: "Fixed parameters that are added to the authorization request.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&PARAMETER),
        kind: &Kind::Text(&ANY),
        doc: "The parameter's value.",
    }),
};

static ENRICH: Table = Table {
    doc: "What a sign-in may do to each field of the contact.",
    fields: &[with_default(
        "required",
        Kind::List(&Kind::Text(&FIELD_NAME)),
        "",
        "Fields without which a login fails.",
    )],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Word(&POLICIES),
        doc: "`fill` an empty field (the default), `overwrite` it, `suggest` the value to a person, or `ignore` it.",
    }),
};

static RULE: Table = Table {
    doc: "If its condition is met, its fields go into the event, the link and the conversation.",
    fields: &[
        required(
            "when",
            text(&PLAIN),
            "A JMESPath expression over `profile`, `whoami`, `claims` and `conversation`. Null, false and what is empty \
             count as no, and so does an expression that cannot be evaluated on an answer: a rule never fails a login.",
        ),
        required("set", Kind::Table(&RULE_SET), RULE_SET.doc),
    ],
    each: None,
};

static RULE_SET: Table = Table {
    doc: "What is set then: fixed values.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&FIELD_NAME),
        kind: &Kind::Literal,
        doc: "The field's value: a text, a number, true or false, or a list or table of these.",
    }),
};

static SNIPPET: Table = Table {
    doc: "A saved wording of the message that carries the link.",
    fields: &[
        required("id", text(&SLUG), "Its name in the tenant."),
        optional("tag", text(&TAG), "What an agent types to find it, e.g. `/auth`."),
        optional("text", Kind::Table(&WORDING), WORDING.doc),
    ],
    each: Some(Each {
        names: Names::Words(&CHANNELS),
        kind: &Kind::Table(&CHANNEL_WORDING),
        doc: "This channel's own wording.",
    }),
};

static CHANNEL_WORDING: Table = Table {
    doc: "A channel's own wording.",
    fields: &[required("text", Kind::Table(&WORDING), WORDING.doc)],
    each: None,
};

static WORDING: Table = Table {
    doc: "The wording per language. `{link}` must stand in it; `{tenant}` and `{provider}` may.",
    fields: &[],
    each: Some(Each {
        names: Names::Like(&LOCALE),
        kind: &Kind::Text(&PLAIN),
        doc: "The wording in this language.",
    }),
};

static RETURN: Table = Table {
    doc: "Where *Back to the chat* leads, per channel: a web address or an address of the channel's app.",
    fields: &[],
    each: Some(Each {
        names: Names::Words(&CHANNELS),
        kind: &Kind::Text(&PLAIN),
        doc: "The link for this channel.",
    }),
};

static TRUSTED: Words =
    Words { what: "a field that can be trusted", known: || vec!["email", "phone"], later: &[] };

static CALLBACK_PATHS: Words = Words { what: "a callback path", known: || vec!["bare", "named"], later: &[] };

static CLIENT_AUTHS: Words = Words {
    what: "a way to authenticate",
    known: || vec!["auto", "client_secret_basic", "client_secret_post", "none"],
    later: &["client_secret_jwt", "private_key_jwt", "secret_as_user"],
};

static TOKEN_REQUESTS: Words =
    Words { what: "a form of the token request", known: || vec!["form", "json"], later: &["query"] };

static PKCES: Words = Words { what: "a PKCE method", known: || vec!["S256", "off"], later: &[] };

static RESPONSE_MODES: Words =
    Words { what: "a response mode", known: || vec!["query", "form_post"], later: &[] };

static POLICIES: Words = Words {
    what: "an enrichment policy",
    known: || vec!["fill", "overwrite", "suggest", "ignore"],
    later: &[],
};
