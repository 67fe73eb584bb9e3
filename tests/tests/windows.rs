//! The client as it is built for Windows, under Wine, against the real server, backend and interviewer.

use adjourn_qa::run::Subject;
use adjourn_tests::scenario_with;

macro_rules! scenarios {
    ($($name:ident: $id:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            scenario_with(Subject::Windows, $id).await;
        }
    )*};
}

scenarios! {
    a_zombie_is_finished: "zombie",
    a_killed_interviewer_is_lost: "kill-speaking",
    a_damaged_journal_is_put_aside_and_the_record_delivered: "torn",
    an_answer_that_is_lost_after_the_record_was_stored_gives_one_row: "lost-ack",
}
