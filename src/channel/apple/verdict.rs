//! What a reply proves. Whether somebody signed in is decided by the exchange alone; who sat in front of it is what the
//! reply must prove, and only both together, for one request and one customer, verify anybody.
//!
//! The word of a newer reply proves little: any page can send a sheet to `messages-auth:`, so that a customer who sent
//! the page of the sign-in to somebody else can close his own sheet with a success whenever he likes. What proves it is
//! the number that our last page told the browser which had signed in, and no other: the phone repeats it. The older
//! flow has its relay token for that.

use jiff::SignedDuration;

use super::reply::{Inbound, Outcome, Reply};
use super::{Flow, RequestIdentifier};
use crate::domain::conversation::Handle;
use crate::secret::Secret;

/// How long a finished exchange waits for its reply. A phone sends it within seconds.
pub const WAITS: SignedDuration = SignedDuration::from_secs(60);

/// An authentication message as we remember it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its identifier.
    pub request: &'a RequestIdentifier,
    /// The customer it was sent to.
    pub customer: &'a Handle,
    /// The business that sent it.
    pub business: &'a str,
    /// Its flow.
    pub flow: Flow,
    /// Whether the provider has said who signed in, not longer than [`WAITS`] ago.
    pub exchanged: bool,
    /// What our last page told the sheet (newer flow); none where the word alone is enough.
    pub number: Option<u32>,
}

/// What a reply comes to.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The customer of this conversation signed in.
    Verified,
    /// He did, if this token, decrypted with the request's key, is the relay token that was issued for it.
    Redeem(Secret),
    /// It speaks of a success that our page did not tell it: the sheet was at another page.
    Forged,
    /// It is over, and nobody was verified.
    Over(Over),
    /// Nothing changes.
    Ignored(Ignored),
}

/// How a sign-in ended without anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It failed.
    Failed,
    /// The customer closed the sheet.
    Cancelled,
}

/// Why a reply changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It is about another request.
    OtherRequest,
    /// Another customer wrote it.
    OtherCustomer,
    /// It was written to another business.
    OtherBusiness,
    /// It has the words of the other flow.
    OtherFlow,
    /// It speaks of success, and nobody has signed in.
    NobodySignedIn,
}

