//! Two records are one person: one of them takes in the other.

use super::{Change, Contact, Provenance, Suggestion};

/// How many records may go up in one.
const MERGES: usize = 100;

/// Why two records cannot become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They are the same.
    #[error("a contact cannot be merged into itself")]
    Itself,
    /// Too many went up in it already.
    #[error("at most 100 records can be merged into one")]
    TooMany,
}

impl Contact {
    /// Takes in another record: who it is at which provider, its conversations, and the fields that
    /// are blank here. What differs becomes a suggestion. Says which fields changed.
    pub fn absorb(&mut self, other: &Self) -> Result<Vec<Change>, MergeError> {
        if self.id == other.id {
            return Err(MergeError::Itself);
        }
        if self.merged_from.len() + other.merged_from.len() >= MERGES {
            return Err(MergeError::TooMany);
        }
        let mut changes = Vec::new();
        for name in other.names() {
            changes.extend(self.absorb_field(&name, other));
        }
        for (name, suggestion) in &other.suggestions {
            self.suggest(name, suggestion.clone());
        }
        for identity in &other.identities {
            self.link_identity(&identity.provider, &identity.subject, identity.linked_at);
        }
        // The ones of this record count as the newer ones, since neither says when it was.
        let own = std::mem::replace(&mut self.conversations, other.conversations.clone());
        for conversation in &own {
            self.remember_conversation(conversation);
        }
        for external in other.external_ids() {
            if !self.external_ids().any(|own| own == external) {
                self.merged_external_ids.push(external.clone());
            }
        }
        self.merged_from.extend(other.merged_from.iter().chain([&other.id]).cloned());
        Ok(changes)
    }

    fn absorb_field(&mut self, name: &str, other: &Self) -> Option<Change> {
        let value = other.value(name)?;
        let provenance = other.provenance.get(name).cloned();
        let provenance = provenance.unwrap_or_else(|| Provenance::typed("merge", other.updated_at));
        match self.value(name) {
            None if self.has_room_for(name) => {
                self.set(name, Some(value.clone()));
                self.provenance.insert(name.to_owned(), Provenance { previous: None, ..provenance });
                Some(Change::new(name, None, Some(value)))
            }
            Some(own) if own == value => None,
            _ => {
                self.suggest(name, Suggestion { value, provenance });
                None
            }
        }
    }

    /// Puts a value beside a field, unless it stands there or a newer one is suggested already.
    fn suggest(&mut self, name: &str, suggestion: Suggestion) {
        let newer = |known: &Suggestion| known.provenance.at >= suggestion.provenance.at;
        if self.value(name).as_ref() == Some(&suggestion.value)
            || self.suggestions.get(name).is_some_and(newer)
            || !self.has_room_for(name)
        {
            return;
        }
        self.suggestions.insert(name.to_owned(), suggestion);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{contact, read_at};
    use super::super::{EXTERNAL_ID, Edit};
    use super::*;

    fn with(id: u128, fields: &[(&str, &str)]) -> Contact {
        let mut contact = contact(id);
        let edits: Vec<_> = fields
            .iter()
            .map(|(field, value)| Edit { field: (*field).to_owned(), value: Some((*value).into()) })
            .collect();
        contact.edit(&edits, "client:crm", read_at(i64::try_from(id).unwrap())).unwrap();
        contact
    }

    #[test]
    fn blank_fields_are_filled_and_others_become_suggestions() {
        let mut ours = with(1, &[("email", "a@x.example"), ("locale", "de")]);
        let theirs = with(
            2,
            &[
                ("email", "b@x.example"),
                ("locale", "de"),
                ("phone", "+1"),
                ("tier", "gold"),
                (EXTERNAL_ID, "crm-2"),
            ],
        );
        let changes = ours.absorb(&theirs).unwrap();
        let changed: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(changed, ["phone", EXTERNAL_ID, "tier"]);
        assert_eq!((ours.email.as_deref(), ours.phone.as_deref()), (Some("a@x.example"), Some("+1")));
        assert_eq!((ours.external_id.as_deref(), &ours.fields["tier"]), (Some("crm-2"), &json!("gold")));
        assert_eq!(ours.suggestions.keys().collect::<Vec<_>>(), ["email"]);
        assert_eq!(ours.suggestions["email"].value, json!("b@x.example"));
        assert_eq!(ours.provenance["phone"].at, read_at(2), "where it came from stays with it");
    }

    #[test]
    fn identities_conversations_and_earlier_merges_come_along() {
        let (mut ours, mut theirs, eldest) = (contact(1), contact(2), contact(3));
        theirs.absorb(&eldest).unwrap();
        let provider = "acme".parse().unwrap();
        for (contact, subject) in [(&mut ours, "1"), (&mut theirs, "2")] {
            contact.link_identity(&provider, subject, read_at(1));
            contact.link_identity(&provider, "both", read_at(1));
            for id in [subject, "both"] {
                let at = json!({"id": id, "channel": "sms"});
                contact.remember_conversation(&serde_json::from_value(at).unwrap());
            }
        }
        ours.absorb(&theirs).unwrap();
        let subjects: Vec<_> = ours.identities.iter().map(|identity| identity.subject.as_str()).collect();
        assert_eq!(subjects, ["1", "both", "2"]);
        let conversations: Vec<_> = ours.conversations.iter().map(|at| at.id.as_str()).collect();
        assert_eq!(conversations, ["2", "1", "both"]);
        assert_eq!(ours.merged_from, [eldest.id, theirs.id]);
    }

    #[test]
    fn the_platforms_ids_of_all_that_went_up_in_it_stay_its_own() {
        let mut ours = with(1, &[(EXTERNAL_ID, "crm-1")]);
        let mut theirs = with(2, &[(EXTERNAL_ID, "crm-2")]);
        theirs.absorb(&with(3, &[(EXTERNAL_ID, "crm-3")])).unwrap();
        ours.absorb(&theirs).unwrap();
        assert_eq!(ours.external_ids().collect::<Vec<_>>(), ["crm-1", "crm-2", "crm-3"]);
        ours.accept(EXTERNAL_ID).unwrap();
        assert_eq!(ours.external_ids().collect::<Vec<_>>(), ["crm-3", "crm-2", "crm-1"], "none is lost");
        ours.edit(&[Edit { field: EXTERNAL_ID.to_owned(), value: None }], "client:crm", read_at(9)).unwrap();
        assert_eq!(ours.external_ids().count(), 0, "the platform has none for this person");
    }

    #[test]
    fn of_two_suggestions_the_newer_one_stays() {
        let mut ours = with(1, &[("email", "a@x.example")]);
        ours.absorb(&with(3, &[("email", "c@x.example")])).unwrap();
        ours.absorb(&with(2, &[("email", "b@x.example")])).unwrap();
        assert_eq!(ours.suggestions["email"].value, json!("c@x.example"));
        let mut theirs = contact(4);
        theirs.suggest(
            "email",
            Suggestion { value: json!("a@x.example"), provenance: Provenance::typed("provider", read_at(9)) },
        );
        ours.absorb(&theirs).unwrap();
        assert_eq!(
            ours.suggestions["email"].value,
            json!("c@x.example"),
            "what stands there needs no suggestion"
        );
    }

    #[test]
    fn a_record_does_not_take_in_itself_or_without_end() {
        let mut ours = contact(1);
        assert_eq!(ours.absorb(&contact(1)).unwrap_err(), MergeError::Itself);
        for number in 0..100 {
            ours.absorb(&contact(100 + number)).unwrap();
        }
        assert_eq!(ours.absorb(&contact(2)).unwrap_err(), MergeError::TooMany);
    }
}
