//! The authorization response: what comes back at the callback (RFC 6749, 4.1.2), and the grant
//! that only a verified response becomes.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::{CallbackNames, Provider, ResponseMode};
use crate::domain::request::{AuthorizationRequest, Route};
use crate::secret::Secret;

use super::complaint::Complaint;
use super::issuer::Issuer;
use super::pairs::{self, Pairs};

/// How long a value may be, in bytes.
const VALUE: usize = 4096;
/// How long an error code may be.
const ERROR_CODE: usize = 64;

/// An authorization response whose form is right; nothing in it is believed yet.
#[derive(Clone)]
pub struct AuthorizationResponse {
    /// What names the authorization request.
    pub state: String,
    /// Who says that it answers (RFC 9207).
    pub iss: Option<String>,
    /// What it answers.
    pub answer: Answer,
    /// What it complains of, where an error says so in words.
    pub complaint: Option<Complaint>,
    /// Everything else, as it came.
    others: Pairs,
}

/// What a provider answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The authorization code (RFC 6749, 4.1.2).
    Code(Secret),
    /// An error code in visible ASCII of at most 64 characters (RFC 6749, 4.1.2.1); one that is
    /// longer or holds other characters reads `unrecognised`.
    Error(String),
}

/// Where and how a response arrived, and what the provider's settings are now.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The provider of the request, as it is configured now.
    pub provider: &'a Provider,
    /// On which route.
    pub route: Route,
    /// The whole URI of that route on the tenant's origin, without a query.
    pub redirect_uri: &'a str,
    /// In a query or in a form.
    pub mode: ResponseMode,
    /// The issuer that was asked, if the provider has one; another one that is named is refused.
    pub issuer: Option<&'a str>,
    /// Whether it must be named, because the provider announces that it names itself (RFC 9207, 2.4).
    pub names_issuer: bool,
}

/// What a verified response means.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The customer agreed.
    Granted(Grant),
    /// The provider or the customer said no; to be recorded once the request is claimed.
    Refused(Fault),
}

/// A verified authorization response, ready to exchange. Nothing else can be exchanged, and only
/// [`AuthorizationResponse::verify`] makes one.
#[derive(Clone)]
pub struct Grant {
    code: Secret,
    redirect_uri: String,
    code_verifier: Option<Secret>,
    nonce: Option<Secret>,
    token_url: Option<Url>,
    kept: BTreeMap<String, String>,
}

/// Reads the query of a callback, without its `?`.
pub fn parse_query(raw: &str) -> Result<Pairs, Fault> {
    parse_form(raw.as_bytes())
}

/// Reads the form of a callback (`OAuth` 2.0 Form Post Response Mode, 2).
pub fn parse_form(bytes: &[u8]) -> Result<Pairs, Fault> {
    pairs::decode(bytes).map_err(|_| Fault::new(Step::Parse, Code::ParamsMissing))
}

/// Which of these names the parameters go by: the first under which there is a state.
pub fn names_of<'a>(
    pairs: &[(String, String)],
    known: impl IntoIterator<Item = &'a CallbackNames>,
) -> CallbackNames {
    let is_there = |names: &&CallbackNames| pairs.iter().any(|(name, _)| *name == names.state);
    known.into_iter().find(is_there).cloned().unwrap_or_default()
}

/// Reads the parameters of an authorization response. Unknown ones are ignored (RFC 6749, 4.1.2),
/// one without a value counts as left out (RFC 6749, 3.1), and a known one that stands twice is refused.
pub fn parse_response(
    pairs: &[(String, String)],
    names: &CallbackNames,
) -> Result<AuthorizationResponse, Fault> {
    for name in CallbackNames::OTHERS.into_iter().chain([&*names.code, &*names.state]) {
        if pairs.iter().filter(|(known, _)| known == name).nth(1).is_some() {
            return Err(Fault::new(Step::Parse, Code::ParamsConflict));
        }
    }
    let missing = Fault::new(Step::Parse, Code::ParamsMissing);
    let state = value_of(pairs, &names.state)?.ok_or(missing)?;
    let iss = value_of(pairs, "iss")?;
    let answer = match (value_of(pairs, &names.code)?, value_of(pairs, "error")?) {
        (Some(code), None) => Answer::Code(Secret::new(code)),
        (None, Some(error)) => Answer::Error(error_code(error)),
        (Some(_), Some(_)) => return Err(Fault::new(Step::Parse, Code::ParamsConflict)),
        (None, None) => return Err(missing),
    };
    let complaint = match &answer {
        Answer::Error(error) => {
            Complaint::of_error(error, value_of(pairs, "error_description").unwrap_or(None))
        }
        Answer::Code(_) => None,
    };
    let others = pairs.iter().filter(|(name, _)| !names.is_known(name)).cloned().collect();
    Ok(AuthorizationResponse {
        state: state.to_owned(),
        iss: iss.map(str::to_owned),
        answer,
        complaint,
        others,
    })
}

