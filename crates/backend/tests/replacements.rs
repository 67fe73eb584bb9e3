//! Another interviewer in the place of one that is lost: over HTTP, beside a LiveKit that only takes note of what it is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse as _;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Digest as _;

use self::testbed::{As, OWN, Testbed};

/// LiveKit, as far as it matters here.
#[derive(Clone, Default)]
struct LiveKit(Arc<Mutex<Room>>);

#[derive(Default)]
struct Room {
    /// Agents in the room.
    agents: Vec<&'static str>,
    /// Calls that it refuses for now.
    down: Vec<&'static str>,
    asked: Vec<(String, Value)>,
}

impl LiveKit {
    async fn start() -> (Self, String) {
        let livekit = Self::default();
        let answer = axum::routing::post(
            async |State(livekit): State<Self>, Path(call): Path<String>, Json(body): Json<Value>| {
                livekit.answer(call, &body)
            },
        );
        let router = Router::new()
            .route("/twirp/livekit.RoomService/{call}", answer.clone())
            .route("/twirp/livekit.AgentDispatchService/{call}", answer)
            .with_state(livekit.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (livekit, format!("ws://{address}"))
    }

    fn answer(&self, call: String, body: &Value) -> axum::response::Response {
        let mut room = self.0.lock();
        room.asked.push((call.clone(), body.clone()));
        if room.down.contains(&call.as_str()) {
            return (StatusCode::SERVICE_UNAVAILABLE, "away").into_response();
        }
        let answer = match call.as_str() {
            "CreateRoom" => json!({"name": body["name"], "sid": "RM_1"}),
            "ListParticipants" => {
                let agents = room.agents.iter().map(|identity| {
                    json!({"kind": "AGENT", "identity": identity, "sid": format!("PA_{identity}"),
                        "attributes": {"lk.agent.name": "interviewer"}})
                });
                let candidate = json!({"kind": "STANDARD", "identity": "candidate", "sid": "PA_c"});
                json!({"participants": agents.chain([candidate]).collect::<Vec<_>>()})
            }
            "RemoveParticipant" => {
                room.agents.retain(|agent| body["identity"] != *agent);
                json!({})
            }
            "ListDispatch" => json!({"agent_dispatches": [
                {"id": "AD_0", "state": {}},
                {"id": "AD_1", "state": {"jobs": [{"id": "AJ_1", "state": {"participant_identity": "agent-AJ_1"}}]}}]}),
            _ => json!({}),
        };
        Json(answer).into_response()
    }

    fn asked(&self, call: &str) -> Vec<Value> {
        let room = self.0.lock();
        room.asked.iter().filter(|(asked, _)| asked == call).map(|(_, body)| body.clone()).collect()
    }
}

/// An interview that goes on with an interviewer.
struct Interview {
    stage: Testbed,
    livekit: LiveKit,
    id: String,
    client: String,
    agent: String,
}

impl Interview {
    async fn of(replacements: u8) -> Self {
        let (livekit, url) = LiveKit::start().await;
        let stage = Testbed::with_livekit(&url).await;
        let new = json!({"title": "Talk", "max_minutes": 30, "agent_name": "interviewer", "replacements": replacements});
        let (status, created) = stage.ask(As::Bearer(OWN), "POST", "/v1/interviews", Some(new)).await;
        assert_eq!(status, StatusCode::OK, "{created}");
        let request = json!({"code": created["code"], "join_id": "0123456789abcdef0123456789abcdef",
            "client": {"version": "1", "platform": "test", "kiosk": false}});
        let (status, joined) = stage.ask(As::Nobody, "POST", "/v1/join", Some(request)).await;
        assert_eq!(status, StatusCode::OK, "{joined}");
        let left = joined["interview"].get("replacements").and_then(Value::as_u64).unwrap_or(0);
        assert_eq!(left, u64::from(replacements));
        livekit.0.lock().agents = vec!["agent-AJ_1"];
        let room = livekit.asked("CreateRoom").remove(0);
        let metadata: Value = serde_json::from_str(room["agents"][0]["metadata"].as_str().unwrap()).unwrap();
        assert!(metadata.get("replaces").is_none() && metadata.get("history_url").is_none());
        let text = |of: &Value| of.as_str().unwrap().to_owned();
        Self {
            id: text(&created["id"]),
            client: text(&joined["client_token"]),
            agent: text(&metadata["report_token"]),
            stage,
            livekit,
        }
    }

    async fn ask(&self, token: &str, method: &str, below: &str, body: Option<Value>) -> (StatusCode, Value) {
        let path = format!("/v1/interviews/{}/attempts/1/{below}", self.id);
        self.stage.ask(As::Bearer(token), method, &path, body).await
    }

    async fn replaces(&self, identity: &str) -> (StatusCode, Value) {
        self.replaces_as(&self.client, identity).await
    }

