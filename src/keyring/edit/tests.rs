//! Every edit on fresh rings and on those that operators write (`fixtures/keyring`).

use std::fs;
use std::time::Duration;

use super::super::fresh_key;
use super::*;

fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = format!("{}/fixtures/keyring/{folder}", env!("CARGO_MANIFEST_DIR"));
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        paths.map(|path| (path.display().to_string(), filled(&fs::read_to_string(path).unwrap()))).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// A fixture with fresh keys.
fn filled(text: &str) -> String {
    let clock = Clock::system();
    let key = || STANDARD.encode(*fresh_key(&clock));
    let ring = KeyRing::generate(&clock);
    let filled = text.replace("@SEAL@", &key()).replace("@OTHER@", &key()).replace("@INDEX@", &key());
    filled.replace("@PEM@", &ring.active_sign().expose_pem())
}

fn editor(text: &str, clock: &Clock) -> Editor {
    Editor::parse("keys.toml", text, clock).unwrap()
}

/// The text after one edit, which must be a key ring again.
fn after<T>(
    text: &str,
    clock: &Clock,
    edit: impl FnOnce(&mut Editor) -> Result<T, EditError>,
) -> (T, String) {
    let mut editor = editor(text, clock);
    let done = edit(&mut editor).unwrap();
    let text = editor.into_text().to_string();
    KeyRing::parse("keys.toml", &text).unwrap();
    (done, text)
}

/// Whether every line that is not of a state, a time or the index stands there still, in its order.
fn assert_untouched(name: &str, before: &str, after: &str) {
    let changes = |line: &str| {
        let word = line.split([' ', '=']).next().unwrap();
        ["state", "since", "next", "previous", "key"].contains(&word) && !line.contains("\"\"\"")
    };
    let mut rest = after.lines();
    for line in before.lines().filter(|line| !changes(line)) {
        assert!(rest.any(|other| other == line), "{name}: `{line}` was touched:\n{after}");
    }
    let comments = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.split_once('#')?.1.to_owned())).collect()
    };
    let kept = comments(after);
    assert!(
        comments(before).iter().all(|comment| kept.contains(comment)),
        "{name}: a comment is lost:\n{after}"
    );
}

#[test]
fn an_edit_touches_nothing_else() {
    let clock = Clock::system();
    for (name, text) in fixtures("edited") {
        let mut text = text;
        for kind in KeyKind::ALL {
            for _ in 0..2 {
                let (_, next) = after(&text, &clock, |editor| editor.rotate(kind, Pace::Now));
                assert_untouched(&name, &text, &next);
                text = next;
            }
        }
        let (_, dropped) = after(&text, &clock, |editor| editor.drop_previous_index(Pace::Now));
        assert_untouched(&name, &text, &dropped);
        let kid = KeyRing::parse("k", &dropped).unwrap().active_sign().kid().to_owned();
        let (_, revoked) = after(&dropped, &clock, |editor| editor.revoke(&kid));
        assert_untouched(&name, &dropped, &revoked);
    }
}

#[test]
fn a_ring_in_another_form_is_left_to_its_owner() {
    let clock = Clock::system();
    for (name, text) in fixtures("refused") {
        for kind in [KeyKind::Seal, KeyKind::Index, KeyKind::Sign] {
            assert_eq!(editor(&text, &clock).rotate(kind, Pace::Now), Err(EditError::Form), "{name}");
        }
    }
}

fn states(ring: &KeyRing, kind: KeyKind) -> Vec<KeyState> {
    match kind {
        KeyKind::Seal => ring.seal_keys().iter().map(SealKey::state).collect(),
        KeyKind::Sign => ring.sign_keys().iter().map(SignKey::state).collect(),
        KeyKind::Index => Vec::new(),
    }
}

