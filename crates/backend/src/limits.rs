//! Wrong codes are limited, per address and altogether; right ones never are, because a test center's candidates share one
//! address. Kept in the database, so that replicas count together.

use adjourn_protocol::sha256;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::store::{Store, Tx, millis};

/// Failures within [`WINDOW`] before the next one is refused: a candidate mistypes twice, a guesser
/// needs 28^8 tries.
const FAILURES: i64 = 10;
/// Of everybody together: a guesser with ten thousand addresses tries 1,000 codes a minute, and needs 28^8 / 2 of them.
const EVERYBODYS: i64 = 1_000;
const EVERYBODY: &str = "everybody";
const WINDOW: Duration = Duration::seconds(60);

/// Whether `address`, or everybody, failed too often lately.
pub(crate) async fn blocked(store: &Store, address: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    for (who, most) in [(address, FAILURES), (EVERYBODY, EVERYBODYS)] {
        let failures: i64 = sqlx::query("SELECT COUNT(*) FROM join_failures WHERE who = $1 AND at > $2 AND at < $3")
            .bind(sha256(who.as_bytes()))
            .bind(millis(now - WINDOW))
            // Of a time when the clock was wrong.
            .bind(millis(now + WINDOW))
            .fetch_one(store.read())
            .await?
            .try_get(0)?;
        if failures >= most {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes a failure of an address. Addresses are kept as hashes, for a minute.
pub(crate) async fn note(store: &Store, address: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    for who in [address, EVERYBODY] {
        sqlx::query("INSERT INTO join_failures (who, at) VALUES ($1, $2)")
            .bind(sha256(who.as_bytes()))
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}

/// Forgets what no longer counts.
pub(crate) async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM join_failures WHERE at <= $1 OR at >= $2")
        .bind(millis(now - WINDOW))
        .bind(millis(now + WINDOW))
        .execute(&mut **tx)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_eleventh_wrong_code_waits_a_minute() {
        let (store, _folder) = Store::temporary().await;
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for _ in 0..FAILURES {
            assert!(!blocked(&store, "10.0.0.1", now).await.unwrap());
            note(&store, "10.0.0.1", now).await.unwrap();
        }
        assert!(blocked(&store, "10.0.0.1", now).await.unwrap());
        assert!(!blocked(&store, "10.0.0.2", now).await.unwrap());
        assert!(!blocked(&store, "10.0.0.1", now + WINDOW).await.unwrap());
        let mut tx = store.write().await.unwrap();
        forget(&mut tx, now + WINDOW).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!blocked(&store, "10.0.0.1", now).await.unwrap());
        // The clock was years ahead for a while.
        for _ in 0..FAILURES {
            note(&store, "10.0.0.1", now + Duration::days(400)).await.unwrap();
        }
        assert!(!blocked(&store, "10.0.0.1", now).await.unwrap());
    }

    #[tokio::test]
    async fn many_addresses_together_are_slowed_down_as_well() {
        let (store, _folder) = Store::temporary().await;
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for n in 0..EVERYBODYS {
            note(&store, &format!("address {n}"), now).await.unwrap();
        }
        assert!(blocked(&store, "somebody new", now).await.unwrap());
        assert!(!blocked(&store, "somebody new", now + WINDOW).await.unwrap());
    }
}
