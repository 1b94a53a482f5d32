//! One conversation: who is verified there, how the newest sign-in stands, the contact, and what could be sent.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::contact::Contact;
use crate::domain::conversation::{Conversation, ConversationRef};
use crate::domain::ids::ConversationId;
use crate::domain::link::Link;
use crate::domain::staff::{Member, Role};
use crate::flow::StoreError;
use crate::flow::desk::board::Opened;
use crate::flow::desk::draft::{Choice as Chosen, device_of};
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::Segment;
use crate::web::staff::{Agent, Forms, Frame, OnDuty, Section, respond, respond_part};

use super::contact::ContactView;
use super::identity::IdentityView;
use super::list::{optional_handle, rows_beside};
use super::panel::{Basis, Held, PanelView};
use super::progress::{EarlierView, People, ProgressView, live_query, replaced};
use super::query::Query;
use super::rows::{Icon, RowView};
use super::{paths, words};

/// Links of a conversation that its page tells of.
const LINKS: usize = 6;

/// What is asked of a conversation's page.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Where a conversation is that is not known yet, or is elsewhere now.
    pub place: Option<ConversationRef>,
    /// Provider and language.
    pub chosen: Chosen,
    /// The snippet.
    pub snippet: Option<String>,
    /// Why a sign-in was not sent.
    pub held: Option<Held>,
    /// The code that was typed, and what is wrong with it.
    pub code: Option<(String, String)>,
    /// What is wrong beside that.
    pub fault: Option<String>,
}

/// What changes while the page stands.
struct Live {
    /// The conversation, to be shown.
    id: String,
    /// The same, to be sent.
    raw_id: String,
    identity: Option<IdentityView>,
    progress: Option<ProgressView>,
    contact: Option<ContactView>,
    earlier: Vec<EarlierView>,
    /// Who has replaced the reader's own sign-in.
    replaced: Option<String>,
    /// The code that was typed, and what is wrong with it.
    code: Option<(String, String)>,
    fault: Option<String>,
    /// Where forms are sent.
    path: String,
    /// The chat simulator, where it is on.
    simulator: Option<String>,
}

#[derive(Template)]
#[template(path = "console/conversation.html")]
struct ConversationView {
    frame: Frame,
    live: Live,
    rows: Vec<RowView>,
    panel: Option<PanelView>,
    channel: &'static str,
    handle: Option<String>,
    address: &'static str,
    /// The conversation is elsewhere than before: whoever was verified no longer will be.
    is_elsewhere: bool,
    /// Where the changing part asks for itself again.
    again: String,
    /// Where the latest conversations do.
    side: String,
    after: u64,
    live_query: String,
}

#[derive(Template)]
#[template(path = "console/conversation_live.html")]
struct LiveView {
    frame: Frame,
    live: Live,
}

#[derive(Template)]
#[template(path = "console/panel_part.html")]
struct PanelPart {
    frame: Frame,
    panel: Option<PanelView>,
}

#[derive(Template)]
#[template(path = "console/unknown.html")]
struct UnknownView {
    frame: Frame,
    id: String,
}

