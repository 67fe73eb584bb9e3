//! Checks a receipt offline.

use std::path::Path;

use adjourn_protocol::ReceiptClaims;
use anyhow::Context as _;

/// Checks the receipt (compact JWS, as text or in a file) with the keys in a file (a JWK set), and the
/// record's digest if a record is given.
///
/// # Errors
/// What does not match, in one sentence.
pub fn verify(receipt: &str, keys: &Path, record: Option<&Path>) -> anyhow::Result<ReceiptClaims> {
    let jws = match std::fs::read_to_string(receipt) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => receipt.trim().to_owned(),
    };
    let text = std::fs::read_to_string(keys).with_context(|| format!("{} can't be read", keys.display()))?;
    let keys = serde_json::from_str(&text).context("the keys are not a JWK set")?;
    let receipt = adjourn_outbox::verify(&jws, &keys)?;
    if let Some(path) = record {
        let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let claims = &receipt.claims;
        receipt.matches(&claims.interview_id, claims.attempt, &claims.source, &bytes)?;
    }
    Ok(receipt.claims)
}
