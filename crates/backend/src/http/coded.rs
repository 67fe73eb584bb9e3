//! What a candidate's code opens, for every request that comes with one: guessers are slowed down at all of them alike.

use std::time::Instant;

use adjourn_protocol::{ProblemCode, Secret, code_as_printed};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::api_error::ApiError;
use crate::http::caller::Caller;
use crate::limits;
use crate::proxies::bucket;
use crate::state::App;
use crate::tombstone::Tombstone;

const BY_CODE: &str = "SELECT interviews.*, codes.attempt AS begins FROM codes
     JOIN interviews ON interviews.id = codes.interview_id WHERE codes.code_hash = $1";

/// The interview of a code, and the attempt that the code begins.
pub(crate) async fn interview(
    app: &App,
    caller: &Caller,
    code: &Secret,
    now: DateTime<Utc>,
) -> Result<AnyRow, ApiError> {
    let code_hash = app.codes.kept(&code_as_printed(code.expose()));
    // An address that failed often is slowed down, right or wrong alike: a guesser must not be told by being let in. A test center's other
    // candidates, who share the address, come nowhere near that.
    let origin = bucket(caller.origin);
    if limits::blocked(&app.store, &origin, now).await? && !app.lookups.may(&origin, Instant::now()) {
        return Err(too_many().retry_after(2));
    }
    let known = sqlx::query(BY_CODE).bind(&code_hash).fetch_optional(app.store.read()).await?;
    if let Some(interview) = known {
        return Ok(interview);
    }
    if let Some(tombstone) = Tombstone::of_code(&app.store, &code_hash).await? {
        return Err(ApiError::erased(tombstone.erased_at));
    }
    // Noted first and counted then: a thousand at once are a thousand.
    if app.mistakes.is_new(&origin, &code_hash, Instant::now()) {
        limits::note(&app.store, &origin, now).await?;
    }
    if limits::blocked(&app.store, &origin, now).await? {
        return Err(too_many().retry_after(60));
    }
    Err(ApiError::new(StatusCode::NOT_FOUND, ProblemCode::UnknownCode, "This code is not known."))
}

fn too_many() -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, ProblemCode::TooMany, "Too many wrong codes.")
}

/// The interview is over, or its time is.
pub(crate) fn not_open() -> ApiError {
    ApiError::new(StatusCode::GONE, ProblemCode::NotOpen, "This interview is not open now.")
}

/// LiveKit does not do what a room needs.
pub(crate) fn no_room(error: &crate::livekit::LiveKitError) -> ApiError {
    tracing::error!(%error, "a room could not be made");
    let title = "The interview room can't be opened right now.";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ProblemCode::LivekitUnavailable, title).retry_after(2)
}
