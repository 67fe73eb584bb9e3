//! Every ending on a real server with a real interviewer, observed from outside.

use adjourn_tests::scenario;

macro_rules! scenarios {
    ($($name:ident: $id:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            scenario($id).await;
        }
    )*};
}

scenarios! {
    a_zombie_is_finished: "zombie",
    a_clean_leave_is_finished: "leave",
    a_deleted_room_is_finished: "delete-room",
    a_departure_without_evidence_has_ended: "leave-no-evidence",
    an_interviewer_that_never_joins_is_said_and_ends: "never-joins",
    a_killed_interviewer_is_lost: "kill-speaking",
    a_frozen_interviewer_is_lost: "freeze",
    a_blocked_interviewer_stopped_responding: "block",
    the_candidate_can_end: "candidate-ends",
    a_removed_candidate_is_interrupted: "kicked",
    a_room_that_is_deleted_has_ended: "room-deleted",
    a_killed_server_is_a_lost_connection: "server-kill",
    an_agent_with_the_package_says_that_it_is_over: "marker-sent",
    an_agent_that_was_killed_leaves_what_was_said: "agent-killed-with-package",
    another_interviewer_goes_on_where_one_was_killed: "replaced:kill",
    an_answer_that_is_lost_after_the_record_was_stored_gives_one_row: "lost-ack",
    a_receipt_with_a_wrong_signature_is_none: "wrong-receipt:bad-signature",
    a_record_that_is_refused_for_good_is_kept_and_shown: "poison",
    a_client_that_is_told_to_end_delivers_at_its_next_start: "sigterm",
    a_part_of_the_client_that_fails_ends_it_with_a_word: "panic:sound",
    a_cable_out_for_two_seconds_ends_nothing: "link-2",
    a_room_that_another_server_opened_anew_has_one_interviewer: "fleet-node-kill",
    a_headset_that_is_pulled_is_replaced_and_taken_again: "mic-gone",
    a_microphone_that_the_system_muted_is_unmuted: "system-muted",
    an_echo_is_no_answer: "echo-loop",
}

#[test]
fn every_scenario_of_the_suite_is_a_test() {
    let here = include_str!("endings.rs");
    for scenario in adjourn_qa::scenario::all(None).unwrap().into_iter().filter(|scenario| scenario.suite) {
        assert!(here.contains(&format!("\"{}\"", scenario.id)), "{} is not run here", scenario.id);
    }
}
