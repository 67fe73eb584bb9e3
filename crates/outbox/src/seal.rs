//! What is written down of candidates, so that nobody who has the disk alone can read it.
//!
//! For a computer that stands somewhere, with interviews on it that have not arrived yet (a test center's seat). The key is not on that
//! disk (`docs/kiosk.md`). What is sealed: codes, tokens, names, what was said, what a candidate needs. Not: the server's address, times,
//! ids, receipts, which say nothing of anybody.

use std::sync::Arc;

use adjourn_protocol::Secret;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::OutboxError;

/// Before everything that is sealed: no JSON begins like that, no code, and no token.
const MARK: &str = "sealed1:";
/// Bytes of a key.
const KEY_LEN: usize = 32;

/// Seals, or leaves everything as it is.
///
/// AES-256-GCM-SIV (RFC 8452) with one nonce for all: the same text of the same column is sealed the same, so that a code is found
/// again; of different texts nothing is learned but their lengths, which is what that cipher is for.
#[derive(Clone, Default)]
pub struct Seal(Option<Arc<LessSafeKey>>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Seal(***)" } else { "Seal(none)" })
    }
}

impl Seal {
    /// With a key as its file has it: 64 hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn of(key: &Secret) -> Result<Self, String> {
        let bytes = hex::decode(key.expose().trim()).ok().filter(|bytes| bytes.len() == KEY_LEN);
        let bytes = bytes.ok_or("the journal's key is 64 hexadecimal digits, and this is not")?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| "the journal's key can't be used")?;
        Ok(Self(Some(Arc::new(LessSafeKey::new(key)))))
    }

    /// Seals a text of a column.
    pub(crate) fn text(&self, column: &'static str, text: &str) -> Result<String, OutboxError> {
        let Some(key) = &self.0 else { return Ok(text.to_owned()) };
        let mut bytes = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(nonce(), Aad::from(column), &mut bytes).map_err(|_| unsealable())?;
        Ok(format!("{MARK}{}", STANDARD_NO_PAD.encode(bytes)))
    }

    /// Opens a text of a column. One that was written before there was a key is as it is.
    pub(crate) fn opened(&self, column: &'static str, text: String) -> Result<String, OutboxError> {
        let Some(sealed) = text.strip_prefix(MARK) else { return Ok(text) };
        let key = self.0.as_ref().ok_or(OutboxError::Sealed)?;
        let mut bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| OutboxError::Sealed)?;
        let open =
            key.open_in_place(nonce(), Aad::from(column), &mut bytes).map_err(|_| OutboxError::Sealed)?;
        String::from_utf8(open.to_vec()).map_err(|_| OutboxError::Sealed)
    }

    /// The same for bytes.
    pub(crate) fn bytes(&self, column: &'static str, plain: &[u8]) -> Result<Vec<u8>, OutboxError> {
        if self.0.is_none() {
            return Ok(plain.to_vec());
        }
        let text = std::str::from_utf8(plain).map_err(|error| OutboxError::Unreadable(error.to_string()))?;
        self.text(column, text).map(String::into_bytes)
    }

    /// The same for bytes.
    pub(crate) fn opened_bytes(&self, column: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, OutboxError> {
        if !bytes.starts_with(MARK.as_bytes()) {
            return Ok(bytes);
        }
        let text = String::from_utf8(bytes).map_err(|_| OutboxError::Sealed)?;
        self.opened(column, text).map(String::into_bytes)
    }
}

/// How sealed texts begin, for SQL's `LIKE`.
pub(crate) const SEALED: &str = "sealed1:%";

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn unsealable() -> OutboxError {
    OutboxError::Unreadable("it can't be sealed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(digit: char) -> Seal {
        Seal::of(&Secret::new(digit.to_string().repeat(64))).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_by_its_key_alone() {
        let own = seal('a');
        let sealed = own.text("entry", "what was said").unwrap();
        assert!(sealed.starts_with(MARK) && !sealed.contains("said"));
        assert_eq!(own.opened("entry", sealed.clone()).unwrap(), "what was said");
        assert_eq!(own.text("entry", "what was said").unwrap(), sealed, "it is found again");
        assert_ne!(own.text("head", "what was said").unwrap(), sealed, "not in another column");
        for (seal, column) in [(&seal('b'), "entry"), (&Seal::default(), "entry"), (&own, "head")] {
            assert!(matches!(seal.opened(column, sealed.clone()), Err(OutboxError::Sealed)));
        }
        assert_eq!(own.opened_bytes("body", own.bytes("body", b"{}").unwrap()).unwrap(), b"{}");
        // What was there before.
        assert_eq!(own.opened("entry", "{}".to_owned()).unwrap(), "{}");
        assert_eq!(Seal::default().text("entry", "{}").unwrap(), "{}");
    }

    #[test]
    fn a_key_that_is_none_is_said() {
        for wrong in ["", "aa", &"a".repeat(63), &"g".repeat(64)] {
            assert!(Seal::of(&Secret::new(wrong)).unwrap_err().contains("64 hexadecimal digits"));
        }
        assert!(Seal::of(&Secret::new(format!("{}\n", "a".repeat(64)))).is_ok());
    }
}
