//! Organisers and their keys. Only hashes are kept: a key is shown once, when it is made.

use adjourn_kiosk::{NAME_FORM, is_name};
use adjourn_protocol::{Secret, sha256};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::audit::{self, Actor, Deed};
use crate::store::{Store, known_time, millis, now, random, time};

/// Something that a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Making interviews, and further codes for them.
    Create,
    /// Where interviews stand, what was said, records.
    Read,
    /// Ending interviews.
    End,
    /// The operator's pages.
    Operate,
    /// Webhooks: where what happens is told.
    Hooks,
    /// Erasing interviews.
    Erase,
    /// Telling how a seat is, and taking orders for it: what a seat itself has.
    Seat,
    /// Seeing a center's seats, and telling them what to do.
    Center,
}

impl Scope {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Read,
        Self::End,
        Self::Operate,
        Self::Hooks,
        Self::Erase,
        Self::Seat,
        Self::Center,
    ];

    /// Whether a key with it may be of one center.
    fn is_of_centers(self) -> bool {
        matches!(self, Self::Seat | Self::Center)
    }

    /// Its name, as it is given and kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::End => "end",
            Self::Operate => "operate",
            Self::Hooks => "hooks",
            Self::Erase => "erase",
            Self::Seat => "seat",
            Self::Center => "center",
        }
    }
}

/// How a key of one seat names it: no center's name has such a sign.
pub fn of_seat(center: &str, seat: &str) -> String {
    format!("{center}/{seat}")
}

