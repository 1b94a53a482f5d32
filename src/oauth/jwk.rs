//! A provider's key set (RFC 7517): from the bytes of its `jwks_uri` to keys that check signatures.
//! A key that cannot be used is skipped, with the reason, and the others count: servers publish keys
//! for encryption, of curves to come, and broken ones beside good ones.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::algorithm::Algorithm;

use super::public_key::{BadKey, Curve, PublicKey};
use super::{json, jws};

/// How many keys of a set are read; the largest sets seen have a dozen.
pub const MAX_KEYS: usize = 100;
/// How long a `kid` may be, in bytes.
const MAX_KID: usize = 1024;
/// How many keys are tried on a token that does not name its key.
const TRIED: usize = 5;
/// Members that only a private or a symmetric key has (RFC 7518, 6.2.2, 6.3.2 and 6.4).
const PRIVATE: [&str; 4] = ["d", "p", "q", "k"];

/// The keys of one issuer. It is kept as it is: no key is read again at a login.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<Skipped>,
}

/// One key with what it says about itself.
#[derive(Debug)]
struct Key {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    public: PublicKey,
}

/// A key that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Why.
    pub reason: SkipReason,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// More keys than [`MAX_KEYS`] stand before it.
    #[error("it stands behind 100 others")]
    TooMany,
    /// No object, or a member of another type than it must have.
    #[error("it is no json web key")]
    Malformed,
    /// `kty` is symmetric: a key that everybody can read checks nothing.
    #[error("it is symmetric, and everybody can read it")]
    Symmetric,
    /// It shows its private part, so that everybody can sign with it.
    #[error("it shows its private part, and everybody can sign with it")]
    Private,
    /// `kty` or `crv` is unknown here.
    #[error("its type or curve is unknown here")]
    Type,
    /// `use` or `key_ops` say that it is for something else.
    #[error("it is not for signatures")]
    Use,
    /// `alg` is unknown here, or does not go with the type.
    #[error("its `alg` is unknown here, or does not go with its type")]
    Algorithm,
    /// Too short to be safe, too long to be checked, or no point of its curve.
    #[error(transparent)]
    Bad(#[from] BadKey),
}

/// Why an answer is no key set. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    /// No JSON, or a name stands twice in it.
    #[error("the key set is no json, nested too deeply, or a member stands twice")]
    Json,
    /// No member `keys`, or no list.
    #[error("the key set has no list `keys`")]
    Keys,
}

/// Why there is no key to check a signature with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// No key has this `kid`; a fresh set may have it. Without a `kid`: no key is for this algorithm.
    Unknown,
    /// The key with this `kid` is not for this algorithm.
    Unfit,
}

/// What came of checking a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is good. Tells whether several keys were in question, because the token named none.
    Good {
        /// Whether the token should have named its key, but did not.
        guessed: bool,
    },
    /// It is not.
    Bad,
}

impl KeySet {
    /// Reads a set. One without a usable key is a set all the same.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoKeySet> {
        let set = json::parse(bytes).map_err(|_| NoKeySet::Json)?;
        let Some(Value::Array(members)) = set.get("keys") else { return Err(NoKeySet::Keys) };
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (index, member) in members.iter().enumerate() {
            let read = if index < MAX_KEYS { Key::parse(member) } else { Err(SkipReason::TooMany) };
            match read {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(Skipped { index, reason }),
            }
        }
        skipped.truncate(MAX_KEYS);
        Ok(Self { keys, skipped })
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none can.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that were passed over, at most [`MAX_KEYS`] of them.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Checks a signature with the key that the header names, and no other; if it names none, with
    /// each key for this algorithm, five at most. The OpenID Foundation leaves the choice between
    /// trying and refusing; a server that rotates its keys without naming them needs the trying, and a
    /// wrong key never makes a signature good.
    pub fn verify(&self, header: &jws::Header, signed: &[u8], signature: &[u8]) -> Result<Checked, NoKey> {
        let named = |key: &&Key| header.kid.is_none() || key.kid == header.kid;
        let fits = |key: &&Key| key.fits(header.algorithm);
        let mut fitting = self.keys.iter().filter(named).filter(fits).take(TRIED).peekable();
        if fitting.peek().is_none() {
            let is_known = header.kid.is_some() && self.keys.iter().any(|key| named(&key));
            return Err(if is_known { NoKey::Unfit } else { NoKey::Unknown });
        }
        let several = header.kid.is_none() && self.keys.iter().filter(fits).nth(1).is_some();
        let good = fitting.any(|key| key.public.verifies(header.algorithm, signed, signature));
        Ok(if good { Checked::Good { guessed: several } } else { Checked::Bad })
    }
}

impl Key {
    fn parse(member: &Value) -> Result<Self, SkipReason> {
        let member = member.as_object().ok_or(SkipReason::Malformed)?;
        let kty = text(member, "kty")?.ok_or(SkipReason::Malformed)?;
        if kty == "oct" {
            return Err(SkipReason::Symmetric);
        }
        if PRIVATE.iter().any(|name| member.contains_key(*name)) {
            return Err(SkipReason::Private);
        }
        check_use(member)?;
        let kid = text(member, "kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(SkipReason::Malformed);
        }
        let public = match kty {
            "RSA" => PublicKey::rsa(&number(member, "n")?, &number(member, "e")?)?,
            "EC" => {
                let curve = text(member, "crv")?.and_then(Curve::parse).ok_or(SkipReason::Type)?;
                PublicKey::ec(curve, &number(member, "x")?, &number(member, "y")?)?
            }
            "OKP" if text(member, "crv")? == Some("Ed25519") => PublicKey::ed25519(&number(member, "x")?)?,
            _ => return Err(SkipReason::Type),
        };
        let algorithm = match text(member, "alg")? {
            None => None,
            Some(name) => {
                let known = name.parse().ok().filter(|algorithm| public.fits(*algorithm));
                Some(known.ok_or(SkipReason::Algorithm)?)
            }
        };
        Ok(Self { kid, algorithm, public })
    }

    /// Whether a signature of this algorithm may be checked with it. `EdDSA` and `Ed25519` are two
    /// names of one algorithm.
    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_own = |own: Algorithm| own == algorithm || matches!(self.public, PublicKey::Ed25519(_));
        self.public.fits(algorithm) && self.algorithm.is_none_or(is_own)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} is not used: {}", self.index + 1, self.reason)
    }
}

/// A key for encryption checks no signature (RFC 7517, 4.2 and 4.3).
fn check_use(member: &Map<String, Value>) -> Result<(), SkipReason> {
    if text(member, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(SkipReason::Use);
    }
    match member.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(Value::Array(_)) => Err(SkipReason::Use),
        Some(_) => Err(SkipReason::Malformed),
    }
}

/// A member that is a text, if it is there; some servers write `null` for what they do not know.
fn text<'a>(member: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, SkipReason> {
    match member.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(SkipReason::Malformed),
    }
}

/// A big-endian number or a coordinate in base64url.
fn number(member: &Map<String, Value>, name: &str) -> Result<Vec<u8>, SkipReason> {
    let encoded = text(member, name)?.ok_or(SkipReason::Malformed)?;
    jws::decode(encoded).map_err(|_| SkipReason::Malformed)
}

#[cfg(test)]
mod tests;
