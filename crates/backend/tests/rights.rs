//! Who may do what, and who did: over HTTP, without a network.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_backend::audit;
use adjourn_backend::hooks::{self, Allowed, Wish};
use adjourn_backend::livekit::LiveKit;
use adjourn_backend::organisers::{self, Scope};
use adjourn_protocol::Secret;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::testbed::{As, LIFE, OWN, Testbed, idle};

/// Every door that an organiser's key opens: its method and path, and what it takes.
const DOORS: [(&str, &str, Scope); 22] = [
    ("POST", "/v1/interviews", Scope::Create),
    ("POST", "/v1/interviews/{id}/code", Scope::Create),
    ("GET", "/v1/interviews/{id}", Scope::Read),
    ("GET", "/v1/interviews/{id}/transcript", Scope::Read),
    ("GET", "/v1/interviews/{id}/attempts/1/records/client", Scope::Read),
    ("GET", "/operator/interviews/{id}", Scope::Operate),
    ("POST", "/v1/interviews/{id}/end", Scope::End),
    ("DELETE", "/v1/interviews/{id}", Scope::Erase),
    ("GET", "/v1/events", Scope::Read),
    ("GET", "/v1/interviews", Scope::Read),
    ("GET", "/v1/interviews/{id}/report", Scope::Read),
    ("GET", "/v1/hooks", Scope::Hooks),
    ("POST", "/v1/hooks", Scope::Hooks),
    ("POST", "/v1/hooks/{hook}/test", Scope::Hooks),
    ("POST", "/v1/hooks/{hook}/secret", Scope::Hooks),
    ("POST", "/v1/hooks/{hook}/replay", Scope::Hooks),
    ("DELETE", "/v1/hooks/{hook}", Scope::Hooks),
    ("PUT", "/v1/centers/berlin/seats/A-1", Scope::Seat),
    ("GET", "/v1/centers/berlin/seats", Scope::Center),
    ("POST", "/v1/centers/berlin/seats/A-1/orders", Scope::Center),
    ("GET", "/v1/centers/berlin/roster", Scope::Center),
    ("POST", "/v1/centers/berlin/seats/A-1/assignment", Scope::Seat),
];

#[tokio::test]
async fn each_scope_opens_its_doors_and_no_other() {
    let stage = Testbed::set().await;
    for scope in Scope::ALL {
        let key = stage.key(scope.as_str(), &[scope]).await;
        for (method, path, needed) in DOORS {
            let (id, _) = stage.interview().await;
            let actor = audit::Actor::command_line();
            let hook = if path.contains("{hook}") {
                hooks::add(
                    &stage.store,
                    &Allowed::default(),
                    Wish { url: "https://hooks.example.com", kinds: &[], with_report: false },
                    &actor,
                )
                .await
                .unwrap()
                .id
            } else {
                String::new()
            };
            let path = path.replace("{id}", &id).replace("{hook}", &hook);
            let new = match (method, path.as_str()) {
                ("POST", "/v1/interviews") => Some(json!({"title": "Talk", "max_minutes": 30})),
                ("POST", "/v1/hooks") => Some(json!({"url": "https://hooks.example.com"})),
                ("PUT", path) if path.starts_with("/v1/centers/") => Some(idle(0)),
                ("POST", path) if path.ends_with("/assignment") => Some(json!({"life": LIFE})),
                ("POST", path) if path.ends_with("/orders") => Some(json!({"order": "renew", "life": LIFE})),
                ("POST", path) if path.ends_with("/replay") => Some(json!({"since": "2026-01-01T00:00:00Z"})),
                _ => None,
            };
            let (status, answer) = stage.ask(As::Bearer(&key), method, &path, new).await;
            if scope == needed {
                // Of a record that nobody sent, and of whom nobody assigned, it is said that there is none.
                let none = path.ends_with("client") || path.ends_with("/assignment");
                let fine = status.is_success() || none && status == StatusCode::NOT_FOUND;
                assert!(fine, "{scope:?} {method} {path}: {status} {answer}");
            } else {
                assert_eq!(status, StatusCode::FORBIDDEN, "{scope:?} {method} {path}");
                assert_eq!(answer["code"], "out_of_scope");
                assert_eq!(
                    answer["title"],
                    format!(
                        "This key has the scopes {}; {} is needed here.",
                        scope.as_str(),
                        needed.as_str()
                    )
                );
            }
        }
    }
}

