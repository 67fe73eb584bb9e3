//! The real window: a person's way through the interview, and three of its endings. Pictures are kept in
//! `target/pictures`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::path::PathBuf;
use std::time::Duration;

use adjourn_testbed::{
    AgentEvent, Child, Interviewer, Invitation, Mount, Profile, Pulse, Signal, Testbed, Tools, Window,
    WindowOptions, Worker, unix_now,
};
use adjourn_tests::picture;

const SOON: Duration = Duration::from_secs(20);

/// Real parts around a real window.
struct Fixture {
    pulse: Pulse,
    worker: Worker,
    testbed: Testbed,
    invitation: Invitation,
}

impl Fixture {
    async fn set(ending: &str) -> Self {
        Self::set_with(&Interviewer::plain(ending, 1)).await
    }

    async fn set_with(interviewer: &Interviewer) -> Self {
        let testbed = Testbed::builder().start().await.unwrap();
        let pulse = Pulse::start(testbed.folder()).await.unwrap();
        let worker = testbed.worker(interviewer).await.unwrap();
        let invitation = testbed.backend.invite("{}").await.unwrap();
        Self { pulse, worker, testbed, invitation }
    }

    async fn window(&self, dark: bool) -> Window {
        self.opened(&WindowOptions { dark, ..WindowOptions::default() }).await
    }

    async fn opened(&self, options: &WindowOptions) -> Window {
        let Self { testbed, pulse, invitation, .. } = self;
        Window::open(&testbed.tools, testbed.folder(), &invitation.link, pulse, options).await.unwrap()
    }

    async fn event(&self, event: &str) {
        self.until(event, |events| events.iter().any(|e| e.event == event)).await;
    }

    async fn times(&self, state: &str, times: usize) {
        let so = |events: &[AgentEvent]| {
            events.iter().filter(|e| e.state.as_deref() == Some(state)).count() >= times
        };
        self.until(&format!("{state}, {times} times"), so).await;
    }

