//! The own ways to sign in, one of which may be taken away, and the conversations in which a customer was verified.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::contact::Contact;
use crate::domain::contact::prove::UnlinkError;
use crate::domain::conversation::Channel;
use crate::domain::ids::{ConversationId, ProviderId};
use crate::domain::tenant::Tenant;
use crate::flow::customers::own::{NotUnlinked, OwnConversation, OwnSignIn};
use crate::web::Web;
use crate::web::error::ApiError;
use crate::web::segment::Segment;

use super::answer::{ClientError, ClientRefusal, Refused, Success, success};
use super::customer::{Customer, READ, WRITE};

/// The ways to sign in of a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientSignIns)]
pub struct SignInsView {
    /// The oldest first.
    sign_ins: Vec<SignInView>,
}

/// A way to sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientSignIn)]
pub struct SignInView {
    /// Its name.
    #[schema(examples("sJ8mA0Jq1o5bXJ7hT2m1Rg"))]
    id: String,
    /// `email_code`, or `provider`.
    #[schema(examples("provider"))]
    kind: &'static str,
    /// Which provider; null for emailed codes.
    #[schema(required)]
    provider: Option<ProviderId>,
    /// What to call it: the provider's label, or the address that gets the codes.
    #[schema(examples("Acme online banking"))]
    label: String,
    /// Since when it is linked.
    #[schema(format = DateTime)]
    linked_at: Timestamp,
}

/// Conversations of a customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientConversations)]
pub struct ConversationsView {
    /// The latest first, at most 50.
    conversations: Vec<ConversationView>,
}

/// A conversation in which a customer was verified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientConversation)]
pub struct ConversationView {
    /// The platform's id.
    id: ConversationId,
    /// Its channel.
    channel: Channel,
    /// Whether the customer is verified there now.
    verified: bool,
    /// Since when; null if that is over.
    #[schema(required, format = DateTime)]
    verified_since: Option<Timestamp>,
    /// Until when; null if that is over.
    #[schema(required, format = DateTime)]
    verified_until: Option<Timestamp>,
}

impl From<OwnSignIn> for SignInView {
    fn from(own: OwnSignIn) -> Self {
        let OwnSignIn { id, provider, label, linked_at } = own;
        let kind = if provider.is_some() { "provider" } else { "email_code" };
        Self { id, kind, provider, label, linked_at }
    }
}

impl From<OwnConversation> for ConversationView {
    fn from(own: OwnConversation) -> Self {
        let OwnConversation { id, channel, verified } = own;
        let (since, until) = verified.unzip();
        Self { id, channel, verified: verified.is_some(), verified_since: since, verified_until: until }
    }
}

/// See the own ways to sign in
#[utoipa::path(
    get, path = "/api/client/v1/sign-ins", operation_id = "clientSignIns", tag = "Client API",
    security(("customer" = [])),
    responses(
        (status = 200, description = "Emailed codes and providers by which this customer signs in.", body = Success<SignInsView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn list(customer: Customer, State(web): State<Arc<Web>>) -> Result<Response, ClientError> {
    customer.may(READ)?;
    Ok(success(view(&web, &customer.tenant, &customer.contact)))
}

/// Take a way to sign in away
///
/// Whoever signs in by it later is somebody else, until it is linked again. The only one stays (409).
#[utoipa::path(
    delete, path = "/api/client/v1/sign-ins/{id}", operation_id = "clientUnlink", tag = "Client API",
    security(("customer" = [])),
    params(("id" = String, Path, description = "The way to sign in.")),
    responses(
        (status = 200, description = "The ways that are left.", body = Success<SignInsView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn unlink(
    customer: Customer,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ClientError> {
    customer.may(WRITE)?;
    let left = web.broker.unlink_own(&customer.tenant, &customer.contact.id, &id).await;
    let left = left.map_err(|error| match error {
        NotUnlinked::Refused(UnlinkError::Unknown) => ApiError::NotFound.into(),
        NotUnlinked::Refused(UnlinkError::Last) => ClientError::LastSignIn,
        NotUnlinked::Gone => ClientError::Token,
        NotUnlinked::Store(error) => error.into(),
    })?;
    Ok(success(view(&web, &customer.tenant, &left)))
}

/// See the own conversations
///
/// Those in which this customer was verified.
#[utoipa::path(
    get, path = "/api/client/v1/conversations", operation_id = "clientConversations", tag = "Client API",
    security(("customer" = [])),
    responses(
        (status = 200, description = "The conversations.", body = Success<ConversationsView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn conversations(customer: Customer, State(web): State<Arc<Web>>) -> Result<Response, ClientError> {
    customer.may(READ)?;
    let own = web.broker.own_conversations(&customer.tenant, &customer.contact).await?;
    Ok(success(ConversationsView { conversations: own.into_iter().map(Into::into).collect() }))
}

fn view(web: &Web, tenant: &Tenant, contact: &Contact) -> SignInsView {
    let own = web.broker.own_sign_ins(tenant, contact);
    SignInsView { sign_ins: own.into_iter().map(Into::into).collect() }
}
