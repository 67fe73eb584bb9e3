//! What happens to the clocks when this computer sleeps, when the link flaps and when it loses packets.

mod support;

use adjourn_session::rules::Rule;
use adjourn_session::{Agent, ConnectionState, Input, Logged, OrganiserWord, Output, Phase, ProbeKind};
use support::{SID, Stage, interviewer};

#[test]
fn a_computer_that_sleeps_ends_nothing_if_the_room_still_stands() {
    for seconds in [1, 3, 5, 20, 40, 600] {
        let mut stage = Stage::live();
        stage.now += seconds * 1_000;
        stage.run(60_000);
        assert_eq!(stage.outcome(), "none", "{seconds} s");
        let view = stage.session.view();
        assert_eq!(
            (view.link, view.link_fresh, view.agent),
            (ConnectionState::Up, true, Agent::Present),
            "{seconds} s"
        );
    }
}

#[test]
fn a_computer_that_sleeps_while_it_is_out_of_the_room_has_thirty_seconds_after_it_wakes() {
    let mut stage = Stage::live();
    stage.link_up = false;
    stage.give(Input::Reconnecting);
    stage.run(5_000);
    stage.now += 600_000;
    let ms = stage.until_completed(60_000).unwrap();
    assert!((29_000..=31_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");
}

#[test]
fn after_a_long_sleep_the_organiser_is_asked() {
    for (word, outcome) in [
        (OrganiserWord::Ended, "ended(closed by the organiser)"),
        (OrganiserWord::Running, "none"),
        (OrganiserWord::RoomGone, "none"), // what still comes, comes from a room
        (OrganiserWord::Unreachable, "none"),
    ] {
        let mut stage = Stage::live();
        stage.now += 600_000;
        stage.run(1_000);
        assert!(stage.outputs.contains(&Output::AskOrganiser));
        stage.give(Input::Organiser { word });
        stage.run(20_000);
        assert_eq!(stage.outcome(), outcome);
    }
}

#[test]
fn a_room_that_was_closed_in_a_sleep_ends_it_as_soon_as_the_backend_says_so() {
    let asleep = || {
        let mut stage = Stage::live();
        stage.now += 600_000;
        stage.link_up = false;
        stage.run(100);
        assert!(stage.outputs.contains(&Output::AskOrganiser));
        stage
    };
    // The connection is noticed to be dead first, or the answer comes first.
    let mut stage = asleep();
    stage.give(Input::Reconnecting);
    stage.give(Input::Organiser { word: OrganiserWord::RoomGone });
    assert_eq!(stage.outcome(), "ended(room closed)");
    let mut stage = asleep();
    stage.give(Input::Organiser { word: OrganiserWord::RoomGone });
    assert_eq!(stage.outcome(), "none");
    stage.give(Input::Reconnecting);
    assert_eq!(stage.outcome(), "ended(room closed)");
    // Let in again, and out of it later: that word was about another moment.
    let mut stage = asleep();
    stage.give(Input::Organiser { word: OrganiserWord::RoomGone });
    stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    stage.link_up = true;
    stage.run(5_000);
    stage.give(Input::Reconnecting);
    assert_eq!(stage.outcome(), "none");
    // It was over before the lid was closed.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.now += 600_000;
    stage.link_up = false;
    stage.run(100);
    stage.give(Input::Reconnecting);
    stage.give(Input::Organiser { word: OrganiserWord::RoomGone });
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_kept_log_tells_what_fired_and_what_was_slept_through() {
    let mut stage = Stage::waiting();
    stage.session.keep_log();
    stage.run(20_500);
    let told: Vec<Logged> = std::iter::from_fn(|| stage.session.poll_log()).collect();
    assert_eq!(told, [Logged::Fired(Rule::WaitingNotice)]);
    stage.now += 600_000;
    stage.run(100);
    let told: Vec<Logged> = std::iter::from_fn(|| stage.session.poll_log()).collect();
    assert_eq!(told, [Logged::Slept]);
}

#[test]
fn a_link_that_flaps_ends_nothing_and_probes_go_out_as_soon_as_it_is_back() {
    for (up, down) in [(3_100, 2_900), (3_000, 3_500), (600, 4_000), (5_000, 20_000)] {
        let mut stage = Stage::live();
        for _ in 0..20 {
            stage.link_up = false;
            stage.run(down);
            stage.link_up = true;
            stage.outputs.clear();
            stage.run(up);
            assert!(stage.outputs.iter().any(|o| matches!(o, Output::Probe { .. })), "{up}/{down}");
        }
        assert_eq!(stage.outcome(), "none", "{up}/{down}");
    }
}

#[test]
fn an_interviewer_that_stops_after_a_blip_is_still_found_in_time() {
    let mut stage = Stage::live();
    stage.link_up = false;
    stage.run(10_000);
    stage.link_up = true;
    stage.lets_in = Some(vec![interviewer()]);
    stage.answers(false);
    let ms = stage.until_completed(20_000).unwrap();
    assert!((7_500..=10_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn a_ping_of_the_connection_before_proves_nothing() {
    let mut stage = Stage::live();
    stage.end_tool();
    // The ping goes out and the connection breaks; the process probe after it is answered over the next one.
    stage.session_open = false;
    stage.run(1_200);
    stage.give(Input::Reconnecting);
    stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    // A ping of this connection, a probe after it, and the time for the answer.
    let ms = stage.until_completed(5_000).unwrap();
    assert!((1_000..=2_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_connection_over_which_nothing_ever_comes_is_lost_however_often_it_is_restored() {
    let mut stage = Stage::live();
    stage.link_up = false;
    let began = stage.now;
    while stage.session.phase() == Phase::Live && stage.now < began + 60_000 {
        stage.give(Input::Reconnecting);
        stage.run(1_000);
        stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
        stage.run(1_500);
    }
    let ms = stage.now - began;
    assert!((29_000..=33_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");
}

#[test]
fn sound_that_arrives_does_not_prove_that_the_channel_of_the_probes_delivers() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.run(600);
    // The channel stalls: neither probe comes back for a while, sound does.
    stage.answers(false);
    for packets in 1..12 {
        stage.give(Input::RtpPackets { sid: SID.into(), track: String::new(), packets: packets * 25 });
        stage.run(500);
    }
    assert_eq!(stage.outcome(), "none");
    // A probe from before the stall comes back late: the ping may be on its way as well.
    stage.answers(true);
    stage.run(5_000);
    assert_eq!(stage.outcome(), "none");
    assert!(stage.outputs.iter().any(|o| matches!(o, Output::Probe { probe: ProbeKind::Session, .. })));
}

/// How often the room was asked to be entered anew.
fn entered_anew(stage: &Stage) -> usize {
    stage.outputs.iter().filter(|o| **o == Output::Connect).count()
}

fn restored(stage: &mut Stage) {
    stage.outputs.clear();
    stage.give(Input::Reconnecting);
    stage.run(500);
    stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
}

#[test]
fn a_restored_connection_over_which_no_probe_is_answered_is_made_anew_once() {
    let mut stage = Stage::live();
    // Its data waits for what was lost; sound and everything else goes on.
    stage.answers(false);
    restored(&mut stage);
    let stall = stage.session.policy().data_stall;
    stage.run(stall - 100);
    assert_eq!(entered_anew(&stage), 0);
    stage.run(100);
    assert_eq!(entered_anew(&stage), 1);
    assert!(!stage.session.view().link_fresh, "nothing is expected of the interviewer meanwhile");
    stage.run(1_000);
    stage.answers(true);
    stage.give(Input::Connected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    stage.run(60_000);
    assert_eq!((entered_anew(&stage), stage.outcome()), (1, "none".to_owned()));
    // One whose data comes is left alone, however often.
    for _ in 0..3 {
        restored(&mut stage);
        stage.run(10_000);
        assert_eq!(entered_anew(&stage), 0);
    }
}

#[test]
fn a_session_that_closed_while_we_were_out_is_no_stalled_connection() {
    let mut stage = Stage::live();
    stage.end_tool();
    restored(&mut stage);
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert!((1_000..=4_000).contains(&ms), "{ms}");
    assert_eq!((entered_anew(&stage), stage.outcome()), (0, "finished".to_owned()));
}

#[test]
fn an_interviewer_that_died_while_we_were_out_is_lost_over_the_connection_that_is_made_anew() {
    let mut stage = Stage::live();
    stage.answers(false);
    restored(&mut stage);
    stage.run(stage.session.policy().data_stall);
    assert_eq!(entered_anew(&stage), 1);
    stage.run(800);
    stage.give(Input::Connected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    let ms = stage.until_completed(10_000).unwrap();
    assert!((2_500..=5_000).contains(&ms), "{ms}");
    assert_eq!((entered_anew(&stage), stage.outcome()), (1, "interrupted(interviewer lost)".to_owned()));
}

#[test]
fn a_connection_that_was_stale_and_brings_no_data_is_made_anew_too() {
    let mut stage = Stage::live();
    stage.link_up = false;
    stage.run(10_000);
    stage.link_up = true;
    stage.answers(false);
    stage.outputs.clear();
    stage.run(stage.session.policy().data_stall + 600);
    assert_eq!(entered_anew(&stage), 1);
}
