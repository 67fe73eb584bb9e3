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

use adjourn_protocol::{Event, EventKind, sha256};
use adjourn_testbed::{
    BackendOptions, BackendServer, Child, KEY, LiveKitServer, Network, ORGANISER, SECRET, ServerOptions,
    Testbed, Tools, authority, certificate, unix_now,
};
use axum::Router;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

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
    let options = ServerOptions {
        webhooks: vec![BackendServer::webhook_at(&format!("http://{listen}"))],
        ..ServerOptions::default()
    };
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

/// A file of the page.
fn file(name: &str) -> String {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/organisers.md")).unwrap();
    let wanted = Kind::File(name.to_owned());
    blocks(&page).into_iter().find(|(kind, _)| *kind == wanted).expect("a block with that file").1
}

/// nginx or Caddy with the page's own block, on that port.
fn proxy(program: &str, folder: &Path, port: &str, listen: &str) -> tokio::process::Command {
    let own = |text: String, pairs: &[(&str, String)]| {
        pairs.iter().fold(text, |text, (there, here)| {
            assert!(text.contains(there), "{program}: no {there} in {text}");
            text.replace(there, here)
        })
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = tokio::process::Command::new(program);
    if program == "nginx" {
        let pairs = [
            ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
            ("/etc/ssl/interviews.pem", path("proxy.pem")),
            ("/etc/ssl/interviews.key", path("proxy.key")),
            ("127.0.0.1:8080", listen.to_owned()),
        ];
        std::fs::write(folder.join("server.conf"), own(file("nginx.conf"), &pairs)).unwrap();
        let around = format!(
            "daemon off; pid {pid}; error_log stderr; user root; events {{}}\nhttp {{ access_log off; client_body_temp_path {body}; \
             proxy_temp_path {temp}; fastcgi_temp_path {temp}; uwsgi_temp_path {temp}; scgi_temp_path {temp}; include {server}; }}\n",
            pid = path("nginx.pid"),
            body = path("nginx-body"),
            temp = path("nginx-temp"),
            server = path("server.conf"),
        );
        std::fs::write(folder.join("nginx.conf"), around).unwrap();
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    } else {
        // Nobody gives this name a certificate.
        let site =
            format!("https://127.0.0.1:{port} {{\n    tls {} {}\n", path("proxy.pem"), path("proxy.key"));
        let pairs = [("interviews.example.com {\n", site), ("127.0.0.1:8080", listen.to_owned())];
        let around = "{\n    admin off\n    auto_https disable_redirects\n}\n";
        std::fs::write(folder.join("Caddyfile"), around.to_owned() + &own(file("Caddyfile"), &pairs))
            .unwrap();
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        command.env("HOME", folder);
    }
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxies_of_the_page_pass_on_what_comes_as_it_comes() {
    for program in ["nginx", "caddy"] {
        let listen = BackendServer::address().unwrap();
        let port = BackendServer::address().unwrap().rsplit(':').next().unwrap().to_owned();
        let url = format!("https://127.0.0.1:{port}");
        let options = BackendOptions {
            listen: Some(listen.clone()),
            public_url: Some(url.clone()),
            arguments: ["--trusted-proxy", "127.0.0.1"].map(str::to_owned).into(),
            ..BackendOptions::default()
        };
        let testbed = Testbed::builder().backend(options).start().await.unwrap();
        let folder = testbed.folder();
        let authority = authority(folder).unwrap();
        certificate(folder, "proxy", Some(folder)).unwrap();
        let log = folder.join("proxy.log");
        let _proxy = Child::start(program, &mut proxy(program, folder, &port, &listen), &log).unwrap();
        let trusted = reqwest::Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
        let http = reqwest::Client::builder().tls_certs_merge([trusted]).build().unwrap();
        let began = Instant::now();
        while !http.get(format!("{url}/healthz")).send().await.is_ok_and(|it| it.status() == 200) {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "{program} does not answer: {said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        // Whose address it is, is the proxy's word, and not that of whoever asks.
        let ask = |method: reqwest::Method, path: &str| http.request(method, format!("{url}{path}"));
        let post =
            |path: &str, body: Value| ask(reqwest::Method::POST, path).bearer_auth(ORGANISER).json(&body);
        let new = json!({"title": "Talk", "max_minutes": 30});
        let spoofed = post("/v1/interviews", new).header("x-forwarded-for", "203.0.113.7");
        let created: Value = spoofed.send().await.unwrap().json().await.unwrap();
        let log = testbed.backend.command(&["audit"]).await.unwrap();
        assert!(log.contains("127.0.0.1") && !log.contains("203.0.113.7"), "{program}: {log}");

        let join = json!({"code": created["code"], "join_id": "0123456789abcdef0123456789abcdef",
            "client": {"version": "0", "platform": "test", "kiosk": false}});
        let joined = ask(reqwest::Method::POST, "/v1/join").json(&join).send().await.unwrap();
        let joined: Value = joined.json().await.unwrap();
        let (id, token) = (created["id"].as_str().unwrap(), joined["client_token"].as_str().unwrap());

        // What happens is told at once, though the answer goes on.
        let began = Instant::now();
        let events = ask(reqwest::Method::GET, &format!("/v1/interviews/{id}/events")).bearer_auth(ORGANISER);
        let mut events = events.send().await.unwrap();
        let first = tokio::time::timeout(Duration::from_secs(10), events.chunk()).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first.unwrap()).contains("live"), "{program}");
        assert!(began.elapsed() < Duration::from_secs(3), "{program}: {:?}", began.elapsed());

        // The largest record arrives, and one that is larger gets the backend's own answer.
        for (length, wanted) in [(8 << 20, 200), ((8 << 20) + 1, 413)] {
            let frame = r#"{"outcome": "ended", "transcript": [], "x": ""}"#;
            let record =
                frame.replace(r#""x": """#, &format!(r#""x": "{}""#, "x".repeat(length - frame.len())));
            assert_eq!(record.len(), length);
            let digest = STANDARD.encode(hex::decode(sha256(record.as_bytes())).unwrap());
            let path = format!("/v1/interviews/{id}/attempts/1/records/client");
            let put = ask(reqwest::Method::PUT, &path)
                .bearer_auth(token)
                .header("content-digest", format!("sha-256=:{digest}:"))
                .header("content-type", "application/json")
                .body(record);
            let answer = put.send().await.unwrap();
            let status = answer.status().as_u16();
            let said: Value = answer.json().await.unwrap();
            let own = if wanted == 200 { said["receipt"].is_string() } else { said["code"] == "too_large" };
            assert!(status == wanted && own, "{program}: {status} {said}");
        }
    }
}

/// Of a receiver that prints what it took: lines until `wanted` of them are there.
async fn lines(output: &mut adjourn_testbed::LineReader, wanted: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    while lines.len() < wanted {
        let line = tokio::time::timeout(Duration::from_secs(20), output.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no more than {lines:?}")).unwrap().unwrap();
        lines.push(serde_json::from_str(&line).unwrap());
    }
    lines
}

/// With another library than the one that signs (Python's `standardwebhooks`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_of_the_examples_takes_what_is_signed_once_and_nothing_else() {
    let options = BackendOptions {
        arguments: ["--allow-hook-host", "127.0.0.1"].map(str::to_owned).into(),
        ..BackendOptions::default()
    };
    let testbed = Testbed::builder().backend(options).start().await.unwrap();
    let (tools, folder) = (Tools::find().unwrap(), testbed.folder());
    let port = BackendServer::address().unwrap().rsplit(':').next().unwrap().to_owned();
    let url = format!("http://127.0.0.1:{port}/");
    let made =
        testbed.backend.command(&["hook", "--allow-hook-host", "127.0.0.1", "add", &url]).await.unwrap();
    let (hook, secret) = made.trim().split_once('\t').unwrap();
    let events = folder.join("events.db");
    let start = || {
        let mut receiver = tokio::process::Command::new(&tools.agent_python);
        receiver.arg(tools.root.join("examples/receiver.py")).arg(&events).arg(&port);
        receiver.env("ADJOURN_HOOK_SECRET", secret);
        Child::start_talking("the receiver", &mut receiver, &folder.join("receiver.log")).unwrap()
    };
    let (mut receiver, _orders, mut printed) = start();
    let invitation = testbed.backend.invite("{}").await.unwrap();
    testbed.backend.end(&invitation.id).await.unwrap();
    let told = lines(&mut printed, 2).await;
    let kinds: Vec<&str> = told.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["interview.ended", "interview.complete"]);
    assert!(told.iter().all(|line| line["data"]["interview_id"] == invitation.id.as_str()), "{told:?}");
    // What nobody signed is not taken.
    let forged = reqwest::Client::new()
        .post(&url)
        .header("webhook-id", "forged")
        .header("webhook-timestamp", (unix_now() as i64).to_string())
        .header("webhook-signature", "v1,Zm9yZ2Vk")
        .body(r#"{"type": "interview.complete", "data": {}}"#);
    assert_eq!(forged.send().await.unwrap().status(), 401);
    // What makes no sense gets an answer, too.
    let odd = reqwest::Client::new().post(&url).header("webhook-signature", "v1").body(vec![0xff, 0xfe]);
    assert_eq!(odd.send().await.unwrap().status(), 401);
    // The same events once more change nothing (they arrived: nothing waits); what is new is printed.
    let since = ["hook", "replay", hook, "--since", "2026-01-01T00:00:00Z"];
    let again = testbed.backend.command(&since).await.unwrap();
    assert!(again.starts_with("2 events"), "{again}");
    let began = Instant::now();
    while !testbed.backend.command(&["hook", "list"]).await.unwrap().contains("\t0 waiting\t0 given up") {
        assert!(began.elapsed() < Duration::from_secs(20), "they do not arrive");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let another = testbed.backend.invite("{}").await.unwrap();
    testbed.backend.end(&another.id).await.unwrap();
    let told = lines(&mut printed, 2).await;
    assert!(told.iter().all(|line| line["data"]["interview_id"] == another.id.as_str()), "{told:?}");

    // One that is taken and not done (it died in between) is done at the next start.
    receiver.kill().await;
    let undone = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
        c.execute('UPDATE inbox SET body = ? WHERE number = 1', (sys.argv[2],)); c.commit()";
    let body = r#"{"type": "interview.ended", "data": {"interview_id": "undone"}}"#;
    let set =
        std::process::Command::new(&tools.agent_python).args(["-c", undone]).arg(&events).arg(body).status();
    assert!(set.unwrap().success());
    let (_receiver, _orders, mut printed) = start();
    assert_eq!(lines(&mut printed, 1).await[0]["data"]["interview_id"], "undone");
}
