//! LiveKit's webhooks. They may be late, twice, forged or never come: each is verified over its raw bytes and
//! counted once, and the reconciler finds out what was not told.

use adjourn_protocol::{ProblemCode, RoomEnd, Source};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::Digest as _;

use crate::api_error::ApiError;
use crate::livekit::{Participant, Room, is_check_room, is_setup_room};
use crate::serving::{age, job_of};
use crate::state::App;
use crate::store::{Tx, millis, now};
use crate::{interviewers, lifecycle_store, sent_away};

/// LiveKit drops events that wait longer than 30 s and retries for about two minutes; older ones are a replay.
const OLDEST: Duration = Duration::minutes(10);

#[derive(Deserialize)]
struct Claims {
    sha256: String,
}

/// The part of an event that matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEvent {
    id: String,
    event: String,
    #[serde(default)]
    created_at: Number,
    #[serde(default)]
    room: Room,
    #[serde(default)]
    participant: Participant,
    /// Of a room that finished; livekit-server from 1.13.7 on.
    #[serde(default)]
    room_end_reason: String,
}

/// protojson writes 64-bit numbers as text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Number(i64),
}

impl Default for Number {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Number {
    fn value(&self) -> i64 {
        match self {
            Self::Text(text) => text.parse().unwrap_or(0),
            Self::Number(number) => *number,
        }
    }
}

impl WebhookEvent {
    /// Reads the body of a request that was signed.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let not_one = || ApiError::bad_request(ProblemCode::BadEvent, "The event is not one of LiveKit's.");
        let event: Self = serde_json::from_slice(body).map_err(|_| not_one())?;
        // Postgres takes no NUL, and LiveKit writes none.
        let Self { id, room, participant, .. } = &event;
        let texts = [id, &room.name, &room.sid, &participant.identity, &participant.sid];
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(not_one());
        }
        Ok(event)
    }

    fn room_end_reason(&self) -> Option<RoomEnd> {
        RoomEnd::of_livekit(&self.room_end_reason)
    }

    /// When it happened, to the second. A time that there is not is 1970, which is too old.
    pub(crate) fn created(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.created_at.value(), 0).unwrap_or_default()
    }
}

/// `POST /v1/livekit/webhook`
#[utoipa::path(post, path = "/v1/livekit/webhook", operation_id = "livekit_webhook", request_body(content = Object, content_type = "application/webhook+json"),
    responses((status = 204, description = "noted, or noted before"), (status = 400, description = "bad_event, old_event"),
    (status = 503, description = "room_unknown, database: it is to be told again")))]
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let count = |result: &'static str| metrics::counter!("adjourn_webhooks", "result" => result).increment(1);
    if !signed(&app, &headers, &body) {
        count("forged");
        if app.seldom.is_due() {
            tracing::warn!(
                "an event is not signed with our LiveKit key: it is forged, or LiveKit's webhook has another api_key"
            );
        }
        return Err(ApiError::unauthorised());
    }
    let event = WebhookEvent::parse(&body)?;
    let now = now();
    let created = event.created();
    if age(created, now) > OLDEST {
        count("old");
        if app.seldom.is_due() {
            tracing::warn!(%created, "an event is too old or from the future: it is replayed, or a clock is wrong");
        }
        return Err(ApiError::bad_request(
            ProblemCode::OldEvent,
            "The event is too old, or from the future.",
        ));
    }
    if is_setup_room(&event.room.name) {
        arrived(&app, &event.room.name, now).await?;
    }
    match Told::of(&event) {
        None => count("of no interest"),
        Some(told) => count(if note(&app, &event, told, (created, now)).await? { "noted" } else { "again" }),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whether LiveKit signed these very bytes: a JWT with our API key's secret, whose `sha256` is the body's.
fn signed(app: &App, headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(token) = headers.get("authorization").and_then(|v| v.to_str().ok()) else { return false };
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[&app.livekit.key]);
    let key = DecodingKey::from_secret(app.livekit.secret.expose().as_bytes());
    let Ok(claims) = jsonwebtoken::decode::<Claims>(token, &key, &validation) else { return false };
    // Over a hash that only the secret's owner could sign: comparing it tells nothing.
    STANDARD.encode(sha2::Sha256::digest(body)) == claims.claims.sha256
}

