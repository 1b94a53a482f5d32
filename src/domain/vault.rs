//! The token vault: what a provider's token answer gave for a customer, kept while a conversation is
//! verified, so that the tenant's own API can be called for this customer (DESIGN §6).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

use super::ids::{ContactId, LinkId, ProviderId};

/// How long an access token must still be good to be handed out without a refresh, or half of its life if it is short.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// How long one whose provider does not say how long it lives counts as fresh.
const UNSAID: SignedDuration = SignedDuration::from_mins(10);
/// How long a refresh may take until another broker tries; longer than its deadline.
const REFRESH: SignedDuration = SignedDuration::from_secs(30);
/// How many sign-ins may use one record.
const SIGN_INS: usize = 50;

/// The tokens of a sign-in. They stand in sealed records only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderTokens {
    /// What the tenant's own API takes.
    pub access_token: Secret,
    /// What becomes a fresh one, if the provider gave that.
    pub refresh_token: Option<Secret>,
    /// How the access token is used, mostly `Bearer`.
    pub token_type: String,
    /// What it may do, as far as anybody said.
    pub scope: Option<String>,
    /// When it stops to be good; none if the provider does not say.
    pub expires_at: Option<Timestamp>,
    /// When the provider issued it.
    pub read_at: Timestamp,
    /// Our client id there: with another one the refresh token is worth nothing.
    pub client_id: String,
    /// The token URL that gave them: they are shown to no other (SECURITY 12).
    pub token_url: String,
}

/// What is kept for a contact at a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VaultRecord {
    /// For whom.
    pub contact: ContactId,
    /// Of which provider.
    pub provider: ProviderId,
    /// Who that is there: a contact that was merged may be two people at one provider.
    pub subject: String,
    /// The tokens.
    pub tokens: ProviderTokens,
    /// The links whose sign-ins may use them, newest last.
    pub sign_ins: Vec<LinkId>,
    /// When no conversation of these is verified any more.
    pub until: Timestamp,
    /// Until when a broker is at work to refresh them.
    pub refreshing: Option<Timestamp>,
}

/// What can be done with kept tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The access token is good.
    Fresh,
    /// It is to be refreshed first.
    Stale,
    /// A broker refreshes it now.
    Busy,
    /// It is over, and nothing is there to refresh it with.
    Spent,
}

impl ProviderTokens {
    /// Whether these were issued to this client at this token URL.
    pub fn are_of(&self, client_id: &str, token_url: &str) -> bool {
        self.client_id == client_id && self.token_url == token_url
    }

    /// Whether the refresh token is this one.
    pub fn is_refreshed_by(&self, refresh_token: &Secret) -> bool {
        self.refresh_token.as_ref().is_some_and(|own| own.matches(refresh_token.expose()))
    }

    /// These after a refresh. What the answer leaves out stays as it was (RFC 6749, 6).
    #[must_use]
    pub fn refreshed(self, fresh: Self) -> Self {
        Self {
            refresh_token: fresh.refresh_token.or(self.refresh_token),
            scope: fresh.scope.or(self.scope),
            ..fresh
        }
    }

    /// Whether the access token is good for a while.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let Some(expires_at) = self.expires_at else { return now.duration_since(self.read_at) < UNSAID };
        let life = expires_at.duration_since(self.read_at);
        expires_at.duration_since(now) >= MARGIN.min(life / 2)
    }
}

impl VaultRecord {
    /// The tokens of a person's newest sign-in in place of `before`. The same person's earlier sign-ins may use them too, and
    /// an earlier refresh token stays where the provider gives one only once.
    #[must_use]
    pub fn after_sign_in(mut self, before: Option<&Self>) -> Self {
        let Some(before) = before.filter(|before| before.subject == self.subject) else { return self };
        let (own, theirs) = (&mut self.tokens, &before.tokens);
        if own.refresh_token.is_none() && theirs.are_of(&own.client_id, &own.token_url) {
            own.refresh_token.clone_from(&theirs.refresh_token);
        }
        let earlier = before.sign_ins.iter().filter(|link| !self.sign_ins.contains(link)).cloned();
        let mut sign_ins: Vec<_> = earlier.collect();
        sign_ins.append(&mut self.sign_ins);
        sign_ins.drain(..sign_ins.len().saturating_sub(SIGN_INS));
        self.sign_ins = sign_ins;
        self.until = self.until.max(before.until);
        self
    }

    /// Whether a conversation that this link verified may use them.
    pub fn is_for(&self, link: &LinkId, now: Timestamp) -> bool {
        now < self.until && self.sign_ins.contains(link)
    }

    /// What is left when the sign-in of a link is over; none if it was the last.
    #[must_use]
    pub fn without(mut self, link: &LinkId) -> Option<Self> {
        self.sign_ins.retain(|known| known != link);
        (!self.sign_ins.is_empty()).then_some(self)
    }

    /// What can be done with the tokens at `now`.
    pub fn condition(&self, now: Timestamp) -> Condition {
        let tokens = &self.tokens;
        let is_good = tokens.expires_at.is_none_or(|at| now < at);
        match (&tokens.refresh_token, self.refreshing) {
            _ if tokens.is_fresh(now) => Condition::Fresh,
            (None, _) if is_good => Condition::Fresh,
            (None, _) => Condition::Spent,
            (Some(_), Some(until)) if now < until => Condition::Busy,
            (Some(_), _) => Condition::Stale,
        }
    }

