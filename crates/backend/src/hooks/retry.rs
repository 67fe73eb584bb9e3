//! When something is sent again. Pure: the time and the luck are given.

use std::time::Duration;

/// The first pause is at most so long, and each may be twice as long as the one before.
const FIRST: Duration = Duration::from_secs(5);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);
/// What was tried for so long is given up. Others of the field: ten tries in 8.5 h, five in 40 min, three, one.
pub(crate) const GIVEN_UP: chrono::Duration = chrono::Duration::days(3);
/// Whoever asks to be left alone longer is asked once a day.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3_600);
/// Nothing waits longer than this; the hour is for clocks that differ.
pub(super) const LONGEST_WAIT: chrono::Duration = chrono::Duration::hours(25);
/// A server that was found down so often in a row rests: one event is tried, and the others wait for it to arrive.
pub(super) const RESTS: i64 = 3;
/// A server that rests is tried so often at least.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The pause after a failure: full jitter (<https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter>), or
/// what the server asks for. `tries`: before this one. `luck`: 0 to 1.
pub(super) fn pause(tries: i64, luck: f64, asked: Option<Duration>) -> Duration {
    let doublings = u32::try_from(tries.clamp(0, 30)).unwrap_or(0);
    let most = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    most.mul_f64(luck.clamp(0.0, 1.0)).max(asked.map_or(Duration::ZERO, granted))
}

/// As long as a server is left alone that asks for that.
pub(super) fn granted(asked: Duration) -> Duration {
    asked.min(LONGEST_ASKED)
}

/// How long a server rests that was found down so often in a row.
pub(super) fn rest(failures: i64) -> Option<Duration> {
    // Fewer failures are no number of this kind.
    let more = u32::try_from(failures.saturating_sub(RESTS).min(6)).ok()?;
    Some(Duration::from_secs(1 << more).min(LONGEST_REST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_six_hours_and_the_servers_wish_counts() {
        let most: Vec<u64> = (0..14).map(|tries| pause(tries, 1.0, None).as_secs()).collect();
        assert_eq!(most[..4], [5, 10, 20, 40]);
        assert_eq!(most[13], 6 * 3_600);
        assert_eq!(pause(i64::MAX, 1.0, None), LONGEST);
        assert_eq!(pause(3, 0.0, None), Duration::ZERO);
        assert_eq!(pause(3, 0.5, None), Duration::from_secs(20));
        assert_eq!(pause(0, 0.0, Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(pause(0, 0.0, Some(Duration::MAX)), LONGEST_ASKED);
        // Tried often enough to arrive soon after an outage, and not for ever.
        let half: u64 = (0..30).map(|tries| pause(tries, 0.5, None).as_secs()).sum();
        assert!(half > u64::try_from(GIVEN_UP.num_seconds()).unwrap() / 2, "{half}");
    }

    #[test]
    fn a_server_that_fails_again_and_again_is_tried_once_a_minute() {
        assert_eq!(rest(0), None);
        assert_eq!(rest(RESTS - 1), None);
        assert_eq!(rest(RESTS), Some(Duration::from_secs(1)));
        assert_eq!(rest(RESTS + 4), Some(Duration::from_secs(16)));
        assert_eq!(rest(i64::MAX), Some(LONGEST_REST));
    }
}
