//! A test center's seat on real parts: the supervisor, cage, the window in it; what a candidate leaves, and what leads out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adjourn_protocol::{Entry, Line, Note, Record};
use adjourn_testbed::{
    AccessibleNode, AgentEvent, Interviewer, Pulse, Seat, SeatFolders, Signal, Testbed, Worker,
};

const SOON: Duration = Duration::from_secs(20);
/// What the interviewer hears of the candidate (`speech/answer.wav`), as it is transcribed.
const MARKERS: &[&str] = &["sensor", "project"];

struct Fixture {
    pulse: Pulse,
    testbed: Testbed,
    folders: SeatFolders,
    seat: Seat,
}

impl Fixture {
    async fn set() -> Self {
        let testbed = Testbed::builder().start().await.unwrap();
        let pulse = Pulse::start(testbed.folder()).await.unwrap();
        let policy = SeatFolders::policy(&testbed.backend.url).unwrap();
        let folder = testbed.folder().join("seat");
        let sound = format!("{{ shared = {:?} }}", pulse.server);
        let folders = SeatFolders::make(&folder, &policy, &sound).unwrap();
        let seat = Seat::start(&testbed.tools, &folders, Some(&pulse)).await.unwrap();
        Self { pulse, testbed, folders, seat }
    }

    async fn sees(
        &mut self,
        what: &str,
        limit: Duration,
        so: impl Fn(&AccessibleNode) -> bool,
    ) -> AccessibleNode {
        self.seat.wait(&self.testbed.tools, &self.folders, what, limit, so).await.unwrap()
    }

    async fn idle(&mut self, limit: Duration) -> AccessibleNode {
        self.sees("the seat, waiting for a code", limit, typed_into).await
    }

    /// Types a code and waits for the device check.
    async fn enter(&mut self, code: &str) {
        self.idle(SOON).await;
        self.seat.type_text(code).await.unwrap();
        self.seat.keys("Return").await.unwrap();
        self.sees("the device check", SOON, |tree| has(tree, "Join the interview")).await;
    }

    /// Takes up the next candidate's life.
    fn again(&mut self) {
        self.seat.again(&self.testbed.tools, &self.folders, Some(&self.pulse)).unwrap();
    }
}

/// Whether a code is asked for.
fn field(tree: &AccessibleNode) -> bool {
    tree.all().iter().any(|node| node.name == "Your code")
}

/// Whether one can be typed.
fn typed_into(tree: &AccessibleNode) -> bool {
    tree.all().iter().any(|node| node.name == "Your code" && node.is("focused"))
}

/// Whether something is called so.
fn has(tree: &AccessibleNode, name: &str) -> bool {
    // Marks around a name that may be written from right to left: nobody hears them.
    let plain = |text: &str| text.replace(['\u{2068}', '\u{2069}'], "");
    tree.all().iter().any(|node| plain(&node.name).trim() == name)
}

fn picture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

