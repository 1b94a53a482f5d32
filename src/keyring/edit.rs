//! Rotation and revocation of keys, from a file's text to its next text. Comments and everything
//! else that is not touched stay as they are.
//!
//! A rotation takes two steps: the first makes a key that is `next`, which every broker learns; the
//! second makes it active, and what was active stays to open or verify what it made. Between the two
//! a broker may be one step ahead of another, and they understand each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use toml_edit::{DocumentMut, Item, Table, Value};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::fault::Faults;

use super::{KeyRing, KeyState, SealKey, SignKey, fresh_key, time};

/// How long a key is `next` at least: a JWKS may be kept elsewhere for so long, and every broker has
/// read the file by then.
pub const NEXT_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How long the previous index key stays at least: what is not moved is gone by then.
pub const PREVIOUS_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyKind {
    /// Seals records.
    Seal,
    /// Hashes what records are found by.
    Index,
    /// Signs tokens.
    Sign,
}

impl KeyKind {
    /// Every kind, in the order of the file.
    pub const ALL: [Self; 3] = [Self::Seal, Self::Index, Self::Sign];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Index => "index",
            Self::Sign => "sign",
        }
    }
}

/// Whether a step waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As long as it takes until no request fails.
    Careful,
    /// Not at all: requests may fail.
    Now,
}

/// What an edit did. An index key has no name of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new key is there, and is not used yet.
    Prepared {
        /// Of which kind.
        kind: KeyKind,
        /// Its name.
        id: Option<String>,
    },
    /// The next key is active, the one before retired.
    Activated {
        /// Of which kind.
        kind: KeyKind,
        /// The name of the active one.
        id: Option<String>,
    },
    /// A signing key is revoked.
    Revoked {
        /// Which.
        kid: String,
        /// Which one signs in its place, if it was the active one.
        instead: Option<String>,
    },
    /// The previous index key is gone.
    Dropped,
}

/// Why a key ring stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The next key has not been there for long enough.
    #[error(
        "the next {} key may not be known everywhere before {}; wait, or say `--now` if requests may fail",
        kind.as_str(), time(*until)
    )]
    TooEarly {
        /// Of which kind.
        kind: KeyKind,
        /// When it is.
        until: Timestamp,
    },
    /// The file does not say since when its keys stand there.
    #[error(
        "the file does not say since when the {} key is there; write `since = \"<time>\"` beside it (RFC 3339), or say `--now` if requests may fail",
        kind.as_str()
    )]
    NoTime {
        /// Of which kind.
        kind: KeyKind,
    },
    /// The index key before is still in use.
    #[error(
        "the previous index key is still there; run `countersign key reindex`, which drops it when nothing needs it"
    )]
    Reindexing,
    /// Something may still be found by the previous index key.
    #[error(
        "everything that lasts is moved, but what is gone within a day may need the previous index key until {}; run this again then, or say `--now` if requests may fail",
        time(*until)
    )]
    StillNeeded {
        /// Until when.
        until: Timestamp,
    },
    /// There is no previous index key.
    #[error("there is no previous index key to drop")]
    NothingToDrop,
    /// No signing key has this name.
    #[error("no signing key has the kid `{0}`; `countersign key list` shows them")]
    Unknown(String),
    /// A seal key cannot be revoked.
    #[error(
        "`{0}` seals records, which could not be read without it; run `countersign key rotate --kind seal` and keep it as `retired`"
    )]
    Seals(String),
    /// It is revoked already.
    #[error("the signing key `{0}` is revoked already")]
    Already(String),
    /// The tables are written in a form that cannot be edited.
    #[error("the keys are not written as `[[seal]]`, `[index]` and `[[sign]]`; edit the file by hand")]
    Form,
}

/// A key ring file that is being edited.
pub struct Editor {
    document: DocumentMut,
    ring: KeyRing,
    clock: Clock,
}

