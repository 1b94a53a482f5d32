//! The key ring file: the keys that seal records, hash what is looked up, and sign tokens
//! (DESIGN §3). No start without it.
//!
//! ```toml
//! [[seal]]
//! id = "2026-01-01-3f9a"
//! key = "…"            # 32 bytes in base64
//! state = "active"     # next | active | retired | revoked
//! since = "2026-01-01T12:00:00Z"              # optional, written by `countersign key`
//!
//! [index]
//! key = "…"            # 32 bytes in base64
//! # next = "…"         # while it is replaced: the key to come
//! # previous = "…"     # the key before, until everything is moved
//!
//! [[sign]]
//! kid = "2026-01-01-77c2"
//! key = """-----BEGIN PRIVATE KEY----- …"""   # PKCS#8, RSA of 2048 bits or more
//! state = "active"
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`mod@file`] | from the file's text to a [`KeyRing`] |
//! | [`edit`] | rotation and revocation, from text to text; comments stay |
//! | [`write`](mod@write) | replacing the file in one step |
//! | [`sealed`] | secrets that stand in files, sealed with a key of the ring |
//! | [`step`] | which ring may follow which while brokers run |
//! | [`watched`] | the file of a running broker |
//!
//! docs/keys.md tells an operator how to rotate. To add a kind of key: 1. a type here with its
//! accessors, 2. its table and reading in `file`, 3. its lines in [`KeyRing::generate`] and
//! [`KeyRing::to_toml`], 4. its rotation in `edit`, 5. its rules in `step`.

pub mod edit;
pub mod file;
pub mod sealed;
pub mod step;
pub mod watched;
pub mod write;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::fault::{Fault, Faults, Place};
use crate::config::read::read_text;

pub use crate::issuer::keys::KeyState;

/// A key that seals records: 32 bytes for AES-256-GCM, from which data keys are derived.
#[derive(Clone)]
pub struct SealKey {
    id: String,
    state: KeyState,
    key: Zeroizing<[u8; 32]>,
    since: Option<Timestamp>,
}

impl SealKey {
    /// Its name, which stands in every record that it sealed.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is used for.
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// Since when it is in this state; none if the file does not say.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The key itself. Each call is a place to look at in a review.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    fn generate(clock: &Clock, state: KeyState) -> Self {
        Self { id: fresh_name(clock), state, key: fresh_key(clock), since: Some(clock.now()) }
    }

    fn push_to(&self, text: &mut Zeroizing<String>) {
        let encoded = Zeroizing::new(STANDARD.encode(self.expose()));
        push(text, &["\n[[seal]]\nid = \"", &self.id, "\"\nkey = \"", &encoded, "\"\n"]);
        push_state(text, self.state, self.since);
    }
}

/// The keys of the keyed hashes by which records are found: one hashes what is new, the others are
/// there while it is replaced.
#[derive(Clone)]
pub struct IndexKeys {
    active: Zeroizing<[u8; 32]>,
    next: Option<Zeroizing<[u8; 32]>>,
    previous: Option<Zeroizing<[u8; 32]>>,
    since: Option<Timestamp>,
}

impl IndexKeys {
    /// The key of what is new. Each call is a place to look at in a review.
    pub fn expose_active(&self) -> &[u8; 32] {
        &self.active
    }

    /// The key to come, by which other brokers may write already.
    pub fn expose_next(&self) -> Option<&[u8; 32]> {
        self.next.as_deref()
    }

    /// The key before, under which something may stand until it was moved.
    pub fn expose_previous(&self) -> Option<&[u8; 32]> {
        self.previous.as_deref()
    }

    /// Since when these keys stand as they do; none if the file does not say.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    fn push_to(&self, text: &mut Zeroizing<String>) {
        text.push_str("\n[index]\n");
        let keys =
            [("key", Some(&self.active)), ("next", self.next.as_ref()), ("previous", self.previous.as_ref())];
        for (name, key) in keys.into_iter().filter_map(|(name, key)| Some((name, key?))) {
            let encoded = Zeroizing::new(STANDARD.encode(**key));
            push(text, &[name, " = \"", &encoded, "\"\n"]);
        }
        push_since(text, self.since);
    }
}

/// A key that signs tokens: RSA, in PKCS#8 (RFC 5958).
#[derive(Clone)]
pub struct SignKey {
    kid: String,
    state: KeyState,
    der: Zeroizing<Vec<u8>>,
    since: Option<Timestamp>,
}

