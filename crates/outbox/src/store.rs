//! The database: joins, journal, records, receipts. SQLite, write-ahead log, every commit synced.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use adjourn_protocol::{Decided, Entry, InviteLink, JoinAnswer, Record, RecordHead, Secret, sha256};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use sqlx::Row as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use url::Url;

use crate::damage::{self, Quarantined};
use crate::folder::{FileId, file_id, lock, private_file, private_folder};
use crate::seal::{SEALED, Seal};

/// The journal can't be used. Each message says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or file can't be written.
    #[error(
        "the interview's journal {path} cannot be written ({reason}); free some disk space or check the folder's permissions"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another process works with this folder.
    #[error("Adjourn is already running on this computer; use its window, or close it and try again")]
    InUse(PathBuf),
    /// The record of this interview is there already, and says something else.
    #[error("this interview has a record already, and another one must not take its place")]
    OtherRecord,
    /// A statement failed.
    #[error("the interview's journal failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Something stored can't be read.
    #[error("the interview's journal holds something unreadable: {0}")]
    Unreadable(String),
    /// What is there is sealed, and the key is missing or another one.
    #[error(
        "the interview's journal is sealed with another key: put that key back, or move the journal's folder away (what is in it can't be delivered without the key)"
    )]
    Sealed,
    /// The system gave no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
}

/// One use of a link on this machine.
#[derive(Clone, Debug)]
pub struct Join {
    /// Secret id, stored before it was first sent.
    pub join_id: Secret,
    /// Where to join, and with what.
    pub link: InviteLink,
    /// What was granted, if it was.
    pub granted: Option<Granted>,
}

/// What a granted join left on disk.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The interview.
    pub interview_id: String,
    /// The attempt.
    pub attempt: i64,
    /// Title to show.
    pub title: String,
    /// For uploads; refreshed by joining again.
    pub client_token: Secret,
    /// Keys of receipts (a JWK set).
    pub receipt_keys: serde_json::Value,
    /// Who and where, for the record.
    pub head: Option<RecordHead>,
}

/// The outbox on disk. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(crate) pool: SqlitePool,
    volatile: bool,
    /// The file, and which one it is: a name may come to mean another file, or none.
    pub(crate) file: Option<(PathBuf, FileId)>,
    /// Held as long as the outbox is: no other process opens it.
    lock: Option<Arc<std::fs::File>>,
    pub(crate) seal: Seal,
    /// When each record may be tried again, milliseconds since 1970: also where the disk does not take that.
    pub(crate) resting: Arc<Mutex<HashMap<String, i64>>>,
}

impl Outbox {
    /// Opens (or makes) the outbox in `folder`; what is damaged is put aside and said.
    ///
    /// # Errors
    /// The folder can't be written, or another process has it open: nothing was touched then.
    pub async fn open(folder: &Path) -> Result<(Self, Vec<Quarantined>), OutboxError> {
        Self::open_sealed(folder, Seal::default()).await
    }

    /// As [`Self::open`]; what is said of candidates is sealed.
    ///
    /// # Errors
    /// The same, or what is there was sealed with another key.
    pub async fn open_sealed(folder: &Path, seal: Seal) -> Result<(Self, Vec<Quarantined>), OutboxError> {
        let path = folder.join("outbox.db");
        let unwritable = |reason: String| OutboxError::Unwritable { path: path.clone(), reason };
        private_folder(folder).map_err(|e| unwritable(e.to_string()))?;
        let lock = lock(folder)?.map(Arc::new);
        private_file(&path).map_err(|e| unwritable(e.to_string()))?;
        let mut quarantined = Vec::new();
        let pool = match connect(&path).await {
            Ok(pool) => pool,
            Err(error) if damage::is_damage(&error) => {
                let aside = damage::put_aside(folder).await.map_err(|e| unwritable(e.to_string()))?;
                private_file(&path).map_err(|e| unwritable(e.to_string()))?;
                let pool = connect(&path).await.map_err(|e| unwritable(e.to_string()))?;
                if let Err(error) = damage::salvage(&aside, &pool).await {
                    pool.close().await;
                    damage::put_back(&aside, &path).await.map_err(|e| unwritable(e.to_string()))?;
                    return Err(error);
                }
                quarantined.push(Quarantined::File(aside));
                pool
            }
            Err(error) => return Err(unwritable(error.to_string())),
        };
        let file = file_id(&path).map(|id| (path.clone(), id));
        let outbox = Self { pool, volatile: false, file, lock, seal, resting: Arc::default() };
        // Before anything is looked at: what can't be read is not taken for damaged.
        if let Err(error) = outbox.has_key().await {
            outbox.close().await;
            return Err(error);
        }
        quarantined.extend(outbox.quarantine().await?);
        // At a start everything is due: much may have changed since it was tried last, the clock too.
        if let Err(error) =
            sqlx::query("UPDATE records SET next_try = 0 WHERE state = 'queued'").execute(&outbox.pool).await
        {
            tracing::warn!(%error, "what waits is tried when it was to be");
        }
        Ok((outbox, quarantined))
    }

