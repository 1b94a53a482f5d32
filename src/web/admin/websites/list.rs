//! The websites, the form that makes one, and whether customers sign in by emailed codes at all.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::web::Web;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, Section, respond, see_other_saying};

use super::change::path_of;
use super::form::{Fault, Typed};
use super::{LIST, Now, list_of, now, put, put_list, told_of};

/// A website in the list.
struct Row {
    /// Where it is changed.
    path: String,
    website: Typed,
}

#[derive(Template)]
#[template(path = "admin/websites/list.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    /// Whether customers may sign in by an emailed code.
    email_code: bool,
    /// Whether there is a mail server.
    mails: bool,
    /// The file in which the websites stand; none if they stand in none.
    file: Option<String>,
    /// Whether they are changed here.
    is_open: bool,
    typed: Typed,
    fault: Option<Fault>,
    /// Who letters come from if a website says nothing.
    business: String,
}

/// `GET /admin/websites`: all of them.
pub(super) async fn list(duty: OnDuty<Admin>, State(web): State<Arc<Web>>) -> Response {
    page(&duty, &web, Typed::default(), None, StatusCode::OK).await
}

/// `POST /admin/websites`: makes one. Without a key of its own it gets one of ours.
pub(super) async fn create(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let typed = Typed::of(&form);
    if let Some(fault) = typed.fault() {
        return page(&duty, &web, typed, Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let mut made = typed.clone();
    if made.public_key.is_empty() {
        made.public_key = format!("pk_dom_{}", web.broker.clock().fresh_uuid().simple());
    }
    let change = |document: &mut serde_json::Map<String, Value>| {
        let mut list = list_of(document);
        list.push(made.settings());
        put_list(document, &list);
        Ok(())
    };
    match put(&web, &duty, change).await {
        Ok(()) => see_other_saying(&path_of(&made.public_key), Said::Saved),
        Err(missed) => match told_of(&duty, missed) {
            Ok((fault, status)) => page(&duty, &web, typed, Some(fault), status).await,
            Err(response) => *response,
        },
    }
}

/// `POST /admin/websites/codes`: whether customers may sign in by an emailed code.
pub(super) async fn switch(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let is_on = form.text("email_code") == "on";
    let change = |document: &mut serde_json::Map<String, Value>| {
        let mut customers = document.get("customers").and_then(Value::as_object).cloned().unwrap_or_default();
        customers.insert("emailCode".to_owned(), json!(is_on));
        document.insert("customers".to_owned(), Value::Object(customers));
        Ok(())
    };
    match put(&web, &duty, change).await {
        Ok(()) => see_other_saying(LIST, Said::Saved),
        Err(missed) => match told_of(&duty, missed) {
            Ok((fault, status)) => page(&duty, &web, Typed::default(), Some(fault), status).await,
            Err(response) => *response,
        },
    }
}

async fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    typed: Typed,
    fault: Option<Fault>,
    status: StatusCode,
) -> Response {
    let Now { websites, email_code, file, is_open } = match now(web, duty).await {
        Ok(now) => now,
        Err(error) => return super::failed(duty, error),
    };
    let rows = websites.into_iter().map(|website| Row { path: path_of(&website.public_key), website });
    let tenant = duty.tenant();
    let view = ListView {
        frame: duty.frame("Websites", Section::Websites),
        rows: rows.collect(),
        email_code,
        mails: web.broker.sends_mail(),
        file,
        is_open,
        typed,
        fault,
        business: crate::web::page::clean(&tenant.name),
    };
    respond(status, &view.frame, Forms::Here, &view)
}
