//! Candidates' codes: how they are drawn, and how they are kept. Eight letters can be tried out by anybody who has their plain
//! hashes, so they are kept as hashes with a key. The key is this installation's; with `ADJOURN_CODE_KEY` a part of it is not in
//! the database, and a copy of the database opens nothing.

use adjourn_protocol::{Secret, sha256};
use anyhow::Context as _;
use aws_lc_rs::hmac;
use sqlx::Row as _;

use crate::store::{Store, random};

/// Letters of a code: no vowels, no look-alikes.
const LETTERS: &[u8; 28] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
/// Bytes at and above are drawn again, so that every letter is as likely: the largest multiple of 28 below 256.
const FAIR: u8 = 252;
/// Before a keyed hash; what has no such mark is a plain one, of an earlier version.
const KEYED: &str = "k1:";
/// Name of the key's part that is in the database.
const PART: &str = "codes";
/// Name of what tells whether the whole key is the right one.
const CHECK: &str = "codes check";

/// What turns codes into what is kept of them.
#[derive(Clone)]
pub struct Codes(hmac::Key);

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Codes(***)")
    }
}

impl Codes {
    /// The codes of this installation; `own` is the part of the key that is not in the database. What an earlier version
    /// kept as plain hashes is given the key.
    ///
    /// # Errors
    /// The codes in the database were made with another `own`; the database failed.
    pub async fn of(store: &Store, own: Option<&Secret>) -> anyhow::Result<Self> {
        let part = hmac::Key::new(hmac::HMAC_SHA256, &store.secret(PART).await?);
        let own = own.map_or("", Secret::expose);
        let codes = Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&part, own.as_bytes()).as_ref()));
        let check = hmac::sign(&codes.0, CHECK.as_bytes());
        let first = store.secret_or(CHECK, check.as_ref()).await?;
        anyhow::ensure!(
            first == check.as_ref(),
            "ADJOURN_CODE_KEY is not the one that this database's codes were made with; set that one (or none, if there was none)"
        );
        codes.mark_plain_ones(store).await?;
        Ok(codes)
    }

    /// What is kept of a code.
    pub(crate) fn kept(&self, code: &str) -> String {
        self.marked(&sha256(code.as_bytes()))
    }

    fn marked(&self, plain: &str) -> String {
        format!("{KEYED}{}", hex::encode(hmac::sign(&self.0, plain.as_bytes())))
    }

    /// Gives the key to what an earlier version kept without one. Another process that does it writes the same.
    async fn mark_plain_ones(&self, store: &Store) -> anyhow::Result<()> {
        let mut tx = store.write().await?;
        for (read, write) in [
            (
                "SELECT code_hash FROM codes WHERE code_hash NOT LIKE 'k1:%'",
                "UPDATE codes SET code_hash = $1 WHERE code_hash = $2",
            ),
            (
                "SELECT code_hash FROM interviews WHERE code_hash NOT LIKE 'k1:%'",
                "UPDATE interviews SET code_hash = $1 WHERE code_hash = $2",
            ),
        ] {
            for row in sqlx::query(read).fetch_all(&mut *tx).await? {
                let plain: String = row.try_get("code_hash")?;
                sqlx::query(write).bind(self.marked(&plain)).bind(&plain).execute(&mut *tx).await?;
            }
        }
        tx.commit().await.context("the codes could not be given their key")
    }
}

/// A code of eight letters, each as likely as the others.
pub(crate) fn draw() -> anyhow::Result<String> {
    let mut code = String::with_capacity(9);
    while code.len() < 9 {
        let [byte] = random()?;
        if byte >= FAIR {
            continue;
        }
        if code.len() == 4 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_readable_and_differ() {
        let (a, b) = (draw().unwrap(), draw().unwrap());
        assert_ne!(a, b);
        assert!(a.len() == 9 && a.chars().nth(4) == Some('-'));
        assert!(a.bytes().filter(|b| *b != b'-').all(|b| LETTERS.contains(&b)), "{a}");
    }

    #[tokio::test]
    async fn what_is_kept_needs_the_key_and_plain_ones_get_it() {
        let (store, _folder) = Store::temporary().await;
        let mut tx = store.write().await.unwrap();
        let plain = sha256(b"K7QF-9M2X");
        sqlx::query(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at)
             VALUES ('i', 't', 'en', 30, 0, 0, '{}', $1, 0)",
        )
        .bind(&plain)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query("INSERT INTO codes (code_hash, interview_id, attempt) VALUES ($1, 'i', 1)")
            .bind(&plain)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let own = Secret::new("a-part-of-our-own".to_owned());
        let codes = Codes::of(&store, Some(&own)).await.unwrap();
        for table in ["SELECT code_hash FROM codes", "SELECT code_hash FROM interviews"] {
            let kept: String =
                sqlx::query(table).fetch_one(store.read()).await.unwrap().try_get("code_hash").unwrap();
            assert_eq!(kept, codes.kept("K7QF-9M2X"));
            assert!(!kept.contains(&plain));
        }
        // The same again, and not with another key.
        let again = Codes::of(&store, Some(&own)).await.unwrap();
        assert_eq!(again.kept("K7QF-9M2X"), codes.kept("K7QF-9M2X"));
        for other in [None, Some(Secret::new("another-key-of-ours".to_owned()))] {
            let said = Codes::of(&store, other.as_ref()).await.unwrap_err().to_string();
            assert!(said.starts_with("ADJOURN_CODE_KEY is not the one"), "{said}");
        }
    }
}
