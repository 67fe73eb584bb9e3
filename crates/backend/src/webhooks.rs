//! LiveKit's webhooks. They may be late, twice, forged or never come: each is verified over its raw bytes and
//! counted once, and the rounds (see `rounds.rs`) find out what was not told.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::Digest as _;
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;
use crate::store::{Tx, millis, now};
use crate::{interviewers, standings};

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
    #[serde(default)]
    identity: String,
    #[serde(default)]
    sid: String,
    #[serde(default)]
    attributes: HashMap<String, String>,
}

impl Participant {
    /// Whether it may be the interviewer. An avatar speaks for one; another agent may have been invited besides.
    fn interviews(&self, agent_name: Option<&str>) -> bool {
        let attribute = |name: &str| self.attributes.get(name).filter(|value| !value.is_empty());
        let name = attribute("lk.agent.name").or_else(|| attribute("lk.agent_name"));
        self.kind == "AGENT"
            && attribute("lk.publish_on_behalf").is_none()
            && name.map(String::as_str) == agent_name.filter(|wanted| !wanted.is_empty())
    }
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
        match event.event.as_str() {
            "room_started" => Some(Self::RoomStarted),
            "participant_joined" if event.participant.kind == "AGENT" => Some(Self::AgentJoined),
            "participant_left" if event.participant.kind == "AGENT" => Some(Self::AgentLeft),
            "room_finished" => Some(Self::RoomFinished),
            _ => None,
        }
    }
}

/// Notes an event, once. Gives whether it was new.
async fn note(
    app: &App,
    event: &WebhookEvent,
    told: Told,
    (created, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, Refusal> {
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
    let interviews = match told {
        Told::AgentJoined => participant.interviews(wanted(&mut tx, &room.name).await?.as_deref()),
        Told::RoomStarted | Told::AgentLeft | Told::RoomFinished => false,
    };
    let found = standings::change_in(&mut tx, &room.name, now, |standing| {
        // Of an earlier room it says nothing about this one.
        if standing.room_sid.as_ref() != Some(&room.sid) {
            return Found::Nothing;
        }
        match told {
            Told::RoomStarted => {
                standing.room_opened(created, now);
                if standing.agent_awaited_since.is_some() { Found::Awaited } else { Found::Nothing }
            }
            Told::AgentJoined if interviews => {
                let too_many = standing.interviewer_came(&participant.identity, &participant.sid, now);
                if too_many { Found::TooMany } else { Found::Nothing }
            }
            // Somebody is there, if not the interviewer: an avatar, a helper, one that says no name.
            Told::AgentJoined => {
                standing.agent_seen(now);
                Found::Nothing
            }
            Told::AgentLeft => {
                standing.interviewer_left(&participant.sid, now);
                Found::Nothing
            }
            Told::RoomFinished => {
                standing.room_finished(&room.sid, now);
                Found::Nothing
            }
        }
    });
    let found = found.await?.unwrap_or(Found::Nothing);
    if found == Found::TooMany {
        interviewers::sent_away(&mut tx, &room.name, &participant.identity, now).await?;
    }
    tx.commit().await?;
    match found {
        Found::Nothing => {}
        Found::Awaited => interviewers::look_later(app, room.name.clone()),
        Found::TooMany => interviewers::send_away(app, room.name.clone(), participant.identity.clone()),
    }
    Ok(true)
}

/// The name under which an interview's interviewer is dispatched.
async fn wanted(tx: &mut Tx, id: &str) -> Result<Option<String>, sqlx::Error> {
    let row =
        sqlx::query("SELECT agent_name FROM interviews WHERE id = $1").bind(id).fetch_optional(&mut **tx);
    row.await?.map_or(Ok(None), |row| row.try_get("agent_name"))
}

/// What an event means for somebody in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// The interviewer is awaited.
    Awaited,
    /// Another interviewer is there.
    TooMany,
}
