//! Where an interview stands: once, or as it changes.

use std::convert::Infallible;
use std::time::Duration;

use adjourn_protocol::{HistoryEntry, InterviewState, InterviewStatus, RoomState};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};

use crate::api_error::ApiError;
use crate::http::caller::Caller;
use crate::interview_status;
use crate::lifecycle_store;
use crate::organisers::Scope;
use crate::shares::Share;
use crate::state::App;

/// How often a stream looks for news: replicas share the database, not a memory.
const LOOK: Duration = Duration::from_secs(1);

/// A room is looked up for so long.
const LOOKED_UP: Duration = Duration::from_millis(1_500);

/// What to look up besides.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Looked {
    /// Whether LiveKit has the room.
    #[serde(default)]
    room: bool,
}

/// The organiser, or the holder of a token of that very interview.
async fn may_see(app: &App, caller: &Caller, id: &str) -> Result<(), ApiError> {
    if app.tokens.check(&caller.headers).await.is_ok_and(|claims| claims.sub == id) {
        return Ok(());
    }
    app.organiser(caller, Scope::Read).await.map(drop)
}

/// `GET /v1/interviews/{id}`
#[utoipa::path(get, path = "/v1/interviews/{id}", operation_id = "read_interview", params(("id" = String, Path), Looked),
    responses((status = 200, body = InterviewStatus), (status = 410, description = "erased")),
    security(("organiser" = []), ("upload" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    looked: Result<Query<Looked>, axum::extract::rejection::QueryRejection>,
    caller: Caller,
) -> Result<Json<InterviewStatus>, ApiError> {
    let Query(looked) = looked?;
    may_see(&app, &caller, &id).await?;
    let mut status = interview_status::read(&app.store, &id).await?;
    if looked.room {
        status.room = room_state(&app, &id).await;
    }
    Ok(Json(status))
}

/// What LiveKit says of a room, if it says so soon: a candidate's client waits 4 s for the whole answer, and the rest of it
/// does not depend on LiveKit, which may be what broke.
async fn room_state(app: &App, room: &str) -> Option<RoomState> {
    match tokio::time::timeout(LOOKED_UP, app.livekit.rooms(&[room.to_owned()])).await {
        Ok(Ok(rooms)) if rooms.contains(room) => Some(RoomState::Open),
        Ok(Ok(_)) => Some(RoomState::Gone),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a room could not be looked up");
            None
        }
        Err(_) => {
            tracing::warn!("LiveKit did not say in time whether a room is there");
            None
        }
    }
}

/// `GET /v1/interviews/{id}/events`
#[utoipa::path(get, path = "/v1/interviews/{id}/events", operation_id = "watch_interview", params(("id" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "the last revision that was seen")),
    responses((status = 200, description = "server-sent events `change`, each a line of the history, its id the revision; ends with the \
            interview, and with the right to see it", content_type = "text/event-stream"),
        (status = 204, description = "it is complete, and everything was seen: nothing will come"),
        (status = 429, description = "too_many: 32 watch it already")),
    security(("organiser" = []), ("upload" = [])))]
pub(crate) async fn events(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Response, ApiError> {
    may_see(&app, &caller, &id).await?;
    let share = app.watchers.take(id.clone()).ok_or_else(|| {
        let title = "This interview is watched too often at a time.";
        ApiError::too_many(title, 10)
    })?;
    let seen = caller.headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let mut watch = Watch { app, caller, id, seen: seen.unwrap_or(0), _share: share };
    if watch.looks().await? == Seen::Over {
        // A browser that is told so does not come again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stop = watch.app.stop.clone();
    let changes = stream::unfold(watch, |mut watch| async move {
        let news = watch.news().await.unwrap_or_else(|error| {
            // The watcher comes again with what it saw last.
            tracing::warn!(code = error.code.as_str(), "a stream of events ends");
            None
        });
        Some((stream::iter(news?), watch))
    });
    let events = changes.flatten().map(|entry| {
        let event = Event::default().event("change").id(entry.revision.to_string());
        Ok::<_, Infallible>(event.json_data(&entry).unwrap_or_default())
    });
    // A server that stops must not wait for those who only watch.
    let events = events.take_until(async move { stop.cancelled().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// What a look at an interview shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    News,
    /// Nothing more will come.
    Over,
}

/// Somebody who watches an interview.
struct Watch {
    app: App,
    caller: Caller,
    id: String,
    /// The last revision that was told.
    seen: i64,
    _share: Share,
}

impl Watch {
    /// Whether there is news; in one read, as most find none.
    async fn looks(&mut self) -> Result<Seen, ApiError> {
        let row = lifecycle_store::row(&self.app.store, &self.id).await?;
        let lifecycle = lifecycle_store::read(&row)?;
        if self.seen > lifecycle.revision {
            // Nobody can have seen that of this history: the database was restored from a copy. All of it is news.
            self.seen = 0;
        }
        Ok(if lifecycle.revision > self.seen {
            Seen::News
        } else if lifecycle.state() == InterviewState::Complete {
            Seen::Over
        } else {
            Seen::Nothing
        })
    }

    /// Waits for news. `None`: nothing more will come. An error: who watches may not do so any more, or the database failed.
    async fn news(&mut self) -> Result<Option<Vec<HistoryEntry>>, ApiError> {
        loop {
            // A key that was removed, a token that ran out or was ended: what comes now is not theirs to see.
            may_see(&self.app, &self.caller, &self.id).await?;
            match self.looks().await? {
                Seen::Nothing => {}
                Seen::Over => return Ok(None),
                Seen::News => {
                    let news = interview_status::history(&self.app.store, &self.id, self.seen).await?;
                    if let Some(last) = news.last() {
                        self.seen = last.revision;
                        return Ok(Some(news));
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
