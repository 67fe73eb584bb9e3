//! Organisers and their keys. Only hashes are kept: a key is shown once, when it is made.

use adjourn_outbox::{Secret, sha256};
use anyhow::Context as _;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;
use crate::store::{Store, millis, now};
use crate::tokens::bearer;

/// Makes a key for an organiser.
///
/// # Errors
/// The name is empty or taken, or the database failed.
pub async fn add(store: &Store, name: &str) -> anyhow::Result<Secret> {
    anyhow::ensure!(!name.trim().is_empty(), "give the key a name, so that it can be removed later");
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let key = format!("adj_{}", URL_SAFE_NO_PAD.encode(random));
    let mut tx = store.write().await?;
    let taken =
        sqlx::query("SELECT 1 FROM organisers WHERE name = $1").bind(name).fetch_optional(&mut *tx).await?;
    anyhow::ensure!(taken.is_none(), "there is a key {name:?} already; remove it or choose another name");
    sqlx::query("INSERT INTO organisers (hash, name, created_at) VALUES ($1, $2, $3)")
        .bind(sha256(key.as_bytes()))
        .bind(name)
        .bind(millis(now()))
        .execute(&mut *tx)
        .await?;
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
    tx.commit().await?;
    anyhow::ensure!(removed > 0, "there is no key {name:?}; `adjourn-backend key list` shows them");
    Ok(())
}

/// Names of all keys.
///
/// # Errors
/// The database failed.
pub async fn list(store: &Store) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query("SELECT name FROM organisers ORDER BY name").fetch_all(store.read()).await?;
    rows.iter().map(|row| row.try_get("name").context("a name is not readable")).collect()
}

impl App {
    /// Whether a request is an organiser's: by a bearer token, or (in a browser) as the password of Basic
    /// authentication, whatever the name.
    pub(crate) async fn organiser(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(given) = bearer(headers).map(str::to_owned).or_else(|| password(headers)) else {
            return Err(Refusal::unauthorised());
        };
        // Hashes: how long a comparison takes tells nothing about a key.
        let hash = sha256(given.as_bytes());
        if self.organiser_key.as_ref().is_some_and(|key| sha256(key.expose().as_bytes()) == hash) {
            return Ok(());
        }
        let known = sqlx::query("SELECT 1 FROM organisers WHERE hash = $1")
            .bind(&hash)
            .fetch_optional(self.store.read())
            .await?;
        if known.is_some() { Ok(()) } else { Err(Refusal::unauthorised()) }
    }
}

fn password(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_shown_once_kept_as_a_hash_and_removed_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let store = Store::open(path.to_str().unwrap(), crate::store::Open::OrMake).await.unwrap();
        let key = add(&store, "hr").await.unwrap();
        assert!(
            add(&store, "hr").await.unwrap_err().to_string().starts_with("there is a key \"hr\" already")
        );
        assert!(add(&store, " ").await.is_err());
        assert_eq!(list(&store).await.unwrap(), ["hr"]);
        let bytes = std::fs::read(folder.path().join("db-wal")).unwrap();
        assert!(!bytes.windows(key.expose().len()).any(|w| w == key.expose().as_bytes()));
        remove(&store, "hr").await.unwrap();
        assert!(remove(&store, "hr").await.unwrap_err().to_string().starts_with("there is no key \"hr\""));
    }
}
