//! Points at which the client fails in the testbed: `FAILPOINTS` as the crate `fail` takes it;
//! `ADJOURN_KILL_AT` = n: SIGKILL at the n-th point at which something is written to disk or was sent;
//! `ADJOURN_KILL_ON` = `persist` or `posted`: at the first such point.

use std::sync::atomic::{AtomicUsize, Ordering};

use fail::FailScenario;
use rustix::process::{Signal, getpid, kill_process};

/// Points at which it can be killed.
pub(crate) const KILLS: [&str; 2] = ["persist", "posted"];

static POINTS: AtomicUsize = AtomicUsize::new(0);

/// From now on the points are as the environment says, for as long as the value lives.
pub fn begin() -> FailScenario<'static> {
    let scenario = FailScenario::setup();
    let kill_at = std::env::var("ADJOURN_KILL_AT").ok().and_then(|n| n.parse().ok());
    let kill_on = std::env::var("ADJOURN_KILL_ON").ok();
    for name in KILLS {
        let first = kill_on.as_deref() == Some(name);
        let counting = move || {
            let point = POINTS.fetch_add(1, Ordering::SeqCst) + 1;
            if first || Some(point) == kill_at {
                // Nothing runs after it: no destructor, no flush, as with a power cut of the process.
                let _ = kill_process(getpid(), Signal::KILL);
            }
        };
        if let Err(error) = fail::cfg_callback(name, counting) {
            tracing::error!(%error, name, "a point can't be set");
        }
    }
    scenario
}

/// Points that were passed so far.
pub fn points() -> usize {
    POINTS.load(Ordering::SeqCst)
}