/// What an event says that matters here. Most say nothing, and cost no commit: about ten come for an interview.
#[derive(Clone, Copy, Debug)]
enum Told {
    RoomStarted,
    AgentJoined,
    AgentLeft,
    RoomFinished,
}

impl Told {
    fn of(event: &WebhookEvent) -> Option<Self> {
        if is_check_room(&event.room.name) {
            return None;
        }
        match event.event.as_str() {
            "room_started" => Some(Self::RoomStarted),
            "participant_joined" if event.participant.is_agent() => Some(Self::AgentJoined),
            "participant_left" if event.participant.is_agent() => Some(Self::AgentLeft),
            "room_finished" => Some(Self::RoomFinished),
            _ => None,
        }
    }
}

/// Notes that something was told of a room that an operator's check made: that is what it waits for.
async fn arrived(app: &App, room: &str, now: DateTime<Utc>) -> Result<(), ApiError> {
    let mut tx = app.store.write().await?;
    sqlx::query(
        "INSERT INTO webhooks (event_id, received_at) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(room)
    .bind(millis(now))
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Notes an event, once. Gives whether it was new.
async fn note(
    app: &App,
    event: &WebhookEvent,
    told: Told,
    (created, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, ApiError> {
    let mut tx = app.store.write().await?;
    let new = sqlx::query(
        "INSERT INTO webhooks (event_id, received_at) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(&event.id)
    .bind(millis(now))
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new == 0 {
        return Ok(false);
    }
    let (room, participant) = (&event.room, &event.participant);
    // Who was sent away once, and comes again, goes again.
    let was_sent_away = match told {
        Told::AgentJoined => sent_away::was(&mut *tx, &room.name, &participant.identity).await?,
        Told::RoomStarted | Told::AgentLeft | Told::RoomFinished => None,
    };
    // Its coming may be told after its report.
    let reported = match told {
        Told::AgentJoined => has_reported(&mut tx, &room.name, &participant.identity).await?,
        Told::RoomStarted | Told::AgentLeft | Told::RoomFinished => false,
    };
    let interviews = match told {
        Told::AgentJoined => {
            participant.interviews(interviewers::wanted(&mut *tx, &room.name).await?.as_deref())
        }
        Told::RoomStarted | Told::AgentLeft | Told::RoomFinished => false,
    };
    let found = lifecycle_store::change_in(&mut tx, &room.name, now, |lifecycle| {
        // Of an earlier room it says nothing about this one.
        if lifecycle.room_sid.as_ref() != Some(&room.sid) {
            let of_an_agent = matches!(told, Told::AgentJoined | Told::AgentLeft);
            return if of_an_agent && lifecycle.awaits_room() { Found::Early } else { Found::Nothing };
        }
        if let Some(served) = was_sent_away {
            return Found::TooMany { served };
        }
        match told {
            Told::RoomStarted if lifecycle.room_opened(created, now) => Found::Awaited,
            Told::AgentJoined if interviews => {
                let report = lifecycle.agent;
                if lifecycle.interviewer_came(participant.presence(), now) {
                    return Found::TooMany { served: lifecycle.serving.served(&participant.identity) };
                }
                if reported {
                    lifecycle.agent = report;
                }
                Found::Nothing
            }
            Told::RoomStarted => Found::Nothing,
            // Somebody is there, if not the interviewer: an avatar, a helper, one that says no name.
            Told::AgentJoined => {
                lifecycle.agent_seen(now);
                Found::Nothing
            }
            Told::AgentLeft => {
                lifecycle.serving.left(&participant.sid, now);
                Found::Nothing
            }
            Told::RoomFinished => {
                lifecycle.room_finished(&room.sid, event.room_end_reason(), now);
                Found::Nothing
            }
        }
    });
    let found = found.await?;
    if found.is_some() {
        tracing::Span::current().record("interview_id", tracing::field::display(&room.name));
    }
    let found = found.unwrap_or(Found::Nothing);
    if found == Found::Early {
        // Told before we know which room LiveKit made, or of the room before: LiveKit tells it again.
        tx.rollback().await?;
        let title = "Which room this interview is in is not known yet.";
        return Err(
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ProblemCode::RoomUnknown, title).retry_after(1)
        );
    }
    if let Found::TooMany { served } = found {
        sent_away::note(&mut tx, &room.name, &participant.identity, served, now).await?;
    }
    tx.commit().await?;
    match found {
        Found::Nothing | Found::Early => {}
        Found::Awaited => interviewers::look_later(app, room.name.clone()),
        Found::TooMany { .. } => {
            interviewers::send_away(app, room.name.clone(), participant.identity.clone())
        }
    }
    Ok(true)
}

/// Whether the job of that name has reported.
async fn has_reported(tx: &mut Tx, id: &str, identity: &str) -> Result<bool, sqlx::Error> {
    let Some(job) = job_of(identity) else { return Ok(false) };
    let found = sqlx::query("SELECT 1 FROM records WHERE interview_id = $1 AND source = $2")
        .bind(id)
        .bind(Source::Agent(job.to_owned()).to_string())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}

/// What an event means for somebody in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// It can't be placed yet.
    Early,
    /// The interviewer is awaited.
    Awaited,
    /// Another interviewer is there.
    TooMany {
        /// It was the one that served, until it was given up.
        served: bool,
    },
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::serving::Presence;
    use crate::state::tests::app_at;
    use crate::store::Store;

    /// An event as LiveKit signs it.
    async fn told(app: &App, event: Value) -> Result<StatusCode, ApiError> {
        let body = event.to_string();
        let digest = STANDARD.encode(sha2::Sha256::digest(&body));
        let claims = json!({"iss": "key", "exp": now().timestamp() + 60, "sha256": digest});
        let key = EncodingKey::from_secret(app.livekit.secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        let headers = HeaderMap::from_iter([(axum::http::header::AUTHORIZATION, token.parse().unwrap())]);
        post(State(app.clone()), headers, body.into()).await
    }

    async fn set(store: &Store, what: &'static str) {
        sqlx::query(what).execute(store.read()).await.unwrap();
    }

    #[tokio::test]
    async fn an_agent_that_is_faster_than_our_own_answer_is_told_again() {
        let (store, _folder) = Store::temporary().await;
        // Joined, and LiveKit is making the room just now.
        set(
            &store,
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at,
               attempt, started_at, agent_name) VALUES ('i', 't', 'en', 30, 0, 0, '{}', 'c', 0, 1, 0, 'interviewer')",
        )
        .await;
        let app = app_at(store.clone(), ([127, 0, 0, 1], 9).into()).await;
        let event = |id: &str, event: &str, room: &str| {
            json!({"id": id, "event": event, "createdAt": now().timestamp().to_string(), "room": {"name": "i", "sid": room},
                "participant": {"kind": "AGENT", "identity": "agent-1", "sid": "PA_1",
                    "attributes": {"lk.agent.name": "interviewer"}}})
        };
        let refused = told(&app, event("1", "participant_joined", "RM_1")).await.unwrap_err();
        assert_eq!(refused.code, ProblemCode::RoomUnknown);
        assert_eq!(refused.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
        // What is not about an agent says nothing of a room that is being made.
        for (id, kind) in [("2", "room_started"), ("3", "room_finished")] {
            assert_eq!(told(&app, event(id, kind, "RM_1")).await.unwrap(), StatusCode::NO_CONTENT);
        }
        set(&store, "UPDATE interviews SET room_sid = 'RM_1', room_attempt = 1").await;
        for _ in 0..2 {
            assert_eq!(
                told(&app, event("1", "participant_joined", "RM_1")).await.unwrap(),
                StatusCode::NO_CONTENT
            );
        }
        let row = lifecycle_store::row(&store, "i").await.unwrap();
        let serving = lifecycle_store::read(&row).unwrap().serving;
        assert_eq!(
            serving.interviewer,
            Some(Presence { identity: "agent-1".to_owned(), sid: "PA_1".to_owned() })
        );
        // Of another room it says nothing.
        assert_eq!(told(&app, event("4", "participant_left", "RM_0")).await.unwrap(), StatusCode::NO_CONTENT);
        assert_eq!(
            lifecycle_store::read(&lifecycle_store::row(&store, "i").await.unwrap()).unwrap().serving,
            serving
        );
    }
}
