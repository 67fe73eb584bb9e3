//! Which webhooks there are, and how they do.

use adjourn_protocol::{EventKind, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::address::{Allowed, checked};
use super::retry::{LONGEST_WAIT, RESTS};
use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, known_time, millis, now, random, time};

/// At most so many: each is sent everything.
const MOST: i64 = 32;
/// After a rotation deliveries are signed with both secrets for so long, so that receivers can learn of the new one in peace.
const OVERLAP: Duration = Duration::hours(24);
/// Secrets of one webhook that are good at a time.
const MOST_SECRETS: i64 = 8;
/// Bytes of a secret (the specification wants 24 to 64).
const SECRET: usize = 32;

/// A webhook that was made, or whose secret was: the only time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeHook {
    /// Its id.
    pub id: String,
    /// What deliveries are signed with, as receivers' libraries take it.
    #[schema(value_type = String)]
    #[serde(serialize_with = "shown")]
    pub secret: Secret,
}

fn shown<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// A webhook, and how it does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hook {
    /// Its id.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// Which; all, if there are none.
    pub kinds: Vec<EventKind>,
    /// So many more that only a newer version of the server knows: it is not told of everything.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub newer_kinds: usize,
    /// Whether the report comes with the events after which there is one, or another one.
    pub with_report: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Events that are to be sent, or sent again.
    pub waiting: i64,
    /// Events that were given up after three days: `replay` sends them once more.
    pub given_up: i64,
    /// Since when nothing arrives.
    pub failing_since: Option<DateTime<Utc>>,
    /// How often in a row it was found down.
    pub failures: i64,
    /// Why something did not arrive, the last time.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<DateTime<Utc>>,
    /// When something last arrived.
    pub delivered_at: Option<DateTime<Utc>>,
    /// It answered that it wants nothing any more: nothing is sent until `replay`.
    pub stopped_at: Option<DateTime<Utc>>,
    /// It asked to be left alone until then.
    pub not_before: Option<DateTime<Utc>>,
    /// Events up to this place were taken over.
    #[serde(skip)]
    pub(super) place: i64,
    /// Kinds as they are kept: also those that only another version knows.
    #[serde(skip)]
    pub(super) wanted: String,
    #[serde(skip)]
    pub(super) secrets: Vec<Secret>,
}

impl Hook {
    /// Whether one event is tried before others are sent.
    pub(super) fn rests(&self) -> bool {
        self.failures >= RESTS
    }

    /// Whether it asked for a pause that is not over. A time further off than any pause was written by a clock that was wrong.
    pub(super) fn left_alone(&self, at: DateTime<Utc>) -> bool {
        self.not_before.is_some_and(|until| at < until && until - at <= LONGEST_WAIT)
    }
}

/// Why a webhook is not made: for whoever wanted it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The address may not be one.
    #[error("{0}")]
    Address(String),
    /// There are as many as there may be.
    #[error("there are {MOST} webhooks already, as many as there may be: remove one")]
    TooMany,
    /// So many secrets are good already.
    #[error("the secret of this webhook was made anew {MOST_SECRETS} times today: wait until tomorrow")]
    TooManySecrets,
    /// A kind that nobody is sent.
    #[error("hook.test is sent by a test only: it can't be asked for")]
    Test,
}

/// There is no such webhook.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no such webhook; `adjourn-backend hook list` shows them")]
pub(crate) struct NoHook;

fn fresh_secret() -> anyhow::Result<Secret> {
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(random::<SECRET>()?))))
}

/// A webhook that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Where events are sent: https.
    pub url: &'a str,
    /// Which; all, if there are none.
    pub kinds: &'a [EventKind],
    /// Whether the report comes with the events after which there is one, or another one.
    pub with_report: bool,
}

