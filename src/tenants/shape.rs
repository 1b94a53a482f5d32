//! The table of a tenant's file: every setting with its type, default and meaning. The reader,
//! the JSON schema and the documentation are made from it.
//!
//! To add a setting: 1. a line here (take it out of the `Later` ones if it stands there), 2. its
//! reading in the file of its section, 3. `UPDATE_SCHEMA=1 cargo test --test it settings::`,
//! 4. a fixture under `fixtures/settings/`.

use crate::config::client_shape::CLIENT;
use crate::config::shape::{Each, Field, Kind, Names, Need, PLAIN, Table, Text, Words};
use crate::config::text::{DURATION, FIELD_NAME, HOST, LOCALE, ORIGIN, SCOPE, SECRET_HASH, SLUG, TAG};
use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;

use super::{accounts, customers, provider, staff, webhooks};

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
            Kind::List(&Kind::Table(&provider::shape::SHAPE)),
            "The tenant's OAuth servers, at least one.",
        ),
        optional(
            "snippet",
            Kind::List(&Kind::Table(&SNIPPET)),
            "Saved wordings of the message that carries the link.",
        ),
        optional("return", Kind::Table(&RETURN), RETURN.doc),
        optional("webchat", Kind::Table(&WEBCHAT), WEBCHAT.doc),
        optional("client", Kind::List(&Kind::Table(&CLIENT)), "Bots and apps that get tokens from us."),
        optional("registration", Kind::Table(&REGISTRATION), REGISTRATION.doc),
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
        optional("channel", Kind::Table(&accounts::SHAPE), accounts::SHAPE.doc),
        with_default(
            "simulator",
            Kind::Flag,
            "false",
            "Whether staff may play the customer in a simulated chat: for trying things, without a messaging platform. \
             Whoever uses it plays both sides, so a business with real customers leaves it off.",
        ),
        optional(
            "staff",
            Kind::List(&Kind::Table(&staff::SHAPE)),
            "Who may use the pages of this tenant, at most 500.",
        ),
        optional("customers", Kind::Table(&customers::CUSTOMERS), customers::CUSTOMERS.doc),
        optional(
            "website",
            Kind::List(&Kind::Table(&customers::WEBSITE)),
            "Websites on which customers sign in by an emailed code, at most 50.",
        ),
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

static REGISTRATION: Table = Table {
    doc: "Lets apps become clients by themselves (RFC 7591), with an initial access token. Only where the tenant stands in no \
          file; left out, nobody registers.",
    fields: &[
        required(
            "token_hash",
            text(&SECRET_HASH),
            "The argon2id hash of the initial access token, as `countersign secret hash` prints it.",
        ),
        with_default(
            "scopes",
            Kind::List(&Kind::Text(&SCOPE)),
            "",
            "The most that such a client may ask for. Scopes of our API do not belong here.",
        ),
    ],
    each: None,
};

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

static WEBCHAT: Table = Table {
    doc: "The web pages that hold the tenant's chat, for the sign-in card of `/embed/chat.js`.",
    fields: &[with_default(
        "origins",
        Kind::List(&Kind::Text(&ORIGIN)),
        "",
        "The origins of these pages, as browsers write them, at most 20. A sign-in that begins in a chat on one of them \
         proves that the same browser holds both (`browser`); from anywhere else it needs the code. Whatever stands on \
         such an origin is trusted with that: list none that others may write on. Example: `https://www.acme.example`.",
    )],
    each: None,
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
