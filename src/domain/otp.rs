//! A one-time code that is sent to an address: six digits, which whoever reads the address types into the browser that
//! asked for them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::OtpId;

/// How long a code may be typed.
pub const OTP_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How many codes are compared with it.
pub const OTP_GUESSES: u8 = 5;

/// How many codes are sent to an address in a short while, and in a day. With five guesses each, whoever guesses
/// without end is right once in ten thousand days.
const SENT: [(SignedDuration, usize); 2] =
    [(SignedDuration::from_mins(15), 5), (SignedDuration::from_hours(24), 20)];

/// What a code is good for. One for another purpose is none.
///
/// To add a purpose: 1. a variant, 2. its word, 3. the flow that asks for it and says what it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtpPurpose {
    /// The tenant's staff sign in.
    Staff,
    /// A customer signs in.
    Customer,
}

impl OtpPurpose {
    /// The word in keyed hashes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Customer => "customer",
        }
    }
}

/// Who asks for a code. Each kind is counted apart, so that a stranger who knows an address, and asks until no more are sent
/// there, keeps nobody out who has come in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Anybody at all.
    Anybody,
    /// A browser in which the one with this address has signed in before.
    Known,
}

impl Asker {
    /// Under what the codes are counted that are sent to an address.
    pub fn counted(self, address: &str) -> String {
        match self {
            Self::Anybody => address.to_owned(),
            // No address holds a line's end.
            Self::Known => format!("known\n{address}"),
        }
    }
}

/// A code that was sent, or seems to have been: for an address that nobody has there is one too, which no digits match.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Otp {
    /// Its name in forms and logs.
    pub id: OtpId,
    /// What it opens.
    pub purpose: OtpPurpose,
    /// Where it was sent, in normal form.
    pub address: String,
    /// The keyed hash of the code, bound to this one, its purpose and its address.
    pub code_hash: String,
    /// What the flow wants to know again when the code comes.
    pub memo: String,
    /// When it was sent.
    pub created_at: Timestamp,
    /// Until when it may be typed.
    pub expires_at: Timestamp,
    /// How many codes were compared.
    pub guesses: u8,
    /// When it was typed; it is worth nothing then.
    pub used_at: Option<Timestamp>,
}

/// Why a code is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtpOver {
    /// Its time is over.
    #[error("the code is too old")]
    Expired,
    /// It was used, or guessed at too often.
    #[error("the code is spent")]
    Spent,
}

impl Otp {
    /// Counts a guess, which is made afterwards: of many at once only so many are made.
    pub fn guess(mut self, now: Timestamp) -> Result<Self, OtpOver> {
        if self.used_at.is_some() || self.guesses >= OTP_GUESSES {
            return Err(OtpOver::Spent);
        }
        if now >= self.expires_at {
            return Err(OtpOver::Expired);
        }
        self.guesses += 1;
        Ok(self)
    }

    /// The code was right: it is good once.
    pub fn spend(mut self, now: Timestamp) -> Result<Self, OtpOver> {
        if self.used_at.is_some() {
            return Err(OtpOver::Spent);
        }
        self.used_at = Some(now);
        Ok(self)
    }

    /// How many more codes may be tried.
    pub fn guesses_left(&self) -> u8 {
        OTP_GUESSES - self.guesses.min(OTP_GUESSES)
    }

    /// What is hashed of some digits.
    pub fn bound(&self, digits: &str) -> String {
        format!("{}\n{}\n{}\n{digits}", self.purpose.as_str(), self.id, self.address)
    }
}

/// When codes were sent to an address, of the last day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OtpSent {
    at: Vec<Timestamp>,
}

impl OtpSent {
    /// One more; or after how long there may be one.
    pub fn one_more(mut self, now: Timestamp) -> Result<Self, SignedDuration> {
        let day = SENT[1].0;
        self.at.retain(|at| now.duration_since(*at) < day);
        for (window, most) in SENT {
            let within: Vec<_> = self.at.iter().filter(|at| now.duration_since(**at) < window).collect();
            if within.len() >= most {
                let first = within[within.len() - most];
                return Err(window - now.duration_since(*first));
            }
        }
        self.at.push(now);
        Ok(self)
    }

    /// When it may be forgotten.
    pub fn until(&self) -> Option<Timestamp> {
        self.at.last().map(|at| *at + SENT[1].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn otp() -> Otp {
        Otp {
            id: OtpId::from_uuid(uuid::Uuid::from_u128(1)),
            purpose: OtpPurpose::Staff,
            address: "dana@acme.example".to_owned(),
            code_hash: "h".to_owned(),
            memo: String::new(),
            created_at: now(),
            expires_at: now() + OTP_LIFETIME,
            guesses: 0,
            used_at: None,
        }
    }

    #[test]
    fn five_codes_are_compared_and_no_sixth() {
        let mut otp = otp();
        for left in (0..OTP_GUESSES).rev() {
            otp = otp.guess(now()).unwrap();
            assert_eq!(otp.guesses_left(), left);
        }
        assert_eq!(otp.guess(now()).unwrap_err(), OtpOver::Spent);
    }

    #[test]
    fn a_code_is_good_for_ten_minutes_and_once() {
        let late = now() + OTP_LIFETIME;
        assert_eq!(otp().guess(late).unwrap_err(), OtpOver::Expired);
        assert!(otp().guess(late - SignedDuration::from_millis(1)).is_ok());
        let spent = otp().guess(now()).unwrap().spend(now()).unwrap();
        assert_eq!(spent.clone().guess(now()).unwrap_err(), OtpOver::Spent);
        assert_eq!(spent.spend(now()).unwrap_err(), OtpOver::Spent);
    }

    #[test]
    fn a_hash_is_bound_to_the_code_its_address_and_this_sending() {
        let (one, mut other, mut third) = (otp(), otp(), otp());
        other.address = "amy@acme.example".to_owned();
        third.id = OtpId::from_uuid(uuid::Uuid::from_u128(2));
        let all = [one.bound("123456"), one.bound("123457"), other.bound("123456"), third.bound("123456")];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn a_known_browser_is_counted_apart() {
        assert_eq!(Asker::Anybody.counted("dana@acme.example"), "dana@acme.example");
        assert_ne!(Asker::Known.counted("dana@acme.example"), "dana@acme.example");
    }

    #[test]
    fn only_so_many_codes_are_sent_to_an_address() {
        let mut sent = OtpSent::default();
        for minute in 0..5 {
            sent = sent.one_more(now() + SignedDuration::from_mins(minute)).unwrap();
        }
        let wait = sent.clone().one_more(now() + SignedDuration::from_mins(5)).unwrap_err();
        assert_eq!(wait, SignedDuration::from_mins(10), "the first of the five is forgotten then");
        let (mut at, mut count) = (now() + SignedDuration::from_mins(15), 5);
        while let Ok(more) = sent.clone().one_more(at) {
            (sent, count, at) = (more, count + 1, at + SignedDuration::from_mins(16));
        }
        assert_eq!(count, 20);
        assert!(sent.one_more(now() + SignedDuration::from_hours(24)).is_ok());
    }
}
