//! The chat simulator: what the customer would see in the chat, and an answer as the customer would send it. For
//! tenants without a platform, and for trying things; a setting must allow it, since whoever uses it plays both sides.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::Handle;
use crate::domain::ids::ConversationId;
use crate::domain::link::{Link, LinkStatus};
use crate::flow::StoreError;
use crate::flow::confirm::ConfirmError;
use crate::flow::desk::board::Opened;
use crate::flow::desk::code::Way;
use crate::flow::desk::draft::is_open;
use crate::flow::inbound::{InboundMessage, Reading};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::Segment;
use crate::web::staff::{
    Agent, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, respond_part, see_other_saying,
};

use super::paths;
use super::progress::{MessageView, live_query};

/// Sign-ins that the chat shows.
const LINKS: usize = 5;
/// The longest message.
const LONGEST: usize = 1000;
/// The address of a customer whose own is not known.
const SOMEBODY: &str = "simulator";

/// A piece of the chat.
struct BubbleView {
    message: MessageView,
    at: Moment,
    /// Whether the link still leads somewhere.
    is_open: bool,
    /// What became of it.
    note: Option<&'static str>,
}

/// The chat.
struct Chat {
    bubbles: Vec<BubbleView>,
    business: String,
}

#[derive(Template)]
#[template(path = "console/simulator.html")]
struct SimulatorView {
    frame: Frame,
    chat: Chat,
    channel: &'static str,
    handle: Option<String>,
    conversation: String,
    path: String,
    send: String,
    longest: usize,
    after: u64,
    live_query: String,
}

#[derive(Template)]
#[template(path = "console/chat.html")]
struct ChatView {
    chat: Chat,
}

/// The customer's side of a conversation.
pub async fn page(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    let id = match allowed(&duty, &id) {
        Ok(id) => id,
        Err(refused) => return *refused,
    };
    let drawn = async {
        let after = web.broker.news_end(duty.tenant()).await?;
        let opened = web.broker.desk_conversation(duty.tenant(), &id, None, LINKS).await?;
        let Some(opened) = opened else { return Ok(None) };
        let chat = chat(&duty, &web, &opened).await?;
        Ok::<_, StoreError>(Some((after, opened, chat)))
    };
    let (after, opened, chat) = match drawn.await {
        Ok(Some(drawn)) => drawn,
        Ok(None) => return duty.missing(),
        Err(error) => return duty.unavailable(&error),
    };
    let frame = duty.frame("Chat simulator", Section::Console);
    if duty.is_part() {
        return respond_part(&frame, &ChatView { chat });
    }
    let at = &opened.row.conversation.at;
    let view = SimulatorView {
        frame,
        chat,
        channel: at.channel.label(),
        handle: at.handle.as_ref().map(|handle| clean(&handle.masked())),
        conversation: paths::conversation(&id),
        path: paths::simulator(&id),
        send: format!("{}/message", paths::simulator(&id)),
        longest: LONGEST,
        after,
        live_query: live_query(&id),
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// A message as the customer would send it.
pub async fn message(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let id = match allowed(&duty, &id) {
        Ok(id) => id,
        Err(refused) => return *refused,
    };
    let text: String = form.text("text").chars().take(LONGEST).collect();
    let said = match answer(&duty, &web, &id, text).await {
        Ok(Some(Reading::Confirmed(_))) => Said::SimulatedConfirmed,
        Ok(Some(Reading::Wrong { .. })) => Said::SimulatedWrong,
        Ok(Some(Reading::Nothing)) => Said::SimulatedNothing,
        Ok(None) => return duty.missing(),
        Err(ConfirmError::Store(error)) => return duty.unavailable(&error),
        Ok(Some(Reading::Spent(_))) | Err(_) => Said::SimulatedSpent,
    };
    see_other_saying(&paths::simulator(&id), said)
}

/// Passes a message as a platform does; none if there is no such conversation.
async fn answer(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &ConversationId,
    text: String,
) -> Result<Option<Reading>, ConfirmError> {
    let tenant = duty.tenant();
    let Some(conversation) = web.broker.conversation(tenant, id).await? else { return Ok(None) };
    if let Some(link) = conversation.link.as_ref().filter(|_| TypedCode::find(&text).is_some()) {
        web.broker.note_passed_code(tenant, &duty.actor(), link, Way::Simulator).await?;
    }
    let somebody = || Handle::parse(SOMEBODY).expect("the word is an address");
    let message = InboundMessage {
        conversation: id.clone(),
        channel: conversation.at.channel,
        from: conversation.at.handle.unwrap_or_else(somebody),
        text,
        name: None,
    };
    web.broker.read_message(tenant, &message).await.map(Some)
}

/// The conversation that is named, if the tenant has the simulator at all.
fn allowed(duty: &OnDuty<Agent>, id: &str) -> Result<ConversationId, Box<Response>> {
    if !duty.tenant().simulator {
        let lead = "It plays the customer's side of a chat, for trying things. Whoever runs your settings can switch it \
                    on with simulator = true; a business with real customers should leave it off.";
        return Err(Box::new(duty.plain(StatusCode::NOT_FOUND, "The chat simulator is off", lead)));
    }
    id.parse().map_err(|_| Box::new(duty.missing()))
}

/// The messages in the order of a chat.
async fn chat(duty: &OnDuty<Agent>, web: &Web, opened: &Opened) -> Result<Chat, StoreError> {
    let (tenant, local, now) = (duty.tenant(), duty.local(), web.broker.clock().now());
    let mut bubbles = Vec::new();
    for link in opened.links.iter().rev() {
        let (url, message) = web.broker.desk_message(tenant, link).await?;
        bubbles.push(BubbleView {
            message: MessageView::of(url, &message),
            at: local.moment(link.created_at),
            is_open: is_open(link, now),
            note: note(link, now),
        });
    }
    Ok(Chat { bubbles, business: clean(&tenant.name) })
}

/// What the customer would learn of a link in the chat.
fn note(link: &Link, now: Timestamp) -> Option<&'static str> {
    Some(match link.status_at(now) {
        LinkStatus::Provisional => "You signed in. If the page shows a code, send it as a message.",
        LinkStatus::Completed => "You signed in, and the business knows who you are.",
        LinkStatus::Cancelled => "This link was taken back.",
        LinkStatus::Superseded => "A newer link took its place.",
        LinkStatus::Expired => "This link's time is over.",
        LinkStatus::Created | LinkStatus::Opened | LinkStatus::Denied | LinkStatus::Failed => return None,
    })
}
