//! What was found out, written where it still holds.

use futures_util::StreamExt as _;

use crate::commit_queue::CommitQueue;
use crate::lifecycle::Lifecycle;
use crate::store::now;

/// Changes that wait for the database at a time: on SQLite they share a commit, on Postgres each has a connection.
const CHANGED_AT_A_TIME: usize = 8;

/// Changes the interviews that would change as they were just read: most don't in a round, and need no lock for that. An
/// interview that is in another attempt or room by then stays as it is: what was found is not about that one.
pub(super) async fn settle(
    commit_queue: &CommitQueue,
    interviews: Vec<(String, Lifecycle)>,
    by: impl Fn(&str, &mut Lifecycle) + Clone + Send + Sync + 'static,
) -> Result<(), sqlx::Error> {
    let to_change = interviews.into_iter().filter(|(id, read)| {
        let mut changed = read.clone();
        by(id, &mut changed);
        changed != *read
    });
    let changes = futures_util::stream::iter(to_change).map(|(id, read)| {
        let (by, of) = (by.clone(), id.clone());
        commit_queue.change(id, now(), move |lifecycle| {
            if (lifecycle.attempt, &lifecycle.room_sid) == (read.attempt, &read.room_sid) {
                by(&of, lifecycle);
            }
        })
    });
    let mut changes = changes.buffer_unordered(CHANGED_AT_A_TIME);
    while let Some(changed) = changes.next().await {
        changed?;
    }
    Ok(())
}
