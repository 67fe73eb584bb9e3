//! LiveKit's webhooks. They may be late, twice, forged or never come: each is verified over its raw bytes and
//! counted once, and the rounds (see `rounds.rs`) find out what was not told.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::Digest as _;

use crate::app::App;
use crate::problem::Refusal;
use crate::standings;
use crate::store::{millis, now};

/// LiveKit drops events that wait longer than 30 s and retries for about two minutes; older ones are a replay.
const OLDEST: Duration = Duration::minutes(10);

#[derive(Deserialize)]
struct Claims {
    sha256: String,
}

/// The part of an event that matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookEvent {
    id: String,
    event: String,
    #[serde(default)]
    created_at: Number,
    #[serde(default)]
    room: Named,
    #[serde(default)]
    participant: Participant,
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

#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    sid: String,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Participant {
    #[serde(default)]
    kind: String,
}

/// `POST /v1/livekit/webhook`
#[utoipa::path(post, path = "/v1/livekit/webhook", request_body(content = Object, content_type = "application/webhook+json"),
    responses((status = 204, description = "noted, or noted before"), (status = 400, description = "bad_event, old_event")))]
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let count = |result: &'static str| metrics::counter!("adjourn_webhooks", "result" => result).increment(1);
    if !signed(&app, &headers, &body) {
        count("forged");
        return Err(Refusal::unauthorised());
    }
    let event: WebhookEvent = serde_json::from_slice(&body)
        .map_err(|_| Refusal::bad_request("bad_event", "The event is not one of LiveKit's."))?;
    let now = now();
    let created = DateTime::from_timestamp(event.created_at.value(), 0).unwrap_or_default();
    if (now - created).abs() > OLDEST {
        count("old");
        return Err(Refusal::bad_request("old_event", "The event is too old, or from the future."));
    }
    match Told::of(&event) {
        None => count("of no interest"),
        Some(told) => count(if note(&app, &event, told, now).await? { "noted" } else { "again" }),
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
    AgentJoined,
    RoomFinished,
}

impl Told {
    fn of(event: &WebhookEvent) -> Option<Self> {
        match event.event.as_str() {
            "participant_joined" if event.participant.kind == "AGENT" => Some(Self::AgentJoined),
            "room_finished" => Some(Self::RoomFinished),
            _ => None,
        }
    }
}

/// Notes an event, once. Gives whether it was new.
async fn note(app: &App, event: &WebhookEvent, told: Told, now: DateTime<Utc>) -> Result<bool, Refusal> {
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
    let sid = &event.room.sid;
    standings::change_in(&mut tx, &event.room.name, now, |standing| match told {
        // Of an earlier room it says nothing about this one.
        Told::AgentJoined if standing.room_sid.as_ref() == Some(sid) => standing.agent_seen(now),
        Told::AgentJoined => {}
        Told::RoomFinished => standing.room_finished(sid, now),
    })
    .await?;
    tx.commit().await?;
    Ok(true)
}
