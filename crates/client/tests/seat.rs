//! A seat in a test center: who may begin there, and when it is the next one's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Clock as _, Command, PinAnswer, Screen, SeatTrouble, SeatView, Snapshot};
use adjourn_kiosk::{Around, LockLevel, Pin, SeatEnd, SeatPolicy, Weakness};
use adjourn_protocol::{
    Entry, GivenOrder, InviteLink, Line, Note, NumberedOrder, Role, SeatNote, SeatOrder, SeatStage, Secret,
    Turn,
};
use chrono::TimeDelta;

use testbed::seat::{Seat, TIGHT, policy};
use testbed::{LINK, MOMENT, NEW_HOST, Set, Testbed};

const PIN: &str = "48291573";
const CODE: &str = "K7QF-9M2X";

fn shown(snapshot: &Snapshot) -> &SeatView {
    snapshot.seat.as_ref().unwrap()
}

fn ready(snapshot: &Snapshot) -> bool {
    snapshot.seat.as_ref().is_some_and(|seat| seat.ready)
}

fn enter(code: &str) -> Command {
    Command::EnterCode { code: Secret::new(code) }
}

fn pin(digits: &str) -> Command {
    Command::TryPin { pin: Secret::new(digits) }
}

/// How the program ended, within that time.
async fn ends(stage: Testbed, within: Duration) -> Option<SeatEnd> {
    let Testbed { running, commands: _commands, .. } = stage;
    let last = tokio::time::timeout(within, running).await.expect("the program goes on").unwrap();
    last.seat.unwrap().ends
}

async fn in_the_interview() -> (Seat, Testbed) {
    let (seat, mut stage) = Seat::started().await;
    stage.order(enter(" k7qf9m2x ")).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    (seat, stage)
}

