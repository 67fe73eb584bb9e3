//! Seats of test centers: how they are, as they told last, and what they are told to do.
//!
//! What a seat tells is kept for a day. An order is good for two minutes: a seat that comes back an hour later does not do what was meant
//! for somebody else.

use adjourn_protocol::{GivenOrder, NumberedOrder, SeatOrder, SeatOrders, SeatSeen, SeatStage, SeatState};
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
pub(crate) const GOOD_FOR: Duration = Duration::minutes(2);
/// Orders of a seat that wait at most.
const MOST_ORDERS: i64 = 16;
/// Seats of a center at most: a key that somebody else has fills no disk.
const MOST_SEATS: i64 = 2_000;

/// Takes what a seat tells; gives what it is to do, or nothing if its center has too many. That it holds the interview that it names was
/// proven.
pub(crate) async fn told(
    store: &Store,
    center: &str,
    seat: &str,
    state: &SeatState,
    now: DateTime<Utc>,
) -> Result<Option<SeatOrders>, sqlx::Error> {
    let mut tx = store.write().await?;
    // Of an interview that was erased nothing comes back, nor of one that is none.
    let held = match &state.interview_id {
        // Locked: an erasure comes before or after.
        Some(id) => {
            let lock = sqlx::query("UPDATE interviews SET revision = revision WHERE id = $1").bind(id);
            lock.execute(&mut *tx).await?.rows_affected() > 0
        }
        None => false,
    };
    let nobody = SeatState { interview_id: None, initials: None, ..state.clone() };
    let state = if held { state } else { &nobody };
    let body = serde_json::to_string(state).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let known = sqlx::query(
        "UPDATE seats SET seen_at = $3, interview_id = $4, state = $5, life = $6 WHERE center = $1 AND seat = $2",
    )
    .bind(center)
    .bind(seat)
    .bind(millis(now))
    .bind(&state.interview_id)
    .bind(&body)
    .bind(&state.life)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if known == 0 {
        let row = sqlx::query("SELECT COUNT(*) AS seats FROM seats WHERE center = $1").bind(center);
        if row.fetch_one(&mut *tx).await?.try_get::<i64, _>("seats")? >= MOST_SEATS {
            return Ok(None);
        }
        // Two first words at once: the other one's is as good.
        sqlx::query(
            "INSERT INTO seats (center, seat, seen_at, interview_id, state, life) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (center, seat) DO NOTHING",
        )
        .bind(center)
        .bind(seat)
        .bind(millis(now))
        .bind(&state.interview_id)
        .bind(&body)
        .bind(&state.life)
        .execute(&mut *tx)
        .await?;
    }
    // Done, void, or meant for another life of it.
    sqlx::query(
        "DELETE FROM seat_orders WHERE center = $1 AND seat = $2 AND (id <= $3 OR at < $4 OR life <> $5)",
    )
    .bind(center)
    .bind(seat)
    .bind(state.done)
    .bind(millis(now - GOOD_FOR))
    .bind(&state.life)
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query("SELECT id, body FROM seat_orders WHERE center = $1 AND seat = $2 ORDER BY id")
        .bind(center)
        .bind(seat)
        .fetch_all(&mut *tx)
        .await?;
    let row = sqlx::query("SELECT hold FROM seats WHERE center = $1 AND seat = $2").bind(center).bind(seat);
    let hold = row.fetch_one(&mut *tx).await?.try_get::<i64, _>("hold")? != 0;
    tx.commit().await?;
    let orders = rows.iter().map(|row| {
        Ok(NumberedOrder { id: row.try_get("id")?, given: parsed(&row.try_get::<String, _>("body")?)? })
    });
    Ok(Some(SeatOrders { orders: orders.collect::<Result<_, sqlx::Error>>()?, again_s: TELLS_S, hold }))
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
        "SELECT seat, seen_at, state, hold FROM seats WHERE center = $1 AND seen_at > $2 ORDER BY seat",
    )
    .bind(center)
    .bind(millis(now - KEPT))
    .fetch_all(store.read())
    .await?;
    let mut seats = Vec::with_capacity(rows.len());
    for row in &rows {
        let (seat, seen_at): (String, _) = (row.try_get("seat")?, known_time(row, "seen_at")?);
        match parsed(&row.try_get::<String, _>("state")?) {
            Ok(state) => {
                let (missing, hold) = (now - seen_at > MISSING, row.try_get::<i64, _>("hold")? != 0);
                seats.push(SeatSeen { seat, seen_at, missing, hold, state });
            }
            // Written by a newer server: that one shows it. Whoever asks this one looks for a seat that is not in the list.
            Err(error) => {
                metrics::counter!("adjourn_seats_unreadable").increment(1);
                tracing::warn!(%error, seat, "what a seat told can't be read by this version of the server");
            }
        }
    }
    Ok(seats)
}

/// Whether that seat has proven lately that this interview is held there.
pub(crate) async fn holds(
    store: &Store,
    center: &str,
    seat: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let found = "SELECT 1 FROM seats WHERE center = $1 AND seat = $2 AND interview_id = $3 AND seen_at > $4";
    let found = sqlx::query(found)
        .bind(center)
        .bind(seat)
        .bind(id)
        .bind(millis(now - GOOD_FOR))
        .fetch_optional(store.read())
        .await?;
    Ok(found.is_some())
}