/// Weighs a reply against the message that it answers.
pub fn judge(asked: &Asked<'_>, inbound: &Inbound, reply: &Reply) -> Verdict {
    if reply.request != *asked.request {
        return Verdict::Ignored(Ignored::OtherRequest);
    }
    if inbound.customer != *asked.customer {
        return Verdict::Ignored(Ignored::OtherCustomer);
    }
    if inbound.business != asked.business {
        return Verdict::Ignored(Ignored::OtherBusiness);
    }
    match (&reply.outcome, asked.flow) {
        (Outcome::Success { .. }, Flow::Older) | (Outcome::Token(_), Flow::Newer) => {
            Verdict::Ignored(Ignored::OtherFlow)
        }
        (Outcome::Success { .. } | Outcome::Token(_), _) if !asked.exchanged => {
            Verdict::Ignored(Ignored::NobodySignedIn)
        }
        (Outcome::Success { error_code }, Flow::Newer) => {
            let repeats = asked.number.is_none_or(|number| *error_code == Some(i64::from(number)));
            if repeats { Verdict::Verified } else { Verdict::Forged }
        }
        (Outcome::Token(token), Flow::Older) => Verdict::Redeem(token.clone()),
        (Outcome::Failure | Outcome::Unknown, _) => Verdict::Over(Over::Failed),
        (Outcome::Cancelled, _) => Verdict::Over(Over::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::apple::reply::Content;

    struct Scene {
        request: RequestIdentifier,
        customer: Handle,
    }

    fn scene() -> Scene {
        Scene {
            request: RequestIdentifier::parse("r-1").unwrap(),
            customer: Handle::parse("urn:mbid:AQ").unwrap(),
        }
    }

    fn inbound(customer: &str, business: &str) -> Inbound {
        let customer = Handle::parse(customer).unwrap();
        Inbound { customer, business: business.to_owned(), content: Content::Other }
    }

    fn outcomes() -> [Outcome; 5] {
        [
            Outcome::Token(Secret::new("t")),
            Outcome::Success { error_code: Some(3) },
            Outcome::Failure,
            Outcome::Cancelled,
            Outcome::Unknown,
        ]
    }

    fn told(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Verified => "verified",
            Verdict::Redeem(token) if token.expose() == "t" => "redeem",
            Verdict::Redeem(_) => "another token",
            Verdict::Forged => "forged",
            Verdict::Over(Over::Failed) => "failed",
            Verdict::Over(Over::Cancelled) => "cancelled",
            Verdict::Ignored(Ignored::OtherFlow) => "other flow",
            Verdict::Ignored(Ignored::NobodySignedIn) => "nobody",
            Verdict::Ignored(_) => "foreign",
        }
    }

    #[test]
    fn every_reply_to_every_request_comes_to_one_thing() {
        let Scene { request, customer } = scene();
        for (flow, exchanged, expected) in [
            (Flow::Newer, true, ["other flow", "verified", "failed", "cancelled", "failed"]),
            (Flow::Newer, false, ["other flow", "nobody", "failed", "cancelled", "failed"]),
            (Flow::Older, true, ["redeem", "other flow", "failed", "cancelled", "failed"]),
            (Flow::Older, false, ["nobody", "other flow", "failed", "cancelled", "failed"]),
        ] {
            let number = Some(3);
            let asked =
                Asked { request: &request, customer: &customer, business: "biz-1", flow, exchanged, number };
            for (outcome, expected) in outcomes().into_iter().zip(expected) {
                let reply = Reply { request: request.clone(), outcome };
                let verdict = judge(&asked, &inbound("urn:mbid:AQ", "biz-1"), &reply);
                assert_eq!(told(&verdict), expected, "{flow:?} {exchanged} {:?}", reply.outcome);
            }
        }
    }

    #[test]
    fn a_success_that_does_not_repeat_our_number_is_forged_unless_the_word_is_enough() {
        let Scene { request, customer } = scene();
        let mut asked = Asked {
            request: &request,
            customer: &customer,
            business: "biz-1",
            flow: Flow::Newer,
            exchanged: true,
            number: Some(7),
        };
        let mut weighed = |number, error_code| {
            asked.number = number;
            let reply = Reply { request: request.clone(), outcome: Outcome::Success { error_code } };
            told(&judge(&asked, &inbound("urn:mbid:AQ", "biz-1"), &reply))
        };
        assert_eq!(weighed(Some(7), Some(7)), "verified");
        for wrong in [None, Some(0), Some(8), Some(-7), Some(7 + (1 << 32))] {
            assert_eq!(weighed(Some(7), wrong), "forged", "{wrong:?}");
        }
        assert_eq!(weighed(None, None), "verified");
    }

    #[test]
    fn a_reply_of_somebody_else_to_somebody_else_or_about_something_else_changes_nothing() {
        let Scene { request, customer } = scene();
        for flow in [Flow::Older, Flow::Newer] {
            let asked = Asked {
                request: &request,
                customer: &customer,
                business: "biz-1",
                flow,
                exchanged: true,
                number: Some(3),
            };
            for outcome in outcomes() {
                for (id, from, to, why) in [
                    ("r-2", "urn:mbid:AQ", "biz-1", Ignored::OtherRequest),
                    ("r-1", "urn:mbid:BQ", "biz-1", Ignored::OtherCustomer),
                    ("r-1", "urn:mbid:aq", "biz-1", Ignored::OtherCustomer),
                    ("r-1", "urn:mbid:AQ", "biz-2", Ignored::OtherBusiness),
                ] {
                    let reply =
                        Reply { request: RequestIdentifier::parse(id).unwrap(), outcome: outcome.clone() };
                    let verdict = judge(&asked, &inbound(from, to), &reply);
                    assert!(matches!(verdict, Verdict::Ignored(found) if found == why), "{verdict:?}");
                }
            }
        }
    }
}
