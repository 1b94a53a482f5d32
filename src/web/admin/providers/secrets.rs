//! `/admin/providers/{id}/secrets`: secrets are written and never read.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::flow::settings::SettingsError;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, respond, see_other_saying};

use super::opened::{Head, Opened, Problem, condition_of, open, status_of, version_of};
use super::settings::{latest, secrets_since};

#[derive(Template)]
#[template(path = "admin/providers/secrets.html")]
struct SecretsView {
    frame: Frame,
    head: Head,
    /// Who we are there.
    client_id: String,
    /// Since when each is there.
    secret: Option<String>,
    previous: Option<String>,
    key: Option<String>,
    key_id: String,
    problem: Option<Problem>,
    /// Which field the problem is about.
    at_fault: &'static str,
}

/// Which are set.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    match open(&duty, &web, &id).await {
        Ok(opened) => page(&duty, &web, &opened, None, ""),
        Err(page) => *page,
    }
}

/// Puts another client secret in place of the present one, at once.
pub async fn replace(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let typed = posted.text("client_secret");
    if typed.is_empty() {
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "type the new secret, or copy it from the provider's console",
        );
        return page(&duty, &web, &opened, Some(problem), "client_secret");
    }
    let (secret, keep) = (Secret::new(typed), posted.has("keep"));
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let done = web.broker.rotate_secret(tenant, opened.id(), (&secret, keep), &condition, &actor).await;
    after(&duty, &web, &opened, done, Said::SecretReplaced, "client_secret").await
}

/// Forgets the secret before the present one.
pub async fn drop_previous(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let done = web.broker.drop_previous_secret(tenant, opened.id(), &condition, &actor).await;
    after(&duty, &web, &opened, done, Said::SecretDropped, "").await
}

/// Puts another private key into the draft, so that it can be tried before it is live.
pub async fn replace_key(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let (key, key_id) = (posted.raw("private_key"), posted.text("private_key_id"));
    if key.trim().is_empty() {
        let problem =
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "paste the new private key, a PEM or a JWK");
        return page(&duty, &web, &opened, Some(problem), "private_key");
    }
    let edit = |settings: &mut serde_json::Map<String, serde_json::Value>| {
        settings.insert("privateKey".to_owned(), json!(key));
        match key_id {
            "" => drop(settings.shift_remove("privateKeyId")),
            key_id => drop(settings.insert("privateKeyId".to_owned(), json!(key_id))),
        }
    };
    let version = version_of(&posted);
    let done = web.broker.edit_draft(duty.tenant(), opened.id(), version, &duty.actor(), edit).await;
    after(&duty, &web, &opened, done.map(drop), Said::KeyInDraft, "private_key").await
}

async fn after(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    done: Result<(), SettingsError>,
    said: Said,
    field: &'static str,
) -> Response {
    let error = match done {
        Ok(()) => return see_other_saying(&opened.path("secrets"), said),
        Err(error) => error,
    };
    match (Problem::of(duty, &error), open(duty, web, opened.id().as_str()).await) {
        (Ok(problem), Ok(now)) => page(duty, web, &now, Some(problem), field),
        (Err(page), _) | (_, Err(page)) => *page,
    }
}

fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    problem: Option<Problem>,
    at_fault: &'static str,
) -> Response {
    let settings = latest(opened);
    let mut since = secrets_since(duty, &web.broker.provider_settings(), &settings);
    let status = status_of(problem.as_ref());
    let view = SecretsView {
        frame: opened.frame(duty, "Secrets"),
        head: opened.head("secrets"),
        client_id: settings
            .get("clientId")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        secret: since.remove("client_secret"),
        previous: since.remove("client_secret_previous"),
        key: since.remove("private_key"),
        key_id: settings
            .get("privateKeyId")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        problem,
        at_fault,
    };
    respond(status, &view.frame, Forms::Here, &view)
}
