//! Answers of a provider that an admin saved, with the profile that each must go on to make. They are
//! what somebody's WhoAmI endpoint said of a person: personal data, kept sealed, few and small.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::profile::{Profile, SignedIn};

/// The most samples of a provider.
pub const MOST_SAMPLES: usize = 10;
/// The most bytes of a sample, as JSON.
pub const SAMPLE_BYTES: usize = 16 * 1024;
/// The most characters of a sample's name.
pub const SAMPLE_NAME: usize = 60;

/// What a provider answered: all that a mapping reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// What the WhoAmI endpoint said.
    pub whoami: Value,
    /// The rest of the mapping's input by name: `claims`, `token_response`, and further calls.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub rest: Map<String, Value>,
}

/// What a mapping made of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The profile.
    pub profile: Profile,
    /// Who this is at the provider.
    pub subject: Option<String>,
}

/// A sample: answers and what must come of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number among those of its provider; none has it twice.
    pub number: u64,
    /// What the admin calls it.
    pub name: String,
    /// The answers.
    pub answers: Answers,
    /// What must come of them.
    pub expected: Outcome,
    /// When it was saved, or its outcome accepted.
    pub saved_at: Timestamp,
    /// By whom, as the audit names them.
    pub saved_by: String,
}

/// The samples of a provider: one record, so that their number can be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// How many were ever saved.
    pub made: u64,
    /// Those that are there, the oldest first.
    pub list: Vec<Sample>,
}

/// A field of an outcome that is not what it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The field of the profile, or `subject`.
    pub field: String,
    /// What it must be; none if it must not be there.
    pub expected: Option<Value>,
    /// What it is; none if it is not there.
    pub found: Option<Value>,
}

impl Samples {
    /// The sample of this number.
    pub fn find(&self, number: u64) -> Option<&Sample> {
        self.list.iter().find(|sample| sample.number == number)
    }
}

impl Outcome {
    /// What a sign-in told.
    pub fn of(signed_in: &SignedIn) -> Self {
        Self { profile: signed_in.profile.clone(), subject: signed_in.subject.clone() }
    }

    /// Every field that is not as expected, by name; nothing if they are the same.
    pub fn misses(&self, found: &Self) -> Vec<Miss> {
        let (wanted, got) = (self.fields(), found.fields());
        let mut names: Vec<&String> = wanted.keys().chain(got.keys()).collect();
        names.sort();
        names.dedup();
        let differs = |name: &&&String| wanted.get(**name) != got.get(**name);
        let miss = |name: &String| Miss {
            field: name.clone(),
            expected: wanted.get(name).cloned(),
            found: got.get(name).cloned(),
        };
        names.iter().filter(differs).map(|name| miss(name)).collect()
    }

    /// The profile's fields, and the subject under a name that no field has.
    fn fields(&self) -> Map<String, Value> {
        let mut fields = self.profile.as_map().clone();
        let subject = self.subject.clone().map(|subject| ("(subject)".to_owned(), Value::from(subject)));
        fields.extend(subject);
        fields
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(profile: Value, subject: Option<&str>) -> Outcome {
        Outcome { profile: serde_json::from_value(profile).unwrap(), subject: subject.map(str::to_owned) }
    }

    #[test]
    fn every_field_that_differs_is_told_with_both_values_and_no_other() {
        let wanted = outcome(json!({"email": "a@example.com", "fullName": "A", "phone": "1"}), Some("7"));
        assert_eq!(wanted.misses(&wanted), []);
        let found = outcome(json!({"email": "b@example.com", "fullName": "A", "tier": 3}), None);
        let told: Vec<_> =
            wanted.misses(&found).into_iter().map(|miss| (miss.field, miss.expected, miss.found)).collect();
        let text = |text: &str| Some(json!(text));
        assert_eq!(
            told,
            [
                ("(subject)".to_owned(), text("7"), None),
                ("email".to_owned(), text("a@example.com"), text("b@example.com")),
                ("phone".to_owned(), text("1"), None),
                ("tier".to_owned(), None, Some(json!(3))),
            ]
        );
    }

    #[test]
    fn a_sample_survives_its_json_with_every_digit() {
        let text = r#"{"made":1,"list":[{"number":1,"name":"Dana","answers":{"whoami":{"id":12345678901234567890.10}},"expected":{"profile":{"userId":"1"},"subject":null},"saved_at":"2026-03-01T12:00:00Z","saved_by":"client:ops"}]}"#;
        let samples: Samples = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&samples).unwrap(), text);
        assert!(samples.find(1).is_some() && samples.find(2).is_none());
    }
}
