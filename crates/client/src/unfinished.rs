//! Interviews whose client died in the middle.

use std::time::Duration;

use adjourn_outbox::OutboxError;
use adjourn_protocol::{ClientInfo, InviteLink, Record, RecordHead, Secret};

use crate::Environment;
use crate::admission::admission;

/// What there is of interviews whose client died in the middle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished {
    /// The newest that still goes on.
    pub(crate) open: Option<InviteLink>,
    /// Of one the backend could not be asked now.
    pub(crate) unasked: bool,
}

/// Looks after interviews whose client died in the middle: those that are over are closed from their
/// journal, and the link of the newest that still goes on is given back. With `offered_within`, what said nothing for so long is closed, too.
pub(crate) async fn unfinished(
    environment: &Environment,
    client: &ClientInfo,
    offered_within: Option<Duration>,
) -> Unfinished {
    let joins = environment.storage.unfinished().await.unwrap_or_else(|error| {
        tracing::error!(%error, "unfinished interviews could not be looked for");
        Vec::new()
    });
    let mut found = Unfinished::default();
    for join in joins {
        match admission(environment, &join.link, client, environment.clock.wall()).await {
            Ok(admission)
                if admission.answer.livekit.is_none()
                    || is_stale(environment, &join.join_id, offered_within).await =>
            {
                if let Err(error) = finish_abandoned(environment, &join.join_id, admission.head).await {
                    tracing::error!(%error, "an earlier interview could not be closed");
                }
            }
            Ok(_) => found.open = Some(join.link),
            // The backend can't be asked now: looked after at the next start.
            Err(rejection) => {
                tracing::info!(reason = %rejection.detail, "an unfinished interview waits");
                found.unasked |= rejection.retry;
            }
        }
    }
    found
}

/// Whether its last word is longer ago than that, or in the future: then nobody knows.
async fn is_stale(environment: &Environment, join_id: &Secret, offered_within: Option<Duration>) -> bool {
    let Some(within) = offered_within else { return false };
    // A journal that can't be read now may be read later.
    let Ok(entries) = environment.storage.journal(join_id).await else { return false };
    let ago = entries.last().map(|last| (environment.clock.wall() - last.at).to_std());
    !matches!(ago, Some(Ok(ago)) if ago < within)
}

/// Makes and commits the record of a join whose client died in the middle, from its journal alone.
pub(crate) async fn finish_abandoned(
    environment: &Environment,
    join_id: &Secret,
    head: RecordHead,
) -> Result<(), OutboxError> {
    let storage = &environment.storage;
    if storage.has_record(join_id).await? {
        return Ok(()); // it is on its way already
    }
    let entries = storage.journal(join_id).await?;
    let record = Record::from_journal(head, entries, None, environment.clock.wall());
    storage.commit(join_id, &record, &[]).await?;
    Ok(())
}
