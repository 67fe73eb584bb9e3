//! Bodies of records on their way in: one at a time for each record, no more memory than has arrived, and none that trickles.

use std::time::Duration;

use adjourn_protocol::ProblemCode;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::StreamExt as _;

use crate::api_error::ApiError;
use crate::record_budget::{QueuePermit, RecordBudget};
use crate::shares::{Share, Shares};

/// Nothing of a body for so long: the sender is gone, or wants to hold us up.
const STALLED: Duration = Duration::from_secs(15);
/// From this on a body must have come as fast as [`LEAST_RATE`].
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second, on average. Clients give up below 1,000 (`adjourn-outbox`).
const LEAST_RATE: u64 = 500;
/// What a refused sender still sends is taken for so long, so that the refusal is read.
const DRAINED: Duration = Duration::from_secs(5);

/// The records that are on their way in: each once. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Uploads(Shares);

impl Default for Uploads {
    fn default() -> Self {
        Self(Shares::of(1))
    }
}

impl Uploads {
    /// Begins with a record, until what this gives is dropped. A second sender of the same one comes again later.
    pub(crate) fn begin(&self, record: String) -> Result<Share, ApiError> {
        self.0.take(record).ok_or_else(|| {
            metrics::counter!("adjourn_uploads_side_by_side").increment(1);
            ApiError::unavailable().retry_after(2)
        })
    }
}

/// Reads a body of `largest` bytes at most.
pub(crate) async fn read(
    body: Body,
    largest: usize,
    budget: &RecordBudget,
    permit: &mut QueuePermit,
) -> Result<Bytes, ApiError> {
    let began = tokio::time::Instant::now();
    let mut received = Vec::new();
    let mut stream = body.into_data_stream();
    loop {
        let next = tokio::time::timeout(STALLED, stream.next()).await.map_err(|_| too_slow())?;
        let Some(chunk) = next else { return Ok(received.into()) };
        // Who sent half of it, or in pieces that are none, may well read the answer: it is sent again.
        let chunk = chunk.map_err(|_| broke_off())?;
        if received.len() + chunk.len() > largest {
            return Err(too_large());
        }
        budget.grow(permit, chunk.len())?;
        received.extend_from_slice(&chunk);
        let took = began.elapsed();
        let least = u64::try_from(took.as_millis()).unwrap_or(u64::MAX) / 1_000 * LEAST_RATE;
        if took > GRACE && u64::try_from(received.len()).unwrap_or(u64::MAX) < least {
            return Err(too_slow());
        }
    }
}

/// Takes what a refused sender still sends: who is hung up on while sending may never read why.
pub(crate) async fn drain(body: Body) {
    let rest = body.into_data_stream().for_each(|_| std::future::ready(()));
    // Who goes on for longer reads no answer.
    let _ = tokio::time::timeout(DRAINED, rest).await;
}

pub(crate) fn too_large() -> ApiError {
    ApiError::too_large("The record is larger than 8 MiB.")
}

fn broke_off() -> ApiError {
    metrics::counter!("adjourn_uploads_broken_off").increment(1);
    ApiError::bad_request(ProblemCode::BrokeOff, "The record did not come whole; send it again.")
}

fn too_slow() -> ApiError {
    metrics::counter!("adjourn_uploads_too_slow").increment(1);
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        ProblemCode::TooSlow,
        "The record comes too slowly; send it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_at_a_time_for_each_record() {
        let uploads = Uploads::default();
        let first = uploads.begin("a".to_owned()).unwrap();
        assert!(uploads.begin("a".to_owned()).is_err());
        let _other = uploads.begin("b".to_owned()).unwrap();
        drop(first);
        assert!(uploads.begin("a".to_owned()).is_ok());
    }

    #[tokio::test]
    async fn what_breaks_off_is_to_be_sent_again() {
        let budget = RecordBudget::default();
        let half = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("the connection was reset")),
        ]);
        let refused = read(Body::from_stream(half), 100, &budget, &mut budget.permit(0).unwrap()).await;
        assert_eq!(refused.unwrap_err().code, ProblemCode::BrokeOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_costs_what_has_arrived_and_may_not_trickle() {
        let budget = RecordBudget::default();
        let free = budget.free();
        // A byte every ten seconds; and nothing at all.
        let trickle = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let stalled = futures_util::stream::once(std::future::pending::<Result<Bytes, std::io::Error>>());
        for body in [Body::from_stream(trickle), Body::from_stream(stalled)] {
            let mut permit = budget.permit(0).unwrap();
            assert_eq!(read(body, 100, &budget, &mut permit).await.unwrap_err().code, ProblemCode::TooSlow);
        }
        let mut whole = budget.permit(0).unwrap();
        assert_eq!(read(Body::from("x".repeat(50)), 100, &budget, &mut whole).await.unwrap().len(), 50);
        assert_eq!(budget.free(), free - 50);
        drop(whole);
        let mut large = budget.permit(0).unwrap();
        assert_eq!(
            read(Body::from("x".repeat(101)), 100, &budget, &mut large).await.unwrap_err().code,
            ProblemCode::TooLarge
        );
        drop(large);
        assert_eq!(budget.free(), free);
    }
}
