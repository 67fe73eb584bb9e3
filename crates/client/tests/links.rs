//! From a link to the device check.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Command, Language, Message, Screen, Snapshot, Verdict};
use adjourn_outbox::BackendError;
use adjourn_protocol::{Checked, Entry, InviteLink, Invited, Line, Note, Outcome, Role, ToolEnded, Turn};
use adjourn_room::{LinkCheck, Way};
use adjourn_session::InterruptedWhy;

use testbed::{LINK, MOMENT, NEW_HOST, OTHER_LINK, Set, Testbed};

fn open(link: &str) -> Command {
    Command::OpenLink { link: link.to_owned() }
}

fn host(snapshot: &Snapshot) -> Option<&str> {
    snapshot.host.as_deref()
}

#[tokio::test(start_paused = true)]
async fn without_a_link_the_start_screen_waits() {
    let mut stage = Set::new().start();
    stage
        .stays(Duration::from_secs(60), "the start", |s| s.screen == Screen::Start && s.problem.is_none())
        .await;
    assert!(stage.audio.open().0.is_empty(), "nobody listens");
}

#[tokio::test(start_paused = true)]
async fn a_link_to_this_computer_leads_to_the_device_check() {
    let stage = Testbed::checking().await;
    assert_eq!(host(&stage.now()), Some("127.0.0.1:9"));
}

