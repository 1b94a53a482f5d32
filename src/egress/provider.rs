//! Calls to a tenant's provider: token endpoint and WhoAmI.

use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Body, Request, Response};

use crate::domain::ids::TenantId;
use crate::oauth::wire::{Method, OutboundRequest, ProviderAnswer};

use super::dialer::{Dialer, DialerError, explain};
use super::error::EgressError;
use super::guard::Guard;
use super::resolver::{Lookup, system_lookup};

/// How large an answer may be, decoded, in bytes (SECURITY 13).
pub const CAP: usize = 1024 * 1024;
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
    dialer: Dialer,
    total: Duration,
}

impl ProviderClient {
    /// A client that asks the operating system for addresses.
    pub fn new(guard: Guard, timeouts: Timeouts) -> Result<Self, DialerError> {
        Self::with_lookup(guard, timeouts, &system_lookup())
    }

    /// A client that asks `lookup` for addresses; they are judged all the same.
    pub fn with_lookup(guard: Guard, timeouts: Timeouts, lookup: &Lookup) -> Result<Self, DialerError> {
        Ok(Self { dialer: Dialer::new(guard, timeouts.connect, lookup)?, total: timeouts.total })
    }

    /// Sends a request and reads the whole answer, whatever its status, before `deadline` or before
    /// the total of the settings has passed, whichever is sooner. Redirects are answers like any other.
    pub async fn send(
        &self,
        tenant: &TenantId,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<ProviderAnswer, EgressError> {
        let request = build_request(request)?;
        let call = async {
            let response = self.dialer.send(tenant, request).await?;
            read_answer(response).await
        };
        let call = tokio::time::timeout(self.total, call);
        let outcome = tokio::time::timeout_at(deadline.into(), call).await;
        outcome.ok().and_then(Result::ok).unwrap_or(Err(EgressError::Timeout))
    }
}

fn build_request(request: &OutboundRequest) -> Result<Request, EgressError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut built = Request::new(method, request.url.clone());
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| EgressError::Unsendable)?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EgressError::Unsendable)?;
        built.headers_mut().append(name, value);
    }
    if let Some(body) = &request.body {
        built.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
        *built.body_mut() = Some(Body::from(body.text.expose().to_owned()));
    }
    Ok(built)
}

/// Reads piece by piece, so that a bomb ends at the cap and not in memory.
async fn read_answer(mut response: Response) -> Result<ProviderAnswer, EgressError> {
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
