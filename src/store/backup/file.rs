//! The bytes of a backup: `CSGNBKUP`, the header's length (32 bits) and its JSON, then frames. A
//! frame is a kind (pieces, or the end), the length of what follows (32 bits), and AES-256-GCM
//! ciphertext with its tag (NIST SP 800-38D). The key is derived from a seal key and a fresh salt,
//! so that it belongs to this file alone; the nonce counts the frames; kind and header are
//! associated data. So no frame can be left out, moved, repeated or taken from another file, and
//! without its end a file is no backup.

use std::io::{Read, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::digest;

use super::{BackupError, Header, Summary};

/// The layout described above; another layout gets another number.
pub const FORMAT: u32 = 1;
/// What every backup begins with.
const MAGIC: &[u8; 8] = b"CSGNBKUP";
/// The most bytes of a header.
const HEADER: u32 = 64 * 1024;
/// The most bytes of a frame.
const FRAME: u32 = 256 * 1024 * 1024;
const PIECES: u8 = b'p';
const END: u8 = b'z';

/// One part of a backup.
#[derive(Debug)]
pub enum Frame {
    /// Pieces, as `piece` writes them.
    Pieces(Vec<u8>),
    /// The end.
    End(Summary),
}

/// Where in the file one is.
struct Place {
    key: LessSafeKey,
    /// The SHA-256 of the header's bytes.
    header: digest::Digest,
    frames: u64,
}

/// Writes frames behind a header.
pub struct Writer<W> {
    out: W,
    place: Place,
}

/// Reads frames behind a header.
pub struct Reader<R> {
    from: R,
    place: Place,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn begin(mut out: W, header: &Header, key: LessSafeKey) -> Result<Self, BackupError> {
        let text = serde_json::to_vec(header).map_err(std::io::Error::other)?;
        let length = u32::try_from(text.len()).map_err(std::io::Error::other)?;
        out.write_all(MAGIC)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&text)?;
        Ok(Self { out, place: Place::new(key, &text) })
    }

    /// Writes pieces.
    pub fn pieces(&mut self, pieces: Vec<u8>) -> Result<(), BackupError> {
        self.frame(PIECES, pieces)
    }

    /// Writes the end, and answers where it was written to.
    pub fn end(mut self, summary: &Summary) -> Result<W, BackupError> {
        let text = serde_json::to_vec(summary).map_err(std::io::Error::other)?;
        self.frame(END, text)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn frame(&mut self, kind: u8, mut body: Vec<u8>) -> Result<(), BackupError> {
        let (nonce, about) = self.place.next(kind);
        let sealed = self.place.key.seal_in_place_append_tag(nonce, Aad::from(about), &mut body);
        sealed.map_err(|_| std::io::Error::other("a frame is too large"))?;
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= FRAME);
        let length = length.ok_or_else(|| std::io::Error::other("a frame is too large"))?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&length.to_be_bytes())?;
        Ok(self.out.write_all(&body)?)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header, and asks for the key that it names.
    pub fn begin(
        mut from: R,
        key: impl FnOnce(&Header) -> Result<LessSafeKey, BackupError>,
    ) -> Result<(Self, Header), BackupError> {
        let mut magic = [0; 12];
        fill(&mut from, &mut magic)?.then_some(()).ok_or(BackupError::NoBackup)?;
        let (magic, length) = magic.split_at(MAGIC.len());
        let length = u32::from_be_bytes(length.try_into().expect("four bytes are left"));
        if magic != MAGIC || length > HEADER {
            return Err(BackupError::NoBackup);
        }
        let text = take(&mut from, length)?.ok_or(BackupError::Truncated(0))?;
        let header = parse_header(&text)?;
        let place = Place::new(key(&header)?, &text);
        Ok((Self { from, place }, header))
    }

    /// The next part. After the end nothing may follow.
    pub fn read(&mut self) -> Result<Frame, BackupError> {
        let number = self.place.frames + 1;
        let mut head = [0; 5];
        if !fill(&mut self.from, &mut head)? {
            return Err(BackupError::Truncated(number));
        }
        let (kind, length) = (head[0], u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
        if length > FRAME || ![PIECES, END].contains(&kind) {
            return Err(BackupError::Altered(number));
        }
        let mut body = take(&mut self.from, length)?.ok_or(BackupError::Truncated(number))?;
        let (nonce, about) = self.place.next(kind);
        let opened = self.place.key.open_in_place(nonce, Aad::from(about), &mut body);
        let length = opened.map_err(|_| BackupError::Altered(number))?.len();
        body.truncate(length);
        if kind == PIECES {
            return Ok(Frame::Pieces(body));
        }
        let summary = serde_json::from_slice(&body).map_err(|_| BackupError::Altered(number))?;
        if fill(&mut self.from, &mut [0])? { Err(BackupError::Longer) } else { Ok(Frame::End(summary)) }
    }

    /// The number of the part that was read last.
    pub fn number(&self) -> u64 {
        self.place.frames
    }
}

impl Place {
    fn new(key: LessSafeKey, header: &[u8]) -> Self {
        Self { key, header: digest::digest(&digest::SHA256, header), frames: 0 }
    }

    /// Nonce and associated data of the next frame.
    fn next(&mut self, kind: u8) -> (Nonce, Vec<u8>) {
        self.frames += 1;
        let mut nonce = [0; NONCE_LEN];
        nonce[4..].copy_from_slice(&self.frames.to_be_bytes());
        let about = [self.header.as_ref(), &[kind]].concat();
        (Nonce::assume_unique_for_key(nonce), about)
    }
}

/// The format is looked at first: a newer header may have other members.
fn parse_header(text: &[u8]) -> Result<Header, BackupError> {
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|_| BackupError::NoBackup)?;
    let format = value["format"].as_u64().and_then(|format| u32::try_from(format).ok());
    let found = format.ok_or(BackupError::NoBackup)?;
    if found > FORMAT {
        let product = value["product"].as_str().unwrap_or("of then").chars().take(40).collect();
        return Err(BackupError::Newer { found, known: FORMAT, product });
    }
    serde_json::from_value(value).map_err(|_| BackupError::NoBackup)
}