fn listed(scopes: &[Scope]) -> String {
    let names: Vec<&str> = Scope::ALL.into_iter().filter(|s| scopes.contains(s)).map(Scope::as_str).collect();
    names.join(",")
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose it is.
    pub name: String,
    /// What it allows, separated by commas.
    pub scopes: String,
    /// The test center that it is for; all of them, without one.
    pub center: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Who else stands in the audit log.
const RESERVED: [&str; 3] = ["command line", "retention", "ADJOURN_ORGANISER_KEY"];

/// Makes a key for an organiser, for so many days or until it is removed; with `center`, for that test center's seats alone.
///
/// # Errors
/// The name is empty or taken, there is no scope, or one that is of no center, the time is none, or the database failed.
pub async fn add(
    store: &Store,
    name: &str,
    scopes: &[Scope],
    center: Option<&str>,
    days: Option<u32>,
) -> anyhow::Result<Secret> {
    anyhow::ensure!(!name.trim().is_empty(), "give the key a name, so that it can be removed later");
    // It stands in lists and in the audit log, beside who has no key in the database.
    let plain = name.chars().all(|c| !c.is_control()) && name.len() <= 128;
    anyhow::ensure!(plain, "a key's name is a line of 128 bytes at most");
    anyhow::ensure!(
        !RESERVED.contains(&name),
        "{name:?} stands for somebody else in the audit log; choose another name"
    );
    anyhow::ensure!(!scopes.is_empty(), "a key without a scope allows nothing");
    anyhow::ensure!(days != Some(0), "a key must be good for a day at least");
    if let Some(center) = center {
        let (center, seat) =
            center.split_once('/').map_or((center, None), |(center, seat)| (center, Some(seat)));
        for name in [Some(center), seat].into_iter().flatten() {
            anyhow::ensure!(is_name(name), "{name:?} is no center's or seat's name: {NAME_FORM}");
        }
        anyhow::ensure!(seat.is_none() || scopes == [Scope::Seat], "a key of one seat allows seat alone");
        let both = scopes.contains(&Scope::Seat) && scopes.contains(&Scope::Center);
        anyhow::ensure!(!both, "a center's key is its seats' (seat) or its staff's (center), not both");
        let other = scopes.iter().find(|scope| !scope.is_of_centers()).map(|scope| scope.as_str());
        anyhow::ensure!(
            other.is_none(),
            "a center's key allows seat and center alone, not {}",
            other.unwrap_or_default()
        );
    }
    let key = format!("adj_{}", URL_SAFE_NO_PAD.encode(random::<24>()?));
    let mut tx = store.write().await?;
    let taken =
        sqlx::query("SELECT 1 FROM organisers WHERE name = $1").bind(name).fetch_optional(&mut *tx).await?;
    anyhow::ensure!(taken.is_none(), "there is a key {name:?} already; remove it or choose another name");
    sqlx::query(
        "INSERT INTO organisers (hash, name, created_at, scopes, expires_at, center) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(sha256(key.as_bytes()))
    .bind(name)
    .bind(millis(now()))
    .bind(listed(scopes))
    .bind(days.map(|days| millis(now() + Duration::days(i64::from(days)))))
    .bind(center)
    .execute(&mut *tx)
    .await?;
    audit::note_in(&mut tx, &Actor::command_line(), Deed::AddedKey, name).await?;
    tx.commit().await?;
    Ok(Secret::new(key))
}

/// Removes a key: it is refused from now on.
///
/// # Errors
/// There is none of that name, or the database failed.
pub async fn remove(store: &Store, name: &str) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    let removed = sqlx::query("DELETE FROM organisers WHERE name = $1")
        .bind(name)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    anyhow::ensure!(removed > 0, "there is no key {name:?}; `adjourn-backend key list` shows them");
    audit::note_in(&mut tx, &Actor::command_line(), Deed::RemovedKey, name).await?;
    tx.commit().await?;
    Ok(())
}

/// All keys, by their names.
///
/// # Errors
/// The database failed.
pub async fn list(store: &Store) -> anyhow::Result<Vec<Key>> {
    let rows =
        sqlx::query("SELECT name, scopes, center, created_at, expires_at FROM organisers ORDER BY name")
            .fetch_all(store.read())
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Key {
                name: row.try_get("name").context("a name is not readable")?,
                scopes: row.try_get("scopes")?,
                center: row.try_get("center")?,
                created_at: known_time(row, "created_at")?,
                expires_at: time(row, "expires_at")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_shown_once_kept_as_a_hash_and_removed_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let store = Store::open(path.to_str().unwrap(), crate::store::Open::OrMake).await.unwrap();
        let key = add(&store, "hr", &[Scope::Read, Scope::Create], None, Some(90)).await.unwrap();
        let again = add(&store, "hr", &Scope::ALL, None, None).await;
        assert!(again.unwrap_err().to_string().starts_with("there is a key \"hr\" already"));
        assert!(add(&store, " ", &Scope::ALL, None, None).await.is_err());
        assert!(add(&store, "nothing", &[], None, None).await.is_err());
        assert!(add(&store, "never", &Scope::ALL, None, Some(0)).await.is_err());
        let wide = add(&store, "a center", &[Scope::Center, Scope::Read], Some("berlin"), None).await;
        assert_eq!(wide.unwrap_err().to_string(), "a center's key allows seat and center alone, not read");
        assert!(add(&store, "a center", &[Scope::Seat], Some("no name"), None).await.is_err());
        let known = list(&store).await.unwrap();
        assert_eq!((known.len(), known[0].name.as_str(), known[0].scopes.as_str()), (1, "hr", "create,read"));
        assert_eq!((known[0].expires_at.unwrap() - known[0].created_at).num_days(), 90);
        let bytes = std::fs::read(folder.path().join("db-wal")).unwrap();
        assert!(!bytes.windows(key.expose().len()).any(|w| w == key.expose().as_bytes()));
        remove(&store, "hr").await.unwrap();
        assert!(remove(&store, "hr").await.unwrap_err().to_string().starts_with("there is no key \"hr\""));
        let deeds: Vec<String> =
            audit::log(&store, Some("hr")).await.unwrap().into_iter().map(|entry| entry.what).collect();
        assert_eq!(deeds, ["added a key", "removed a key"]);
    }
}
