//! The database: SQLite by a path, Postgres by an address. One SQL for both.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::migrate::MigrateError;
use sqlx::{Any, AnyPool, Connection as _, Row as _, Transaction};

use crate::database_address::{Address, without_password};
use crate::database_file::{
    OpenFile, alone, beside, free, medium, named, owners_alone, percent, recognise, tables,
};

/// A transaction that changes something.
pub(crate) type Tx = Transaction<'static, Any>;

/// Connections for reading on SQLite, where readers don't wait for the writer.
const READERS: u32 = 4;
/// 64 MiB for the one that writes: a batch of records touches 4 MB of pages, and with SQLite's 2 MB of its own it would write some
/// of them twice.
const CACHE: &str = "PRAGMA cache_size = -65536";
/// The log's pages (4 KiB) at which they are copied into the file, 32 MiB: with SQLite's 1,000 of its own each batch would be,
/// and wait for the disk twice more.
const CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 8192";
/// Who writes has the lock from the beginning.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// A lock of the file that another process has is waited for so long.
const PATIENCE: &str = "PRAGMA busy_timeout = 5000";
/// A Postgres that is there answers within this.
const REACHED_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// Connections per replica on Postgres.
const CONNECTIONS: u32 = 16;

/// The database. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Store {
    reader: AnyPool,
    writer: AnyPool,
    /// SQLite's file: one writer, and one sync per transaction.
    file: Option<OpenFile>,
    /// Something of it may change.
    changes: bool,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Made if there is none, and brought up to date: for the server.
    OrMake,
    /// Must be there, and is brought up to date: for commands that change something beside the server.
    Existing,
    /// Must be there, and nothing of it changes.
    AsItIs,
}

