//! The clients, and the form that makes one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::client::{Client, GrantType};
use crate::web::Web;
use crate::web::api::clients::fresh_secret;
use crate::web::page::clean;
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, see_other_saying,
};

use super::change::path_of;
use super::form::{Fault, Shows, Typed, field_of};
use super::words_of;

/// A client in the list.
struct Row {
    id: String,
    /// Where it is changed.
    path: String,
    name: String,
    /// What it is, in words.
    kind: &'static str,
    scopes: Vec<String>,
    redirect_uris: Vec<String>,
    allow_from: Vec<String>,
    used: Option<Moment>,
    /// Until when an older secret may be used.
    older_until: Option<Moment>,
}

#[derive(Template)]
#[template(path = "admin/clients/list.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    /// The file in which the clients stand; none if they are changed here.
    file: Option<String>,
    typed: Typed,
    shows: Shows,
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
    let needs_secret = typed.keeps_secrets() && !typed.has_keys();
    let made = if needs_secret { fresh_secret(&web).await.ok().map(Some) } else { Some(None) };
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
    match web.broker.create_client(&duty.tenant().id, &client, &duty.actor(), None).await {
        Ok(made) => {
            let secret = secret.map(|secret| secret.expose().to_owned());
            if typed.has_keys() {
                return see_other_saying(&path_of(made.id.as_str()), Said::Saved);
            }
            secret_page(&duty, made.id.as_str(), secret, None, true)
        }
        Err(error) => match words_of(&duty, &error) {
            Ok((words, status)) => {
                list_page(&duty, &web, typed, Some((field_of(&error), words)), status).await
            }
            Err(page) => *page,
        },
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
            path: path_of(client.client_id.as_str()),
            name: clean(client.name.as_deref().unwrap_or_default()),
            kind: kind_of(client),
            scopes: client.scopes.iter().map(str::to_owned).collect(),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            allow_from: client.allow_from.iter().map(ToString::to_string).collect(),
            used: used.map(|used| local.ago(used, now)),
            older_until: older.map(|until| local.moment(until)),
        }
    });
    let view = ListView {
        frame: duty.frame("Clients", Section::Clients),
        rows: rows.collect(),
        file: web.broker.settings_file(&tenant.id),
        typed,
        shows: Shows::ALL,
        fault,
        origin: tenant.origin.clone(),
    };
    respond(status, &view.frame, Forms::Here, &view)
}

/// The page of a secret that was made just now, or of a client that has none.
pub(super) fn secret_page(
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

/// What a client is, in words.
pub(super) fn kind_of(client: &Client) -> &'static str {
    match (client.may(GrantType::AuthorizationCode), client.is_public(), &client.keys) {
        (true, true, _) => "App without a secret",
        (true, false, None) => "App with a secret",
        (true, false, Some(_)) => "App with a key",
        (false, _, Some(_)) => "Bot with a key",
        (false, _, None) => "Bot",
    }
}
