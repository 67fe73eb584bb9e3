//! Wrong codes are limited, per address and altogether. Right ones are not, because a test center's candidates share one address;
//! but from an address with many wrong ones no more are looked up than candidates would. Kept in the database, so that replicas
//! count together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use adjourn_protocol::sha256;
use chrono::{DateTime, Duration, Utc};
use parking_lot::Mutex;
use sqlx::Row as _;

use crate::store::{Store, Tx, millis};

/// Failures within [`WINDOW`] before the next one is refused: a candidate mistypes twice, a guesser
/// needs 28^8 tries.
const FAILURES: i64 = 10;
/// Of everybody together: a guesser with ten thousand addresses tries 1,000 codes a minute, and needs 28^8 / 2 of them.
const EVERYBODYS: i64 = 1_000;
const EVERYBODY: &str = "everybody";
const WINDOW: Duration = Duration::seconds(60);

/// Codes a second that may be looked up from an address that is blocked: with ten thousand open interviews a guesser needs three
/// weeks for one. A room full of candidates presses Join within a second or two.
const LOOKUPS: f64 = 20.0;
/// How many are remembered at most.
const REMEMBERED: usize = 10_000;

/// Rooms a second that may be asked for with one code, to try the way there.
const CHECKS: f64 = 2.0;

/// So often a second, for each of many. Clones are the same; each replica has its own.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    a_second: f64,
    known: Arc<Mutex<HashMap<String, (Instant, f64)>>>,
}

impl Pace {
    /// Of codes that an address may have looked up which failed often.
    pub(crate) fn of_lookups() -> Self {
        Self { a_second: LOOKUPS, known: Arc::default() }
    }

    /// Of rooms in which the way to an interview is tried.
    pub(crate) fn of_checks() -> Self {
        Self { a_second: CHECKS, known: Arc::default() }
    }

    /// Whether it may be once more now, for this one.
    pub(crate) fn may(&self, address: &str, now: Instant) -> bool {
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            known.retain(|_, (at, _)| now.duration_since(*at).as_secs() < 1);
        }
        let (at, left) = known.entry(address.to_owned()).or_insert((now, self.a_second));
        *left = (*left + now.duration_since(*at).as_secs_f64() * self.a_second).min(self.a_second);
        *at = now;
        let may = *left >= 1.0;
        if may {
            *left -= 1.0;
        }
        may
    }
}

/// The wrong codes that came lately, and from where: the same one a second time is the same mistake, as a client first asks for a room to
/// try and then joins. Who guesses gains nothing by it. Clones are the same; each replica has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes(Arc<Mutex<HashMap<Mistake, Made>>>);

/// From where, and the code's hash.
type Mistake = (String, String);

/// When it was made first, and whether it was made once more.
type Made = (Instant, bool);

impl Mistakes {
    /// Whether that code from that address is another mistake: the first, the third and every further time within a minute.
    pub(crate) fn is_new(&self, address: &str, code_hash: &str, now: Instant) -> bool {
        let recent = |at: Instant| now.duration_since(at).as_secs() < WINDOW.num_seconds().unsigned_abs();
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.retain(|_, (at, _)| recent(*at));
        }
        if known.len() >= REMEMBERED {
            // Somebody guesses a lot: every one counts.
            return true;
        }
        let mistake = (address.to_owned(), code_hash.to_owned());
        match known.get_mut(&mistake).filter(|(at, _)| recent(*at)) {
            Some((_, again)) => std::mem::replace(again, true),
            None => {
                known.insert(mistake, (now, false));
                true
            }
        }
    }
}

/// Whether `address`, or everybody, failed too often lately.
pub(crate) async fn blocked(store: &Store, address: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(
        "SELECT COUNT(CASE WHEN who = $1 THEN 1 END), COUNT(CASE WHEN who = $2 THEN 1 END)
         FROM join_failures WHERE who IN ($1, $2) AND at > $3 AND at < $4",
    )
    .bind(sha256(address.as_bytes()))
    .bind(sha256(EVERYBODY.as_bytes()))
    .bind(millis(now - WINDOW))
    // Of a time when the clock was wrong.
    .bind(millis(now + WINDOW))
    .fetch_one(store.read())
    .await?;
    let (of_one, of_all): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(of_one > FAILURES || of_all > EVERYBODYS)
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
        for _ in 0..=FAILURES {
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
        for _ in 0..=FAILURES {
            note(&store, "10.0.0.1", now + Duration::days(400)).await.unwrap();
        }
        assert!(!blocked(&store, "10.0.0.1", now).await.unwrap());
    }

    #[test]
    fn a_guesser_is_slowed_down_and_a_room_full_of_candidates_is_not() {
        let (lookups, now) = (Pace::of_lookups(), Instant::now());
        let tried = |who: &str, now: Instant| (0..1_000).filter(|_| lookups.may(who, now)).count();
        assert_eq!(tried("guesser", now), 20);
        assert_eq!(tried("guesser", now + std::time::Duration::from_millis(500)), 10, "twenty a second");
        assert_eq!(
            tried("guesser", now + std::time::Duration::from_secs(60)),
            20,
            "what was not used is lost"
        );
        assert!((0..20).all(|_| lookups.may("test center", now)));
    }

    #[tokio::test]
    async fn many_addresses_together_are_slowed_down_as_well() {
        let (store, _folder) = Store::temporary().await;
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for n in 0..=EVERYBODYS {
            note(&store, &format!("address {n}"), now).await.unwrap();
        }
        assert!(blocked(&store, "somebody new", now).await.unwrap());
        assert!(!blocked(&store, "somebody new", now + WINDOW).await.unwrap());
    }

    #[test]
    fn the_same_wrong_code_again_is_the_same_mistake() {
        let (mistakes, now) = (Mistakes::default(), Instant::now());
        let is_new = |address: &str, code: &str| mistakes.is_new(address, code, now);
        assert!(is_new("a", "1") && !is_new("a", "1"));
        assert!(is_new("a", "1") && is_new("a", "1"), "a third time is no client");
        assert!(is_new("a", "2") && is_new("b", "1"));
        let later = now + std::time::Duration::from_secs(60);
        assert!(mistakes.is_new("a", "2", later), "a minute later it is another mistake");
        for n in 0..REMEMBERED {
            is_new("guesser", &n.to_string());
        }
        assert!(is_new("a", "1"), "beyond what is remembered every one counts");
    }
}
