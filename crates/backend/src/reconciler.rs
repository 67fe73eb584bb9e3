//! The reconciler: one replica looks for what nobody told us. Every ten seconds for deadlines that passed, rooms that should be
//! closed, things that may be forgotten; beside them it compares LiveKit's rooms with ours, as fast as LiveKit answers, and looks
//! after interviewers that are to go or to come back, and after interviews that are kept no longer.

mod deadlines;
mod interviewers;
mod retention;
mod rooms;
mod settling;

use crate::lease::{Lease, ROUNDS};
use crate::state::App;
use crate::supervision::kept_up;

/// Reconciles until the server stops.
pub async fn run(app: App) {
    let lease = Lease::of(ROUNDS);
    let stop = app.stop();
    // Each for itself: what goes wrong in one keeps no other from its work.
    let loops = async {
        tokio::join!(
            kept_up("lease", || lease.keep(&app.store)),
            kept_up("deadlines", || deadlines::look(&app, &lease)),
            kept_up("rooms", || rooms::compare(&app, &lease)),
            kept_up("interviewers", || interviewers::look_after(&app, &lease)),
            kept_up("retention", || retention::look(&app, &lease))
        )
    };
    tokio::select! {
        _ = loops => {}
        () = stop.cancelled() => lease.give_back(&app.store).await,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::{deadlines, interviewers, retention, rooms};
    use crate::sent_away;
    use crate::store::Store;

    #[tokio::test]
    async fn a_round_reads_what_it_looks_for_however_many_interviews_there_are() {
        let (store, _folder) = Store::temporary().await;
        for (query, index) in [
            (deadlines::DUE, "interviews_overdue"),
            (deadlines::DUE, "interviews_without_report"),
            (deadlines::DUE, "interviews_without_record"),
            (deadlines::CLOSABLE, "interviews_closable"),
            (rooms::LIVE, "interviews_live"),
            (interviewers::AWAITED, "interviews_awaiting"),
            (sent_away::PENDING, "sent_away_pending"),
            (retention::OVER, "interviews_over"),
            (retention::UNUSED, "interviews_unused"),
        ] {
            let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
            let plan: Vec<String> = sqlx::query(plan)
                .fetch_all(store.read())
                .await
                .unwrap()
                .iter()
                .map(|row| row.try_get("detail").unwrap())
                .collect();
            let searched = plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(index));
            let all = plan.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE"));
            assert!(searched && !all, "{query}: {plan:?}");
        }
    }
}
