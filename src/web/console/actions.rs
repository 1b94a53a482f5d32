//! What an agent does in a conversation. Each use case is the API's, and checks again; each form is answered by a
//! redirect to the conversation's page, or by that page with what was typed and what is wrong with it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;
use serde_json::Map;

use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, ConversationRef};
use crate::domain::ids::{ConversationId, LinkId};
use crate::domain::link::{Link, LinkStatus};
use crate::flow::StoreError;
use crate::flow::confirm::ConfirmError;
use crate::flow::create_link::{CreateLinkError, NewLink};
use crate::flow::desk::code::Way;
use crate::flow::desk::draft::{Choice as Chosen, device_of};
use crate::flow::links::CancelError;
use crate::flow::resend::{ResendError, Rewording};
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Agent, OnDuty, Posted, Said, see_other_saying};

use super::conversation::{Asked, is_language_tag, show};
use super::list::optional_handle;
use super::panel::Held;
use super::paths;
use super::progress::overtaken;

/// A form that is sent twice within this time was pressed twice.
const TWICE: SignedDuration = SignedDuration::from_secs(5);

/// The most of what was typed in place of a code that is shown again, in characters.
const CODE: usize = 40;

/// Sends a sign-in.
pub async fn send(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(id) = id.parse::<ConversationId>() else { return duty.missing() };
    let asked = match Order::read(&duty, &web, &id, &form).await {
        Ok(Order::Carry(order)) => return carry_out(&duty, &web, &id, *order, &form).await,
        Ok(Order::Twice) => return see_other_saying(&paths::conversation(&id), Said::SignInSent),
        Ok(Order::Hold(held)) => Asked { held: Some(held), ..asked(&id, &form) },
        Ok(Order::Refuse(fault)) => {
            let asked = Asked { fault: Some(fault), ..asked(&id, &form) };
            return show(&duty, &web, &id, &asked, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(error) => return duty.unavailable(&error),
    };
    show(&duty, &web, &id, &asked, StatusCode::CONFLICT).await
}

/// What becomes of an order.
enum Order {
    /// It is carried out.
    Carry(Box<NewLink>),
    /// The agent should know something first.
    Hold(Held),
    /// It was carried out a moment ago.
    Twice,
    /// It cannot be carried out.
    Refuse(String),
}

impl Order {
    async fn read(
        duty: &OnDuty<Agent>,
        web: &Web,
        id: &ConversationId,
        form: &Posted,
    ) -> Result<Self, StoreError> {
        let (tenant, now) = (duty.tenant(), web.broker.clock().now());
        let opened = web.broker.desk_conversation(tenant, id, None, 1).await?;
        let known = opened.as_ref().map(|opened| &opened.row.conversation.at);
        let Some(conversation) = place(id, form).or_else(|| known.cloned()) else {
            return Ok(Self::Refuse(
                "Choose the channel again: the conversation is not known yet.".to_owned(),
            ));
        };
        let newest = opened.as_ref().and_then(|opened| opened.row.link.as_ref());
        if let Some(newer) = overtaken(newest, form.text("seen")) {
            let own = newer.sender.as_ref().is_some_and(|sender| sender.id == duty.session.staff.as_str());
            if own && now.duration_since(newer.created_at) < TWICE {
                return Ok(Self::Twice);
            }
            // Whoever sends in spite of a provider in trouble did not know of this one: the page that is shown now says it.
            return Ok(Self::Hold(Held::Overtaken));
        }
        let provider = form.text("provider").parse().ok();
        let named = tenant.provider(provider.as_ref());
        let trouble = match named {
            Some(provider) => web.broker.provider_trouble(tenant, &provider.id).await?,
            None => None,
        };
        if trouble.is_some() && !form.has("despite") {
            return Ok(Self::Hold(Held::Trouble));
        }
        let text = |name: &str| Some(form.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
        let capabilities = device_of(newest, &conversation);
        Ok(Self::Carry(Box::new(NewLink {
            conversation,
            provider,
            snippet: text("snippet"),
            locale: text("locale").filter(|tag| is_language_tag(tag)),
            expires_in: None,
            sender: None,
            route: None,
            capabilities,
            contact: None,
            minimum: None,
            metadata: Map::new(),
        })))
    }
}

async fn carry_out(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &ConversationId,
    order: NewLink,
    form: &Posted,
) -> Response {
    match web.broker.create_link(duty.tenant(), &duty.actor(), order, None).await {
        Ok(_) => see_other_saying(&paths::conversation(id), Said::SignInSent),
        Err(CreateLinkError::Refused { pointer: "/binding/minimum", .. }) => {
            let fault = "Your business takes nobody’s word here but the channel’s own, and it is not known whether the \
                         customer’s device can give it. Let the platform send the sign-in, which knows the device.";
            let asked = Asked { fault: Some(fault.to_owned()), ..asked(id, form) };
            show(duty, web, id, &asked, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(CreateLinkError::Refused { .. } | CreateLinkError::Once(_)) => {
            let fault = "The message or the provider is no longer there: the settings have changed. Look at what can \
                         be sent now.";
            let asked = Asked { fault: Some(fault.to_owned()), ..asked(id, form) };
            show(duty, web, id, &asked, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(CreateLinkError::Store(error)) => duty.unavailable(&error),
    }
}

/// Takes a sign-in back.
pub async fn cancel(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let (id, link) = match own_link(&duty, &web, &id, &form).await {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let said = match web.broker.cancel_link(duty.tenant(), &duty.actor(), &link.id).await {
        Ok(_) => Said::SignInCancelled,
        Err(CancelError::Final(LinkStatus::Completed)) => Said::TooLateCompleted,
        Err(CancelError::Final(_)) => Said::TooLateOver,
        Err(CancelError::Unknown) => return duty.missing(),
        Err(CancelError::Store(error)) => return duty.unavailable(&error),
    };
    see_other_saying(&paths::conversation(&id), said)
}

/// Words the message of a sign-in once more; its link stays the same.
pub async fn resend(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let (id, link) = match own_link(&duty, &web, &id, &form).await {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let text = |name: &str| Some(form.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let wording =
        Rewording { snippet: text("snippet"), locale: text("locale").filter(|tag| is_language_tag(tag)) };
    let said = match web.broker.resend_link(duty.tenant(), &duty.actor(), &link.id, &wording).await {
        Ok(_) => Said::SignInResent,
        Err(ResendError::Over(LinkStatus::Completed)) => Said::TooLateCompleted,
        Err(ResendError::Over(_) | ResendError::ProviderGone) => Said::TooLateOver,
        Err(ResendError::Refused(_)) => Said::WordingGone,
        Err(ResendError::Unknown) => return duty.missing(),
        Err(ResendError::Store(error)) => return duty.unavailable(&error),
    };
    see_other_saying(&paths::conversation(&id), said)
}

/// Passes the code that the customer sent, where the platform does not pass messages.
pub async fn confirm(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let (id, link) = match own_link(&duty, &web, &id, &form).await {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let Some(code) = TypedCode::parse(form.text("code")) else {
        let fault = "That is no code: it looks like CS-123456. Copy it from the customer's message.";
        return wrong(&duty, &web, &id, &form, fault.to_owned()).await;
    };
    if let Err(error) =
        web.broker.note_passed_code(duty.tenant(), &duty.actor(), &link.id, Way::Console).await
    {
        return duty.unavailable(&error);
    }
    match web.broker.confirm_link(duty.tenant(), &link.id, &code).await {
        Ok(link) => match duty.saw(&web, Seen::link(&link)).await {
            Ok(()) => see_other_saying(&paths::conversation(&id), Said::CodeRight),
            Err(untold) => *untold,
        },
        Err(ConfirmError::Wrong { attempts_left: 0 }) => {
            see_other_saying(&paths::conversation(&id), Said::CodeSpent)
        }
        Err(ConfirmError::Wrong { attempts_left }) => {
            let fault = format!("That is not the code. {}", tries(attempts_left));
            wrong(&duty, &web, &id, &form, fault).await
        }
        Err(ConfirmError::Spent(LinkStatus::Completed)) => {
            see_other_saying(&paths::conversation(&id), Said::TooLateCompleted)
        }
        Err(ConfirmError::NothingWaits(_) | ConfirmError::Spent(_) | ConfirmError::NotRecorded(_)) => {
            see_other_saying(&paths::conversation(&id), Said::CodeTooLate)
        }
        Err(ConfirmError::Unknown) => duty.missing(),
        Err(ConfirmError::Store(error)) => duty.unavailable(&error),
    }
}

/// Ends a verification: nobody is verified in the conversation any more.
pub async fn end(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    _form: Posted,
) -> Response {
    let Ok(id) = id.parse::<ConversationId>() else { return duty.missing() };
    match web.broker.end_conversation(duty.tenant(), &duty.actor(), &id).await {
        Ok(Some(_)) => see_other_saying(&paths::conversation(&id), Said::VerificationEnded),
        Ok(None) => duty.missing(),
        Err(error) => duty.unavailable(&error),
    }
}

/// The link that a form names, if it belongs to the conversation of the form's address.
async fn own_link(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &str,
    form: &Posted,
) -> Result<(ConversationId, Link), Box<Response>> {
    let missing = || Box::new(duty.missing());
    let id: ConversationId = id.parse().map_err(|_| missing())?;
    let link: LinkId = form.text("link").parse().map_err(|_| missing())?;
    match web.broker.link(duty.tenant(), &link).await {
        Ok(Some(link)) if link.conversation.id == id => Ok((id, link)),
        Ok(_) => Err(missing()),
        Err(error) => Err(Box::new(duty.unavailable(&error))),
    }
}

async fn wrong(
    duty: &OnDuty<Agent>,
    web: &Web,
    id: &ConversationId,
    form: &Posted,
    fault: String,
) -> Response {
    let typed = form.text("code").chars().take(CODE).collect();
    let asked = Asked { code: Some((typed, fault)), ..Asked::default() };
    show(duty, web, id, &asked, StatusCode::UNPROCESSABLE_ENTITY).await
}

fn tries(left: u8) -> String {
    match left {
        1 => "One more try is left; then the customer must sign in again.".to_owned(),
        left => format!("{left} more tries are left."),
    }
}

/// Where the form says that the conversation is; none if it does not say.
fn place(id: &ConversationId, form: &Posted) -> Option<ConversationRef> {
    let channel: Channel = form.text("channel").parse().ok()?;
    let handle = optional_handle(form.text("handle")).ok()?;
    Some(ConversationRef { id: id.clone(), channel, handle })
}

/// The same page again, with what was chosen.
fn asked(id: &ConversationId, form: &Posted) -> Asked {
    let locale = Some(form.text("locale")).filter(|tag| is_language_tag(tag)).map(str::to_owned);
    Asked {
        place: place(id, form),
        chosen: Chosen { provider: form.text("provider").parse().ok(), locale },
        snippet: form.has("snippet").then(|| form.text("snippet").to_owned()),
        ..Asked::default()
    }
}
