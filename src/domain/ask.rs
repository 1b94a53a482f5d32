//! The sign-in that an authentication message of Apple's asks for: what joins the message, the
//! sheet that it opens and the customer's reply. Every message has one of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

use super::ids::LinkId;

/// What a message asks for, under its request identifier.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    /// Its request identifier, a UUID in lower case. Apple hands it back with the reply.
    pub request: String,
    /// The link whose message it stands in.
    pub link: LinkId,
    /// The nonce of the message: the request identifier, a point, and 256 random bits.
    pub state: Secret,
    /// What the flow needs beside that.
    pub way: AskWay,
    /// The request identifier of the message that the link was made with, if this is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What came of it.
    pub stage: AskStage,
}

/// What each of Apple's flows needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum AskWay {
    /// The older flow.
    Older {
        /// The private key of this request, as base64.
        key: Secret,
    },
    /// The newer flow.
    Newer {
        /// Our callback, byte for byte as the message has it.
        redirect_uri: String,
    },
}

/// How far an ask came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskStage {
    /// Nobody has opened the sheet.
    Sent,
    /// The sheet was opened.
    Opened {
        /// The key of its authorization request.
        attempt: String,
    },
    /// The phone said that it is over before the sheet had reached us.
    Over,
}

/// An ask that was opened, or ended, before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message was used before")]
pub struct AskIsSpent;

impl Ask {
    /// The request identifier that a state begins with.
    pub fn request_of(state: &str) -> Option<&str> {
        state.split_once('.').map(|(request, _)| request)
    }

    /// The sheet was opened, by this authorization request. That happens once.
    pub fn open(mut self, attempt: String) -> Result<Self, AskIsSpent> {
        match self.stage {
            AskStage::Sent => {
                self.stage = AskStage::Opened { attempt };
                Ok(self)
            }
            AskStage::Opened { .. } | AskStage::Over => Err(AskIsSpent),
        }
    }

    /// The phone ended it before the sheet had reached us.
    pub fn end(mut self) -> Result<Self, AskIsSpent> {
        match self.stage {
            AskStage::Sent => {
                self.stage = AskStage::Over;
                Ok(self)
            }
            AskStage::Opened { .. } | AskStage::Over => Err(AskIsSpent),
        }
    }

    /// Whether it is of the older flow.
    pub fn is_older(&self) -> bool {
        matches!(self.way, AskWay::Older { .. })
    }
}

/// How the channel itself will vouch for whoever signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Native {
    /// Apple's newer flow: the customer's reply to this request identifier.
    Sheet {
        /// The request identifier.
        ask: String,
        /// What only the sheet learns that our success page has reached, and what its reply must repeat; none where the
        /// status alone is enough.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
    },
    /// Apple's older flow: the reply brings back the token that the phone got from us.
    Relay {
        /// The request identifier.
        ask: String,
        /// The token, once the phone has redeemed its code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Secret>,
    },
    /// Messenger: its webhook brings back the code that it got from us.
    Linking {
        /// Where Facebook wants the customer back. It holds Meta's token of whoever pressed the button.
        back: Secret,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        Ask {
            request: "r".to_owned(),
            link: LinkId::from_uuid(uuid::Uuid::from_u128(1)),
            state: Secret::new("r.secret"),
            way: AskWay::Newer { redirect_uri: "https://acme.example.com/".to_owned() },
            first: None,
            created_at: Timestamp::UNIX_EPOCH,
            stage: AskStage::Sent,
        }
    }

    #[test]
    fn a_message_is_good_for_one_sheet() {
        let opened = ask().open("k".to_owned()).unwrap();
        assert_eq!(opened.stage, AskStage::Opened { attempt: "k".to_owned() });
        assert_eq!(opened.clone().open("l".to_owned()).unwrap_err(), AskIsSpent);
        assert_eq!(opened.end().unwrap_err(), AskIsSpent, "an opened one ends with its attempt");
        let over = ask().end().unwrap();
        assert_eq!(over.open("k".to_owned()).unwrap_err(), AskIsSpent);
    }

    #[test]
    fn a_state_names_its_request() {
        assert_eq!(Ask::request_of("0198-a.b.c"), Some("0198-a"));
        assert_eq!(Ask::request_of("no point"), None);
    }
}
