//! What is damaged on disk: found by checksums, put aside, and mended from what is whole.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::store::millis;
use crate::{Outbox, OutboxError};
use adjourn_protocol::{Entry, Record, Secret, sha256};

/// Something damaged that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quarantined {
    /// The whole file; it was renamed, and what could be read of it was taken over.
    File(PathBuf),
    /// Rows of the journal.
    Rows(usize),
    /// Records; they are made again from the journal.
    Records(usize),
}

impl std::fmt::Display for Quarantined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(
                f,
                "The journal of earlier interviews was damaged. It was put aside as {}; please give this file to the organiser if a receipt is missing.",
                path.display()
            ),
            Self::Rows(rows) => write!(
                f,
                "{rows} entries of the journal were damaged and were put aside; the rest of the interview is complete."
            ),
            Self::Records(_) => {
                write!(f, "A saved report was damaged and was made again from the interview's journal.")
            }
        }
    }
}

/// Whether a file is damaged, as opposed to unreachable. SQLite's codes 11 (corrupt) and 26 (not a
/// database).
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let text = error.to_string();
    text.contains("malformed") || text.contains("not a database") || text.contains("damaged")
}

/// How the names of files begin that were put aside.
const ASIDE: &str = "outbox.damaged-";
/// And how they go on: when that was.
const ASIDE_AT: &str = "%Y%m%dT%H%M%S%3f";

/// Files that were put aside in `folder` before that time, with what belongs to them.
pub(crate) fn put_aside_before(folder: &Path, before: DateTime<Utc>) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(rest) = name.strip_prefix(ASIDE) else { continue };
        let at = rest.split('.').next().and_then(|at| NaiveDateTime::parse_from_str(at, ASIDE_AT).ok());
        if at.is_some_and(|at| at.and_utc() < before) {
            found.push(path);
        }
    }
    Ok(found)
}

/// A damaged file may still be open, for two seconds in all: SQLite closes it on a thread of its own, and on Windows a virus scanner
/// looks at it.
const TRIES: usize = 40;
/// Pause between two tries.
const STILL_OPEN: Duration = Duration::from_millis(50);

/// Renames the database and what belongs to it; gives its new path.
pub(crate) async fn put_aside(folder: &Path) -> std::io::Result<PathBuf> {
    let aside = folder.join(format!("{ASIDE}{}.db", Utc::now().format(ASIDE_AT)));
    moved(&folder.join("outbox.db"), &aside).await?;
    Ok(aside)
}

/// Puts what was put aside back where it was: what can't be mended now (the disk is full) is mended at the next start.
pub(crate) async fn put_back(aside: &Path, path: &Path) -> std::io::Result<()> {
    moved(aside, path).await
}

/// Moves a database and what belongs to it.
async fn moved(from: &Path, to: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let named = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match rename(&named(from), &named(to)).await {
            // Absent after a clean close; what another database left there does not belong to this one.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !suffix.is_empty() => {
                let _ = std::fs::remove_file(named(to)); // mostly absent, too
            }
            renamed => renamed?,
        }
    }
    Ok(())
}

async fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    // Elsewhere than on Windows what is open can be renamed all the same.
    let mut left = if cfg!(windows) { TRIES } else { 0 };
    loop {
        match std::fs::rename(from, to) {
            Err(error) if left > 0 && error.kind() != std::io::ErrorKind::NotFound => {
                left -= 1;
                tokio::time::sleep(STILL_OPEN).await;
            }
            renamed => return renamed,
        }
    }
}

/// Tables in the order in which they refer to each other.
const TABLES: [&str; 5] = ["hosts", "joins", "journal", "records", "quarantine"];

