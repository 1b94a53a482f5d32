//! The clients, and the forms that make, change over and delete them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;

use crate::domain::client::{Client, GrantType};
use crate::domain::ids::ClientId;
use crate::web::Web;
use crate::web::api::clients::fresh_secret;
use crate::web::page::clean;
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, see_other_saying,
};

use super::form::{Fault, Typed};
use super::{LIST, held, words_of};

/// How long the old secret may still be used after a change-over.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// A client in the list.
struct Row {
    id: String,
    name: String,
    /// What it is, in words.
    kind: &'static str,
    scopes: Vec<String>,
    redirect_uris: Vec<String>,
    allow_from: Vec<String>,
    used: Option<Moment>,
    /// Until when an older secret may be used.
    older_until: Option<Moment>,
    has_secret: bool,
}

#[derive(Template)]
#[template(path = "admin/clients/list.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    /// The file in which the clients stand; none if they are changed here.
    file: Option<String>,
    typed: Typed,
    fault: Option<Fault>,
    /// Our own address, for the lines that show how a token is asked for.
    origin: String,
}

#[derive(Template)]
#[template(path = "admin/clients/secret.html")]
struct SecretView {
    frame: Frame,
    id: String,
    secret: Option<String>,
    /// Until when the one before may be used.
    older_until: Option<Moment>,
    is_new: bool,
    origin: String,
}

/// `GET /admin/clients`: all of them.
pub(super) async fn list(duty: OnDuty<Admin>, State(web): State<Arc<Web>>) -> Response {
    let typed = Typed { kind: "bot".to_owned(), ..Typed::default() };
    list_page(&duty, &web, typed, None, StatusCode::OK).await
}

/// `POST /admin/clients`: makes one, and shows its secret, this once.
pub(super) async fn create(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let typed = Typed::of(&form);
    let made = if typed.keeps_secrets() { fresh_secret(&web).await.ok().map(Some) } else { Some(None) };
    let Some(made) = made else {
        return duty.plain(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", "Try again in a moment.");
    };
    let (secret, hash) = made.unzip();
    let client = match typed.client(hash) {
        Ok(client) => client,
        Err(fault) => {
            return list_page(&duty, &web, typed, Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    if !client.scopes.may_be_given_by(&held()) {
        let words = "An admin may give the scopes of this business, and openid, profile, email and phone.";
        let fault = ("scopes", words.to_owned());
        return list_page(&duty, &web, typed, Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    match web.broker.create_client(&duty.tenant().id, &client, &duty.actor(), None).await {
        Ok(made) => {
            let secret = secret.map(|secret| secret.expose().to_owned());
            secret_page(&duty, made.id.as_str(), secret, None, true)
        }
        Err(error) => match words_of(&duty, &error) {
            Ok((words, status)) => list_page(&duty, &web, typed, Some(("", words)), status).await,
            Err(page) => *page,
        },
    }
}

/// `POST /admin/clients/rotate`: another secret, shown this once; the one before is good for another day.
pub(super) async fn rotate(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let Ok(id) = form.text("client_id").parse::<ClientId>() else { return duty.missing() };
    let Ok((secret, hash)) = fresh_secret(&web).await else {
        return duty.plain(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", "Try again in a moment.");
    };
    let (tenant, actor) = (&duty.tenant().id, duty.actor());
    match web.broker.rotate_client_secret(tenant, &id, (&hash, OVERLAP), &held(), &actor).await {
        Ok(until) => {
            let until = until.map(|until| duty.local().moment(until));
            secret_page(&duty, id.as_str(), Some(secret.expose().to_owned()), until, false)
        }
        Err(error) => told(&duty, &web, &error).await,
    }
}

/// `POST /admin/clients/delete`: its tokens are refused from now on.
pub(super) async fn delete(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let Ok(id) = form.text("client_id").parse::<ClientId>() else { return duty.missing() };
    match web.broker.delete_client(&duty.tenant().id, &id, &held(), &duty.actor()).await {
        Ok(()) => see_other_saying(LIST, Said::Deleted),
        Err(error) => told(&duty, &web, &error).await,
    }
}

async fn told(duty: &OnDuty<Admin>, web: &Web, error: &crate::flow::settings::SettingsError) -> Response {
    match words_of(duty, error) {
        Ok((words, status)) => list_page(duty, web, Typed::default(), Some(("", words)), status).await,
        Err(page) => *page,
    }
}

async fn list_page(
    duty: &OnDuty<Admin>,
    web: &Web,
    typed: Typed,
    fault: Option<Fault>,
    status: StatusCode,
) -> Response {
    let tenant = duty.tenant();
    let used = match web.issuer.last_used(tenant).await {
        Ok(used) => used,
        Err(error) => return duty.unavailable(&error),
    };
    let (local, now) = (duty.local(), web.broker.clock().now());
    let rows = tenant.clients.iter().zip(used).map(|(client, used)| {
        let older = client.previous_secret.as_ref().map(|older| older.until).filter(|until| *until > now);
        Row {
            id: client.client_id.to_string(),
            name: clean(client.name.as_deref().unwrap_or_default()),
            kind: kind_of(client),
            scopes: client.scopes.iter().map(str::to_owned).collect(),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            allow_from: client.allow_from.iter().map(ToString::to_string).collect(),
            used: used.map(|used| local.ago(used, now)),
            older_until: older.map(|until| local.moment(until)),
            has_secret: client.secret_hash.is_some(),
        }
    });
    let view = ListView {
        frame: duty.frame("Clients", Section::Clients),
        rows: rows.collect(),
        file: web.broker.settings_file(&tenant.id),
        typed,
        fault,
        origin: tenant.origin.clone(),
    };
    respond(status, &view.frame, Forms::Here, &view)
}

fn secret_page(
    duty: &OnDuty<Admin>,
    id: &str,
    secret: Option<String>,
    older_until: Option<Moment>,
    is_new: bool,
) -> Response {
    let view = SecretView {
        frame: duty.frame("The secret of a client", Section::Clients),
        id: id.to_owned(),
        secret,
        older_until,
        is_new,
        origin: duty.tenant().origin.clone(),
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

fn kind_of(client: &Client) -> &'static str {
    match (client.may(GrantType::AuthorizationCode), client.is_public(), &client.keys) {
        (true, true, _) => "App without a secret",
        (true, false, None) => "App with a secret",
        (true, false, Some(_)) => "App with a key",
        (false, _, Some(_)) => "Bot with a key",
        (false, _, None) => "Bot",
    }
}
