//! The key ring file: the keys that seal records, hash what is looked up, and sign tokens
//! (DESIGN §3). No start without it.
//!
//! ```toml
//! [[seal]]
//! id = "2026-01-01-3f9a"
//! key = "…"            # 32 bytes in base64
//! state = "active"     # next | active | retired | revoked
//!
//! [index]
//! key = "…"            # 32 bytes in base64
//!
//! [[sign]]
//! kid = "2026-01-01-77c2"
//! key = """-----BEGIN PRIVATE KEY----- …"""   # PKCS#8, RSA of 2048 bits or more
//! state = "active"
//! ```
//!
//! [`mod@file`] reads it. To add a kind of key: 1. a type here with its accessors, 2. its table and
//! reading in `file`, 3. its lines in [`KeyRing::generate`] and [`KeyRing::to_toml`].

pub mod file;

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

    /// The key itself. Each call is a place to look at in a review.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }
}

/// A key that signs tokens: RSA, in PKCS#8 (RFC 5958).
#[derive(Clone)]
pub struct SignKey {
    kid: String,
    state: KeyState,
    der: Zeroizing<Vec<u8>>,
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
}

/// Every key of a process.
#[derive(Clone)]
pub struct KeyRing {
    seal: Vec<SealKey>,
    index: Zeroizing<[u8; 32]>,
    sign: Vec<SignKey>,
}

impl KeyRing {
    /// Makes fresh keys, one of each kind, all active.
    pub fn generate(clock: &Clock) -> Self {
        let der = KeyPair::generate(KeySize::Rsa2048)
            .and_then(|pair| AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map(|der| der.as_ref().to_vec()))
            .expect("a fresh RSA key can be made and written");
        Self {
            seal: vec![SealKey { id: fresh_name(clock), state: KeyState::Active, key: fresh_key(clock) }],
            index: fresh_key(clock),
            sign: vec![SignKey { kid: fresh_name(clock), state: KeyState::Active, der: Zeroizing::new(der) }],
        }
    }

    /// Reads a key ring file, or says everything that is wrong with it, without a word of what
    /// stands in it.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        let name = path.display().to_string();
        let text = read_text(path).map_err(|problem| {
            Fault::new(Place::File(name.clone()), format!("the key ring {problem}"))
                .with_help("make one with `countersign key new --out keys.toml`, and name it with `--keys` or `keys.file`")
        })?;
        Self::parse(&name, &text)
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
        for key in &self.seal {
            let encoded = Zeroizing::new(STANDARD.encode(key.expose()));
            push(&mut text, &["\n[[seal]]\nid = \"", &key.id, "\"\nkey = \"", &encoded, "\"\n"]);
            push(&mut text, &["state = \"", key.state.as_str(), "\"\n"]);
        }
        let encoded = Zeroizing::new(STANDARD.encode(*self.index));
        push(&mut text, &["\n[index]\nkey = \"", &encoded, "\"\n"]);
        for key in &self.sign {
            let pem = key.expose_pem();
            push(&mut text, &["\n[[sign]]\nkid = \"", &key.kid, "\"\nkey = \"\"\"\n", &pem, "\"\"\"\n"]);
            push(&mut text, &["state = \"", key.state.as_str(), "\"\n"]);
        }
        text
    }

    /// Writes the file with mode 0600 and makes it durable. An existing file is never touched.
    pub fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(self.to_toml().as_bytes())?;
        file.sync_all()
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

    /// The key of the keyed hashes by which records are found. Each call is a place to look at in
    /// a review.
    pub fn expose_index(&self) -> &[u8; 32] {
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

const PEM_HEAD: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_FOOT: &str = "-----END PRIVATE KEY-----";

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
        assert_eq!(read.expose_index(), ring.expose_index());
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
