//! Where an interview stands, on SQLite and on Postgres, with what LiveKit, agents and clients really send.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::time::Duration;

use adjourn_outbox::{Backend, verify};
use adjourn_protocol::{Arrival, InterviewState, InterviewStatus, InviteLink, JoinAnswer, Source, sha256};
use adjourn_testbed::{
    Actor, ActorKind, BackendOptions, Invitation, Network, ORGANISER, Testbed, join, unix_now,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

const JOIN_ID: &str = "0123456789abcdef0123456789abcdef";

struct Fixture {
    testbed: Testbed,
    http: Client,
}

/// A bearer token that a request carries.
#[derive(Clone, Copy)]
enum As<'a> {
    Organiser,
    Token(&'a str),
}

impl Fixture {
    async fn set(postgres: bool, webhooks: bool, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let options = BackendOptions { arguments, ..BackendOptions::default() };
        let testbed = Testbed::builder().postgres(postgres).webhooks(webhooks).backend(options);
        Self { testbed: testbed.start().await.unwrap(), http: Client::new() }
    }

    async fn joined(&self) -> (Invitation, JoinAnswer) {
        let invitation = self.testbed.backend.invite("{}").await.unwrap();
        let answer = self.join(&invitation).await;
        (invitation, answer)
    }

    async fn join(&self, invitation: &Invitation) -> JoinAnswer {
        join(&invitation.link, JOIN_ID).await.unwrap()
    }

    /// The token that the dispatch gives to an agent: it is in the room's dispatches.
    async fn agent_token(&self, room: &str) -> String {
        let method = "AgentDispatchService/ListDispatch";
        let answer =
            self.testbed.livekit.call(&Network::Loopback, method, &json!({ "room": room })).await.unwrap();
        let metadata = answer["agent_dispatches"][0]["metadata"].as_str().unwrap();
        let metadata: Value = serde_json::from_str(metadata).unwrap();
        assert_eq!(metadata["interview_id"], room);
        metadata["report_token"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, method: Method, path: &str, who: As<'_>, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.testbed.backend.url);
        let token = match who {
            As::Organiser => ORGANISER,
            As::Token(token) => token,
        };
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            let bytes = serde_json::to_vec(body).unwrap();
            use base64::Engine as _;
            let digest =
                base64::engine::general_purpose::STANDARD.encode(hex::decode(sha256(&bytes)).unwrap());
            request = request
                .header("content-digest", format!("sha-256=:{digest}:"))
                .header("content-type", "application/json")
                .body(bytes);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// A stream of events from where one was, to the interview's last.
    async fn events_after(&self, id: &str, last: &str) -> String {
        let events = self.http.get(format!("{}/v1/interviews/{id}/events", self.testbed.backend.url));
        let mut events = events.bearer_auth(ORGANISER).header("last-event-id", last).send().await.unwrap();
        let mut text = String::new();
        while !text.contains("\"complete\"") {
            let chunk = tokio::time::timeout(Duration::from_secs(5), events.chunk()).await.unwrap().unwrap();
            text += std::str::from_utf8(&chunk.expect("more to come")).unwrap();
        }
        text
    }

    /// Waits until the interview stands as wanted.
    async fn until(
        &self,
        id: &str,
        what: &str,
        stands: impl Fn(&InterviewStatus) -> bool,
    ) -> InterviewStatus {
        let began = std::time::Instant::now();
        loop {
            let status = self.testbed.backend.status(id).await.unwrap();
            if stands(&status) {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "not {what}: {status:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn told(status: &InterviewStatus) -> Vec<String> {
    status.history.iter().map(|entry| format!("{} by {}", entry.what, entry.source)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_on_both_databases() {
    for postgres in [false, true] {
        let fixture = Fixture::set(postgres, true, &[]).await;
        let (invitation, joined) = fixture.joined().await;
        let id = &invitation.id;
        assert_eq!(fixture.testbed.backend.status(id).await.unwrap().state, InterviewState::Live);

        // The agent tells turn by turn; the same turn twice is one.
        let token = fixture.agent_token(id).await;
        let items = format!("/v1/interviews/{id}/attempts/1/records/agent:AJ_1/items");
        for (item, text) in [("item_1", "Welcome."), ("item_2", "Thank you."), ("item_1", "Welcome.")] {
            let body = json!({"id": item, "role": "assistant", "text": text, "created_at": 1.5, "secret": "instructions"});
            let (status, _) = fixture.ask(Method::POST, &items, As::Token(&token), Some(&body)).await;
            assert_eq!(status, 204);
        }
        for (who, path, body, wanted) in [
            (
                joined.client_token.expose(),
                items.clone(),
                json!({"id": "x", "role": "user", "text": ""}),
                401,
            ),
            (
                &token,
                items.replace("agent:AJ_1", "client"),
                json!({"id": "x", "role": "user", "text": ""}),
                401,
            ),
            (&token, items.clone(), json!({"id": "", "role": "user", "text": ""}), 400),
            (&token, items.clone(), json!({"role": "user"}), 400),
            (&token, items.clone(), json!({"id": "x", "role": "user", "text": "a".repeat(70_000)}), 413),
        ] {
            assert_eq!(
                fixture.ask(Method::POST, &path, As::Token(who), Some(&body)).await.0,
                wanted,
                "{path} {body}"
            );
        }
        let transcript = format!("/v1/interviews/{id}/transcript");
        let (_, said) = fixture.ask(Method::GET, &transcript, As::Organiser, None).await;
        assert_eq!(
            (said["source"].as_str(), said["items"].as_array().unwrap().len()),
            (Some("agent while it lived"), 2)
        );
        assert!(!said.to_string().contains("instructions"), "what an item does not have is not kept");
        assert_eq!(fixture.ask(Method::GET, &transcript, As::Token(&token), None).await.0, 401);

        // The client's record ends it and closes the room; the agent's report completes it.
        let link = InviteLink::parse(&invitation.link).unwrap();
        let client = Backend::new(&link.server).unwrap();
        let record = json!({"outcome": "ended", "transcript": []}).to_string().into_bytes();
        let jws = client.deliver(id, 1, &joined.client_token, record.clone()).await.unwrap();
        verify(&jws, &joined.receipt_keys).unwrap().matches(id, 1, &Source::Client, &record).unwrap();
        let status = fixture.testbed.backend.status(id).await.unwrap();
        assert_eq!((status.state, status.agent_report.as_str()), (InterviewState::Ended, "pending"));
        second_opinion(&fixture, &jws, &joined.receipt_keys, &record);
        let report = json!({"chat_history": {"items": [
            {"type": "agent_config_update", "instructions": "never shown"},
            {"type": "message", "id": "item_1", "role": "assistant", "content": ["Welcome."], "created_at": 1.5},
        ]}, "end_reason": "finished"});
        let path = format!("/v1/interviews/{id}/attempts/1/records/agent:AJ_1");
        let (status, answer) = fixture.ask(Method::PUT, &path, As::Token(&token), Some(&report)).await;
        assert_eq!(status, 200, "{answer}");
        let receipt =
            verify(answer["receipt"].as_str().unwrap(), &fixture.testbed.backend.keys().await.unwrap())
                .unwrap();
        receipt
            .matches(id, 1, &Source::Agent("AJ_1".to_owned()), &serde_json::to_vec(&report).unwrap())
            .unwrap();
        let status = fixture.testbed.backend.status(id).await.unwrap();
        assert_eq!(
            (status.state, status.outcome.map(|outcome| outcome.to_string()).as_deref(), status.confirmed),
            (InterviewState::Complete, Some("finished"), true)
        );
        // Who first says that the room is closed, LiveKit or the one who closed it, is chance.
        let told: Vec<_> =
            told(&status).into_iter().filter(|line| !line.starts_with("room closed")).collect();
        assert_eq!(
            told,
            [
                "live by client",
                "client's record received by client",
                "ended by client",
                "agent's report received by agent",
                "confirmed as finished by agent",
                "complete by agent"
            ]
        );
        let (_, said) = fixture.ask(Method::GET, &transcript, As::Organiser, None).await;
        assert_eq!(
            said,
            json!({"source": "agent", "items": [
            {"id": "item_1", "role": "assistant", "text": "Welcome.", "created_at": 1.5, "interrupted": false,
             "told_by": "agent:AJ_1"}]})
        );
        // One report has all of it, and the feed told each step of it.
        let (_, report) =
            fixture.ask(Method::GET, &format!("/v1/interviews/{id}/report"), As::Organiser, None).await;
        assert_eq!(report["transcript"], said);
        let sources: Vec<_> =
            report["records"].as_array().unwrap().iter().map(|one| &one["source"]).collect();
        assert_eq!(sources, ["client", "agent:AJ_1"]);
        let began = std::time::Instant::now();
        let events = loop {
            let (_, feed) = fixture.ask(Method::GET, "/v1/events", As::Organiser, None).await;
            let events: Vec<_> =
                feed["events"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
            // Each gets its place a moment after its change.
            if events.len() >= 5 || began.elapsed() > Duration::from_secs(5) {
                break events;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(
            events,
            [
                "interview.started",
                "report.received",
                "interview.ended",
                "report.received",
                "interview.complete"
            ]
        );

        // A stream of events tells the same, from where one was.
        let text = fixture.events_after(id, "3").await;
        assert!(text.contains("id: 4") && !text.contains("id: 3\n"), "{text}");
        // One that saw more than there is saw it before the database was restored: it is told everything.
        let text = fixture.events_after(id, "999").await;
        assert!(text.contains("id: 1\n") && text.contains("id: 4\n"), "{text}");

        // The operator's pages: what was said, by whose word; nothing without a key.
        let page = |path: String| fixture.http.get(format!("{}{path}", fixture.testbed.backend.url));
        let unknown = page("/operator".into()).send().await.unwrap();
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
        assert!(unknown.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
        let list = page("/operator".into()).basic_auth("any", Some(ORGANISER)).send().await.unwrap();
        let list = list.text().await.unwrap();
        assert!(list.contains("Embedded engineer") && list.contains("complete"), "{list}");
        let one = page(format!("/operator/interviews/{id}"))
            .basic_auth("any", Some(ORGANISER))
            .send()
            .await
            .unwrap();
        let one = one.text().await.unwrap();
        assert!(
            one.contains("From the agent") && one.contains("Welcome.") && !one.contains("never shown"),
            "{one}"
        );
        let metrics = page("/metrics".into()).send().await.unwrap().text().await.unwrap();
        assert!(
            metrics.contains("adjourn_records_received{source=\"client\",result=\"stored\"} 1"),
            "{metrics}"
        );
        assert_eq!(page("/readyz".into()).send().await.unwrap().text().await.unwrap(), "ready");
        let nowhere: Value = page("/nowhere".into()).send().await.unwrap().json().await.unwrap();
        assert_eq!(nowhere["code"], "no_such_page");
        assert_eq!(fixture.testbed.postgres.is_some(), postgres);
    }
}

/// Another JOSE library (jwcrypto) comes to the same, with nothing but the receipt, the keys and the record.
fn second_opinion(fixture: &Fixture, jws: &str, keys: &Value, record: &[u8]) {
    let check = r#"
import hashlib, json, sys
from jwcrypto import jwk, jws
token = jws.JWS()
token.deserialize(sys.argv[1])
keys = jwk.JWKSet.from_json(sys.argv[2])
token.allowed_algs = ["EdDSA"]
token.verify(keys.get_key(token.jose_header["kid"]))
print(json.loads(token.payload)["sha256"] == hashlib.sha256(sys.argv[3].encode()).hexdigest())
"#;
    let verified = |jws: &str| {
        let output = std::process::Command::new(&fixture.testbed.tools.agent_python)
            .args(["-c", check, jws, &keys.to_string(), std::str::from_utf8(record).unwrap()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim() == "True"
    };
    assert!(verified(jws));
    // One letter of the claims is another one.
    let middle = jws.find('.').unwrap() + 10;
    let other = if jws.as_bytes()[middle] == b'A' { "B" } else { "A" };
    assert!(!verified(&[&jws[..middle], other, &jws[middle + 1..]].concat()));
}

/// Somebody in the room, as LiveKit sees it.
async fn agent_in(fixture: &Fixture, room: &str) -> Actor {
    let (tools, folder) = (&fixture.testbed.tools, fixture.testbed.folder());
    let actor = Actor::start(
        tools,
        folder,
        &fixture.testbed.livekit,
        &Network::Loopback,
        room,
        "agent",
        &ActorKind::Agent,
    );
    let mut actor = actor.unwrap();
    actor.order("join").await.unwrap();
    actor
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_closed_ends_the_interview_with_webhooks_and_without() {
    for webhooks in [true, false] {
        let fixture = Fixture::set(false, webhooks, &["--agent-deadline-minutes", "0.05"]).await;
        let (invitation, joined) = fixture.joined().await;
        let agent = agent_in(&fixture, &invitation.id).await;
        // It was seen there: by LiveKit's word, or by a round, of which there is one every ten seconds.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        // From then on the interview's time counts, which joining again tells.
        while fixture.join(&invitation).await.interview.ends_at == joined.interview.ends_at {
            assert!(tokio::time::Instant::now() < deadline, "nobody saw the agent, webhooks {webhooks}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        drop(agent);
        fixture
            .testbed
            .livekit
            .call(&Network::Loopback, "RoomService/DeleteRoom", &json!({ "room": invitation.id }))
            .await
            .unwrap();
        let status = fixture.until(&invitation.id, "ended", |s| s.state == InterviewState::Ended).await;
        let by = if webhooks { "webhook" } else { "poll" };
        assert!(told(&status).contains(&format!("ended by {by}")), "{status:?}");
        // Neither report nor record comes: the deadline says so.
        let status = fixture.until(&invitation.id, "missing", |s| s.agent_report == Arrival::Missing).await;
        assert_eq!(status.client_record, Arrival::Pending);
        // Late, it is stored all the same.
        let token = fixture.join(&invitation).await.client_token;
        let record = json!({"outcome": "ended(room closed)"});
        let path = format!("/v1/interviews/{}/attempts/1/records/client", invitation.id);
        assert_eq!(fixture.ask(Method::PUT, &path, As::Token(token.expose()), Some(&record)).await.0, 200);
        let status = fixture.until(&invitation.id, "complete", |s| s.state == InterviewState::Complete).await;
        assert_eq!(status.outcome.map(|outcome| outcome.to_string()).as_deref(), Some("ended(room closed)"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_counted_once_and_forged_ones_never() {
    let fixture = Fixture::set(false, false, &[]).await;
    let (invitation, joined) = fixture.joined().await;
    let room = joined.livekit.unwrap().room;
    let now = unix_now() as i64;
    let rooms =
        fixture.testbed.livekit.call(&Network::Loopback, "RoomService/ListRooms", &json!({})).await.unwrap();
    let sid = rooms["rooms"][0]["sid"].as_str().unwrap().to_owned();
    let body = |id: &str, event: &str, at: i64| {
        json!({"id": id, "event": event, "createdAt": at.to_string(), "room": {"sid": sid, "name": room},
               "participant": {"kind": "AGENT"}})
        .to_string()
    };
    let send = async |body: &str, token: &str| {
        let request = fixture.http.post(format!("{}/v1/livekit/webhook", fixture.testbed.backend.url));
        request.header("authorization", token).body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    let joined = body("EV_1", "participant_joined", now);
    let finished = body("EV_2", "room_finished", now);
    let signed = |body: &str| adjourn_testbed::webhook_token(body).unwrap();
    assert_eq!(send(&finished, "").await, 401);
    assert_eq!(send(&finished, "eyJhbGciOiJub25lIn0.e30.").await, 401);
    assert_eq!(send(&finished, &signed(&joined)).await, 401, "signed for other bytes");
    let old = body("EV_3", "room_finished", now - 3_600);
    assert_eq!(send(&old, &signed(&old)).await, 400, "a replay from an hour ago");
    assert_eq!(fixture.testbed.backend.status(&invitation.id).await.unwrap().state, InterviewState::Live);
    for _ in 0..2 {
        assert_eq!(send(&joined, &signed(&joined)).await, 204);
        assert_eq!(send(&finished, &signed(&finished)).await, 204);
    }
    let status = fixture.testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!(told(&status), ["live by client", "room closed by webhook", "ended by webhook"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_interview_does_not_come_back_on_either_database() {
    for postgres in [false, true] {
        let fixture = Fixture::set(postgres, true, &[]).await;
        let (invitation, joined) = fixture.joined().await;
        let id = &invitation.id;
        let token = fixture.agent_token(id).await;
        let path = format!("/v1/interviews/{id}");
        let erase = async || fixture.ask(Method::DELETE, &path, As::Organiser, None).await;
        assert_eq!(erase().await.1["code"], "goes_on");

        let link = InviteLink::parse(&invitation.link).unwrap();
        let client = Backend::new(&link.server).unwrap();
        let record = json!({"outcome": "ended", "transcript": []}).to_string().into_bytes();
        let jws = client.deliver(id, 1, &joined.client_token, record.clone()).await.unwrap();
        // Its room is closed first, whoever asks how often.
        let began = std::time::Instant::now();
        let tombstone = loop {
            let (status, answer) = erase().await;
            if status == 200 {
                break answer;
            }
            assert_eq!((status, &answer["code"]), (409, &json!("room_open")));
            assert!(began.elapsed() < Duration::from_secs(30), "{answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(tombstone["receipts"], json!([jws]));
        let rooms =
            fixture.testbed.livekit.call(&Network::Loopback, "RoomService/ListRooms", &json!({})).await;
        assert!(!rooms.unwrap().to_string().contains(id.as_str()));

        // Every door says so, and nothing is taken.
        let agent = format!("{path}/attempts/1/records/agent:AJ_1");
        let item = json!({"id": "x", "role": "user", "text": "CANARY"});
        let client_token = joined.client_token.expose();
        for (method, path, who, body) in [
            (Method::PUT, agent.clone(), As::Token(&token), Some(&item)),
            (Method::POST, format!("{agent}/items"), As::Token(&token), Some(&item)),
            (Method::GET, format!("{path}/attempts/1/records/client/receipt"), As::Token(client_token), None),
            (Method::GET, path.clone(), As::Token(client_token), None),
            (Method::GET, path.clone(), As::Organiser, None),
            (Method::GET, format!("{path}/report"), As::Organiser, None),
            (Method::GET, format!("{path}/transcript"), As::Organiser, None),
            (Method::GET, format!("{path}/attempts/1/records/client"), As::Organiser, None),
            (Method::POST, format!("{path}/code"), As::Organiser, None),
            (Method::POST, format!("{path}/end"), As::Organiser, None),
        ] {
            let (status, answer) = fixture.ask(method.clone(), &path, who, body).await;
            assert_eq!((status, &answer["code"]), (410, &json!("erased")), "{method} {path}: {answer}");
        }
        // The client takes it for the last word, by its token and by its code: it does not come again and again.
        let again = client.deliver(id, 1, &joined.client_token, record).await.unwrap_err();
        assert!(again.is_about_these_bytes(), "{again}");
        let again = join(&invitation.link, JOIN_ID).await.unwrap_err();
        assert!(again.is_about_these_bytes() && again.to_string().contains("was erased on"), "{again}");

        // What is left says when nothing of it is in the files any more; Postgres does that in its own time.
        let left = format!("{path}/tombstone");
        let began = std::time::Instant::now();
        loop {
            let (status, answer) = fixture.ask(Method::GET, &left, As::Organiser, None).await;
            assert_eq!((status, &answer["receipts"]), (200, &tombstone["receipts"]));
            if postgres || answer["overwritten"] == true {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(40), "{answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judgement_is_no_report() {
    let fixture = Fixture::set(false, false, &[]).await;
    let (invitation, _) = fixture.joined().await;
    let token = fixture.agent_token(&invitation.id).await;
    let path = format!("/v1/interviews/{}/attempts/1/records/agent:AJ_1-judgement", invitation.id);
    let judgement = json!({"judgement": {"verdict": "pass"}});
    let (status, answer) = fixture.ask(Method::PUT, &path, As::Token(&token), Some(&judgement)).await;
    assert_eq!(status, 200, "{answer}");
    let status = fixture.testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!((status.records, status.agent_report.as_str()), (1, "pending"));
    assert_eq!(told(&status), ["live by client", "judgement received by agent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_are_signed_with_the_key_that_the_join_handed_out() {
    let fixture = Fixture::set(false, false, &[]).await;
    let (invitation, joined) = fixture.joined().await;
    let rotated = fixture.testbed.backend.command(&["rotate-key"]).await.unwrap();
    let link = InviteLink::parse(&invitation.link).unwrap();
    let client = Backend::new(&link.server).unwrap();
    let jws = client.deliver(&invitation.id, 1, &joined.client_token, b"{}".to_vec()).await.unwrap();
    verify(&jws, &joined.receipt_keys).unwrap();
    let (_, later) = fixture.joined().await;
    assert_eq!(later.receipt_keys["keys"][0]["kid"], rotated.trim());
    assert_ne!(later.receipt_keys, joined.receipt_keys);
    assert_eq!(fixture.testbed.backend.keys().await.unwrap()["keys"].as_array().unwrap().len(), 2);
    // Organisers' keys: added, used, removed.
    let key = fixture.testbed.backend.command(&["key", "add", "hr"]).await.unwrap();
    let path = format!("/v1/interviews/{}", invitation.id);
    assert_eq!(fixture.ask(Method::GET, &path, As::Token(key.trim()), None).await.0, 200);
    fixture.testbed.backend.command(&["key", "remove", "hr"]).await.unwrap();
    assert_eq!(fixture.ask(Method::GET, &path, As::Token(key.trim()), None).await.0, 401);
}
