//! SIGKILL at any moment: nothing lost, nothing double. The full counts are `adjourn-qa crash-test`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands, and says what it measured"
)]

use adjourn_qa::crash_test::{CrashReport, Victim, run};

async fn killed(victim: Victim, count: usize) {
    let kills: CrashReport = run(victim, count, 1, |_| {}).await.unwrap();
    println!("{victim:?}: {kills:?}");
    assert_eq!((kills.kills, kills.lost, kills.missing, kills.double), (count, 0, 0, 0));
    assert!(kills.acknowledged >= kills.interviews * 15, "most lines were acknowledged: {kills:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_delivering_process() {
    killed(Victim::Outbox, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_backend_under_load() {
    killed(Victim::Backend, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_postgres_under_load() {
    killed(Victim::Postgres, 3).await;
}