#[tokio::test(start_paused = true)]
async fn a_new_host_is_asked_about_before_anybody_listens() {
    let mut stage = Set::with_link(NEW_HOST).start();
    stage.within(MOMENT, "the question", |s| s.screen == Screen::ConfirmHost).await;
    assert_eq!(host(&stage.now()), Some("interviews.example.com"));
    assert!(stage.audio.open().0.is_empty());
    stage.order(Command::ConfirmHost).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    assert!(stage.disk.set(|disk| disk.hosts.contains("interviews.example.com")), "it is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_confirmed_before_is_not_asked_about_again() {
    let set = Set::with_link(NEW_HOST);
    set.disk.set(|disk| disk.hosts.insert("interviews.example.com".to_owned()));
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_know_the_host_goes_back_to_the_start() {
    let mut stage = Set::with_link(NEW_HOST).start();
    stage.within(MOMENT, "the question", |s| s.screen == Screen::ConfirmHost).await;
    stage.order(Command::ForgetLink).await;
    stage.within(MOMENT, "the start", |s| s.screen == Screen::Start && s.host.is_none()).await;
    stage.order(open(LINK)).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
}

#[tokio::test(start_paused = true)]
async fn the_device_check_has_a_way_back_that_closes_the_devices() {
    let mut stage = Testbed::checking().await;
    stage.order(Command::ForgetLink).await;
    stage.within(MOMENT, "the start", |s| s.screen == Screen::Start && !s.microphone_open).await;
    assert!(stage.audio.open().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_link_is_said() {
    let mut stage = Set::with_link("https://example.com/").start();
    let shown = stage.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    assert_eq!((shown.problem, shown.screen), (Some(Message::NotALink), Screen::Start));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_opened_before_stays_as_good_as_it_was() {
    let mut stage = Testbed::checking().await;
    stage.order(open("nonsense")).await;
    let shown = stage.within(MOMENT, "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!((shown.screen, shown.problem), (Screen::Checking, None));
    // The good one once more settles it.
    stage.order(open(LINK)).await;
    stage.within(MOMENT, "nothing more to know", |s| s.notices.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_double_click_changes_nothing() {
    let mut stage = Testbed::checking().await;
    let before = stage.now().seq;
    stage.order(open(LINK)).await;
    stage.stays(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    assert_eq!(stage.now().seq, before);
}

#[tokio::test(start_paused = true)]
async fn another_link_takes_the_place_of_the_first_before_the_join() {
    let mut stage = Testbed::checking().await;
    stage.order(open(OTHER_LINK)).await;
    stage.passes(MOMENT).await;
    stage.within(MOMENT, "the device check again", |s| s.microphone_open).await;
    stage.order(Command::Join).await;
    stage.within(MOMENT, "the waiting room", |s| s.screen == Screen::Waiting).await;
    assert!(stage.disk.lines(LINK).is_empty() && !stage.disk.lines(OTHER_LINK).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_looked_up_late_does_not_take_the_newest_links_place() {
    let set = Set::new();
    set.disk.set(|disk| disk.lookup = Duration::from_secs(5));
    let mut stage = set.start();
    stage.order(open(NEW_HOST)).await;
    stage.passes(Duration::from_secs(1)).await;
    stage.order(open(LINK)).await;
    stage.within(MOMENT, "the newest", |s| host(s) == Some("127.0.0.1:9")).await;
    stage.stays(Duration::from_secs(10), "the newest", |s| host(s) == Some("127.0.0.1:9")).await;
}

#[tokio::test(start_paused = true)]
async fn another_link_in_an_interview_is_told_and_forgotten_after_it_was_read() {
    let mut stage = Testbed::interview().await;
    stage.order(open(OTHER_LINK)).await;
    let shown = stage.within(MOMENT, "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::OneAtATime]);
    assert_eq!(shown.screen, Screen::Interview);
    stage.stays(Duration::from_secs(29), "the notice", |s| !s.notices.is_empty()).await;
    stage.within(Duration::from_secs(3), "nothing more to know", |s| s.notices.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_link_in_its_own_interview_is_no_news() {
    let mut stage = Testbed::interview().await;
    stage.order(open(LINK)).await;
    stage.stays(MOMENT, "the interview", |s| s.notices.is_empty() && s.screen == Screen::Interview).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_after_the_end_is_for_another_window() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    stage.order(open(LINK)).await;
    let shown = stage.within(MOMENT, "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::AfterThis]);
}

fn at(ms: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
}

fn said(id: &str, ms: i64) -> Entry {
    let turn = Turn { id: id.to_owned(), role: Role::Interviewer, text: format!("turn {id}"), at: at(ms) };
    Entry { at: at(ms), mono_ms: 0, line: Line::Said(turn) }
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_broke_off_goes_on_with_what_was_said() {
    let set = Set::new();
    let link = InviteLink::parse(LINK).unwrap();
    set.disk.was_granted(&link, vec![said("1", -60_000)]);
    let mut stage = set.start();
    let shown = stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    assert_eq!(shown.notices, [Message::Unfinished]);
    stage.enter().await;
    assert!(stage.now().notices.is_empty(), "it goes on");
    stage.begin().await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    assert_eq!(testbed::texts(&stage.record()), ["turn 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_is_gone_on_with_is_as_long_as_all_of_it_whatever_the_clock_says() {
    let set = Set::new();
    let live = Entry { at: at(-90_000), mono_ms: 0, line: Line::Timeline(Note::Live) };
    set.disk.was_granted(&InviteLink::parse(LINK).unwrap(), vec![live, said("1", -60_000)]);
    // By the server, 90 s of it are gone; this computer's clock was set meanwhile.
    set.backend.set(|backend| backend.gone = Duration::from_secs(90));
    set.clock.set_ahead(chrono::TimeDelta::hours(-1));
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    stage.enter().await;
    stage.begin().await;
    stage.passes(Duration::from_secs(10)).await;
    stage.order(Command::End).await;
    let ended = stage.within(MOMENT, "the end", |s| s.screen == Screen::Completed).await;
    let elapsed = ended.elapsed_s.unwrap();
    assert!((100..115).contains(&elapsed), "{elapsed} s");
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_is_over_by_now_is_delivered_from_its_journal() {
    let set = Set::new();
    let link = InviteLink::parse(LINK).unwrap();
    set.disk.was_granted(&link, vec![said("1", -60_000)]);
    set.backend.set(|backend| backend.over = true);
    let mut stage = set.start();
    let shown = stage.within(Duration::from_secs(5), "the receipt", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::EarlierReceived { receipt: "R-1".to_owned() }]);
    assert_eq!(shown.screen, Screen::Start);
    let record = stage.record();
    assert_eq!(record.outcome, Outcome::Interrupted(InterruptedWhy::ClientFailed));
    assert_eq!(testbed::texts(&record), ["turn 1"]);
}

#[tokio::test(start_paused = true)]
async fn who_was_closed_in_the_goodbye_finds_it_finished() {
    let set = Set::with_link(LINK);
    let link = InviteLink::parse(LINK).unwrap();
    let tool = ToolEnded { sid: "PA_1".into(), name: "end_interview".into(), ok: true, call_id: "c".into() };
    let note = |note| Entry { at: at(-2_000), mono_ms: 0, line: Line::Timeline(note) };
    set.disk.was_granted(&link, vec![note(Note::Live), note(Note::ToolEnded(tool))]);
    // Nobody is there any more.
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.order(Command::Join).await;
    assert_eq!(stage.completed(Duration::from_secs(10)).await.outcome.to_string(), "finished");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_interview_that_waits_is_delivered_at_the_start() {
    let set = Set::new();
    set.disk.waits_for_delivery(&InviteLink::parse(OTHER_LINK).unwrap(), b"{}");
    let mut stage = set.start();
    let shown = stage.within(MOMENT, "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::EarlierReceived { receipt: "R-1".to_owned() }]);
}

/// What was found of the way to the room, once it is found.
async fn tried(stage: &mut Testbed) -> (Verdict, Message) {
    let found = |s: &Snapshot| s.connection.as_ref().is_some_and(|found| found.verdict != Verdict::Open);
    let shown = stage.within(Duration::from_secs(30), "what was found", found).await;
    let found = shown.connection.unwrap();
    (found.verdict, found.text)
}

#[tokio::test(start_paused = true)]
async fn the_way_to_the_room_is_tried_before_the_interview() {
    let mut stage = Testbed::checking().await;
    let good = LinkCheck { way: Some(Way::Udp), round_trip: Some(0.04), sent_lost: Some(0.0) };
    stage.room.set_link_check(good);
    assert_eq!(stage.now().connection.unwrap().text, Message::TryingConnection);
    assert_eq!(tried(&mut stage).await, (Verdict::Good, Message::ConnectionGood { ms: 40 }));
    assert_eq!(stage.now().screen, Screen::Checking);
    stage.enter().await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    let noted = |line: &Line| matches!(line, Line::Timeline(Note::DeviceCheck(check)) if check.connection == Checked::Good);
    assert!(stage.record().timeline.iter().any(|entry| noted(&entry.line)));
}

/// What the candidate needs, as it is noted.
fn needs(timeline: &[Entry]) -> Vec<&str> {
    let asked = timeline.iter().filter_map(|entry| match &entry.line {
        Line::Timeline(Note::AdjustmentAsked { text }) => Some(text.as_str()),
        Line::Timeline(_) | Line::Said(_) | Line::Caption(_) | Line::Ending(_) | Line::Unreadable(_) => None,
    });
    asked.collect()
}

fn invited(title: &str) -> Invited {
    Invited {
        title: title.to_owned(),
        organiser: Some("Example Ltd.".to_owned()),
        contact: Some("jobs@example.com".to_owned()),
        language: "de".to_owned(),
        max_minutes: 45,
        begun: false,
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_link_invites_to_is_said_and_is_another_links_no_more() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.invited = Some(invited("A talk")));
    let shown = stage.within(MOMENT * 10, "the invitation", |s| s.invitation.is_some()).await;
    assert_eq!((shown.title.as_deref(), shown.appearance.language), (Some("A talk"), Language::German));
    assert_eq!(shown.contact.as_deref(), Some("jobs@example.com"));
    let invitation = shown.invitation.unwrap();
    assert_eq!((invitation.organiser.as_deref(), invitation.minutes), (Some("Example Ltd."), 45));
    // A join that is granted and comes to nothing leaves nothing behind for another link.
    stage.room.refuse("engine: signal failure: failed to lookup address");
    stage.order(Command::Join).await;
    stage
        .within(Duration::from_secs(60), "that it failed", |s| {
            s.screen == Screen::Checking && s.problem.is_some()
        })
        .await;
    stage.room.admit();
    stage.backend.set(|backend| backend.invited = None);
    stage.order(open(OTHER_LINK)).await;
    let other = |s: &Snapshot| {
        s.invitation.is_none() && s.connection.as_ref().is_some_and(|c| c.verdict == Verdict::Open)
    };
    let shown = stage.within(MOMENT * 10, "the other link", other).await;
    assert_eq!((shown.title, shown.contact, shown.appearance.language), (None, None, Language::English));
}

#[tokio::test(start_paused = true)]
async fn who_invites_is_told_while_no_room_can_be_opened_and_in_the_interview() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| (backend.invited, backend.no_room) = (Some(invited("A talk")), true));
    let not_tried = |s: &Snapshot| {
        s.invitation.is_some()
            && s.connection.as_ref().is_some_and(|found| found.text == Message::ConnectionNotTried)
    };
    stage.within(MOMENT * 10, "the invitation without a room", not_tried).await;
}

#[tokio::test(start_paused = true)]
async fn who_invites_is_told_by_the_join_where_nothing_said_so_before() {
    let mut stage = Testbed::checking().await;
    let tried = |s: &Snapshot| s.connection.as_ref().is_some_and(|found| found.verdict != Verdict::Open);
    let shown = stage.within(MOMENT * 10, "the way", tried).await;
    assert_eq!((shown.invitation, shown.contact), (None, None));
    stage.backend.set(|backend| backend.invited = Some(invited("A talk")));
    stage.order(Command::Join).await;
    let told = |s: &Snapshot| s.screen != Screen::Checking && s.contact.is_some();
    let shown = stage.within(MOMENT * 20, "the contact in the interview", told).await;
    assert_eq!(shown.contact.as_deref(), Some("jobs@example.com"));
}

#[tokio::test(start_paused = true)]
async fn what_the_candidate_needs_is_kept_as_it_is_written_and_noted_once() {
    let set = Set::with_link(LINK);
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    let wish = async |stage: &mut Testbed, text: &str, kept: &str| {
        let of = stage.now().adjustment.unwrap().of;
        stage.order(Command::AskAdjustment { of, text: text.to_owned() }).await;
        let so = |s: &Snapshot| {
            s.adjustment.as_ref().is_some_and(|wish| wish.text == kept && (wish.kept || kept.is_empty()))
        };
        stage.within(MOMENT, kept, so).await;
    };
    wish(&mut stage, "Quiet", "Quiet").await;
    // What was needed there was needed there.
    stage.order(open(OTHER_LINK)).await;
    stage
        .within(MOMENT, "another link", |s| s.adjustment.as_ref().is_some_and(|wish| wish.text.is_empty()))
        .await;
    wish(&mut stage, "More time", "More time").await;
    // What the page says late of the first link is not of this one.
    let earlier = stage.now().adjustment.unwrap().of - 1;
    stage.order(Command::AskAdjustment { of: earlier, text: "Quiet!".to_owned() }).await;
    stage.passes(MOMENT).await;
    assert_eq!(stage.now().adjustment.unwrap().text, "More time");
    // And it is found again where it was left.
    stage.order(open(LINK)).await;
    stage
        .within(MOMENT, "the first link", |s| s.adjustment.as_ref().is_some_and(|wish| wish.text == "Quiet"))
        .await;
    wish(&mut stage, "  Twice the time,\u{7} please. ", "Twice the time, please.").await;
    // A room that can't be entered comes back to the check: it is the same join, and is noted once.
    stage.room.refuse("engine: signal failure: failed to lookup address");
    stage.order(Command::Join).await;
    stage
        .within(Duration::from_secs(60), "that it failed", |s| {
            s.screen == Screen::Checking && s.problem.is_some()
        })
        .await;
    stage.room.admit();
    stage.enter().await;
    assert_eq!(stage.now().adjustment, None);
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    assert_eq!(needs(&stage.record().timeline), ["Twice the time, please."]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_keeps_nothing_is_not_said_to_keep_what_the_candidate_needs() {
    let stage = Testbed::checking().await;
    stage.disk.set(|disk| disk.full = true);
    let of = stage.now().adjustment.unwrap().of;
    stage.order(Command::AskAdjustment { of, text: "Quiet".to_owned() }).await;
    stage.passes(Duration::from_secs(5)).await;
    let wish = stage.now().adjustment.unwrap();
    assert_eq!((wish.text.as_str(), wish.kept, wish.failed), ("Quiet", false, true));
}

#[tokio::test(start_paused = true)]
async fn a_way_that_is_barred_is_said_and_tried_again() {
    let set = Set::with_link(LINK);
    set.backend.set(|backend| backend.checks.push_back(BackendError::NotOpen));
    let old = BackendError::Unusable { host: "a".to_owned(), detail: "404".to_owned(), retry_after: None };
    set.backend.set(|backend| backend.checks.push_back(old));
    let mut stage = set.start();
    stage.room.refuse("engine: signal failure: failed to lookup address");
    assert_eq!(tried(&mut stage).await, (Verdict::Bad, Message::InterviewNotOpen));
    // A backend that knows no such question keeps nobody out.
    stage.order(Command::TryConnection).await;
    stage
        .within(MOMENT, "that it is tried", |s| s.connection.as_ref().unwrap().verdict == Verdict::Open)
        .await;
    assert_eq!(tried(&mut stage).await, (Verdict::Warning, Message::ConnectionNotTried));
    stage.order(Command::TryConnection).await;
    stage
        .within(MOMENT, "that it is tried", |s| s.connection.as_ref().unwrap().verdict == Verdict::Open)
        .await;
    assert_eq!(tried(&mut stage).await, (Verdict::Bad, Message::RoomAddressNotFound));
    // Nothing of it keeps anybody from joining.
    stage.room.admit();
    stage.enter().await;
}

#[tokio::test(start_paused = true)]
async fn who_joins_at_once_is_not_held_up_and_another_link_is_another_way() {
    let mut stage = Testbed::checking().await;
    stage.enter().await;
    assert_eq!(stage.now().connection, None);
    let mut stage = Testbed::checking().await;
    stage.room.set_link_check(LinkCheck { way: Some(Way::Tcp), ..LinkCheck::default() });
    assert_eq!(tried(&mut stage).await, (Verdict::Warning, Message::ConnectionByTcp));
    stage.order(open(OTHER_LINK)).await;
    stage
        .within(MOMENT, "another try", |s| s.connection.as_ref().is_none_or(|c| c.verdict == Verdict::Open))
        .await;
    stage.order(Command::ForgetLink).await;
    stage.within(MOMENT, "the start", |s| s.screen == Screen::Start && s.connection.is_none()).await;
    stage.stays(Duration::from_secs(10), "nothing", |s| s.connection.is_none()).await;
}
