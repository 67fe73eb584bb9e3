//! Interviews whose client died in the middle.

use adjourn_outbox::OutboxError;
use adjourn_protocol::{ClientInfo, InviteLink, Record, RecordHead, Secret};

use crate::Environment;
use crate::admission::admission;

/// Looks after interviews whose client died in the middle: those that are over are closed from their
/// journal, and the link of the newest that still goes on is given back.
pub(crate) async fn unfinished(environment: &Environment, client: &ClientInfo) -> Option<InviteLink> {
    let joins = environment.storage.unfinished().await.unwrap_or_else(|error| {
        tracing::error!(%error, "unfinished interviews could not be looked for");
        Vec::new()
    });
    let mut open = None;
    for join in joins {
        match admission(environment, &join.link, client, environment.clock.wall()).await {
            Ok(admission) if admission.answer.livekit.is_none() => {
                if let Err(error) = finish_abandoned(environment, &join.join_id, admission.head).await {
                    tracing::error!(%error, "an earlier interview could not be closed");
                }
            }
            Ok(_) => open = Some(join.link),
            // The backend can't be asked now: looked after at the next start.
            Err(rejection) => tracing::info!(reason = %rejection.detail, "an unfinished interview waits"),
        }
    }
    open
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