/// Makes a webhook: it is sent what happens from now on.
///
/// # Errors
/// The address may not be one, there are as many as there may be, or the database failed.
pub async fn add(
    store: &Store,
    allowed: &Allowed,
    wish: Wish<'_>,
    actor: &Actor,
) -> anyhow::Result<MadeHook> {
    let Wish { url, kinds, .. } = wish;
    let url = checked(url.trim(), allowed).map_err(Refused::Address)?;
    anyhow::ensure!(!kinds.contains(&EventKind::HookTest), Refused::Test);
    let made = MadeHook { id: format!("hook_{}", hex::encode(random::<6>()?)), secret: fresh_secret()? };
    let kinds: Vec<&str> =
        EventKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(EventKind::as_str).collect();
    let mut tx = store.write().await?;
    let there: i64 = sqlx::query("SELECT COUNT(*) FROM hooks").fetch_one(&mut *tx).await?.try_get(0)?;
    anyhow::ensure!(there < MOST, Refused::TooMany);
    sqlx::query(
        "INSERT INTO hooks (id, url, kinds, created_at, with_report, place)
         VALUES ($1, $2, $3, $4, $5, (SELECT last FROM feed WHERE name = 'events'))",
    )
    .bind(&made.id)
    .bind(url.as_str())
    .bind(kinds.join(","))
    .bind(millis(now()))
    .bind(i64::from(wish.with_report))
    .execute(&mut *tx)
    .await?;
    keep(&mut tx, &made).await?;
    let deed = if wish.with_report { Deed::AddedHookWithReport } else { Deed::AddedHook };
    audit::note_in(&mut tx, actor, deed, &made.id).await?;
    tx.commit().await?;
    Ok(made)
}

async fn keep(tx: &mut Tx, made: &MadeHook) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO hook_secrets (hook_id, secret, made_at) VALUES ($1, $2, $3)")
        .bind(&made.id)
        .bind(made.secret.expose())
        .bind(millis(now()))
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Removes a webhook, and what was still to be sent there.
///
/// # Errors
/// There is none, or the database failed.
pub async fn remove(store: &Store, id: &str, actor: &Actor) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    let removed =
        sqlx::query("DELETE FROM hooks WHERE id = $1").bind(id).execute(&mut *tx).await?.rows_affected();
    anyhow::ensure!(removed > 0, NoHook);
    for delete in ["DELETE FROM deliveries WHERE hook_id = $1", "DELETE FROM hook_secrets WHERE hook_id = $1"]
    {
        sqlx::query(delete).bind(id).execute(&mut *tx).await?;
    }
    audit::note_in(&mut tx, actor, Deed::RemovedHook, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes a new secret. For a day deliveries are signed with those before it, too.
///
/// # Errors
/// There is no such webhook, its secret was made anew too often today, or the database failed.
pub async fn rotate(store: &Store, id: &str, actor: &Actor) -> anyhow::Result<MadeHook> {
    let made = MadeHook { id: id.to_owned(), secret: fresh_secret()? };
    let at = now();
    let mut tx = store.write().await?;
    let there = sqlx::query("UPDATE hooks SET place = place WHERE id = $1");
    anyhow::ensure!(there.bind(id).execute(&mut *tx).await?.rows_affected() > 0, NoHook);
    sqlx::query("DELETE FROM hook_secrets WHERE hook_id = $1 AND until < $2")
        .bind(id)
        .bind(millis(at))
        .execute(&mut *tx)
        .await?;
    // Whoever lost the answer asks once more: what the receiver has stays good all the same.
    let ends = "UPDATE hook_secrets SET until = $1 WHERE hook_id = $2 AND until IS NULL";
    sqlx::query(ends).bind(millis(at + OVERLAP)).bind(id).execute(&mut *tx).await?;
    let left: i64 = sqlx::query("SELECT COUNT(*) FROM hook_secrets WHERE hook_id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    anyhow::ensure!(left < MOST_SECRETS, Refused::TooManySecrets);
    keep(&mut tx, &made).await?;
    audit::note_in(&mut tx, actor, Deed::RotatedHook, id).await?;
    tx.commit().await?;
    Ok(made)
}

/// Every webhook, the oldest first, with how much waits.
///
/// # Errors
/// The database failed.
pub async fn list(store: &Store) -> Result<Vec<Hook>, sqlx::Error> {
    let mut hooks = all(store).await?;
    for hook in &mut hooks {
        (hook.waiting, hook.given_up) = counts(store, &hook.id).await?;
    }
    Ok(hooks)
}

/// The same without counting what waits, which takes its time where it is much.
pub(super) async fn all(store: &Store) -> Result<Vec<Hook>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM hooks ORDER BY created_at, id").fetch_all(store.read()).await?;
    rows.iter().map(hook).collect()
}

/// One webhook, without counting what waits.
pub(super) async fn find(store: &Store, id: &str) -> Result<Option<Hook>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM hooks WHERE id = $1").bind(id).fetch_optional(store.read()).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Hook { secrets: secrets(store, id).await?, ..hook(&row)? }))
}

