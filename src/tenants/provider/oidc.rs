//! What belongs to OpenID Connect.

use serde_json::Value;
use toml::de::DeValue;

use crate::config::fault::Report;
use crate::config::node::Spot;
use crate::config::words::quoted;
use crate::domain::provider::Identity;
use crate::domain::provider::oidc::{Announced, CLOCK_SKEW, LoginHint, Oidc};
use crate::tenants::rules::json;

use super::Reading;

const ANNOUNCED: &[(&str, Announced)] =
    &[("auto", Announced::Auto), ("required", Announced::Required), ("off", Announced::Off)];
/// Settings that mean nothing for a login without id_token.
const OF_ID_TOKEN: [&str; 5] = ["id_token_algs", "clock_skew", "max_age", "acr_values", "claims"];

/// Reads the settings; what is wrong goes into the report.
pub(super) fn read(reading: &Reading<'_>, identity: Identity, report: &mut Report) -> Oidc {
    let node = reading.node;
    check(reading, identity, report);
    let words = |name: &str| node.texts(name).iter().map(|word| word.value.to_owned()).collect();
    let hint = |hint: Spot<&str>| match hint.value {
        "handle" => LoginHint::Handle,
        fixed => LoginHint::Fixed(fixed.to_owned()),
    };
    Oidc {
        issuer: issuer(reading, report),
        jwks_url: reading.url("jwks_url", report),
        id_token_algs: words("id_token_algs"),
        userinfo_alg: node.text("userinfo_alg").map(|alg| alg.value.to_owned()),
        clock_skew: count(reading, "clock_skew").unwrap_or(CLOCK_SKEW),
        max_age: count(reading, "max_age"),
        acr_values: words("acr_values"),
        prompt: node.text("prompt").map(|prompt| prompt.value.to_owned()),
        login_hint: node.text("login_hint").map(hint),
        claims: claims(reading, report),
        iss: node.word("iss", ANNOUNCED).unwrap_or_default(),
        par: node.word("par", ANNOUNCED).unwrap_or_default(),
    }
}

/// Checks that what needs an id_token can have one.
fn check(reading: &Reading<'_>, identity: Identity, report: &mut Report) {
    let node = reading.node;
    let has_keys = node.has("issuer") || node.has("jwks_url");
    let asks = node.text("scope").is_some_and(|scope| scope.value.split(' ').any(|word| word == "openid"));
    let spot = |name: &str| node.raw(name).map_or_else(|| node.span(), toml::Spanned::span);
    if matches!(identity, Identity::IdToken | Identity::AccessToken) && !has_keys {
        report.fault(
            spot("identity"),
            "nothing says whose signature a token must have",
            "add `issuer`, or `jwks_url` with the provider's keys",
        );
    }
    if let Some(keys) = node.raw("jwks_url").filter(|_| !node.has("issuer"))
        && (asks || identity != Identity::Whoami || node.has("userinfo_alg"))
    {
        let message = "`jwks_url` says whose keys sign, but nothing says who must have issued a token";
        report.fault(keys.span(), message, "add `issuer`, exactly as it stands in the tokens' `iss`");
    }
    if has_keys && !asks && identity == Identity::IdToken {
        report.warn(
            spot("identity"),
            "most providers send an id_token only for the scope `openid`",
            "write `scope = \"openid …\"`",
        );
    }
    if let Some(alg) = node.text("userinfo_alg").filter(|_| !has_keys) {
        report.fault(
            alg.span,
            "nothing says whose signature the UserInfo answer must have",
            "add `issuer` or `jwks_url`",
        );
    }
    if !(has_keys && (asks || identity == Identity::IdToken)) {
        for name in OF_ID_TOKEN {
            if let Some(value) =
                node.raw(name).filter(|_| name != "clock_skew" || identity != Identity::AccessToken)
            {
                let message = format!("{} means nothing for a login without id_token", quoted(name));
                report.warn(value.span(), message, "add `issuer` and the scope `openid`, or take it away");
            }
        }
    }
    for name in ["iss", "par"] {
        if let Some(word) = node.text(name).filter(|word| word.value == "required" && !node.has("issuer")) {
            let message = format!("`{name}` is required, but nothing says what it is");
            report.fault(word.span, message, "add `issuer`");
        }
    }
}

/// The issuer is compared byte for byte, so it is kept as it is written.
fn issuer(reading: &Reading<'_>, report: &mut Report) -> Option<String> {
    let url = reading.url("issuer", report)?;
    let issuer = reading.node.text("issuer")?;
    if url.query().is_some() {
        report.fault(
            issuer.span,
            "an issuer has no query (OIDC Discovery, 3)",
            "take away `?` and what follows",
        );
        return None;
    }
    Some(issuer.value.to_owned())
}

fn claims(reading: &Reading<'_>, report: &mut Report) -> Option<Value> {
    let value = reading.node.raw("claims").filter(|claims| claims.get_ref().is_table())?;
    match json(value, 0) {
        Ok(claims) => Some(claims),
        Err((span, problem)) => {
            report.fault(span, problem, "write what JSON can hold");
            None
        }
    }
}

fn count(reading: &Reading<'_>, name: &str) -> Option<u32> {
    match reading.node.raw(name)?.get_ref() {
        DeValue::Integer(count) => u32::from_str_radix(count.as_str(), count.radix()).ok(),
        _ => None,
    }
}
