//! Seats of test centers: how they are, as they told last, and what they are told to do.
//!
//! What a seat tells is kept for a day. An order is good for two minutes: a seat that comes back an hour later does not do what was meant
//! for somebody else.

use adjourn_protocol::{NumberedOrder, SeatOrder, SeatOrders, SeatSeen, SeatState};
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::store::{Store, Tx, known_time, millis};

/// A seat tells how it is at least so often, in seconds.
pub(crate) const TELLS_S: u32 = 5;
/// One that told nothing for so long is missing: two of its words were lost, and a third is late.
const MISSING: Duration = Duration::seconds(14);
/// What a seat told, and what it was told, is kept for so long.
const KEPT: Duration = Duration::days(1);
/// An order that was not taken by then is void.
const GOOD_FOR: Duration = Duration::minutes(2);
/// Orders of a seat that wait at most.
const MOST_ORDERS: i64 = 16;

/// Takes what a seat tells; gives what it is to do.
pub(crate) async fn told(
    store: &Store,
    center: &str,
    seat: &str,
    state: &SeatState,
    now: DateTime<Utc>,
) -> Result<SeatOrders, sqlx::Error> {
    let mut tx = store.write().await?;
    // Of an interview that was erased nothing comes back, nor of one that is none.
    let held = match &state.interview_id {
        Some(id) => {
            sqlx::query("SELECT 1 FROM interviews WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?
        }
        None => None,
    };
    let nobody = SeatState { interview_id: None, initials: None, ..state.clone() };
    let state = if held.is_some() { state } else { &nobody };
    let body = serde_json::to_string(state).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO seats (center, seat, seen_at, interview_id, state) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (center, seat) DO UPDATE SET seen_at = excluded.seen_at, interview_id = excluded.interview_id, \
         state = excluded.state",
    )
    .bind(center)
    .bind(seat)
    .bind(millis(now))
    .bind(&state.interview_id)
    .bind(body)
    .execute(&mut *tx)
    .await?;
    // Done, or void.
    sqlx::query("DELETE FROM seat_orders WHERE center = $1 AND seat = $2 AND (id <= $3 OR at < $4)")
        .bind(center)
        .bind(seat)
        .bind(state.done)
        .bind(millis(now - GOOD_FOR))
        .execute(&mut *tx)
        .await?;
    let rows = sqlx::query("SELECT id, body FROM seat_orders WHERE center = $1 AND seat = $2 ORDER BY id")
        .bind(center)
        .bind(seat)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    let orders = rows.iter().map(|row| {
        Ok(NumberedOrder { id: row.try_get("id")?, order: parsed(&row.try_get::<String, _>("body")?)? })
    });
    Ok(SeatOrders { orders: orders.collect::<Result<_, sqlx::Error>>()?, again_s: TELLS_S })
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Seats of a center by their names, as they told last.
pub(crate) async fn of_center(
    store: &Store,
    center: &str,
    now: DateTime<Utc>,
) -> Result<Vec<SeatSeen>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT seat, seen_at, state FROM seats WHERE center = $1 AND seen_at > $2 ORDER BY seat",
    )
    .bind(center)
    .bind(millis(now - KEPT))
    .fetch_all(store.read())
    .await?;
    rows.iter()
        .map(|row| {
            let seen_at = known_time(row, "seen_at")?;
            let missing = now - seen_at > MISSING;
            Ok(SeatSeen {
                seat: row.try_get("seat")?,
                seen_at,
                missing,
                state: parsed(&row.try_get::<String, _>("state")?)?,
            })
        })
        .collect()
}

/// Whether that seat said that this interview is held there.
pub(crate) async fn holds(store: &Store, center: &str, seat: &str, id: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM seats WHERE center = $1 AND seat = $2 AND interview_id = $3")
        .bind(center)
        .bind(seat)
        .bind(id)
        .fetch_optional(store.read())
        .await?;
    Ok(found.is_some())
}

/// Why an order is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotGiven {
    /// There is no such seat, or it told nothing for a day.
    NoSeat,
    /// Too many wait already.
    TooMany,
}

/// Gives an order to a seat; gives its number.
pub(crate) async fn order(
    tx: &mut Tx,
    center: &str,
    seat: &str,
    order: &SeatOrder,
    now: DateTime<Utc>,
) -> Result<Result<i64, NotGiven>, sqlx::Error> {
    let body = serde_json::to_string(order).map_err(|error| sqlx::Error::Encode(error.into()))?;
    // Locks the seat's row: one order at a time.
    let known =
        sqlx::query("UPDATE seats SET seen_at = seen_at WHERE center = $1 AND seat = $2 AND seen_at > $3")
            .bind(center)
            .bind(seat)
            .bind(millis(now - KEPT))
            .execute(&mut **tx)
            .await?
            .rows_affected();
    if known == 0 {
        return Ok(Err(NotGiven::NoSeat));
    }
    let row = sqlx::query(
        "SELECT COUNT(*) AS waiting, COALESCE(MAX(id), 0) AS newest FROM seat_orders WHERE center = $1 AND seat = $2",
    )
    .bind(center)
    .bind(seat)
    .fetch_one(&mut **tx)
    .await?;
    let (waiting, newest): (i64, i64) = (row.try_get("waiting")?, row.try_get("newest")?);
    if waiting >= MOST_ORDERS {
        return Ok(Err(NotGiven::TooMany));
    }
    // By the clock, so that a number is larger than that of an order that was done and forgotten.
    let id = millis(now).max(newest + 1);
    sqlx::query("INSERT INTO seat_orders (center, seat, id, at, body) VALUES ($1, $2, $3, $4, $5)")
        .bind(center)
        .bind(seat)
        .bind(id)
        .bind(millis(now))
        .bind(body)
        .execute(&mut **tx)
        .await?;
    Ok(Ok(id))
}

