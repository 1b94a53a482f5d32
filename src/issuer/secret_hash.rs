//! How a client's secret rests in a tenant file: argon2id (RFC 9106) in PHC form.

use argon2::{Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier};

use crate::clock::Clock;
use crate::secret::Secret;

/// A hash of nothing that anybody knows, with the cost of a fresh one. An unknown client is
/// checked against it, so that the answer takes as long as a wrong secret's.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcnNpZ24tZGVjb3k$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The most memory that one check may take, in KiB.
const MAX_MEMORY: u32 = 64 * 1024;

/// The most passes and lanes of one check.
const MAX_PASSES: u32 = 10;

/// Hashes a secret for `secret_hash`, with a fresh salt and the parameters of RFC 9106's memory-poor
/// profile as OWASP sets them (19 MiB, two passes, one lane).
pub fn build(secret: &Secret, clock: &Clock) -> Result<String, SecretHashError> {
    if secret.is_blank() {
        return Err(SecretHashError::Blank);
    }
    let mut salt = [0; 16];
    clock.fill(&mut salt);
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(secret.expose().as_bytes(), &salt)
        .map_err(|_| SecretHashError::TooLong)?;
    Ok(hash.to_string())
}

/// Whether `hash` is one that [`verify`] will take: argon2id, version 19, at most 64 MiB and ten
/// passes and lanes, so that no tenant's client can be made dear for all.
pub fn check(hash: &str) -> Result<(), SecretHashError> {
    let parsed = PasswordHash::new(hash).map_err(|_| SecretHashError::NotPhc)?;
    if parsed.algorithm != argon2::ARGON2ID_IDENT || parsed.version != Some(19) || parsed.hash.is_none() {
        return Err(SecretHashError::NotArgon2id);
    }
    let params = Params::try_from(&parsed).map_err(|_| SecretHashError::NotPhc)?;
    let dear = params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_PASSES;
    if dear { Err(SecretHashError::Dear) } else { Ok(()) }
}

/// Whether `secret` has this hash; with `None` the answer is no and takes as long. A blank secret
/// never matches. This takes about 20 ms of a core and 19 MiB: never call it on the async executor.
pub fn verify(secret: &Secret, hash: Option<&str>) -> bool {
    let known = hash.filter(|hash| check(hash).is_ok());
    let parsed = PasswordHash::new(known.unwrap_or(DECOY)).expect("the hash was checked or is the decoy");
    let equal = Argon2::default().verify_password(secret.expose().as_bytes(), &parsed).is_ok();
    equal && known.is_some() && !secret.is_blank()
}

/// Why a secret cannot be hashed, or a hash not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretHashError {
    /// An empty secret, or white space.
    #[error("the secret is blank; a client with it could never authenticate")]
    Blank,
    /// A secret that argon2 does not take.
    #[error("the secret is too long")]
    TooLong,
    /// Not a hash in PHC form.
    #[error("not a secret hash; make one with `countersign secret hash`")]
    NotPhc,
    /// Another algorithm.
    #[error("not an argon2id hash of version 19; make one with `countersign secret hash`")]
    NotArgon2id,
    /// A hash that takes too much memory or time to check.
    #[error("this hash costs too much to check; use at most 64 MiB (`m=65536`) and 10 passes and lanes")]
    Dear,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_takes_its_secret_and_no_other() {
        let hash = build(&Secret::new("correct horse"), &Clock::system()).unwrap();
        assert_eq!(check(&hash), Ok(()));
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify(&Secret::new("correct horse"), Some(&hash)));
        for wrong in ["correct hors", "correct horse ", "", " ", "CORRECT HORSE"] {
            assert!(!verify(&Secret::new(wrong), Some(&hash)), "{wrong:?}");
        }
    }

    #[test]
    fn the_same_secret_never_has_the_same_hash() {
        let clock = Clock::system();
        assert_ne!(build(&Secret::new("s"), &clock), build(&Secret::new("s"), &clock));
    }

    #[test]
    fn a_blank_secret_is_not_hashed_and_does_not_match_its_own_hash() {
        assert_eq!(build(&Secret::new(" \t"), &Clock::system()), Err(SecretHashError::Blank));
        let of_nothing: PasswordHash = Argon2::default().hash_password_with_salt(b"", &[7; 16]).unwrap();
        assert!(!verify(&Secret::new(""), Some(&of_nothing.to_string())));
    }

    #[test]
    fn the_decoy_costs_what_a_fresh_hash_costs_and_matches_nothing() {
        assert_eq!(check(DECOY), Ok(()));
        let fresh = build(&Secret::new("x"), &Clock::system()).unwrap();
        let cost = |hash: &str| Params::try_from(&PasswordHash::new(hash).unwrap()).unwrap();
        assert_eq!(cost(DECOY), cost(&fresh));
        assert!(!verify(&Secret::new("x"), None));
    }

    #[test]
    fn a_hash_that_is_dear_or_foreign_is_refused() {
        let salt_and_hash = "Y291bnRlcnNpZ24$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let of = |head: &str| check(&format!("{head}${salt_and_hash}"));
        assert_eq!(of("$argon2id$v=19$m=65536,t=3,p=4"), Ok(()));
        assert_eq!(of("$argon2id$v=19$m=4194304,t=2,p=1"), Err(SecretHashError::Dear));
        assert_eq!(of("$argon2id$v=19$m=19456,t=4000,p=1"), Err(SecretHashError::Dear));
        assert_eq!(of("$argon2i$v=19$m=19456,t=2,p=1"), Err(SecretHashError::NotArgon2id));
        assert_eq!(of("$argon2id$v=16$m=19456,t=2,p=1"), Err(SecretHashError::NotArgon2id));
        assert_eq!(
            check("$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcnNpZ24"),
            Err(SecretHashError::NotArgon2id)
        );
        assert_eq!(check("the secret itself"), Err(SecretHashError::NotPhc));
        assert_eq!(check(""), Err(SecretHashError::NotPhc));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in ".{0,200}", tail in "[a-zA-Z0-9$=,+/]{0,80}") {
            let _ = check(&text);
            let _ = check(&format!("$argon2id$v=19$m={tail}"));
        }
    }
}
