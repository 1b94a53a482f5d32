//! What every reader and the writer must know besides the tables: the layer of changes that stand
//! in the journal only, and some records of the tables. It is exact. In this process our writer
//! keeps it so; where other processes use the file (see `presence`), whoever needs it looks first
//! whether the journal has grown or was written into the tables.

use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::types::Type;
use rusqlite::{Connection, params};

use super::super::backend::Key;
use super::layer::{ByName, Layer, Slot};

/// Records of the tables that are remembered, at most; then they are forgotten together.
const REMEMBERED: usize = 4096;

/// Shared by the readers and the writer of one backend.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// What the journal says. Shared, so that the writer can write it into the tables while others read.
    layer: Arc<Layer>,
    /// The last change of the journal that is in the layer.
    last: i64,
    /// Everything up to this change stands in the tables.
    folded: i64,
    /// The last positions of logs.
    ends: ByName<u64>,
    /// What the tables say of some keys, true as long as the layer says nothing of them.
    tables: ByName<Slot>,
}

impl Default for State {
    fn default() -> Self {
        // Changes count from 0, so that the first look finds something new.
        let (ends, tables) = (ByName::default(), ByName::default());
        Self { layer: Arc::default(), last: -1, folded: -1, ends, tables }
    }
}

impl Overlay {
    /// The state as of the moment in which `connection` reads. Inside of a transaction everything that the
    /// transaction reads afterwards fits to it.
    pub(super) fn current(&self, connection: &Connection) -> rusqlite::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if ends(connection)? != (state.last, state.folded) {
            state.catch_up(connection)?;
        }
        Ok(state)
    }

    /// The state as it is, without a look at the file.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    /// Takes a group in that was committed as change `last`.
    pub(super) fn committed(&self, group: Layer, last: i64) {
        let mut state = self.lock();
        // A reader may have seen it first.
        if state.last < last {
            state.absorb(group, last);
        }
    }

    /// Everything up to the change `last` stands in the tables now. Answers the layer that is of no use any more.
    pub(super) fn folded(&self, last: i64) -> Arc<Layer> {
        let mut state = self.lock();
        // A reader may have seen it first, and more that came behind it, even the next fold of another process.
        if state.folded >= last {
            return Arc::default();
        }
        state.folded = last;
        state.tables.clear();
        std::mem::take(&mut state.layer)
    }
}

impl State {
    /// The changes that are not in the tables.
    pub(super) fn layer(&self) -> &Arc<Layer> {
        &self.layer
    }

    /// What is known of a key without asking the tables, perhaps that there is no record; none if they must be asked.
    pub(super) fn slot(&self, key: &Key) -> Option<&Slot> {
        self.layer.records.get(key.text()).or_else(|| self.tables.get(key.text()))
    }

    /// Remembers what the tables say of a key. They must have been asked after the last change and before this.
    pub(super) fn remember(&mut self, key: &Key, slot: Slot) {
        if self.tables.len() >= REMEMBERED {
            self.tables.clear();
        }
        self.tables.insert(Arc::clone(key.text()), slot);
    }

    /// The last change.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// The last position of a log, if it is known.
    pub(super) fn end(&self, log: &str) -> Option<u64> {
        self.ends.get(log).copied()
    }

    fn absorb(&mut self, group: Layer, last: i64) {
        for (log, entries) in &group.logs {
            if let Some((end, _)) = entries.last_key_value() {
                self.ends.insert(Arc::clone(log), *end);
            }
        }
        Arc::make_mut(&mut self.layer).absorb(group);
        self.last = last;
    }

    /// Forgets everything: the tables have it, and perhaps more than we know of.
    fn forget(&mut self, folded: i64) {
        *self = Self { last: folded, folded, ..Self::default() };
    }

    /// Reads the rows of the journal that came behind ours, all as of one moment.
    fn catch_up(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let own = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
        let folded: i64 =
            connection.prepare_cached("SELECT last FROM version")?.query_row([], |row| row.get(0))?;
        if folded != self.folded {
            self.forget(folded);
        }
        let mut select =
            connection.prepare_cached("SELECT seq, changes FROM journal WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = select.query(params![self.last])?;
        while let Some(row) = rows.next()? {
            let layer = Layer::parse(row.get(1)?).map_err(|damaged| {
                rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, Box::new(damaged))
            })?;
            self.absorb(layer, row.get(0)?);
        }
        drop(rows);
        own.map_or(Ok(()), rusqlite::Transaction::finish)
    }
}

/// The last change of the journal, whose last row is always kept, and the last one that stands in the tables. A
/// fold moves the second alone.
fn ends(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let mut select = connection.prepare_cached("SELECT (SELECT max(seq) FROM journal), last FROM version")?;
    select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}
