//! The list of conversations, the search, and a conversation that the platform did not open.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::conversation::{Channel, ConversationRef, Handle};
use crate::domain::ids::ConversationId;
use crate::flow::desk::board::Filter;
use crate::flow::desk::search::LOOKED_THROUGH;
use crate::flow::lists::Part;
use crate::flow::trail::Seen;
use crate::flow::{Page, StoreError};
use crate::web::Web;
use crate::web::staff::{Agent, Forms, Frame, OnDuty, Posted, Section, respond, respond_part};
use crate::web::visit::see_other;

use super::paths;
use super::query::Query;
use super::rows::{Choice, Icon, RowView};

/// Conversations of one page.
const ROWS: usize = 25;
/// Conversations beside an open one.
const BESIDE: usize = 12;
/// The longest text that is looked for.
const SOUGHT: usize = 320;

/// A list of rows, and what stands where there are none.
struct Listing {
    rows: Vec<RowView>,
    filter: Filter,
    /// The next page.
    older: Option<String>,
    /// The first page, if this is another one.
    newest: Option<String>,
}

#[derive(Template)]
#[template(path = "console/list.html")]
struct ListView {
    frame: Frame,
    list: Listing,
    tabs: Vec<Tab>,
    /// Where the list asks for itself again.
    again: String,
    /// What stands in the search field.
    sought: String,
    /// Behind which event the page listens on.
    after: u64,
    /// To whom else it listens: nobody in particular.
    live_query: String,
}

