//! Keys that receipts are signed with, their rotation and their revocation.
//!
//! An interview's receipts are signed with the key that its join handed out, so that a client which was offline for days can
//! check them. The private half goes when it was not handed out for [`KEPT`]; the public half stays for ever, because the
//! receipts do. A key that somebody else may have is revoked: nothing is signed with it any more and it vouches for nothing; who
//! holds it is turned away, joins again and gets another one.

use std::collections::HashMap;
use std::sync::Arc;

use adjourn_protocol::{ReceiptClaims, sha256};
use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use sqlx::Row as _;

use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, millis, now};

/// How long a key is kept after it was last handed out.
const KEPT: Duration = Duration::days(90);

/// A key's row is of use for signing.
const SIGNS: &str = "SELECT 1 FROM receipt_keys WHERE kid = $1 AND revoked_at IS NULL AND pkcs8 <> ''";

/// One key.
pub(crate) struct ReceiptKey {
    pub(crate) kid: String,
    signing: EncodingKey,
    public: String,
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl ReceiptKey {
    fn read(pkcs8: &str) -> anyhow::Result<Self> {
        let pkcs8 = STANDARD.decode(pkcs8).context("a stored signing key is damaged")?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).context("a stored signing key is damaged")?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let kid = sha256(public.as_bytes())[..16].to_owned();
        Ok(Self { kid, signing: EncodingKey::from_ed_der(&pkcs8), public })
    }

    /// The public half, as a set of one.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [jwk(&self.kid, &self.public)] })
    }

    /// A receipt.
    pub(crate) fn sign(&self, claims: &ReceiptClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
    }

    /// Whether a receipt was signed with this key, as far as it says so itself: it is one of ours.
    pub(crate) fn signed(&self, receipt: &str) -> bool {
        jsonwebtoken::decode_header(receipt).is_ok_and(|header| header.kid.as_ref() == Some(&self.kid))
    }
}

fn jwk(kid: &str, public: &str) -> serde_json::Value {
    serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public,
    })
}

/// The key of an attempt.
#[derive(Debug)]
pub(crate) enum OfAttempt {
    /// There was no such join.
    Nobodys,
    /// It signs nothing any more: revoked, or given up after its time.
    Gone,
    /// It signs.
    Signs(Arc<ReceiptKey>),
}

/// All keys. What was read once is remembered: a key never changes, but whether it is still of use is asked each time.
#[derive(Debug)]
pub(crate) struct ReceiptKeys {
    store: Store,
    known: Mutex<HashMap<String, Arc<ReceiptKey>>>,
}

impl ReceiptKeys {
    /// Makes the first key, if there is none.
    pub(crate) async fn load(store: Store) -> anyhow::Result<Self> {
        let any =
            sqlx::query("SELECT kid FROM receipt_keys WHERE revoked_at IS NULL AND pkcs8 <> '' LIMIT 1")
                .fetch_optional(store.read())
                .await?;
        if any.is_none() {
            rotate(&store, false, now()).await?;
        }
        Ok(Self { store, known: Mutex::default() })
    }

    /// The newest key.
    pub(crate) async fn newest(&self) -> anyhow::Result<Arc<ReceiptKey>> {
        let row = sqlx::query(
            "SELECT kid, pkcs8 FROM receipt_keys WHERE revoked_at IS NULL AND pkcs8 <> '' ORDER BY created_at DESC, kid LIMIT 1",
        )
        .fetch_one(self.store.read())
        .await?;
        self.remembered(&row.try_get::<String, _>("kid")?, &row.try_get::<String, _>("pkcs8")?)
    }

