//! Which interviews there are, for programs.

use adjourn_protocol::{Arrival, InterviewState, Outcome, ProblemCode};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::lifecycle_store;
use crate::organisers::Scope;
use crate::state::App;
use crate::store::{known_time, millis};

/// Interviews in one answer, if nothing else is asked for, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

/// Which ones.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Where they stand.
    state: Option<InterviewState>,
    /// Only those of which a report or a record is missing.
    missing: Option<bool>,
    /// How they ended, as in the answer.
    outcome: Option<String>,
    /// Only those that ended then, or later.
    ended_since: Option<DateTime<Utc>>,
    /// The cursor of the last answer.
    after: Option<String>,
    /// Interviews at most, 1 to 1000; 100 without it.
    limit: Option<i64>,
}

/// Some interviews.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    /// The newest first.
    interviews: Vec<ListedInterview>,
    /// Give it as `after` for those before them; `null`: there are no more.
    cursor: Option<String>,
}

/// An interview in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedInterview {
    id: String,
    title: String,
    candidate_name: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    state: InterviewState,
    /// The newest attempt; 0 before the first.
    attempt: i64,
    #[schema(value_type = Option<String>)]
    outcome: Option<String>,
    /// Whether the agent's report confirms it.
    confirmed: bool,
    client_record: Arrival,
    agent_report: Arrival,
}

/// A place in the list: when an interview was made, and its id.
fn place(cursor: Option<&str>) -> Option<(i64, String)> {
    let Some(cursor) = cursor else { return Some((i64::MAX, String::new())) };
    let (created, id) = cursor.split_once('.')?;
    Some((created.parse().ok()?, id.to_owned()))
}

fn of_state(state: Option<InterviewState>) -> &'static str {
    match state {
        None => "1 = 1",
        Some(InterviewState::Scheduled) => "started_at IS NULL AND ended_at IS NULL",
        Some(InterviewState::Live) => "started_at IS NOT NULL AND ended_at IS NULL",
        Some(InterviewState::Ended) => "ended_at IS NOT NULL AND completed_at IS NULL",
        Some(InterviewState::Complete) => "ended_at IS NOT NULL AND completed_at IS NOT NULL",
    }
}

fn of_missing(missing: Option<bool>) -> &'static str {
    match missing {
        None => "1 = 1",
        Some(true) => "(agent_report = 'missing' OR client_record = 'missing')",
        Some(false) => "agent_report <> 'missing' AND client_record <> 'missing'",
    }
}

/// `GET /v1/interviews`
#[utoipa::path(get, path = "/v1/interviews", operation_id = "list_interviews", params(Wanted),
    responses((status = 200, body = Listed), (status = 400, description = "bad_query, unknown_cursor")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Listed>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad_request(ProblemCode::BadQuery, "limit is 1 to 1000."));
    }
    let outcome = wanted.outcome.unwrap_or_default();
    if !outcome.is_empty() && outcome.parse::<Outcome>().is_err() {
        return Err(ApiError::bad_request(
            ProblemCode::BadQuery,
            "outcome is none that an interview can have.",
        ));
    }
    let unknown = || ApiError::bad_request(ProblemCode::UnknownCursor, "This is no cursor of this list.");
    let (before, id) = place(wanted.after.as_deref()).ok_or_else(unknown)?;
    audit::note(&app.store, &actor, Deed::SawList, "").await?;
    // Fixed texts; what was asked for is bound.
    let query = format!(
        "SELECT * FROM interviews WHERE (created_at < $1 OR (created_at = $1 AND id < $2)) AND {} AND {}
         AND ($3 = '' OR outcome = $3) AND ($4 = 0 OR ended_at >= $6) ORDER BY created_at DESC, id DESC LIMIT $5",
        of_state(wanted.state),
        of_missing(wanted.missing)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(before)
        .bind(id)
        .bind(outcome)
        .bind(i64::from(wanted.ended_since.is_some()))
        .bind(limit + 1)
        .bind(wanted.ended_since.map_or(0, millis))
        .fetch_all(app.store.read())
        .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut interviews = Vec::with_capacity(rows.len().min(most));
    for row in rows.iter().take(most) {
        let lifecycle = lifecycle_store::read(row)?;
        interviews.push(ListedInterview {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            candidate_name: row.try_get("candidate_name")?,
            created_at: known_time(row, "created_at")?,
            started_at: lifecycle.started_at,
            ended_at: lifecycle.ended_at,
            state: lifecycle.state(),
            attempt: lifecycle.attempt,
            outcome: lifecycle.outcome.map(|outcome| outcome.to_string()),
            confirmed: lifecycle.confirmed,
            client_record: lifecycle.client,
            agent_report: lifecycle.agent,
        });
    }
    let cursor = interviews.last().filter(|_| rows.len() > most);
    let cursor = cursor.map(|last| format!("{}.{}", millis(last.created_at), last.id));
    Ok(Json(Listed { interviews, cursor }))
}