async fn until(worker: &Worker, what: &str, so: impl Fn(&[AgentEvent]) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !so(&worker.events()) {
        assert!(tokio::time::Instant::now() < deadline, "the interviewer tells nothing of: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Files in which one of the words stands, but for the journal's.
fn leftovers(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let journal = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("outbox.db"));
        if path.is_dir() {
            found.extend(leftovers(&path, words));
        } else if !journal {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if words.iter().any(|word| text.contains(&word.to_lowercase())) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_holds_an_interview_and_forgets_it() {
    let mut fixture = Fixture::set().await;
    let worker = fixture.testbed.worker(&Interviewer::plain("zombie", 1)).await.unwrap();
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let tree = fixture.idle(SOON).await;
    assert!(
        has(&tree, "Call for help") && has(&tree, "Seat B-07") && !has(&tree, "Interview link"),
        "{}",
        tree.outline()
    );
    fixture.seat.picture(&picture("seat-idle")).await.unwrap();
    let code = adjourn_protocol::InviteLink::parse(&invitation.link).unwrap().code;
    fixture.enter(code.expose()).await;
    fixture.seat.picture(&picture("seat-check")).await.unwrap();
    fixture.seat.press("Join the interview").await.unwrap();
    fixture.sees("the interview", Duration::from_secs(45), |tree| has(tree, "End interview")).await;
    let listens = |events: &[AgentEvent]| {
        events.iter().filter(|e| e.state.as_deref() == Some("listening")).count() >= 2
    };
    until(&worker, "its question", listens).await;
    let answer = fixture.testbed.tools.interviewers().join("speech/answer.wav");
    let _voice = fixture.pulse.speak(&answer).unwrap();
    fixture.seat.picture(&picture("seat-interview")).await.unwrap();
    fixture.sees("the end", Duration::from_secs(60), |tree| has(tree, "I am done")).await;
    fixture.seat.picture(&picture("seat-end")).await.unwrap();
    let status = fixture.testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!(status.outcome.map(|outcome| outcome.to_string()).as_deref(), Some("finished"));
    let record: Record =
        serde_json::from_slice(&fixture.testbed.backend.record(&invitation.id, 1).await.unwrap()).unwrap();
    let at = |entry: &Entry| {
        if let Line::Timeline(Note::Seat(seat)) = &entry.line { Some(seat.clone()) } else { None }
    };
    let at = record.timeline.iter().find_map(at).expect("the seat is in the record");
    assert_eq!((at.center.as_str(), at.seat.as_str()), ("berlin-mitte", "B-07"));
    let said: Vec<String> = record.transcript.iter().map(|turn| turn.text.to_lowercase()).collect();
    println!("seat: locked as {:?}, weak: {:?}; said: {said:?}", at.lock, at.weak);
    assert!(MARKERS.iter().any(|word| said.iter().any(|text| text.contains(word))), "a marker to look for");

    let programs = fixture.seat.processes();
    let began = Instant::now();
    fixture.seat.press("I am done").await.unwrap();
    assert_eq!(fixture.seat.ended(Duration::from_secs(8)).await.unwrap().code(), Some(0));
    let ours = |name: &str| ["adjourn", "cage", "Xwayland"].contains(&name) || name.starts_with("WebKit");
    assert!(programs.iter().filter(|(name, _)| ours(name)).count() >= 4, "{programs:?}");
    let lives = |(name, pid): &&(String, i32)| {
        let now = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        ours(name) && now.is_ok_and(|now| now.trim_end() == name)
    };
    let left: Vec<_> = programs.iter().filter(lives).collect();
    assert!(left.is_empty(), "they outlive their candidate: {left:?}");
    fixture.again();
    assert_eq!(
        leftovers(&fixture.folders.home, &[MARKERS, &[code.expose()]].concat()),
        Vec::<PathBuf>::new()
    );
    fixture.idle(SOON).await;
    let reset = began.elapsed().as_secs_f64();
    println!("seat: idle again {reset:.1} s after Done");
    assert!(reset <= 8.0, "{reset} s");
    let data = leftovers(&fixture.folders.data, &[MARKERS, &[code.expose()]].concat());
    assert_eq!(data, Vec::<PathBuf>::new());
    fixture.seat.cut().await;
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
    let mut fixture = Fixture::set().await;
    let before = fixture.idle(SOON).await;
    let programs: Vec<String> = fixture.seat.processes().into_iter().map(|(name, _)| name).collect();
    let inputs = |tree: &AccessibleNode| {
        tree.all().iter().map(|node| (node.role.clone(), node.name.clone())).collect::<Vec<_>>()
    };
    for chord in CHORDS {
        // In the field for the code, where everybody begins.
        fixture.seat.click(512, 357, 1).await.unwrap();
        fixture.seat.keys(chord).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await; // what opens, opens within this
        assert!(fixture.seat.running(), "{chord} ended the seat:\n{}", fixture.seat.log());
        let now = fixture.sees(chord, Duration::from_secs(5), field).await;
        let (was, is) = (inputs(&before), inputs(&now));
        let new: Vec<_> = is.iter().filter(|node| !was.contains(node) && !node.1.contains(':')).collect();
        assert!(new.is_empty(), "{chord}: {new:?}");
    }
    for button in [2, 3, 8, 9] {
        fixture.seat.click(512, 360, button).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(fixture.seat.running());
    }
    fixture.seat.picture(&picture("seat-after-chords")).await.unwrap();
    let now: Vec<String> = fixture.seat.processes().into_iter().map(|(name, _)| name).collect();
    let new: Vec<_> = now.iter().filter(|name| !programs.contains(name)).collect();
    assert!(new.is_empty(), "programs that were not there: {new:?}");
    fixture.seat.cut().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_the_seat_comes_back() {
    let mut fixture = Fixture::set().await;
    // A page that dies, or hangs, is replaced by the window itself.
    for signal in [Signal::KILL, Signal::STOP] {
        fixture.idle(SOON).await;
        let listened = |seat: &Seat| seat.log().matches("the page listens").count();
        let before = listened(&fixture.seat);
        let began = Instant::now();
        fixture.seat.signal("WebKitWebProces", signal).unwrap();
        while listened(&fixture.seat) == before {
            assert!(began.elapsed() < SOON, "{}", fixture.seat.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        fixture.idle(SOON).await;
        let took = began.elapsed().as_secs_f64();
        println!("seat: a page after {signal:?} is back after {took:.1} s");
        assert!(took <= 12.0, "{took} s");
        assert!(fixture.seat.running());
    }
    // A window or a compositor that dies takes the seat with it, which is begun anew.
    for (program, code) in [("adjourn", 1), ("cage", 1)] {
        fixture.idle(SOON).await;
        fixture.seat.signal(program, Signal::KILL).unwrap();
        let ended = fixture.seat.ended(Duration::from_secs(8)).await.unwrap();
        assert_eq!(ended.code(), Some(code), "{program}: {}", fixture.seat.log());
        fixture.again();
    }
    // One that hangs is given up.
    fixture.idle(SOON).await;
    let came = Instant::now();
    while !fixture.seat.log().contains("the window lives") {
        assert!(came.elapsed() < SOON, "{}", fixture.seat.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    fixture.seat.signal("adjourn", Signal::STOP).unwrap();
    let ended = fixture.seat.ended(Duration::from_secs(45)).await;
    let ended = ended
        .unwrap_or_else(|error| panic!("{error}: {:?}\n{}", fixture.seat.processes(), fixture.seat.log()));
    println!("seat: a window that hangs is given up after {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(ended.code(), Some(2), "{}", fixture.seat.log());
    fixture.again();
    fixture.idle(SOON).await;
    fixture.seat.cut().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_power_loss_the_interview_goes_on() {
    let mut fixture = Fixture::set().await;
    let worker = fixture.testbed.worker(&Interviewer::plain("zombie", 1)).await.unwrap();
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let code = adjourn_protocol::InviteLink::parse(&invitation.link).unwrap().code;
    fixture.enter(code.expose()).await;
    fixture.seat.press("Join the interview").await.unwrap();
    fixture.sees("the interview", Duration::from_secs(45), |tree| has(tree, "End interview")).await;
    until(&worker, "that it speaks", |events| events.iter().any(|e| e.state.as_deref() == Some("speaking")))
        .await;
    fixture.seat.cut_power().await;
    fixture.again();
    let tree = fixture.idle(SOON).await;
    let said = |text: &str| tree.all().iter().any(|node| node.text.contains(text));
    assert!(said("An interview broke off here."), "{}", tree.outline());
    fixture.seat.picture(&picture("seat-goes-on")).await.unwrap();
    fixture.enter(code.expose()).await;
    fixture.seat.press("Join the interview").await.unwrap();
    fixture.sees("the interview", Duration::from_secs(45), |tree| has(tree, "End interview")).await;
    fixture.seat.cut().await;
}
