//! The table of `[[provider]]`: every setting of an OAuth server, with its type, default and
//! meaning (DESIGN §4). To add one see [`crate::tenants::shape`].

use crate::config::shape::{Kind, PLAIN, Table};
use crate::config::text::{PARAMETER, SCOPES, SEPARATOR, SLUG, TOKEN_PLACE};
use crate::tenants::shape::{optional, required, text, with_default};

use super::tables::{
    AUTHORIZE_PARAMS, CALLBACK_RENAME, CLAIMS, ENRICH, EXCHANGE_PARAMS, FIXED_HEADERS, FIXED_PARAMS, MAPPING,
    RENAME, TOKEN_PLACE_DOC, TOKEN_URLS, VARS, WHOAMI,
};
use super::words::{
    ALGORITHMS, ANNOUNCED, CALLBACK_PATHS, CLIENT_AUTHS, IDENTITIES, PKCES, PRESETS, RESPONSE_MODES,
    SCOPE_ENCODINGS, TOKEN_REQUESTS, TRUSTED, WHOAMI_METHODS,
};

/// The table of a provider.
pub static SHAPE: Table = Table {
    doc: "An OAuth server of the tenant.",
    fields: &[
        required(
            "id",
            text(&SLUG),
            "Its name in the tenant; API calls and callback paths use it. Example: `acme`.",
        ),
        optional(
            "label",
            text(&PLAIN),
            "What the customer reads before going there; without it the tenant's name. Example: `Acme online banking`.",
        ),
        required("client_id", text(&PLAIN), "Our name at the provider. Example: `acme-messaging`."),
        optional(
            "client_secret",
            Kind::Secret,
            "Our secret there; a file says where to find it. Left out only with `client_auth = \"none\"`, `\"private_key_jwt\"` or \
             `\"signed_secret\"`.",
        ),
        optional(
            "client_secret_previous",
            Kind::Secret,
            "While the secret is replaced, the one before: it is tried when the provider refuses the other one.",
        ),
        optional(
            "private_key",
            Kind::Secret,
            "For `client_auth = \"private_key_jwt\"` and `\"signed_secret\"`: our private key, a PEM or a JWK; a file says where \
             to find it.",
        ),
        optional("private_key_id", text(&PLAIN), "Its `kid` at the provider. Example: `2026-key`."),
        optional(
            "private_key_previous",
            Kind::Secret,
            "While the key is replaced, the one before: it is tried when the provider refuses what the other one signs.",
        ),
        optional("private_key_previous_id", text(&PLAIN), "The `kid` of that one. Example: `2025-key`."),
        optional(
            "assertion_issuer",
            text(&PLAIN),
            "Who signs, the `iss` of what our key signs, where that is not the client id: Apple wants the team's id. Example: \
             `DEF123GHIJ`.",
        ),
        optional(
            "assertion_audience",
            text(&PLAIN),
            "Whom it is for, its `aud`. Left out: the token endpoint; of a signed secret the provider's issuer. Example: \
             `https://login.acme.example`.",
        ),
        optional(
            "scope",
            text(&SCOPES),
            "What we ask for, with spaces between scopes. Example: `openid profile email`.",
        ),
        optional(
            "authorize_url",
            text(&PLAIN),
            "Where the customer's browser is sent to sign in. Left out only where `issuer` or `preset` says it. Example: `https://login.acme.example/authorize`.",
        ),
        optional(
            "token_url",
            text(&PLAIN),
            "Where the code is exchanged for a token. Left out only where `issuer` or `preset` says it. Example: `https://login.acme.example/token`.",
        ),
        optional(
            "whoami_url",
            text(&PLAIN),
            "Who it was. `{name}` in the path, the query or as the first label of the host is a value of the token \
             answer. Without it the issuer's UserInfo endpoint is asked; without that a login proves authentication \
             only, and no contact is enriched. Example: `https://api.acme.example/me`.",
        ),
        optional(
            "mapping",
            Kind::Either(&[Kind::Text(&PLAIN), Kind::Table(&MAPPING)]),
            "From the WhoAmI answer to fields: one JMESPath expression that gives an object, or a table with an expression per field. \
             Without it the usual formats are understood. Example: `{email: user.email, fullName: user.name}`.",
        ),
        optional(
            "subject",
            text(&PLAIN),
            "The JMESPath expression of what identifies the person for good. Without it the first of `sub`, `userId`, `id`, `userName`, `email`. Example: `user.id`.",
        ),
        with_default(
            "trusted",
            Kind::List(&Kind::Word(&TRUSTED)),
            "",
            "Fields that count as verified although the provider sends no flag. Example: `email`.",
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
            "What stands between two scopes in the authorization request. Example: `,`.",
        ),
        with_default(
            "scope_encoding",
            Kind::Word(&SCOPE_ENCODINGS),
            "percent",
            "How the separator stands in the address: percent-encoded, or `bare` for servers that split the text before they \
             decode it.",
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
        with_default(
            "vault",
            Kind::Flag,
            "false",
            "Whether access and refresh token of a sign-in are kept, sealed, for as long as its conversation is \
             verified, so that a client with the scope `read:provider_tokens` can call your own API for this customer \
             (`POST /v1/contacts/{id}/provider-token`). Leave it off unless somebody does.",
        ),
        with_default(
            "blocks_webviews",
            Kind::Flag,
            "false",
            "Whether the provider signs nobody in inside of an app's own browser (Google answers there with \
             `disallowed_useragent`). The landing page then leads the customer into the phone's own browser first.",
        ),
        optional(
            "issuer",
            text(&PLAIN),
            "The OpenID provider's issuer, exactly as it names itself: its metadata fill in what is left out. With the \
             scope `openid` every login has a verified id_token. Example: `https://login.acme.example`.",
        ),
        with_default(
            "identity",
            Kind::Word(&IDENTITIES),
            "whoami",
            "Where the person's data come from: the WhoAmI answer, the claims of the verified `id_token`, those of an \
             `access_token` that is a JWT, or the `token_response` itself.",
        ),
        optional(
            "token_params",
            Kind::Table(&FIXED_PARAMS),
            "Fixed parameters of the token request. Example: `audience = https://api.acme.example`.",
        ),
        optional(
            "token_headers",
            Kind::Table(&FIXED_HEADERS),
            "Fixed headers of the token request. Example: `X-Api-Version = 2`.",
        ),
        optional(
            "token_path",
            text(&PLAIN),
            "The JMESPath expression of the object in the token answer that holds `access_token`. Example: `data`.",
        ),
        optional(
            "exchange_url",
            text(&PLAIN),
            "A second exchange after the first, e.g. for a token that lives longer. Example: `https://login.acme.example/exchange`.",
        ),
        optional(
            "exchange_params",
            Kind::Table(&EXCHANGE_PARAMS),
            "What the second exchange sends. `{access_token}`, `{client_id}` and `{client_secret}` stand for their values. \
             Example: `access_token = {access_token}`.",
        ),
        optional("rename", Kind::Table(&RENAME), RENAME.doc),
        optional("callback_rename", Kind::Table(&CALLBACK_RENAME), CALLBACK_RENAME.doc),
        optional(
            "callback_keep",
            Kind::List(&Kind::Text(&PARAMETER)),
            "Parameters of the callback that WhoAmI URLs may repeat as `{name}`, in the path and the query; at most 8. They \
             come through the customer's browser, so that no mapping sees them. Example: `realmId`.",
        ),
        optional(
            "token_url_from",
            Kind::Text(&PARAMETER),
            "The parameter of the callback that says which server of the provider has issued the code; its values are those \
             of `token_urls`. A callback without it is exchanged at `token_url`, one with another value is refused. \
             Example: `location`.",
        ),
        optional(
            "token_urls",
            Kind::Table(&TOKEN_URLS),
            "Where the code is exchanged, by the value of `token_url_from`; at most 16. Example: \
             `eu = https://accounts.acme.example/oauth/token`.",
        ),
        optional(
            "whoami_params",
            Kind::Table(&FIXED_PARAMS),
            "Fixed parameters of the WhoAmI call. Example: `fields = id,name,email`.",
        ),
        optional(
            "whoami_headers",
            Kind::Table(&FIXED_HEADERS),
            "Fixed headers of the WhoAmI call; `{client_id}` stands for ours. Example: `Client-Id = {client_id}`.",
        ),
        with_default("whoami_auth", text(&TOKEN_PLACE), "bearer", TOKEN_PLACE_DOC),
        with_default("whoami_method", Kind::Word(&WHOAMI_METHODS), "GET", "How the WhoAmI URL is asked."),
        optional("whoami", Kind::List(&Kind::Table(&WHOAMI)), WHOAMI.doc),
        optional(
            "id_token_algs",
            Kind::List(&Kind::Word(&ALGORITHMS)),
            "Signature algorithms of the id_token that are accepted. Left out: those that the issuer's metadata \
             announce, without `HS…`; without metadata `RS256`. Example: `ES256`.",
        ),
        optional(
            "userinfo_alg",
            Kind::Word(&ALGORITHMS),
            "The algorithm of a signed UserInfo answer (`application/jwt`). Left out: the answer is plain JSON.",
        ),
        optional(
            "jwks_url",
            text(&PLAIN),
            "The provider's keys, where no metadata name them. Example: `https://login.acme.example/jwks.json`.",
        ),
        with_default(
            "clock_skew",
            Kind::Count(0, 600),
            "60",
            "How many seconds the provider's clock may be off. Example: `60`.",
        ),
        optional(
            "max_age",
            Kind::Count(0, 31_536_000),
            "How many seconds ago the customer may have signed in at the provider; `0` asks for the password each time. Example: `3600`.",
        ),
        optional(
            "acr_values",
            Kind::List(&Kind::Text(&PLAIN)),
            "Levels of authentication that are asked for, the best first; the id_token must name one of them. Example: `urn:acme:silver`.",
        ),
        optional(
            "prompt",
            text(&PLAIN),
            "What the provider must show: `login`, `consent`, `select_account`, or several with spaces between. Example: `login`.",
        ),
        optional(
            "login_hint",
            text(&PLAIN),
            "Who is expected: `handle` for the customer's address in the chat, or a fixed text. Example: `handle`.",
        ),
        optional("claims", Kind::Table(&CLAIMS), CLAIMS.doc),
        with_default(
            "iss",
            Kind::Word(&ANNOUNCED),
            "auto",
            "Whether the callback must name the issuer (RFC 9207): as the metadata announce, `required`, or `off`.",
        ),
        with_default(
            "par",
            Kind::Word(&ANNOUNCED),
            "auto",
            "Whether the request is pushed to the provider first (RFC 9126): `auto` where the metadata name a place for it, and \
             in the open if that fails and they do not demand it; `required`, also if the client is registered so; or `off`.",
        ),
        optional(
            "preset",
            Kind::Word(&PRESETS),
            "A provider that is known: what is left out here is taken from it. See `docs/presets.md`.",
        ),
        optional(
            "vars",
            Kind::Table(&VARS),
            "Values for the preset's variables. A callback that repeats one must not contradict it. Example: `domain = acme`.",
        ),
    ],
    each: None,
};
