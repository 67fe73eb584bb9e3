//! The feed, for whoever asks.

use std::time::Duration;

use adjourn_protocol::{EventPage, ProblemCode};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_error::ApiError;
use crate::feed::Lost;
use crate::http::caller::Caller;
use crate::organisers::Scope;
use crate::state::App;

/// Events in one answer, if nothing else is asked for, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;
/// Longest wait for an event, in seconds: a request may take a minute.
const LONGEST: u64 = 50;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The cursor of the last answer; without it, from the beginning of what is kept (30 days).
    after: Option<String>,
    /// Events at most, 1 to 1000; 100 without it.
    limit: Option<i64>,
    /// Seconds to wait for an event if there is none, 0 to 50; 0 without it.
    wait: Option<u64>,
}

/// `GET /v1/events`
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", params(Asked),
    responses((status = 200, body = EventPage),
        (status = 400, description = "bad_query; unknown_cursor: no cursor of this server"),
        (status = 410, description = "cursor_forgotten: what came after it is older than 30 days"),
        (status = 429, description = "too_many: 32 wait with this key already")),
    security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    let Query(asked) = asked?;
    let limit = asked.limit.unwrap_or(USUAL);
    let wait = asked.wait.unwrap_or(0);
    if !(1..=MOST).contains(&limit) || wait > LONGEST {
        return Err(ApiError::bad_request(
            ProblemCode::BadQuery,
            "limit is 1 to 1000, wait 0 to 50 seconds.",
        ));
    }
    let cursor = app.feed.read_cursor(asked.after.as_deref()).await?.map_err(ApiError::from)?;
    let share = if wait > 0 {
        Some(app.watchers.take(format!("events: {}", actor.name())).ok_or_else(too_many)?)
    } else {
        None
    };
    let until = tokio::time::Instant::now() + Duration::from_secs(wait);
    let mut news = app.feed.watch();
    let page = loop {
        news.borrow_and_update();
        let page = app.feed.after(cursor.place, limit).await?;
        if !page.events.is_empty() {
            break page;
        }
        let more = tokio::time::timeout_at(until, news.changed());
        tokio::select! {
            changed = more => if changed.is_err() { break page },
            () = app.stop.cancelled() => break page,
        }
    };
    drop(share);
    // A key that was removed meanwhile: what came is not theirs to see.
    app.organiser(&caller, Scope::Read).await?;
    if !app.feed.still_has(cursor.place).await? {
        return Err(Lost::Forgotten.into());
    }
    let last = page.events.last().map_or(cursor.place, |placed| placed.place);
    // As they were written: another replica may be newer, and tell what this one has no word for.
    let events = page.events.into_iter().map(|placed| RawValue::from_string(placed.body));
    let events = events.collect::<Result<_, _>>().map_err(|error| {
        tracing::error!(%error, "an event can't be read");
        ApiError::unavailable()
    })?;
    Ok(Json(Page { events, cursor: app.feed.cursor(last).to_string(), more: page.more }))
}

/// An [`EventPage`] whose events are as they are stored.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    events: Vec<Box<RawValue>>,
    cursor: String,
    more: bool,
}

fn too_many() -> ApiError {
    let title = "Too many wait for events at a time.";
    ApiError::too_many(title, 10)
}

impl From<Lost> for ApiError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unknown => {
                Self::bad_request(ProblemCode::UnknownCursor, "This is no cursor of this server.")
            }
            Lost::Forgotten => Self::new(
                StatusCode::GONE,
                ProblemCode::CursorForgotten,
                "What came after this cursor is not kept any more; ask without one, and compare with the interviews themselves.",
            ),
        }
    }
}
