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
    let jws = if is_jws(receipt.trim()) {
        receipt.trim().to_owned()
    } else {
        let text = std::fs::read_to_string(receipt)
            .with_context(|| format!("the receipt {receipt} can't be read"))?;
        anyhow::ensure!(
            is_jws(text.trim()),
            "{receipt} holds no receipt (three parts of base64url with dots)"
        );
        text.trim().to_owned()
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

/// Whether a text has the form of a receipt: a compact JWS (RFC 7515, section 3.1).
fn is_jws(text: &str) -> bool {
    let base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() > 8 && part.chars().all(base64url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_no_forgery() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys.json");
        std::fs::write(&keys, r#"{"keys":[]}"#).unwrap();
        let said = |receipt: &str| format!("{:#}", verify(receipt, &keys, None).unwrap_err());
        let missing = folder.path().join("receipt.jws");
        assert!(said(missing.to_str().unwrap()).contains("can't be read"));
        std::fs::write(&missing, "{}").unwrap();
        assert!(said(missing.to_str().unwrap()).contains("holds no receipt"));
        assert!(said("").contains("can't be read"));
    }
}
