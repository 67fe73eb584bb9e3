//! Keys of policies: Ed25519, a pair of their own that signs nothing else.

use adjourn_protocol::{Secret, sha256};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, EncodingKey};

/// Why a key is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The computer makes no key.
    #[error("no key can be made on this computer")]
    NotMade,
    /// What should be the private half.
    #[error("this is no key of policies: give the file that `adjourn-backend kiosk-key` wrote")]
    Private,
    /// What should be the public half.
    #[error(
        "these are no public keys of policies: give the answer of `adjourn-backend kiosk-key` (a JWK set)"
    )]
    Public,
}

/// The private half: whoever has it decides what every seat does.
pub struct PolicyKey {
    pkcs8: Secret,
    /// Its name: the beginning of the public half's digest.
    pub(crate) id: String,
    public: String,
    pub(crate) signing: EncodingKey,
}

impl std::fmt::Debug for PolicyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PolicyKey {
    /// A new one.
    ///
    /// # Errors
    /// The computer makes none.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NotMade)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::NotMade)?;
        Self::of(pkcs8.as_ref())
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// It is no such key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::of(&STANDARD.decode(plain(text)).map_err(|_| KeyError::Private)?)
    }

    fn of(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Private)?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let id = sha256(public.as_bytes())[..16].to_owned();
        let signing = EncodingKey::from_ed_der(pkcs8);
        Ok(Self { pkcs8: Secret::new(STANDARD.encode(pkcs8)), id, public, signing })
    }

    /// The key as it is kept: PKCS #8 in base64, a line.
    pub fn to_text(&self) -> Secret {
        self.pkcs8.clone()
    }

    /// The public half, for seats: a JWK set of one.
    pub fn public(&self) -> PolicyKeys {
        let jwk = serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": self.public}
        ]});
        // A set of our own making can be read.
        PolicyKeys {
            json: jwk.to_string(),
            keys: serde_json::from_value(jwk).unwrap_or(JwkSet { keys: Vec::new() }),
        }
    }
}

/// Public halves: which keys may sign a seat's policy.
#[derive(Clone, Debug)]
pub struct PolicyKeys {
    json: String,
    keys: JwkSet,
}

impl PolicyKeys {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// It is none, or an empty one.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let keys: JwkSet = serde_json::from_str(plain(json)).map_err(|_| KeyError::Public)?;
        if keys.keys.is_empty() {
            return Err(KeyError::Public);
        }
        Ok(Self { json: plain(json).to_owned(), keys })
    }

    /// As a JWK set.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    pub(crate) fn find(&self, id: &str) -> Option<DecodingKey> {
        DecodingKey::from_jwk(self.keys.find(id)?).ok()
    }
}

/// A file's text without what editors put around it.
pub(crate) fn plain(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_shown() {
        let key = PolicyKey::generate().unwrap();
        let again = PolicyKey::parse(key.to_text().expose()).unwrap();
        assert_eq!((&key.id, key.public().as_json()), (&again.id, again.public().as_json()));
        assert!(!format!("{key:?} {:?}", key.to_text()).contains(key.to_text().expose()));
        assert!(PolicyKeys::parse(key.public().as_json()).unwrap().find(&key.id).is_some());
        for nonsense in ["", "a key", "AAAA", key.public().as_json()] {
            assert_eq!(PolicyKey::parse(nonsense).unwrap_err(), KeyError::Private, "{nonsense}");
        }
        for nonsense in ["", "{}", r#"{"keys": []}"#, key.to_text().expose()] {
            assert_eq!(PolicyKeys::parse(nonsense).unwrap_err(), KeyError::Public, "{nonsense}");
        }
    }
}
