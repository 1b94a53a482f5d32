//! What a test login sent and what came back, before it is made fit to be seen.

use std::time::Duration;

use crate::domain::fault::Step;
use crate::domain::trial::Findings;
use crate::egress::error::EgressError;
use crate::oauth::id_token::fault::TokenFault;
use crate::oauth::wire::{OutboundRequest, ProviderAnswer};

/// One call of a provider.
pub(in crate::flow) struct Call {
    pub(super) step: Step,
    pub(super) took: Duration,
    pub(super) request: OutboundRequest,
    pub(super) answer: Result<ProviderAnswer, EgressError>,
}

/// Writes down what a login does. It holds secrets, and is gone when the test is over.
#[derive(Default)]
pub(in crate::flow) struct Recorder {
    pub(super) calls: Vec<Call>,
    /// What the provider said of the person.
    pub(in crate::flow) findings: Option<Findings>,
    /// Why a signed token was not believed.
    pub(in crate::flow) disbelieved: Option<TokenFault>,
}

impl Recorder {
    /// A call was made, `since` its step began.
    pub(in crate::flow) fn called(
        &mut self,
        step: Step,
        since: Duration,
        request: &OutboundRequest,
        answer: Result<&ProviderAnswer, &EgressError>,
    ) {
        // Calls of one and the same beginning follow each other.
        let before: Duration =
            self.calls.iter().rev().take_while(|call| call.step == step).map(|call| call.took).sum();
        let took = if before < since { since.saturating_sub(before) } else { since };
        let answer = answer.cloned().map_err(Clone::clone);
        self.calls.push(Call { step, took, request: request.clone(), answer });
    }

    /// The last call of a step.
    pub(super) fn last(&self, step: Step) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.step == step)
    }
}

impl Call {
    /// The status of the answer, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status)
    }

    /// The answer's body as a text.
    pub(super) fn text(&self) -> String {
        let body = self.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
        String::from_utf8_lossy(body).into_owned()
    }

    /// The answer's body as JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        crate::oauth::json::parse(&self.answer.as_ref().ok()?.body).ok()
    }
}
