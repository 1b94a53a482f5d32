//! The own record: seen, and changed as far as the tenant wants that.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::contact::Contact;
use crate::domain::ids::ContactId;
use crate::domain::profile::ProfileField;
use crate::web::Web;
use crate::web::strict_json::StrictJson;

use super::answer::{ClientError, ClientRefusal, Refused, Success, success};
use super::customer::{Customer, READ, WRITE};

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientUser)]
pub struct UserView {
    /// The customer's id, the claim `sub`.
    pub id: ContactId,
    /// The customer's address.
    #[schema(required)]
    pub email: Option<String>,
}

/// Who is signed in, with the record of the customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientProfile)]
pub struct ProfileView {
    /// Who is signed in.
    user: UserView,
    /// The record.
    customer: CustomerView,
}

/// What customers see of their record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientCustomer)]
pub struct CustomerView {
    /// The record's id, the claim `org_customer_id`.
    id: ContactId,
    /// A short number for people.
    #[schema(examples("CUST-000001"))]
    customer_number: String,
    /// The address.
    #[schema(required)]
    email: Option<String>,
    /// Whether it is known to be the customer's.
    email_verified: bool,
    /// A phone number.
    #[schema(required)]
    phone: Option<String>,
    /// Given name.
    #[schema(required)]
    first_name: Option<String>,
    /// Family name.
    #[schema(required)]
    last_name: Option<String>,
    /// The whole name.
    #[schema(required)]
    full_name: Option<String>,
    /// What to call the customer: the whole name, or what is known in its place.
    #[schema(required)]
    display_name: Option<String>,
    /// A language tag.
    #[schema(required)]
    locale: Option<String>,
    /// Fields of the tenant's own that its customers may change.
    fields: Map<String, Value>,
    /// What the customer may change, by name.
    may_change: Vec<String>,
    /// Since when the record is there.
    #[schema(format = DateTime)]
    created_at: Timestamp,
}

impl ProfileView {
    fn of(who: &Customer, contact: &Contact) -> Self {
        let may_change = &who.tenant.customers.may_change;
        let email = contact.email.clone().filter(|_| who.shows("email"));
        let is_own = |name: &String| ProfileField::named(name).is_none();
        // What others wrote about a customer into fields of their own is not for the customer.
        let own = may_change.iter().filter(|name| is_own(name));
        let fields = own.filter_map(|name| Some((name.clone(), contact.fields.get(name)?.clone()))).collect();
        let customer = CustomerView {
            id: contact.id.clone(),
            customer_number: contact.customer_number.clone(),
            email_verified: email.is_some() && is_verified(contact),
            email: email.clone(),
            phone: contact.phone.clone().filter(|_| who.shows("phone")),
            first_name: contact.first_name.clone(),
            last_name: contact.last_name.clone(),
            full_name: contact.full_name.clone(),
            display_name: display_name(contact),
            locale: contact.locale.clone(),
            fields,
            may_change: may_change.clone(),
            created_at: contact.created_at,
        };
        Self { user: UserView { id: contact.id.clone(), email }, customer }
    }
}

/// See the own profile
///
/// With `read:profile` all of it; an app to which the customer agreed with `profile` sees names and language, with `email`
/// and `phone` these.
#[utoipa::path(
    get, path = "/api/client/v1/profile", operation_id = "clientProfile", tag = "Client API",
    security(("customer" = [])),
    responses(
        (status = 200, description = "Who is signed in.", body = Success<ProfileView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn read(customer: Customer) -> Result<Response, ClientError> {
    if !customer.shows("profile") {
        return Err(ClientError::Scope(READ));
    }
    Ok(success(ProfileView::of(&customer, &customer.contact)))
}

/// Change the own profile
///
/// By a JSON merge patch (RFC 7396) of the fields that `mayChange` names: `null` blanks a field, what is left out stays.
/// One that may not be changed refuses the whole.
#[utoipa::path(
    patch, path = "/api/client/v1/profile", operation_id = "clientPatchProfile", tag = "Client API",
    security(("customer" = [])),
    request_body(content = Object, description = "Fields by their names.", example = json!({"firstName": "Dana", "locale": "de"})),
    responses(
        (status = 200, description = "The profile as it is now.", body = Success<ProfileView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn patch(
    customer: Customer,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<Map<String, Value>>,
) -> Result<Response, ClientError> {
    customer.may(WRITE)?;
    let changed = web.broker.patch_own(&customer.tenant, &customer.contact.id, &body).await?;
    Ok(success(ProfileView::of(&customer, &changed)))
}

fn is_verified(contact: &Contact) -> bool {
    contact.provenance.get(ProfileField::Email.as_str()).is_some_and(|known| known.verified)
}

fn display_name(contact: &Contact) -> Option<String> {
    let whole = || match (&contact.first_name, &contact.last_name) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.clone().or_else(|| last.clone()),
    };
    contact.full_name.clone().or_else(whole).or_else(|| contact.user_name.clone())
}
