//! What stands in a frame: pieces, one behind the other. Each is a tag and, as the tag demands, texts
//! and numbers (see `frame`).

use bytes::Bytes;
use jiff::Timestamp;

use super::super::backend::{Key, Piece};
use super::super::frame::{Cut, put_text, take_byte, take_number, take_text};

const RECORD: u8 = b'r';
const MEMBER: u8 = b'm';
const ENTRY: u8 = b'e';
const COUNTER: u8 = b'c';
/// In place of a time where there is none.
const NEVER: i64 = i64::MAX;

/// Bytes that are no pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no pieces of a store")]
pub struct NoPieces;

/// Adds a piece.
pub fn push(frame: &mut Vec<u8>, piece: &Piece) {
    match piece {
        Piece::Record { key, value, expires } => {
            frame.push(RECORD);
            put_text(frame, key.as_bytes());
            let expires = expires.map_or(NEVER, Timestamp::as_second);
            frame.extend_from_slice(&expires.to_be_bytes());
            put_text(frame, value);
        }
        Piece::Member { set, member } => {
            frame.push(MEMBER);
            put_text(frame, set.as_bytes());
            put_text(frame, member);
        }
        Piece::Entry { log, position, entry } => {
            frame.push(ENTRY);
            put_text(frame, log.as_bytes());
            frame.extend_from_slice(&position.to_be_bytes());
            put_text(frame, entry);
        }
        Piece::Counter { counter, last } => {
            frame.push(COUNTER);
            put_text(frame, counter.as_bytes());
            frame.extend_from_slice(&last.to_be_bytes());
        }
    }
}

/// Reads the pieces of a frame.
pub fn parse(frame: Vec<u8>) -> Result<Vec<Piece>, NoPieces> {
    let (mut frame, mut pieces) = (Bytes::from(frame), Vec::new());
    while !frame.is_empty() {
        let tag = take_byte(&mut frame)?;
        let key = Key::parse(&take_text(&mut frame)?).ok_or(NoPieces)?;
        pieces.push(match tag {
            RECORD => {
                let expires = take_number(&mut frame)?.cast_signed();
                let expires = (expires != NEVER).then(|| Timestamp::from_second(expires)).transpose();
                let expires = expires.map_err(|_| NoPieces)?;
                Piece::Record { key, value: take_text(&mut frame)?, expires }
            }
            MEMBER => Piece::Member { set: key, member: take_text(&mut frame)?.to_vec() },
            ENTRY => {
                let position = take_number(&mut frame)?;
                Piece::Entry { log: key, position, entry: take_text(&mut frame)?.to_vec() }
            }
            COUNTER => Piece::Counter { counter: key, last: take_number(&mut frame)? },
            _ => return Err(NoPieces),
        });
    }
    Ok(pieces)
}

impl From<Cut> for NoPieces {
    fn from(_: Cut) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::backend::Partition;
    use super::*;

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let key = (any::<u8>(), "[a-z:_]{0,12}")
            .prop_map(|(partition, name)| Key::new(Partition::new(partition), &name));
        let bytes = prop::collection::vec(any::<u8>(), 0..40);
        let expires = prop::option::of(0_i64..4_000_000_000);
        let piece =
            (key, bytes, expires, any::<u64>(), 0..4).prop_map(|(key, bytes, expires, number, kind)| {
                match kind {
                    0 => Piece::Record {
                        key,
                        value: Bytes::from(bytes),
                        expires: expires.map(|second| Timestamp::from_second(second).unwrap()),
                    },
                    1 => Piece::Member { set: key, member: bytes },
                    2 => Piece::Entry { log: key, position: number, entry: bytes },
                    _ => Piece::Counter { counter: key, last: number },
                }
            });
        prop::collection::vec(piece, 0..9)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(pieces in pieces()) {
            let mut frame = Vec::new();
            for piece in &pieces {
                push(&mut frame, piece);
            }
            prop_assert_eq!(parse(frame), Ok(pieces));
        }

        #[test]
        fn bytes_that_are_no_pieces_are_no_panic(bytes: Vec<u8>) {
            let _ = parse(bytes);
        }

        #[test]
        fn a_cut_frame_is_refused_or_has_lost_whole_pieces(pieces in pieces(), cut in 1_usize..40) {
            let mut frame = Vec::new();
            for piece in &pieces {
                push(&mut frame, piece);
            }
            frame.truncate(frame.len().saturating_sub(cut));
            if let Ok(left) = parse(frame) {
                prop_assert!(pieces.starts_with(&left) && (left.len() < pieces.len() || pieces.is_empty()));
            }
        }
    }
}