/// Fills a buffer; false if the file ends before.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<bool, BackupError> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// So many bytes; none if the file ends before. What a damaged length claims takes no memory.
fn take(from: &mut impl Read, length: u32) -> Result<Option<Vec<u8>>, BackupError> {
    let mut bytes = Vec::new();
    from.by_ref().take(u64::from(length)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 == u64::from(length)).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_256_GCM, UnboundKey};
    use proptest::prelude::*;

    use super::*;

    fn key() -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap())
    }

    fn header() -> Header {
        Header {
            format: FORMAT,
            product: "1.0.0".into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            key: "k".into(),
            salt: "s".into(),
            index: vec!["i".into()],
        }
    }

    fn written(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &header(), key()).unwrap();
        for frame in frames {
            writer.pieces(frame.clone()).unwrap();
        }
        writer.end(&Summary::default()).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BackupError> {
        let (mut reader, _) = Reader::begin(bytes, |_| Ok(key()))?;
        let mut frames = Vec::new();
        loop {
            match reader.read()? {
                Frame::Pieces(frame) => frames.push(frame),
                Frame::End(_) => return Ok(frames),
            }
        }
    }

    fn frames() -> Vec<Vec<u8>> {
        vec![b"one".to_vec(), Vec::new(), vec![9; 3000]]
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        assert_eq!(read(&written(&frames())).unwrap(), frames());
    }

    #[test]
    fn a_frame_more_less_or_elsewhere_is_found() {
        let file = written(&[b"one".to_vec(), b"two".to_vec()]);
        let frame = 5 + 3 + 16;
        let end = file.len() - written(&[]).len() + written(&[]).len();
        let first = written(&[]).len();
        let begin = file.len() - (first - (8 + 4 + serde_json::to_vec(&header()).unwrap().len())) - 2 * frame;
        let (head, rest) = file.split_at(begin);
        let (one, rest) = rest.split_at(frame);
        let (two, last) = rest.split_at(frame);
        assert_eq!(end, file.len());
        for moved in [[two, one, last].concat(), [one, last].concat(), [one, one, two, last].concat()] {
            assert!(matches!(read(&[head, &moved].concat()), Err(BackupError::Altered(_))));
        }
        assert!(matches!(read(&[head, one, two].concat()), Err(BackupError::Truncated(3))));
        assert!(matches!(read(&[&file[..], b"x"].concat()), Err(BackupError::Longer)));
        let newer = Header { format: FORMAT + 1, product: "9.0.0".into(), ..header() };
        let newer = Writer::begin(Vec::new(), &newer, key()).unwrap().end(&Summary::default()).unwrap();
        assert!(matches!(read(&newer), Err(BackupError::Newer { found: 2, .. })));
        assert!(matches!(read(b"SQLite format 3\0"), Err(BackupError::NoBackup)));
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_backup_are_no_panic(bytes: Vec<u8>, magic: bool) {
            let bytes = if magic { [MAGIC.as_slice(), &bytes].concat() } else { bytes };
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn a_changed_byte_is_found(at in 0_usize..3200, by in 1_u8..) {
            let mut file = written(&frames());
            let at = at % file.len();
            file[at] ^= by;
            prop_assert!(read(&file).is_err());
        }

        #[test]
        fn a_cut_file_is_found(cut in 1_usize..3200) {
            let mut file = written(&frames());
            file.truncate(file.len().saturating_sub(cut));
            prop_assert!(read(&file).is_err());
        }
    }
}
