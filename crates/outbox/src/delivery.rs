//! Sending what waits, again and again, until a verified receipt is on disk.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use crate::store::millis;
use crate::{Backend, BackendError, Granted, Outbox, OutboxError, Pending, Receipt, verify};
use adjourn_protocol::{ClientInfo, InviteLink, JoinAnswer, JoinRequest, Secret, Source};

/// First pause after a failed try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Each pause may be so many times as long as the one before. Threefold the pauses are at their longest after 5 tries,
/// twofold after 7: a backend that comes back meets fewer tries at once (docs/decisions/0011).
const GROWTH: u32 = 3;
/// Longest pause: a backend that comes back is noticed within a minute.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// A server that asks for a longer absence is asked again after this all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// The longest pause that [`pause`] gives, and a little.
const LONGEST_WAIT: Duration = Duration::from_secs(605);

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Receipt verified.
    Delivered {
        /// The receipt.
        receipt: Receipt,
    },
    /// Later again.
    Later {
        /// Why, in one sentence.
        reason: String,
        /// The server asked to stay away for so long.
        after: Option<Duration>,
    },
    /// Never; the record stays where it is.
    Parked {
        /// Why.
        error: BackendError,
    },
}

/// A try and its record.
#[derive(Clone, Debug)]
pub struct DeliveryEvent {
    /// Whose record.
    pub join_id: Secret,
    /// What it came to.
    pub attempt: DeliveryOutcome,
}

