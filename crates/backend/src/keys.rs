//! The key that receipts are signed with.

use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sqlx::{Row as _, SqlitePool};

use adjourn_outbox::wire::ReceiptClaims;

/// A signing key with its public half as a JWK set.
#[derive(Clone)]
pub(crate) struct ReceiptKey {
    kid: String,
    signing: EncodingKey,
    public: String,
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl ReceiptKey {
    /// The stored key, or a new one that is stored.
    pub(crate) async fn load(pool: &SqlitePool) -> anyhow::Result<Self> {
        let row = sqlx::query("SELECT pkcs8 FROM keys ORDER BY created_at DESC LIMIT 1")
            .fetch_optional(pool)
            .await?;
        let pkcs8: Vec<u8> = match row {
            Some(row) => row.try_get("pkcs8")?,
            None => {
                let pair = Ed25519KeyPair::generate().context("no signing key could be made")?;
                let der = pair.to_pkcs8v1().context("the signing key could not be encoded")?;
                let bytes = der.as_ref().to_vec();
                sqlx::query("INSERT INTO keys (pkcs8, created_at) VALUES (?, ?)")
                    .bind(&bytes)
                    .bind(chrono::Utc::now().to_rfc3339())
                    .execute(pool)
                    .await?;
                bytes
            }
        };
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).context("the stored signing key is damaged")?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let kid = adjourn_outbox::sha256(public.as_bytes())[..16].to_owned();
        Ok(Self { kid, signing: EncodingKey::from_ed_der(&pkcs8), public })
    }

    /// The public half.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        serde_json::json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public,
        }]})
    }

    /// A receipt.
    pub(crate) fn sign(&self, claims: &ReceiptClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
    }
}