    /// An outbox that lives in memory only, for a machine whose disk can't be written: an interview is
    /// still better than none. It delivers as any other, as long as the process lives.
    ///
    /// # Errors
    /// The database failed.
    pub async fn in_memory() -> Result<Self, OutboxError> {
        let options = SqliteConnectOptions::from_str("sqlite::memory:")?.foreign_keys(true);
        // The one connection is the database: it must never be closed for idling.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
        Ok(Self {
            pool,
            volatile: true,
            file: None,
            lock: None,
            seal: Seal::default(),
            resting: Arc::default(),
        })
    }

    /// Whether the key is that of what is there.
    async fn has_key(&self) -> Result<(), OutboxError> {
        let newest = "SELECT code FROM joins WHERE code LIKE ? ORDER BY created_at DESC LIMIT 1";
        match sqlx::query(newest).bind(SEALED).fetch_optional(&self.pool).await? {
            Some(row) => self.seal.opened("code", row.try_get("code")?).map(drop),
            None => Ok(()),
        }
    }

    /// Whether what is written here is gone with the process.
    pub fn volatile(&self) -> bool {
        self.volatile
    }

    /// Looks into the outbox in `folder` while another process may be at work with it; nothing can be written.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub async fn look(folder: &Path) -> Result<Self, OutboxError> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("outbox.db"))
            .read_only(true)
            .busy_timeout(std::time::Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self {
            pool,
            volatile: false,
            file: None,
            lock: None,
            seal: Seal::default(),
            resting: Arc::default(),
        })
    }

    /// Closes the file, and lets go of the folder.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(Err(error)) = self.lock.as_ref().map(|lock| lock.unlock()) {
            tracing::warn!(%error, "the journal's folder could not be let go of");
        }
    }

    /// Whether this host was used before; remembers it when `confirm` is set.
    ///
    /// # Errors
    /// The database failed.
    pub async fn host_known(&self, host: &str, confirm: bool) -> Result<bool, OutboxError> {
        let known = sqlx::query("SELECT 1 FROM hosts WHERE host = ?")
            .bind(host)
            .fetch_optional(&self.pool)
            .await?
            .is_some();
        if !known && confirm {
            sqlx::query("INSERT INTO hosts (host, first_used) VALUES (?, ?)")
                .bind(host)
                .bind(Utc::now().to_rfc3339())
                .execute(&self.pool)
                .await?;
        }
        Ok(known)
    }

    /// The join of this link on this machine: the same one every time, so that a lost answer or a
    /// crash never uses a code twice. Stored before it is returned.
    ///
    /// # Errors
    /// The database failed.
    pub async fn join_for(&self, link: &InviteLink) -> Result<Join, OutboxError> {
        // An interview that never started stays open: the next use of its link is a new attempt.
        let found = sqlx::query(
            "SELECT joins.* FROM joins LEFT JOIN records USING (join_id)
             WHERE server = ? AND code IN (?, ?) AND COALESCE(records.outcome, '') <> 'never started'
             ORDER BY joins.created_at DESC LIMIT 1",
        )
        .bind(link.server.as_str())
        .bind(self.seal.text("code", link.code.expose())?)
        // One of before there was a key.
        .bind(link.code.expose())
        .fetch_optional(&self.pool)
        .await?;
        if let Some(row) = found {
            return self.read_join(&row);
        }
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|e| OutboxError::NoRandomness(e.to_string()))?;
        let join_id = Secret::new(hex::encode(random));
        fail::fail_point!("persist");
        // What was needed in an attempt that never started is needed in the next.
        let adjustment = self.known_adjustment(link).await?;
        let adjustment = adjustment.map(|text| self.seal.text("adjustment", &text)).transpose()?;
        sqlx::query(
            "INSERT INTO joins (join_id, server, code, created_at, adjustment) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(join_id.expose())
        .bind(link.server.as_str())
        .bind(self.seal.text("code", link.code.expose())?)
        .bind(Utc::now().to_rfc3339())
        .bind(adjustment)
        .execute(&self.pool)
        .await?;
        fail::fail_point!("persist");
        Ok(Join { join_id, link: link.clone(), granted: None })
    }

    /// What the candidate needs in the interview of this link; empty: nothing that is known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn adjustment(&self, link: &InviteLink) -> Result<String, OutboxError> {
        Ok(self.known_adjustment(link).await?.unwrap_or_default())
    }

    async fn known_adjustment(&self, link: &InviteLink) -> Result<Option<String>, OutboxError> {
        let found = sqlx::query(
            "SELECT adjustment FROM joins WHERE server = ? AND code IN (?, ?) AND adjustment IS NOT NULL
             ORDER BY created_at DESC LIMIT 1",
        )
        .bind(link.server.as_str())
        .bind(self.seal.text("code", link.code.expose())?)
        // One of before there was a key.
        .bind(link.code.expose())
        .fetch_optional(&self.pool)
        .await?;
        found.map(|row| self.seal.opened("adjustment", row.try_get("adjustment")?)).transpose()
    }

    /// Keeps it, before that interview is joined, too. It goes with what was delivered of the interview; of one that was never
    /// joined, after [`crate::retention::NEVER_JOINED`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_adjustment(&self, link: &InviteLink, text: &str) -> Result<(), OutboxError> {
        let join = self.join_for(link).await?;
        sqlx::query("UPDATE joins SET adjustment = ? WHERE join_id = ?")
            .bind(self.seal.text("adjustment", text)?)
            .bind(join.join_id.expose())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Stores what the backend granted (again): tokens and keys are replaced by the newest.
    ///
    /// # Errors
    /// The database failed.
    pub async fn granted(
        &self,
        join: &Join,
        answer: &JoinAnswer,
        head: &RecordHead,
    ) -> Result<(), OutboxError> {
        let head = serde_json::to_string(head).map_err(|e| OutboxError::Unreadable(e.to_string()))?;
        fail::fail_point!("persist");
        sqlx::query(
            "UPDATE joins SET interview_id = ?, attempt = ?, title = ?, client_token = ?, receipt_keys = ?, head = COALESCE(head, ?),
             keep_days = ? WHERE join_id = ?",
        )
        .bind(&answer.interview.id)
        .bind(answer.interview.attempt)
        .bind(self.seal.text("title", &answer.interview.title)?)
        .bind(self.seal.text("token", answer.client_token.expose())?)
        .bind(answer.receipt_keys.to_string())
        .bind(self.seal.text("head", &head)?)
        .bind(i64::from(answer.keep_days))
        .bind(join.join_id.expose())
        .execute(&self.pool)
        .await?;
        fail::fail_point!("persist");
        Ok(())
    }

    /// Writes lines of the journal, all or none; they are on disk when this returns.
    ///
    /// # Errors
    /// The database failed.
    pub async fn append(&self, join_id: &Secret, entries: &[Entry]) -> Result<(), OutboxError> {
        fail::fail_point!("persist");
        let mut transaction = self.pool.begin().await?;
        self.write_lines(&mut transaction, join_id, entries).await?;
        transaction.commit().await?;
        fail::fail_point!("persist");
        Ok(())
    }

    /// The journal of a join, in order; a line that can't be read is one that is [`adjourn_protocol::Line::Unreadable`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn journal(&self, join_id: &Secret) -> Result<Vec<Entry>, OutboxError> {
        let rows = sqlx::query("SELECT entry FROM journal WHERE join_id = ? ORDER BY id")
            .bind(join_id.expose())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let text = self.seal.opened("entry", row.try_get("entry")?)?;
                // One line that can't be read must not take the others with it.
                Ok(serde_json::from_str(&text).unwrap_or_else(|error| {
                    tracing::warn!(%error, "a line of the journal can't be read");
                    Entry::lost()
                }))
            })
            .collect()
    }

    /// Puts the record in the outbox, in one transaction with the journal's last lines: `rest`, which are not
    /// on disk yet, and the decision. A join has one record: the same one again changes nothing.
    ///
    /// # Errors
    /// The database failed, or the join has another record.
    pub async fn commit(
        &self,
        join_id: &Secret,
        record: &Record,
        rest: &[Entry],
    ) -> Result<Vec<u8>, OutboxError> {
        let body = serde_json::to_vec(record).map_err(|e| OutboxError::Unreadable(e.to_string()))?;
        let sealed = self.seal.bytes("body", &body)?;
        // Whole: a record that is damaged later is made again from the journal.
        let decided = Decided { ending: record.ending.clone(), outcome: record.outcome };
        let ending = Entry::ending(record.made_at, decided);
        fail::fail_point!("persist");
        let mut transaction = self.pool.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO records (join_id, body, sha256, created_at, outcome, state) VALUES (?, ?, ?, ?, ?, 'queued')
             ON CONFLICT (join_id) DO NOTHING",
        )
        .bind(join_id.expose())
        .bind(&sealed)
        .bind(sha256(&sealed))
        .bind(record.made_at.to_rfc3339())
        .bind(record.outcome.to_string())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if inserted == 1 {
            self.write_lines(&mut transaction, join_id, rest).await?;
            self.write_lines(&mut transaction, join_id, &[ending]).await?;
        }
        fail::fail_point!("persist");
        transaction.commit().await?;
        fail::fail_point!("persist");
        // SQLite goes on in a file that was deleted; nobody would ever find it again.
        if let Some((path, id)) = self.file.as_ref().filter(|(path, id)| file_id(path) != Some(*id)) {
            tracing::warn!(?id, "the journal's file was removed");
            let reason = "it was removed while Adjourn was running".to_owned();
            return Err(OutboxError::Unwritable { path: path.clone(), reason });
        }
        if inserted == 1 {
            return Ok(body);
        }
        let stored: Option<Vec<u8>> = self.record_body(join_id).await?;
        if stored.as_ref() == Some(&body) { Ok(body) } else { Err(OutboxError::OtherRecord) }
    }

    /// Whether this join has its record.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_record(&self, join_id: &Secret) -> Result<bool, OutboxError> {
        Ok(self.record_body(join_id).await?.is_some())
    }

    async fn record_body(&self, join_id: &Secret) -> Result<Option<Vec<u8>>, OutboxError> {
        let row = sqlx::query("SELECT body FROM records WHERE join_id = ?")
            .bind(join_id.expose())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| self.seal.opened_bytes("body", row.try_get("body")?)).transpose()
    }

    /// Joins that were granted and have no record: their client died in the middle.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished(&self) -> Result<Vec<Join>, OutboxError> {
        let rows = sqlx::query(
            "SELECT joins.* FROM joins LEFT JOIN records USING (join_id)
             WHERE joins.interview_id IS NOT NULL AND records.join_id IS NULL ORDER BY joins.created_at",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.read_join(row)).collect()
    }

    /// The newest record made from a link: its bytes, and its receipt once there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn record_of(
        &self,
        link: &InviteLink,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, OutboxError> {
        let row = sqlx::query(
            "SELECT body, receipt FROM records JOIN joins USING (join_id) WHERE server = ? AND code IN (?, ?)
             ORDER BY records.created_at DESC LIMIT 1",
        )
        .bind(link.server.as_str())
        .bind(self.seal.text("code", link.code.expose())?)
        // One of before there was a key.
        .bind(link.code.expose())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((self.seal.opened_bytes("body", row.try_get("body")?)?, row.try_get("receipt")?)))
            .transpose()
    }

    async fn write_lines(
        &self,
        transaction: &mut sqlx::SqliteTransaction<'_>,
        join_id: &Secret,
        entries: &[Entry],
    ) -> Result<(), OutboxError> {
        for entry in entries {
            let text = serde_json::to_string(entry).map_err(|e| OutboxError::Unreadable(e.to_string()))?;
            let text = self.seal.text("entry", &text)?;
            sqlx::query("INSERT INTO journal (join_id, entry, checksum) VALUES (?, ?, ?)")
                .bind(join_id.expose())
                .bind(&text)
                .bind(sha256(text.as_bytes()))
                .execute(&mut **transaction)
                .await?;
        }
        Ok(())
    }

    pub(crate) fn read_join(&self, row: &sqlx::sqlite::SqliteRow) -> Result<Join, OutboxError> {
        let server: String = row.try_get("server")?;
        let code = self.seal.opened("code", row.try_get("code")?)?;
        let server = Url::from_str(&server).map_err(|e| OutboxError::Unreadable(e.to_string()))?;
        let join_id: String = row.try_get("join_id")?;
        let interview_id: Option<String> = row.try_get("interview_id")?;
        let granted = match interview_id {
            None => None,
            Some(interview_id) => {
                let (keys, head): (String, Option<String>) =
                    (row.try_get("receipt_keys")?, row.try_get("head")?);
                let token = self.seal.opened("token", row.try_get("client_token")?)?;
                let head = head.map(|head| self.seal.opened("head", head)).transpose()?;
                Some(Granted {
                    interview_id,
                    attempt: row.try_get("attempt")?,
                    title: self.seal.opened("title", row.try_get("title")?)?,
                    client_token: Secret::new(token),
                    receipt_keys: serde_json::from_str(&keys)
                        .map_err(|e| OutboxError::Unreadable(e.to_string()))?,
                    head: head.and_then(|head| serde_json::from_str(&head).ok()),
                })
            }
        };
        Ok(Join {
            join_id: Secret::new(join_id),
            link: InviteLink { server, code: Secret::new(code) },
            granted,
        })
    }
}