#[test]
fn a_key_is_next_for_five_minutes_before_it_is_active() {
    for kind in [KeyKind::Seal, KeyKind::Sign] {
        let clock = Clock::system();
        let text = KeyRing::generate(&clock).to_toml().to_string();
        let (made, text) = after(&text, &clock, |editor| editor.rotate(kind, Pace::Careful));
        let ring = KeyRing::parse("k", &text).unwrap();
        assert_eq!(states(&ring, kind), [KeyState::Active, KeyState::Next]);
        let early = editor(&text, &clock).rotate(kind, Pace::Careful).unwrap_err();
        assert!(
            matches!(early, EditError::TooEarly { .. }) && early.to_string().contains("--now"),
            "{early}"
        );
        clock.advance(Duration::from_mins(5));
        let (activated, text) = after(&text, &clock, |editor| editor.rotate(kind, Pace::Careful));
        let ring = KeyRing::parse("k", &text).unwrap();
        assert_eq!(states(&ring, kind), [KeyState::Retired, KeyState::Active]);
        let (Edit::Prepared { id: made, .. }, Edit::Activated { id: activated, .. }) = (made, activated)
        else {
            panic!("two steps");
        };
        assert!(made.is_some() && made == activated);
    }
}

#[test]
fn an_index_key_goes_from_next_to_active_to_previous_and_is_dropped_after_a_day() {
    let clock = Clock::system();
    let text = KeyRing::generate(&clock).to_toml().to_string();
    let first = *KeyRing::parse("k", &text).unwrap().index_keys().expose_active();
    let (_, text) = after(&text, &clock, |editor| editor.rotate(KeyKind::Index, Pace::Careful));
    let keys = KeyRing::parse("k", &text).unwrap().index;
    let second = *keys.expose_next().unwrap();
    assert_eq!(keys.expose_active(), &first);
    assert_eq!(editor(&text, &clock).drop_previous_index(Pace::Now), Err(EditError::NothingToDrop));
    clock.advance(Duration::from_mins(5));
    let (_, text) = after(&text, &clock, |editor| editor.rotate(KeyKind::Index, Pace::Careful));
    let keys = KeyRing::parse("k", &text).unwrap().index;
    assert_eq!(
        (keys.expose_active(), keys.expose_previous(), keys.expose_next()),
        (&second, Some(&first), None)
    );
    for pace in [Pace::Careful, Pace::Now] {
        assert_eq!(editor(&text, &clock).rotate(KeyKind::Index, pace), Err(EditError::Reindexing));
    }
    let early = editor(&text, &clock).drop_previous_index(Pace::Careful).unwrap_err();
    assert!(matches!(early, EditError::StillNeeded { .. }), "{early}");
    clock.advance(Duration::from_hours(24));
    let (_, text) = after(&text, &clock, |editor| editor.drop_previous_index(Pace::Careful));
    let keys = KeyRing::parse("k", &text).unwrap().index;
    assert_eq!((keys.expose_active(), keys.expose_previous()), (&second, None));
}

#[test]
fn a_revoked_key_that_signed_has_one_in_its_place() {
    let clock = Clock::system();
    let fresh = KeyRing::generate(&clock);
    let (text, kid) = (fresh.to_toml().to_string(), fresh.active_sign().kid().to_owned());
    let (done, revoked) = after(&text, &clock, |editor| editor.revoke(&kid));
    let ring = KeyRing::parse("k", &revoked).unwrap();
    assert_eq!(states(&ring, KeyKind::Sign), [KeyState::Revoked, KeyState::Active]);
    assert_eq!(done, Edit::Revoked { kid: kid.clone(), instead: Some(ring.active_sign().kid().to_owned()) });
    assert_eq!(editor(&revoked, &clock).revoke(&kid), Err(EditError::Already(kid.clone())));

    let (prepared, text) = after(&text, &clock, |editor| editor.rotate(KeyKind::Sign, Pace::Careful));
    let Edit::Prepared { id: Some(next), .. } = prepared else { panic!("a key was made") };
    let (done, _) = after(&text, &clock, |editor| editor.revoke(&kid));
    assert_eq!(done, Edit::Revoked { kid, instead: Some(next) }, "the one that is known already");
}

#[test]
fn what_cannot_be_revoked_is_told() {
    let clock = Clock::system();
    let ring = KeyRing::generate(&clock);
    let text = ring.to_toml();
    assert_eq!(editor(&text, &clock).revoke("nobody"), Err(EditError::Unknown("nobody".to_owned())));
    let seal = ring.active_seal().id();
    let told = editor(&text, &clock).revoke(seal).unwrap_err();
    assert!(told.to_string().contains("could not be read without it"), "{told}");
}