impl SignKey {
    /// Its name in tokens and in the JWKS (RFC 7517, 4.5).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it is used for.
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// Since when it is in this state; none if the file does not say.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The private key in DER. Each call is a place to look at in a review.
    pub fn expose_der(&self) -> &[u8] {
        &self.der
    }

    /// The private key in PEM (RFC 7468). Each call is a place to look at in a review.
    pub fn expose_pem(&self) -> Zeroizing<String> {
        let body = Zeroizing::new(STANDARD.encode(self.der.as_slice()));
        let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 32 + 60));
        pem.push_str(PEM_HEAD);
        for (index, c) in body.chars().enumerate() {
            if index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(c);
        }
        pem.push('\n');
        pem.push_str(PEM_FOOT);
        pem.push('\n');
        pem
    }

    fn generate(clock: &Clock, state: KeyState) -> Self {
        let der = KeyPair::generate(KeySize::Rsa2048)
            .and_then(|pair| AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map(|der| der.as_ref().to_vec()))
            .expect("a fresh RSA key can be made and written");
        Self { kid: fresh_name(clock), state, der: Zeroizing::new(der), since: Some(clock.now()) }
    }

    fn push_to(&self, text: &mut Zeroizing<String>) {
        let pem = self.expose_pem();
        push(text, &["\n[[sign]]\nkid = \"", &self.kid, "\"\nkey = \"\"\"\n", &pem, "\"\"\"\n"]);
        push_state(text, self.state, self.since);
    }
}

/// Every key of a process.
#[derive(Clone)]
pub struct KeyRing {
    seal: Vec<SealKey>,
    index: IndexKeys,
    sign: Vec<SignKey>,
}

impl KeyRing {
    /// Makes fresh keys, one of each kind, all active.
    pub fn generate(clock: &Clock) -> Self {
        let index =
            IndexKeys { active: fresh_key(clock), next: None, previous: None, since: Some(clock.now()) };
        let (seal, sign) =
            (SealKey::generate(clock, KeyState::Active), SignKey::generate(clock, KeyState::Active));
        Self { seal: vec![seal], index, sign: vec![sign] }
    }

    /// Reads a key ring file, or says everything that is wrong with it, without a word of what
    /// stands in it.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        Self::parse(&path.display().to_string(), &read_file(path)?)
    }

    /// Reads a key ring from its text; `name` is what faults call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Faults> {
        file::parse(name, text)
    }

    /// The file's text. It holds every key in clear.
    pub fn to_toml(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# The key ring of Countersign. Whoever has it reads everything and signs as everybody:\n\
             # keep it secret, keep a copy in a safe place. Without it the store cannot be read.\n",
        ));
        self.seal.iter().for_each(|key| key.push_to(&mut text));
        self.index.push_to(&mut text);
        self.sign.iter().for_each(|key| key.push_to(&mut text));
        text
    }

    /// Writes the file with mode 0600 and makes it durable. An existing file is never touched, and where the
    /// disk is full none is left.
    pub fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        if let Err(error) = file.write_all(self.to_toml().as_bytes()).and_then(|()| file.sync_all()) {
            let _ = fs::remove_file(path);
            return Err(error);
        }
        File::open(write::folder_of(path))?.sync_all()
    }

    /// The key that seals what is new.
    pub fn active_seal(&self) -> &SealKey {
        self.seal
            .iter()
            .find(|key| key.state == KeyState::Active)
            .expect("a key ring has one active seal key: checked when it was read")
    }

    /// Every seal key, in the order of the file.
    pub fn seal_keys(&self) -> &[SealKey] {
        &self.seal
    }

    /// The keys of the keyed hashes by which records are found.
    pub fn index_keys(&self) -> &IndexKeys {
        &self.index
    }

    /// The key that signs new tokens.
    pub fn active_sign(&self) -> &SignKey {
        self.sign
            .iter()
            .find(|key| key.state == KeyState::Active)
            .expect("a key ring has one active sign key: checked when it was read")
    }

    /// Every sign key, in the order of the file.
    pub fn sign_keys(&self) -> &[SignKey] {
        &self.sign
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seal: Vec<_> = self.seal.iter().map(|key| (&key.id, key.state)).collect();
        let sign: Vec<_> = self.sign.iter().map(|key| (&key.kid, key.state)).collect();
        f.debug_struct("KeyRing").field("seal", &seal).field("sign", &sign).finish_non_exhaustive()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({}, {})", self.id, self.state.as_str())
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignKey({}, {})", self.kid, self.state.as_str())
    }
}

