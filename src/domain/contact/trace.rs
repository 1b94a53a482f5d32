//! What an erasure must find again: one small entry per completed sign-in and per change, with ids
//! of ours and a keyed hash, nothing personal.

use std::fmt;

use crate::domain::ids::{EventId, LinkId};

/// Where something of a contact stands outside of its record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The completed link, which holds the profile.
    pub link: Option<LinkId>,
    /// Events that tell of the person.
    pub events: Vec<EventId>,
    /// The store's key of the conversation that was verified.
    pub conversation: Option<String>,
}

impl Trace {
    /// The trace of one event.
    pub fn of_event(event: EventId) -> Self {
        Self { events: vec![event], ..Self::default() }
    }

    /// Reads what [`Display`](fmt::Display) has written. Parts of a later version are left out.
    pub fn parse(text: &str) -> Self {
        let mut trace = Self::default();
        for part in text.split(' ') {
            if let Some(key) = part.strip_prefix("key_") {
                trace.conversation = Some(key.to_owned());
            } else if let Ok(link) = part.parse::<LinkId>() {
                trace.link = Some(link);
            } else if let Ok(event) = part.parse::<EventId>() {
                trace.events.push(event);
            }
        }
        trace
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for part in self.link.iter().map(LinkId::as_str).chain(self.events.iter().map(EventId::as_str)) {
            write!(f, "{gap}{part}")?;
            gap = " ";
        }
        self.conversation.as_ref().map_or(Ok(()), |key| write!(f, "{gap}key_{key}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_trace_survives_the_way_through_text() {
        let (link, event) =
            (LinkId::from_uuid(Uuid::from_u128(1)), |n| EventId::from_uuid(Uuid::from_u128(n)));
        for trace in [
            Trace {
                link: Some(link.clone()),
                events: vec![event(1), event(2)],
                conversation: Some("a_-B".to_owned()),
            },
            Trace { link: Some(link), ..Trace::default() },
            Trace::of_event(event(3)),
            Trace { conversation: Some("k".to_owned()), ..Trace::default() },
        ] {
            assert_eq!(Trace::parse(&trace.to_string()), trace);
        }
        assert_eq!(Trace::parse("at_1 later_part"), Trace::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let read = Trace::parse(&text);
            prop_assert_eq!(Trace::parse(&read.to_string()), read);
        }
    }
}
