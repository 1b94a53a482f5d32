//! One client: changed, given another secret, or taken away. All of it acts at once on programs that run, so that it has
//! a page of its own behind the list.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;

use crate::domain::client::Client;
use crate::domain::ids::ClientId;
use crate::flow::settings::clients::{NewSecret, Terms};
use crate::flow::settings::{Precondition, SettingsError};
use crate::web::Web;
use crate::web::api::clients::fresh_secret;
use crate::web::page::clean;
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, see_other_saying,
};

use super::form::{Fault, Shows, Typed, field_of};
use super::list::{kind_of, secret_page};
use super::{LIST, held, words_of};

/// How long the old secret may still be used after a change-over.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

#[derive(Template)]
#[template(path = "admin/clients/client.html")]
struct ClientView {
    frame: Frame,
    id: String,
    name: String,
    /// What it is, in words.
    kind: &'static str,
    scopes: Vec<String>,
    /// What names its secret; none if it has none.
    mark: Option<String>,
    /// Until when an older secret may be used.
    older_until: Option<Moment>,
    /// The file in which it stands; none if it is changed here.
    file: Option<String>,
    /// The version of the settings that the form was made from.
    version: u64,
    typed: Typed,
    shows: Shows,
    fault: Option<Fault>,
}

/// Where the page of a client is.
pub(super) fn path_of(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{LIST}/client?client_id={id}")
}

/// `GET /admin/clients/client`: what may be done with one.
pub(super) async fn show(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = raw.unwrap_or_default();
    let id = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "client_id");
    let id = id.as_ref().map_or("", |(_, id)| id);
    client_page(&duty, &web, (id, None), None, StatusCode::OK).await
}

/// `POST /admin/clients/change`: what it may do.
pub(super) async fn change(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let Ok(id) = form.text("client_id").parse::<ClientId>() else { return duty.missing() };
    let Some(client) = duty.tenant().client(id.as_str()) else { return duty.missing() };
    // What it is stays as it is, whatever the form says.
    let is = Typed::of_client(client);
    let typed = Typed { id: is.id, kind: is.kind, ..Typed::of(&form) };
    let terms = match typed.terms() {
        Ok(terms) => Terms { grant_types: client.grant_types.clone(), ..terms },
        Err(fault) => {
            let again = (id.as_str(), Some(typed));
            return client_page(&duty, &web, again, Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let version = form.text("version").parse().map(|version| vec![version]);
    let condition = version.map_or(Precondition::Missing, Precondition::Versions);
    let keys = Some(typed.jwks.as_str()).filter(|keys| !keys.is_empty());
    let (tenant, actor) = (&duty.tenant().id, duty.actor());
    match web.broker.change_client(tenant, (&id, &condition), (&terms, keys), &held(), &actor).await {
        Ok(()) => see_other_saying(LIST, Said::Saved),
        Err(error) => told(&duty, &web, (&id, Some(typed)), &error).await,
    }
}

/// `POST /admin/clients/rotate`: another secret, shown this once; the one before is good for another day, unless it has
/// leaked. The form names
/// the secret that it replaces, so that one that is sent twice, by a reload, replaces nothing.
pub(super) async fn rotate(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let Ok(id) = form.text("client_id").parse::<ClientId>() else { return duty.missing() };
    let Ok((secret, hash)) = fresh_secret(&web).await else {
        return duty.plain(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", "Try again in a moment.");
    };
    let has_leaked = form.has("leaked");
    let order = NewSecret {
        secret: &secret,
        hash: &hash,
        overlap: if has_leaked { SignedDuration::ZERO } else { OVERLAP },
        ends_older: has_leaked || form.has("ends_older"),
        replaces: Some(form.text("replaces")).filter(|mark| !mark.is_empty()),
    };
    let (tenant, actor) = (&duty.tenant().id, duty.actor());
    match web.broker.rotate_client_secret(tenant, (&id, &order), &held(), &actor, None).await {
        Ok(rotated) => {
            let until = rotated.previous_until.map(|until| duty.local().moment(until));
            secret_page(&duty, id.as_str(), Some(rotated.secret.expose().to_owned()), until, false)
        }
        Err(error) => told(&duty, &web, (&id, None), &error).await,
    }
}

/// `POST /admin/clients/delete`: its tokens are refused from now on.
pub(super) async fn delete(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let Ok(id) = form.text("client_id").parse::<ClientId>() else { return duty.missing() };
    match web.broker.delete_client(&duty.tenant().id, &id, &held(), &duty.actor()).await {
        Ok(()) => see_other_saying(LIST, Said::Deleted),
        Err(error) => told(&duty, &web, (&id, None), &error).await,
    }
}

/// The page again, with what was in the way.
async fn told(
    duty: &OnDuty<Admin>,
    web: &Web,
    (id, typed): (&ClientId, Option<Typed>),
    error: &SettingsError,
) -> Response {
    match words_of(duty, error) {
        Ok((words, status)) => {
            let fault = Some((field_of(error), words));
            // Whoever comes too late sees what the others have made of it.
            let typed = typed.filter(|_| status != StatusCode::PRECONDITION_FAILED);
            client_page(duty, web, (id.as_str(), typed), fault, status).await
        }
        Err(page) => *page,
    }
}

/// The page of a client, with what was typed if something was.
async fn client_page(
    duty: &OnDuty<Admin>,
    web: &Web,
    (id, typed): (&str, Option<Typed>),
    fault: Option<Fault>,
    status: StatusCode,
) -> Response {
    // As it is now: a change that was refused may have come too late.
    let stored = match web.broker.stored_clients(&duty.tenant().id).await {
        Ok(stored) => stored,
        Err(error) => {
            return match words_of(duty, &error) {
                Ok((words, status)) => duty.plain(status, "That did not work", &words),
                Err(page) => *page,
            };
        }
    };
    let (tenant, version) = match &stored {
        Some((tenant, version)) => (tenant, *version),
        None => (&**duty.tenant(), 0),
    };
    let Some(client) = tenant.client(id) else { return duty.missing() };
    let Client { client_id, name, scopes, secret_hash, previous_secret, .. } = client;
    let now = web.broker.clock().now();
    let older = previous_secret.as_ref().map(|older| older.until).filter(|until| *until > now);
    let view = ClientView {
        frame: duty.frame("A client", Section::Clients),
        id: client_id.to_string(),
        name: clean(name.as_deref().unwrap_or_default()),
        kind: kind_of(client),
        scopes: scopes.iter().map(str::to_owned).collect(),
        mark: secret_hash.as_ref().map(|hash| web.broker.secret_mark(&tenant.id, hash)),
        older_until: older.map(|until| duty.local().moment(until)),
        file: web.broker.settings_file(&tenant.id),
        version,
        typed: typed.unwrap_or_else(|| Typed::of_client(client)),
        shows: Shows::of(client),
        fault,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_characters_stays_one_parameter() {
        assert_eq!(path_of("shop-app"), "/admin/clients/client?client_id=shop-app");
        assert_eq!(path_of("a&b=<c>#?"), "/admin/clients/client?client_id=a%26b%3D%3Cc%3E%23%3F");
    }
}
