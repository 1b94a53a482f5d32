//! Which key ring may follow which while brokers run. A ring may be good by itself and still make
//! records unreadable or unfindable: then it is refused, and the broker keeps the one it has.
//!
//! A key that is active without having been `next` here is taken: a broker that slept through a step
//! must not be the only one that does not go on.

use super::{KeyRing, KeyState, SignKey};

/// Says what is wrong with `after` in place of `before`; nothing if it may follow. `reindexed` says
/// whether everything was moved from the previous index key.
pub fn check(before: &KeyRing, after: &KeyRing, reindexed: bool) -> Vec<String> {
    let mut problems = check_seal(before, after);
    problems.extend(check_index(before, after, reindexed));
    problems.extend(check_sign(before, after));
    problems
}

/// The ring `before` with what `after` revokes: none if that is nothing. Where the key that signs is revoked, the one
/// that signs in `after` does here too. It takes nothing else over, so `after` may be refused otherwise: a
/// revocation never waits for the mending of something else.
pub fn with_revoked(before: &KeyRing, after: &KeyRing) -> Option<KeyRing> {
    let is_revoked = |key: &SignKey| {
        let same = |other: &&SignKey| other.kid() == key.kid() && other.expose_der() == key.expose_der();
        let found = after.sign_keys().iter().find(same);
        key.state() != KeyState::Revoked && found.is_some_and(|found| found.state() == KeyState::Revoked)
    };
    let mut ring = before.clone();
    let mut active_is_revoked = false;
    let mut changed = false;
    for key in ring.sign.iter_mut().filter(|key| is_revoked(key)) {
        active_is_revoked |= key.state == KeyState::Active;
        (key.state, changed) = (KeyState::Revoked, true);
    }
    if active_is_revoked {
        let instead = after.active_sign().clone();
        ring.sign.retain(|key| key.kid() != instead.kid());
        ring.sign.push(instead);
    }
    changed.then_some(ring)
}

fn check_seal(before: &KeyRing, after: &KeyRing) -> Vec<String> {
    let mut problems = Vec::new();
    for key in before.seal_keys() {
        let used = matches!(key.state(), KeyState::Active | KeyState::Retired);
        match after.seal_keys().iter().find(|other| other.id() == key.id()) {
            None if used => problems.push(format!(
                "the seal key `{}` is gone, and with it what it sealed; put it back as `retired`",
                key.id()
            )),
            Some(other) if other.expose() != key.expose() => {
                problems.push(format!(
                    "the seal key `{}` is another key than before; give a new key a new id",
                    key.id()
                ));
            }
            _ => {}
        }
    }
    problems
}

fn check_index(before: &KeyRing, after: &KeyRing, reindexed: bool) -> Vec<String> {
    let (before, after) = (before.index_keys(), after.index_keys());
    let known = [Some(after.expose_active()), after.expose_next(), after.expose_previous()];
    let knows = |key: &[u8; 32]| known.contains(&Some(key));
    let mut problems = Vec::new();
    if !knows(before.expose_active()) {
        problems.push(
            "the index key in use is gone, by which everything is found; put it into `previous`".to_owned(),
        );
    }
    if before.expose_previous().is_some_and(|previous| !reindexed && !knows(previous)) {
        problems.push(
            "the previous index key is gone before everything was moved; put it back for now".to_owned(),
        );
    }
    problems
}

