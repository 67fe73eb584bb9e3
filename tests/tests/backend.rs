//! The backend over real HTTP: bad requests store nothing, the same record gives the same receipt.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use adjourn_outbox::{Backend, BackendError, verify};
use adjourn_protocol::{InviteLink, Source};
use adjourn_testbed::{Child, Invitation, Mount, Signal, Testbed, Tools, join};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

struct Fixture {
    testbed: Testbed,
    http: Client,
}

impl Fixture {
    async fn set() -> Self {
        Self { testbed: Testbed::builder().start().await.unwrap(), http: Client::new() }
    }

    async fn join(
        &self,
        invitation: &Invitation,
        join_id: &str,
    ) -> Result<adjourn_protocol::JoinAnswer, BackendError> {
        join(&invitation.link, join_id).await
    }

    /// Puts a record by hand; gives status and problem code.
    async fn put(
        &self,
        path: &str,
        token: &str,
        digest: Option<&str>,
        body: Vec<u8>,
    ) -> (StatusCode, String) {
        let url = format!("{}/v1/interviews/{path}", self.testbed.backend.url);
        let mut request = self.http.request(Method::PUT, url).bearer_auth(token).body(body);
        if let Some(digest) = digest {
            request = request.header("content-digest", digest);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let problem = "application/problem+json";
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        assert_eq!(kind == Some(problem), !status.is_success(), "a refusal is a problem: {kind:?}, {status}");
        let json: Value = response.json().await.unwrap_or_default();
        (status, json["code"].as_str().unwrap_or_default().to_owned())
    }
}

const JOIN_ID: &str = "0123456789abcdef0123456789abcdef";
/// SHA-256 of `{}`, as the header wants it.
const EMPTY: &str = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_stored_once_and_bad_ones_not_at_all() {
    let mut fixture = Fixture::set().await;
    let (mine, other) = (
        fixture.testbed.backend.invite("{}").await.unwrap(),
        fixture.testbed.backend.invite("{}").await.unwrap(),
    );
    let joined = fixture.join(&mine, JOIN_ID).await.unwrap();
    let again = fixture.join(&mine, JOIN_ID).await.unwrap();
    assert_eq!(again.interview, joined.interview, "the same join is the same attempt");
    let (id, token) = (&joined.interview.id, joined.client_token.expose());
    let path = format!("{id}/attempts/1/records/client");

    let empty = || b"{}".to_vec();
    for (what, path, token, digest, body, status, code) in [
        ("no token", path.clone(), "", Some(EMPTY), empty(), 401, "unauthorised"),
        (
            "forged token",
            path.clone(),
            "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
            Some(EMPTY),
            empty(),
            401,
            "unauthorised",
        ),
        (
            "another interview",
            format!("{}/attempts/1/records/client", other.id),
            token,
            Some(EMPTY),
            empty(),
            401,
            "unauthorised",
        ),
        (
            "another attempt",
            format!("{id}/attempts/2/records/client"),
            token,
            Some(EMPTY),
            empty(),
            401,
            "unauthorised",
        ),
        (
            "another source",
            format!("{id}/attempts/1/records/agent:AJ_1"),
            token,
            Some(EMPTY),
            empty(),
            401,
            "unauthorised",
        ),
        ("no digest", path.clone(), token, None, empty(), 400, "bad_digest"),
        ("wrong digest", path.clone(), token, Some(EMPTY), b"{ }".to_vec(), 400, "bad_digest"),
        (
            "no JSON",
            path.clone(),
            token,
            Some("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"),
            b"abc".to_vec(),
            400,
            "bad_record",
        ),
        ("too large", path.clone(), token, Some(EMPTY), vec![b' '; 8 * 1024 * 1024 + 1], 413, "too_large"),
    ] {
        let answer = fixture.put(&path, token, digest, body).await;
        assert_eq!(answer, (StatusCode::from_u16(status).unwrap(), code.to_owned()), "{what}");
    }
    assert_eq!(fixture.testbed.backend.status(id).await.unwrap().records, 0, "nothing is stored on an error");

    let link = InviteLink::parse(&mine.link).unwrap();
    let client = Backend::new(&link.server).unwrap();
    let record = br#"{"outcome":"finished"}"#.to_vec();
    let first = client.deliver(id, 1, &joined.client_token, record.clone()).await.unwrap();
    let second = client.deliver(id, 1, &joined.client_token, record.clone()).await.unwrap();
    assert_eq!(first, second, "the same bytes give the same receipt");
    let receipt = verify(&first, &joined.receipt_keys).unwrap();
    receipt.matches(id, 1, &Source::Client, &record).unwrap();
    assert!(receipt.matches(id, 1, &Source::Client, b"{}").is_err());
    let conflict = client.deliver(id, 1, &joined.client_token, b"{}".to_vec()).await.unwrap_err();
    assert_eq!(conflict, BackendError::RecordExists(receipt.claims.receipt_id.clone()));
    let status = fixture.testbed.backend.status(id).await.unwrap();
    assert_eq!(
        (status.records, status.outcome.map(|outcome| outcome.to_string()).as_deref()),
        (1, Some("finished"))
    );

    // It is over: the same join may only upload, another one is refused.
    assert!(fixture.join(&mine, JOIN_ID).await.unwrap().livekit.is_none());
    let late = fixture.join(&mine, "ffffffffffffffffffffffffffffffff").await.unwrap_err();
    assert_eq!(late, BackendError::NotOpen);

    // Two days later the token of a day is of no use.
    let theirs = fixture.join(&other, "00112233445566778899aabbccddeeff").await.unwrap();
    fixture.testbed.backend.restart_ahead(2).await.unwrap();
    let path = format!("{}/attempts/1/records/client", other.id);
    let expired = fixture.put(&path, theirs.client_token.expose(), Some(EMPTY), empty()).await;
    assert_eq!(expired, (StatusCode::UNAUTHORIZED, "unauthorised".to_owned()));
    assert_eq!(fixture.testbed.backend.status(&other.id).await.unwrap().records, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interview_that_never_started_can_be_joined_once_more() {
    let fixture = Fixture::set().await;
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let joined = fixture.join(&invitation, JOIN_ID).await.unwrap();
    let second = "ffffffffffffffffffffffffffffffff";
    assert_eq!(fixture.join(&invitation, second).await.unwrap_err(), BackendError::CodeUsed);
    let link = InviteLink::parse(&invitation.link).unwrap();
    let record = br#"{"outcome":"never started"}"#.to_vec();
    let client = Backend::new(&link.server).unwrap();
    client.deliver(&joined.interview.id, 1, &joined.client_token, record).await.unwrap();
    let again = fixture.join(&invitation, second).await.unwrap();
    assert_eq!(again.interview.attempt, 2);
    assert!(again.livekit.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_codes_is_slowed_down_and_receipts_of_strangers_are_refused() {
    let fixture = Fixture::set().await;
    let invitation = fixture.testbed.backend.invite("{}").await.unwrap();
    let joined = fixture.join(&invitation, JOIN_ID).await.unwrap();
    for n in 0..10 {
        let wrong = Invitation {
            id: String::new(),
            link: invitation.link[..invitation.link.len() - 9].to_owned() + &format!("BBBB-22{n:02}"),
        };
        assert!(matches!(fixture.join(&wrong, JOIN_ID).await, Err(BackendError::UnknownCode { .. })));
    }
    let wrong = Invitation {
        id: String::new(),
        link: invitation.link[..invitation.link.len() - 9].to_owned() + "BBBB-2222",
    };
    let told = fixture.join(&wrong, JOIN_ID).await;
    assert!(matches!(told, Err(BackendError::TooMany { retry_after: Some(_) })), "{told:?}");
    // A right code lets its candidate in, even from an address where others fail.
    assert!(fixture.join(&invitation, JOIN_ID).await.is_ok());

    // A receipt of another backend proves nothing here.
    let stranger = Fixture::set().await;
    let other = stranger.testbed.backend.invite("{}").await.unwrap();
    let theirs = stranger.join(&other, JOIN_ID).await.unwrap();
    let link = InviteLink::parse(&other.link).unwrap();
    let jws = Backend::new(&link.server)
        .unwrap()
        .deliver(&theirs.interview.id, 1, &theirs.client_token, b"{}".to_vec())
        .await
        .unwrap();
    assert!(verify(&jws, &theirs.receipt_keys).is_ok());
    assert!(verify(&jws, &joined.receipt_keys).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openapi_document_is_served() {
    let fixture = Fixture::set().await;
    let document: Value = fixture
        .http
        .get(format!("{}/openapi.json", fixture.testbed.backend.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    // That its paths are the router's is a test of the backend (`routes`).
    assert!(document["paths"]["/v1/join"]["post"]["requestBody"].is_object(), "{document}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_is_hashed_and_what_is_shown_is_escaped() {
    let fixture = Fixture::set().await;
    let key = fixture.testbed.backend.command(&["key", "add", "hr"]).await.unwrap();
    let key = key.trim();
    let title = "<script>alert(1)</script>";
    let url = format!("{}/v1/interviews", fixture.testbed.backend.url);
    let new = serde_json::json!({ "title": title, "max_minutes": 30 });
    let created: Value =
        fixture.http.post(url).bearer_auth(key).json(&new).send().await.unwrap().json().await.unwrap();
    let (id, code) = (created["id"].as_str().unwrap(), created["code"].as_str().unwrap());
    join(created["link"].as_str().unwrap(), JOIN_ID).await.unwrap();

    for path in ["/operator".to_owned(), format!("/operator/interviews/{id}")] {
        let page = fixture
            .http
            .get(format!("{}{path}", fixture.testbed.backend.url))
            .bearer_auth(key)
            .send()
            .await
            .unwrap();
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let text = page.text().await.unwrap();
        assert!(text.contains("&lt;script&gt;alert(1)") && !text.contains(title), "{text}");
    }

    for file in std::fs::read_dir(fixture.testbed.folder()).unwrap() {
        let file = file.unwrap().path();
        if !file.file_name().unwrap().to_string_lossy().starts_with("backend.db") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        for (what, secret) in [("key", key), ("code", code), ("join id", JOIN_ID)] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "an organiser's database holds the {what} itself: {}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_erased_without_the_room_to_overwrite_it() {
    let mut testbed = Testbed::builder().start().await.unwrap();
    let id = testbed.backend.invite("{}").await.unwrap().id;
    testbed.backend.kill().await;
    let folder = testbed.folder().to_owned();
    let small = folder.join("small");
    let _mount = Mount::new(&small, true).unwrap();
    // Where SQLite writes a database anew.
    let run = |temporary: &std::path::Path, arguments: &[&str]| {
        let mut backend = std::process::Command::new(Tools::binary("adjourn-backend").unwrap());
        backend
            .env_clear()
            .env("SQLITE_TMPDIR", temporary)
            .env("ADJOURN_DATABASE", folder.join("backend.db"))
            .env("ADJOURN_PUBLIC_URL", "https://interviews.example.com");
        let output = backend.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let (erased, _, said) = run(&small, &["erase", &id]);
    assert!(!erased && said.contains("nothing was changed") && said.contains("small"), "{said}");
    let (there, link, said) = run(&small, &["code", &id]);
    assert!(there && link.starts_with("adjourn://join?"), "{said}");

    let (erased, _, said) = run(&folder, &["erase", &id]);
    assert!(erased, "{said}");
    assert!(!run(&folder, &["code", &id]).0, "it is gone");
}

#[tokio::test]
async fn a_testbed_whose_terminal_is_closed_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    // Whatever started this test: under `nohup` a hangup is ignored, by whoever is started as well.
    let mut up = tokio::process::Command::new("env");
    up.arg("--default-signal=HUP").arg(Tools::binary("adjourn-testbed").unwrap());
    up.arg("up").arg("--folder").arg(folder.path().join("bed"));
    let log = folder.path().join("log");
    let (testbed, _orders, mut said) = Child::start_talking("the testbed", &mut up, &log).unwrap();
    let line = said.next_line().await.unwrap().expect("what is up");
    let line: Value = serde_json::from_str(&line).unwrap();
    let there = |pid: &str| std::path::Path::new("/proc").join(pid).exists();
    let backend = line["backend_pid"].to_string();
    assert!(there(&backend));
    testbed.signal(Signal::HUP).unwrap();
    // Its standard output ends with it.
    let end = tokio::time::timeout(std::time::Duration::from_secs(20), said.next_line()).await;
    assert!(end.is_ok_and(|line| line.is_ok_and(|line| line.is_none())), "it ends");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while there(&backend) {
        assert!(std::time::Instant::now() < deadline, "the backend runs on");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