/// What of a file's mode is for everybody.
const OTHERS: u32 = 0o007;
const PEM_HEAD: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_FOOT: &str = "-----END PRIVATE KEY-----";

/// The text of a key ring file that only its owner, and perhaps its group, can read.
fn read_file(path: &Path) -> Result<Zeroizing<String>, Faults> {
    let place = || Place::File(path.display().to_string());
    let text = read_text(path).map(Zeroizing::new).map_err(|problem| {
        Fault::new(place(), format!("the key ring {problem}")).with_help(
            "make one with `countersign key new --out keys.toml`, and name it with `--keys` or `keys.file`",
        )
    })?;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.mode() & 0o777);
    if mode & OTHERS != 0 {
        let message =
            format!("everybody on this machine can read or change the key ring (its mode is {mode:04o})");
        let fault = Fault::new(place(), message);
        return Err(fault
            .with_help(format!("run `chmod 600 {}`; if it was so for long, rotate its keys", path.display()))
            .into());
    }
    Ok(text)
}

/// A day and four hexadecimal digits: tells a person when the key was made.
fn fresh_name(clock: &Clock) -> String {
    let mut random = [0; 2];
    clock.fill(&mut random);
    format!("{}-{:02x}{:02x}", clock.now().strftime("%Y-%m-%d"), random[0], random[1])
}

fn fresh_key(clock: &Clock) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    clock.fill(key.as_mut_slice());
    key
}

fn push_state(text: &mut Zeroizing<String>, state: KeyState, since: Option<Timestamp>) {
    push(text, &["state = \"", state.as_str(), "\"\n"]);
    push_since(text, since);
}

fn push_since(text: &mut Zeroizing<String>, since: Option<Timestamp>) {
    if let Some(since) = since {
        push(text, &["since = \"", &time(since), "\"\n"]);
    }
}

