//! `docs/organisers.md`, from its first block to its last, on real servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands, and says what it saw"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_protocol::{Event, EventKind};
use adjourn_testbed::{BackendServer, KEY, LiveKitServer, Network, SECRET, ServerOptions, Tools};
use axum::Router;
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::Value;

/// What a block is for.
#[derive(Debug, PartialEq)]
enum Kind {
    /// It is run to its end.
    Run,
    /// It goes on until the end.
    Background,
    /// It is that file.
    File(String),
}

/// The blocks of the page, in order. Every one is run or is a file.
fn blocks(page: &str) -> Vec<(Kind, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(about) = line.strip_prefix("```") else { continue };
        let kind = match about.split_once(' ') {
            None if about == "sh" => Kind::Run,
            Some(("sh", "background")) => Kind::Background,
            Some((_, file)) => Kind::File(file.strip_prefix("file=").expect("what it is for").to_owned()),
            None => panic!("a block that nobody runs: {line}"),
        };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((kind, text.join("\n") + "\n"));
    }
    blocks
}

fn shell(folder: &Path, block: &str) -> tokio::process::Command {
    let programs = Tools::binary("adjourn-backend").unwrap().parent().unwrap().to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = tokio::process::Command::new("sh");
    command.args(["-eu", "-c", block]).current_dir(folder).env_clear().env("PATH", path).kill_on_drop(true);
    // An operator allows it by name; the page's own receiver is on the Internet.
    command.env("ADJOURN_ALLOW_HOOK_HOSTS", "127.0.0.1");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_for_organisers_leads_from_nothing_to_the_first_report() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/organisers.md")).unwrap();
    // Its LiveKit tells the backend of the page, which is not there yet.
    let listen = BackendServer::address().unwrap();
    let (tools, servers) = (Tools::find().unwrap(), tempfile::tempdir().unwrap());
    let options = ServerOptions { webhooks: Some(format!("http://{listen}")), ..ServerOptions::default() };
    let livekit = LiveKitServer::start(&tools, servers.path(), &Network::Loopback, options).await.unwrap();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let kept = Arc::clone(&events);
    let take = post(async move |body: String| kept.lock().push(serde_json::from_str(&body).unwrap()));
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/adjourn", receiver.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(receiver, Router::new().route("/adjourn", take)).await.unwrap() });

    let own = |block: &str| {
        let mut text = block.to_owned();
        for (there, here) in [
            ("https://hr.example.com/adjourn", hook.as_str()),
            ("https://interviews.example.com", &format!("http://{listen}")),
            ("wss://livekit.example.com", &livekit.public_url),
            ("127.0.0.1:8080", &listen),
            ("_KEY=KEY", &format!("_KEY={KEY}")),
            ("=SECRET", &format!("={SECRET}")),
        ] {
            text = text.replace(there, here);
        }
        text
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut running, mut said) = (Vec::new(), Vec::new());
    for (kind, block) in blocks(&page) {
        let block = own(&block);
        match kind {
            Kind::File(name) => std::fs::write(folder.path().join(name), block).unwrap(),
            Kind::Background => {
                running.push(shell(folder.path(), &block).spawn().unwrap());
                let began = Instant::now();
                while reqwest::get(format!("http://{listen}/healthz")).await.is_err() {
                    assert!(began.elapsed() < Duration::from_secs(20), "it does not start: {block}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Kind::Run => {
                let output = shell(folder.path(), &block).output().await.unwrap();
                let (out, error) =
                    (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                assert!(output.status.success(), "{block}\n{out}{error}");
                said.push((block, out.into_owned()));
            }
        }
    }
    let of = |what: &str| &said.iter().find(|(block, _)| block.contains(what)).unwrap().1;
    assert!(!of("backend check").contains("BAD") && of("backend check").contains("They arrive"), "{said:?}");
    assert!(of("hook test").starts_with("It answered 200 OK."), "{said:?}");
    let report: Value = serde_json::from_str(of("/report")).unwrap();
    assert_eq!(
        (&report["title"], &report["status"]["state"]),
        (&"Embedded engineer".into(), &"scheduled".into())
    );
    // The receiver hears of the end, and of the erasure.
    let began = Instant::now();
    let wanted = [EventKind::HookTest, EventKind::InterviewErased];
    while !wanted.iter().all(|kind| events.lock().iter().any(|event| event.kind == *kind)) {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", events.lock());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(folder.path().join("copy.db").is_file());
    // What the page says of LiveKit's webhooks is what the server takes.
    let yaml = std::fs::read_to_string(folder.path().join("livekit.yaml")).unwrap();
    assert!(yaml.contains("webhook:") && yaml.contains("/v1/livekit/webhook"), "{yaml}");
}