#[tokio::test]
async fn what_a_browser_adds_by_itself_shows_pages_and_does_nothing() {
    let stage = Testbed::set().await;
    let (id, _) = stage.interview().await;
    for (method, path, needed) in DOORS {
        let path = path.replace("{id}", &id);
        let (status, _) = stage.ask(As::Basic(OWN), method, &path, None).await;
        let expected = if needed == Scope::Operate { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(status, expected, "{method} {path}");
    }
    // A form on another page.
    let form = Request::builder()
        .method("POST")
        .uri(format!("/v1/interviews/{id}/end"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example");
    let answer = stage.answer(As::Basic(OWN), form, Body::from("a=b")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let (_, status) = stage.ask(As::Bearer(OWN), "GET", &format!("/v1/interviews/{id}"), None).await;
    assert_eq!(status["state"], "scheduled");
    assert_eq!(stage.ask(As::Nobody, "GET", "/operator", None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_ends_with_its_time() {
    let stage = Testbed::set().await;
    let (id, _) = stage.interview().await;
    let path = format!("/v1/interviews/{id}");
    let key = organisers::add(&stage.store, "summer", &Scope::ALL, None, Some(1)).await.unwrap();
    let ask = || stage.ask(As::Bearer(key.expose()), "GET", &path, None);
    assert_eq!(ask().await.0, StatusCode::OK);
    let address = format!("sqlite://{}", stage.folder.path().join("db").display());
    let database = sqlx::AnyPool::connect(&address).await.unwrap();
    sqlx::query("UPDATE organisers SET expires_at = 1").execute(&database).await.unwrap();
    assert_eq!(ask().await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_interview_and_with_the_right_to_see_it() {
    let stage = Testbed::set().await;
    let all = async |response: Response<Body>| {
        let body = axum::body::to_bytes(response.into_body(), 1 << 20);
        let bytes = tokio::time::timeout(Duration::from_secs(5), body).await.expect("it goes on").unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let watch = |id: &str, after: u32| {
        Request::builder().uri(format!("/v1/interviews/{id}/events")).header("last-event-id", after)
    };
    // With the interview: a reader that saw everything is told not to come again.
    let (id, _) = stage.interview().await;
    let open = stage.answer(As::Bearer(OWN), watch(&id, 0), Body::empty()).await;
    assert_eq!(open.status(), StatusCode::OK);
    stage.ask(As::Bearer(OWN), "POST", &format!("/v1/interviews/{id}/end"), None).await;
    let text = all(open).await;
    assert!(text.contains("ended") && text.contains("complete"), "{text}");
    let last = text.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap();
    let again = stage.answer(As::Bearer(OWN), watch(&id, last.parse().unwrap()), Body::empty()).await;
    assert_eq!(again.status(), StatusCode::NO_CONTENT);
    let from_before = stage.answer(As::Bearer(OWN), watch(&id, 0), Body::empty()).await;
    assert_eq!(all(from_before).await, text);
    // With the key.
    let (id, _) = stage.interview().await;
    let key = stage.key("leaves", &[Scope::Read]).await;
    let open = stage.answer(As::Bearer(&key), watch(&id, 0), Body::empty()).await;
    let mut body = open.into_body().into_data_stream();
    let early = tokio::time::timeout(Duration::from_secs(2), body.next()).await;
    assert!(early.is_err(), "nothing happened, and it goes on: {early:?}");
    organisers::remove(&stage.store, "leaves").await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(3), body.next()).await.expect("it goes on");
    assert!(end.is_none());
}

#[tokio::test]
async fn who_did_what_is_written_down_with_where_from() {
    let stage = Testbed::set().await;
    let (id, _) = stage.interview().await;
    let key = stage.key("hr", &[Scope::Read]).await;
    let path = |rest: &str| format!("/v1/interviews/{id}{rest}");
    stage.ask(As::Bearer(&key), "GET", &path("/transcript"), None).await;
    stage.ask(As::Bearer(&key), "POST", &path("/end"), None).await;
    stage.ask(As::Bearer(OWN), "POST", &path("/end"), None).await;
    // Where it stands is asked all the time.
    stage.ask(As::Bearer(&key), "GET", &path(""), None).await;
    let about: Vec<(String, String, String)> = audit::log(&stage.store, Some(&id))
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.who, entry.what, entry.origin))
        .collect();
    let line = |who: &str, what: &str| (who.to_owned(), what.to_owned(), "192.0.2.7".to_owned());
    assert_eq!(
        about,
        [
            line("ADJOURN_ORGANISER_KEY", "created the interview"),
            line("hr", "read the transcript"),
            line("ADJOURN_ORGANISER_KEY", "ended the interview"),
        ]
    );
    let all = audit::log(&stage.store, None).await.unwrap();
    assert!(all.iter().any(|entry| entry.who == "hr" && entry.what.starts_with("was refused")));
    assert!(all.iter().all(|entry| !entry.to_string().contains(&key)));
}

#[tokio::test]
async fn who_only_delivers_calls_nobody_into_a_room() {
    let stage = Testbed::set().await;
    let (id, code) = stage.interview().await;
    let client = json!({"version": "1", "platform": "test", "kiosk": false});
    let join = |uploads_only: bool| {
        let join_id = "0123456789abcdef0123456789abcdef";
        json!({"code": code, "join_id": join_id, "client": client, "uploads_only": uploads_only})
    };
    let (status, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join(true))).await;
    assert_eq!((status, &answer["livekit"]), (StatusCode::OK, &Value::Null), "{answer}");
    let (status, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join(false))).await;
    let unavailable = Some("livekit_unavailable");
    assert_eq!((status, answer["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, unavailable));
    let (_, status) = stage.ask(As::Bearer(OWN), "GET", &format!("/v1/interviews/{id}"), None).await;
    assert_eq!(status["attempt"], 1);
}

#[tokio::test]
async fn a_receipt_is_for_its_sender_and_for_organisers() {
    let stage = Testbed::set().await;
    let client = json!({"version": "1", "platform": "test", "kiosk": false});
    let mut senders = Vec::new();
    for join_id in ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"] {
        let (id, code) = stage.interview().await;
        let join = json!({"code": code, "join_id": join_id, "client": client, "uploads_only": true});
        let (_, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join)).await;
        senders.push((id, answer["client_token"].as_str().unwrap().to_owned()));
    }
    let receipt = |id: &str, attempt: u8, source: &str| {
        format!("/v1/interviews/{id}/attempts/{attempt}/records/{source}/receipt")
    };
    let (id, token) = &senders[0];
    let own = receipt(id, 1, "client");
    // There is none yet, and its sender is told so.
    let (status, answer) = stage.ask(As::Bearer(token), "GET", &own, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    let (all, reads) = (
        stage.key("all but that", &[Scope::Create, Scope::End]).await,
        stage.key("reads", &[Scope::Read]).await,
    );
    let (status, answer) = stage.ask(As::Bearer(&reads), "GET", &own, None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("no_record")));
    let (status, answer) = stage.ask(As::Bearer(&all), "GET", &own, None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("out_of_scope")));
    for (who, path) in [
        (As::Nobody, own.clone()),
        (As::Basic(OWN), own.clone()),
        (As::Bearer(&senders[1].1), own.clone()),
        (As::Bearer(token), receipt(&senders[1].0, 1, "client")),
        (As::Bearer(token), receipt(id, 2, "client")),
        (As::Bearer(token), receipt(id, 1, "agent:AJ_1")),
    ] {
        let (status, answer) = stage.ask(who, "GET", &path, None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}: {answer}");
    }
}

fn join(code: &str, join_id: char, uploads_only: bool) -> Value {
    let client = json!({"version": "1", "platform": "linux x86_64", "kiosk": false});
    json!({"code": code, "join_id": join_id.to_string().repeat(32), "client": client, "uploads_only": uploads_only})
}

/// LiveKit can't be reached here: who may have a room is given none.
#[tokio::test]
async fn the_way_can_be_tried_before_the_window_and_for_as_long_as_it_may_be_joined() {
    let stage = Testbed::set().await;
    let (id, code) = stage.interview().await;
    let check = async |code: &str| {
        let (status, answer) =
            stage.ask(As::Nobody, "POST", "/v1/check", Some(json!({ "code": code }))).await;
        let said = answer["code"].as_str().or(answer["invited"]["title"].as_str());
        assert!(status != StatusCode::OK || answer["livekit"].is_null(), "{answer}");
        (status.as_u16(), said.unwrap_or_default().to_owned())
    };
    // To what is told all the same.
    let no_room = (200, "Talk".to_owned());
    let address = format!("sqlite://{}", stage.folder.path().join("db").display());
    let database = sqlx::AnyPool::connect(&address).await.unwrap();
    let set = async |change: &str| {
        let change = format!("UPDATE interviews SET {change}");
        sqlx::query(sqlx::AssertSqlSafe(change)).execute(&database).await.unwrap();
    };
    let soon = (chrono::Utc::now() + chrono::Duration::hours(20)).timestamp_millis();
    set(&format!("window_from = {soon}")).await;
    assert_eq!(check(&code).await, no_room);
    assert_eq!(check("BBBB-2222").await, (404, "unknown_code".to_owned()));
    set("window_from = 0, window_to = 1000").await;
    assert_eq!(check(&code).await, (410, "not_open".to_owned()));
    // One that was begun in time goes on.
    set("attempt = 1").await;
    assert_eq!(check(&code).await, no_room);
    set("ended_at = 2000").await;
    assert_eq!(check(&code).await, (410, "not_open".to_owned()));
    let (_, status) = stage.ask(As::Bearer(OWN), "GET", &format!("/v1/interviews/{id}"), None).await;
    assert_eq!(status["history"].as_array().map(Vec::len), Some(0), "nothing was done: {status}");
}

/// LiveKit can't be reached here: a request for a room is told so.
#[tokio::test]
async fn outside_of_its_window_an_interview_opens_no_room_for_any_request() {
    let stage = Testbed::set().await;
    let ask = async |code: &str, join_id: char, uploads_only: bool| {
        let (status, answer) =
            stage.ask(As::Nobody, "POST", "/v1/join", Some(join(code, join_id, uploads_only))).await;
        (status.as_u16(), answer)
    };
    let code = async |from: i64, to: i64| {
        let at = |hours| (chrono::Utc::now() + chrono::Duration::hours(hours)).to_rfc3339();
        let new = json!({"title": "Talk", "max_minutes": 30, "window": {"from": at(from), "to": at(to)}});
        let (status, created) = stage.ask(As::Bearer(OWN), "POST", "/v1/interviews", Some(new)).await;
        assert_eq!(status, StatusCode::OK, "{created}");
        created["code"].as_str().unwrap().to_owned()
    };
    // Tomorrow's: not even for a record, as there can be none.
    let tomorrow = code(20, 30).await;
    for uploads_only in [false, true] {
        assert_eq!(ask(&tomorrow, 'a', uploads_only).await.0, 410);
    }
    // Yesterday's: for a record that waits, and the same join gets no room then. (Time passes: one that is over is not made.)
    let yesterday = code(-30, 20).await;
    let address = format!("sqlite://{}", stage.folder.path().join("db").display());
    let database = sqlx::AnyPool::connect(&address).await.unwrap();
    let before = (chrono::Utc::now() - chrono::Duration::hours(20)).timestamp_millis();
    let now = chrono::Utc::now().timestamp_millis();
    let passed = "UPDATE interviews SET window_to = $1 WHERE window_from < $2 RETURNING id";
    let row = sqlx::query(passed).bind(before).bind(now).fetch_one(&database).await.unwrap();
    let id: String = sqlx::Row::try_get(&row, "id").unwrap();
    let another = format!("/v1/interviews/{id}/code");
    let (status, answer) = stage.ask(As::Bearer(OWN), "POST", &another, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a code that opens nothing: {answer}");
    assert_eq!(ask(&yesterday, 'a', false).await.0, 410);
    let (status, answer) = ask(&yesterday, 'a', true).await;
    assert_eq!((status, &answer["livekit"]), (200, &Value::Null), "{answer}");
    let (status, answer) = ask(&yesterday, 'a', false).await;
    assert_eq!((status, &answer["livekit"]), (200, &Value::Null), "{answer}");
    // Today's.
    let today = code(-1, 1).await;
    assert_eq!(ask(&today, 'a', true).await.0, 200);
    let (status, answer) = ask(&today, 'a', false).await;
    assert_eq!((status, answer["code"].as_str()), (503, Some("livekit_unavailable")), "{answer}");
}

#[tokio::test]
async fn odd_values_are_refused_in_words_and_a_known_path_says_what_can_be_done_there() {
    let stage = Testbed::set().await;
    for window in [
        json!({"from": "+262142-12-31T23:59:59Z"}),
        json!({"to": "+262142-12-31T23:59:59Z"}),
        json!({"from": "1970-01-01T00:00:00Z"}),
        json!({"from": "2001-01-01T00:00:00Z", "to": "2001-01-02T00:00:00Z"}),
    ] {
        let new = json!({"title": "Talk", "max_minutes": 30, "window": window});
        let (status, answer) = stage.ask(As::Bearer(OWN), "POST", "/v1/interviews", Some(new)).await;
        assert_eq!(
            (status.as_u16(), answer["code"].as_str()),
            (400, Some("bad_interview")),
            "{window} {answer}"
        );
    }
    let (id, _) = stage.interview().await;
    for path in ["events", "attempts/1/records/client", "transcript"] {
        let path = format!("/v1/interviews/{id}/{path}");
        let (status, answer) = stage.ask(As::Bearer(OWN), "DELETE", &path, None).await;
        assert_eq!(
            (status.as_u16(), answer["code"].as_str()),
            (405, Some("no_such_method")),
            "{path} {answer}"
        );
    }
    for name in ["command line", "ADJOURN_ORGANISER_KEY", "two\nlines", "\u{1b}[2J", ""] {
        assert!(organisers::add(&stage.store, name, &[Scope::Read], None, None).await.is_err(), "{name:?}");
    }
}

/// A server that answers each request with this, and tells what it was asked.
async fn answers(answer: String) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asked, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let _ = asked.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, received)
}

#[tokio::test]
async fn what_is_sent_to_livekit_goes_nowhere_else_whoever_says_so() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let (elsewhere, mut stolen) = answers(ok.to_owned()).await;
    let moved = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{elsewhere}/twirp\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (livekit, mut asked) = answers(moved).await;
    let stage = Testbed::with_livekit(&format!("ws://{livekit}")).await;
    let (_, code) = stage.interview().await;
    let client = json!({"version": "0", "platform": "test", "kiosk": false});
    let join_id = "0123456789abcdef0123456789abcdef";
    let join = json!({"code": code, "join_id": join_id, "client": client, "uploads_only": false});
    let (status, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join)).await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (503, Some("livekit_unavailable")), "{answer}");
    assert!(
        asked.recv().await.unwrap().to_lowercase().contains("authorization: bearer"),
        "a token was sent there"
    );
    // Who follows does so before it answers.
    assert!(stolen.try_recv().is_err(), "and to nobody else");
}

#[tokio::test]
async fn a_livekit_that_cant_be_reached_is_told_with_its_reason() {
    let secret = || Secret::new("a-secret-of-livekit".to_owned());
    let reason = async |url: &str| {
        let livekit = LiveKit::new(url.parse().unwrap(), "key".to_owned(), secret()).unwrap();
        livekit.create_room("room", None, "").await.unwrap_err().to_string()
    };
    let refused = reason("ws://127.0.0.1:9").await;
    assert!(refused.contains("refused") && refused.contains("LIVEKIT_URL"), "{refused}");
    let unknown = reason("ws://livekit.invalid").await;
    assert!(unknown.contains("dns") || unknown.contains("lookup"), "{unknown}");
    assert_ne!(refused, unknown);
    let (plain, _asked) = answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let no_tls = reason(&format!("wss://{plain}")).await;
    assert!(no_tls != refused && !no_tls.contains("a-secret"), "{no_tls}");
}

#[tokio::test]
async fn it_is_ready_only_while_what_a_join_reads_can_be_read() {
    let stage = Testbed::set().await;
    let path = format!("sqlite:{}", stage.folder.path().join("db").display());
    let mut other = sqlx::SqliteConnection::connect(&path).await.unwrap();
    sqlx::raw_sql("ALTER TABLE interviews RENAME TO elsewhere").execute(&mut other).await.unwrap();
    let (status, answer) = stage.ask(As::Nobody, "GET", "/readyz", None).await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (503, Some("not_ready")), "{answer}");
}