/// Puts a seat on hold, or lets it go on; gives whether there is one of that name.
pub(crate) async fn hold(tx: &mut Tx, center: &str, seat: &str, on: bool) -> Result<bool, sqlx::Error> {
    let hold = "UPDATE seats SET hold = $3 WHERE center = $1 AND seat = $2";
    let held = sqlx::query(hold).bind(center).bind(seat).bind(i64::from(on)).execute(&mut **tx).await?;
    Ok(held.rows_affected() > 0)
}

/// Why an order is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotGiven {
    /// There is no such seat, or it told nothing for a day.
    NoSeat,
    /// Too many wait already.
    TooMany,
    /// Somebody else sits there by now.
    OtherLife,
    /// It does not wait for anybody.
    NotFree,
}

/// Gives an order to a seat; gives its number.
pub(crate) async fn order(
    tx: &mut Tx,
    center: &str,
    seat: &str,
    given: &GivenOrder,
    now: DateTime<Utc>,
) -> Result<Result<i64, NotGiven>, sqlx::Error> {
    let body = serde_json::to_string(given).map_err(|error| sqlx::Error::Encode(error.into()))?;
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
        "SELECT last_order, life, state, (SELECT COUNT(*) FROM seat_orders o WHERE o.center = $1 AND o.seat = $2) AS waiting \
         FROM seats WHERE center = $1 AND seat = $2",
    )
    .bind(center)
    .bind(seat)
    .fetch_one(&mut **tx)
    .await?;
    if row.try_get::<String, _>("life")? != given.life {
        return Ok(Err(NotGiven::OtherLife));
    }
    if matches!(given.order, SeatOrder::Assign { .. })
        && parsed::<SeatState>(&row.try_get::<String, _>("state")?)?.stage != SeatStage::Idle
    {
        return Ok(Err(NotGiven::NotFree));
    }
    if row.try_get::<i64, _>("waiting")? >= MOST_ORDERS {
        return Ok(Err(NotGiven::TooMany));
    }
    // By the clock, and never twice, whichever way the clock goes.
    let id = millis(now).max(row.try_get::<i64, _>("last_order")? + 1);
    sqlx::query("UPDATE seats SET last_order = $3 WHERE center = $1 AND seat = $2")
        .bind(center)
        .bind(seat)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO seat_orders (center, seat, id, at, life, body) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(center)
        .bind(seat)
        .bind(id)
        .bind(millis(now))
        .bind(&given.life)
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
    use adjourn_protocol::{SeatOrder, SeatStage};

    use super::*;

    fn idle(done: i64) -> SeatState {
        SeatState { done, ..SeatState::at(SeatStage::Idle, "first") }
    }

    fn meant(order: &SeatOrder, life: &str) -> GivenOrder {
        GivenOrder { life: life.to_owned(), seen: None, order: order.clone() }
    }

    async fn give(store: &Store, seat: &str, wish: &SeatOrder, now: DateTime<Utc>) -> Result<i64, NotGiven> {
        let mut tx = store.write().await.unwrap();
        let given = order(&mut tx, "c", seat, &meant(wish, "first"), now).await.unwrap();
        tx.commit().await.unwrap();
        given
    }

    #[tokio::test]
    async fn an_order_is_told_until_it_is_done_and_an_old_one_to_nobody() {
        let (store, _folder) = Store::temporary().await;
        let now = crate::store::now();
        assert_eq!(give(&store, "a", &SeatOrder::Renew, now).await, Err(NotGiven::NoSeat));
        assert!(told(&store, "c", "a", &idle(0), now).await.unwrap().unwrap().orders.is_empty());
        let first = give(&store, "a", &SeatOrder::Renew, now).await.unwrap();
        let message = SeatOrder::Message { text: "Five minutes more".to_owned() };
        let second = give(&store, "a", &message, now).await.unwrap();
        assert!(second > first);
        // Another center's seat of the same name is another seat.
        assert!(told(&store, "d", "a", &idle(0), now).await.unwrap().unwrap().orders.is_empty());
        for _ in 0..2 {
            let orders = told(&store, "c", "a", &idle(0), now).await.unwrap().unwrap().orders;
            assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), [first, second]);
        }
        let left = told(&store, "c", "a", &idle(first), now).await.unwrap().unwrap().orders;
        assert_eq!(left, [NumberedOrder { id: second, given: meant(&message, "first") }]);
        let later = now + Duration::minutes(3);
        assert!(
            told(&store, "c", "a", &idle(first), later).await.unwrap().unwrap().orders.is_empty(),
            "it is void"
        );
        // A number is never given again, whatever was forgotten and whichever way the clock goes.
        assert!(give(&store, "a", &SeatOrder::Renew, now - Duration::hours(1)).await.unwrap() > second);
        // What was meant for another life of it is not told, and not taken.
        let other = SeatState { life: "second".to_owned(), ..idle(0) };
        assert!(told(&store, "c", "a", &other, now).await.unwrap().unwrap().orders.is_empty());
        assert_eq!(give(&store, "a", &SeatOrder::Renew, now).await, Err(NotGiven::OtherLife));
        told(&store, "c", "a", &idle(0), later).await.unwrap();
        give(&store, "a", &SeatOrder::Renew, later).await.unwrap();
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
        assert!(!holds(&store, "c", "a", "0123", now).await.unwrap());
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
