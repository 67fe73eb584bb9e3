//! The database: SQLite by a path, Postgres by an address. One SQL for both.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, Row as _, Transaction};

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
/// Connections per replica on Postgres.
const CONNECTIONS: u32 = 16;

/// The database. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Store {
    reader: AnyPool,
    writer: AnyPool,
    /// SQLite: one writer, and one sync per transaction.
    single_writer: bool,
}

impl Store {
    /// Opens (or makes) a database and brings its tables up to date. `address` is a path or `sqlite:` address, or
    /// `postgres://…`.
    ///
    /// # Errors
    /// The file can't be written or is no database; the server can't be reached.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let postgres = address.starts_with("postgres:") || address.starts_with("postgresql:");
        let store = if postgres { Self::postgres(address).await? } else { Self::sqlite(address).await? };
        sqlx::migrate!().run(&store.writer).await.with_context(|| {
            format!("the tables of {} can't be brought up to date", without_password(address))
        })?;
        Ok(store)
    }

    async fn postgres(address: &str) -> anyhow::Result<Self> {
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(std::time::Duration::from_secs(5))
            .connect(address)
            .await
            .with_context(|| format!("the database {} can't be reached", without_password(address)))?;
        Ok(Self { reader: pool.clone(), writer: pool, single_writer: false })
    }

    async fn sqlite(address: &str) -> anyhow::Result<Self> {
        let path = address.strip_prefix("sqlite:").unwrap_or(address);
        let path = path.strip_prefix("//").unwrap_or(path);
        if let Some(folder) =
            std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the folder {} can't be made", folder.display()))?;
        }
        let address = format!("sqlite://{}?mode=rwc", percent(path));
        let options = |own: &'static [&'static str]| {
            AnyPoolOptions::new().acquire_timeout(std::time::Duration::from_secs(5)).after_connect(
                move |connection, _| {
                    Box::pin(async move {
                        // Every commit is synced; readers don't wait for the writer.
                        for pragma in [
                            "PRAGMA busy_timeout = 5000",
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA fullfsync = ON",
                            "PRAGMA foreign_keys = ON",
                        ]
                        .iter()
                        .chain(own)
                        {
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
        let writer = opened(options(&[CACHE, CHECKPOINT]).max_connections(1).connect(&address).await)?;
        let reader = opened(options(&[]).max_connections(READERS).connect(&address).await)?;
        Ok(Self { reader, writer, single_writer: true })
    }

    /// A new one on SQLite; it goes with its folder.
    #[cfg(test)]
    pub(crate) async fn temporary() -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::open(folder.path().join("backend.db").to_str().unwrap()).await.unwrap();
        (store, folder)
    }

    /// For reading.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.reader
    }

    /// Begins a change.
    pub(crate) async fn write(&self) -> Result<Tx, sqlx::Error> {
        if self.single_writer {
            self.writer.begin_with("BEGIN IMMEDIATE").await
        } else {
            self.writer.begin().await
        }
    }

    /// Whether several changes in one transaction are faster than one after another.
    pub(crate) fn batches(&self) -> bool {
        self.single_writer
    }

    /// A copy of the whole database, taken while it is used (SQLite only).
    ///
    /// # Errors
    /// The file exists already or can't be written; or the database is Postgres, which has `pg_dump`.
    pub async fn backup(&self, to: &std::path::Path) -> anyhow::Result<()> {
        anyhow::ensure!(self.single_writer, "Postgres is backed up with pg_dump");
        anyhow::ensure!(!to.exists(), "{} exists already; choose another name", to.display());
        sqlx::query("VACUUM INTO $1")
            .bind(to.to_string_lossy().into_owned())
            .execute(&self.reader)
            .await
            .with_context(|| format!("{} can't be written", to.display()))?;
        Ok(())
    }

    /// A secret of this installation: random, made once.
    pub(crate) async fn secret(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let mut fresh = [0_u8; 32];
        getrandom::fill(&mut fresh).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
        sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(hex::encode(fresh))
            .execute(&self.writer)
            .await?;
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&self.reader)
            .await?;
        hex::decode(row.try_get::<String, _>("value")?).context("a stored secret is damaged")
    }
}

/// For an error message or a log.
fn without_password(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // An address with a password can carry one.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        Ok(_) | Err(_) => address.to_owned(),
    }
}

/// What would end a path in an address.
fn percent(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

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

/// The time of a column that is never NULL.
pub(crate) fn known_time(row: &AnyRow, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    time(row, column)?.ok_or(sqlx::Error::RowNotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://u:secret@h/db"), "postgres://u:***@h/db");
        assert_eq!(without_password("a/b.db"), "a/b.db");
    }

    #[tokio::test]
    async fn a_copy_is_a_whole_database_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("with ? and #.db");
        let store = Store::open(path.to_str().unwrap()).await.unwrap();
        let secret = store.secret("tokens").await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        let said = store.backup(&copy).await.unwrap_err().to_string();
        assert!(said.ends_with("exists already; choose another name"), "{said}");
        let restored = Store::open(copy.to_str().unwrap()).await.unwrap();
        assert_eq!(restored.secret("tokens").await.unwrap(), secret);
        assert!(path.exists());
    }
}