    async fn replaces_as(&self, token: &str, identity: &str) -> (StatusCode, Value) {
        let asked = json!({"sid": format!("PA_{identity}"), "identity": identity,
            "otherwise": "interrupted(interviewer lost)"});
        self.ask(token, "POST", "replacement", Some(asked)).await
    }

    async fn status(&self) -> Value {
        self.stage.ask(As::Bearer(OWN), "GET", &format!("/v1/interviews/{}", self.id), None).await.1
    }

    async fn history(&self) -> Vec<String> {
        let status = self.status().await;
        let history = status["history"].as_array().unwrap().iter();
        history.map(|entry| entry["what"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn another_one_is_called_once_and_the_lost_one_is_put_out_first() {
    let interview = Interview::of(1).await;
    for _ in 0..3 {
        let (status, answer) = interview.replaces("agent-AJ_1").await;
        assert_eq!((status, &answer["left"]), (StatusCode::OK, &json!(0)), "{answer}");
    }
    let tidied = || !interview.livekit.asked("DeleteDispatch").is_empty();
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while !tidied() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let order: Vec<String> = interview.livekit.0.lock().asked.iter().map(|(call, _)| call.clone()).collect();
    let changed: Vec<&str> =
        order.iter().map(String::as_str).filter(|call| !call.starts_with("List")).collect();
    assert_eq!(changed, ["CreateRoom", "RemoveParticipant", "CreateDispatch", "DeleteDispatch"]);
    assert_eq!(interview.livekit.asked("DeleteDispatch")[0]["dispatch_id"], "AD_1");
    let called = interview.livekit.asked("CreateDispatch").remove(0);
    assert_eq!((&called["room"], &called["agent_name"]), (&json!(interview.id), &json!("interviewer")));
    let metadata: Value = serde_json::from_str(called["metadata"].as_str().unwrap()).unwrap();
    assert_eq!((&metadata["attempt"], &metadata["replaces"]), (&json!(1), &json!("agent-AJ_1")));
    let history = format!("https://interviews.example.com/v1/interviews/{}/attempts/1/history", interview.id);
    assert_eq!(metadata["history_url"], history);
    assert!(interview.history().await.contains(&"interviewer lost; another one called".to_owned()));
    let address = format!("sqlite:{}", interview.stage.folder.path().join("db").display());
    let database = sqlx::AnyPool::connect(&address).await.unwrap();
    let told = sqlx::query("SELECT kind FROM events WHERE interview_id = $1 ORDER BY revision");
    let told = told.bind(&interview.id).fetch_all(&database).await.unwrap();
    let kinds: Vec<String> = told.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    assert_eq!(kinds, ["interview.started", "interviewer.replaced"]);
    // A client that is started again knows how many are left.
    let (status, answer) = interview.replaces("agent-AJ_2").await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("no_replacement_left")));
}

#[tokio::test]
async fn the_one_that_goes_on_reads_what_was_said() {
    let interview = Interview::of(1).await;
    let item = |id: &str, role: &str, text: &str, at: f64| json!({"id": id, "role": role, "text": text, "created_at": at, "interrupted": false});
    for item in [item("1", "assistant", "Tell me.", 1.0), item("2", "user", "I wrote it.", 2.0)] {
        let told = interview.ask(&interview.agent, "POST", "records/agent:AJ_1/items", Some(item)).await;
        assert_eq!(told.0, StatusCode::NO_CONTENT, "{}", told.1);
    }
    assert_eq!(interview.replaces("agent-AJ_1").await.0, StatusCode::OK);
    let (status, said) = interview.ask(&interview.agent, "GET", "history", None).await;
    let texts: Vec<&str> =
        said["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect();
    assert_eq!((status, texts), (StatusCode::OK, vec!["Tell me.", "I wrote it."]));
    // It is nobody else's.
    let others = [interview.client.as_str(), "nobody"];
    for other in others {
        assert_eq!(interview.ask(other, "GET", "history", None).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_a_replaced_one_reports_is_kept_and_ends_nothing() {
    let interview = Interview::of(1).await;
    assert_eq!(interview.replaces("agent-AJ_1").await.0, StatusCode::OK);
    let report =
        |end_reason: &str| json!({"chat_history": {"items": []}, "end_reason": end_reason}).to_string();
    let put = async |job: &str, body: String| {
        let digest = STANDARD.encode(sha2::Sha256::digest(&body));
        let request = Request::builder()
            .method("PUT")
            .uri(format!("/v1/interviews/{}/attempts/1/records/agent:{job}", interview.id))
            .header("content-digest", format!("sha-256=:{digest}:"))
            .header("content-type", "application/json");
        interview.stage.answer(As::Bearer(&interview.agent), request, body.into()).await.status()
    };
    // Its tool went on, and said that it is over: nobody of the others is there yet.
    assert_eq!(put("AJ_1", report("finished")).await, StatusCode::OK);
    let status = interview.status().await;
    let now = |status: &Value| {
        (status["state"].clone(), status["agent_report"].clone(), status["confirmed"].clone())
    };
    assert_eq!(now(&status), (json!("live"), json!("received"), json!(false)), "{status}");
    // The one in its place reports.
    assert_eq!(put("AJ_2", report("finished")).await, StatusCode::OK);
    let status = interview.status().await;
    assert_eq!(now(&status), (json!("ended"), json!("received"), json!(true)), "{status}");
}

#[tokio::test]
async fn who_may_not_is_refused_and_nothing_is_changed() {
    let interview = Interview::of(0).await;
    let (status, answer) = interview.replaces("agent-AJ_1").await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("no_replacement_left")));
    let interview = Interview::of(3).await;
    let elsewhere = Interview::of(1).await;
    for token in [&interview.agent, &elsewhere.client] {
        assert_eq!(interview.replaces_as(token, "agent-AJ_1").await.0, StatusCode::UNAUTHORIZED);
    }
    for nobody in ["candidate", "agent-AJ_9"] {
        let (status, answer) = interview.replaces(nobody).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::CONFLICT, &json!("not_the_interviewer")),
            "{nobody}"
        );
    }
    for (sid, identity) in [("", "agent-AJ_1"), ("PA_1", ""), ("PA_1", "a\nb"), ("PA_1", &"x".repeat(300))] {
        let asked = json!({"sid": sid, "identity": identity, "otherwise": "interrupted(interviewer lost)"});
        let (status, answer) = interview.ask(&interview.client, "POST", "replacement", Some(asked)).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::BAD_REQUEST, &json!("bad_identity")),
            "{identity}"
        );
    }
    let asked = json!({"sid": "PA_1", "identity": "agent-AJ_1", "otherwise": "because"});
    let (status, answer) = interview.ask(&interview.client, "POST", "replacement", Some(asked)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_json")));
    let new = json!({"title": "Talk", "max_minutes": 30, "replacements": 4});
    let (status, answer) = interview.stage.ask(As::Bearer(OWN), "POST", "/v1/interviews", Some(new)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_interview")));
    for call in ["RemoveParticipant", "CreateDispatch", "DeleteDispatch"] {
        assert!(interview.livekit.asked(call).is_empty(), "{call}");
    }
    // An interview that is over has no interviewer.
    let path = format!("/v1/interviews/{}/end", interview.id);
    assert_eq!(interview.stage.ask(As::Bearer(OWN), "POST", &path, None).await.0, StatusCode::NO_CONTENT);
    let (status, answer) = interview.replaces("agent-AJ_1").await;
    assert_eq!((status, &answer["code"]), (StatusCode::GONE, &json!("not_open")));
    assert_eq!(interview.history().await.iter().filter(|what| what.contains("lost")).count(), 0);
}

#[tokio::test]
async fn what_livekit_does_not_do_now_is_done_when_it_is_asked_again_and_counts_once() {
    let interview = Interview::of(1).await;
    for broken in ["ListParticipants", "RemoveParticipant", "CreateDispatch"] {
        interview.livekit.0.lock().down = vec![broken];
        let (status, answer) = interview.replaces("agent-AJ_1").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{broken}: {answer}");
    }
    interview.livekit.0.lock().down.clear();
    let (status, answer) = interview.replaces("agent-AJ_1").await;
    assert_eq!((status, &answer["left"]), (StatusCode::OK, &json!(0)), "{answer}");
    let lost = interview.history().await.iter().filter(|what| what.contains("lost")).count();
    assert_eq!(lost, 1);
    // What only tidies up keeps nobody.
    let interview = Interview::of(1).await;
    interview.livekit.0.lock().down = vec!["ListDispatch"];
    assert_eq!(interview.replaces("agent-AJ_1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_job_that_died_is_told_of_and_by_nobody_but_its_own() {
    let interview = Interview::of(0).await;
    let died = Some(json!({"identity": "agent-AJ_1"}));
    let below = "records/agent:AJ_1/died";
    assert_eq!(
        interview.ask(&interview.client, "POST", below, died.clone()).await.0,
        StatusCode::UNAUTHORIZED
    );
    let own = "records/client/died";
    assert_eq!(interview.ask(&interview.client, "POST", own, died.clone()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(interview.status().await.get("interviewer_died"), None);
    for _ in 0..2 {
        let noted = interview.ask(&interview.agent, "POST", below, died.clone()).await;
        assert_eq!(noted.0, StatusCode::NO_CONTENT, "{}", noted.1);
    }
    assert_eq!(interview.status().await["interviewer_died"], "agent-AJ_1");
    let told = interview.history().await.iter().filter(|what| what.contains("process ended")).count();
    assert_eq!(told, 1);
}