/// The page, or its changing part.
pub async fn page(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Response {
    let Ok(id) = id.parse::<ConversationId>() else { return duty.missing() };
    let asked = Asked::of(&id, &Query::parse(raw.as_deref()));
    show(&duty, &web, &id, &asked, StatusCode::OK).await
}

/// The wordings with another provider or in another language.
pub async fn message(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Response {
    let Ok(id) = id.parse::<ConversationId>() else { return duty.missing() };
    let asked = Asked::of(&id, &Query::parse(raw.as_deref()));
    if !duty.is_part() {
        return show(&duty, &web, &id, &asked, StatusCode::OK).await;
    }
    let drawn = async {
        let opened = web.broker.desk_conversation(duty.tenant(), &id, asked.place.clone(), LINKS).await?;
        match opened {
            Some(opened) => panel(&duty, &web, &opened, &asked).await.map(Some),
            None => Ok::<_, StoreError>(None),
        }
    };
    match drawn.await {
        Ok(Some(panel)) => {
            let frame = duty.frame("Conversation", Section::Console);
            let part = PanelPart { frame, panel };
            respond_part(&part.frame, &part)
        }
        Ok(None) => duty.missing(),
        Err(error) => duty.unavailable(&error),
    }
}

/// Draws the page. Whom it tells of is written down before.
pub(super) async fn show(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &ConversationId,
    asked: &Asked,
    status: StatusCode,
) -> Response {
    match draw(duty, web, id, asked, status).await {
        Ok(response) => response,
        Err(Refused::Store(error)) => duty.unavailable(&error),
        Err(Refused::Untold(response)) => *response,
    }
}

/// Why a page is not drawn.
enum Refused {
    Store(StoreError),
    /// What it would tell could not be written down.
    Untold(Box<Response>),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn draw(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &ConversationId,
    asked: &Asked,
    status: StatusCode,
) -> Result<Response, Refused> {
    // Before anything is read: what happens meanwhile is told behind this position.
    let after = web.broker.news_end(duty.tenant()).await?;
    let place = asked.place.clone();
    let Some(opened) = web.broker.desk_conversation(duty.tenant(), id, place, LINKS).await? else {
        return Ok(unknown(duty, id));
    };
    let live = live(duty, web, &opened, asked).await?;
    let frame = duty.frame(&format!("Conversation {}", live.id), Section::Console);
    if duty.is_part() {
        let part = LiveView { frame, live };
        return Ok(respond_part(&part.frame, &part));
    }
    let (known, path) = (&opened.row.conversation.at, paths::conversation(id));
    let at = asked.place.as_ref().unwrap_or(known);
    let is_elsewhere = opened.is_known && !known.is_same_person(at);
    let view = ConversationView {
        panel: panel(duty, web, &opened, asked).await?,
        rows: rows_beside(duty, web, &path).await?,
        channel: at.channel.label(),
        handle: at.handle.as_ref().map(|handle| clean(&handle.masked())),
        address: words::address(at.channel),
        is_elsewhere,
        side: side_path(&path),
        again: asked.place.as_ref().map_or_else(|| path.clone(), paths::fresh),
        live_query: live_query(id),
        frame,
        live,
        after,
    };
    Ok(respond(status, &view.frame, Forms::Here, &view))
}

async fn live(duty: &OnDuty<Agent>, web: &Web, opened: &Opened, asked: &Asked) -> Result<Live, Refused> {
    let (tenant, local, now) = (duty.tenant(), duty.local(), web.broker.clock().now());
    let (conversation, links) = (&opened.row.conversation, &opened.links);
    let (proving, contact) = verified(duty, web, conversation, links).await?;
    let people = people(duty);
    let newest = opened.row.link.as_ref();
    let progress = match newest {
        Some(link) => {
            let message = web.broker.desk_message(tenant, link).await?;
            Some(ProgressView::of(tenant, link, message, &people, &local, now))
        }
        None => None,
    };
    let earlier = links.iter().filter(|link| newest.is_none_or(|newest| newest.id != link.id));
    Ok(Live {
        id: clean(conversation.at.id.as_str()),
        raw_id: conversation.at.id.to_string(),
        identity: IdentityView::of(tenant, conversation, (proving.as_ref(), contact.as_ref()), &local, now),
        progress,
        contact: contact.map(|contact| {
            let view = ContactView::of(tenant, &contact, &people, &local);
            let is_admin = duty.member.role.may(Role::Admin);
            if is_admin { view.with_ends(&contact.id, &conversation.at.id) } else { view }
        }),
        earlier: earlier.map(|link| EarlierView::of(link, &people, &local)).collect(),
        replaced: replaced(links, &people),
        code: asked.code.clone(),
        fault: asked.fault.clone(),
        path: paths::conversation(&conversation.at.id),
        simulator: tenant.simulator.then(|| paths::simulator(&conversation.at.id)),
    })
}

/// The link that proved who is verified, and the contact; the auditor hears of both first.
async fn verified(
    duty: &OnDuty<Agent>,
    web: &Web,
    conversation: &Conversation,
    links: &[Link],
) -> Result<(Option<Link>, Option<Contact>), Refused> {
    let now = web.broker.clock().now();
    let Some(verified) = conversation.verified_at(now) else { return Ok((None, None)) };
    let tenant = duty.tenant();
    let proving = match links.iter().find(|link| link.id == verified.auth_link_id) {
        Some(link) => Some(link.clone()),
        None => web.broker.link(tenant, &verified.auth_link_id).await?,
    };
    let contact = match &verified.contact_id {
        Some(id) => web.broker.contact(tenant, id).await?,
        None => None,
    };
    duty.saw(web, Seen::conversation(conversation, now)).await.map_err(Refused::Untold)?;
    duty.saw(web, contact.as_ref().map(Seen::contact)).await.map_err(Refused::Untold)?;
    Ok((proving, contact))
}

/// What the members of staff are called.
fn people(duty: &OnDuty<Agent>) -> People {
    let name = |member: &Member| (member.id.clone(), member.shown_name().to_owned());
    People { me: duty.session.staff.clone(), names: duty.tenant().staff.iter().map(name).collect() }
}

/// What could be sent; none if the tenant has no provider.
async fn panel(
    duty: &OnDuty<Agent>,
    web: &Web,
    opened: &Opened,
    asked: &Asked,
) -> Result<Option<PanelView>, StoreError> {
    let known = &opened.row.conversation.at;
    let at = asked.place.as_ref().unwrap_or(known);
    let newest = opened.row.link.as_ref();
    let chosen = Chosen {
        provider: asked.chosen.provider.clone(),
        locale: asked.chosen.locale.clone().or_else(|| newest?.locale.clone()),
    };
    let basis = Basis {
        tenant: duty.tenant(),
        at,
        is_known: opened.is_known && known == at,
        newest,
        snippet: asked.snippet.as_deref().or_else(|| newest?.snippet.as_deref()),
        held: asked.held,
        overtaken_by: newest.map(|link| people(duty).sender(link.sender.as_ref())),
        chosen: &chosen,
    };
    let drafts = web.broker.desk_drafts(duty.tenant(), at, &device_of(newest, at), &chosen).await?;
    Ok(drafts.map(|drafts| PanelView::of(&basis, &drafts, &duty.local())))
}

fn side_path(here: &str) -> String {
    let here: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("/console/side?here={here}")
}

fn unknown(duty: &OnDuty<Agent>, id: &ConversationId) -> Response {
    let frame = duty.frame("No sign-in was sent here yet", Section::Console);
    let view = UnknownView { frame, id: clean(id.as_str()) };
    respond(StatusCode::NOT_FOUND, &view.frame, Forms::Here, &view)
}

impl Asked {
    /// What the query says, as far as it can be read.
    pub(super) fn of(id: &ConversationId, query: &Query) -> Self {
        let handle = optional_handle(query.text("handle")).ok().flatten();
        let place = query.text("channel").parse().ok();
        let text = |name: &str| Some(query.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            place: place.map(|channel| ConversationRef { id: id.clone(), channel, handle }),
            chosen: Chosen {
                provider: query.text("provider").parse().ok(),
                locale: text("locale").filter(|tag| is_language_tag(tag)),
            },
            snippet: query.has("snippet").then(|| query.text("snippet").to_owned()),
            ..Self::default()
        }
    }
}

/// The shape of a language tag (RFC 5646).
pub(super) fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let language = parts.next().unwrap_or_default();
    language.len() >= 2
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && is_part(language)
        && text.len() <= 35
        && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_read_is_as_if_it_said_nothing() {
        let id: ConversationId = "c".parse().unwrap();
        let asked = Asked::of(&id, &Query::parse(Some("channel=smoke&handle=1&provider=%3Cb%3E&locale=x")));
        assert!(asked.place.is_none() && asked.chosen == Chosen::default());
        let asked =
            Asked::of(&id, &Query::parse(Some("channel=sms&handle=%2B15550100&locale=pt-BR&snippet=")));
        let place = asked.place.unwrap();
        assert_eq!((place.channel.as_str(), place.handle.unwrap().as_str()), ("sms", "+15550100"));
        assert_eq!((asked.chosen.locale.as_deref(), asked.snippet.as_deref()), (Some("pt-BR"), Some("")));
    }
}
