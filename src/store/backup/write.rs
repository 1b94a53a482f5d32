//! From a store to a file.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::mpsc;

use super::super::Store;
use super::super::backend::Piece;
use super::super::lease::Work;
use super::super::seal::sealed_by;
use super::file::{FORMAT, Writer};
use super::piece;
use super::{BackupError, Header, Summary};

/// Bytes of pieces after which a frame is written.
const FRAME: usize = 256 * 1024;
/// Handfuls of pieces that wait to be written.
const WAITING: usize = 8;

impl Store {
    /// Writes everything into `out`, and tells now and then how many pieces that were. Answers what it was, and where
    /// it was written to.
    pub async fn export<W: Write>(
        &self,
        out: W,
        mut progress: impl FnMut(u64),
    ) -> Result<(Summary, W), BackupError> {
        let (header, key) = self.backup_header()?;
        let mut file = Writer::begin(out, &header, key)?;
        let (to, mut pieces) = mpsc::channel::<Vec<Piece>>(WAITING);
        let dump = self.inner.backend.dump(to);
        // The receiver moves in: after a failure it is gone, and the dump ends.
        let take = async move {
            let (mut summary, mut frame) = (Summary::default(), Vec::new());
            while let Some(some) = pieces.recv().await {
                for piece in some.iter().filter(|piece| !is_of_the_moment(piece)) {
                    summary.count(piece);
                    piece::push(&mut frame, piece);
                    if frame.len() >= FRAME {
                        file.pieces(std::mem::take(&mut frame))?;
                    }
                }
                progress(summary.pieces());
            }
            file.pieces(frame)?;
            Ok::<_, BackupError>((summary, file))
        };
        let (dumped, taken) = tokio::join!(dump, take);
        let (mut summary, file) = taken?;
        summary.as_of = dumped?;
        let out = file.end(&summary)?;
        Ok((summary, out))
    }

    fn backup_header(&self) -> Result<(Header, aws_lc_rs::aead::LessSafeKey), BackupError> {
        let mut salt = [0; 32];
        self.inner.clock.fill(&mut salt);
        let header = Header {
            format: FORMAT,
            product: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: self.inner.clock.now(),
            key: self.inner.ring.active_id(),
            salt: URL_SAFE_NO_PAD.encode(salt),
            index: self.inner.ring.index_prints(),
        };
        let key = self.inner.ring.backup_key(&header.key, header.salt.as_bytes());
        let key = key.ok_or_else(|| BackupError::UnknownKey(header.key.clone()))?;
        Ok((header, key))
    }
}

impl Summary {
    /// Counts a piece, and the key that it needs.
    pub(super) fn count(&mut self, piece: &Piece) {
        let sealed = match piece {
            Piece::Record { value, .. } => {
                self.records += 1;
                Some(&value[..])
            }
            Piece::Entry { entry, .. } => {
                self.entries += 1;
                Some(&entry[..])
            }
            Piece::Member { .. } => {
                self.members += 1;
                None
            }
            Piece::Counter { .. } => {
                self.counters += 1;
                None
            }
        };
        if let Some(id) = sealed.and_then(sealed_by)
            && !self.keys.contains(id)
        {
            self.keys.insert(id.to_owned());
        }
    }
}

/// What says who is at work right now: leases, and which batches took effect. Tenants may be called so, too; their
/// keys go on otherwise.
fn is_of_the_moment(piece: &Piece) -> bool {
    let Some(name) = piece.key().as_bytes().get(5..).and_then(|name| std::str::from_utf8(name).ok()) else {
        return false;
    };
    match name.split_once(':') {
        Some(("lease", work)) => Work::ALL.iter().any(|known| known.as_str() == work),
        Some(("batch", id)) => id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::backend::{Key, Partition};
    use super::*;

    #[test]
    fn leases_and_marks_are_left_out_but_not_tenants_of_their_names() {
        let piece = |name: &str| Piece::Counter { counter: Key::new(Partition::new(7), name), last: 1 };
        let mark = format!("batch:{}", "0af3".repeat(8));
        for name in ["lease:sweep", "lease:deliver", "lease:seal-audit", &*mark] {
            assert!(is_of_the_moment(&piece(name)), "{name}");
        }
        for name in
            ["lease:link:al_1", "batch:events", "batch:customer-number", "lease:due", "acme:link", "due"]
        {
            assert!(!is_of_the_moment(&piece(name)), "{name}");
        }
    }
}