#[tokio::test]
async fn an_organiser_lists_what_there_is_and_turns_the_pages() {
    let stage = Testbed::set().await;
    let key = stage.key("reads", &[Scope::Read]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(stage.interview().await.0);
    }
    let (status, _) =
        stage.ask(As::Bearer(OWN), "POST", &format!("/v1/interviews/{}/end", made[1]), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let ids = |page: &Value| -> Vec<String> {
        let interviews = page["interviews"].as_array().unwrap();
        interviews.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/interviews?limit=2{after}");
        let (status, page) = stage.ask(As::Bearer(&key), "GET", &path, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        seen.extend(ids(&page));
        let Some(cursor) = page["cursor"].as_str() else { break };
        after = format!("&after={cursor}");
    }
    let mut sorted = (seen.clone(), made.clone());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1, "each once");
    for (query, expected) in [
        ("state=complete", vec![made[1].clone()]),
        ("state=live", vec![]),
        ("missing=true", vec![]),
        ("outcome=finished", vec![]),
        ("ended_since=2026-01-01T00:00:00Z", vec![made[1].clone()]),
        ("ended_since=2099-01-01T00:00:00Z", vec![]),
    ] {
        let (status, page) =
            stage.ask(As::Bearer(&key), "GET", &format!("/v1/interviews?{query}"), None).await;
        assert_eq!((status, ids(&page)), (StatusCode::OK, expected), "{query}");
    }
    for (query, code) in [
        ("state=over", "bad_query"),
        ("limit=0", "bad_query"),
        ("outcome=well", "bad_query"),
        ("stat=live", "bad_query"),
        ("after=x", "unknown_cursor"),
    ] {
        let (status, problem) =
            stage.ask(As::Bearer(&key), "GET", &format!("/v1/interviews?{query}"), None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn one_report_has_all_of_an_interview() {
    let stage = Testbed::set().await;
    let (id, code) = stage.interview().await;
    let (_, joined) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join(&code, 'a', true))).await;
    let token = joined["client_token"].as_str().unwrap().to_owned();
    let need = json!({"kind": "timeline", "at": "2026-01-01T00:00:00Z", "mono_ms": 1,
        "body": {"what": "adjustment_asked", "detail": {"text": "More time"}}});
    let said = json!({"id": "1", "role": "interviewer", "text": "Welcome.", "at": "2026-01-01T00:00:01Z"});
    let record = json!({"outcome": "finished", "transcript": [said], "timeline": [need]}).to_string();
    let digest = hex::decode(adjourn_protocol::sha256(record.as_bytes())).unwrap();
    let request = Request::builder()
        .method("PUT")
        .uri(format!("/v1/interviews/{id}/attempts/1/records/client"))
        .header("content-type", "application/json")
        .header("content-digest", format!("sha-256=:{}:", STANDARD.encode(digest)));
    let stored = stage.answer(As::Bearer(&token), request, Body::from(record.clone())).await;
    assert_eq!(stored.status(), StatusCode::OK);
    let key = stage.key("reads", &[Scope::Read]).await;
    let (status, report) =
        stage.ask(As::Bearer(&key), "GET", &format!("/v1/interviews/{id}/report"), None).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!((&report["version"], &report["title"]), (&json!(1), &json!("Talk")));
    assert_eq!(
        (&report["status"]["outcome"], &report["status"]["state"]),
        (&json!("finished"), &json!("ended"))
    );
    assert_eq!(report["transcript"]["items"][0]["told_by"], "client");
    assert_eq!(report["needs"], json!(["More time"]));
    let there = &report["records"][0];
    assert_eq!(there["body"].to_string(), serde_json::from_str::<Value>(&record).unwrap().to_string());
    assert_eq!(there["sha256"], adjourn_protocol::sha256(record.as_bytes()));
    assert_eq!(there["bytes"], record.len());
    assert!(there["receipt"].as_str().unwrap().matches('.').count() == 2);
    assert!(report["status"]["history"].as_array().unwrap().len() >= 3, "{report}");
    let (status, _) = stage.ask(As::Bearer(&key), "GET", "/v1/interviews/nobodys/report", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_erased_interview_leaves_a_tombstone() {
    let stage = Testbed::set().await;
    let key = stage.key("privacy", &[Scope::Erase, Scope::Read]).await;
    let (id, _) = stage.interview().await;
    let path = format!("/v1/interviews/{id}");
    let (status, tombstone) = stage.ask(As::Bearer(&key), "DELETE", &path, None).await;
    assert_eq!((status, &tombstone["interview_id"]), (StatusCode::OK, &json!(id)), "{tombstone}");
    assert_eq!((&tombstone["receipts"], &tombstone["overwritten"]), (&json!([]), &json!(false)));
    // Once more is no mistake, and tells the same.
    assert_eq!(stage.ask(As::Bearer(&key), "DELETE", &path, None).await, (StatusCode::OK, tombstone));
    for path in [path.clone(), format!("{path}/report"), format!("{path}/transcript")] {
        let (status, gone) = stage.ask(As::Bearer(&key), "GET", &path, None).await;
        assert_eq!((status, &gone["code"]), (StatusCode::GONE, &json!("erased")), "{path}: {gone}");
        // Who may not see it does not learn that it was there.
        assert_eq!(stage.ask(As::Nobody, "GET", &path, None).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, none) = stage.ask(As::Bearer(&key), "DELETE", "/v1/interviews/nobodys", None).await;
    assert_eq!((status, &none["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (who, what): (Vec<_>, Vec<_>) = audit::log(&stage.store, Some(&id))
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.who, entry.what))
        .unzip();
    assert_eq!(what, ["created the interview", "erased the interview"]);
    assert_eq!(who[1], "privacy");
}