/// A filter to choose.
struct Tab {
    path: String,
    label: &'static str,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "console/rows.html")]
struct RowsView {
    list: Listing,
}

#[derive(Template)]
#[template(path = "console/side.html")]
struct SideView {
    rows: Vec<RowView>,
}

#[derive(Template)]
#[template(path = "console/found.html")]
struct FoundView {
    frame: Frame,
    sought: String,
    rows: Vec<RowView>,
    more: bool,
    looked_through: usize,
}

#[derive(Template)]
#[template(path = "console/new.html")]
struct NewView {
    frame: Frame,
    id: String,
    channels: Vec<Choice>,
    handle: String,
    faults: Vec<(&'static str, String)>,
}

/// The list, or only its rows.
pub async fn list(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let filter = Filter::parse(query.text("filter"));
    let cursor = Some(query.text("cursor")).filter(|cursor| !cursor.is_empty());
    let drawn = async {
        let after = web.broker.news_end(duty.tenant()).await?;
        let part = Part { cursor, limit: ROWS };
        Ok::<_, StoreError>((after, web.broker.desk_rows(duty.tenant(), filter, part).await?))
    };
    let (after, page) = match drawn.await {
        Ok(drawn) => drawn,
        Err(StoreError::BadCursor) => return see_other(&list_path(filter, None)),
        Err(error) => return duty.unavailable(&error),
    };
    let (local, now) = (duty.local(), web.broker.clock().now());
    let Page { items, next } = page;
    let list = Listing {
        rows: items.iter().map(|row| RowView::of(row, &local, now)).collect(),
        filter,
        older: next.map(|next| list_path(filter, Some(&next))),
        newest: cursor.map(|_| list_path(filter, None)),
    };
    let frame = duty.frame("Conversations", Section::Console);
    if duty.is_part() {
        return respond_part(&frame, &RowsView { list });
    }
    let tab =
        |known: Filter| Tab { path: list_path(known, None), label: label(known), is_here: known == filter };
    let tabs = Filter::ALL.map(tab).into();
    let (again, sought, live_query) = (list_path(filter, cursor), String::new(), String::new());
    let view = ListView { frame, list, tabs, again, sought, after, live_query };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// The latest conversations beside an open one, as a part of its page.
pub async fn side(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    match rows_beside(&duty, &web, query.text("here")).await {
        Ok(rows) => respond_part(&duty.frame("Conversations", Section::Console), &SideView { rows }),
        Err(error) => duty.unavailable(&error),
    }
}

/// The latest conversations, the open one marked.
pub(super) async fn rows_beside(
    duty: &OnDuty<Agent>,
    web: &Web,
    here: &str,
) -> Result<Vec<RowView>, StoreError> {
    let part = Part { cursor: None, limit: BESIDE };
    let page = web.broker.desk_rows(duty.tenant(), Filter::All, part).await?;
    let (local, now) = (duty.local(), web.broker.clock().now());
    let row = |row| {
        let is_here = |view: &RowView| view.path == here;
        let view = RowView::of(row, &local, now);
        RowView { is_here: is_here(&view), ..view }
    };
    Ok(page.items.iter().map(row).collect())
}

/// What was looked for is often somebody's address: it is sent in a form's body, so that it stands in no address bar.
pub async fn search(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let sought: String = form.text("q").chars().take(SOUGHT).collect();
    if sought.is_empty() {
        return see_other("/console");
    }
    let found = match web.broker.desk_search(duty.tenant(), &sought).await {
        Ok(found) => found,
        Err(error) => return duty.unavailable(&error),
    };
    if let Err(refused) = duty.saw(&web, Seen::contacts(&found.contacts)).await {
        return *refused;
    }
    let (local, now) = (duty.local(), web.broker.clock().now());
    let view = FoundView {
        frame: duty.frame("Search", Section::Console),
        sought,
        rows: found.rows.iter().map(|(row, why)| RowView::found(row, *why, &local, now)).collect(),
        more: found.more,
        looked_through: LOOKED_THROUGH,
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// The form for a conversation that no platform opens by a link; filled in, it leads there. Nothing is stored: that is
/// done by the first sign-in that is sent.
pub async fn new(duty: OnDuty<Agent>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(raw.as_deref());
    let frame = duty.frame("New conversation", Section::Console);
    let view = NewView {
        frame,
        id: query.text("id").to_owned(),
        channels: channels(query.text("channel")),
        handle: query.text("handle").to_owned(),
        faults: Vec::new(),
    };
    if !query.has("id") {
        return respond(StatusCode::OK, &view.frame, Forms::Here, &view);
    }
    match place(&query) {
        Ok(at) => see_other(&paths::fresh(&at)),
        Err(faults) => {
            let view = NewView { faults, ..view };
            respond(StatusCode::UNPROCESSABLE_ENTITY, &view.frame, Forms::Here, &view)
        }
    }
}

/// The conversation that the form describes, or what is wrong with it, by field.
fn place(query: &Query) -> Result<ConversationRef, Vec<(&'static str, String)>> {
    let mut faults = Vec::new();
    let id = query.text("id").parse::<ConversationId>().map_err(|_| {
        faults.push((
            "id",
            "Use 1 to 200 characters, e.g. conv-42: the id by which your platform knows it.".to_owned(),
        ));
    });
    let channel = query.text("channel").parse::<Channel>().map_err(|_| {
        faults.push(("channel", "Choose the channel in which you talk with the customer.".to_owned()));
    });
    let handle = optional_handle(query.text("handle")).map_err(|()| {
        faults.push(("handle", "Use at most 320 characters on one line, e.g. +15550100.".to_owned()));
    });
    match (id, channel, handle) {
        (Ok(id), Ok(channel), Ok(handle)) => Ok(ConversationRef { id, channel, handle }),
        _ => Err(faults),
    }
}

/// An address that may be left out.
pub(super) fn optional_handle(text: &str) -> Result<Option<Handle>, ()> {
    match text {
        "" => Ok(None),
        text => Handle::parse(text).map(Some).map_err(|_| ()),
    }
}

fn list_path(filter: Filter, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if filter != Filter::All {
        query.append_pair("filter", filter.as_str());
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    match query.finish() {
        empty if empty.is_empty() => "/console".to_owned(),
        query => format!("/console?{query}"),
    }
}

/// The channels to choose from.
pub(super) fn channels(chosen: &str) -> Vec<Choice> {
    let choice = |channel: Channel| Choice {
        value: channel.to_string(),
        label: channel.label().to_owned(),
        is_chosen: channel.as_str() == chosen,
    };
    Channel::ALL.map(choice).into()
}

fn label(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "All",
        Filter::Waiting => "Waiting",
        Filter::Verified => "Verified",
        Filter::Failed => "Failed",
    }
}

impl NewView {
    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|(known, _)| *known == field).map(|(_, text)| text.as_str())
    }
}
