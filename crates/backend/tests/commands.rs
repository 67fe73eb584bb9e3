//! The program itself, where nobody takes what it says.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use adjourn_kiosk::PolicyKey;

/// A disk that is full.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

fn backend(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjourn-backend"));
    command
        .current_dir(folder)
        .env_clear()
        .env("RUST_BACKTRACE", "1")
        .env("ADJOURN_DATABASE", "backend.db")
        .env("ADJOURN_PUBLIC_URL", "https://interviews.example.com");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that ends with the test.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path, log: Stdio) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = backend(folder);
        command.args(["serve", "--listen", &address, "--livekit-url", "ws://127.0.0.1:9"]);
        command.envs([("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "a-secret-of-livekit")]);
        let server = Self { process: command.stderr(log).spawn().unwrap(), address };
        let began = Instant::now();
        while server.get("/healthz").is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn get(&self, path: &str) -> Option<String> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1").then_some(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_log_that_cant_be_written_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), full().into());
    // Each of these is logged.
    let join = r#"{"code": "AAAA-AAAA", "join_id": "x"}"#;
    let length = join.len();
    for _ in 0..3 {
        let answer = server.ask(&format!(
            "POST /v1/join HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{join}"
        ));
        assert!(answer.is_some_and(|it| it.contains("application/problem+json")), "no answer");
    }
    let webhook =
        "POST /v1/livekit/webhook HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert!(server.ask(webhook).is_some_and(|answer| answer.starts_with("HTTP/1.1 401")));
    assert!(server.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
}

#[test]
fn a_hangup_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut server = Server::start(folder.path(), File::create(&log).unwrap().into());
    for times in 1..=3 {
        let pid = server.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        let began = Instant::now();
        while std::fs::read_to_string(&log).unwrap().matches("SIGHUP").count() < times {
            assert!(began.elapsed() < Duration::from_secs(20), "it was not heard");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(server.get("/healthz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
    }
    assert!(server.process.try_wait().unwrap().is_none());
}

#[test]
fn an_answer_that_nobody_takes_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), Stdio::null()));
    let unread = |arguments: &[&str]| {
        let output = backend(folder.path()).args(arguments).stdout(full()).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && said.lines().count() == 1, "{arguments:?}: {said}");
        said
    };
    assert!(unread(&["openapi"]).contains("can't be written"));
    // What was made is named, and how to get at it.
    let said = unread(&["invite"]);
    let id = said.split("the interview ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(said.contains(&format!("adjourn-backend code {id}")), "{said}");
    let another = backend(folder.path()).args(["code", id]).output().unwrap();
    assert!(
        String::from_utf8_lossy(&another.stdout).starts_with("adjourn://join?"),
        "{}",
        self::said(&another)
    );
    // A key that nobody has seen is none.
    assert!(unread(&["key", "add", "hr"]).contains("there is no new key"));
    let again = backend(folder.path()).args(["key", "add", "hr"]).output().unwrap();
    assert!(again.status.success(), "{}", self::said(&again));
}

#[test]
fn a_setting_that_cant_be_right_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], wrong: &str| {
        let mut command = backend(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        command.envs([("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "a-secret-of-livekit")]);
        let output = command.output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.lines().count() == 1 && said.contains(wrong), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    };
    let livekit = ["--livekit-url", "wss://livekit.example.com"];
    refused(&["--livekit-url", "localhost:7880"], "is not the address of a LiveKit server");
    refused(&[&livekit[..], &["--public-url", "http://0.0.0.0:8080"]].concat(), "--public-url");
    refused(&[&livekit[..], &["--database", "mysql://u:hunter2@h/db"]].concat(), "ADJOURN_DATABASE");
    refused(&[&livekit[..], &["--database", "/dev/null"]].concat(), "is no file");
    // Why, and not that a pool ran out of time.
    let nobody = "postgres://u:hunter2@127.0.0.1:9/db";
    refused(&[&livekit[..], &["--database", nobody]].concat(), "can't be reached");
    refused(&[&livekit[..], &["--database", nobody]].concat(), "refused");
    let rows: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(rows.is_empty(), "something was made: {rows:?}");
}

#[test]
fn a_link_that_leads_nowhere_is_not_made_and_a_filter_that_is_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), Stdio::null()));
    let nowhere =
        backend(folder.path()).args(["invite", "--public-url", "http://0.0.0.0:8080"]).output().unwrap();
    let why = said(&nowhere);
    assert_eq!((nowhere.status.code(), nowhere.stdout.len()), (Some(1), 0), "{why}");
    assert!(why.contains("public-url") && why.lines().count() == 1, "{why}");
    let made = backend(folder.path()).env("RUST_LOG", "adjourn=loudest").arg("invite").output().unwrap();
    assert!(made.status.success() && made.stdout.starts_with(b"adjourn://join?"), "{}", said(&made));
    assert!(said(&made).contains("RUST_LOG is not usable"), "{}", said(&made));
}

#[test]
fn the_key_of_seats_is_its_owners_alone_and_overwrites_none() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let make = || backend(folder.path()).args(["kiosk-key", "kiosk.key"]).output().unwrap();
    let made = make();
    assert!(made.status.success(), "{}", said(&made));
    let file = folder.path().join("kiosk.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let private = std::fs::read_to_string(&file).unwrap();
    let key = PolicyKey::parse(&private).unwrap();
    assert_eq!(String::from_utf8_lossy(&made.stdout).trim(), key.public().as_json());
    assert!(!String::from_utf8_lossy(&made.stdout).contains(private.trim()));
    let shown = backend(folder.path()).args(["kiosk-key", "--public", "kiosk.key"]).output().unwrap();
    assert_eq!(shown.stdout, made.stdout);
    let again = make();
    assert!(
        !again.status.success() && said(&again).contains("kiosk.key can't be written"),
        "{}",
        said(&again)
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), private);
}

#[test]
fn a_roster_is_taken_at_the_console_and_what_is_wrong_with_it_is_said_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), Stdio::null()));
    let import = |text: &str| {
        std::fs::write(folder.path().join("roster.csv"), text).unwrap();
        let output = backend(folder.path())
            .args(["roster", "import", "--center", "berlin", "roster.csv"])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), said(&output))
    };
    let (well, made, log) = import("reference,candidate\nn1,Ada Lovelace\nn2,Grace Hopper\n");
    assert!(well, "{log}");
    let lines: Vec<Vec<&str>> = made.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.iter().map(|line| (line[0], line[2].len())).collect::<Vec<_>>(), [("n1", 9), ("n2", 9)]);
    assert!(!log.contains(lines[0][2]), "a code is in no log");
    let (well, made, wrong) = import("reference,candidate,seat\nn1,,A\nn3,b,not a seat\n");
    assert!(!well && made.is_empty());
    for line in [
        "nothing of the roster was taken",
        "line 2: candidate is empty",
        "line 3: \"not a seat\" is no seat's name",
    ] {
        assert!(wrong.contains(line), "{wrong}");
    }
}