impl Editor {
    /// Reads a file's text; `name` is what faults call it.
    pub fn parse(name: &str, text: &str, clock: &Clock) -> Result<Self, Faults> {
        let ring = KeyRing::parse(name, text)?;
        // What `parse` takes is TOML; should the two readers differ, there is nothing to edit.
        let document = text.parse().unwrap_or_default();
        Ok(Self { document, ring, clock: clock.clone() })
    }

    /// Takes the next step of the rotation of one kind of key.
    pub fn rotate(&mut self, kind: KeyKind, pace: Pace) -> Result<Edit, EditError> {
        let next_since = match kind {
            KeyKind::Seal => {
                named(self.ring.seal_keys(), KeyState::Next, SealKey::state).map(|key| key.since)
            }
            KeyKind::Sign => {
                named(self.ring.sign_keys(), KeyState::Next, SignKey::state).map(|key| key.since)
            }
            KeyKind::Index if self.ring.index.next.is_some() => Some(self.ring.index.since),
            KeyKind::Index if self.ring.index.previous.is_some() => return Err(EditError::Reindexing),
            KeyKind::Index => None,
        };
        let Some(since) = next_since else { return self.prepare(kind) };
        let until = since.map(|since| since + NEXT_FOR).filter(|until| *until > self.clock.now());
        match until {
            Some(until) if pace == Pace::Careful => Err(EditError::TooEarly { kind, until }),
            None if pace == Pace::Careful && since.is_none() => Err(EditError::NoTime { kind }),
            _ if kind == KeyKind::Index && self.ring.index.previous.is_some() => Err(EditError::Reindexing),
            _ => self.activate(kind),
        }
    }

    /// Revokes a signing key. If it signs, the next one does in its place, or a fresh one.
    pub fn revoke(&mut self, kid: &str) -> Result<Edit, EditError> {
        if self.ring.seal_keys().iter().any(|key| key.id() == kid) {
            return Err(EditError::Seals(kid.to_owned()));
        }
        let key = self.ring.sign_keys().iter().find(|key| key.kid() == kid);
        let state = key.ok_or_else(|| EditError::Unknown(kid.to_owned()))?.state;
        if state == KeyState::Revoked {
            return Err(EditError::Already(kid.to_owned()));
        }
        self.set_state(KeyKind::Sign, kid, KeyState::Revoked)?;
        let instead = if state == KeyState::Active { Some(self.sign_instead()?) } else { None };
        Ok(Edit::Revoked { kid: kid.to_owned(), instead })
    }

    /// Takes the previous index key out: everything that lasts was moved.
    pub fn drop_previous_index(&mut self, pace: Pace) -> Result<Edit, EditError> {
        if self.ring.index.previous.is_none() {
            return Err(EditError::NothingToDrop);
        }
        if pace == Pace::Careful {
            let since = self.ring.index.since.ok_or(EditError::NoTime { kind: KeyKind::Index })?;
            let until = since + PREVIOUS_FOR;
            if until > self.clock.now() {
                return Err(EditError::StillNeeded { until });
            }
        }
        let now = time(self.clock.now());
        let index = self.index()?;
        index.remove("previous");
        set(index, "since", &now);
        Ok(Edit::Dropped)
    }

    /// The file's next text. It holds every key in clear.
    pub fn into_text(self) -> Zeroizing<String> {
        Zeroizing::new(self.document.to_string())
    }

    fn prepare(&mut self, kind: KeyKind) -> Result<Edit, EditError> {
        let mut text = Zeroizing::new(String::new());
        let id = match kind {
            KeyKind::Seal => {
                let key = SealKey::generate(&self.clock, KeyState::Next);
                key.push_to(&mut text);
                Some(key.id)
            }
            KeyKind::Sign => {
                let key = SignKey::generate(&self.clock, KeyState::Next);
                key.push_to(&mut text);
                Some(key.kid)
            }
            KeyKind::Index => {
                let now = time(self.clock.now());
                let key = Zeroizing::new(STANDARD.encode(*fresh_key(&self.clock)));
                let index = self.index()?;
                set(index, "next", &key);
                set(index, "since", &now);
                None
            }
        };
        if kind != KeyKind::Index {
            self.push(kind, &text)?;
        }
        Ok(Edit::Prepared { kind, id })
    }

