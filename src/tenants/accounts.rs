//! `[channel]`: the tenant's accounts at messaging channels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::shape::{Field, Kind, PLAIN, Table, Words};
use crate::config::text::{ACCOUNT_ID, MESSAGE_VERSION};
use crate::domain::accounts::{Accounts, AppleBusiness, AppleFlow, AppleProof, MetaAccount};
use crate::domain::ids::TenantId;
use crate::secret::Secret;

use super::shape::{optional, required, text, with_default};
use super::{ReadContext, secrets, urls};

/// The table of all of them.
pub static SHAPE: Table = Table {
    doc: "The tenant's accounts at messaging channels: for sign-ins that the channel itself vouches for, and for \
          webhooks that come from the channel and not from the platform.",
    fields: &[
        optional("apple", Kind::Table(&APPLE), APPLE.doc),
        optional("messenger", Kind::Table(&MESSENGER), MESSENGER.doc),
        optional("instagram", Kind::Table(&INSTAGRAM), INSTAGRAM.doc),
        optional("whatsapp", Kind::Table(&WHATSAPP), WHATSAPP.doc),
    ],
    each: None,
};

/// Where Apple's gateway is.
const GATEWAY: &str = "https://mspgw.push.apple.com/v1";
/// Where the Graph API is.
const GRAPH: &str = "https://graph.facebook.com/v25.0";
/// What stands in Apple's register if the tenant does not say.
const CLIENT_ID: &str = "countersign";
/// The version of a message by which a phone knows the newer flow.
const VERSION: &str = "2.0";

static FLOWS: Words =
    Words { what: "a flow", known: || AppleFlow::ALL.iter().map(|flow| flow.as_str()).collect(), later: &[] };

static PROOFS: Words = Words {
    what: "a proof",
    known: || AppleProof::ALL.iter().map(|proof| proof.as_str()).collect(),
    later: &[],
};

static APPLE: Table = Table {
    doc: "Apple Messages for Business (docs/apple.md). With it a sign-in opens in a sheet over the chat, and Apple \
          vouches for who it was.",
    fields: &[
        required("business_id", text(&ACCOUNT_ID), "The business id: the `Source-Id` of its messages."),
        required(
            "msp_id",
            text(&ACCOUNT_ID),
            "The id of the messaging service provider that Apple posts messages to: the audience of Apple's tokens.",
        ),
        required(
            "secret",
            Kind::Secret,
            "The secret that Apple shows beside it, in base64: where to find it.",
        ),
        with_default(
            "flow",
            Kind::Word(&FLOWS),
            "v2",
            "Which sign-in: `v2` the newer one (iOS 16), `v1` the older one, which Apple has deprecated, `auto` the newer \
             one where the device says `auth2`, else the older one.",
        ),
        with_default(
            "proof",
            Kind::Word(&PROOFS),
            "number",
            "What a reply to the newer sign-in must bring: `number` the number that our last page told the sheet, \
             `status` the word `success` alone, which a customer can also make a sheet say after somebody else signed in \
             (docs/apple.md).",
        ),
        with_default(
            "message_version",
            text(&MESSAGE_VERSION),
            VERSION,
            "The version of a message of the newer sign-in: the phone takes everything from 2 for one.",
        ),
        with_default(
            "client_id",
            text(&ACCOUNT_ID),
            CLIENT_ID,
            "The client identifier that stands in Apple's register, beside our OAuth URL and Token URL.",
        ),
        with_default(
            "gateway",
            text(&PLAIN),
            GATEWAY,
            "Apple's gateway, from which a reply is fetched that is too big for a webhook.",
        ),
    ],
    each: None,
};

static MESSENGER: Table = Table {
    doc: "A page in Messenger. With a page token a sign-in begins with Meta's own *Log In* button, and Meta vouches for \
          who it was (account linking).",
    fields: &[
        required("page_id", text(&ACCOUNT_ID), "The page's id."),
        APP_SECRET,
        VERIFY_TOKEN,
        optional(
            "page_token",
            Kind::Secret,
            "The page's access token, by which Meta says who pressed *Log In*: where to find it. Without it the message \
             has a plain button.",
        ),
        with_default("graph", text(&PLAIN), GRAPH, "Meta's Graph API with its version."),
    ],
    each: None,
};

static INSTAGRAM: Table = Table {
    doc: "A professional account at Instagram.",
    fields: &[
        required("account_id", text(&ACCOUNT_ID), "The account's id, as its webhooks name it."),
        APP_SECRET,
        VERIFY_TOKEN,
    ],
    each: None,
};