impl Store {
    /// Opens a database. `address` is a path or `sqlite:` address, or `postgres://…`.
    ///
    /// # Errors
    /// There is none and it is not to be made; the file can't be written or is no database; the server can't be reached.
    pub async fn open(address: &str, how: Open) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let address = address.trim();
        match Address::of(address)? {
            Address::Postgres(address) => Self::postgres(address, how).await,
            Address::File(path) => Self::sqlite(path, how).await,
        }
    }

    async fn migrate(writer: &AnyPool, address: &str, how: Open) -> anyhow::Result<()> {
        if how == Open::AsItIs {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            match sqlx::migrate!().run(writer).await {
                Ok(()) => return Ok(()),
                // Another process is at the same: SQLite has no lock for it, and its one transaction each is whole.
                Err(error)
                    if tries < MIGRATED_BESIDE && !matches!(error, MigrateError::VersionMissing(_)) =>
                {
                    tries += 1;
                    tracing::info!(%error, "the tables are not up to date yet; once more");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
                Err(MigrateError::VersionMissing(version)) => anyhow::bail!(
                    "{} was made by a newer version of Adjourn (its tables are of version {version}): use that one",
                    without_password(address)
                ),
                Err(error) => {
                    let what =
                        format!("the tables of {} can't be brought up to date", without_password(address));
                    return Err(anyhow::Error::new(error).context(what));
                }
            }
        }
    }

    /// Puts everything into the one file and closes it: what an operator copies afterwards is whole.
    pub async fn close(&self) {
        self.reader.close().await;
        if let Some(file) = self.file.as_ref().filter(|_| self.changes)
            && let Err(error) = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await
        {
            tracing::warn!(%error, path = %file.path.display(), "what was written last stays beside it, in its -wal");
        }
        self.writer.close().await;
    }

    /// Puts everything into the one file, if it is little: of a server that has not much to do, the file is whole without
    /// what lies beside it. Waits for nobody.
    pub(crate) async fn rest(&self) -> Result<(), sqlx::Error> {
        let Some(log) = self.file.as_ref().map(|file| beside(&file.path, "-wal")) else { return Ok(()) };
        let length = std::fs::metadata(log).map_or(0, |log| log.len());
        if length == 0 {
            return Ok(());
        }
        if length <= LITTLE {
            sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&self.writer).await?;
            return Ok(());
        }
        // The log's file never becomes shorter by itself, however little of it counts. Its own figures say how much that is.
        let row = sqlx::query("PRAGMA wal_checkpoint(NOOP)").fetch_one(&self.writer).await?;
        let (pages, copied): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        if (pages - copied) * PAGE <= LITTLE.cast_signed() {
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
        }
        Ok(())
    }

    async fn postgres(address: &str, how: Open) -> anyhow::Result<Self> {
        let unreached = || format!("the database {} can't be reached", without_password(address));
        // Once without the pool, which tries again and again, and says that it ran out of time instead of why.
        let first = tokio::time::timeout(REACHED_WITHIN, sqlx::AnyConnection::connect(address)).await;
        let first = first.map_err(|_| anyhow::anyhow!("it does not answer")).and_then(|it| Ok(it?));
        let closed = first.with_context(unreached)?.close().await;
        closed.with_context(unreached)?;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(std::time::Duration::from_secs(5))
            // A lock that somebody else holds (a migration, an operator's session) is no reason to hold a client for ever.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    for limit in
                        ["SET lock_timeout = '5s'", "SET idle_in_transaction_session_timeout = '60s'"]
                    {
                        sqlx::raw_sql(limit).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect(address)
            .await
            .with_context(unreached)?;
        Self::migrate(&pool, address, how).await?;
        Ok(Self { reader: pool.clone(), writer: pool, file: None, changes: how != Open::AsItIs })
    }

    async fn sqlite(path: &str, how: Open) -> anyhow::Result<Self> {
        let file = Path::new(path);
        if how == Open::OrMake {
            if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("the folder {} can't be made", folder.display()))?;
            }
        } else {
            anyhow::ensure!(
                file.is_file(),
                "there is no database {path} here; give the server's own with --database (`adjourn-backend serve` makes it)"
            );
        }
        let changes = how != Open::AsItIs;
        // Known before anything of it is changed, its rights too: a wrong path may be somebody else's file.
        recognise(file).await?;
        if changes {
            owners_alone(file, how == Open::OrMake)
                .with_context(|| format!("the database {path} can't be opened"))?;
        }
        let address = format!("sqlite://{}?mode={}", percent(path), if changes { "rw" } else { "ro" });
        // A pool would try again and again, and say that it ran out of time.
        tables(&address).await.with_context(|| {
            format!(
                "the database {path} can't be read: it is damaged, its folder can't be written (SQLite needs that even to read), or a \
                 -wal of another one lies beside it (of a copy that was put in its place, move {path}-wal and {path}-shm away first)"
            )
        })?;
        let options = |own: &'static [&'static str]| {
            let pool = AnyPoolOptions::new().acquire_timeout(std::time::Duration::from_secs(5));
            // The last one that closes takes the log away with it: what is open stays open.
            pool.min_connections(1).idle_timeout(None).max_lifetime(None).after_connect(
                move |connection, _| {
                    Box::pin(async move {
                        // Every commit is synced; readers don't wait for the writer.
                        let writing: &[&str] = &[
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA fullfsync = ON",
                            "PRAGMA foreign_keys = ON",
                            // What is deleted or moved is overwritten.
                            "PRAGMA secure_delete = ON",
                        ];
                        let writing = if changes { writing } else { &[] };
                        for pragma in [PATIENCE].iter().chain(writing).chain(own) {
                            sqlx::raw_sql(*pragma).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                },
            )
        };
        let opened = |pool: Result<AnyPool, sqlx::Error>| {
            pool.with_context(|| format!("the database {path} can't be opened"))
        };
        // One connection writes: waiting for it is fair, a lock of the file is not.
        let own: &[&str] = if changes { &[CACHE, CHECKPOINT] } else { &[] };
        let writer = opened(options(own).max_connections(1).connect(&address).await)?;
        // Before anybody reads: a connection that knows the tables as they were reads rows of another width.
        Self::migrate(&writer, path, how).await?;
        let reader = opened(options(&[]).max_connections(READERS).connect(&address).await)?;
        let file = OpenFile::of(file).with_context(|| format!("the database {path} can't be opened"))?;
        Ok(Self { reader, writer, file: Some(file), changes })
    }

    /// A new one on SQLite; it goes with its folder.
    #[cfg(test)]
    pub(crate) async fn temporary() -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.db");
        let store = Self::open(path.to_str().unwrap(), Open::OrMake).await.unwrap();
        (store, folder)
    }

    /// For reading.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.reader
    }

    /// Begins a change.
    pub(crate) async fn write(&self) -> Result<Tx, sqlx::Error> {
        if let Some(file) = &self.file {
            file.is_in_place()?;
            let tx = match self.writer.begin_with(BEGIN).await {
                // SQLite rolled a transaction back by itself (the disk was full), and the library still counts it, for ever.
                Err(error @ (sqlx::Error::InvalidSavePointStatement | sqlx::Error::BeginFailed)) => {
                    tracing::warn!(%error, "the connection that writes is made anew");
                    self.writer.acquire().await?.detach().close().await?;
                    self.writer.begin_with(BEGIN).await?
                }
                begun => begun?,
            };
            file.is_used();
            Ok(tx)
        } else {
            self.writer.begin().await
        }
    }

    /// Whether what is deleted can be overwritten: the file is written anew.
    ///
    /// # Errors
    /// There is too little room on its disk.
    pub(crate) fn has_room_to_overwrite(&self) -> anyhow::Result<()> {
        let Some(OpenFile { path, .. }) = &self.file else { return Ok(()) };
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let whole = length(path) + ROOM / 8;
        // Once among SQLite's temporary files, and from there into its log.
        let places = [(path.clone(), whole + length(&beside(path, "-wal"))), (temporary_folder(), whole)];
        for (place, needed) in places {
            let free = free(&place).context("the disk's free space is not known")?;
            anyhow::ensure!(
                free >= needed,
                "to overwrite what is erased takes {} MB on the disk of {}, and {} MB are free: nothing was changed; make room, and \
                 run this once more",
                needed.div_ceil(1 << 20),
                place.display(),
                free >> 20
            );
        }
        Ok(())
    }

    /// Whether what is deleted can be overwritten: Postgres frees its space, and overwrites it as it needs it.
    pub(crate) fn overwrites(&self) -> bool {
        self.file.is_some()
    }

    /// Overwrites what was deleted, in the file and in its log.
    pub(crate) async fn overwrite(&self) -> anyhow::Result<()> {
        // SQLite's is written anew: also what an earlier version deleted without overwriting it. Postgres keeps old rows until they are
        // vacuumed away.
        sqlx::raw_sql("VACUUM").execute(&self.writer).await.context("the database can't be vacuumed")?;
        anyhow::ensure!(
            !self.overwrites() || self.overwrite_deleted().await?,
            "the database is in use: it is erased, and overwritten when this is run once more"
        );
        Ok(())
    }

    /// Overwrites what was deleted by this version, on SQLite: it is overwritten in the file as it is deleted, and only the log has it
    /// still. Whether it is done: where somebody reads, the log stays as it is. Waits for nobody: who writes would wait as long.
    pub(crate) async fn overwrite_deleted(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.writer.acquire().await?;
        // Apart: whoever asked may be gone in the middle of it, and who writes next must not find it impatient.
        let done = tokio::spawn(async move {
            sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection).await?;
            sqlx::raw_sql("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
            sqlx::raw_sql(PATIENCE).execute(&mut *connection).await?;
            row?.try_get::<i64, _>(0)
        });
        let busy = done.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(busy == 0)
    }

    /// How this database loses what it acknowledged: a sentence with what to do; `None`: it does not.
    pub(crate) async fn loses(&self) -> anyhow::Result<Option<String>> {
        if let Some(file) = &self.file {
            return medium(&file.path);
        }
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let query = sqlx::AssertSqlSafe(format!("SELECT current_setting('{setting}')"));
            let value: String = sqlx::query(query).fetch_one(&self.reader).await?.try_get(0)?;
            if value == "off" {
                return Ok(Some(format!(
                    "Postgres' {setting} is off: what was acknowledged is lost with its power. Set it to on, in postgresql.conf."
                )));
            }
        }
        Ok(None)
    }

    /// Whether several changes in one transaction are faster than one after another.
    pub(crate) fn batches(&self) -> bool {
        self.file.is_some()
    }

    /// A copy of the whole database, taken while it is used (SQLite only).
    ///
    /// # Errors
    /// The file exists already or can't be written; or the database is Postgres, which has `pg_dump`.
    pub async fn backup(&self, to: &std::path::Path) -> anyhow::Result<()> {
        anyhow::ensure!(self.file.is_some(), "Postgres is backed up with pg_dump");
        // SQLite takes names as text: another file would be made.
        anyhow::ensure!(to.to_str().is_some(), "{} is no name that a copy can have", to.display());
        anyhow::ensure!(!to.exists(), "{} exists already; choose another name", to.display());
        // Whatever it is called: to SQLite, `file:…` were an address.
        let to = std::path::absolute(to).with_context(|| format!("{} is no path", to.display()))?;
        // It gets its name once it is whole: half a copy looks like an empty database, and is served as one.
        let part = beside(&to, ".part");
        let written = async {
            // Only one is made at a time; what one that was broken off left goes.
            let _alone = alone(&part)?;
            anyhow::ensure!(!to.exists(), "it was made meanwhile");
            let remove = || {
                for left in [part.clone(), beside(&part, "-journal")] {
                    let _ = std::fs::remove_file(left);
                }
            };
            remove();
            let written = match self.copied(&part).await {
                Ok(()) => named(&part, &to),
                Err(error) => Err(error),
            };
            if written.is_err() {
                remove();
            }
            written
        };
        written.await.with_context(|| format!("{} can't be written", to.display()))
    }

    async fn copied(&self, to: &Path) -> anyhow::Result<()> {
        // SQLite writes into an empty file: this one is its owner's alone from the first byte.
        owners_alone(to, true)?;
        sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned()).execute(&self.reader).await?;
        let file = std::fs::File::open(to)?;
        file.sync_all()?;
        let address = format!("sqlite://{}?mode=ro", percent(&to.to_string_lossy()));
        let copy = AnyPoolOptions::new().max_connections(1).connect(&address).await?;
        let found: String = sqlx::query("PRAGMA integrity_check").fetch_one(&copy).await?.try_get(0)?;
        copy.close().await;
        anyhow::ensure!(found == "ok", "the copy is damaged ({found})");
        Ok(())
    }

    /// A secret of this installation: random, made once.
    pub(crate) async fn secret(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        match self.known_secret(name).await? {
            Some(secret) => Ok(secret),
            None => self.secret_or(name, &random::<32>()?).await,
        }
    }

    /// The secret of that name; `first`, if there was none.
    pub(crate) async fn secret_or(&self, name: &str, first: &[u8]) -> anyhow::Result<Vec<u8>> {
        sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(hex::encode(first))
            .execute(&self.writer)
            .await?;
        self.known_secret(name).await?.context("a secret vanished as it was made")
    }

    async fn known_secret(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.reader)
            .await?;
        let value: Option<String> = row.map(|row| row.try_get("value")).transpose()?;
        value.map(|value| hex::decode(value).context("a stored secret is damaged")).transpose()
    }

    /// Puts a new secret in the place of one.
    pub(crate) async fn replace_secret(&self, tx: &mut Tx, name: &str) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2",
        )
        .bind(name)
        .bind(hex::encode(random::<32>()?))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Whether there is room for what comes in the next minutes: a change is on disk, and the disk is not nearly full (of
    /// Postgres' own disk only the first is known here).
    ///
    /// # Errors
    /// The database failed; the disk is full, or nearly.
    pub(crate) async fn takes_more(&self) -> anyhow::Result<()> {
        if let Some(OpenFile { path, .. }) = &self.file {
            let free = free(path).context("the disk's free space is not known")?;
            anyhow::ensure!(free >= ROOM, "{free} bytes are free on the disk of {}", path.display());
        }
        // What every request of a candidate reads.
        sqlx::query("SELECT interviews.id FROM interviews LEFT JOIN codes ON codes.interview_id = interviews.id LIMIT 1")
            .fetch_optional(self.read())
            .await
            .context("the interviews can't be read")?;
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO leases (name, holder, until) VALUES ('ready', '', $1)
             ON CONFLICT (name) DO UPDATE SET until = $1",
        )
        .bind(millis(now()))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Where SQLite puts its temporary files (<https://sqlite.org/tempfiles.html>, 5).
fn temporary_folder() -> PathBuf {
    let named =
        ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(|name| std::env::var_os(name).map(PathBuf::from));
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from);
    named.chain(usual).find(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir)
}

/// Free bytes that a server needs to be ready: the largest record, eight times.
const ROOM: u64 = 64 << 20;

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut fresh = [0_u8; N];
    getrandom::fill(&mut fresh).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    Ok(fresh)
}