    /// Until the interviewer's events are so.
    async fn until(&self, what: &str, so: impl Fn(&[AgentEvent]) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while !so(&self.worker.events()) {
            assert!(tokio::time::Instant::now() < deadline, "the interviewer tells nothing of: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The candidate begins to answer.
    fn answer(&self) -> Child {
        self.pulse.speak(&self.testbed.tools.interviewers().join("speech/answer.wav")).unwrap()
    }

    /// How it ended, once the record is at the backend.
    async fn recorded(&self, window: &Window, limit_s: f64) -> String {
        let began = unix_now();
        loop {
            let status = self.testbed.backend.status(&self.invitation.id).await.unwrap();
            if status.records > 0 {
                return status.outcome.map(|outcome| outcome.to_string()).unwrap_or_default();
            }
            assert!(unix_now() - began < limit_s, "no record came:\n{}", window.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// From the device check into the interview.
async fn join(window: &Window) {
    window
        .wait("the microphone", "return document.body.innerText.includes('Microphone')", SOON)
        .await
        .unwrap();
    window.press("Join the interview").await.unwrap();
    window.wait_screen("interview", Duration::from_secs(45)).await.unwrap();
}

/// Walks through the interview until the agent's `event`, and gives the seconds from it to the end screen.
async fn interview(ending: &str, event: &str, bound_s: f64) {
    let fixture = Fixture::set(ending).await;
    let window = fixture.window(ending == "leave").await;
    window.wait_screen("checking", SOON).await.unwrap();
    window
        .wait("the microphone's name", "return document.body.innerText.includes('Microphone')", SOON)
        .await
        .unwrap();
    let voice = fixture.answer();
    window
        .wait("the level", "return document.body.innerText.includes('We can hear you.')", SOON)
        .await
        .unwrap();
    window.picture(&picture(&format!("{ending}-check"))).await.unwrap();
    drop(voice);
    window.press("Join the interview").await.unwrap();
    window.wait_screen("interview", Duration::from_secs(45)).await.unwrap();
    fixture.times("speaking", 1).await;
    window
        .wait("a caption", "return document.querySelector('.lines p.interviewer') !== null", SOON)
        .await
        .unwrap();
    let listening =
        fixture.worker.events().iter().filter(|e| e.state.as_deref() == Some("listening")).count();
    fixture.times("listening", listening + 1).await;
    let _voice = fixture.answer();
    window
        .wait("the candidate's caption", "return document.querySelector('.lines p.candidate') !== null", SOON)
        .await
        .unwrap();
    window.picture(&picture(&format!("{ending}-interview"))).await.unwrap();
    window.wait_screen("completed", Duration::from_secs(30)).await.unwrap();
    let shown = unix_now();
    let cause = fixture.worker.first(event).expect("the agent's event").at;
    let completed_s = shown - cause;
    window.wait("the receipt", "return document.querySelector('.number') !== null", SOON).await.unwrap();
    window.picture(&picture(&format!("{ending}-completed"))).await.unwrap();
    let text = window.text().await.unwrap();
    assert!(text.contains("Your interview is complete"), "{text}");
    assert!(
        text.contains("Your interview arrived, and we checked the receipt. You can close this window."),
        "{text}"
    );
    let why = "const why = document.querySelector('.why'); if (!why.open) why.querySelector('summary').click(); return why.open";
    window.wait("why it ended", why, SOON).await.unwrap();
    window.picture(&picture(&format!("{ending}-why"))).await.unwrap();
    let text = window.text().await.unwrap();
    assert!(
        text.contains("The interviewer ended the interview") && !text.contains("end_interview"),
        "{text}"
    );
    let recordings = fixture.pulse.recordings().await.unwrap();
    assert_eq!(recordings, 0, "the microphone is released");
    let status = fixture.testbed.backend.status(&fixture.invitation.id).await.unwrap();
    assert_eq!(
        (status.records, status.outcome.map(|outcome| outcome.to_string()).as_deref()),
        (1, Some("finished"))
    );
    println!("window {ending}: end screen {completed_s:.3} s after {event}, bound {bound_s} s");
    assert!((0.0..=bound_s).contains(&completed_s), "{completed_s} s");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_ends_in_the_window() {
    interview("zombie", "close", 3.5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_leave_ends_in_the_window() {
    interview("leave", "disconnecting", 1.5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_room_ends_in_the_window() {
    interview("delete-room", "deleting_room", 1.5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_gives_its_link_to_the_window_that_is_open() {
    let fixture = Fixture::set("zombie").await;
    let other = fixture.testbed.backend.invite("{}").await.unwrap();
    let window = fixture.window(false).await;
    window.wait_screen("checking", SOON).await.unwrap();
    let again = window.start_again(fixture.testbed.folder(), &other.link).await.unwrap();
    assert!(again.success(), "{again}");
    window.wait_screen("checking", SOON).await.unwrap();
    join(&window).await;
    let status = fixture.testbed.backend.status(&other.id).await.unwrap();
    assert_eq!(status.attempt, 1, "the link that was opened last is the one that was joined");
    // The same link once more: this is its window. Another one: not in the middle of an interview.
    let notice = "return document.querySelector('.notice')?.innerText ?? ''";
    assert!(window.start_again(fixture.testbed.folder(), &other.link).await.unwrap().success());
    // What was ordered before this has been done when it shows.
    window.script("document.querySelector('[role=switch]').click()").await.unwrap();
    let muted = "return document.querySelector('[role=switch]').getAttribute('aria-checked') === 'false'";
    window.wait("the mute", muted, SOON).await.unwrap();
    assert_eq!(window.script(notice).await.unwrap(), "");
    assert!(window.start_again(fixture.testbed.folder(), &fixture.invitation.link).await.unwrap().success());
    let said = "return document.querySelector('.notice')?.innerText.startsWith('You opened another interview link.')";
    window.wait("what to do with the other link", said, SOON).await.unwrap();
    assert_eq!(window.screen().await.unwrap(), "interview");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_is_said_and_what_was_said_is_delivered() {
    let fixture = Fixture::set("zombie").await;
    let _disk = Mount::new(&fixture.testbed.folder().join("client"), false).unwrap();
    let window = fixture.window(false).await;
    window.wait_screen("checking", SOON).await.unwrap();
    let said = "return document.querySelector('.notice')?.innerText.includes('disk does not accept data')";
    window.wait("that the disk takes nothing", said, SOON).await.unwrap();
    join(&window).await;
    fixture.times("listening", 2).await;
    window.press("End interview").await.unwrap();
    window.press("End it").await.unwrap();
    window.wait("the receipt", "return document.querySelector('.number') !== null", SOON).await.unwrap();
    let status = fixture.testbed.backend.status(&fixture.invitation.id).await.unwrap();
    assert_eq!(
        (status.records, status.outcome.map(|outcome| outcome.to_string()).as_deref()),
        (1, Some("ended by candidate"))
    );
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_small_screen_the_window_is_no_larger_and_a_language_that_is_chosen_is_remembered() {
    let fixture = Fixture::set("zombie").await;
    let options = WindowOptions { screen: Some("800x600x24"), ..WindowOptions::default() };
    let window = fixture.opened(&options).await;
    window.wait_screen("checking", SOON).await.unwrap();
    let fits = "return window.innerWidth <= 800 && window.innerHeight <= 600 && window.innerHeight > 500";
    window.wait("that it fits", fits, SOON).await.unwrap();
    let choose = "const select = [...document.querySelectorAll('select')].find((s) => s.querySelector('option[value=de]')); \
        select.value = 'de'; select.dispatchEvent(new Event('change', { bubbles: true })); return true";
    window.wait("the languages", choose, SOON).await.unwrap();
    let german = "return document.documentElement.lang === 'de' && document.title === 'Prüfen Sie Ihren Ton – Adjourn'";
    window.wait("German", german, SOON).await.unwrap();
    window.picture(&picture("small-de")).await.unwrap();
    window.close().await;
    let again = fixture.opened(&options).await;
    again.wait("German, again", german, SOON).await.unwrap();
    again.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_dies_is_loaded_again_and_the_interview_goes_on() {
    page_is_back("killed", 5.0, Window::kill_page).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_hangs_is_loaded_again_and_the_interview_goes_on() {
    page_is_back("stopped", 8.0, Window::stop_page).await;
}

/// The page suffers in the middle of the interview: it is back within so many seconds, and nothing else noticed.
async fn page_is_back(how: &str, bound_s: f64, suffers: fn(&Window) -> anyhow::Result<()>) {
    let fixture = Fixture::set("zombie").await;
    let window = fixture.window(false).await;
    join(&window).await;
    fixture.times("speaking", 1).await;
    let began = unix_now();
    assert_eq!(heard(&window, "the page listens"), 1);
    suffers(&window).unwrap();
    // The driver has lost it; what is seen of it is its own word, and the screen.
    said(&window, "the page listens", 2, bound_s).await;
    println!("window: the page is back {:.2} s after it was {how}, bound {bound_s} s", unix_now() - began);
    // And what is said is heard as before.
    fixture.times("listening", 2).await;
    let _voice = fixture.answer();
    assert_eq!(fixture.recorded(&window, began + 60.0 - unix_now()).await, "finished");
    window.picture(&picture(&format!("page-{how}"))).await.unwrap();
    window.close().await;
}

/// How often the program has said this.
fn heard(window: &Window, what: &str) -> usize {
    window.log().matches(what).count()
}

/// Until it has said it so often.
async fn said(window: &Window, what: &str, times: usize, limit_s: f64) {
    let began = unix_now();
    while heard(window, what) < times {
        assert!(unix_now() - began < limit_s, "not said {times} times: {what}\n{}", window.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_dies_again_and_again_is_replaced_by_a_sentence_and_the_interview_goes_on() {
    let fixture = Fixture::set("zombie").await;
    let window = fixture.window(false).await;
    join(&window).await;
    for times in 1..=4 {
        said(&window, "the page listens", times, 10.0).await;
        window.kill_page().unwrap();
    }
    said(&window, "the page is given up for now", 1, 10.0).await;
    // It is heard as before, and spoken to.
    fixture.times("listening", 2).await;
    window.picture(&picture("page-given-up")).await.unwrap();
    // What stands there says what closing the window means.
    window.press_x().unwrap();
    assert_eq!(fixture.recorded(&window, 10.0).await, "ended by candidate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leads_the_page_elsewhere_and_a_window_that_is_closed_ends_the_interview() {
    let fixture = Fixture::set("zombie").await;
    let window = fixture.window(false).await;
    join(&window).await;
    fixture.times("speaking", 1).await;
    // What a script that was smuggled in would do.
    let opened = window.script("return window.open('https://example.com/') === null").await.unwrap();
    assert_eq!(opened, true, "nothing is opened");
    for script in [
        "location.href = 'https://example.com/'",
        "const a = document.createElement('a'); a.href = 'mailto:a@example.com'; document.body.append(a); a.click(); a.remove()",
    ] {
        let refused = "the page wanted to go elsewhere";
        let before = heard(&window, refused);
        window.script(script).await.unwrap();
        said(&window, refused, before + 1, 5.0).await;
        assert_eq!(window.screen().await.unwrap(), "interview", "after {script}");
    }
    // The window's X asks; asked once more, it has been answered.
    window.press_x().unwrap();
    let asked = "return document.querySelector('dialog[open]')?.innerText.includes('Closing the window again means') ?? false";
    window.wait("the question", asked, SOON).await.unwrap();
    window.picture(&picture("closing")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await; // a double click is one press
    window.press_x().unwrap();
    assert_eq!(fixture.recorded(&window, 20.0).await, "ended by candidate");
}

#[test]
fn the_page_is_small() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("ui/dist");
    let assets = std::fs::read_dir(folder.join("assets")).unwrap().map(|entry| entry.unwrap().path());
    let assets: Vec<PathBuf> = assets.collect();
    // What is loaded late is without a style of its own: nobody would load that (ui/vite.config.ts).
    assert_eq!(assets.iter().filter(|path| path.extension().is_some_and(|end| end == "css")).count(), 1);
    // What English loads; other languages add their sentences and their letters.
    let needed = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let font = name.contains("-latin-") && !name.contains("-accents-") && !name.contains("-ext-");
        name.starts_with("index-") || font
    };
    let files: Vec<PathBuf> = assets.into_iter().filter(needed).chain([folder.join("index.html")]).collect();
    assert_eq!(files.len(), 4, "page, script, style and font: {files:?}");
    let packed = |path: &PathBuf| {
        let gzip = std::process::Command::new("gzip").arg("-9c").arg(path).output().unwrap();
        assert!(gzip.status.success(), "{gzip:?}");
        gzip.stdout.len()
    };
    let bytes: usize = files.iter().map(packed).sum();
    println!("window: the page is {bytes} bytes, packed");
    assert!(bytes <= 60_000, "{bytes} bytes");
}

/// Shown, with this heading.
async fn heading(window: &Window, heading: &str, limit: Duration) {
    let script = format!("return document.querySelector('main h1')?.innerText === '{heading}'");
    window.wait(heading, &script, limit).await.unwrap();
}

/// The end screen within the bound after `began`, with its outcome, and the receipt.
async fn ends(window: &Window, outcome: &str, began: f64, bound_s: f64) {
    window.wait_screen("completed", Duration::from_secs_f64(bound_s + 5.0)).await.unwrap();
    let took = unix_now() - began;
    println!("window: {outcome} after {took:.2} s, bound {bound_s} s");
    assert!(took <= bound_s, "{took} s");
    let shown = window.script("return document.querySelector('.end').dataset.outcome").await.unwrap();
    assert_eq!(shown, outcome);
    window.wait("the receipt", "return document.querySelector('.number') !== null", SOON).await.unwrap();
}

const HEADSET: Profile = Profile { rate: 48_000, channels: 1 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interviewer_that_is_killed_is_missed_and_given_up_in_the_window() {
    let fixture = Fixture::set("zombie").await;
    let window = fixture.window(false).await;
    join(&window).await;
    fixture.times("listening", 2).await;
    let job = fixture.worker.first("state").expect("the job told its state").pid;
    Child::signal_pid(job, Signal::KILL).unwrap();
    let began = unix_now();
    heading(&window, "Checking on the interviewer", Duration::from_secs(3)).await;
    window.picture(&picture("checking")).await.unwrap();
    ends(&window, "interrupted", began, 10.5).await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_is_counted_down_and_given_up_in_the_window() {
    let mut fixture = Fixture::set("zombie").await;
    let window = fixture.window(true).await;
    join(&window).await;
    fixture.times("speaking", 1).await;
    fixture.testbed.livekit.process.kill().await;
    let began = unix_now();
    heading(&window, "Your connection dropped", Duration::from_secs(5)).await;
    // Seconds that become fewer, and never more.
    let count =
        "return Number(document.querySelector('.presence').innerText.match(/in \\u2068?(\\d+)/)?.[1] ?? -1)";
    let seconds = async || window.script(count).await.unwrap().as_f64().unwrap();
    window.wait("the countdown", &format!("{count} > 0"), SOON).await.unwrap();
    let (mut least, first) = (f64::MAX, seconds().await);
    while unix_now() - began < 12.0 {
        let now = seconds().await;
        assert!(now <= least, "{now} s after {least} s");
        least = now;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(least < first, "{first} s, and still {least} s");
    window.picture(&picture("reconnecting")).await.unwrap();
    ends(&window, "connection_lost", began, 32.0).await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_who_says_thank_you_at_the_goodbye_is_finished_in_the_window() {
    let fixture = Fixture::set("zombie").await;
    let window = fixture.window(false).await;
    join(&window).await;
    fixture.times("listening", 2).await;
    let _voice = fixture.answer();
    fixture.event("end_tool").await;
    let _thanks = fixture.answer();
    fixture.event("close").await;
    ends(&window, "finished", fixture.worker.first("close").unwrap().at, 3.5).await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_who_is_left_without_an_answer_is_asked_and_nothing_ends_by_a_slip() {
    let mut thinks = Interviewer::plain("zombie", 2);
    thinks.with.insert("think-forever".to_owned(), String::new());
    let fixture = Fixture::set_with(&thinks).await;
    let window = fixture.window(false).await;
    join(&window).await;
    fixture.times("listening", 2).await;
    let _voice = fixture.answer();
    let asked = "return document.querySelector('dialog[open]')?.innerText.includes('has not said anything for a while') ?? false";
    window.wait("the question", asked, Duration::from_secs(75)).await.unwrap();
    window.picture(&picture("asking")).await.unwrap();
    // The harmless answer has the focus, and is what Escape means.
    let focus = window.script("return document.activeElement.innerText").await.unwrap();
    assert_eq!(focus, "Keep waiting");
    window.keys("\u{e00c}").await.unwrap();
    window.wait("no question", "return document.querySelector('dialog[open]') === null", SOON).await.unwrap();
    assert_eq!(window.screen().await.unwrap(), "interview");
    window.press("End interview").await.unwrap();
    window.press("End it").await.unwrap();
    ends(&window, "ended_by_candidate", unix_now(), 3.5).await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_headset_that_is_pulled_out_is_said_in_the_window() {
    let mut fixture = Fixture::set("zombie").await;
    fixture.pulse.plug_headset(HEADSET).await.unwrap();
    let window = fixture.window(false).await;
    join(&window).await;
    window.press("Sound").await.unwrap();
    let choose = "const select = document.querySelector('dialog[open] select'); \
        const headset = [...select.options].find((it) => it.value && /headset/i.test(it.text)); if (!headset) return false; \
        select.value = headset.value; select.dispatchEvent(new Event('change', { bubbles: true })); return true";
    window.wait("the headset", choose, SOON).await.unwrap();
    window.script("document.querySelector('dialog[open] .actions button').click()").await.unwrap();
    fixture.pulse.unplug_headset().await.unwrap();
    let said = "return document.querySelector('.notices')?.innerText.includes('is not connected') ?? false";
    window.wait("that it is not connected", said, Duration::from_secs(3)).await.unwrap();
    window.picture(&picture("headset-away")).await.unwrap();
    fixture.pulse.plug_headset(HEADSET).await.unwrap();
    let back =
        "return !(document.querySelector('.notices')?.innerText.includes('is not connected') ?? false)";
    window.wait("that it is back", back, Duration::from_secs(5)).await.unwrap();
    window.close().await;
}

#[test]
fn the_program_that_people_get_has_no_points_at_which_it_fails() {
    let has = |name: &str| {
        let bytes = std::fs::read(Tools::binary(name).unwrap()).unwrap();
        bytes.windows(9).any(|part| part == b"failpoint")
    };
    assert!(has("adjourn-qa"), "this is how they are known");
    assert!(!has("adjourn") && !has("adjourn-cli"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_complete_says_so_in_its_window() {
    let fixture = Fixture::set("zombie").await;
    let missing = ("ADJOURN_LIVEKIT_LIBRARY".to_owned(), "/nowhere/liblivekit_ffi.so".to_owned());
    // And nothing can be written where its data and the webview's would be.
    let options = WindowOptions {
        data: Some("/proc/adjourn".into()),
        environment: vec![missing, ("HOME".to_owned(), "/proc".to_owned())],
        ..WindowOptions::default()
    };
    let window = fixture.opened(&options).await;
    let said = "return document.body.innerText.includes('is not installed completely')";
    window.wait("what is missing", said, SOON).await.unwrap();
    window.picture(&picture("incomplete")).await.unwrap();
    let text = window.text().await.unwrap();
    assert!(text.contains("/nowhere/liblivekit_ffi.so") && text.contains("reinstall Adjourn"), "{text}");
}

#[tokio::test]
async fn without_a_screen_the_program_says_so_and_ends() {
    for display in [None, Some(":65099")] {
        let mut command = std::process::Command::new(Tools::binary("adjourn").unwrap());
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        command.envs(display.map(|display| ("DISPLAY", display)));
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("adjourn: there is no screen here") && !said.contains("panicked"), "{said}");
    }
}