impl Outbox {
    /// Tries everything that is due at `now`, which is the time of this call. `jitter` is random in 0..1 (full jitter: a test center's
    /// clients must not come back all at once). `tell` hears of each try once its result is written down: a reader who
    /// closes the window at the word "received" must not find the record waiting at the next start. If the disk does
    /// not take it, it is told all the same; the record is sent again later, and the same receipt comes.
    ///
    /// # Errors
    /// The database failed, for one of them at least: each was tried all the same, and rests as long as otherwise.
    pub async fn deliver_due(
        &self,
        client: &ClientInfo,
        now: DateTime<Utc>,
        jitter: f64,
        tell: &(dyn Fn(DeliveryEvent) -> BoxFuture<'static, ()> + Send + Sync),
    ) -> Result<(), OutboxError> {
        let mut failed = None;
        let began = Instant::now();
        for pending in self.pending().await? {
            let join_id = &pending.join.join_id;
            let resting = self.resting.lock().get(join_id.expose()).copied().unwrap_or_default();
            if !due(pending.next_try.max(resting), now) {
                continue;
            }
            let span = tracing::info_span!(
                "delivery",
                interview_id = %pending.granted.interview_id,
                attempt = pending.granted.attempt
            );
            let sent = send(&pending.join.link, join_id, &pending.granted, client, &pending.body)
                .instrument(span.clone())
                .await;
            let attempt = sent.attempt;
            // A pause begins with the answer, however long that took, and those before it.
            let now = now + began.elapsed();
            let pause = match &attempt {
                DeliveryOutcome::Later { after, .. } => pause(pending.tries, *after, jitter),
                // If that can't be written down it is sent again, but not at once.
                DeliveryOutcome::Delivered { .. } | DeliveryOutcome::Parked { .. } => LONGEST_PAUSE,
            };
            let next = millis(now) + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            self.resting.lock().insert(join_id.expose().to_owned(), next);
            if let Err(error) = self.write_down(&pending, &attempt, sent.renewed, next, now).await {
                failed.get_or_insert(error);
            }
            if pending.had_receipt && !matches!(attempt, DeliveryOutcome::Delivered { .. }) {
                // It was received once, and that stays true for who delivered it.
                span.in_scope(|| {
                    tracing::warn!(?attempt, "what the server lost could not be given to it again")
                });
                continue;
            }
            let told = span.in_scope(|| tell(DeliveryEvent { join_id: join_id.clone(), attempt }));
            told.await;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn write_down(
        &self,
        pending: &Pending,
        attempt: &DeliveryOutcome,
        renewed: Option<Renewed>,
        next: i64,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        let join_id = &pending.join.join_id;
        if let Some(renewed) = renewed {
            self.renew(join_id, &renewed).await?;
        }
        match attempt {
            DeliveryOutcome::Delivered { receipt } => self.delivered(join_id, receipt, now).await,
            DeliveryOutcome::Parked { error } => {
                let erased = matches!(error, BackendError::Erased(_)).then_some(now);
                self.parked(join_id, &error.to_string(), erased).await
            }
            DeliveryOutcome::Later { reason, .. } => self.failed_try(join_id, next, reason).await,
        }
    }

    /// Asks the servers whether they still have what they gave receipts for, as far as it is kept here; what one of them
    /// does not have (its database was restored from an older copy) waits to be delivered again, and a receipt that it had to sign
    /// anew (its key was stolen) takes the place of the old one. A server that does not answer is asked another time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ask_again(&self, client: &ClientInfo) -> Result<Asked, OutboxError> {
        let mut asked = Asked::default();
        let mut silent = std::collections::HashSet::new();
        for (join, granted) in self.kept_and_delivered().await? {
            if silent.contains(&join.link.server) {
                continue;
            }
            let found = still_there(&join.link, &join.join_id, &granted, client).await;
            let Found { receipt, renewed } = match found {
                Ok(found) => found,
                // It knows nothing of this one interview, and says so: that may be different with the next one.
                Err(error) if !error.retryable() => {
                    tracing::info!(%error, "a server has nothing to say of what it received");
                    continue;
                }
                Err(error) => {
                    tracing::info!(%error, "a server can't be asked what it has");
                    asked.silent += 1;
                    silent.insert(join.link.server);
                    continue;
                }
            };
            if let Some(renewed) = renewed {
                self.renew(&join.join_id, &renewed).await?;
            }
            match receipt {
                Some(receipt) => self.signed_anew(&join.join_id, &receipt).await?,
                None => {
                    self.again(&join.join_id).await?;
                    asked.lost += 1;
                }
            }
        }
        Ok(asked)
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Records that wait to be delivered again.
    pub lost: usize,
    /// Servers that could not be asked.
    pub silent: usize,
}

/// A try to deliver.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What it came to.
    pub attempt: DeliveryOutcome,
    /// What was granted on the way, because the backend did not take the old token any more.
    pub renewed: Option<Renewed>,
}

/// What joining again gives when nothing is left but to deliver.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// For uploads.
    pub client_token: Secret,
    /// Keys of receipts (a JWK set): others, if the earlier ones were revoked.
    pub receipt_keys: serde_json::Value,
}

impl Renewed {
    /// Of the attempt that was granted before. Another one is of no use: the record is of that one.
    fn of(granted: &Granted, answer: JoinAnswer) -> Result<Self, BackendError> {
        let (id, attempt) = (&answer.interview.id, answer.interview.attempt);
        if (id, attempt) != (&granted.interview_id, granted.attempt) {
            let which = format!("it says that this is attempt {attempt}, and not {}", granted.attempt);
            return Err(BackendError::Refused(which));
        }
        Ok(Self { client_token: answer.client_token, receipt_keys: answer.receipt_keys })
    }
}

impl Granted {
    /// Takes over what was renewed.
    pub fn renew(&mut self, renewed: Renewed) {
        self.client_token = renewed.client_token;
        self.receipt_keys = renewed.receipt_keys;
    }
}

/// Sends a record once: `body` of the join `join_id` that was `granted` by the backend of `link`. A token that is too
/// old is renewed by joining again. Never fails otherwise than by its [`DeliveryOutcome`]: a receipt that proves nothing is
/// [`DeliveryOutcome::Later`].
pub async fn send(
    link: &InviteLink,
    join_id: &Secret,
    granted: &Granted,
    client: &ClientInfo,
    body: &[u8],
) -> Sent {
    let mut renewed = None;
    let attempt = match exchange(link, join_id, granted, client, body, &mut renewed).await {
        Ok(jws) => {
            let keys =
                renewed.as_ref().map_or(&granted.receipt_keys, |renewed: &Renewed| &renewed.receipt_keys);
            checked(&jws, granted, keys, body)
        }
        Err(error) if error.is_about_these_bytes() => DeliveryOutcome::Parked { error },
        // Also a server that knows nothing of a code which it granted a join for: it runs on another database, or on an older one,
        // and somebody will notice that.
        Err(error) => DeliveryOutcome::Later { reason: error.to_string(), after: error.retry_after() },
    };
    Sent { attempt, renewed }
}

async fn exchange(
    link: &InviteLink,
    join_id: &Secret,
    granted: &Granted,
    client: &ClientInfo,
    body: &[u8],
    renewed: &mut Option<Renewed>,
) -> Result<String, BackendError> {
    let backend = Backend::new(&link.server)?;
    let (id, attempt) = (&granted.interview_id, granted.attempt);
    let first = backend.deliver(id, attempt, &granted.client_token, body.to_vec()).await;
    // It may know nothing of this join, or not any more: joining again, it does.
    if !matches!(first, Err(BackendError::Unauthorised | BackendError::NoSuch { .. })) {
        return first;
    }
    let token = &renewed.insert(joined(&backend, link, join_id, granted, client).await?).client_token;
    backend.deliver(id, attempt, token, body.to_vec()).await
}

/// Joins again, for the token and the keys alone.
async fn joined(
    backend: &Backend,
    link: &InviteLink,
    join_id: &Secret,
    granted: &Granted,
    client: &ClientInfo,
) -> Result<Renewed, BackendError> {
    let request = JoinRequest { uploads_only: true, ..JoinRequest::new(&link.code, join_id, client) };
    Renewed::of(granted, backend.join(&request).await?)
}

/// What a server has of a record that it gave a receipt for.
struct Found {
    /// The receipt, checked; `None`: it has no such record.
    receipt: Option<Receipt>,
    /// What was renewed to ask.
    renewed: Option<Renewed>,
}

async fn still_there(
    link: &InviteLink,
    join_id: &Secret,
    granted: &Granted,
    client: &ClientInfo,
) -> Result<Found, BackendError> {
    let backend = Backend::new(&link.server)?;
    let (id, attempt) = (&granted.interview_id, granted.attempt);
    match backend.receipt(id, attempt, &granted.client_token).await {
        Ok(None) => return Ok(Found { receipt: None, renewed: None }),
        Ok(Some(jws)) => {
            if let Ok(receipt) = verify(&jws, &granted.receipt_keys) {
                return Ok(Found { receipt: Some(receipt), renewed: None });
            }
        }
        Err(BackendError::Unauthorised) => {}
        Err(error) => return Err(error),
    }
    // Its tokens or its keys are others now.
    let renewed = joined(&backend, link, join_id, granted, client).await?;
    let stored = backend.receipt(id, attempt, &renewed.client_token).await?;
    let receipt = stored.map(|jws| verify(&jws, &renewed.receipt_keys)).transpose();
    let receipt = receipt.map_err(|e| BackendError::Refused(format!("its receipt is not valid: {e}")))?;
    Ok(Found { receipt, renewed: Some(renewed) })
}

/// What the backend's answer is worth.
fn checked(jws: &str, granted: &Granted, keys: &serde_json::Value, body: &[u8]) -> DeliveryOutcome {
    // The backend has it, and we don't know yet.
    fail::fail_point!("posted");
    // A receipt that proves nothing is none: say "not received" and ask again.
    let verified = verify(jws, keys).and_then(|receipt| {
        receipt.matches(&granted.interview_id, granted.attempt, &Source::Client, body).map(|()| receipt)
    });
    match verified {
        Ok(receipt) => DeliveryOutcome::Delivered { receipt },
        Err(error) => {
            tracing::warn!(%error, "the backend's receipt was refused");
            let reason = format!("the interview server's receipt is not valid: {error}");
            DeliveryOutcome::Later { reason, after: None }
        }
    }
}

/// Whether what was to be tried at `next` (milliseconds since 1970) is tried now. No pause is longer than
/// [`LONGEST_WAIT`]: a time further ahead was written by a clock that was wrong.
fn due(next: i64, now: DateTime<Utc>) -> bool {
    let ahead = next.saturating_sub(millis(now));
    ahead <= 0 || u64::try_from(ahead).is_ok_and(|ahead| Duration::from_millis(ahead) > LONGEST_WAIT)
}

/// Pause after so many failed tries. Full jitter (`jitter` is random in 0..1): anything up to the grown pause, but
/// never nothing, and not before the server `asked` us to come again.
pub fn pause(tries: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let jitter = jitter.clamp(0.0, 1.0);
    let ceiling = FIRST_PAUSE.saturating_mul(GROWTH.saturating_pow(tries.min(16))).min(LONGEST_PAUSE);
    let pause = ceiling.mul_f64(jitter).max(FIRST_PAUSE / 2);
    asked.map_or(pause, |asked| pause.max(asked.min(LONGEST_ASKED) + FIRST_PAUSE.mul_f64(jitter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_a_wrong_clock_wrote_holds_nothing_back() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ahead = |seconds: i64| millis(now) + seconds * 1_000;
        assert!(due(ahead(-1), now) && due(ahead(0), now));
        assert!(!due(ahead(1), now) && !due(ahead(600), now));
        assert!(due(ahead(86_400), now), "of a clock that was a day ahead");
        assert!(due(i64::MAX, now));
        assert!(pause(30, Some(LONGEST_ASKED * 2), 1.0) < LONGEST_WAIT);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(0, None, 1.0), FIRST_PAUSE);
        assert_eq!(pause(3, None, 1.0), FIRST_PAUSE * 27);
        assert_eq!(pause(30, None, 1.0), LONGEST_PAUSE);
        assert_eq!(pause(30, None, 0.0), FIRST_PAUSE / 2);
        let asked = Duration::from_secs(3);
        assert_eq!(pause(0, Some(asked), 0.0), asked);
        assert_eq!(pause(30, Some(asked), 1.0), LONGEST_PAUSE);
        assert_eq!(pause(0, Some(LONGEST_ASKED * 2), 0.0), LONGEST_ASKED);
    }
}
