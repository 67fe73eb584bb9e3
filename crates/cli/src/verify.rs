//! Checks a receipt offline.

use std::path::Path;

use adjourn_outbox::ReceiptError;
use adjourn_protocol::ReceiptClaims;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// A JSON file with a receipt in it: the backend's answer, or the copy of a report that a candidate saved.
#[derive(Deserialize)]
struct Holder {
    receipt: Option<String>,
    /// The record, as text.
    report: Option<String>,
}

/// The receipt that is meant, and the record, if it lies beside it.
fn given(receipt: &str) -> anyhow::Result<(String, Option<String>)> {
    if is_jws(receipt.trim()) {
        return Ok((receipt.trim().to_owned(), None));
    }
    let text =
        std::fs::read_to_string(receipt).with_context(|| format!("the receipt {receipt} can't be read"))?;
    let text = text.trim().trim_start_matches('\u{feff}');
    let (jws, report) = match serde_json::from_str::<Holder>(text) {
        Ok(Holder { receipt: Some(jws), report }) => (jws, report),
        Ok(Holder { receipt: None, report: Some(_) }) => {
            anyhow::bail!("{receipt} is a copy of a report without a receipt: it was saved before one came")
        }
        // On the page that a candidate saves it stands as text, among other things.
        Ok(Holder { .. }) | Err(_) => {
            let on_page = text.split(['<', '>']).map(str::trim).find(|part| is_jws(part));
            (on_page.unwrap_or(text).to_owned(), None)
        }
    };
    anyhow::ensure!(
        is_jws(&jws),
        "{receipt} holds no receipt: it is three parts of base64url with dots, a JSON object with such a text as `receipt`, or the page of a receipt"
    );
    Ok((jws, report))
}

/// What a genuine receipt says, and whether it is this record's.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// What it says.
    #[serde(flatten)]
    pub claims: ReceiptClaims,
    /// `true`: it is of the record that was given. Absent: none was, and the receipt alone is genuine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_matches: Option<bool>,
}

/// Checks the receipt (compact JWS, as text or in a file; the backend's answer with one; a copy of a report; a receipt's page) with the keys in a
/// file (a JWK set), and the record's digest if there is a record: the one that is given, or the copy's.
///
/// # Errors
/// What does not match, in one sentence.
pub fn verify(receipt: &str, keys: &Path, record: Option<&Path>) -> anyhow::Result<Verified> {
    let (jws, report) = given(receipt)?;
    let text = std::fs::read_to_string(keys).with_context(|| format!("{} can't be read", keys.display()))?;
    let unusable = || format!("{} holds no JWK set", keys.display());
    let keys = serde_json::from_str(&text).with_context(unusable)?;
    let receipt = adjourn_outbox::verify(&jws, &keys).map_err(|error| {
        let of_the_keys = error == ReceiptError::BadKeys;
        anyhow::Error::from(error).context(if of_the_keys {
            unusable()
        } else {
            "the receipt proves nothing".to_owned()
        })
    })?;
    let bytes = match record {
        Some(path) => Some(std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?),
        None => report.map(String::into_bytes),
    };
    if let Some(bytes) = &bytes {
        let claims = &receipt.claims;
        receipt.matches(&claims.interview_id, claims.attempt, &claims.source, bytes)?;
    }
    Ok(Verified { record_matches: bytes.map(|_| true), claims: receipt.claims })
}

/// Whether a text has the form of a receipt: a compact JWS (RFC 7515, section 3.1).
fn is_jws(text: &str) -> bool {
    let base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let parts: Vec<&str> = text.split('.').collect();
    // Its header is a JSON object, which begins like this in base64url; the name of a server does not.
    text.starts_with("eyJ")
        && parts.len() == 3
        && parts.iter().all(|part| part.len() > 8 && part.chars().all(base64url))
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
        let jws = "eyJhbGciOiJFZERTQSJ9.eyJhbGciOiJFZERTQSJ9.eyJhbGciOiJFZERTQSJ9";
        for holder in [
            jws.to_owned(),
            format!("{{\"receipt\": \"{jws}\"}}"),
            format!("{{\"receipt\": \"{jws}\", \"report\": \"{{}}\", \"server\": \"h\"}}"),
            format!(
                "<!DOCTYPE html><p>interviews-of.organisers.wonderland</p><dd><code dir=\"ltr\">{jws}</code></dd>"
            ),
        ] {
            std::fs::write(&missing, holder).unwrap();
            // It is found, and is signed by nobody who is known.
            assert!(said(missing.to_str().unwrap()).contains("unknown key"));
        }
        std::fs::write(&missing, "{\"receipt\": null, \"report\": \"{}\"}").unwrap();
        assert!(said(missing.to_str().unwrap()).contains("without a receipt"));
    }
}