    /// A broker begins to refresh them.
    #[must_use]
    pub fn claim(self, now: Timestamp) -> Self {
        Self { refreshing: Some(now + REFRESH), ..self }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn link(number: u128) -> LinkId {
        LinkId::from_uuid(uuid::Uuid::from_u128(number))
    }

    /// Issued at second 0.
    fn tokens(lives: Option<i64>, refresh_token: Option<&str>) -> ProviderTokens {
        ProviderTokens {
            access_token: Secret::new("access"),
            refresh_token: refresh_token.map(Secret::new),
            token_type: "Bearer".to_owned(),
            scope: Some("read".to_owned()),
            expires_at: lives.map(at),
            read_at: at(0),
            client_id: "me".to_owned(),
            token_url: "https://id.example/token".to_owned(),
        }
    }

    fn record(lives: Option<i64>, refresh_token: Option<&str>) -> VaultRecord {
        VaultRecord {
            contact: ContactId::from_uuid(uuid::Uuid::from_u128(1)),
            provider: "acme".parse().unwrap(),
            subject: "billy".to_owned(),
            tokens: tokens(lives, refresh_token),
            sign_ins: vec![link(1)],
            until: at(10_000),
            refreshing: None,
        }
    }

    #[rstest]
    #[case::young(Some(3600), Some("r"), 10, Condition::Fresh)]
    #[case::a_minute_left(Some(3600), Some("r"), 3540, Condition::Fresh)]
    #[case::less(Some(3600), Some("r"), 3541, Condition::Stale)]
    #[case::over(Some(3600), Some("r"), 4000, Condition::Stale)]
    #[case::short_lived(Some(30), Some("r"), 14, Condition::Fresh)]
    #[case::short_lived_and_half_over(Some(30), Some("r"), 16, Condition::Stale)]
    #[case::nobody_said(None, Some("r"), 599, Condition::Fresh)]
    #[case::nobody_said_and_old(None, Some("r"), 600, Condition::Stale)]
    #[case::for_good(None, None, 9999, Condition::Fresh)]
    #[case::as_long_as_it_is_good(Some(3600), None, 3599, Condition::Fresh)]
    #[case::nothing_to_refresh_it_with(Some(3600), None, 3600, Condition::Spent)]
    fn an_access_token_is_handed_out_while_it_is_good_for_a_while(
        #[case] lives: Option<i64>,
        #[case] refresh_token: Option<&str>,
        #[case] now: i64,
        #[case] condition: Condition,
    ) {
        assert_eq!(record(lives, refresh_token).condition(at(now)), condition);
    }

    #[test]
    fn a_refresh_that_takes_too_long_is_nobodys_any_more() {
        let claimed = record(Some(60), Some("r")).claim(at(100));
        assert_eq!(claimed.condition(at(129)), Condition::Busy);
        assert_eq!(claimed.condition(at(130)), Condition::Stale);
    }

    #[test]
    fn what_a_refresh_leaves_out_stays_as_it_was() {
        let answer = || ProviderTokens { scope: None, ..tokens(Some(99), None) };
        let kept = tokens(None, Some("r1")).refreshed(answer());
        assert!(kept.is_refreshed_by(&Secret::new("r1")));
        assert_eq!((kept.scope.as_deref(), kept.expires_at), (Some("read"), Some(at(99))));
        let rotated = ProviderTokens { refresh_token: Some(Secret::new("r2")), ..answer() };
        let kept = tokens(None, Some("r1")).refreshed(rotated);
        assert!(kept.is_refreshed_by(&Secret::new("r2")) && !kept.is_refreshed_by(&Secret::new("r1")));
    }

    #[test]
    fn a_newer_sign_in_of_the_same_person_takes_over_and_of_another_one_replaces() {
        let newer = || VaultRecord { sign_ins: vec![link(2)], until: at(5000), ..record(None, None) };
        let kept = newer().after_sign_in(Some(&record(None, Some("r"))));
        assert_eq!((kept.sign_ins.clone(), kept.until), (vec![link(1), link(2)], at(10_000)));
        assert!(kept.tokens.is_refreshed_by(&Secret::new("r")), "the provider gives it only once");
        let other = VaultRecord { subject: "alice".to_owned(), ..record(None, Some("r")) };
        let kept = newer().after_sign_in(Some(&other));
        assert_eq!((kept.sign_ins, kept.until), (vec![link(2)], at(5000)));
        assert!(kept.tokens.refresh_token.is_none());
        let mut elsewhere = record(None, Some("r"));
        elsewhere.tokens.token_url = "https://other.example/token".to_owned();
        assert!(newer().after_sign_in(Some(&elsewhere)).tokens.refresh_token.is_none());
    }

    #[test]
    fn it_is_gone_with_its_last_sign_in() {
        let two = VaultRecord { sign_ins: vec![link(1), link(2)], ..record(None, None) };
        assert!(two.is_for(&link(1), at(9999)) && !two.is_for(&link(1), at(10_000)));
        let one = two.without(&link(1)).unwrap();
        assert!(!one.is_for(&link(1), at(1)) && one.is_for(&link(2), at(1)));
        assert!(one.without(&link(2)).is_none());
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let shown = format!("{:?}", tokens(None, Some("canary")));
        assert!(!shown.contains("canary") && !shown.contains("access\""), "{shown}");
    }
}