/// Takes over every row of the damaged file that can be read, from both ends of each table.
pub(crate) async fn salvage(aside: &Path, into: &SqlitePool) -> Result<(), OutboxError> {
    let copy = aside.with_extension("salvage");
    if lengthened(aside, &copy).is_err() {
        return Ok(()); // not even its bytes can be read
    }
    let options = SqliteConnectOptions::new().filename(&copy).foreign_keys(false);
    if let Ok(from) = SqlitePoolOptions::new().max_connections(1).connect_with(options).await {
        let mut lost = 0;
        for table in TABLES {
            for order in ["ASC", "DESC"] {
                let rows = readable(&from, &format!("SELECT * FROM {table} ORDER BY rowid {order}")).await;
                for row in &rows {
                    match take_over(table, row, into).await {
                        Ok(()) => {}
                        Err(error) if is_the_disks(&error) => return Err(error.into()),
                        // It refers to one that is gone, or its own bytes are damaged: it can't be used, and the file has it still.
                        Err(_) => lost += 1,
                    }
                }
            }
        }
        from.close().await;
        if lost > 0 {
            tracing::warn!(
                rows = lost,
                "rows of the damaged journal can't be used; they are in the file that was put aside"
            );
        }
    }
    for suffix in ["", "-wal", "-shm"] {
        // Absent after a clean close.
        let _ = std::fs::remove_file(format!("{}{suffix}", copy.display()));
    }
    Ok(())
}

/// A copy of the damaged file (and its write-ahead log) with as many pages as its head says: SQLite reads nothing of
/// one that is too short. Offsets of page size and page count: SQLite's file format, sections 1.3.2 and 1.3.7.
fn lengthened(aside: &Path, copy: &Path) -> std::io::Result<()> {
    let mut bytes = std::fs::read(aside)?;
    if let (Some(&[high, low]), Some(&[a, b, c, d])) = (bytes.get(16..18), bytes.get(28..32)) {
        let page = match u16::from_be_bytes([high, low]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let pages = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(0);
        let length = page.saturating_mul(pages);
        // A damaged head may say anything; a journal is far smaller.
        if length > bytes.len() && length < (256 << 20) {
            bytes.resize(length, 0);
        }
    }
    std::fs::write(copy, bytes)?;
    let log = PathBuf::from(format!("{}-wal", aside.display()));
    if log.exists() {
        std::fs::copy(log, format!("{}-wal", copy.display()))?;
    }
    Ok(())
}

/// Rows up to the first that can't be read.
async fn readable(from: &SqlitePool, sql: &str) -> Vec<sqlx::sqlite::SqliteRow> {
    use futures_util::TryStreamExt as _;
    let mut found = Vec::new();
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch(from);
    while let Ok(Some(row)) = rows.try_next().await {
        found.push(row);
    }
    found
}

/// Whether it is the disk that doesn't take a row, and not the row that is at fault. SQLite's codes: 8 (read-only), 10 (I/O error),
/// 13 (full), 14 (can't be opened), in the low byte of an extended one.
fn is_the_disks(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 8 | 10 | 13 | 14)) || matches!(error, sqlx::Error::Io(_))
}

async fn take_over(table: &str, row: &sqlx::sqlite::SqliteRow, into: &SqlitePool) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = row.columns().iter().map(|column| column.name()).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({marks})", names.join(", "));
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for index in 0..names.len() {
        let kind = row.try_get_raw(index)?;
        let name = if kind.is_null() { "NULL".to_owned() } else { kind.type_info().name().to_owned() };
        query = match name.as_str() {
            "INTEGER" => query.bind(row.try_get::<i64, _>(index)?),
            "BLOB" => query.bind(row.try_get::<Vec<u8>, _>(index)?),
            "NULL" => query.bind(None::<String>),
            _ => query.bind(row.try_get::<String, _>(index)?),
        };
    }
    query.execute(into).await.map(drop)
}