fn check_sign(before: &KeyRing, after: &KeyRing) -> Vec<String> {
    let mut problems = Vec::new();
    let find = |kid: &str| after.sign_keys().iter().find(|key: &&SignKey| key.kid() == kid);
    for key in before.sign_keys() {
        match find(key.kid()) {
            None if key.state() == KeyState::Active => problems.push(format!(
                "the signing key `{}` is gone, and its tokens are in use; make it `retired` or `revoked`",
                key.kid()
            )),
            Some(other) if other.expose_der() != key.expose_der() => problems.push(format!(
                "the signing key `{}` is another key than before; give a new key a new kid",
                key.kid()
            )),
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::edit::{Editor, KeyKind, Pace};
    use super::*;
    use crate::clock::Clock;

    /// The texts of a ring through the whole rotation of a kind.
    fn rotation(kind: KeyKind) -> Vec<KeyRing> {
        let clock = Clock::system();
        let mut text = KeyRing::generate(&clock).to_toml();
        let mut rings = vec![KeyRing::parse("k", &text).unwrap()];
        for _ in 0..2 {
            let mut editor = Editor::parse("k", &text, &clock).unwrap();
            editor.rotate(kind, Pace::Now).unwrap();
            text = editor.into_text();
            rings.push(KeyRing::parse("k", &text).unwrap());
        }
        if kind == KeyKind::Index {
            let mut editor = Editor::parse("k", &text, &clock).unwrap();
            editor.drop_previous_index(Pace::Now).unwrap();
            rings.push(KeyRing::parse("k", &editor.into_text()).unwrap());
        }
        rings
    }

    #[test]
    fn every_step_of_a_rotation_may_follow_the_one_before_it() {
        for kind in KeyKind::ALL {
            for pair in rotation(kind).windows(2) {
                assert_eq!(check(&pair[0], &pair[1], true), Vec::<String>::new(), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_step_may_be_taken_back() {
        for kind in KeyKind::ALL {
            let rings = rotation(kind);
            assert!(check(&rings[1], &rings[0], true).is_empty(), "{kind:?}");
            assert!(check(&rings[2], &rings[1], true).is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn a_broker_that_slept_through_a_step_goes_on() {
        for kind in KeyKind::ALL {
            let rings = rotation(kind);
            assert!(check(&rings[0], &rings[2], false).is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn a_key_that_is_needed_may_not_go() {
        let rings = rotation(KeyKind::Index);
        assert!(check(&rings[1], &rings[3], true)[0].contains("put it into `previous`"));
        assert!(check(&rings[2], &rings[3], false)[0].contains("before everything was moved"));
        let mut rings = rotation(KeyKind::Seal);
        let mut last = rings.remove(2);
        last.seal.remove(0);
        assert!(check(&rings[1], &last, true)[0].contains("put it back as `retired`"));
        let mut last = rotation(KeyKind::Sign).remove(2);
        let before = last.clone();
        last.sign.remove(1);
        assert!(check(&before, &last, true)[0].contains("make it `retired` or `revoked`"));
    }

    #[test]
    fn a_revocation_in_a_ring_that_may_not_follow_is_taken_alone() {
        let clock = Clock::system();
        let before = KeyRing::generate(&clock);
        let kid = before.active_sign().kid().to_owned();
        let mut editor = Editor::parse("k", &before.to_toml(), &clock).unwrap();
        editor.revoke(&kid).unwrap();
        let mut after = KeyRing::parse("k", &editor.into_text()).unwrap();
        after.seal = KeyRing::generate(&clock).seal;
        assert!(!check(&before, &after, true).is_empty());
        let taken = with_revoked(&before, &after).unwrap();
        assert_eq!(taken.active_sign().kid(), after.active_sign().kid(), "another one signs");
        let revoked = taken.sign_keys().iter().find(|key| key.kid() == kid).unwrap();
        assert_eq!(revoked.state(), KeyState::Revoked);
        assert_eq!(taken.active_seal().id(), before.active_seal().id(), "and nothing else is taken");
        assert!(with_revoked(&taken, &after).is_none(), "once");
    }

    #[test]
    fn another_ring_altogether_is_refused() {
        let (one, other) = (rotation(KeyKind::Seal).swap_remove(0), rotation(KeyKind::Seal).swap_remove(0));
        let told = check(&one, &other, true).join("\n");
        for part in ["seal key", "index key in use is gone", "signing key"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_key_with_the_name_of_another_is_refused() {
        let clock = Clock::system();
        let ring = KeyRing::generate(&clock);
        let mut changed = ring.clone();
        changed.seal[0].key = super::super::fresh_key(&clock);
        changed.sign[0].der = KeyRing::generate(&clock).sign[0].der.clone();
        assert_eq!(check(&ring, &changed, true).len(), 2);
    }
}
