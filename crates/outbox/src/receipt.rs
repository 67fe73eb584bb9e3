//! Receipts: compact JWS, EdDSA, verified before anything says "received".

use adjourn_protocol::{ReceiptClaims, Source, sha256};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

/// A verified receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it says.
    pub claims: ReceiptClaims,
    /// The JWS itself.
    pub jws: String,
}

/// A receipt that proves nothing. Each message says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The keys can't be read.
    #[error("the keys for checking receipts are not readable")]
    BadKeys,
    /// Signed with a key that this interview was not given.
    #[error("the receipt is signed with an unknown key")]
    UnknownKey,
    /// Not a JWS, or the signature is wrong.
    #[error("the receipt's signature is not valid")]
    BadSignature,
    /// Signed, and says something else.
    #[error("the signature is valid, and what is signed is no receipt of an interview")]
    NoReceipt,
    /// For something else.
    #[error("the receipt is for another {0}")]
    Other(&'static str),
}

/// Checks a receipt's signature with `keys` (a JWK set).
///
/// # Errors
/// Why it proves nothing.
pub fn verify(jws: &str, keys: &serde_json::Value) -> Result<Receipt, ReceiptError> {
    let keys: JwkSet = serde_json::from_value(keys.clone()).map_err(|_| ReceiptError::BadKeys)?;
    let header = decode_header(jws).map_err(|_| ReceiptError::BadSignature)?;
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(ReceiptError::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| ReceiptError::BadKeys)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // A receipt never expires and is for its holder.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let read = decode::<ReceiptClaims>(jws, &key, &validation).map_err(|error| {
        // What is signed is read only once the signature is known to be right.
        let signed = matches!(error.kind(), ErrorKind::Json(_) | ErrorKind::Utf8(_));
        if signed { ReceiptError::NoReceipt } else { ReceiptError::BadSignature }
    })?;
    Ok(Receipt { claims: read.claims, jws: jws.to_owned() })
}

impl Receipt {
    /// The id of the key that signed it (RFC 7515, 4.1.4).
    pub fn key_id(&self) -> Option<String> {
        decode_header(&self.jws).ok()?.kid
    }

    /// Checks that the receipt is for this very record.
    ///
    /// # Errors
    /// For what else it is.
    pub fn matches(
        &self,
        interview_id: &str,
        attempt: i64,
        source: &Source,
        record: &[u8],
    ) -> Result<(), ReceiptError> {
        let claims = &self.claims;
        if claims.interview_id != interview_id {
            return Err(ReceiptError::Other("interview"));
        }
        if claims.attempt != attempt {
            return Err(ReceiptError::Other("attempt"));
        }
        if claims.source != *source {
            return Err(ReceiptError::Other("source"));
        }
        if claims.sha256 != sha256(record) || usize::try_from(claims.bytes).ok() != Some(record.len()) {
            return Err(ReceiptError::Other("record"));
        }
        Ok(())
    }
}