async fn connect(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "ON")
        .foreign_keys(true)
        // What is erased is overwritten, not only forgotten.
        .pragma("secure_delete", "ON")
        .busy_timeout(std::time::Duration::from_secs(5));
    // One connection: statements of one client are in order, and a lock is never waited for.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    // A pool that is only dropped closes the file some time later; until then Windows lets nobody rename it.
    match prepare(&pool).await {
        Ok(()) => Ok(pool),
        Err(error) => {
            pool.close().await;
            Err(error)
        }
    }
}

/// Whether the file is whole and safe to write to; brings it up to this version.
async fn prepare(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let checked: String = sqlx::query("PRAGMA quick_check").fetch_one(pool).await?.try_get(0)?;
    if checked != "ok" {
        return Err(sqlx::Error::Protocol(format!("damaged: {checked}")));
    }
    // A library may override the settings silently: read them back.
    let journal: String = sqlx::query("PRAGMA journal_mode").fetch_one(pool).await?.try_get(0)?;
    let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(pool).await?.try_get(0)?;
    if journal != "wal" || synchronous != 2 {
        return Err(sqlx::Error::Protocol(format!("journal mode {journal}, synchronous {synchronous}")));
    }
    sqlx::raw_sql(include_str!("schema.sql")).execute(pool).await?;
    upgrade(pool).await
}

/// Columns that files of earlier versions lack.
const ADDED: [(&str, &str, &str); 5] = [
    ("joins", "adjustment", "TEXT"),
    ("joins", "keep_days", "INTEGER NOT NULL DEFAULT 7"),
    ("records", "delivered_at", "INTEGER"),
    ("quarantine", "at", "INTEGER NOT NULL DEFAULT 0"),
    ("records", "again", "INTEGER NOT NULL DEFAULT 0"),
];

async fn upgrade(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    for (table, column, kind) in ADDED {
        let there = sqlx::query("SELECT 1 FROM pragma_table_info(?) WHERE name = ?")
            .bind(table)
            .bind(column)
            .fetch_optional(pool)
            .await?;
        if there.is_none() {
            let sql = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await?;
        }
    }
    Ok(())
}

/// Milliseconds since 1970.
pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}
