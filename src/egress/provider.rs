//! Calls to a tenant's provider: token endpoint and WhoAmI.

use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use reqwest::{Body, Request, Response};

use crate::domain::ids::TenantId;
use crate::oauth::wire::{Method, OutboundRequest, ProviderAnswer};

use super::dialer::{Dialer, DialerError, explain};
use super::error::EgressError;
use super::guard::Guard;
use super::reach::Names;
use super::resolver::{Lookup, system_lookup};

/// How large an answer may be, decoded, in bytes (SECURITY 13).
pub const CAP: usize = 1024 * 1024;
/// Headers that belong to the connection and to the message's own length (RFC 9110, 7.6.1 and 8.6).
const FRAMING: [HeaderName; 7] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
/// How much memory an announcement alone is worth, in bytes.
const FIRST_PIECE: usize = 16 * 1024;

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Name lookup, TCP and TLS together.
    pub connect: Duration,
    /// The whole call, from the name lookup to the last byte.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(8) }
    }
}

/// The one way to a provider. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct ProviderClient {
    pub(super) dialer: Dialer,
    pub(super) total: Duration,
    pub(super) names: Names,
}

impl ProviderClient {
    /// A client that asks the operating system for addresses.
    pub fn new(guard: Guard, timeouts: Timeouts) -> Result<Self, DialerError> {
        Self::with_lookup(guard, timeouts, &system_lookup())
    }

    /// A client that asks `lookup` for addresses; they are judged all the same.
    pub fn with_lookup(guard: Guard, timeouts: Timeouts, lookup: &Lookup) -> Result<Self, DialerError> {
        let dialer = Dialer::new(guard, timeouts.connect, lookup)?;
        Ok(Self { dialer, total: timeouts.total, names: Names::new(lookup) })
    }

    /// Sends a request and reads the whole answer, whatever its status, before `deadline` or before
    /// the total of the settings has passed, whichever is sooner. Redirects are answers like any other.
    pub async fn send(
        &self,
        tenant: &TenantId,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<ProviderAnswer, EgressError> {
        self.fetch(tenant, request, deadline).await.map(|(answer, _)| answer)
    }

    /// The same, with how long the answer may be kept by its `Cache-Control`, if that says so.
    pub async fn fetch(
        &self,
        tenant: &TenantId,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<(ProviderAnswer, Option<Duration>), EgressError> {
        let request = build_request(request)?;
        let call = async {
            let response = self.dialer.send(tenant, request).await?;
            let lasts = max_age(response.headers());
            Ok((read_answer(response).await?, lasts))
        };
        let call = tokio::time::timeout(self.total, call);
        let outcome = tokio::time::timeout_at(deadline.into(), call).await;
        outcome.ok().and_then(Result::ok).unwrap_or(Err(EgressError::Timeout))
    }
}

pub(super) fn build_request(request: &OutboundRequest) -> Result<Request, EgressError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut built = Request::new(method, request.url.clone());
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| EgressError::Unsendable)?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EgressError::Unsendable)?;
        // What frames the message is the connection's to say: another tenant's request may follow on it.
        if FRAMING.contains(&name) {
            return Err(EgressError::Unsendable);
        }
        built.headers_mut().append(name, value);
    }
    if let Some(body) = &request.body {
        built.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
        *built.body_mut() = Some(Body::from(body.text.expose().to_owned()));
    }
    Ok(built)
}

/// Reads piece by piece, so that a bomb ends at the cap and not in memory.
pub(super) async fn read_answer(mut response: Response) -> Result<ProviderAnswer, EgressError> {
    let announced = response.content_length().unwrap_or(0);
    let announced =
        usize::try_from(announced).ok().filter(|size| *size <= CAP).ok_or(EgressError::TooLarge)?;
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let mut body = Vec::with_capacity(announced.min(FIRST_PIECE));
    while let Some(piece) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + piece.len() > CAP {
            return Err(EgressError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(ProviderAnswer { status, content_type, body })
}

/// How long an answer stays fresh (RFC 9111, 5.2.2). `no-store` and `no-cache` mean not at all.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives =
        lines.flat_map(|line| line.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    let mut lasts = None;
    for directive in directives {
        match directive.split_once('=') {
            None if matches!(directive.as_str(), "no-store" | "no-cache") => return Some(Duration::ZERO),
            Some(("max-age", seconds)) => {
                let seconds = seconds.trim_matches('"').parse().ok().map(Duration::from_secs);
                // Where two directives differ, the shorter one is what both allow.
                lasts = [lasts, seconds].into_iter().flatten().min();
            }
            _ => {}
        }
    }
    lasts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn read(lines: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        max_age(&headers).map(|time| time.as_secs())
    }

    #[rstest]
    #[case(&["public, max-age=21600, must-revalidate"], Some(21600))]
    #[case(&["MAX-AGE=\"60\""], Some(60))]
    #[case(&["max-age=60, max-age=30"], Some(30))]
    #[case(&["max-age=60", "no-cache"], Some(0))]
    #[case(&["no-store, max-age=60"], Some(0))]
    #[case(&["private"], None)]
    #[case(&["max-age=-1"], None)]
    #[case(&["max-age=1.5"], None)]
    #[case(&["max-age"], None)]
    #[case(&["s-maxage=60"], None)]
    #[case(&[""], None)]
    #[case(&[], None)]
    fn an_answer_says_how_long_it_may_be_kept(#[case] lines: &[&str], #[case] seconds: Option<u64>) {
        assert_eq!(read(lines), seconds);
    }

    proptest! {
        #[test]
        fn whatever_the_header_says_is_no_panic(line in "[ -~]{0,60}") {
            read(&[&line]);
        }
    }
}
