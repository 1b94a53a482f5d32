//! Calls that bear the access token: WhoAmI and its like, and a second exchange.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::template::UrlTemplate;

/// A call that asks who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoamiCall {
    /// Where; parts of it may stand in the token answer.
    pub url: UrlTemplate,
    /// Where the access token stands in the call.
    pub auth: WhoamiAuth,
    /// How it is asked.
    pub method: WhoamiMethod,
    /// Fixed parameters: in the query of a GET, in the body of a POST.
    pub params: BTreeMap<String, String>,
    /// Fixed headers, names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl WhoamiCall {
    /// The call of RFC 6750, 2.1: a GET with the token in the header `Authorization`.
    pub fn bearer(url: UrlTemplate) -> Self {
        Self {
            url,
            auth: WhoamiAuth::Bearer,
            method: WhoamiMethod::Get,
            params: BTreeMap::new(),
            headers: BTreeMap::new(),
        }
    }
}

/// Where the access token stands in a WhoAmI call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoamiAuth {
    /// `Authorization: Bearer …` (RFC 6750, 2.1).
    #[default]
    Bearer,
    /// `Authorization: …` with this scheme instead.
    Scheme(String),
    /// This header, with the token alone.
    Header(String),
    /// This parameter of the query (RFC 6750, 2.3).
    Query(String),
    /// This parameter of the body (RFC 6750, 2.2).
    Body(String),
}

/// The method of a WhoAmI call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WhoamiMethod {
    /// Parameters in the query.
    #[default]
    Get,
    /// Parameters in the body.
    Post,
}

/// Which of a provider's servers has issued a code: a parameter of the callback names it, and the settings say where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedBy {
    /// The parameter.
    pub parameter: String,
    /// Token endpoints by its values.
    pub urls: BTreeMap<String, Url>,
}

/// A second exchange: the access token for a longer-lived one, or for one of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Where.
    pub url: Url,
    /// What is sent, in the form of the token request; `{access_token}`, `{client_id}` and
    /// `{client_secret}` stand for their values.
    pub params: BTreeMap<String, String>,
}
