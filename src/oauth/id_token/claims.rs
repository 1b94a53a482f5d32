//! The claims of a token whose signature is good: each rule of OpenID Connect Core 1.0, 3.1.3.7 is
//! a function that takes the claims and what they are compared with.

use aws_lc_rs::digest::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

use crate::domain::algorithm::Algorithm;
use crate::oauth::issuer::Issuer;
use crate::oauth::jws;
use crate::oauth::quirk::Quirk;

use super::fault::TokenFault;

/// How old a token without a nonce may be, in seconds.
const OLDEST: i64 = 24 * 60 * 60;
/// How long a subject may be (OpenID Connect Core 1.0, 2), in bytes.
const MAX_SUBJECT: usize = 255;

/// The claims of a token, as a thing that rules are asked of.
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

/// The time in seconds since 1970, and how far a clock may differ, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) second: i64,
    pub(super) skew: i64,
}

impl<'a> Claims<'a> {
    /// A claim that is a text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, TokenFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenFault::ClaimForm(name)),
        }
    }

    /// `iss` is the issuer, byte for byte.
    pub(super) fn check_issuer(&self, issuer: &Issuer) -> Result<(), TokenFault> {
        let iss = self.text("iss")?.ok_or(TokenFault::ClaimMissing("iss"))?;
        let tid = self.0.get("tid").and_then(Value::as_str);
        if issuer.matches(iss, tid) { Ok(()) } else { Err(TokenFault::Issuer) }
    }

    /// `aud` names the client; several audiences need `azp`; `azp`, if it is there, is the client.
    pub(super) fn check_audience(&self, client_id: &str) -> Result<(), TokenFault> {
        let others = self.check_named(client_id)?;
        match self.text("azp")? {
            None if others => Err(TokenFault::AudiencesWithoutParty),
            Some(party) if party != client_id => Err(TokenFault::AuthorizedParty),
            _ => Ok(()),
        }
    }

    /// `aud` names `audience`; tells whether it names others too.
    pub(super) fn check_named(&self, audience: &str) -> Result<bool, TokenFault> {
        match self.0.get("aud") {
            None => Err(TokenFault::ClaimMissing("aud")),
            Some(Value::String(one)) if one == audience => Ok(false),
            Some(Value::Array(all)) if !all.iter().all(Value::is_string) => Err(TokenFault::ClaimForm("aud")),
            Some(Value::Array(all)) if all.iter().any(|one| one == audience) => {
                Ok(all.iter().any(|one| one != audience))
            }
            Some(Value::String(_) | Value::Array(_)) => Err(TokenFault::Audience),
            Some(_) => Err(TokenFault::ClaimForm("aud")),
        }
    }

    /// `exp` is to come; `nbf`, if it is there, is over.
    pub(super) fn check_lifetime(&self, now: Now) -> Result<(), TokenFault> {
        let expires = self.time("exp")?.ok_or(TokenFault::ClaimMissing("exp"))?;
        if now.second.saturating_sub(now.skew) >= expires {
            return Err(TokenFault::Expired);
        }
        match self.time("nbf")? {
            Some(begins) if begins > now.second.saturating_add(now.skew) => Err(TokenFault::NotYet),
            _ => Ok(()),
        }
    }

    /// `iat`, if it is there, is over; tells when it was.
    pub(super) fn check_issued(&self, now: Now) -> Result<Option<i64>, TokenFault> {
        match self.time("iat")? {
            Some(issued) if issued > now.second.saturating_add(now.skew) => Err(TokenFault::IssuedInFuture),
            issued => Ok(issued),
        }
    }

    /// `iat` is there, and without a nonce, which proves more, it is not older than a day.
    pub(super) fn check_fresh(&self, now: Now, has_nonce: bool) -> Result<(), TokenFault> {
        let issued = self.check_issued(now)?.ok_or(TokenFault::ClaimMissing("iat"))?;
        let oldest = now.second.saturating_sub(now.skew).saturating_sub(OLDEST);
        if !has_nonce && issued < oldest { Err(TokenFault::IssuedLongAgo) } else { Ok(()) }
    }

    /// `nonce` is the one that was sent, in constant time; there is none if none was sent.
    pub(super) fn check_nonce(&self, sent: Option<&str>) -> Result<(), TokenFault> {
        match (self.text("nonce")?, sent) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(TokenFault::NonceMissing),
            (Some(_), None) => Err(TokenFault::NonceUnasked),
            (Some(nonce), Some(sent)) if bool::from(nonce.as_bytes().ct_eq(sent.as_bytes())) => Ok(()),
            (Some(_), Some(_)) => Err(TokenFault::NonceWrong),
        }
    }

    /// A hash claim, if it is there, is the left half of the hash of `of` (3.1.3.6).
    pub(super) fn check_hash(
        &self,
        name: &'static str,
        algorithm: Algorithm,
        of: Option<&str>,
        otherwise: TokenFault,
    ) -> Result<(), TokenFault> {
        let (Some(claimed), Some(of)) = (self.text(name)?, of) else { return Ok(()) };
        let hash = digest(jws::hash(algorithm), of.as_bytes());
        let half = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
        if bool::from(claimed.as_bytes().ct_eq(half.as_bytes())) { Ok(()) } else { Err(otherwise) }
    }

    /// `auth_time` is there and recent, if that was demanded. Otherwise its form is only noted: some
    /// servers write 0, or a fraction.
    pub(super) fn check_auth_time(
        &self,
        now: Now,
        max_age: Option<Duration>,
        quirks: &mut Vec<Quirk>,
    ) -> Result<(), TokenFault> {
        let claimed = self.0.get("auth_time");
        let seconds = claimed.and_then(numeric_date);
        let Some(max_age) = max_age else {
            if claimed
                .is_some_and(|claimed| seconds.is_none_or(|seconds| seconds == 0) || is_fraction(claimed))
            {
                quirks.push(Quirk::AuthTime);
            }
            return Ok(());
        };
        let signed_in = match (claimed, seconds) {
            (None, _) => return Err(TokenFault::ClaimMissing("auth_time")),
            (Some(_), None) => return Err(TokenFault::ClaimForm("auth_time")),
            (Some(claimed), Some(seconds)) => {
                quirks.extend(is_fraction(claimed).then_some(Quirk::AuthTime));
                seconds
            }
        };
        let allowed = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX).saturating_add(now.skew);
        let age = now.second.saturating_sub(signed_in);
        if age > allowed { Err(TokenFault::SignedInLongAgo) } else { Ok(()) }
    }

    /// `acr` is one of those that were demanded, if any were.
    pub(super) fn check_context_class(&self, demanded: &[String]) -> Result<(), TokenFault> {
        if demanded.is_empty() {
            return Ok(());
        }
        let acr = self.text("acr")?.ok_or(TokenFault::ClaimMissing("acr"))?;
        if demanded.iter().any(|one| one == acr) { Ok(()) } else { Err(TokenFault::ContextClass) }
    }

    /// `sub` as it identifies somebody: a text of 1 to 255 visible ASCII characters and spaces, not
    /// blank. A number is refused though its digits would be known: the standard has a text, and a
    /// server that writes numbers may write the next person's another way.
    pub(super) fn subject(&self) -> Result<Option<&'a str>, TokenFault> {
        let Some(subject) = self.text("sub")? else { return Ok(None) };
        let is_visible = subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if is_visible && !subject.trim().is_empty() && subject.len() <= MAX_SUBJECT {
            Ok(Some(subject))
        } else {
            Err(TokenFault::ClaimForm("sub"))
        }
    }

    fn time(&self, name: &'static str) -> Result<Option<i64>, TokenFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(claimed) => numeric_date(claimed).map(Some).ok_or(TokenFault::ClaimForm(name)),
        }
    }
}

/// Seconds since 1970 (RFC 7519, 2), whole or not, never negative; what is beyond the age of stars
/// counts as the end of it.
pub(super) fn numeric_date(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    let text = number.to_string();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(i64::try_from(seconds).unwrap_or(i64::MAX));
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0)?;
    let whole = Duration::try_from_secs_f64(seconds).map_or(u64::MAX, |time| time.as_secs());
    Some(i64::try_from(whole).unwrap_or(i64::MAX))
}

fn is_fraction(value: &Value) -> bool {
    value.as_number().is_some_and(|number| number.to_string().parse::<u64>().is_err())
}