/// What deliveries to a webhook are signed with, the newest first.
async fn secrets(store: &Store, id: &str) -> Result<Vec<Secret>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT secret FROM hook_secrets WHERE hook_id = $1 AND (until IS NULL OR until > $2) ORDER BY made_at DESC, until DESC",
    )
    .bind(id)
    .bind(millis(now()))
    .fetch_all(store.read())
    .await?;
    rows.iter().map(|row| Ok(Secret::new(row.try_get::<String, _>("secret")?))).collect()
}

/// How many events wait, and how many were given up.
pub(super) async fn counts(store: &Store, id: &str) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS every, COUNT(given_up_at) AS given_up FROM deliveries WHERE hook_id = $1",
    );
    let row = row.bind(id).fetch_one(store.read()).await?;
    let (every, given_up): (i64, i64) = (row.try_get("every")?, row.try_get("given_up")?);
    Ok((every - given_up, given_up))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn hook(row: &AnyRow) -> Result<Hook, sqlx::Error> {
    let wanted: String = row.try_get("kinds")?;
    let named = wanted.split(',').filter(|kind| !kind.is_empty());
    let kinds: Vec<EventKind> = named.clone().filter_map(|kind| kind.parse().ok()).collect();
    let newer_kinds = named.count() - kinds.len();
    Ok(Hook {
        id: row.try_get("id")?,
        url: row.try_get("url")?,
        kinds,
        newer_kinds,
        with_report: row.try_get::<i64, _>("with_report")? != 0,
        created_at: known_time(row, "created_at")?,
        waiting: 0,
        given_up: 0,
        failing_since: time(row, "failing_since")?,
        failures: row.try_get("failures")?,
        last_error: row.try_get("last_error")?,
        last_error_at: time(row, "last_error_at")?,
        delivered_at: time(row, "delivered_at")?,
        stopped_at: time(row, "stopped_at")?,
        not_before: time(row, "not_before")?,
        wanted,
        place: row.try_get("place")?,
        secrets: Vec::new(),
    })
}

/// How a webhook does, after some deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Something arrived.
    Well,
    /// Nothing did.
    Badly {
        /// That is the server's affair, and not those events'.
        down: bool,
        /// How often in a row it was found down by now.
        failures: i64,
    },
    /// It wants nothing any more.
    Gone,
}

/// Notes it.
pub(super) async fn went(tx: &mut Tx, id: &str, went: &Went, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let query = match went {
        Went::Well => sqlx::query(
            "UPDATE hooks SET delivered_at = $1, failing_since = NULL, failures = 0 WHERE id = $2",
        )
        .bind(millis(at))
        .bind(id),
        Went::Badly { failures, .. } => sqlx::query(
            "UPDATE hooks SET failing_since = COALESCE(failing_since, $1), failures = $3 WHERE id = $2",
        )
        .bind(millis(at))
        .bind(id)
        .bind(failures),
        Went::Gone => sqlx::query("UPDATE hooks SET stopped_at = $1 WHERE id = $2").bind(millis(at)).bind(id),
    };
    query.execute(&mut **tx).await.map(drop)
}

/// It asked for a pause.
pub(super) async fn leave_alone(tx: &mut Tx, id: &str, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE hooks SET not_before = $1 WHERE id = $2")
        .bind(millis(until))
        .bind(id)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Notes why something did not arrive, though others may have.
pub(super) async fn refused(tx: &mut Tx, id: &str, why: &str, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE hooks SET last_error = $1, last_error_at = $2 WHERE id = $3")
        .bind(why)
        .bind(millis(at))
        .bind(id)
        .execute(&mut **tx)
        .await
        .map(drop)
}