    fn remembered(&self, kid: &str, pkcs8: &str) -> anyhow::Result<Arc<ReceiptKey>> {
        if let Some(key) = self.known.lock().get(kid) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(ReceiptKey::read(pkcs8)?);
        self.known.lock().insert(key.kid.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// The key that an attempt's join handed out.
    pub(crate) async fn of_attempt(&self, id: &str, attempt: i64) -> anyhow::Result<OfAttempt> {
        let row = sqlx::query(
            "SELECT receipt_keys.kid AS kid, pkcs8, revoked_at FROM attempts LEFT JOIN receipt_keys ON receipt_keys.kid = attempts.kid
             WHERE interview_id = $1 AND attempt = $2",
        )
        .bind(id)
        .bind(attempt)
        .fetch_optional(self.store.read())
        .await?;
        let Some(row) = row else { return Ok(OfAttempt::Nobodys) };
        let (kid, pkcs8): (Option<String>, Option<String>) = (row.try_get("kid")?, row.try_get("pkcs8")?);
        let revoked: Option<i64> = row.try_get("revoked_at")?;
        match kid.zip(pkcs8.filter(|pkcs8| !pkcs8.is_empty())) {
            Some((kid, pkcs8)) if revoked.is_none() => Ok(OfAttempt::Signs(self.remembered(&kid, &pkcs8)?)),
            Some(_) | None => Ok(OfAttempt::Gone),
        }
    }

    /// The public halves of all keys that vouch for something.
    pub(crate) async fn jwks(&self) -> anyhow::Result<serde_json::Value> {
        let rows = sqlx::query(
            "SELECT kid, pkcs8, public FROM receipt_keys WHERE revoked_at IS NULL ORDER BY created_at DESC",
        )
        .fetch_all(self.store.read())
        .await?;
        let keys: anyhow::Result<Vec<_>> = rows
            .iter()
            .map(|row| {
                let (kid, public): (String, String) = (row.try_get("kid")?, row.try_get("public")?);
                if !public.is_empty() {
                    return Ok(jwk(&kid, &public));
                }
                // Of a version that kept the private half alone.
                let key = self.remembered(&kid, &row.try_get::<String, _>("pkcs8")?)?;
                Ok(jwk(&key.kid, &key.public))
            })
            .collect();
        Ok(serde_json::json!({ "keys": keys? }))
    }
}

/// The words of a stored receipt signed with `key`, and stored so: it was signed with a key that was revoked since, and proves
/// nothing to its holder any more.
pub(crate) async fn signed_anew(
    tx: &mut Tx,
    key: &ReceiptKey,
    receipt_id: &str,
    receipt: &str,
) -> anyhow::Result<String> {
    let payload = receipt.split('.').nth(1).context("a stored receipt is none")?;
    let claims: ReceiptClaims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    let anew = key.sign(&claims)?;
    sqlx::query("UPDATE records SET receipt = $1 WHERE receipt_id = $2")
        .bind(&anew)
        .bind(receipt_id)
        .execute(&mut **tx)
        .await?;
    Ok(anew)
}

/// Whether a key is of use for signing.
pub(crate) async fn signs(tx: &mut Tx, kid: &str) -> Result<bool, sqlx::Error> {
    Ok(sqlx::query(SIGNS).bind(kid).fetch_optional(&mut **tx).await?.is_some())
}

/// Notes that a key was handed out.
pub(crate) async fn given(tx: &mut Tx, kid: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE receipt_keys SET given_at = $1 WHERE kid = $2 AND given_at < $3")
        .bind(millis(now))
        .bind(kid)
        // An hour's precision is enough, and joins don't all wait for one row.
        .bind(millis(now - Duration::hours(1)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes a new key; new joins get it. With `revoke`, every other key vouches for nothing from now on. Private halves that
/// were not handed out for 90 days are forgotten. Gives the new key's id.
///
/// # Errors
/// No key can be made, or the database failed.
pub async fn rotate(store: &Store, revoke: bool, now: DateTime<Utc>) -> anyhow::Result<String> {
    let pair = Ed25519KeyPair::generate().context("no signing key could be made")?;
    let der = pair.to_pkcs8v1().context("the signing key could not be encoded")?;
    let pkcs8 = STANDARD.encode(der.as_ref());
    let key = ReceiptKey::read(&pkcs8)?;
    let mut tx = store.write().await?;
    // Newer than every other, also than one that was made while the clock was ahead.
    let newest: Option<i64> = sqlx::query("SELECT MAX(created_at) AS newest FROM receipt_keys")
        .fetch_one(&mut *tx)
        .await?
        .try_get("newest")?;
    let created_at = newest.map_or(millis(now), |newest| millis(now).max(newest.saturating_add(1)));
    let gone = sqlx::query("SELECT kid, pkcs8 FROM receipt_keys WHERE pkcs8 <> '' AND given_at < $1")
        .bind(millis(now - KEPT))
        .fetch_all(&mut *tx)
        .await?;
    for row in gone {
        let old = ReceiptKey::read(&row.try_get::<String, _>("pkcs8")?)?;
        sqlx::query("UPDATE receipt_keys SET pkcs8 = '', public = $1 WHERE kid = $2")
            .bind(&old.public)
            .bind(row.try_get::<String, _>("kid")?)
            .execute(&mut *tx)
            .await?;
    }
    if revoke {
        sqlx::query("UPDATE receipt_keys SET revoked_at = $1 WHERE revoked_at IS NULL")
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(
        "INSERT INTO receipt_keys (kid, pkcs8, created_at, given_at, public) VALUES ($1, $2, $3, $5, $4)",
    )
    .bind(&key.kid)
    .bind(&pkcs8)
    .bind(created_at)
    .bind(&key.public)
    .bind(millis(now))
    .execute(&mut *tx)
    .await?;
    let deed = if revoke { Deed::RevokedReceiptKeys } else { Deed::RotatedReceiptKey };
    audit::note_in(&mut tx, &Actor::command_line(), deed, "").await?;
    tx.commit().await?;
    Ok(key.kid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kids(jwks: &serde_json::Value) -> Vec<&str> {
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
    }

    async fn joined(store: &Store, attempt: i64, kid: &str) {
        let mut tx = store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at)
             VALUES ('i', 't', 'en', 30, 0, 0, '{}', 'c', 0) ON CONFLICT DO NOTHING",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query("INSERT INTO attempts VALUES ('i', $1, $2, 0, 0, $3)")
            .bind(attempt)
            .bind(attempt.to_string())
            .bind(kid)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn the_public_half_stays_for_ever_and_the_private_one_as_long_as_it_is_needed() {
        let (store, _folder) = Store::temporary().await;
        let keys = ReceiptKeys::load(store.clone()).await.unwrap();
        let first = keys.newest().await.unwrap();
        joined(&store, 1, &first.kid).await;
        let later = now() + KEPT - Duration::days(1);
        let second = rotate(&store, false, later).await.unwrap();
        assert_eq!(keys.newest().await.unwrap().kid, second);
        assert!(
            matches!(keys.of_attempt("i", 1).await.unwrap(), OfAttempt::Signs(key) if key.kid == first.kid)
        );
        let third = rotate(&store, false, now() + KEPT + Duration::days(1)).await.unwrap();
        assert!(matches!(keys.of_attempt("i", 1).await.unwrap(), OfAttempt::Gone));
        assert!(matches!(keys.of_attempt("i", 2).await.unwrap(), OfAttempt::Nobodys));
        let public = keys.jwks().await.unwrap();
        assert_eq!(kids(&public), [third.as_str(), &second, &first.kid]);
        assert_eq!(public["keys"][2]["x"], first.public);
    }

    #[tokio::test]
    async fn a_revoked_key_signs_nothing_and_vouches_for_nothing_on_any_replica() {
        let (store, _folder) = Store::temporary().await;
        let here = ReceiptKeys::load(store.clone()).await.unwrap();
        let there = ReceiptKeys::load(store.clone()).await.unwrap();
        let stolen = there.newest().await.unwrap();
        joined(&store, 1, &stolen.kid).await;
        assert!(matches!(there.of_attempt("i", 1).await.unwrap(), OfAttempt::Signs(_)));
        let new = rotate(&store, true, now()).await.unwrap();
        for replica in [&here, &there] {
            assert!(matches!(replica.of_attempt("i", 1).await.unwrap(), OfAttempt::Gone));
            assert_eq!(replica.newest().await.unwrap().kid, new);
            assert_eq!(kids(&replica.jwks().await.unwrap()), [new.as_str()]);
        }
        let mut tx = store.write().await.unwrap();
        assert!(signs(&mut tx, &new).await.unwrap() && !signs(&mut tx, &stolen.kid).await.unwrap());
    }
}