/// A time as it stands in the file: to the second.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn push(text: &mut Zeroizing<String>, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Look;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn ring() -> (KeyRing, String) {
        let ring = KeyRing::generate(&Clock::system());
        let text = ring.to_toml().to_string();
        (ring, text)
    }

    fn faults(text: &str) -> String {
        KeyRing::parse("keys.toml", text).unwrap_err().render(Look::Plain)
    }

    #[test]
    fn a_fresh_key_ring_survives_the_way_through_its_file() {
        let (ring, text) = ring();
        let read = KeyRing::parse("keys.toml", &text).unwrap();
        assert_eq!(read.active_seal().expose(), ring.active_seal().expose());
        assert_eq!(read.active_seal().id(), ring.active_seal().id());
        assert_eq!(read.index_keys().expose_active(), ring.index_keys().expose_active());
        let now = Clock::system().now().as_second();
        assert!(read.active_seal().since().is_some_and(|since| (now - since.as_second()).abs() < 600));
        assert_eq!(read.active_sign().expose_der(), ring.active_sign().expose_der());
        assert_eq!(read.active_sign().kid(), ring.active_sign().kid());
        assert!(read.active_sign().expose_pem().lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn its_keys_can_sign() {
        let (ring, _) = ring();
        let pem = ring.active_sign().expose_pem();
        assert!(jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).is_ok());
    }

    #[test]
    fn its_debug_form_holds_no_key() {
        let (ring, _) = ring();
        let shown = format!("{ring:?} {:?} {:?}", ring.active_seal(), ring.active_sign());
        assert!(shown.contains(ring.active_seal().id()) && shown.contains("Active"));
        let key = STANDARD.encode(ring.active_seal().expose());
        assert!(!shown.contains(&key) && !shown.contains("PRIVATE"));
    }

    #[test]
    fn the_file_is_for_its_owner_and_is_never_overwritten() {
        let (ring, text) = ring();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        ring.write_new(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = KeyRing::generate(&Clock::system()).write_new(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(KeyRing::read(&path).is_ok());
    }

    #[test]
    fn a_file_that_everybody_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        ring().0.write_new(&path).unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o400, true), (0o644, false), (0o602, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = KeyRing::read(&path);
            assert_eq!(read.is_ok(), good, "{mode:o}");
            if let Err(faults) = read {
                assert!(faults.render(Look::Plain).contains("chmod 600"), "{faults}");
            }
        }
    }

    #[test]
    fn an_index_key_that_is_replaced_has_company() {
        let (_, text) = ring();
        let line = text.lines().skip_while(|line| *line != "[index]").nth(1).unwrap();
        let other = STANDARD.encode([7; 32]);
        for name in ["next", "previous"] {
            let more = text.replace(line, &format!("{line}\n{name} = \"{other}\""));
            let keys = KeyRing::parse("keys.toml", &more).unwrap().index;
            let found = if name == "next" { keys.expose_next() } else { keys.expose_previous() };
            assert_eq!(found, Some(&[7; 32]));
            assert_eq!(KeyRing::parse("k", &more).unwrap().to_toml().as_str(), more);
            let twice = text.replace(line, &format!("{line}\n{}", line.replacen("key", name, 1)));
            assert!(faults(&twice).contains("stands here twice"), "{}", faults(&twice));
        }
    }

    #[test]
    fn a_time_that_is_none_is_told() {
        let (_, text) = ring();
        let since = text.lines().find(|line| line.starts_with("since")).unwrap();
        for wrong in ["since = \"yesterday\"", "since = \"2026-13-01T00:00:00Z\""] {
            assert!(faults(&text.replace(since, wrong)).contains("is not a time"), "{wrong}");
        }
    }

    #[test]
    fn exactly_one_key_of_a_kind_is_active() {
        let (_, text) = ring();
        let none = text.replace("\"active\"", "\"retired\"");
        let told = faults(&none);
        assert!(told.contains("no seal key is active") && told.contains("no sign key is active"), "{told}");
        let seal = &text[text.find("[[seal]]").unwrap()..text.find("[index]").unwrap()];
        let told = faults(&format!("{text}\n{seal}"));
        assert!(told.contains("another seal key is active") && told.contains("this `id` is taken"), "{told}");
        let retired = seal.replace("active", "retired").replacen("id = \"", "id = \"old-", 1);
        assert_eq!(KeyRing::parse("k", &format!("{text}\n{retired}")).unwrap().seal_keys().len(), 2);
    }

    #[test]
    fn a_missing_part_is_told() {
        let told = faults("");
        for name in ["`seal` is missing", "`index` is missing", "`sign` is missing"] {
            assert!(told.contains(name), "{told}");
        }
        let told = KeyRing::read(Path::new("no/such/file")).unwrap_err().render(Look::Plain);
        assert!(told.contains("no/such/file") && told.contains("countersign key new"), "{told}");
    }

    #[test]
    fn a_broken_ring_is_told_without_a_word_of_its_keys() {
        let (ring, text) = ring();
        let key = STANDARD.encode(ring.active_seal().expose());
        let pem_line = text.lines().find(|line| line.len() == 64).unwrap().to_owned();
        let broken = [
            text.replace(&key, &key[1..]),
            text.replace("\nkey = \"", "\nkeyy = \""),
            text.replace("\"active\"", &format!("\"{}\"", &key[..20])),
            text.replace("\"\"\"", "\""),
            text.replace("key = ", "key "),
            text.replace("BEGIN PRIVATE", "BEGIN RSA PRIVATE"),
            text.replace(&pem_line, &pem_line[1..]),
            text.replacen("key = \"", &format!("{} = \"", key.replace(['+', '/', '='], "x")), 1),
        ];
        for text in broken {
            let told = format!("{} {:?}", faults(&text), KeyRing::parse("k", &text).unwrap_err());
            assert!(told.contains("keys.toml:"), "{told}");
            for secret in [&key[..20], &key[1..21], &pem_line[..20], &pem_line[1..21]] {
                assert!(!told.contains(secret), "{told}");
            }
            assert!(!told.contains(&key.replace(['+', '/', '='], "x")), "{told}");
        }
    }

    #[test]
    fn a_short_rsa_key_is_refused() {
        let (_, text) = ring();
        let start = text.find(PEM_HEAD).unwrap();
        let end = text.find(PEM_FOOT).unwrap();
        let told = faults(&format!("{}{PEM_HEAD}\nAAAA\n{}", &text[..start], &text[end..]));
        assert!(told.contains("no RSA private key"), "{told}");
    }

    proptest! {
        #[test]
        fn the_reader_never_panics(text in ".{0,200}") {
            let _ = KeyRing::parse("keys.toml", &text).map_err(|faults| faults.render(Look::Plain));
        }
    }
}
