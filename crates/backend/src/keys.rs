//! Keys that receipts are signed with, and their rotation.
//!
//! An interview's receipts are signed with the key that its join handed out, so that a client which was offline
//! for days can check them. A key stays for [`KEPT`] after it was last handed out.

use std::collections::HashMap;
use std::sync::Arc;

use adjourn_outbox::sha256;
use adjourn_outbox::wire::ReceiptClaims;
use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use sqlx::Row as _;

use crate::store::{Store, Tx, millis, now};

/// How long a key is kept after it was last handed out.
const KEPT: Duration = Duration::days(90);

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

    fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public,
        })
    }

    /// The public half, as a set of one.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [self.jwk()] })
    }

    /// A receipt.
    pub(crate) fn sign(&self, claims: &ReceiptClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
    }
}

/// All keys. What was read once is remembered: a key never changes.
#[derive(Debug)]
pub(crate) struct ReceiptKeys {
    store: Store,
    known: Mutex<HashMap<String, Arc<ReceiptKey>>>,
}

impl ReceiptKeys {
    /// Makes the first key, if there is none.
    pub(crate) async fn load(store: Store) -> anyhow::Result<Self> {
        let any = sqlx::query("SELECT kid FROM receipt_keys LIMIT 1").fetch_optional(store.read()).await?;
        if any.is_none() {
            rotate(&store, now()).await?;
        }
        Ok(Self { store, known: Mutex::default() })
    }

    /// The newest key.
    pub(crate) async fn newest(&self) -> anyhow::Result<Arc<ReceiptKey>> {
        let row = sqlx::query("SELECT pkcs8 FROM receipt_keys ORDER BY created_at DESC, kid LIMIT 1")
            .fetch_one(self.store.read())
            .await?;
        self.remember(&row.try_get::<String, _>("pkcs8")?)
    }

    /// The key of that id.
    pub(crate) async fn get(&self, kid: &str) -> anyhow::Result<Arc<ReceiptKey>> {
        if let Some(key) = self.known.lock().get(kid) {
            return Ok(Arc::clone(key));
        }
        let row = sqlx::query("SELECT pkcs8 FROM receipt_keys WHERE kid = $1")
            .bind(kid)
            .fetch_optional(self.store.read())
            .await?
            .with_context(|| format!("the signing key {kid} is gone"))?;
        self.remember(&row.try_get::<String, _>("pkcs8")?)
    }

    fn remember(&self, pkcs8: &str) -> anyhow::Result<Arc<ReceiptKey>> {
        let key = Arc::new(ReceiptKey::read(pkcs8)?);
        self.known.lock().insert(key.kid.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// The key that an attempt's join handed out; `None` if there was no such join.
    pub(crate) async fn of_attempt(&self, id: &str, attempt: i64) -> anyhow::Result<Option<Arc<ReceiptKey>>> {
        let row = sqlx::query("SELECT kid FROM attempts WHERE interview_id = $1 AND attempt = $2")
            .bind(id)
            .bind(attempt)
            .fetch_optional(self.store.read())
            .await?;
        match row {
            Some(row) => self.get(&row.try_get::<String, _>("kid")?).await.map(Some),
            None => Ok(None),
        }
    }

    /// The public halves of all keys that are still of use.
    pub(crate) async fn jwks(&self) -> anyhow::Result<serde_json::Value> {
        let rows = sqlx::query("SELECT pkcs8 FROM receipt_keys ORDER BY created_at DESC")
            .fetch_all(self.store.read())
            .await?;
        let keys: anyhow::Result<Vec<_>> =
            rows.iter().map(|row| Ok(ReceiptKey::read(&row.try_get::<String, _>("pkcs8")?)?.jwk())).collect();
        Ok(serde_json::json!({ "keys": keys? }))
    }
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

/// Makes a new key; new joins get it. Keys that were not handed out for 90 days are removed. Gives its id.
///
/// # Errors
/// No key can be made, or the database failed.
pub async fn rotate(store: &Store, now: DateTime<Utc>) -> anyhow::Result<String> {
    let pair = Ed25519KeyPair::generate().context("no signing key could be made")?;
    let der = pair.to_pkcs8v1().context("the signing key could not be encoded")?;
    let pkcs8 = STANDARD.encode(der.as_ref());
    let key = ReceiptKey::read(&pkcs8)?;
    let mut tx = store.write().await?;
    sqlx::query("DELETE FROM receipt_keys WHERE given_at < $1")
        .bind(millis(now - KEPT))
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO receipt_keys (kid, pkcs8, created_at, given_at) VALUES ($1, $2, $3, $3)")
        .bind(&key.kid)
        .bind(&pkcs8)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(key.kid)
}
