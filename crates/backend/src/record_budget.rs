//! How much of records may wait for the disk at a time, and when those who find no room may come again.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api_error::ApiError;

/// Bytes of records that wait at most: 6,600 ordinary ones (written in 5 s, and clients wait 8 s), or 16 of the largest.
const WAITING_BYTES: usize = 128 * 1024 * 1024;
/// Records a second that are asked to come again: under a fifth of what one backend writes (docs/scale.md), because
/// new ones come as well, and the machine may be a slower one.
const CALLED_BACK_PER_S: u32 = 400;
/// Nobody is asked to stay away for less or for longer than this.
const CALLED_BACK: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(60);

/// A record's part of the budget, until it is written.
#[derive(Debug)]
pub(crate) struct QueuePermit(OwnedSemaphorePermit);

/// The budget. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RecordBudget {
    bytes: Arc<Semaphore>,
    turns: Arc<Mutex<Turns>>,
}

impl Default for RecordBudget {
    fn default() -> Self {
        let turns = Turns { next: Instant::now() };
        Self { bytes: Arc::new(Semaphore::new(WAITING_BYTES)), turns: Arc::new(Mutex::new(turns)) }
    }
}

impl RecordBudget {
    /// Room for a record of that many bytes among those that wait, or when to come again.
    pub(crate) fn permit(&self, bytes: usize) -> Result<QueuePermit, ApiError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.bytes).try_acquire_many_owned(bytes).map(QueuePermit).map_err(|_| self.put_off())
    }

    /// More of it has arrived.
    pub(crate) fn grow(&self, permit: &mut QueuePermit, bytes: usize) -> Result<(), ApiError> {
        let more = self.permit(bytes)?;
        permit.0.merge(more.0);
        Ok(())
    }

    /// The answer for one that finds no room: when to come again.
    pub(crate) fn put_off(&self) -> ApiError {
        metrics::counter!("adjourn_records_put_off").increment(1);
        ApiError::unavailable().retry_after(self.turns.lock().take(Instant::now()))
    }

    /// Bytes that are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.bytes.available_permits()
    }
}

/// When those who are turned away may come again: one after another, so that they don't meet again.
#[derive(Debug)]
struct Turns {
    next: Instant,
}

impl Turns {
    /// Seconds until the next free turn.
    fn take(&mut self, now: Instant) -> u64 {
        let earliest = now + *CALLED_BACK.start();
        self.next = self.next.max(earliest).min(now + *CALLED_BACK.end())
            + Duration::from_secs(1) / CALLED_BACK_PER_S;
        (self.next - now).as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_turned_away_come_again_one_after_another() {
        let now = Instant::now();
        let mut turns = Turns { next: now };
        let asked: Vec<u64> = (0..CALLED_BACK_PER_S * 100).map(|_| turns.take(now)).collect();
        assert_eq!(asked[0], CALLED_BACK.start().as_secs());
        assert!(asked.is_sorted());
        let in_one_second = asked.iter().filter(|at| **at == 10).count();
        assert_eq!(in_one_second, CALLED_BACK_PER_S as usize);
        assert_eq!(asked.last(), Some(&CALLED_BACK.end().as_secs()));
        // Later the way is free again.
        let later = now + *CALLED_BACK.end() * 2;
        assert_eq!(turns.take(later), CALLED_BACK.start().as_secs());
    }
}
