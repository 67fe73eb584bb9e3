//! Whatever is wrong is said in one plain sentence that tells what to do. Real client, backend, server
//! and sound server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_client::{Command, Message, Screen, Snapshot};
use adjourn_room::{LiveKitTransport, Transport as _};
use adjourn_testbed::{ClientProcess, Pulse, Testbed, Tools};

const SOON: Duration = Duration::from_secs(15);

struct Fixture {
    testbed: Testbed,
    pulse: Pulse,
}

impl Fixture {
    async fn set() -> Self {
        let testbed = Testbed::builder().start().await.unwrap();
        let pulse = Pulse::start(testbed.folder()).await.unwrap();
        Self { testbed, pulse }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.testbed.folder().join(name)
    }

    fn client(&self, name: &str, link: &str) -> ClientProcess {
        ClientProcess::start(&self.testbed.tools, &self.data(name), Some(link), &self.pulse.server).unwrap()
    }
}

/// Joins and gives the problem that is shown.
async fn problem_of_join(client: &mut ClientProcess) -> Message {
    client
        .wait("the device check", SOON, |s| s.screen == Screen::Checking && s.microphone_open)
        .await
        .unwrap();
    client.order(&Command::Join).await.unwrap();
    problem(client).await
}

async fn problem(client: &mut ClientProcess) -> Message {
    let shown = |s: &Snapshot| s.problem.is_some() || s.input.problem.is_some();
    let snapshot = client.wait("a problem", SOON, shown).await.unwrap();
    snapshot.problem.or(snapshot.input.problem).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_and_used_codes_and_servers_that_are_down() {
    let mut fixture = Fixture::set().await;
    let host = fixture.testbed.backend.url.trim_start_matches("http://").to_owned();

    let wrong = format!("adjourn://join?server={}&code=BBBB-2222", fixture.testbed.backend.url);
    let mut mistaken = fixture.client("wrong", &wrong);
    let said = problem_of_join(&mut mistaken).await;
    assert_eq!(said, Message::CodeUnknown { host: host.clone() });

    // The right link takes the problem from the screen and leads on.
    let right = fixture.testbed.backend.invite("{}").await.unwrap();
    mistaken.order(&Command::OpenLink { link: right.link }).await.unwrap();
    mistaken
        .wait("a clean check", SOON, |s| s.screen == Screen::Checking && s.problem.is_none())
        .await
        .unwrap();
    mistaken.order(&Command::Join).await.unwrap();
    mistaken.wait("the waiting room", SOON, |s| s.screen == Screen::Waiting).await.unwrap();

    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let mut first = fixture.client("first", &invitation.link);
    first.wait("the device check", SOON, |s| s.microphone_open).await.unwrap();
    first.order(&Command::Join).await.unwrap();
    first.wait("the waiting room", SOON, |s| s.screen == Screen::Waiting).await.unwrap();
    let said = problem_of_join(&mut fixture.client("second", &invitation.link)).await;
    assert_eq!(said, Message::CodeUsed);

    // No LiveKit server: the backend says so, the client passes it on and can be tried again.
    let other = fixture.testbed.backend.invite("{}").await.unwrap();
    fixture.testbed.livekit.process.kill().await;
    let mut client = fixture.client("no-server", &other.link);
    let said = problem_of_join(&mut client).await;
    let detail = "503 Service Unavailable".to_owned();
    assert_eq!(said, Message::BackendUnusable { host: host.clone(), detail });
    assert!(client.last.as_ref().unwrap().can_retry);

    // No backend.
    fixture.testbed.backend.process.kill().await;
    let said = problem_of_join(&mut fixture.client("no-backend", &other.link)).await;
    assert_eq!(said, Message::BackendUnreachable { host });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_refused_without_being_repeated() {
    let fixture = Fixture::set().await;
    livekit_dylib::library::load_from(std::slice::from_ref(&fixture.testbed.tools.library)).unwrap();
    let token = adjourn_testbed::token_valid_until("room", "candidate", -3_600).unwrap();
    let error = LiveKitTransport.connect(&fixture.testbed.livekit.url, &token).await.unwrap_err().to_string();
    assert!(error.contains("401"), "{error}");
    assert!(!error.contains("eyJ"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_out_of_its_range_and_unusable_links() {
    let fixture = Fixture::set().await;
    let refused = fixture.testbed.backend.invite(r#"{"process_lost": 1}"#).await.unwrap_err().to_string();
    assert!(refused.contains("process_lost is 1 ms, allowed are 3000 to 60000 ms"), "{refused}");

    // A backend that grants it all the same: its database is changed behind its back.
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let script = r#"import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute("UPDATE interviews SET policy='{\"process_lost\":1}'"); c.commit()"#;
    let changed = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(fixture.data("backend.db"))
        .status()
        .unwrap();
    assert!(changed.success());
    let said = problem_of_join(&mut fixture.client("policy", &invitation.link)).await;
    let detail = "process_lost is 1 ms, allowed are 3000 to 60000 ms".to_owned();
    assert_eq!(said, Message::SettingsUnusable { detail });

    let said = problem(&mut fixture.client("no-link", "https://example.com/interview")).await;
    assert_eq!(said, Message::NotALink);
    let said =
        problem(&mut fixture.client("plain", "adjourn://join?server=http://a.example&code=BBBB-2222")).await;
    assert_eq!(said, Message::LinkUnencrypted { host: "a.example".to_owned() });

    // A host that was not used before is asked about, once.
    let link = "adjourn://join?server=https://interviews.example.com&code=BBBB-2222";
    let mut client = fixture.client("host", link);
    let asked = client.wait("the question", SOON, |s| s.screen == Screen::ConfirmHost).await.unwrap();
    assert_eq!(asked.host.as_deref(), Some("interviews.example.com"));
    client.order(&Command::ConfirmHost).await.unwrap();
    client.wait("the device check", SOON, |s| s.screen == Screen::Checking).await.unwrap();
    client.process.kill().await;
    let mut again = fixture.client("host", link);
    again.wait("the device check", SOON, |s| s.screen == Screen::Checking).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_microphone_and_a_damaged_journal() {
    let fixture = Fixture::set().await;
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let folder = fixture.testbed.folder().join("silent");
    std::fs::create_dir_all(&folder).unwrap();
    let silent = Pulse::start_without_microphone(&folder).await.unwrap();
    let mut client = ClientProcess::start(
        &fixture.testbed.tools,
        &fixture.data("silent-client"),
        Some(&invitation.link),
        &silent.server,
    )
    .unwrap();
    let said = problem(&mut client).await;
    assert_eq!(said, Message::NoMicrophone);

    let data = fixture.data("damaged");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("outbox.db"), vec![7_u8; 4_096]).unwrap();
    let mut client = fixture.client("damaged", &invitation.link);
    let put_aside = |s: &Snapshot| matches!(&s.notices[..], [Message::JournalPutAside { .. }]);
    client.wait("the notice", SOON, put_aside).await.unwrap();
    client.wait("the device check", SOON, |s| s.microphone_open).await.unwrap();
}

/// Starts the client with a library and gives what it writes before it ends.
async fn refusal(fixture: &Fixture, name: &str, library: &Path) -> String {
    let data = fixture.data(name);
    let mut client = ClientProcess::start_with(&data, None, &fixture.pulse.server, library).unwrap();
    client.wait("nothing", SOON, |_| false).await.unwrap_err();
    std::fs::read_to_string(data.with_extension("log")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_is_missing_or_damaged_is_one_sentence_at_the_start() {
    let fixture = Fixture::set().await;
    let said = refusal(&fixture, "missing", Path::new("/nowhere/liblivekit_ffi.so")).await;
    assert!(said.contains("was not found in /nowhere/liblivekit_ffi.so; reinstall Adjourn"), "{said}");

    let damaged = fixture.data("liblivekit_ffi.so");
    let mut bytes = std::fs::read(&fixture.testbed.tools.library).unwrap();
    bytes[1_000_000] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let said = refusal(&fixture, "damaged-library", &damaged).await;
    assert!(said.contains("is damaged or of another version"), "{said}");
}

/// Runs a program to its end, which has to come in time.
async fn run(command: &mut tokio::process::Command, limit: Duration) -> (Option<i32>, String, String) {
    let output = command.stdin(std::process::Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(limit, output).await.expect("it goes on").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sound_server_or_with_a_new_host_a_terminal_says_so_and_ends() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::set().await;
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    // A folder that is somebody else's, too, keeps its rights; what is put into it is its owner's alone.
    let shared = fixture.data("shared");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o775)).unwrap();
    let headless = |link: &str, data: &Path| {
        let mut command = tokio::process::Command::new(Tools::binary("adjourn-cli").unwrap());
        command.args(["headless", "--join", "--until-delivered", "--link", link, "--data"]).arg(data);
        command.env("ADJOURN_LIVEKIT_LIBRARY", &fixture.testbed.tools.library);
        command.env("PULSE_SERVER", "unix:/nowhere/pulse").env_remove("PULSE_RUNTIME_PATH");
        command
    };
    let (code, shown, said) = run(&mut headless(&invitation.link, &shared), Duration::from_secs(60)).await;
    assert_ne!(code, Some(0), "{shown}\n{said}");
    assert!(shown.contains("sound-system-") || shown.contains("no-microphone"), "{shown}\n{said}");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&shared), 0o775);
    assert_eq!(mode(&shared.join("outbox.db")), 0o600);

    let new_host = "adjourn://join?server=https://interviews.invalid&code=BBBB-2222";
    let (code, shown, said) =
        run(&mut headless(new_host, &fixture.data("new")), Duration::from_secs(90)).await;
    assert_ne!(code, Some(0), "{shown}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn absurd_flags_and_an_output_that_nobody_takes_are_no_panic() {
    let qa = || tokio::process::Command::new(Tools::binary("adjourn-qa").unwrap());
    let (code, _, said) = run(qa().args(["loadtest", "--offered", "5", "--outage=1e30"]), SOON).await;
    assert!(code != Some(0) && said.contains("outage") && !said.contains("panicked"), "{said}");
    // A page that was not made is not named.
    let out = tempfile::tempdir().unwrap();
    let mut nothing = qa();
    nothing.args(["matrix", "--scenarios", "no-such-scenario", "--out"]).arg(out.path());
    let (code, shown, said) = run(&mut nothing, SOON).await;
    assert!(code != Some(0) && !format!("{shown}{said}").contains("index.html"), "{shown}{said}");
    let mut full = std::process::Command::new(Tools::binary("adjourn-qa").unwrap());
    let file = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = full.arg("scenarios").stdout(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}
