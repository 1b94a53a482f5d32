//! Fetches a reply that is too big for a webhook: Apple says where to download it, what is there is decrypted here, and
//! Apple turns that into JSON.

use serde_json::Value;
use url::Url;

use crate::channel::apple::gateway::Account;
use crate::channel::apple::large_reply::LargeReply;
use crate::channel::apple::reply::{Reply, parse_interactive};
use crate::domain::accounts::AppleBusiness;
use crate::domain::ids::TenantId;
use crate::egress::channel::ChannelCall;
use crate::egress::error::EgressError;
use crate::flow::Broker;
use crate::secret::Secret;

/// A reply that could not be had, in words for the log.
#[derive(Debug, thiserror::Error)]
#[error("the reply cannot be fetched: {why}")]
pub struct NotFetched {
    why: String,
    /// Whether it may be had later.
    pub(super) passes: bool,
}

impl NotFetched {
    /// Never to be had.
    fn ever(why: String) -> Self {
        Self { why, passes: false }
    }
}

impl From<EgressError> for NotFetched {
    fn from(error: EgressError) -> Self {
        let passes = match error {
            EgressError::Connect | EgressError::Timeout | EgressError::Broken => true,
            EgressError::Refused(_)
            | EgressError::Unsendable
            | EgressError::Tls(_)
            | EgressError::TooLarge => false,
        };
        Self { why: error.to_string(), passes }
    }
}

impl Broker {
    /// The reply behind a reference; none if what is there is no reply to an authentication message.
    pub(super) async fn fetch_large(
        &self,
        tenant: &TenantId,
        account: &AppleBusiness,
        large: &LargeReply,
    ) -> Result<Option<Reply>, NotFetched> {
        let place = self.pre_download(tenant, account, large).await?;
        let call = ChannelCall { url: place, headers: Vec::new(), body: None };
        let sealed = self.ask_apple(tenant, call).await?;
        let plain = large.decrypt(sealed).map_err(|error| NotFetched::ever(error.to_string()))?;
        let mut headers = self.headers(account)?;
        headers.push(("bid", Secret::new(large.extension.clone())));
        let url = at_gateway(account, "decodePayload");
        let body = Some(("application/octet-stream", plain));
        let decoded = self.ask_apple(tenant, ChannelCall { url, headers, body }).await?;
        let decoded: Value = serde_json::from_slice(&decoded).map_err(|_| garbage("decodePayload"))?;
        let interactive = decoded.get("interactiveData").unwrap_or(&decoded);
        parse_interactive(interactive).map_err(|error| NotFetched::ever(error.to_string()))
    }

    /// Where the reply is.
    async fn pre_download(
        &self,
        tenant: &TenantId,
        account: &AppleBusiness,
        large: &LargeReply,
    ) -> Result<Url, NotFetched> {
        let mut headers = self.headers(account)?;
        headers.extend(large.headers().map(|(name, value)| (name, Secret::new(value))));
        let url = at_gateway(account, "preDownload");
        let told = self.ask_apple(tenant, ChannelCall { url, headers, body: None }).await?;
        let told: Value = serde_json::from_slice(&told).map_err(|_| garbage("preDownload"))?;
        let place = told.get("download-url").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
        place.ok_or_else(|| garbage("preDownload"))
    }

    /// Who calls, and for which business.
    fn headers(&self, account: &AppleBusiness) -> Result<Vec<(&'static str, Secret)>, NotFetched> {
        let own = Account { platform_id: &account.platform_id, secret: &account.secret };
        let token = own.build_token(self.clock.now()).map_err(|error| NotFetched::ever(error.to_string()))?;
        let bearer = Secret::new(format!("Bearer {}", token.expose()));
        Ok(vec![("authorization", bearer), ("source-id", Secret::new(account.business_id.clone()))])
    }

    async fn ask_apple(&self, tenant: &TenantId, call: ChannelCall<'_>) -> Result<Vec<u8>, NotFetched> {
        let answer = self.channels.send(tenant, call).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => {
                let why = format!("the gateway answers {status}");
                Err(NotFetched { why, passes: status >= 500 || status == 429 })
            }
        }
    }
}

fn at_gateway(account: &AppleBusiness, name: &str) -> Url {
    let mut url = account.gateway.clone();
    url.set_path(&format!("{}/{name}", account.gateway.path().trim_end_matches('/')));
    url
}

fn garbage(call: &str) -> NotFetched {
    NotFetched::ever(format!("the answer to `{call}` is not what it should be"))
}