impl AuthorizationResponse {
    /// Compares the response with the request that its state found: provider and revision, route,
    /// redirect URI and response mode, issuer (RFC 9700, 4.4.2). An error means that nothing may be
    /// claimed. Tenant, cookie, expiry and link are the caller's to check: they are not in the response.
    pub fn verify(self, sent: &AuthorizationRequest, arrival: &Arrival<'_>) -> Result<Verdict, Fault> {
        let refuse = |code| Err(Fault::new(Step::Verify, code));
        if sent.provider != arrival.provider.id || sent.revision != arrival.provider.revision {
            return refuse(Code::ProviderChanged);
        }
        let same_way = sent.route == arrival.route && sent.redirect_uri == arrival.redirect_uri;
        if !same_way || arrival.mode != arrival.provider.response_mode {
            return refuse(Code::RouteMismatch);
        }
        let is_named = self.iss.is_some() && arrival.issuer.is_some();
        let is_same =
            |iss: &str| arrival.issuer.is_some_and(|issuer| Issuer::of_settings(issuer).answers_as(iss));
        if (arrival.names_issuer || is_named) && !self.iss.as_deref().is_some_and(is_same) {
            return refuse(Code::IssuerMismatch);
        }
        let kept = kept(&self.others, &arrival.provider.callback_keep)?;
        let token_url = token_url(&self.others, arrival.provider)?;
        Ok(match self.answer {
            Answer::Code(code) => Verdict::Granted(Grant {
                kept,
                token_url,
                code,
                redirect_uri: sent.redirect_uri.clone(),
                code_verifier: sent.code_verifier.clone(),
                nonce: sent.nonce.clone(),
            }),
            Answer::Error(error) if error == "access_denied" => {
                Verdict::Refused(Fault::new(Step::Verify, Code::AccessDenied))
            }
            Answer::Error(_) if self.complaint == Some(Complaint::RedirectUri) => {
                Verdict::Refused(Fault::new(Step::Verify, Code::RedirectUriRefused))
            }
            Answer::Error(_) => Verdict::Refused(Fault::new(Step::Verify, Code::ProviderError)),
        })
    }
}

impl Grant {
    /// The authorization code.
    pub fn code(&self) -> &Secret {
        &self.code
    }

    /// The redirect URI, byte for byte as it stood in the authorization request.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// PKCE's secret; none if the provider has PKCE off.
    pub fn code_verifier(&self) -> Option<&Secret> {
        self.code_verifier.as_ref()
    }

    /// What the id_token must repeat; none if none was sent.
    pub fn nonce(&self) -> Option<&Secret> {
        self.nonce.as_ref()
    }

    /// The token endpoint of the server that has issued the code, where the callback says which of several it was.
    pub fn token_url(&self) -> Option<&Url> {
        self.token_url.as_ref()
    }

    /// What the settings want kept of the callback. It came through the customer's browser, and nobody vouches for it.
    pub fn kept(&self) -> &BTreeMap<String, String> {
        &self.kept
    }
}

/// The parameters of these names, each at most once.
fn kept(others: &[(String, String)], names: &[String]) -> Result<BTreeMap<String, String>, Fault> {
    let mut kept = BTreeMap::new();
    for name in names {
        kept.extend(only(others, name)?.map(|value| (name.clone(), value.to_owned())));
    }
    Ok(kept)
}

/// The one of the settings' token endpoints that the callback names. It comes through the customer's browser: a value
/// that the settings do not have is no address, and is refused.
fn token_url(others: &[(String, String)], provider: &Provider) -> Result<Option<Url>, Fault> {
    let Some(issued_by) = &provider.issued_by else { return Ok(None) };
    let Some(said) = only(others, &issued_by.parameter)? else { return Ok(None) };
    let known = issued_by.urls.get(said).cloned();
    known.map(Some).ok_or(Fault::new(Step::Verify, Code::VariableMismatch))
}

/// A parameter that may stand once.
fn only<'a>(others: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Fault> {
    if others.iter().filter(|(known, _)| known == name).nth(1).is_some() {
        return Err(Fault::new(Step::Parse, Code::ParamsConflict));
    }
    value_of(others, name)
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant")
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match &self.answer {
            Answer::Code(_) => "code",
            Answer::Error(error) => error,
        };
        write!(f, "AuthorizationResponse({answer}, iss {:?})", self.iss)
    }
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Fault> {
    let value = pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if value.is_some_and(|value| value.len() > VALUE || value.chars().any(char::is_control)) {
        return Err(Fault::new(Step::Parse, Code::ParamsMissing));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

fn error_code(given: &str) -> String {
    let allowed = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if given.len() <= ERROR_CODE && given.bytes().all(allowed) {
        given.to_owned()
    } else {
        "unrecognised".to_owned()
    }
}

#[cfg(test)]
pub(super) mod tests;
