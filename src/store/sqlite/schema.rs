//! The file: its mode, its tables, and how a connection is set up.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{OpenError, PATIENCE};

/// The schema that this version writes. Another one gets the next number and a step in `migrate`.
const SCHEMA: i64 = 2;
/// `CSgn`: says to `file` and to other programs whose database this is.
const APPLICATION: i64 = 0x4353_676e;
/// Prepared statements that a connection keeps; there are fewer.
const STATEMENTS: usize = 64;
/// Pages of the write-ahead log after which it is written into the file: 16 MiB. The journal uses the same pages
/// again and again, and so they are written back once, not every time.
const CHECKPOINT: i64 = 4096;

/// `expires` is in minutes since 1970, rounded up: so a record that is written again seldom moves in the index.
const TABLES: &str = "
    CREATE TABLE record (
        key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL
    ) STRICT;
    CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;
    CREATE TABLE member (name BLOB NOT NULL, member BLOB NOT NULL, PRIMARY KEY (name, member))
        WITHOUT ROWID, STRICT;
    CREATE TABLE entry (
        name BLOB NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, position)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE counter (name BLOB PRIMARY KEY NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE version (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;
    INSERT INTO version VALUES (1, 0);
";

/// Since schema 2 a change is committed as a row of the journal, and written into the other tables later, see
/// `fold`: `version.last` is the last change that stands in them. The journal's last row always stays.
const JOURNAL: &str = "
    CREATE TABLE journal (seq INTEGER PRIMARY KEY NOT NULL, changes BLOB NOT NULL) STRICT;
    INSERT INTO journal SELECT last, x'' FROM version;
";

/// Makes the file if there is none, brings its schema up to date, and answers the writer's connection.
pub(super) fn create_or_open(path: &Path) -> Result<Connection, OpenError> {
    private_file(path).map_err(|cause| OpenError::File { path: path.to_owned(), cause })?;
    let sqlite = |cause| OpenError::Sqlite { path: path.to_owned(), cause };
    let mut connection = connect(path).map_err(sqlite)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// One more connection to a file that exists.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan is made once: else a statement with `LIMIT ?` is planned anew for every number that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -16384)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |cause| OpenError::Sqlite { path: path.to_owned(), cause };
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sqlite)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(sqlite);
    let found = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    let fresh = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if !fresh && application != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if found > SCHEMA {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    if fresh {
        transaction.execute_batch(TABLES).map_err(sqlite)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(sqlite)?;
    }
    if found < SCHEMA {
        transaction.execute_batch(JOURNAL).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", SCHEMA).map_err(sqlite)?;
    }
    transaction.commit().map_err(sqlite)
}

/// Makes the folder and the file, both for the owner only; SQLite gives its other files the same mode.
fn private_file(path: &Path) -> io::Result<()> {
    let mut folder = DirBuilder::new();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folder.mode(0o700);
        options.mode(0o600);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder.recursive(true).create(parent)?;
    }
    restrict(&options.open(path)?)
}

/// A file that was there before may have been readable by others.
#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}
