//! Whom a test center expects: told by the organiser, seen by its staff, begun by its seats.

use std::time::Duration;

use adjourn_protocol::{Assignment, AssignmentAsked, CenterRoster, ProblemCode, RosterImported};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::http::object::Object;
use crate::http::seats::{is_life, named};
use crate::organisers::Scope;
use crate::roster;
use crate::roster_file::{self, Trouble};
use crate::state::App;
use crate::store::now;

/// Largest roster: 500 bytes for each of its rows.
const LARGEST: usize = 1 << 20;
/// It is there by then.
const COMES_WITHIN: Duration = Duration::from_secs(60);
/// Faults of a roster that are told at a time.
const TOLD: usize = 20;

/// `PUT /v1/centers/{center}/roster`
#[utoipa::path(put, path = "/v1/centers/{center}/roster", operation_id = "import_roster", params(("center" = String, Path)),
    request_body(content = String, content_type = "text/csv", description = "UTF-8; the first line names the columns: reference, candidate, and \
        seat, starts (RFC 3339), minutes, extra_minutes, title, language, organiser, contact, agent_name, as far as they are wanted; commas or semicolons"),
    responses((status = 200, body = RosterImported, description = "all of it is there; whoever is not in it, and whatever has no column, stays as it was"),
        (status = 400, description = "bad_name; bad_roster: nothing of it was taken; what is wrong in which lines"),
        (status = 408, description = "too_slow"), (status = 413, description = "too_large: 1 MiB is the most")),
    security(("organiser" = [])))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(center): Path<String>,
    caller: Caller,
    body: Body,
) -> Result<Json<RosterImported>, ApiError> {
    let actor = app.organiser(&caller, Scope::Create).await?;
    named(&[&center])?;
    let bytes = tokio::time::timeout(COMES_WITHIN, to_bytes(body, LARGEST)).await.map_err(|_| {
        ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            ProblemCode::TooSlow,
            "The roster did not come within a minute.",
        )
    })?;
    let bytes = bytes.map_err(|_| ApiError::too_large("The roster is larger than 1 MiB, or broke off."))?;
    let rows = roster_file::read(&bytes).map_err(|troubles| bad_roster(&troubles))?;
    let imported = roster::import(&app.store, &app.codes, &app.public_url, &center, &rows, &actor)
        .await
        .map_err(|error| {
            tracing::error!(%error, "a roster could not be imported");
            ApiError::unavailable()
        })?;
    imported.map(Json).map_err(|troubles| bad_roster(&troubles))
}

fn bad_roster(troubles: &[Trouble]) -> ApiError {
    let mut lines: Vec<String> = troubles.iter().take(TOLD).map(ToString::to_string).collect();
    if let Some(more) = troubles.len().checked_sub(TOLD).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    ApiError::bad_request(
        ProblemCode::BadRoster,
        format!("Nothing of the roster was taken. {}.", lines.join("; ")),
    )
}

/// `GET /v1/centers/{center}/roster`
#[utoipa::path(get, path = "/v1/centers/{center}/roster", operation_id = "read_roster", params(("center" = String, Path)),
    responses((status = 200, body = CenterRoster), (status = 400, description = "bad_name")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(center): Path<String>,
    caller: Caller,
) -> Result<Json<CenterRoster>, ApiError> {
    let actor = app.of_center(&caller, Scope::Center, &center).await?;
    named(&[&center])?;
    audit::note(&app.store, &actor, Deed::SawRoster, &center).await?;
    Ok(Json(CenterRoster { entries: roster::of_center(&app.store, &center, now()).await? }))
}

/// `POST /v1/centers/{center}/seats/{seat}/assignment`
#[utoipa::path(post, path = "/v1/centers/{center}/seats/{seat}/assignment", operation_id = "take_assignment",
    params(("center" = String, Path), ("seat" = String, Path)), request_body = AssignmentAsked,
    responses((status = 200, body = Assignment, description = "a code for whoever is assigned to this life of the seat; once"),
        (status = 400, description = "bad_json; bad_name"), (status = 404, description = "nothing_assigned; not_found: their interview is over")),
    security(("organiser" = [])))]
pub(crate) async fn assignment(
    State(app): State<App>,
    Path((center, seat)): Path<(String, String)>,
    caller: Caller,
    asked: Result<Object<AssignmentAsked>, ApiError>,
) -> Result<Json<Assignment>, ApiError> {
    let actor = app.of_seat(&caller, &center, &seat).await?;
    named(&[&center, &seat])?;
    let Object(AssignmentAsked { life }) = asked?;
    if !is_life(&life) {
        return Err(ApiError::bad_request(ProblemCode::BadJson, "life is no name of a seat's life."));
    }
    let Some(id) = roster::take_assigned(&app.store, &center, &seat, &life, now()).await? else {
        let title = "Nobody is assigned to this seat, or it was too long ago.";
        return Err(ApiError::new(StatusCode::NOT_FOUND, ProblemCode::NothingAssigned, title));
    };
    let created = app.another_code(&id, &actor).await?;
    Ok(Json(Assignment { code: created.code }))
}