#[tokio::test(start_paused = true)]
async fn a_code_is_entered_and_after_the_interview_the_seat_is_the_next_one_s() {
    let (_seat, mut stage) = in_the_interview().await;
    let before = stage.now();
    assert_eq!((shown(&before).name.as_str(), shown(&before).center.as_str()), ("B-07", "berlin-mitte"));
    assert_eq!(before.appearance.language.tag(), "en", "the interview's");
    stage.ends().await;
    stage.room.session_closes();
    stage.received(Duration::from_secs(30)).await;
    let note =
        |line: &Line| if let Line::Timeline(Note::Seat(seat)) = line { Some(seat.clone()) } else { None };
    let record = stage.record();
    let SeatNote { seat, center, lock, weak, policy } =
        record.timeline.iter().find_map(|entry| note(&entry.line)).expect("where it was held");
    assert_eq!(
        (seat.as_str(), center.as_str(), lock, weak),
        ("B-07", "berlin-mitte", LockLevel::Enforced, vec![])
    );
    assert_eq!(policy.len(), 64);
    let left = stage.within(MOMENT, "the time", |s| shown(s).may_go).await;
    assert!((58..=60).contains(&shown(&left).seconds_left.unwrap()), "{left:?}");
    stage.stays(Duration::from_secs(55), "the end screen", |s| s.screen == Screen::Completed).await;
    assert_eq!(ends(stage, Duration::from_secs(10)).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn done_is_done_once_what_was_said_is_safe_and_not_before() {
    let (_seat, mut stage) = in_the_interview().await;
    stage.order(Command::NextCandidate).await;
    stage.stays(MOMENT, "the interview", |s| s.screen == Screen::Interview).await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    stage.ends().await;
    stage.room.session_closes();
    stage.completed(Duration::from_secs(30)).await;
    stage.order(Command::NextCandidate).await;
    let unsafe_still = |s: &Snapshot| !shown(s).may_go && shown(s).seconds_left.is_none();
    stage.stays(Duration::from_secs(300), "what is nowhere safe", unsafe_still).await;
    stage.backend.set(|backend| backend.down = false);
    stage.within(Duration::from_secs(400), "that it is safe", |s| shown(s).may_go).await;
    stage.order(Command::NextCandidate).await;
    assert_eq!(ends(stage, MOMENT * 4).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn nobody_leaves_a_seat_by_what_leaves_a_window() {
    let (_seat, mut stage) = Seat::started().await;
    let same = |s: &Snapshot| s.screen == Screen::Seat && s.problem_report.is_none() && !s.closing;
    for command in [
        Command::Close,
        Command::OpenLink { link: NEW_HOST.to_owned() },
        Command::SaveCopy,
        Command::SaveReceipt,
        Command::WriteProblemReport,
        Command::NextCandidate,
        Command::ConfirmHost,
        Command::Join,
    ] {
        stage.order(command).await;
        stage.stays(MOMENT, "the seat", same).await;
    }
    assert!(!stage.folder.join("copies").exists());
    stage.order(enter("??")).await;
    stage.within(MOMENT, "what is wrong with it", |s| s.problem.is_some() && s.screen == Screen::Seat).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_nobody_goes_on_with_is_left_and_a_seat_that_nobody_touched_is_not() {
    let (_seat, mut stage) = Seat::started().await;
    stage.stays(Duration::from_secs(700), "the seat", |s| s.screen == Screen::Seat).await;
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    stage.stays(Duration::from_secs(530), "no time", |s| shown(s).seconds_left.is_none()).await;
    stage.within(Duration::from_secs(20), "the time", |s| shown(s).seconds_left.is_some()).await;
    stage.order(Command::RefreshDevices).await;
    stage.within(MOMENT, "that it was put off", |s| shown(s).seconds_left.is_none()).await;
    stage.stays(Duration::from_secs(500), "the check", |s| s.screen == Screen::Checking).await;
    assert_eq!(ends(stage, Duration::from_secs(120)).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn who_chose_a_language_and_went_leaves_none_to_the_next() {
    let (_seat, mut stage) = Seat::started().await;
    assert_eq!(stage.now().appearance.language.tag(), "de");
    stage.order(Command::SetLanguage { language: adjourn_client::Language::English }).await;
    stage.within(MOMENT, "English", |s| s.appearance.language.tag() == "en").await;
    assert_eq!(ends(stage, Duration::from_secs(610)).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn a_seat_without_a_good_policy_says_why_takes_no_code_and_lets_go() {
    let over = SeatPolicy { valid_until: "2027-01-02T00:00:00Z".parse().unwrap(), ..policy() };
    let (seat, set) = Seat::with(&over);
    let mut stage = set.start();
    let why = stage.within(MOMENT, "why", |s| ready(s) && shown(s).trouble.is_some()).await;
    let SeatTrouble::Policy { detail } = shown(&why).trouble.clone().unwrap() else { panic!("{why:?}") };
    assert!(detail.contains("clock says 2027-01-15"), "{detail}");
    stage.order(enter(CODE)).await;
    stage.stays(MOMENT, "the seat", |s| s.screen == Screen::Seat).await;
    // A new one is used without anybody's doing.
    seat.use_policy(&SeatPolicy { serial: 4, ..policy() });
    stage.within(Duration::from_secs(20), "that it is used", |s| shown(s).trouble.is_none()).await;
    // And one that is older than it is not.
    seat.use_policy(&policy());
    let why = stage.within(Duration::from_secs(20), "why", |s| shown(s).trouble.is_some()).await;
    assert!(format!("{why:?}").contains("serial 3, and this seat has used serial 4"), "{why:?}");
    // One that is over says all the same when the seat lets go.
    seat.use_policy(&SeatPolicy { serial: 5, ..over });
    stage.stays(Duration::from_secs(9 * 60), "the seat", |s| s.screen == Screen::Seat).await;
    assert_eq!(ends(stage, Duration::from_secs(90)).await, Some(SeatEnd::Released));
}

#[tokio::test(start_paused = true)]
async fn a_seat_without_any_file_locks_nobody_in() {
    let (seat, set) = Seat::with(&policy());
    std::fs::remove_file(seat.file("seat.toml")).unwrap();
    let mut stage = set.start();
    let why = stage.within(MOMENT, "why", |s| ready(s) && shown(s).trouble.is_some()).await;
    assert!(format!("{why:?}").contains("seat.toml can't be read"), "{why:?}");
    assert_eq!(ends(stage, Duration::from_secs(61 * 60)).await, Some(SeatEnd::Released));
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_is_not_locked_as_its_policy_wants_begins_nothing_and_the_record_has_what_changed() {
    let (seat, mut stage) = Seat::started().await;
    seat.around.send_replace(Around { monitors: Some(2), ..TIGHT });
    let why = stage.within(Duration::from_secs(2), "why", |s| shown(s).trouble.is_some()).await;
    let SeatTrouble::NotLocked { detail } = shown(&why).trouble.clone().unwrap() else { panic!("{why:?}") };
    assert_eq!(detail, "locked as detected, and the policy wants enforced: second_screen");
    stage.order(enter(CODE)).await;
    stage.stays(MOMENT, "the seat", |s| s.screen == Screen::Seat).await;
    seat.around.send_replace(TIGHT);
    stage.within(Duration::from_secs(2), "that it is locked", |s| shown(s).trouble.is_none()).await;
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    // In the middle it is written down, and nobody is thrown out.
    seat.around.send_replace(Around { new_storage: Some(1), ..TIGHT });
    stage.stays(Duration::from_secs(5), "the interview", |s| s.screen == Screen::Interview).await;
    stage.ends().await;
    stage.room.session_closes();
    stage.received(Duration::from_secs(30)).await;
    let record = stage.record();
    let locks = record.timeline.iter().filter_map(|entry| match &entry.line {
        Line::Timeline(Note::Seat(seat)) => Some((seat.lock, seat.weak.clone())),
        Line::Timeline(_) | Line::Said(_) | Line::Caption(_) | Line::Ending(_) | Line::Unreadable(_) => None,
    });
    assert_eq!(
        locks.collect::<Vec<_>>(),
        [(LockLevel::Enforced, vec![]), (LockLevel::Detected, vec![Weakness::NewStorage])]
    );
}

#[tokio::test(start_paused = true)]
async fn the_supervisor_s_pin_lets_go_and_who_guesses_waits() {
    let mut escapes = policy().escapes;
    escapes.pin = Some(Pin::keep(PIN, &[7; 16]).unwrap());
    let (seat, set) = Seat::with(&SeatPolicy { escapes, ..policy() });
    let mut stage = set.start();
    stage.within(MOMENT, "the seat", ready).await;
    for _ in 0..3 {
        stage.order(pin("11112222")).await;
        stage.within(Duration::from_secs(2), "that it is wrong", |s| shown(s).pin == PinAnswer::Wrong).await;
        stage.passes(Duration::from_secs(1)).await;
    }
    stage.order(pin("11112222")).await;
    let waits = |s: &Snapshot| matches!(shown(s).pin, PinAnswer::Wait { .. });
    stage.within(Duration::from_secs(2), "a pause", waits).await;
    // What was tried is kept, and is no PIN.
    let kept = std::fs::read_to_string(seat.file("seat-memory.json")).unwrap();
    assert!(kept.contains("\"wrong\":4") && !kept.contains("11112222"), "{kept}");
    // Who tries before its end does not make it longer.
    stage.passes(Duration::from_secs(20)).await;
    stage.order(pin(PIN)).await;
    stage.stays(Duration::from_secs(5), "the pause", waits).await;
    stage.passes(Duration::from_secs(6)).await;
    // What the last one was told is not told the next.
    stage.order(pin("")).await;
    stage.within(MOMENT, "nothing", |s| shown(s).pin == PinAnswer::None).await;
    stage.order(pin(PIN)).await;
    assert_eq!(ends(stage, Duration::from_secs(5)).await, Some(SeatEnd::Released));
    let kept = std::fs::read_to_string(seat.file("seat-memory.json")).unwrap();
    assert!(kept.contains("\"wrong\":0"), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_takes_nothing_locks_nobody_in_and_what_would_be_lost_is_asked_back() {
    let mut escapes = policy().escapes;
    escapes.pin = Some(Pin::keep(PIN, &[7; 16]).unwrap());
    let (seat, set) = Seat::with(&SeatPolicy { escapes, ..policy() });
    // Nothing can be written there: it is a folder.
    std::fs::create_dir(seat.file("seat-memory.part")).unwrap();
    let mut stage = set.start();
    stage.within(MOMENT, "the seat", ready).await;
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    stage.ends().await;
    stage.room.session_closes();
    stage.completed(Duration::from_secs(30)).await;
    for _ in 0..4 {
        stage.order(pin("11112222")).await;
        stage.passes(Duration::from_secs(1)).await;
    }
    let waits = |s: &Snapshot| matches!(shown(s).pin, PinAnswer::Wait { .. });
    stage.within(MOMENT, "a pause all the same", waits).await;
    stage.passes(Duration::from_secs(31)).await;
    stage.order(pin(PIN)).await;
    stage.within(Duration::from_secs(2), "the question", |s| shown(s).pin == PinAnswer::Loses).await;
    stage.order(pin(PIN)).await;
    assert_eq!(ends(stage, Duration::from_secs(60)).await, Some(SeatEnd::Released));
}

#[tokio::test(start_paused = true)]
async fn who_goes_back_from_the_check_leaves_another_program_to_the_next() {
    let (seat, mut stage) = Seat::started().await;
    let before = seat.turns.load(std::sync::atomic::Ordering::Relaxed);
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    // Somebody plugs in another screen meanwhile: it does not begin.
    seat.around.send_replace(Around { monitors: Some(2), ..TIGHT });
    stage.within(Duration::from_secs(2), "why", |s| shown(s).trouble.is_some()).await;
    stage.order(Command::Join).await;
    stage.stays(MOMENT * 4, "the check", |s| s.screen == Screen::Checking).await;
    assert!(seat.turns.load(std::sync::atomic::Ordering::Relaxed) > before + 4, "the loop is seen to live");
    stage.order(Command::ForgetLink).await;
    assert_eq!(ends(stage, MOMENT * 4).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn what_broke_off_is_asked_about_again_while_the_backend_can_not_be_reached() {
    // The computer is back before the network.
    let (_seat, set) = broken_off(TimeDelta::minutes(11));
    set.backend.set(|backend| backend.down = true);
    let mut stage = set.start();
    stage.within(MOMENT, "the seat", ready).await;
    stage.passes(Duration::from_secs(60)).await;
    assert!(stage.backend.records().is_empty());
    stage.backend.set(|backend| backend.down = false);
    stage.passes(Duration::from_secs(40)).await;
    assert_eq!(testbed::texts(&stage.record()), ["my secret"]);
}

#[tokio::test(start_paused = true)]
async fn more_time_is_given_on_the_end_screen_to_who_asks() {
    let (_seat, mut stage) = in_the_interview().await;
    stage.ends().await;
    stage.room.session_closes();
    stage.received(Duration::from_secs(30)).await;
    stage.passes(Duration::from_secs(50)).await;
    stage.order(Command::Stay).await;
    stage.stays(Duration::from_secs(55), "the end screen", |s| s.screen == Screen::Completed).await;
    assert_eq!(ends(stage, Duration::from_secs(10)).await, Some(SeatEnd::NextCandidate));
}

#[tokio::test(start_paused = true)]
async fn help_is_called_and_need_not_come_any_more() {
    let (_seat, mut stage) = in_the_interview().await;
    stage.order(Command::CallHelp { on: true }).await;
    stage.within(MOMENT, "the call", |s| shown(s).help && s.screen == Screen::Interview).await;
    stage.order(Command::CallHelp { on: false }).await;
    stage.within(MOMENT, "its end", |s| !shown(s).help).await;
}

/// A seat on whose disk is an interview that broke off so long ago.
fn broken_off(ago: TimeDelta) -> (Seat, Set) {
    let (seat, set) = Seat::with(&policy());
    let turn = Turn {
        id: "1".to_owned(),
        role: Role::Candidate,
        text: "my secret".to_owned(),
        at: set.clock.wall() - ago,
    };
    let said = Entry { at: turn.at, mono_ms: 0, line: Line::Said(turn) };
    set.disk.was_granted(&InviteLink::parse(LINK).unwrap(), vec![said]);
    (seat, set)
}

#[tokio::test(start_paused = true)]
async fn after_a_power_loss_the_same_candidate_goes_on() {
    let (_seat, set) = broken_off(TimeDelta::minutes(2));
    let mut stage = set.start();
    // Whose it was stands nowhere: who sits there now may be somebody else.
    let waits = |s: &Snapshot| s.screen == Screen::Seat && ready(s) && shown(s).broke_off;
    stage.within(MOMENT, "that it broke off", waits).await;
    assert_eq!((stage.now().title, stage.now().notices), (None, vec![]));
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    stage.ends().await;
    stage.room.session_closes();
    stage.received(Duration::from_secs(30)).await;
    assert_eq!(testbed::texts(&stage.record()), ["my secret"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_comes_back_for_is_delivered() {
    let (_seat, set) = broken_off(TimeDelta::minutes(2));
    let mut stage = set.start();
    stage.within(MOMENT, "that it broke off", |s| ready(s) && shown(s).broke_off).await;
    stage.within(Duration::from_secs(601), "that nobody came", |s| !shown(s).broke_off).await;
    stage.passes(Duration::from_secs(5)).await;
    assert_eq!(testbed::texts(&stage.record()), ["my secret"]);
    assert_eq!((stage.now().screen, stage.now().notices), (Screen::Seat, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_broke_off_long_ago_is_delivered_and_offered_to_nobody() {
    // A clock that was ahead then says nothing of how long ago it was.
    for ago in [TimeDelta::minutes(11), TimeDelta::minutes(-5)] {
        let (_seat, set) = broken_off(ago);
        let mut stage = set.start();
        stage.within(MOMENT, "the seat", |s| ready(s) && s.screen == Screen::Seat).await;
        let mine = |s: &Snapshot| s.screen == Screen::Seat && s.notices.is_empty() && !shown(s).broke_off;
        stage.stays(Duration::from_secs(10), "nothing of it", mine).await;
        assert_eq!(testbed::texts(&stage.record()), ["my secret"]);
    }
}

/// The sentence for the staff, if the seat can hold no interview.
fn unwell(snapshot: &Snapshot) -> Option<&str> {
    match shown(snapshot).trouble.as_ref()? {
        SeatTrouble::Unwell { detail } => Some(detail),
        SeatTrouble::Policy { .. } | SeatTrouble::NotLocked { .. } => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_can_hold_no_interview_says_what_is_missing_and_opens_by_itself() {
    const LOOKED: Duration = Duration::from_secs(25);
    let (_seat, mut stage) = Seat::started().await;
    // Its server.
    stage.backend.set(|backend| backend.down = true);
    let why = stage.within(LOOKED, "why", |s| shown(s).trouble.is_some()).await;
    assert!(unwell(&why).unwrap().contains("cannot be reached"), "{why:?}");
    stage.order(enter(CODE)).await;
    stage.stays(MOMENT, "the seat", |s| s.screen == Screen::Seat).await;
    stage.backend.set(|backend| backend.down = false);
    stage.within(Duration::from_secs(6), "that it is open", |s| shown(s).trouble.is_none()).await;
    // Its clock.
    stage.backend.set(|backend| backend.ahead = TimeDelta::minutes(12));
    let why = stage.within(LOOKED, "why", |s| shown(s).trouble.is_some()).await;
    assert!(unwell(&why).unwrap().contains("12 minutes behind"), "{why:?}");
    stage.backend.set(|backend| backend.ahead = TimeDelta::zero());
    stage.within(LOOKED, "that it is open", |s| shown(s).trouble.is_none()).await;
    // Its devices; one that is exchanged is away for a moment.
    stage.audio.plug(&[], &["speaker"]);
    stage.stays(Duration::from_secs(2), "the seat", |s| shown(s).trouble.is_none()).await;
    let why = stage.within(LOOKED, "why", |s| shown(s).trouble.is_some()).await;
    assert!(unwell(&why).unwrap().starts_with("there is no microphone"), "{why:?}");
    stage.audio.plug(&["microphone"], &["speaker"]);
    stage.within(MOMENT, "that it is open", |s| shown(s).trouble.is_none()).await;
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    // Nobody is thrown out by it who has begun.
    let asked = stage.backend.set(|backend| {
        backend.ahead = TimeDelta::minutes(12);
        backend.asked_clock
    });
    stage.stays(LOOKED, "the check", |s| s.screen == Screen::Checking && shown(s).trouble.is_none()).await;
    assert!(
        stage.backend.set(|backend| backend.asked_clock) <= asked + 1,
        "it is asked while nobody sits there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_lets_no_seat_go_that_has_a_pin() {
    for (with_pin, goes) in [(true, false), (false, true)] {
        let mut own = policy();
        own.escapes.pin = with_pin.then(|| Pin::keep(PIN, &[7; 16]).unwrap());
        let (_seat, set) = Seat::with(&own);
        set.backend.set(|backend| backend.down = true);
        let mut stage = set.start();
        stage.within(Duration::from_secs(25), "why", |s| ready(s) && unwell(s).is_some()).await;
        if goes {
            assert_eq!(ends(stage, Duration::from_secs(11 * 60)).await, Some(SeatEnd::Released));
        } else {
            stage.stays(Duration::from_secs(3_600), "the seat", |s| unwell(s).is_some()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_center_sees_its_seat_and_what_it_wants_is_done_once() {
    let (_seat, mut stage) = Seat::started().await;
    let told = |stage: &Testbed| stage.backend.set(|backend| backend.seat.clone());
    let stages = |stage: &Testbed| {
        let mut stages: Vec<SeatStage> = told(stage).iter().map(|state| state.stage).collect();
        stages.dedup();
        stages
    };
    stage.stays(Duration::from_secs(61), "the seat", |s| s.screen == Screen::Seat).await;
    let before = told(&stage).len();
    assert!((12..=16).contains(&before), "every five seconds: {before}");
    stage.order(Command::CallHelp { on: true }).await;
    stage.within(MOMENT, "the banner", |s| shown(s).help).await;
    stage.stays(Duration::from_secs(1), "the seat", |s| shown(s).help).await;
    assert!(told(&stage).last().unwrap().help, "it is told at once");
    // What the center says is on the screen.
    stage.backend.wants(1, SeatOrder::Message { text: "Five minutes more".to_owned() });
    let message = |s: &Snapshot| shown(s).message.as_deref() == Some("Five minutes more");
    stage.within(Duration::from_secs(7), "the message", message).await;
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    // What changes faster than five times a second is told as it is in the end.
    stage.stays(Duration::from_secs(1), "the device check", |s| s.screen == Screen::Checking).await;
    // Nobody begins anew under somebody's hands.
    stage.backend.wants(2, SeatOrder::Renew);
    stage.enter().await;
    stage.stays(Duration::from_secs(1), "the waiting", |s| s.screen == Screen::Waiting).await;
    stage.begin().await;
    stage.stays(Duration::from_secs(7), "the interview", |s| s.screen == Screen::Interview).await;
    let now = told(&stage).pop().unwrap();
    assert_eq!((now.stage, now.done), (SeatStage::Interview, 2));
    assert!(now.interview_id.is_some() && now.microphone.is_some() && now.loudspeaker.is_some(), "{now:?}");
    stage.ends().await;
    stage.room.session_closes();
    stage.received(Duration::from_secs(30)).await;
    stage.stays(Duration::from_secs(6), "the end", |s| s.screen == Screen::Completed).await;
    let seen = stages(&stage);
    let usual =
        [SeatStage::Idle, SeatStage::Check, SeatStage::Waiting, SeatStage::Interview, SeatStage::Ended];
    assert_eq!(seen, usual, "{seen:?}");
    // A release is known to the center before it is done.
    stage.backend.wants(3, SeatOrder::Release);
    let backend = stage.backend.clone();
    assert_eq!(ends(stage, Duration::from_secs(10)).await, Some(SeatEnd::Released));
    assert!(backend.set(|backend| backend.orders.is_empty()), "the next life of it would do that once more");
}

#[tokio::test(start_paused = true)]
async fn a_center_that_is_away_or_may_not_lets_no_seat_go() {
    let mut own = policy();
    own.escapes.remote = false;
    let (_seat, set) = Seat::with(&own);
    let mut stage = set.start();
    let idle = |s: &Snapshot| s.screen == Screen::Seat;
    stage.within(MOMENT, "the seat", |s| ready(s) && idle(s)).await;
    stage.stays(Duration::from_secs(6), "the seat", idle).await;
    assert!(!stage.backend.set(|backend| backend.seat.last().unwrap().remote));
    stage.backend.wants(1, SeatOrder::Release);
    stage.stays(Duration::from_secs(30), "the seat", idle).await;
    // It is told again when it is back, and not more often than that is worth: 5, 10, 15 s and so on, a minute at most.
    stage.backend.set(|backend| backend.down = true);
    let before = stage.backend.set(|backend| backend.asked_seat);
    stage.stays(Duration::from_secs(600), "the seat", idle).await;
    let asked = stage.backend.set(|backend| backend.asked_seat) - before;
    assert!((12..=18).contains(&asked), "{asked} times in ten minutes");
    stage.backend.set(|backend| backend.down = false);
    let before = stage.backend.set(|backend| backend.seat.len());
    stage.stays(Duration::from_secs(61), "the seat", idle).await;
    assert!(stage.backend.set(|backend| backend.seat.len()) > before);
}

#[tokio::test(start_paused = true)]
async fn what_was_meant_for_somebody_else_or_another_moment_is_not_done() {
    let (_seat, mut stage) = Seat::started().await;
    stage.stays(Duration::from_secs(6), "the seat", |s| s.screen == Screen::Seat).await;
    let idle = stage.backend.set(|backend| backend.seat.last().unwrap().clone());
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    let held = |s: &Snapshot| s.screen == Screen::Interview;
    stage.stays(Duration::from_secs(6), "the interview", held).await;
    // A release of an idle seat, and one of another life of it.
    for (id, life) in [(1, idle.life.clone()), (2, "another".to_owned())] {
        let given = GivenOrder { life, seen: None, order: SeatOrder::Release };
        stage.backend.set(|backend| backend.orders.push(NumberedOrder { id, given }));
        stage.stays(Duration::from_secs(12), "the interview", held).await;
    }
    // One of this very interview that is known, and then nobody answers for three minutes.
    let known = |stage: &Testbed| stage.backend.set(|backend| backend.seat.last().unwrap().done);
    stage.backend.wants(3, SeatOrder::Release);
    stage.backend.set(|backend| backend.latency = Duration::from_millis(300));
    let asked = stage.backend.set(|backend| backend.asked_seat);
    while stage.backend.set(|backend| backend.asked_seat) == asked {
        stage.stays(Duration::from_millis(50), "the interview", held).await;
    }
    // Its answer, which is under way, brings the order; what says that it is known does not arrive.
    stage.backend.set(|backend| backend.down = true);
    assert!(known(&stage) < 3);
    stage.stays(Duration::from_secs(180), "the interview", held).await;
    stage.backend.set(|backend| backend.down = false);
    stage.stays(Duration::from_secs(90), "the interview", held).await;
    assert_eq!(known(&stage), 3);
}

#[tokio::test(start_paused = true)]
async fn a_seat_whose_policy_is_over_tells_its_center_why_it_is_closed() {
    let over = SeatPolicy { valid_until: "2027-01-02T00:00:00Z".parse().unwrap(), ..policy() };
    let (_seat, set) = Seat::with(&over);
    let mut stage = set.start();
    stage.within(MOMENT, "why", |s| ready(s) && shown(s).trouble.is_some()).await;
    stage.stays(Duration::from_secs(6), "the seat", |s| s.screen == Screen::Seat).await;
    let told = stage.backend.set(|backend| backend.seat.last().cloned()).expect("it tells");
    assert_eq!(told.stage, SeatStage::Closed);
    assert!(told.trouble.unwrap().contains("clock says 2027-01-15"));
}

#[tokio::test(start_paused = true)]
async fn somebody_whom_the_center_assigns_begins_their_check_without_a_code() {
    let (_seat, mut stage) = Seat::started().await;
    let last = |stage: &Testbed| stage.backend.set(|backend| backend.seat.last().cloned().unwrap());
    let idle = |s: &Snapshot| s.screen == Screen::Seat;
    stage.stays(Duration::from_secs(6), "the seat", idle).await;
    // Whoever is not there any more is told of, and the seat waits on.
    stage.backend.wants(1, SeatOrder::Assign { reference: None });
    stage.stays(Duration::from_secs(12), "the seat", idle).await;
    let said =
        "assign: nobody is assigned to this seat, or they were assigned too long ago; assign them again";
    assert_eq!(last(&stage).refused.as_deref(), Some(said));
    stage.backend.set(|backend| backend.assigned = Some(CODE.to_owned()));
    stage.backend.wants(2, SeatOrder::Assign { reference: None });
    let check = |s: &Snapshot| s.screen == Screen::Checking && s.microphone_open;
    stage.within(Duration::from_secs(12), "the device check", check).await;
    stage.stays(Duration::from_secs(1), "the device check", check).await;
    assert_eq!((last(&stage).stage, last(&stage).refused), (SeatStage::Check, None));
    // Nobody else is put into their place.
    stage.backend.set(|backend| backend.assigned = Some("BBBB-BBBB".to_owned()));
    stage.backend.wants(3, SeatOrder::Assign { reference: None });
    stage.stays(Duration::from_secs(12), "the device check", check).await;
    assert_eq!(last(&stage).refused.as_deref(), Some("assign: somebody sits here"));
    assert!(stage.backend.set(|backend| backend.assigned.is_some()), "it was not even asked for");
    stage.enter().await;
    stage.begin().await;
    stage.within(MOMENT, "the interview", |s| s.screen == Screen::Interview).await;
    stage.stays(Duration::from_secs(6), "the interview", |s| s.screen == Screen::Interview).await;
    // Its interview, as the fake backend names it.
    let id: String = CODE.chars().rev().collect();
    assert_eq!(last(&stage).interview_id, Some(id));
}

#[tokio::test(start_paused = true)]
async fn nobody_begins_at_a_seat_that_is_held_and_nobody_is_taken_for_gone_there() {
    let (_seat, mut stage) = Seat::started().await;
    stage.order(enter(CODE)).await;
    let check = |s: &Snapshot| s.screen == Screen::Checking && s.microphone_open;
    stage.within(MOMENT, "the device check", check).await;
    stage.stays(Duration::from_secs(6), "the device check", check).await;
    stage.backend.set(|backend| backend.hold = true);
    stage.within(Duration::from_secs(12), "that it is held", |s| shown(s).on_hold).await;
    stage.order(Command::Join).await;
    // Twice as long as nobody may be there.
    stage.stays(Duration::from_secs(1_200), "the device check", |s| check(s) && shown(s).on_hold).await;
    assert!(stage.backend.set(|backend| backend.seat.last().unwrap().held));
    // Who waited so long is not taken for gone when they may begin.
    stage.backend.set(|backend| backend.hold = false);
    stage.within(Duration::from_secs(12), "that it is not", |s| !shown(s).on_hold).await;
    stage.stays(Duration::from_secs(60), "the device check", check).await;
    stage.enter().await;
    stage.begin().await;
    // An interview that goes on is none that begins.
    stage.backend.set(|backend| backend.hold = true);
    stage.stays(Duration::from_secs(12), "the interview", |s| s.screen == Screen::Interview).await;
    // What a newer server wants is said not to be known, and takes nothing with it.
    stage.backend.wants(1, SeatOrder::Unknown);
    stage.backend.wants(2, SeatOrder::Message { text: "Well".to_owned() });
    stage.within(Duration::from_secs(12), "what comes after it", |s| shown(s).message.is_some()).await;
    assert_eq!(stage.backend.set(|backend| backend.seat.last().unwrap().done), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_at_a_seat_that_is_held() {
    let (_seat, mut stage) = Seat::started().await;
    stage.backend.set(|backend| backend.hold = true);
    stage.order(enter(CODE)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    let (began, end) = (tokio::time::Instant::now(), ends(stage, Duration::from_secs(4_000)).await);
    assert_eq!(end, Some(SeatEnd::NextCandidate));
    assert!(began.elapsed() > Duration::from_secs(3_500), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_seat_whose_journal_can_not_be_opened_takes_no_code_and_says_why() {
    let (_seat, mut stage) = Seat::started().await;
    stage.disk.set(|disk| disk.volatile = true);
    let why = stage.within(Duration::from_secs(25), "why", |s| shown(s).trouble.is_some()).await;
    assert!(unwell(&why).unwrap().starts_with("the journal can't be opened"), "{why:?}");
    stage.order(enter(CODE)).await;
    stage.stays(Duration::from_secs(1), "the seat", |s| s.screen == Screen::Seat).await;
}
