//! From the waiting room to the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Clock as _, Command, InterviewerState, Message, Screen};
use adjourn_protocol::{Arrival, InterviewerState as Told, Role};
use adjourn_room::{Caption, RoomEvent, Said, Token};
use adjourn_session::{AgentState, Input, LeaveReason, Policy};
use tokio::time::Instant;

use testbed::{MOMENT, Testbed, says, texts};

fn ms(of: u64) -> Duration {
    Duration::from_millis(of)
}

fn policy() -> Policy {
    Policy::default()
}

fn said(id: &str, role: Role, text: &str) -> Said {
    Said { id: id.to_owned(), role, text: text.to_owned(), interrupted: false }
}

fn caption(segment: &str, text: &str, done: bool) -> RoomEvent {
    let (segment, text) = (segment.to_owned(), text.to_owned());
    RoomEvent::Caption(Caption { segment, role: Role::Interviewer, text, done })
}

#[tokio::test(start_paused = true)]
async fn the_interview_begins_with_the_interviewer() {
    let mut stage = Testbed::waiting().await;
    assert_eq!(stage.now().title.as_deref(), Some("Backend engineer"));
    stage.stays(Duration::from_secs(15), "the waiting room", |s| s.screen == Screen::Waiting).await;
    stage.begin().await;
    let shown = stage.now();
    assert_eq!((shown.interviewer, shown.connected), (InterviewerState::Listening, true));
    assert!(shown.remaining_s.unwrap() > 1_700);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_said_and_a_too_long_one_ends() {
    let mut stage = Testbed::waiting().await;
    let notice = ms(policy().waiting_notice) + MOMENT;
    stage.within(notice, "that it takes longer", |s| says(s, &Message::LongWait)).await;
    let end = stage.completed(ms(policy().never_started)).await;
    assert_eq!(end.outcome.to_string(), "never started");
    assert_eq!(end.reason, Message::BecauseNobodyCame);
    let end = stage.received(Duration::from_secs(2)).await;
    assert_eq!(end.next, Some(Message::NextTryAgain));
}

/// What is typed is known to have arrived within this: by the next probe.
const ARRIVES: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn what_is_typed_is_an_answer_where_the_organiser_wants_that() {
    let mut stage = Testbed::typing().await;
    assert!(stage.now().typing.is_some());
    let typed = |text: &str| Command::Type { text: text.to_owned() };
    stage.order(typed("  I wrote the scheduler.\n")).await;
    for nothing in ["   ", "\u{200b}\u{2060}", "\u{7}"] {
        stage.order(typed(nothing)).await;
    }
    let shown = |s: &adjourn_client::Snapshot| {
        s.captions.iter().any(|c| c.text == "I wrote the scheduler." && c.done)
    };
    stage.within(ARRIVES, "the answer", shown).await;
    assert_eq!(stage.room.typed(), ["I wrote the scheduler."], "and nothing that is empty");
    // It is owed an answer, as if it had been spoken.
    let answer = ms(policy().ask_after) + Duration::from_secs(5);
    stage.within(answer, "the question whether it goes on", |s| s.asking.is_some()).await;
    // While the interviewer is away, nobody takes it, and that is said.
    stage.order(Command::GoOn).await;
    stage.room.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await;
    stage.order(typed("Are you there?")).await;
    let shown = stage.within(MOMENT, "that it did not go out", |s| s.notices == [Message::NotTyped]).await;
    // It is not shown as said, and given back to be sent again.
    assert_eq!(shown.typing.unwrap().not_sent.as_deref(), Some("Are you there?"));
    assert!(shown.captions.iter().all(|c| c.text != "Are you there?"));
    stage.received(Duration::from_secs(30)).await;
    let now = stage.now();
    assert!(now.typing.is_none() && now.notices.is_empty(), "{:?}", now.notices);
    // What was typed is in the record like what was said, also what nobody took.
    let record = stage.record();
    assert!(["I wrote the scheduler.", "Are you there?"].iter().all(|text| texts(&record).contains(text)));
}

#[tokio::test(start_paused = true)]
async fn a_text_of_which_nothing_is_heard_is_given_back_and_nobody_else_writes_one() {
    let mut stage = Testbed::typing().await;
    stage.room.swallows_typed(true);
    stage.order(Command::Type { text: "One".to_owned() }).await;
    stage.within(MOMENT, "that it is on its way", |s| s.typing.as_ref().is_some_and(|it| it.sending)).await;
    // One at a time; the other one is not lost.
    stage.order(Command::Type { text: "Two".to_owned() }).await;
    let back = |s: &adjourn_client::Snapshot| s.typing.as_ref().is_some_and(|it| it.not_sent.is_some());
    let shown = stage.within(Duration::from_secs(12), "that it did not go out", back).await;
    assert_eq!(shown.typing.unwrap().not_sent.as_deref(), Some("One"));
    stage.room.swallows_typed(false);
    stage.order(Command::Type { text: "One".to_owned() }).await;
    stage.within(ARRIVES, "the answer", |s| s.captions.iter().any(|c| c.text == "One")).await;
    let id = stage.now().captions.iter().find(|c| c.text == "One").unwrap().id.clone();
    // An interviewer gives captions in the candidate's name, but not over what they typed.
    let forged = Caption { segment: id, role: Role::Candidate, text: "Forged".to_owned(), done: true };
    stage.room.say(RoomEvent::Caption(forged)).await;
    stage.stays(Duration::from_secs(1), "the answer", |s| s.captions.iter().any(|c| c.text == "One")).await;
    assert!(stage.now().captions.iter().all(|c| c.text != "Forged"));
    stage.order(Command::Type { text: "\u{1f44d}".to_owned() }).await;
    stage.within(ARRIVES, "a sign", |s| s.captions.iter().any(|c| c.text == "\u{1f44d}")).await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    let record = stage.record();
    for text in ["One", "Two", "\u{1f44d}"] {
        assert_eq!(
            texts(&record).iter().filter(|said| **said == text).count(),
            1,
            "{text}: {:?}",
            texts(&record)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_into_a_line_that_is_dead_is_not_taken_for_said() {
    let mut stage = Testbed::typing().await;
    // The line takes it, and nothing comes back.
    stage.room.process_dies();
    stage.order(Command::Type { text: "Into the dark".to_owned() }).await;
    stage.stays(Duration::from_secs(6), "nothing that was said", |s| s.captions.is_empty()).await;
    stage.received(Duration::from_secs(30)).await;
    assert!(texts(&stage.record()).contains(&"Into the dark"));
}

#[tokio::test(start_paused = true)]
async fn nobody_types_where_the_organiser_does_not_want_it() {
    let mut stage = Testbed::interview().await;
    assert!(stage.now().typing.is_none());
    stage.order(Command::Type { text: "Hello".to_owned() }).await;
    stage.stays(Duration::from_secs(1), "silence", |s| s.captions.is_empty()).await;
    assert!(stage.room.typed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interviewer_that_ends_and_stays_is_finished_in_time() {
    let mut stage = Testbed::interview().await;
    stage.ends().await;
    stage.room.session_closes();
    let end = stage.received(ms(3_500)).await;
    assert_eq!((end.outcome.to_string().as_str(), end.receipt.as_deref()), ("finished", Some("R-1")));
    assert!(stage.room.is_left());
}

#[tokio::test(start_paused = true)]
async fn an_interviewer_that_leaves_may_come_back_before_it_is_an_end() {
    let mut stage = Testbed::interview().await;
    stage.room.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await;
    stage.within(MOMENT, "that it is gone", |s| s.interviewer == InterviewerState::Gone).await;
    stage.passes(ms(policy().leave_settling / 2)).await;
    stage.room.interviewer_joins("PA_2").await;
    stage
        .within(Duration::from_secs(3), "another one", |s| s.interviewer == InterviewerState::Listening)
        .await;
    stage.stays(Duration::from_secs(20), "the interview", |s| s.screen == Screen::Interview).await;
    stage.room.interviewer_leaves("PA_2", LeaveReason::ClientInitiated).await;
    assert_eq!(
        stage.completed(ms(policy().leave_settling) + MOMENT).await.outcome.to_string(),
        "ended(interviewer left)"
    );
}

#[tokio::test(start_paused = true)]
async fn an_interviewer_that_died_is_suspected_and_then_lost() {
    let mut stage = Testbed::interview().await;
    stage.room.process_dies();
    let suspect = ms(policy().process_suspect + policy().process_interval) + MOMENT;
    stage.within(suspect, "the suspicion", |s| s.interviewer == InterviewerState::Checking).await;
    let lost = ms(policy().process_lost) + MOMENT;
    assert_eq!(stage.completed(lost).await.outcome.to_string(), "interrupted(interviewer lost)");
}

#[tokio::test(start_paused = true)]
async fn a_restored_connection_without_data_is_made_anew_and_nobody_is_told_that_we_left() {
    let mut stage = Testbed::interview().await;
    stage.room.resume_without_data().await;
    stage.within(ms(policy().data_stall) + MOMENT, "the way back in", |s| !s.connected).await;
    let asked = stage.room.histories();
    stage.within(Duration::from_secs(2), "the interview", |s| s.connected).await;
    stage.stays(Duration::from_secs(60), "the interview", |s| s.screen == Screen::Interview).await;
    assert_eq!((stage.room.entries(), stage.room.is_left()), (2, false));
    assert!(stage.room.histories() > asked, "what was said meanwhile is asked for");
    stage.order(Command::End).await;
    assert_eq!(stage.received(Duration::from_secs(3)).await.outcome.to_string(), "ended by candidate");
    assert!(stage.room.is_left());
}

#[tokio::test(start_paused = true)]
async fn who_ends_while_the_connection_is_made_anew_leaves_it() {
    let mut stage = Testbed::interview().await;
    stage.room.refuse("no way in");
    stage.room.resume_without_data().await;
    stage.within(ms(policy().data_stall) + MOMENT, "the way back in", |s| !s.connected).await;
    assert!(!stage.room.is_left(), "the earlier connection is held until the next one is made");
    stage.order(Command::End).await;
    assert_eq!(stage.received(Duration::from_secs(3)).await.outcome.to_string(), "ended by candidate");
    assert!(stage.room.is_left());
}

#[tokio::test(start_paused = true)]
async fn while_the_connection_is_made_anew_mute_is_mute_and_an_earlier_one_that_heals_is_used() {
    let mut stage = Testbed::interview().await;
    stage.room.refuse("no way in");
    stage.room.resume_without_data().await;
    stage.within(ms(policy().data_stall) + MOMENT, "the way back in", |s| !s.connected).await;
    stage.order(Command::SetMuted { muted: true }).await;
    stage.within(MOMENT, "that it is muted", |s| s.muted).await;
    assert!(stage.room.is_muted(), "of the connection that still carries the voice");
    // Nobody is let in, and the data comes after all.
    stage.within(MOMENT, "the earlier connection", |s| s.connected).await;
    stage.room.data_flows();
    stage.stays(Duration::from_secs(60), "the interview", |s| s.screen == Screen::Interview).await;
    assert_eq!((stage.room.entries(), stage.room.is_left()), (1, false));
}

#[tokio::test(start_paused = true)]
async fn another_computer_that_takes_over_while_the_connection_is_made_anew_is_not_thrown_out() {
    let mut stage = Testbed::interview().await;
    stage.room.refuse("no way in");
    stage.room.resume_without_data().await;
    stage.room.entering_takes(Duration::from_secs(2));
    stage.within(ms(policy().data_stall) + MOMENT, "the way back in", |s| !s.connected).await;
    stage.hear(Input::Disconnected { reason: LeaveReason::DuplicateIdentity }).await;
    stage.stays(Duration::from_secs(1), "that nothing is decided", |s| s.completed.is_none()).await;
    assert_eq!(
        stage.completed(Duration::from_secs(2)).await.outcome.to_string(),
        "ended(continued elsewhere)"
    );
    assert_eq!(stage.room.entries(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_closed_without_a_word_is_asked_about() {
    let mut stage = Testbed::interview().await;
    stage.room.session_closes();
    let offered = ms(policy().session_closed) + Duration::from_secs(2);
    let shown = stage.within(offered, "the question", |s| s.asking.is_some()).await;
    assert_eq!(shown.asking.unwrap().explanation, Message::WhyAskedClosed);
    let closed = ms(policy().session_blocked);
    assert_eq!(stage.completed(closed).await.outcome.to_string(), "ended");
}

#[tokio::test(start_paused = true)]
async fn the_agents_report_at_the_backend_ends_it_although_its_session_says_nothing() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| (backend.agent_report, backend.confirmed) = (Arrival::Received, true));
    stage.room.session_closes();
    let end = stage.completed(Duration::from_secs(8)).await;
    assert_eq!(end.outcome.to_string(), "finished");
}

#[tokio::test(start_paused = true)]
async fn who_keeps_waiting_is_not_asked_at_once_again() {
    let mut stage = Testbed::interview().await;
    stage.room.session_closes();
    stage.within(Duration::from_secs(12), "the question", |s| s.asking.is_some()).await;
    stage.order(Command::GoOn).await;
    stage.within(MOMENT, "no question", |s| s.asking.is_none()).await;
    stage.stays(Duration::from_secs(30), "no question", |s| s.asking.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn the_candidate_ends_it() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::End).await;
    assert_eq!(stage.received(Duration::from_secs(3)).await.outcome.to_string(), "ended by candidate");
}

#[tokio::test(start_paused = true)]
async fn the_organiser_ends_it() {
    let mut stage = Testbed::interview().await;
    stage.hear(Input::RoomEnded).await;
    assert_eq!(stage.completed(MOMENT).await.outcome.to_string(), "ended(closed by the organiser)");
}

#[tokio::test(start_paused = true)]
async fn what_overtakes_our_own_entry_counts() {
    let mut stage = Testbed::checking().await;
    stage.room.overtakes(Input::RoomEnded);
    stage.order(Command::Join).await;
    assert_eq!(
        stage.completed(Duration::from_secs(2)).await.outcome.to_string(),
        "ended(closed by the organiser)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_room_is_the_organisers_end_or_nobodys() {
    for (by_organiser, outcome) in [(true, "ended(closed by the organiser)"), (false, "ended(room closed)")] {
        let mut stage = Testbed::interview().await;
        let now = adjourn_client::Clock::wall(&*stage.clock);
        stage.backend.set(|backend| backend.ended_by_organiser = by_organiser.then_some(now));
        stage.hear(Input::Disconnected { reason: LeaveReason::RoomDeleted }).await;
        let limit = ms(policy().organiser_limit) + MOMENT;
        assert_eq!(stage.completed(limit).await.outcome.to_string(), outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_silent_about_a_closed_room_holds_nothing_up() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.latency = Duration::from_secs(60));
    stage.hear(Input::Disconnected { reason: LeaveReason::RoomDeleted }).await;
    let limit = ms(policy().organiser_limit) + MOMENT;
    assert_eq!(stage.completed(limit).await.outcome.to_string(), "ended(room closed)");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_an_earlier_question_is_not_one_to_the_newest() {
    let mut stage = Testbed::interview().await;
    // Restored into a room in which the interviewer is missing: the backend is asked, and knows of none. It answers late.
    stage.backend.set(|b| (b.latency, b.interviewer) = (Duration::from_millis(900), Some(Told::Left)));
    let restored = || Input::Reconnected { room_sid: "RM_fake".to_owned(), roster: Vec::new() };
    stage.hear(Input::Reconnecting).await;
    stage.hear(restored()).await;
    stage.passes(Duration::from_millis(300)).await;
    // Once more, and now it is expected.
    stage.backend.set(|backend| backend.interviewer = Some(Told::Present));
    stage.hear(Input::ParticipantJoined(stage.room.interviewer("PA_1"))).await;
    stage.hear(Input::Reconnecting).await;
    stage.hear(restored()).await;
    stage.passes(Duration::from_millis(300)).await;
    assert_eq!(stage.backend.set(|backend| backend.asked_status), 2, "asked twice");
    // The first answer would end it 4 s from here; the newest lets the interviewer have 15 s.
    stage.stays(Duration::from_secs(10), "the interview", |s| s.completed.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_reconnect_ends_nothing() {
    let mut stage = Testbed::interview().await;
    stage.room.full_reconnect().await;
    stage.passes(Duration::from_secs(1)).await;
    stage
        .within(Duration::from_secs(3), "the interviewer again", |s| {
            s.connected && s.interviewer == InterviewerState::Listening
        })
        .await;
    stage.stays(Duration::from_secs(20), "the interview", |s| s.screen == Screen::Interview).await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_does_not_come_back_is_a_lost_connection() {
    let mut stage = Testbed::interview().await;
    stage.room.refuse("engine: signal failure: failed to lookup address");
    stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await;
    stage.within(MOMENT, "that it is interrupted", |s| says(s, &Message::Reconnecting)).await;
    let end = stage.completed(ms(policy().link_lost) + Duration::from_secs(5)).await;
    assert_eq!(end.outcome.to_string(), "connection lost");
    assert_eq!(end.reason, Message::BecauseConnectionLost);
}

#[tokio::test(start_paused = true)]
async fn servers_that_turn_away_are_not_the_candidates_computer() {
    let mut stage = Testbed::interview().await;
    stage.room.refuse("engine: signal failure: server error: 503 Service Unavailable");
    stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await;
    let end = stage.completed(ms(policy().link_lost) + Duration::from_secs(5)).await;
    assert_eq!(end.reason, Message::BecauseTurnedAway);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_can_t_be_entered_leads_back_to_the_device_check() {
    let mut stage = Testbed::checking().await;
    stage.room.refuse("engine: signal failure: client error: 404");
    stage.order(Command::Join).await;
    let shown = stage.within(Duration::from_secs(12), "the problem", |s| s.problem.is_some()).await;
    assert_eq!(shown.problem, Some(Message::RoomNotThere));
    assert_eq!(shown.screen, Screen::Checking);
}

#[tokio::test(start_paused = true)]
async fn the_room_is_entered_again_with_the_newest_token() {
    let mut stage = Testbed::interview().await;
    assert_eq!(stage.room.token(), "token");
    stage.room.say(RoomEvent::Token(Token("fresh".to_owned()))).await;
    stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await;
    stage.passes(MOMENT).await;
    stage
        .within(Duration::from_secs(10), "the interview", |s| s.connected && s.screen == Screen::Interview)
        .await;
    assert_eq!(stage.room.token(), "fresh");
}

#[tokio::test(start_paused = true)]
async fn the_conversation_is_asked_for_until_it_is_told() {
    let stage = Testbed::interview().await;
    assert_eq!(stage.room.histories(), 1, "told at once");
    stage.passes(Duration::from_secs(60)).await;
    assert_eq!(stage.room.histories(), 1);
    stage.room.session_closes();
    stage.room.full_reconnect().await;
    stage.passes(Duration::from_secs(7)).await;
    assert_eq!(stage.room.histories(), 3, "asked at once, and again after 3 s");
}

#[tokio::test(start_paused = true)]
async fn each_turn_is_in_the_record_once_in_its_order() {
    let mut stage = Testbed::interview().await;
    let told = |said| RoomEvent::Said { sid: "PA_1".to_owned(), said };
    let one = said("1", Role::Interviewer, "What did you build?");
    let three = said("3", Role::Interviewer, "And then?");
    stage.room.say(told(one.clone())).await;
    stage.passes(Duration::from_secs(1)).await;
    stage.room.say(told(three.clone())).await;
    // Told again with what we missed between them; and somebody else's words are nobody's.
    let all = vec![one, said("2", Role::Candidate, "A compiler."), three];
    let history = RoomEvent::History { sid: "PA_1".to_owned(), said: all, last_tool: None };
    stage.room.say(history).await;
    let stranger = said("4", Role::Interviewer, "Not mine");
    stage.room.say(RoomEvent::Said { sid: "PA_9".to_owned(), said: stranger }).await;
    stage.passes(MOMENT).await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(3)).await;
    assert_eq!(texts(&stage.record()), ["What did you build?", "A compiler.", "And then?"]);
}

#[tokio::test(start_paused = true)]
async fn captions_are_shown_as_they_come_and_a_late_piece_takes_nothing_away() {
    let mut stage = Testbed::interview().await;
    stage.room.say(caption("SG_1", "Good", false)).await;
    let shown = stage.within(MOMENT, "the caption", |s| !s.captions.is_empty()).await;
    assert_eq!((shown.captions[0].text.as_str(), shown.captions[0].speaker), ("Good", Role::Interviewer));
    stage.room.say(caption("SG_1", "Goodbye!", true)).await;
    stage.room.say(caption("SG_1", "Good", false)).await;
    let shown = stage.within(MOMENT, "all of it", |s| s.captions[0].done).await;
    assert_eq!((shown.captions.len(), shown.captions[0].text.as_str()), (1, "Goodbye!"));
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(3)).await;
    assert_eq!(texts(&stage.record()), ["Goodbye!"], "what was only heard is in the record");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_being_spoken_was_heard_that_far() {
    let mut stage = Testbed::interview().await;
    stage.room.say(caption("SG_1", "Thank you for your", false)).await;
    stage.within(MOMENT, "the caption", |s| !s.captions.is_empty()).await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(3)).await;
    assert_eq!(texts(&stage.record()), ["Thank you for your"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_told_afterwards_counts_if_it_ends() {
    for (tool, outcome) in [("end_interview", "finished"), ("save_score", "ended")] {
        let mut stage = Testbed::interview().await;
        let (sid, call_id) = ("PA_1".to_owned(), "c".to_owned());
        let tool = Input::ToolEnded { sid: sid.clone(), name: tool.to_owned(), ok: true, call_id };
        stage.room.say(RoomEvent::History { sid, said: Vec::new(), last_tool: Some(tool) }).await;
        stage.room.session_closes();
        assert_eq!(stage.completed(Duration::from_secs(30)).await.outcome.to_string(), outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn mute_is_told_to_the_room_and_stays_over_a_reconnect() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SetMuted { muted: true }).await;
    stage.within(MOMENT, "the mute", |s| s.muted).await;
    assert!(stage.room.is_muted());
    stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await;
    stage.passes(MOMENT).await;
    stage
        .within(Duration::from_secs(10), "the interview", |s| s.connected && s.screen == Screen::Interview)
        .await;
    assert!(stage.room.is_muted(), "the room that was entered again");
    assert!(says(&stage.now(), &Message::Muted));
}

#[tokio::test(start_paused = true)]
async fn the_time_is_warned_of_and_ends_it() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.minutes = 6);
    stage.enter().await;
    stage.begin().await;
    stage.within(Duration::from_secs(90), "five minutes", |s| s.minutes_left == Some(5)).await;
    stage.within(Duration::from_secs(300), "one minute", |s| s.minutes_left == Some(1)).await;
    let end = stage.completed(Duration::from_secs(90)).await;
    assert_eq!((end.outcome.to_string().as_str(), end.reason), ("finished", Message::BecauseFullTime));
}

#[tokio::test(start_paused = true)]
async fn seconds_are_no_reason_for_a_new_screen() {
    let stage = Testbed::interview().await;
    // A microphone that gives nothing is told of by then.
    stage.passes(Duration::from_secs(2)).await;
    let before = stage.now().seq;
    stage.passes(Duration::from_secs(30)).await;
    assert_eq!(stage.now().seq, before);
}

/// What is shown in so many seconds: how often it changes, and when what it counts down to is due, in seconds of the client's clock.
async fn counts(stage: &mut Testbed, seconds: u64) -> (usize, Vec<u64>) {
    let (mut shown, mut due) = (0, Vec::new());
    let ends = Instant::now() + Duration::from_secs(seconds);
    stage.screen.mark_unchanged();
    while let Ok(changed) = tokio::time::timeout_at(ends, stage.screen.changed()).await {
        changed.unwrap();
        shown += 1;
        let (snapshot, now) = (stage.now(), stage.clock.now().0 / 1_000);
        let presence = snapshot.presence.and_then(|presence| presence.seconds_left);
        due.extend(
            snapshot.asking.and_then(|asking| asking.seconds_left).or(presence).map(|left| now + left),
        );
    }
    (shown, due)
}

#[tokio::test(start_paused = true)]
async fn a_question_about_an_interviewer_that_lives_counts_nothing_and_floods_nobody() {
    let mut stage = Testbed::interview().await;
    stage.hear(Input::AgentStateChanged { sid: "PA_1".to_owned(), state: AgentState::Thinking }).await;
    let shown = stage.within(Duration::from_secs(120), "the question", |s| s.asking.is_some()).await;
    assert_eq!(shown.asking.unwrap().seconds_left, None, "it ends nobody who lives");
    let (shown, due) = counts(&mut stage, 30).await;
    assert!(shown <= 3, "{shown} snapshots in half a minute");
    assert_eq!(due, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_counts_down_counts_to_one_moment_and_that_is_when_it_ends() {
    for (what, question) in [("the question", true), ("the suspicion", false)] {
        let mut stage = Testbed::interview().await;
        if question {
            stage.room.session_closes();
            stage.within(Duration::from_secs(12), what, |s| s.asking.is_some()).await;
        } else {
            stage.room.process_dies();
            stage
                .within(Duration::from_secs(12), what, |s| s.interviewer == InterviewerState::Checking)
                .await;
        }
        let (snapshot, now) = (stage.now(), stage.clock.now().0 / 1_000);
        let presence = snapshot.presence.and_then(|presence| presence.seconds_left);
        let first = now + snapshot.asking.and_then(|asking| asking.seconds_left).or(presence).unwrap();
        let end = stage.screen.wait_for(|s| s.completed.is_some());
        tokio::time::timeout(Duration::from_secs(60), end).await.unwrap().unwrap();
        let ended = stage.clock.now().0 / 1_000;
        assert!(ended.abs_diff(first) <= 1, "{what}: {first} was said, it was {ended}");
    }
}