static WHATSAPP: Table = Table {
    doc: "A phone number at WhatsApp.",
    fields: &[
        required("phone_number_id", text(&ACCOUNT_ID), "The number's id, as its webhooks name it."),
        APP_SECRET,
        VERIFY_TOKEN,
        optional(
            "template",
            text(&ACCOUNT_ID),
            "The name of a template that Meta approved, for when 24 hours have passed since the customer wrote. Its one \
             URL button leads to `https://<host>/a/{{1}}`.",
        ),
        with_default(
            "template_language",
            text(&ACCOUNT_ID),
            "en",
            "The template's language as Meta writes it.",
        ),
    ],
    each: None,
};

/// What every app at Meta has.
const APP_SECRET: Field =
    required("app_secret", Kind::Secret, "What signs the webhooks of the app: where to find it.");
const VERIFY_TOKEN: Field = optional(
    "verify_token",
    Kind::Secret,
    "What you tell Meta beside the address of the webhook, so that it believes the address is ours: where to find it. Left \
     out, Meta's question is not answered.",
);

/// Reads `[channel]`; what is wrong goes into the report.
pub fn read(root: &Node<'_>, tenant: &TenantId, context: &ReadContext<'_>, report: &mut Report) -> Accounts {
    let Some(node) = root.table("channel") else { return Accounts::default() };
    let mut reader = Reader { tenant, context, report };
    Accounts {
        apple: node.table("apple").and_then(|node| reader.apple(&node)),
        messenger: node.table("messenger").and_then(|node| reader.meta(&node, "page_id")),
        instagram: node.table("instagram").and_then(|node| reader.meta(&node, "account_id")),
        whatsapp: node.table("whatsapp").and_then(|node| reader.meta(&node, "phone_number_id")),
    }
}

struct Reader<'r, 'c> {
    tenant: &'r TenantId,
    context: &'r ReadContext<'c>,
    report: &'r mut Report,
}

impl Reader<'_, '_> {
    fn apple(&mut self, node: &Node<'_>) -> Option<AppleBusiness> {
        let secret = self.base64(node, "secret");
        let gateway = self.url(node, "gateway", GATEWAY);
        let word = |name: &str| node.text(name).map(|text| text.value.to_owned());
        let flow =
            word("flow").and_then(|word| AppleFlow::ALL.into_iter().find(|flow| flow.as_str() == word));
        if let (Some(AppleFlow::Older), Some(spot)) = (flow, node.text("flow")) {
            let help = "write `v2`, or `auto` while some customers have phones before iOS 16";
            self.report.warn(spot.span, "`v1` is deprecated: Apple may take it away", help);
        }
        let proof =
            word("proof").and_then(|word| AppleProof::ALL.into_iter().find(|proof| proof.as_str() == word));
        if let (Some(AppleProof::Status), Some(spot)) = (proof, node.text("proof")) {
            let help =
                "write `number`, unless Apple's bubbles then say that the sign-in failed (docs/apple.md)";
            self.report.warn(
                spot.span,
                "with `status` a message that was forwarded can verify its sender",
                help,
            );
        }
        Some(AppleBusiness {
            business_id: word("business_id")?,
            platform_id: word("msp_id")?,
            secret: secret?,
            flow: flow.unwrap_or_default(),
            proof: proof.unwrap_or_default(),
            version: word("message_version").unwrap_or_else(|| VERSION.to_owned()),
            client_id: word("client_id").unwrap_or_else(|| CLIENT_ID.to_owned()),
            gateway: gateway?,
        })
    }

    fn meta(&mut self, node: &Node<'_>, id: &str) -> Option<MetaAccount> {
        let app_secret = secrets::take(node, "app_secret", self.context, self.report);
        let verify_token = secrets::take(node, "verify_token", self.context, self.report);
        let access_token = secrets::take(node, "page_token", self.context, self.report);
        let graph = self.url(node, "graph", GRAPH);
        let word = |name: &str| node.text(name).map(|text| text.value.to_owned());
        let language = word("template_language").unwrap_or_else(|| "en".to_owned());
        let template = word("template").map(|name| (name, language));
        let (id, app_secret, graph) = (word(id)?, app_secret?, graph?);
        Some(MetaAccount { id, app_secret, verify_token, access_token, graph, template })
    }

    fn base64(&mut self, node: &Node<'_>, name: &str) -> Option<Secret> {
        let secret = secrets::take(node, name, self.context, self.report)?;
        let decoded = STANDARD.decode(secret.expose().trim()).map(zeroize::Zeroizing::new);
        if decoded.is_ok_and(|bytes| !bytes.is_empty()) {
            return Some(secret);
        }
        let span = node.raw(name).map_or_else(|| node.span(), toml::Spanned::span);
        self.report.fault(span, "the secret is not base64", "copy it from Apple as it stands there");
        None
    }

    fn url(&mut self, node: &Node<'_>, name: &str, default: &str) -> Option<Url> {
        if node.has(name) {
            return urls::take(node, name, self.tenant, self.context, self.report);
        }
        Some(default.parse().expect("the default is a URL"))
    }
}
