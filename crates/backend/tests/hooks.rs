//! What an organiser's own server is told, over real connections.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_backend::audit::Actor;
use adjourn_backend::hooks::{self, Allowed};
use adjourn_backend::livekit::LiveKit;
use adjourn_backend::proxies::Proxies;
use adjourn_backend::router::router;
use adjourn_backend::state::{App, Options};
use adjourn_backend::store::{Open, Store};
use adjourn_backend::{Codes, Deadlines};
use adjourn_protocol::{Event, EventData, EventKind, Secret};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const KEY: &str = "the-operators-own-key";

/// What a receiver got.
#[derive(Clone, Debug)]
struct Got {
    id: String,
    event: Event,
    headers: HeaderMap,
    body: Bytes,
}

type Answers = Box<dyn Fn(usize, &Got) -> Response + Send + Sync>;

/// An organiser's own server.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// One that answers each request (the n-th, from 0) as it is told.
    async fn that_answers(answers: impl Fn(usize, &Got) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Box::new(answers))
    }

    fn on(listener: TcpListener, answers: Answers) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (kept, answers) = (Arc::clone(&got), Arc::new(answers));
        let take = async move |headers: HeaderMap, body: Bytes| {
            let event = serde_json::from_slice(&body).unwrap();
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            let one = Got { id, event, headers, body };
            let n = {
                let mut kept = kept.lock();
                kept.push(one.clone());
                kept.len() - 1
            };
            answers(n, &one)
        };
        let router = Router::new()
            .route("/hook", post(take))
            .route("/elsewhere", get(|| async { "no" }).post(|| async { "no" }));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got, task }
    }

    async fn that_takes_all() -> Self {
        Self::that_answers(|_, _| StatusCode::NO_CONTENT.into_response()).await
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().clone()
    }

    /// Waits until it is so.
    async fn until(&self, what: &str, holds: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let began = Instant::now();
        loop {
            let got = self.got();
            if holds(&got) {
                return got;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {got:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server, on a real database and a real port.
struct Stage {
    address: SocketAddr,
    store: Store,
    stop: CancellationToken,
    sending: JoinHandle<()>,
    http: reqwest::Client,
    folder: Arc<tempfile::TempDir>,
}

impl Stage {
    async fn set() -> Self {
        Self::in_folder(Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn in_folder(folder: Arc<tempfile::TempDir>) -> Self {
        let store = Store::open(folder.path().join("db").to_str().unwrap(), Open::OrMake).await.unwrap();
        let codes = Codes::of(&store, None).await.unwrap();
        let secret = Secret::new("a-secret-of-livekit".to_owned());
        let livekit = LiveKit::new("ws://127.0.0.1:9".parse().unwrap(), "key".to_owned(), secret).unwrap();
        let options = Options {
            public_url: "https://interviews.example.com".parse().unwrap(),
            organiser_key: Some(Secret::new(KEY.to_owned())),
            proxies: Proxies::parse(std::iter::empty()).unwrap(),
            deadlines: Deadlines::default(),
            keep_days: 7,
            retain: None,
            hook_hosts: local(),
        };
        let app = App::new(store.clone(), codes, livekit, options).await.unwrap();
        let stop = app.stop();
        let sending = tokio::spawn(app.clone().send_hooks());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router(app, None).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, store, stop, sending, http: reqwest::Client::new(), folder }
    }

    /// Beside the server.
    async fn database(&self) -> sqlx::AnyPool {
        let path = self.folder.path().join("db");
        sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.http.request(method.parse().unwrap(), format!("http://{}{path}", self.address));
        let request = request.bearer_auth(KEY);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    async fn hook(&self, url: &str) -> (String, String) {
        let (status, made) = self.ask("POST", "/v1/hooks", Some(json!({"url": url}))).await;
        assert_eq!(status, StatusCode::OK, "{made}");
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }

    async fn state_of(&self, hook: &str) -> Value {
        let (_, list) = self.ask("GET", "/v1/hooks", None).await;
        list["hooks"].as_array().unwrap().iter().find(|one| one["id"] == hook).unwrap().clone()
    }

    async fn until(&self, hook: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let state = self.state_of(hook).await;
            if holds(&state) {
                return state;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {state}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An interview that the organiser ended before anybody joined: two events.
    async fn ended(&self) -> String {
        let (_, created) = self
            .ask("POST", "/v1/interviews", Some(json!({"title": "CANARY title", "max_minutes": 30})))
            .await;
        let id = created["id"].as_str().unwrap().to_owned();
        let (status, _) = self.ask("POST", &format!("/v1/interviews/{id}/end"), None).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        id
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.sending.abort();
        self.stop.cancel();
    }
}

fn local() -> Allowed {
    Allowed::parse(["127.0.0.1"].into_iter()).unwrap()
}

fn interview(got: &Got) -> String {
    match &got.event.data {
        EventData::Interview(data) => data.interview_id.clone(),
        EventData::Erased { interview_id } => interview_id.clone(),
        EventData::Hook { .. } => String::new(),
    }
}

fn kinds_of(got: &[Got], id: &str) -> Vec<EventKind> {
    got.iter().filter(|one| interview(one) == id).map(|one| one.event.kind).collect()
}

const BOTH: [EventKind; 2] = [EventKind::InterviewEnded, EventKind::InterviewComplete];

#[tokio::test]
async fn what_happens_arrives_signed_in_order_and_soon() {
    let (stage, receiver) = (Stage::set().await, Receiver::that_takes_all().await);
    let (hook, secret) = stage.hook(&receiver.url).await;
    // The first look at the list of webhooks is behind it.
    let (_, tried) = stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    assert_eq!((&tried["delivered"], &tried["said"]), (&json!(true), &json!("It answered 204 No Content.")));
    let first = stage.ended().await;
    receiver.until("the first", |got| kinds_of(got, &first) == BOTH).await;
    let began = Instant::now();
    let id = stage.ended().await;
    let got = receiver.until("both events", |got| kinds_of(got, &id) == BOTH).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for one in &got {
        // As receivers do it.
        Webhook::new(&secret).unwrap().verify(&one.body, &one.headers).unwrap();
        assert_eq!(one.id, one.event.id);
        assert!(!String::from_utf8_lossy(&one.body).contains("CANARY"), "nothing but ids and states");
    }
    let state = stage.until(&hook, "nothing waits", |state| state["waiting"] == 0).await;
    assert!(
        state["delivered_at"].is_string()
            && state["failing_since"].is_null()
            && state.get("secret").is_none()
    );
}

#[tokio::test]
async fn who_wants_the_report_gets_it_with_the_event_after_which_there_is_one() {
    let (stage, receiver) = (Stage::set().await, Receiver::that_takes_all().await);
    let wish = json!({"url": receiver.url, "with_report": true});
    let (status, made) = stage.ask("POST", "/v1/hooks", Some(wish)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(stage.state_of(made["id"].as_str().unwrap()).await["with_report"], json!(true));
    let id = stage.ended().await;
    let got = receiver.until("both events", |got| kinds_of(got, &id) == BOTH).await;
    let secret = made["secret"].as_str().unwrap();
    let of = |kind: EventKind| got.iter().find(|one| one.event.kind == kind).unwrap();
    let complete = of(EventKind::InterviewComplete);
    Webhook::new(secret).unwrap().verify(&complete.body, &complete.headers).unwrap();
    let body: Value = serde_json::from_slice(&complete.body).unwrap();
    assert_eq!(
        (&body["report"]["title"], &body["report"]["status"]["id"]),
        (&json!("CANARY title"), &json!(id))
    );
    assert!(body.get("report_url").is_none(), "{body}");
    let (_, report) = stage.ask("GET", &format!("/v1/interviews/{id}/report"), None).await;
    assert_eq!(body["report"], report, "the same as whoever asks gets");
    // Before there is one, none comes.
    assert!(!String::from_utf8_lossy(&of(EventKind::InterviewEnded).body).contains("CANARY"));

    // One that is too large is told where it is.
    let database = stage.database().await;
    let (_, created) =
        stage.ask("POST", "/v1/interviews", Some(json!({"title": "large", "max_minutes": 30}))).await;
    let large = created["id"].as_str().unwrap();
    for n in 0..40 {
        let item = json!({"id": n.to_string(), "role": "user", "text": "x".repeat(30_000), "created_at": n});
        sqlx::query("INSERT INTO items VALUES ($1, 1, 'agent:AJ', $2, $3, $4)")
            .bind(large)
            .bind(n.to_string())
            .bind(n)
            .bind(item.to_string())
            .execute(&database)
            .await
            .unwrap();
    }
    stage.ask("POST", &format!("/v1/interviews/{large}/end"), None).await;
    let got = receiver.until("the large one", |got| kinds_of(got, large) == BOTH).await;
    let last = got.iter().rfind(|one| interview(one) == large).unwrap();
    let body: Value = serde_json::from_slice(&last.body).unwrap();
    let url = format!("https://interviews.example.com/v1/interviews/{large}/report");
    assert_eq!((&body["report_url"], body.get("report")), (&json!(url), None), "{} bytes", last.body.len());
}

#[tokio::test]
async fn an_interview_that_is_refused_keeps_its_order_and_holds_up_no_other() {
    let stage = Stage::set().await;
    let poison: Arc<Mutex<String>> = Arc::default();
    let refused = Arc::clone(&poison);
    let first = Mutex::new(true);
    let receiver = Receiver::that_answers(move |_, got| {
        let refuse = interview(got) == *refused.lock() && std::mem::take(&mut *first.lock());
        if refuse { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }.into_response()
    })
    .await;
    let (hook, _) = stage.hook(&receiver.url).await;
    // Both of its events are written at once: it is known before the first one is sent.
    let (_, created) =
        stage.ask("POST", "/v1/interviews", Some(json!({"title": "t", "max_minutes": 30}))).await;
    let id = created["id"].as_str().unwrap().to_owned();
    poison.lock().clone_from(&id);
    stage.ask("POST", &format!("/v1/interviews/{id}/end"), None).await;
    let other = stage.ended().await;
    receiver.until("the other one", |got| kinds_of(got, &other) == BOTH).await;
    let got = receiver
        .until("it as well", |got| kinds_of(got, &id).last() == Some(&EventKind::InterviewComplete))
        .await;
    let ids: HashSet<String> =
        got.iter().filter(|one| interview(one) == id).map(|one| one.id.clone()).collect();
    assert_eq!(ids.len(), 2, "however often, the same ids");
    stage.until(&hook, "nothing waits", |state| state["waiting"] == 0 && state["failures"] == 0).await;
}

#[tokio::test]
async fn a_dead_server_delays_no_other_and_is_seen() {
    let (stage, receiver) = (Stage::set().await, Receiver::that_takes_all().await);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let (dead, _) = stage.hook(&format!("http://{address}/hook")).await;
    let (_hook, _) = stage.hook(&receiver.url).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(stage.ended().await);
    }
    receiver.until("all of them", |got| ids.iter().all(|id| kinds_of(got, id) == BOTH)).await;
    let state = stage.until(&dead, "it is seen", |state| state["failures"].as_i64() >= Some(3)).await;
    stage.until(&dead, "all of them wait", |state| state["waiting"] == 40).await;
    assert!(state["last_error"].as_str().unwrap().starts_with("It can't be reached"), "{state}");
    let page = stage.http.get(format!("http://{}/operator", stage.address)).basic_auth("me", Some(KEY));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("nothing arrives"), "{page}");
    // It comes back, and gets everything soon: nothing waits for the end of a long pause.
    let back = Receiver::on(
        TcpListener::bind(address).await.unwrap(),
        Box::new(|_, _| StatusCode::OK.into_response()),
    );
    let got = back.until("all of them", |got| ids.iter().all(|id| kinds_of(got, id).ends_with(&BOTH))).await;
    let mut order: HashMap<String, Vec<String>> = HashMap::new();
    for one in &got {
        order.entry(interview(one)).or_default().push(one.id.clone());
    }
    assert!(order.values().all(|ids| ids.is_sorted()), "{order:?}");
}

#[tokio::test]
async fn who_wants_nothing_any_more_is_left_alone_until_they_ask() {
    let stage = Stage::set().await;
    let gone = Arc::new(Mutex::new(true));
    let says = Arc::clone(&gone);
    let receiver = Receiver::that_answers(move |_, _| {
        if *says.lock() { StatusCode::GONE } else { StatusCode::OK }.into_response()
    })
    .await;
    let (hook, _) = stage.hook(&receiver.url).await;
    let first = stage.ended().await;
    stage.until(&hook, "it stops", |state| state["stopped_at"].is_string()).await;
    let asked = receiver.got().len();
    let second = stage.ended().await;
    tokio::time::sleep(Duration::from_millis(700)).await; // longer than it takes to send something
    assert_eq!(receiver.got().len(), asked, "nothing is sent");
    *gone.lock() = false;
    let replay = json!({"since": "2026-01-01T00:00:00Z"});
    let (status, again) = stage.ask("POST", &format!("/v1/hooks/{hook}/replay"), Some(replay)).await;
    assert_eq!(
        (status, &again["events"]),
        (StatusCode::OK, &json!(2)),
        "those that it had taken over; the rest comes by itself"
    );
    receiver
        .until("everything", |got| [&first, &second].iter().all(|id| kinds_of(got, id).ends_with(&BOTH)))
        .await;
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_wish_for_a_pause_ignored() {
    let stage = Stage::set().await;
    let receiver = Receiver::that_answers(|n, _| match n {
        0 => (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        1 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "2")]).into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let (hook, _) = stage.hook(&receiver.url).await;
    let (_, tried) = stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    assert_eq!(tried["said"], "It answered 307 Temporary Redirect, and webhooks follow no redirect.");
    let id = stage.ended().await;
    receiver.until("the pause is asked for", |got| got.len() == 2).await;
    let asked = Instant::now();
    receiver.until("it comes again", |got| kinds_of(got, &id).ends_with(&BOTH)).await;
    assert!(asked.elapsed() > Duration::from_millis(1_800), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn what_was_not_sent_when_a_server_stopped_is_sent_by_the_next() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let stage = Stage::in_folder(Arc::clone(&folder)).await;
    let closed = Receiver::that_answers(|_, _| StatusCode::BAD_GATEWAY.into_response()).await;
    let (_, port) = closed.url.rsplit_once(':').unwrap();
    let address: SocketAddr = format!("127.0.0.1:{}", port.trim_end_matches("/hook")).parse().unwrap();
    let (hook, _) = stage.hook(&closed.url).await;
    let id = stage.ended().await;
    stage.until(&hook, "it was tried", |state| state["failures"].as_i64() >= Some(1)).await;
    stage.stop.cancel();
    let began = Instant::now();
    while !stage.sending.is_finished() {
        assert!(began.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let held = sqlx::query("SELECT 1 FROM leases WHERE name = 'hooks'")
        .fetch_optional(&stage.database().await)
        .await;
    assert!(held.unwrap().is_none(), "it gave its lease back");
    drop(closed);
    let listener = loop {
        // The port is free once the last connection is closed.
        if let Ok(listener) = TcpListener::bind(address).await {
            break listener;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(began.elapsed() < Duration::from_secs(5));
    };
    let open = Receiver::on(listener, Box::new(|_, _| StatusCode::OK.into_response()));
    let next = Stage::in_folder(folder).await;
    open.until("both events", |got| kinds_of(got, &id) == BOTH).await;
    next.until(&hook, "nothing waits", |state| state["waiting"] == 0).await;
}

#[tokio::test]
async fn a_new_secret_and_the_old_one_are_good_for_a_day() {
    let (stage, receiver) = (Stage::set().await, Receiver::that_takes_all().await);
    let (hook, old) = stage.hook(&receiver.url).await;
    let (_, made) = stage.ask("POST", &format!("/v1/hooks/{hook}/secret"), None).await;
    let new = made["secret"].as_str().unwrap().to_owned();
    stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    let got = receiver.got().remove(0);
    for secret in [&old, &new] {
        Webhook::new(secret).unwrap().verify(&got.body, &got.headers).unwrap();
    }
    assert!(Webhook::new("whsec_AAAA").unwrap().verify(&got.body, &got.headers).is_err());
    // Once more, as who lost the answer does: what the receiver has stays good.
    let newest = hooks::rotate(&stage.store, &hook, &Actor::command_line()).await.unwrap().secret;
    stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    let got = receiver.got().remove(1);
    for secret in [old.as_str(), new.as_str(), newest.expose()] {
        Webhook::new(secret).unwrap().verify(&got.body, &got.headers).unwrap();
    }
    let over = "UPDATE hook_secrets SET until = 1 WHERE until IS NOT NULL";
    sqlx::query(over).execute(&stage.database().await).await.unwrap();
    stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    let got = receiver.got().remove(2);
    assert!(Webhook::new(&old).unwrap().verify(&got.body, &got.headers).is_err(), "its day is over");
    Webhook::new(newest.expose()).unwrap().verify(&got.body, &got.headers).unwrap();
}

#[tokio::test]
async fn who_follows_the_feed_misses_nothing_and_waits_no_longer_than_needed() {
    let stage = Stage::set().await;
    let (status, page) = stage.ask("GET", "/v1/events", None).await;
    assert_eq!((status, &page["events"]), (StatusCode::OK, &json!([])));
    let cursor = page["cursor"].as_str().unwrap().to_owned();
    let began = Instant::now();
    let path = format!("/v1/events?after={cursor}&wait=20");
    let (waited, id) = tokio::join!(stage.ask("GET", &path, None), async {
        tokio::time::sleep(Duration::from_millis(300)).await; // somebody waits by now
        stage.ended().await
    });
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let first = &waited.1["events"][0];
    assert_eq!((&first["type"], &first["data"]["interview_id"]), (&json!("interview.ended"), &json!(id)));
    assert_eq!(first["data"]["told_by"], "organiser");
    let mut all = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let after = cursor.as_ref().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let (_, page) = stage.ask("GET", &format!("/v1/events?limit=1{after}"), None).await;
        all.extend(
            page["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()),
        );
        cursor = Some(page["cursor"].as_str().unwrap().to_owned());
        if page["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(all, ["interview.ended", "interview.complete"]);
    for (query, code, status) in [
        ("after=elsewhere-7", "unknown_cursor", StatusCode::BAD_REQUEST),
        ("after=", "unknown_cursor", StatusCode::BAD_REQUEST),
        ("limit=0", "bad_query", StatusCode::BAD_REQUEST),
        ("limit=1001", "bad_query", StatusCode::BAD_REQUEST),
        ("wait=51", "bad_query", StatusCode::BAD_REQUEST),
        ("wait=soon", "bad_query", StatusCode::BAD_REQUEST),
        ("aftre=x", "bad_query", StatusCode::BAD_REQUEST),
    ] {
        let (answered, problem) = stage.ask("GET", &format!("/v1/events?{query}"), None).await;
        assert_eq!((answered, &problem["code"]), (status, &json!(code)), "{query}");
    }
    let (feed, _) = cursor.as_deref().unwrap().rsplit_once('-').unwrap();
    // Of a database that was restored from a copy: what happens from now on comes after it.
    let (_, page) = stage.ask("GET", &format!("/v1/events?after={feed}-9000000000000000"), None).await;
    assert_eq!(page["events"], json!([]));
}

#[tokio::test]
async fn what_may_be_no_webhook_is_refused_in_words_and_changes_nothing() {
    let stage = Stage::set().await;
    for (body, code) in [
        (json!({"url": "http://hooks.example.com"}), "bad_hook"),
        (json!({"url": "https://192.168.0.1"}), "bad_hook"),
        (json!({"url": "nonsense"}), "bad_hook"),
        (json!({"url": "https://hooks.example.com", "kinds": ["interview.begun"]}), "bad_json"),
        (json!({"url": "https://hooks.example.com", "kinds": ["hook.test"]}), "bad_hook"),
        (json!({"url": "https://hooks.example.com", "secret": "mine"}), "bad_json"),
        (json!({}), "bad_json"),
    ] {
        let (status, problem) = stage.ask("POST", "/v1/hooks", Some(body.clone())).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{body}: {problem}");
    }
    for (method, path, body) in [
        ("DELETE", "/v1/hooks/hook_nobodys", None),
        ("POST", "/v1/hooks/hook_nobodys/test", None),
        ("POST", "/v1/hooks/hook_nobodys/secret", None),
        ("POST", "/v1/hooks/hook_nobodys/replay", Some(json!({"since": "2026-01-01T00:00:00Z"}))),
    ] {
        let (status, problem) = stage.ask(method, path, body).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("no_such_hook")), "{path}");
    }
    let (hook, _) = stage.hook("https://hooks.example.com").await;
    for body in [json!({}), json!({"since": "2026-01-01T00:00:00Z", "after": "x"})] {
        let (_, problem) = stage.ask("POST", &format!("/v1/hooks/{hook}/replay"), Some(body)).await;
        assert_eq!(problem["code"], "bad_replay");
    }
    // A name that leads to this very computer is not followed, whatever it was when it was registered.
    let (hook, _) = stage.hook("https://localhost:1/hook").await;
    let (_, tried) = stage.ask("POST", &format!("/v1/hooks/{hook}/test"), None).await;
    assert!(tried["said"].as_str().unwrap().contains("leads to no address on the Internet"), "{tried}");
    for _ in 0..30 {
        stage.hook("https://hooks.example.com").await;
    }
    let (_, problem) =
        stage.ask("POST", "/v1/hooks", Some(json!({"url": "https://hooks.example.com"}))).await;
    assert_eq!(problem["code"], "too_many_hooks");
    assert!(problem["title"].as_str().unwrap().contains("as many as there may be"), "{problem}");
}

#[tokio::test]
async fn an_interview_that_is_erased_is_told_and_nothing_else_of_it_is_left_to_tell() {
    let stage = Stage::set().await;
    let id = stage.ended().await;
    adjourn_backend::erase(&stage.store, &id).await.unwrap();
    let began = Instant::now();
    loop {
        let (_, page) = stage.ask("GET", "/v1/events", None).await;
        let told: Vec<&str> =
            page["events"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
        if told == ["interview.erased"] {
            assert_eq!(page["events"][0]["data"], json!({"interview_id": id}));
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{told:?}");
    }
}