/// A log of so many bytes is put into the file in passing; a busy server's is left to SQLite ([`CHECKPOINT`]).
const LITTLE: u64 = 1 << 20;
/// Bytes of one of SQLite's pages.
const PAGE: i64 = 4096;
/// So often the tables are tried to be brought up to date while another process does the same.
const MIGRATED_BESIDE: u32 = 10;

/// The time, as precise as it is kept: milliseconds.
pub(crate) fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

/// Milliseconds since 1970.
pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// The time of a column.
pub(crate) fn time(row: &AnyRow, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let millis: Option<i64> = row.try_get(column)?;
    Ok(millis.and_then(DateTime::from_timestamp_millis))
}

/// A column whose words are a type.
pub(crate) fn word<T>(row: &AnyRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The time of a column that is never NULL.
pub(crate) fn known_time(row: &AnyRow, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    time(row, column)?.ok_or(sqlx::Error::RowNotFound)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn a_copy_is_a_whole_database_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("with ? and #.db");
        let store = Store::open(path.to_str().unwrap(), Open::OrMake).await.unwrap();
        let secret = store.secret("tokens").await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        let said = store.backup(&copy).await.unwrap_err().to_string();
        assert!(said.ends_with("exists already; choose another name"), "{said}");
        let restored = Store::open(copy.to_str().unwrap(), Open::Existing).await.unwrap();
        assert_eq!(restored.secret("tokens").await.unwrap(), secret);
        assert!(path.exists());
        // A copy that can't be made leaves nothing that looks like one.
        let nowhere = folder.path().join("nowhere/copy.db");
        assert!(store.backup(&nowhere).await.is_err() && !nowhere.exists());
    }

    /// As a disk that is full does it: SQLite rolls back by itself, and whoever began the transaction does not learn of it.
    #[tokio::test]
    async fn a_transaction_that_sqlite_rolled_back_stops_nothing_after_it() {
        let (store, _folder) = Store::temporary().await;
        let mut tx = store.write().await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await.unwrap();
        assert!(tx.commit().await.is_err());
        for _ in 0..3 {
            let mut tx = store.write().await.unwrap();
            sqlx::query("INSERT INTO webhooks VALUES ($1, 0)")
                .bind(hex::encode(random::<8>().unwrap()))
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let kept = sqlx::query("SELECT COUNT(*) FROM webhooks").fetch_one(store.read()).await.unwrap();
        assert_eq!(kept.try_get::<i64, _>(0).unwrap(), 3);
        // What is set for each connection holds for the new one.
        let mut tx = store.write().await.unwrap();
        let sync = sqlx::query("PRAGMA synchronous").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(sync.try_get::<i64, _>(0).unwrap(), 2, "FULL");
    }

    #[tokio::test]
    async fn after_a_clean_stop_everything_is_in_the_one_file() {
        let (store, folder) = Store::temporary().await;
        let secret = store.secret("tokens").await.unwrap();
        store.close().await;
        let path = folder.path().join("backend.db");
        let log = std::fs::metadata(beside(&path, "-wal")).map_or(0, |log| log.len());
        assert_eq!(log, 0, "what was written is in the file");
        let alone = folder.path().join("alone.db");
        std::fs::copy(&path, &alone).unwrap();
        let copied = Store::open(alone.to_str().unwrap(), Open::Existing).await.unwrap();
        assert_eq!(copied.secret("tokens").await.unwrap(), secret);
    }

    #[tokio::test]
    async fn only_the_server_makes_a_database_and_a_copy_changes_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrong.db");
        for how in [Open::Existing, Open::AsItIs] {
            let said = Store::open(path.to_str().unwrap(), how).await.unwrap_err().to_string();
            assert!(said.starts_with("there is no database"), "{said}");
            assert!(!path.exists());
        }
        // Of a stopped server, and of one that runs.
        let (store, folder) = Store::temporary().await;
        let secret = store.secret("tokens").await.unwrap();
        let path = folder.path().join("backend.db");
        for (name, stopped) in [("running.db", false), ("stopped.db", true)] {
            if stopped {
                store.close().await;
            }
            let copy = folder.path().join(name);
            let same = Store::open(path.to_str().unwrap(), Open::AsItIs).await.unwrap();
            same.backup(&copy).await.unwrap();
            let copied = Store::open(copy.to_str().unwrap(), Open::Existing).await.unwrap();
            assert_eq!(copied.secret("tokens").await.unwrap(), secret, "{name}");
        }
        let path = folder.path().join("empty.db");
        // An empty file is no database with tables, and none are made in it.
        std::fs::write(&path, "").unwrap();
        Store::open(path.to_str().unwrap(), Open::AsItIs).await.unwrap().close().await;
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    /// Version 5 knew no scopes, no public halves, no keyed codes and no interviewers' identities.
    #[tokio::test]
    async fn what_an_earlier_version_left_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.db");
        let address = format!("sqlite://{}?mode=rwc", path.display());
        sqlx::any::install_default_drivers();
        let before = AnyPoolOptions::new().max_connections(1).connect(&address).await.unwrap();
        let mut migrations = sqlx::migrate!();
        migrations.migrations.to_mut().retain(|migration| migration.version <= 5);
        migrations.run(&before).await.unwrap();
        let code_hash = adjourn_protocol::sha256(b"BBBB-BBBB");
        let insert = format!(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at,
               attempt, room_sid, room_attempt, started_at, agent_seen_at, client_record, agent_report)
             VALUES ('i', 't', 'en', 30, 0, 0, '{{}}', '{code_hash}', 0, 1, 'RM_1', 1, 5, 6, 'pending', 'pending');
             INSERT INTO codes VALUES ('{code_hash}', 'i', 1);
             INSERT INTO organisers VALUES ('hash', 'hr', 7);"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&before).await.unwrap();
        before.close().await;

        let store = Store::open(path.to_str().unwrap(), Open::Existing).await.unwrap();
        let row = crate::lifecycle_store::row(&store, "i").await.unwrap();
        let lifecycle = crate::lifecycle_store::read(&row).unwrap();
        assert_eq!((lifecycle.attempt, lifecycle.agent_seen_at.map(millis)), (1, Some(6)));
        assert_eq!(
            lifecycle.serving,
            crate::serving::Serving::default(),
            "found out by looking into its room"
        );
        let keys = crate::organisers::list(&store).await.unwrap();
        assert_eq!((keys[0].name.as_str(), keys[0].scopes.as_str()), ("hr", "create,read,end,operate"));
        let codes = crate::Codes::of(&store, None).await.unwrap();
        let kept = sqlx::query("SELECT code_hash FROM codes").fetch_one(store.read()).await.unwrap();
        assert_eq!(kept.try_get::<String, _>("code_hash").unwrap(), codes.kept("BBBB-BBBB"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_its_owner_reads_a_database_its_log_and_its_copies() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.db");
        // Made by an earlier version, for everybody to read.
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let store = Store::open(path.to_str().unwrap(), Open::OrMake).await.unwrap();
        store.secret("tokens").await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm"), copy] {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.display());
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn somebody_elses_file_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        sqlx::any::install_default_drivers();
        let theirs = folder.path().join("theirs.db");
        let address = format!("sqlite://{}?mode=rwc", theirs.display());
        let mut other = sqlx::AnyConnection::connect(&address).await.unwrap();
        sqlx::raw_sql("CREATE TABLE recipes (name TEXT)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let notes = folder.path().join("notes.txt");
        std::fs::write(&notes, "buy milk, and then some more of it").unwrap();
        for (file, why) in [(&theirs, "is a database of something else"), (&notes, "is no database")] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
            let before = std::fs::read(file).unwrap();
            for how in [Open::OrMake, Open::Existing] {
                let said = format!("{:#}", Store::open(file.to_str().unwrap(), how).await.unwrap_err());
                assert!(said.contains(why), "{said}");
            }
            assert_eq!(std::fs::read(file).unwrap(), before);
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_is_written_into_a_file_that_is_not_there_any_more() {
        let (store, folder) = Store::temporary().await;
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        assert!(store.takes_more().await.is_ok());
        // Restored over a server that runs.
        std::fs::rename(&copy, folder.path().join("backend.db")).unwrap();
        let said = store.write().await.unwrap_err().to_string();
        assert!(said.contains("moved, deleted or replaced"), "{said}");
        assert!(store.takes_more().await.is_err());
    }

    #[tokio::test]
    async fn a_log_that_was_taken_away_takes_no_more() {
        for ending in ["-wal", "-shm"] {
            let (store, folder) = Store::temporary().await;
            store.takes_more().await.unwrap();
            std::fs::remove_file(folder.path().join(format!("backend.db{ending}"))).unwrap();
            let said = store.write().await.unwrap_err().to_string();
            assert!(said.contains(&format!("backend.db{ending} is not the file any more")), "{said}");
            assert!(store.takes_more().await.is_err());
        }
    }

    #[tokio::test]
    async fn two_copies_of_one_name_are_one() {
        let (store, folder) = Store::temporary().await;
        let copy = folder.path().join("copy.db");
        let (first, second) = tokio::join!(store.backup(&copy), store.backup(&copy));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
        Store::open(copy.to_str().unwrap(), Open::Existing).await.unwrap();
        assert!(store.backup(&copy).await.is_err());
    }

    #[tokio::test]
    async fn a_copy_that_was_broken_off_is_none() {
        let (store, folder) = Store::temporary().await;
        let copy = folder.path().join("copy.db");
        // As SIGKILL leaves it.
        std::fs::write(folder.path().join("copy.db.part"), "half a copy").unwrap();
        std::fs::write(folder.path().join("copy.db.part-journal"), "and its journal").unwrap();
        store.backup(&copy).await.unwrap();
        assert!(copy.exists() && !folder.path().join("copy.db.part").exists());
        Store::open(copy.to_str().unwrap(), Open::Existing).await.unwrap();
    }

    #[tokio::test]
    async fn several_may_begin_with_one_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.db");
        let path = path.to_str().unwrap();
        let open = || Store::open(path, Open::OrMake);
        let (a, b, c) = tokio::join!(open(), open(), open());
        let secret = a.unwrap().secret("tokens").await.unwrap();
        assert_eq!(b.unwrap().secret("tokens").await.unwrap(), secret);
        assert_eq!(c.unwrap().secret("tokens").await.unwrap(), secret);
    }

    #[tokio::test]
    async fn an_idle_servers_file_is_whole_however_much_was_written_before() {
        let (store, folder) = Store::temporary().await;
        let path = folder.path().join("backend.db");
        let write = async |name: &str, bytes: usize| {
            let secret = "x".repeat(bytes);
            sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2)")
                .bind(name)
                .bind(secret)
                .execute(&store.writer)
                .await
                .unwrap();
        };
        write("much", 3 << 20).await;
        store.rest().await.unwrap();
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&store.writer).await.unwrap();
        write("little", 100).await;
        store.rest().await.unwrap();
        let alone = folder.path().join("alone.db");
        std::fs::copy(&path, &alone).unwrap();
        let address = format!("sqlite://{}?mode=ro&immutable=true", alone.display());
        let mut copied = sqlx::AnyConnection::connect(&address).await.unwrap();
        let found: i64 = sqlx::query("SELECT COUNT(*) FROM secrets WHERE name = 'little'")
            .fetch_one(&mut copied)
            .await
            .unwrap()
            .try_get(0)
            .unwrap();
        assert_eq!(found, 1);
    }
}
