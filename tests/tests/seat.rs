//! A test center's seat on real parts: the supervisor, cage, the window in it; what a candidate leaves, and what leads out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use adjourn_protocol::{Entry, Line, Note, Record};
use adjourn_qa::kiosk::{RESET, SeatBed, asks_for_a_code, code_of, has, until};
use adjourn_testbed::{AccessibleNode, AgentEvent, Interviewer, Seat, Signal};
use adjourn_tests::picture;

const SOON: Duration = Duration::from_secs(20);
/// Words of what is said in an interview that ends as this one's.
const MARKERS: &[&str] = &["sensor network", "water level"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_holds_an_interview_and_forgets_it() {
    let mut bed = SeatBed::start().await.unwrap();
    let worker = bed.testbed.worker(&Interviewer::plain("zombie", 1)).await.unwrap();
    let invitation = bed.testbed.backend.invite("{}").await.unwrap();
    let tree = bed.idle(SOON).await.unwrap();
    assert!(
        has(&tree, "I need help") && has(&tree, "Seat B-07") && !has(&tree, "Interview link"),
        "{}",
        tree.outline()
    );
    bed.seat.picture(&picture("seat-idle")).await.unwrap();
    let code = code_of(&invitation).unwrap();
    bed.enter(&code).await.unwrap();
    bed.seat.picture(&picture("seat-check")).await.unwrap();
    bed.join().await.unwrap();
    let listens = |events: &[AgentEvent]| {
        events.iter().filter(|e| e.state.as_deref() == Some("listening")).count() >= 2
    };
    until(&worker, "its question", listens).await.unwrap();
    let _voice = bed.answer().unwrap();
    bed.seat.picture(&picture("seat-interview")).await.unwrap();
    bed.sees("the end", Duration::from_secs(60), |tree| has(tree, "I am done")).await.unwrap();
    bed.seat.picture(&picture("seat-end")).await.unwrap();
    let status = bed.testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!(status.outcome.map(|outcome| outcome.to_string()).as_deref(), Some("finished"));
    let record: Record =
        serde_json::from_slice(&bed.testbed.backend.record(&invitation.id, 1).await.unwrap()).unwrap();
    let at = |entry: &Entry| {
        if let Line::Timeline(Note::Seat(seat)) = &entry.line { Some(seat.clone()) } else { None }
    };
    let at = record.timeline.iter().find_map(at).expect("the seat is in the record");
    assert_eq!((at.center.as_str(), at.seat.as_str()), ("berlin-mitte", "B-07"));
    let said: Vec<String> = record.transcript.iter().map(|turn| turn.text.to_lowercase()).collect();
    println!("seat: locked as {:?}, weak: {:?}; said: {said:?}", at.lock, at.weak);
    assert!(MARKERS.iter().any(|word| said.iter().any(|text| text.contains(word))), "a marker to look for");

    let programs = bed.seat.processes();
    let reset = bed.done().await.unwrap();
    println!("seat: the next one can begin {reset:.1} s after the last was done");
    assert!(reset <= RESET.as_secs_f64(), "{reset} s");
    let ours = |name: &str| ["adjourn", "cage", "Xwayland"].contains(&name) || name.starts_with("WebKit");
    assert!(programs.iter().filter(|(name, _)| ours(name)).count() >= 4, "{programs:?}");
    let lives = |(name, pid): &&(String, i32)| {
        let now = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        ours(name) && now.is_ok_and(|now| now.trim_end() == name)
    };
    let left: Vec<_> = programs.iter().filter(lives).collect();
    assert!(left.is_empty(), "they outlive their candidate: {left:?}");
    let words = [MARKERS, &[code.expose()]].concat();
    assert_eq!(bed.leftovers(&words), Vec::<PathBuf>::new());
    bed.seat.cut().await;
}

/// What is pressed to get out of a window, a page or a desktop.
const CHORDS: &[&str] = &[
    "Alt+F4",
    "Alt+Tab",
    "Alt+Escape",
    "Alt+space",
    "super",
    "super+d",
    "super+e",
    "super+l",
    "super+r",
    "ctrl+w",
    "ctrl+q",
    "ctrl+n",
    "ctrl+t",
    "ctrl+shift+n",
    "ctrl+shift+i",
    "ctrl+shift+j",
    "ctrl+shift+c",
    "F12",
    "ctrl+u",
    "ctrl+s",
    "ctrl+o",
    "ctrl+p",
    "ctrl+f",
    "ctrl+g",
    "ctrl+h",
    "ctrl+j",
    "ctrl+l",
    "ctrl+r",
    "F5",
    "ctrl+F5",
    "F1",
    "F3",
    "F6",
    "F7",
    "F10",
    "F11",
    "shift+F10",
    "Menu",
    "ctrl+alt+Delete",
    "ctrl+alt+BackSpace",
    "ctrl+alt+t",
    "ctrl+shift+Escape",
    "ctrl+Escape",
    "alt+Left",
    "alt+Right",
    "alt+Home",
    "BackSpace",
    "ctrl+plus",
    "ctrl+minus",
    "ctrl+0",
    "Print",
    "alt+Print",
    "XF86HomePage",
    "XF86Back",
    "XF86Mail",
    "XF86Search",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_pressed_leads_out_of_a_seat() {
    let mut bed = SeatBed::start().await.unwrap();
    let before = bed.idle(SOON).await.unwrap();
    let programs: Vec<String> = bed.seat.processes().into_iter().map(|(name, _)| name).collect();
    let inputs = |tree: &AccessibleNode| {
        tree.all().iter().map(|node| (node.role.clone(), node.name.clone())).collect::<Vec<_>>()
    };
    for chord in CHORDS {
        // In the field for the code, where everybody begins.
        bed.seat.click(512, 357, 1).await.unwrap();
        bed.seat.keys(chord).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await; // what opens, opens within this
        assert!(bed.seat.running(), "{chord} ended the seat:\n{}", bed.seat.log());
        let now = bed.sees(chord, Duration::from_secs(5), asks_for_a_code).await.unwrap();
        let (was, is) = (inputs(&before), inputs(&now));
        let new: Vec<_> = is.iter().filter(|node| !was.contains(node) && !node.1.contains(':')).collect();
        assert!(new.is_empty(), "{chord}: {new:?}");
    }
    for button in [2, 3, 8, 9] {
        bed.seat.click(512, 360, button).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(bed.seat.running());
    }
    bed.seat.picture(&picture("seat-after-chords")).await.unwrap();
    let now: Vec<String> = bed.seat.processes().into_iter().map(|(name, _)| name).collect();
    let new: Vec<_> = now.iter().filter(|name| !programs.contains(name)).collect();
    assert!(new.is_empty(), "programs that were not there: {new:?}");
    bed.seat.cut().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_the_seat_comes_back() {
    let mut bed = SeatBed::start().await.unwrap();
    // A page that dies, or hangs, is replaced by the window itself.
    for signal in [Signal::KILL, Signal::STOP] {
        bed.idle(SOON).await.unwrap();
        let listened = |seat: &Seat| seat.log().matches("the page listens").count();
        let before = listened(&bed.seat);
        let began = Instant::now();
        bed.seat.signal("WebKitWebProces", signal).unwrap();
        while listened(&bed.seat) == before {
            assert!(began.elapsed() < SOON, "{}", bed.seat.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bed.idle(SOON).await.unwrap();
        let took = began.elapsed().as_secs_f64();
        println!("seat: a page after {signal:?} is back after {took:.1} s");
        assert!(took <= 12.0, "{took} s");
        assert!(bed.seat.running());
    }
    // A window or a compositor that dies takes the seat with it, which is begun anew.
    for (program, code) in [("adjourn", 1), ("cage", 1)] {
        bed.idle(SOON).await.unwrap();
        bed.seat.signal(program, Signal::KILL).unwrap();
        let ended = bed.seat.ended(Duration::from_secs(8)).await.unwrap();
        assert_eq!(ended, Some(code), "{program}: {}", bed.seat.log());
        bed.again().await.unwrap();
    }
    // One that hangs is given up.
    bed.idle(SOON).await.unwrap();
    let came = Instant::now();
    while !bed.seat.log().contains("the window lives") {
        assert!(came.elapsed() < SOON, "{}", bed.seat.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    bed.seat.signal("adjourn", Signal::STOP).unwrap();
    let ended = bed.seat.ended(Duration::from_secs(45)).await;
    let ended =
        ended.unwrap_or_else(|error| panic!("{error}: {:?}\n{}", bed.seat.processes(), bed.seat.log()));
    println!("seat: a window that hangs is given up after {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(ended, Some(2), "{}", bed.seat.log());
    bed.again().await.unwrap();
    bed.idle(SOON).await.unwrap();
    bed.seat.cut().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_power_loss_the_interview_goes_on() {
    let mut bed = SeatBed::start().await.unwrap();
    let worker = bed.testbed.worker(&Interviewer::plain("zombie", 1)).await.unwrap();
    let invitation = bed.testbed.backend.invite("{}").await.unwrap();
    let code = code_of(&invitation).unwrap();
    bed.enter(&code).await.unwrap();
    bed.join().await.unwrap();
    until(&worker, "that it speaks", |events| events.iter().any(|e| e.state.as_deref() == Some("speaking")))
        .await
        .unwrap();
    bed.seat.cut_power().await;
    bed.again().await.unwrap();
    let tree = bed.idle(SOON).await.unwrap();
    let said = |text: &str| tree.all().iter().any(|node| node.text.contains(text));
    assert!(said("An interview broke off here."), "{}", tree.outline());
    bed.seat.picture(&picture("seat-goes-on")).await.unwrap();
    bed.enter(&code).await.unwrap();
    bed.join().await.unwrap();
    bed.seat.cut().await;
}
