//! Bytes that hold texts and numbers, one behind the other: a text with its length before it (32 bits),
//! a number as 64 bits, most significant byte first.

use bytes::{Buf as _, Bytes};

/// The bytes end before what they announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut;

/// Adds a text.
pub(super) fn put_text(frame: &mut Vec<u8>, text: &[u8]) {
    let length = u32::try_from(text.len()).expect("no value has 4 GiB");
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(text);
}

/// Takes a byte off.
pub(super) fn take_byte(frame: &mut Bytes) -> Result<u8, Cut> {
    frame.try_get_u8().map_err(|_| Cut)
}

/// Takes a number off.
pub(super) fn take_number(frame: &mut Bytes) -> Result<u64, Cut> {
    frame.try_get_u64().map_err(|_| Cut)
}

/// Takes a text off. It shares the memory of the whole.
pub(super) fn take_text(frame: &mut Bytes) -> Result<Bytes, Cut> {
    let length = frame.try_get_u32().ok().and_then(|length| usize::try_from(length).ok()).ok_or(Cut)?;
    if length > frame.len() { Err(Cut) } else { Ok(frame.split_to(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_and_what_is_cut_is_refused() {
        let mut frame = vec![b'x'];
        put_text(&mut frame, b"text");
        frame.extend_from_slice(&7_u64.to_be_bytes());
        let read = |bytes: &[u8]| {
            let mut left = Bytes::copy_from_slice(bytes);
            let read = (take_byte(&mut left)?, take_text(&mut left)?, take_number(&mut left)?);
            Ok::<_, Cut>((read, left.len()))
        };
        assert_eq!(read(&frame), Ok(((b'x', Bytes::from_static(b"text"), 7), 0)));
        for length in 0..frame.len() {
            assert_eq!(read(&frame[..length]), Err(Cut), "{length} bytes");
        }
    }
}
