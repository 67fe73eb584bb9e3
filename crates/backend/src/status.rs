//! Where an interview stands: once, or as it changes.

use std::convert::Infallible;
use std::time::Duration;

use adjourn_outbox::wire::{HistoryEntry, InterviewStatus, RoomState};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt as _, stream};
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;
use crate::standings;
use crate::store::known_time;

/// How often a stream looks for news: replicas share the database, not a memory.
const LOOK: Duration = Duration::from_secs(1);

/// What to look up besides.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
pub(crate) struct Looked {
    /// Whether LiveKit has the room.
    #[serde(default)]
    room: bool,
}

/// The organiser, or the holder of a token of that very interview.
async fn may_see(app: &App, headers: &HeaderMap, id: &str) -> Result<(), Refusal> {
    if app.tokens.check(headers).is_ok_and(|claims| claims.sub == id) {
        return Ok(());
    }
    app.organiser(headers).await
}

/// `GET /v1/interviews/{id}`
#[utoipa::path(get, path = "/v1/interviews/{id}", params(("id" = String, Path), Looked),
    responses((status = 200, body = InterviewStatus)),
    security(("organiser" = []), ("upload" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    looked: Result<Query<Looked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<InterviewStatus>, Refusal> {
    let Query(looked) = looked.map_err(|e| Refusal::bad_request("bad_query", e.body_text()))?;
    may_see(&app, &headers, &id).await?;
    let mut status = read(&app, &id).await?;
    if looked.room {
        status.room = room_state(&app, &id).await;
    }
    Ok(Json(status))
}

/// The whole status from the database.
async fn read(app: &App, id: &str) -> Result<InterviewStatus, Refusal> {
    let standing = standings::read(&standings::row(&app.store, id).await?)?;
    let records: i64 = sqlx::query("SELECT COUNT(*) FROM records WHERE interview_id = $1")
        .bind(id)
        .fetch_one(app.store.read())
        .await?
        .try_get(0)?;
    let by_organiser = standing.ended_by.as_deref() == Some("organiser");
    Ok(InterviewStatus {
        id: id.to_owned(),
        state: standing.state(),
        attempt: standing.attempt,
        ended_by_organiser: standing.ended_at.filter(|_| by_organiser),
        client_record: standing.client.as_str().to_owned(),
        agent_report: standing.agent.as_str().to_owned(),
        records,
        outcome: standing.outcome,
        client_outcome: standing.client_outcome,
        confirmed: standing.confirmed,
        room: None,
        history: history(app, id, 0).await?,
    })
}

/// What happened after that revision.
pub(crate) async fn history(app: &App, id: &str, after: i64) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT revision, at, what, source FROM history WHERE interview_id = $1 AND revision > $2 ORDER BY revision",
    )
    .bind(id)
    .bind(after)
    .fetch_all(app.store.read())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(HistoryEntry {
                revision: row.try_get("revision")?,
                at: known_time(row, "at")?,
                what: row.try_get("what")?,
                source: row.try_get("source")?,
            })
        })
        .collect()
}

async fn room_state(app: &App, room: &str) -> Option<RoomState> {
    match app.livekit.rooms(&[room.to_owned()]).await {
        Ok(rooms) if rooms.contains(room) => Some(RoomState::Open),
        Ok(_) => Some(RoomState::Gone),
        Err(error) => {
            tracing::warn!(%error, "a room could not be looked up");
            None
        }
    }
}

/// `GET /v1/interviews/{id}/events`
#[utoipa::path(get, path = "/v1/interviews/{id}/events", params(("id" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "the last revision that was seen")),
    responses((status = 200, description = "server-sent events `change`, each a line of the history, its id the revision",
        content_type = "text/event-stream")),
    security(("organiser" = []), ("upload" = [])))]
pub(crate) async fn events(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    may_see(&app, &headers, &id).await?;
    standings::row(&app.store, &id).await?;
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let stop = app.stop.clone();
    let changes = stream::unfold((app, id, seen.unwrap_or(0_i64)), |(app, id, seen)| async move {
        let news = loop {
            match history(&app, &id, seen).await {
                Ok(news) if !news.is_empty() => break news,
                Ok(_) => {}
                // The watcher comes again with what it saw last.
                Err(error) => {
                    tracing::warn!(%error, "a stream of events ends");
                    return None;
                }
            }
            tokio::time::sleep(LOOK).await;
        };
        let seen = news.last().map_or(seen, |entry| entry.revision);
        Some((stream::iter(news), (app, id, seen)))
    });
    let events = changes.flatten().map(|entry| {
        let event = Event::default().event("change").id(entry.revision.to_string());
        Ok(event.json_data(&entry).unwrap_or_default())
    });
    // A server that stops must not wait for those who only watch.
    let events = events.take_until(async move { stop.cancelled().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