/// Forgets seats that told nothing for a day, with whoever sat there.
pub(crate) async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for delete in ["DELETE FROM seats WHERE seen_at < $1", "DELETE FROM seat_orders WHERE at < $1"] {
        sqlx::query(delete).bind(millis(now - KEPT)).execute(&mut **tx).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use adjourn_protocol::{LockLevel, SeatStage};

    use super::*;

    fn idle(done: i64) -> SeatState {
        SeatState {
            stage: SeatStage::Idle,
            interview_id: None,
            initials: None,
            trouble: None,
            lock: LockLevel::Enforced,
            weak: Vec::new(),
            help: false,
            undelivered: false,
            microphone: None,
            loudspeaker: None,
            round_trip_ms: None,
            version: "1.0.0".to_owned(),
            done,
        }
    }

    async fn give(store: &Store, seat: &str, wish: &SeatOrder, now: DateTime<Utc>) -> Result<i64, NotGiven> {
        let mut tx = store.write().await.unwrap();
        let given = order(&mut tx, "c", seat, wish, now).await.unwrap();
        tx.commit().await.unwrap();
        given
    }

    #[tokio::test]
    async fn an_order_is_told_until_it_is_done_and_an_old_one_to_nobody() {
        let (store, _folder) = Store::temporary().await;
        let now = crate::store::now();
        assert_eq!(give(&store, "a", &SeatOrder::Renew, now).await, Err(NotGiven::NoSeat));
        assert!(told(&store, "c", "a", &idle(0), now).await.unwrap().orders.is_empty());
        let first = give(&store, "a", &SeatOrder::Renew, now).await.unwrap();
        let message = SeatOrder::Message { text: "Five minutes more".to_owned() };
        let second = give(&store, "a", &message, now).await.unwrap();
        assert!(second > first);
        // Another center's seat of the same name is another seat.
        assert!(told(&store, "d", "a", &idle(0), now).await.unwrap().orders.is_empty());
        for _ in 0..2 {
            let orders = told(&store, "c", "a", &idle(0), now).await.unwrap().orders;
            assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), [first, second]);
        }
        let left = told(&store, "c", "a", &idle(first), now).await.unwrap().orders;
        assert_eq!(left, [NumberedOrder { id: second, order: message }]);
        let later = now + Duration::minutes(3);
        assert!(told(&store, "c", "a", &idle(first), later).await.unwrap().orders.is_empty(), "it is void");
        // A number is never given again, whatever was forgotten.
        assert!(give(&store, "a", &SeatOrder::Renew, later).await.unwrap() > second);
        for _ in 1..MOST_ORDERS {
            give(&store, "a", &SeatOrder::Renew, later).await.unwrap();
        }
        assert_eq!(give(&store, "a", &SeatOrder::Renew, later).await, Err(NotGiven::TooMany));
    }

    #[tokio::test]
    async fn of_an_interview_that_is_not_there_a_seat_tells_nothing() {
        let (store, _folder) = Store::temporary().await;
        let now = crate::store::now();
        let gone = Some("0123".to_owned());
        let state = SeatState { interview_id: gone, initials: Some("AL".to_owned()), ..idle(0) };
        told(&store, "c", "a", &state, now).await.unwrap();
        let seats = of_center(&store, "c", now).await.unwrap();
        assert_eq!((&seats[0].state.interview_id, &seats[0].state.initials), (&None, &None));
        assert!(!holds(&store, "c", "a", "0123").await.unwrap());
    }

    #[tokio::test]
    async fn a_seat_that_tells_nothing_is_missing_and_after_a_day_forgotten() {
        let (store, _folder) = Store::temporary().await;
        let now = crate::store::now();
        told(&store, "c", "b", &idle(0), now).await.unwrap();
        told(&store, "c", "a", &idle(0), now - Duration::seconds(15)).await.unwrap();
        told(&store, "other", "z", &idle(0), now).await.unwrap();
        let seats = of_center(&store, "c", now).await.unwrap();
        let shown: Vec<_> = seats.iter().map(|seen| (seen.seat.as_str(), seen.missing)).collect();
        assert_eq!(shown, [("a", true), ("b", false)]);
        let tomorrow = now + Duration::hours(25);
        assert!(of_center(&store, "c", tomorrow).await.unwrap().is_empty());
        let mut tx = store.write().await.unwrap();
        forget(&mut tx, tomorrow).await.unwrap();
        tx.commit().await.unwrap();
        assert!(of_center(&store, "c", now).await.unwrap().is_empty());
    }
}