impl Outbox {
    /// Puts aside what its checksum does not fit; records are made again from the journal.
    pub(crate) async fn quarantine(&self) -> Result<Vec<Quarantined>, OutboxError> {
        let mut found = Vec::new();
        let rows = self.quarantine_rows().await?;
        if rows > 0 {
            found.push(Quarantined::Rows(rows));
        }
        let records = self.quarantine_records().await?;
        if records > 0 {
            found.push(Quarantined::Records(records));
        }
        Ok(found)
    }

    /// Moves journal rows whose checksum is wrong aside; gives their number.
    async fn quarantine_rows(&self) -> Result<usize, OutboxError> {
        let rows = sqlx::query("SELECT id, entry, checksum FROM journal").fetch_all(&self.pool).await?;
        let mut damaged = 0;
        for row in rows {
            let (id, checksum): (i64, String) = (row.try_get("id")?, row.try_get("checksum")?);
            // A flipped bit may leave no text at all.
            let entry: Vec<u8> = row.try_get_unchecked("entry")?;
            // As it was written, and a line of a journal: what is sealed is opened for that.
            let whole = sha256(&entry) == checksum
                && self
                    .seal
                    .opened_bytes("entry", entry.clone())
                    .is_ok_and(|it| serde_json::from_slice::<Entry>(&it).is_ok());
            if whole {
                continue;
            }
            damaged += 1;
            let delete = sqlx::query("DELETE FROM journal WHERE id = ?").bind(id);
            self.put_row_aside("journal", entry, delete).await?;
        }
        Ok(damaged)
    }

    /// Moves records that wait and whose checksum is wrong aside, and makes them again from the journal:
    /// the decision is in its last line. Gives how many were made again. One that can't be waits for its candidate: joining again gives
    /// its journal what it lacks.
    async fn quarantine_records(&self) -> Result<usize, OutboxError> {
        let rows =
            sqlx::query("SELECT join_id, body, sha256, created_at FROM records WHERE state <> 'delivered'")
                .fetch_all(&self.pool)
                .await?;
        let mut made_again = 0;
        for row in rows {
            let (join_id, checksum): (String, String) = (row.try_get("join_id")?, row.try_get("sha256")?);
            let body: Vec<u8> = row.try_get("body")?;
            if sha256(&body) == checksum {
                continue;
            }
            let delete = sqlx::query("DELETE FROM records WHERE join_id = ?").bind(join_id.clone());
            self.put_row_aside("records", body, delete).await?;
            if self.remake(&Secret::new(join_id)).await? {
                made_again += 1;
            } else {
                tracing::error!(
                    "a saved report was damaged, and its interview's journal lacks what it takes to make it again"
                );
            }
        }
        Ok(made_again)
    }

    /// Moves a row from its table to those that were put aside.
    async fn put_row_aside(
        &self,
        origin: &str,
        body: Vec<u8>,
        delete: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<(), OutboxError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO quarantine (origin, body, reason, at) VALUES (?, ?, 'checksum', ?)")
            .bind(origin)
            .bind(body)
            .bind(millis(Utc::now()))
            .execute(&mut *transaction)
            .await?;
        delete.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes the record of a join that has ended from its journal alone. Gives whether it could.
    async fn remake(&self, join_id: &Secret) -> Result<bool, OutboxError> {
        let head: Option<String> = sqlx::query("SELECT head FROM joins WHERE join_id = ?")
            .bind(join_id.expose())
            .fetch_one(&self.pool)
            .await?
            .try_get("head")?;
        // Without a head it stays unfinished: joining again gives it one.
        let head = head.map(|head| self.seal.opened("head", head)).transpose()?;
        let Some(head) = head.and_then(|head| serde_json::from_str(&head).ok()) else { return Ok(false) };
        let entries = self.journal(join_id).await?;
        let last = entries.iter().rev().find_map(|entry| entry.line.decided());
        let ending = last.and_then(|decided| decided.ending.clone());
        let record = Record::from_journal(head, entries, ending, Utc::now());
        self.commit(join_id, &record, &[]).await.map(|_| true)
    }
}
