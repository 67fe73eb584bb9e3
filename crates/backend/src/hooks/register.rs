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
use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, known_time, millis, now, random, time};

/// At most so many: each is sent everything.
const MOST: i64 = 32;
/// After a rotation deliveries are signed with both secrets for so long, so that receivers can learn of the new one in peace.
const OVERLAP: Duration = Duration::hours(24);
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
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Events that are to be sent, or sent again.
    pub waiting: i64,
    /// Events that were given up after three days: `replay` sends them once more.
    pub given_up: i64,
    /// Since when nothing arrives.
    pub failing_since: Option<DateTime<Utc>>,
    /// Rounds in a row in which nothing arrived.
    pub failures: i64,
    /// Why not, the last time.
    pub last_error: Option<String>,
    /// When something last arrived.
    pub delivered_at: Option<DateTime<Utc>>,
    /// It answered that it wants nothing any more: nothing is sent until `replay`.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Events up to this place were taken over.
    #[serde(skip)]
    pub(crate) place: i64,
    #[serde(skip)]
    pub(super) secrets: Vec<Secret>,
}

/// There is no such webhook.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no such webhook; `adjourn-backend hook list` shows them")]
pub(crate) struct NoHook;

fn fresh_secret() -> anyhow::Result<Secret> {
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(random::<SECRET>()?))))
}

/// Makes a webhook: it is sent what happens from now on.
///
/// # Errors
/// The address may not be one, there are as many as there may be, or the database failed.
pub async fn add(
    store: &Store,
    allowed: &Allowed,
    url: &str,
    kinds: &[EventKind],
    actor: &Actor,
) -> anyhow::Result<MadeHook> {
    let url = checked(url.trim(), allowed).map_err(anyhow::Error::msg)?;
    let made = MadeHook { id: format!("hook_{}", hex::encode(random::<6>()?)), secret: fresh_secret()? };
    let kinds: Vec<&str> =
        EventKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(EventKind::as_str).collect();
    let mut tx = store.write().await?;
    let there: i64 = sqlx::query("SELECT COUNT(*) FROM hooks").fetch_one(&mut *tx).await?.try_get(0)?;
    anyhow::ensure!(there < MOST, "there are {there} webhooks already, as many as there may be: remove one");
    sqlx::query(
        "INSERT INTO hooks (id, url, kinds, secret, created_at, place)
         VALUES ($1, $2, $3, $4, $5, (SELECT last FROM feed WHERE name = 'events'))",
    )
    .bind(&made.id)
    .bind(url.as_str())
    .bind(kinds.join(","))
    .bind(made.secret.expose())
    .bind(millis(now()))
    .execute(&mut *tx)
    .await?;
    audit::note_in(&mut tx, actor, Deed::AddedHook, &made.id).await?;
    tx.commit().await?;
    Ok(made)
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
    sqlx::query("DELETE FROM deliveries WHERE hook_id = $1").bind(id).execute(&mut *tx).await?;
    audit::note_in(&mut tx, actor, Deed::RemovedHook, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes a new secret. For a day deliveries are signed with the old one too.
///
/// # Errors
/// There is no such webhook, or the database failed.
pub async fn rotate(store: &Store, id: &str, actor: &Actor) -> anyhow::Result<MadeHook> {
    let made = MadeHook { id: id.to_owned(), secret: fresh_secret()? };
    let mut tx = store.write().await?;
    let rotated =
        sqlx::query("UPDATE hooks SET former_secret = secret, former_until = $1, secret = $2 WHERE id = $3")
            .bind(millis(now() + OVERLAP))
            .bind(made.secret.expose())
            .bind(id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
    anyhow::ensure!(rotated > 0, NoHook);
    audit::note_in(&mut tx, actor, Deed::RotatedHook, id).await?;
    tx.commit().await?;
    Ok(made)
}

const FIND: &str = "SELECT hooks.*,
       (SELECT COUNT(*) FROM deliveries d WHERE d.hook_id = hooks.id AND d.given_up_at IS NULL) AS waiting,
       (SELECT COUNT(*) FROM deliveries d WHERE d.hook_id = hooks.id AND d.given_up_at IS NOT NULL) AS given_up
     FROM hooks WHERE $1 = '' OR id = $1 ORDER BY created_at, id";

/// Every webhook, the oldest first.
///
/// # Errors
/// The database failed.
pub async fn list(store: &Store) -> Result<Vec<Hook>, sqlx::Error> {
    let rows = sqlx::query(FIND).bind("").fetch_all(store.read()).await?;
    rows.iter().map(hook).collect()
}

/// One webhook.
pub(crate) async fn find(store: &Store, id: &str) -> Result<Option<Hook>, sqlx::Error> {
    if id.is_empty() {
        return Ok(None);
    }
    let row = sqlx::query(FIND).bind(id).fetch_optional(store.read()).await?;
    row.as_ref().map(hook).transpose()
}

fn hook(row: &AnyRow) -> Result<Hook, sqlx::Error> {
    let kinds: String = row.try_get("kinds")?;
    // One that this version does not know is never sent by it.
    let kinds = kinds.split(',').filter_map(|kind| kind.parse().ok()).collect();
    let secret: String = row.try_get("secret")?;
    let former: Option<String> = row.try_get("former_secret")?;
    let still = time(row, "former_until")?.is_some_and(|until| now() < until);
    let secrets = std::iter::once(secret).chain(former.filter(|_| still)).map(Secret::new).collect();
    Ok(Hook {
        id: row.try_get("id")?,
        url: row.try_get("url")?,
        kinds,
        created_at: known_time(row, "created_at")?,
        waiting: row.try_get("waiting")?,
        given_up: row.try_get("given_up")?,
        failing_since: time(row, "failing_since")?,
        failures: row.try_get("failures")?,
        last_error: row.try_get("last_error")?,
        delivered_at: time(row, "delivered_at")?,
        stopped_at: time(row, "stopped_at")?,
        place: row.try_get("place")?,
        secrets,
    })
}

/// How a webhook does, after some deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Something arrived last.
    Well,
    /// Nothing did.
    Badly { why: String },
    /// It wants nothing any more.
    Gone,
}

/// Notes it.
pub(super) async fn went(tx: &mut Tx, id: &str, went: &Went, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let query = match went {
        Went::Well => sqlx::query(
            "UPDATE hooks SET delivered_at = $1, failing_since = NULL, failures = 0, last_error = NULL WHERE id = $2",
        )
        .bind(millis(at))
        .bind(id),
        Went::Badly { why } => sqlx::query(
            "UPDATE hooks SET failing_since = COALESCE(failing_since, $1), failures = failures + 1, last_error = $3 WHERE id = $2",
        )
        .bind(millis(at))
        .bind(id)
        .bind(why),
        Went::Gone => {
            sqlx::query("UPDATE hooks SET stopped_at = $1, last_error = 'It answered 410 Gone.' WHERE id = $2")
                .bind(millis(at))
                .bind(id)
        }
    };
    query.execute(&mut **tx).await.map(drop)
}