    fn activate(&mut self, kind: KeyKind) -> Result<Edit, EditError> {
        let now = time(self.clock.now());
        let (active, next) = match kind {
            KeyKind::Seal => {
                let next = named(self.ring.seal_keys(), KeyState::Next, SealKey::state);
                (self.ring.active_seal().id.clone(), next.map(|key| key.id.clone()))
            }
            KeyKind::Sign => {
                let next = named(self.ring.sign_keys(), KeyState::Next, SignKey::state);
                (self.ring.active_sign().kid.clone(), next.map(|key| key.kid.clone()))
            }
            KeyKind::Index => {
                let index = self.index()?;
                let (Some(active), Some(next)) = (text_of(index, "key"), text_of(index, "next")) else {
                    return Err(EditError::Form);
                };
                set(index, "key", &next);
                set(index, "previous", &active);
                index.remove("next");
                set(index, "since", &now);
                return Ok(Edit::Activated { kind, id: None });
            }
        };
        let next = next.ok_or(EditError::Form)?;
        self.set_state(kind, &active, KeyState::Retired)?;
        self.set_state(kind, &next, KeyState::Active)?;
        Ok(Edit::Activated { kind, id: Some(next) })
    }

    /// A signing key in place of the active one.
    fn sign_instead(&mut self) -> Result<String, EditError> {
        if let Some(next) = named(self.ring.sign_keys(), KeyState::Next, SignKey::state) {
            let kid = next.kid.clone();
            self.set_state(KeyKind::Sign, &kid, KeyState::Active)?;
            return Ok(kid);
        }
        let key = SignKey::generate(&self.clock, KeyState::Active);
        let mut text = Zeroizing::new(String::new());
        key.push_to(&mut text);
        self.push(KeyKind::Sign, &text)?;
        Ok(key.kid)
    }

    /// Adds a key behind the others of its kind.
    fn push(&mut self, kind: KeyKind, text: &str) -> Result<(), EditError> {
        let made: DocumentMut = text.parse().map_err(|_| EditError::Form)?;
        let tables = made.get(kind.as_str()).and_then(Item::as_array_of_tables);
        let mut table = tables.and_then(|tables| tables.get(0)).ok_or(EditError::Form)?.clone();
        table.set_position(None);
        let tables = self.document.get_mut(kind.as_str()).and_then(Item::as_array_of_tables_mut);
        tables.ok_or(EditError::Form)?.push(table);
        Ok(())
    }

    fn set_state(&mut self, kind: KeyKind, id: &str, state: KeyState) -> Result<(), EditError> {
        let now = time(self.clock.now());
        let named = if kind == KeyKind::Seal { "id" } else { "kid" };
        let tables = self.document.get_mut(kind.as_str()).and_then(Item::as_array_of_tables_mut);
        let mut tables = tables.ok_or(EditError::Form)?.iter_mut();
        let table = tables.find(|table| table.get(named).and_then(Item::as_str) == Some(id));
        let table = table.ok_or(EditError::Form)?;
        set(table, "state", state.as_str());
        set(table, "since", &now);
        Ok(())
    }

    fn index(&mut self) -> Result<&mut Table, EditError> {
        self.document.get_mut("index").and_then(Item::as_table_mut).ok_or(EditError::Form)
    }
}

fn named<K>(keys: &[K], state: KeyState, of: impl Fn(&K) -> KeyState) -> Option<&K> {
    keys.iter().find(|key| of(key) == state)
}

fn text_of(table: &Table, name: &str) -> Option<Zeroizing<String>> {
    table.get(name).and_then(Item::as_str).map(|text| Zeroizing::new(text.to_owned()))
}

/// Sets a text, and leaves the comment behind it where it is.
fn set(table: &mut Table, name: &str, text: &str) {
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = Value::from(text);
            *value.decor_mut() = decor;
        }
        None => {
            table.insert(name, toml_edit::value(text));
        }
    }
}

#[cfg(test)]
mod tests;
