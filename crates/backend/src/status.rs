//! Where an interview stands.

use adjourn_outbox::wire::{InterviewState, InterviewStatus, RoomState};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;

/// What to look up besides.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
pub(crate) struct Looked {
    /// Whether LiveKit has the room.
    #[serde(default)]
    room: bool,
}

/// `GET /v1/interviews/{id}`
#[utoipa::path(get, path = "/v1/interviews/{id}", params(("id" = String, Path), Looked),
    responses((status = 200, body = InterviewStatus), (status = 401), (status = 404)),
    security(("organiser" = []), ("upload" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(looked): Query<Looked>,
    headers: HeaderMap,
) -> Result<Json<InterviewStatus>, Refusal> {
    if app.organiser(&headers).is_err() && app.tokens.check(&headers)?.sub != id {
        return Err(Refusal::unauthorised());
    }
    let interview = sqlx::query("SELECT * FROM interviews WHERE id = ?")
        .bind(&id)
        .fetch_optional(&app.pool)
        .await?
        .ok_or_else(Refusal::not_found)?;
    let rows =
        sqlx::query("SELECT attempt, source, outcome FROM records WHERE interview_id = ? ORDER BY attempt")
            .bind(&id)
            .fetch_all(&app.pool)
            .await?;
    let attempt: i64 = sqlx::query("SELECT COALESCE(MAX(attempt), 0) FROM attempts WHERE interview_id = ?")
        .bind(&id)
        .fetch_one(&app.pool)
        .await?
        .try_get(0)?;
    let (mut client, mut agent, mut outcome) = (false, false, None);
    for row in &rows {
        let (of, source): (i64, String) = (row.try_get("attempt")?, row.try_get("source")?);
        if of == attempt && source == "client" {
            client = true;
            outcome = row.try_get("outcome")?;
        }
        agent |= of == attempt && source.starts_with("agent:");
    }
    let (ended_at, ended_by): (Option<String>, Option<String>) =
        (interview.try_get("ended_at")?, interview.try_get("ended_by")?);
    let started: Option<String> = interview.try_get("started_at")?;
    let state = match (ended_at.is_some(), client && agent, started.is_some()) {
        (true, true, _) => InterviewState::Complete,
        (true, false, _) => InterviewState::Ended,
        (false, _, true) => InterviewState::Live,
        (false, _, false) => InterviewState::Scheduled,
    };
    let by_organiser = ended_at
        .filter(|_| ended_by.as_deref() == Some("organiser"))
        .and_then(|at| DateTime::parse_from_rfc3339(&at).ok())
        .map(|at| at.with_timezone(&Utc));
    let room = if looked.room { room_state(&app, &id).await } else { None };
    Ok(Json(InterviewStatus {
        id,
        state,
        attempt,
        ended_by_organiser: by_organiser,
        client_record: if client { "received" } else { "none" }.to_owned(),
        agent_report: if agent { "received" } else { "pending" }.to_owned(),
        records: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        outcome,
        room,
    }))
}

async fn room_state(app: &App, room: &str) -> Option<RoomState> {
    match app.livekit.has_room(room).await {
        Ok(true) => Some(RoomState::Open),
        Ok(false) => Some(RoomState::Gone),
        Err(error) => {
            tracing::warn!(%error, "a room could not be looked up");
            None
        }
    }
}
