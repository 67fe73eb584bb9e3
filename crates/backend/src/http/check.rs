//! `POST /v1/check`

use std::time::Instant;

use adjourn_protocol::{CheckAnswer, CheckRequest, Invited, LiveKitInfo};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::http::caller::Caller;
use crate::http::coded::{self, not_open};
use crate::http::object::Object;
use crate::livekit::check_room;
use crate::state::App;
use crate::store::{known_time, now, random, time};

/// Makes a room in which the way to LiveKit can be tried, days before the interview too, and says what the candidate is invited to.
/// No attempt begins, and no interviewer is called.
#[utoipa::path(post, path = "/v1/check", operation_id = "check_way", request_body = CheckRequest, responses(
    (status = 200, body = CheckAnswer), (status = 400, description = "bad_json"),
    (status = 404, description = "unknown_code"), (status = 410, description = "not_open, erased"),
    (status = 429, description = "too_many"),
    (status = 503, description = "database, busy")))]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    request: Result<Object<CheckRequest>, ApiError>,
) -> Result<Json<CheckAnswer>, ApiError> {
    let Object(request) = request?;
    let now = now();
    let interview = coded::interview(&app, &caller, &request.code, now).await?;
    let id: String = interview.try_get("id")?;
    tracing::Span::current().record("interview_id", tracing::field::display(&id));
    // After its window an interview that was begun in time goes on.
    let begun = interview.try_get::<i64, _>("attempt")? > 0;
    let late = !begun && now > known_time(&interview, "window_to")?;
    if time(&interview, "ended_at")?.is_some() || late {
        return Err(not_open());
    }
    // One room for each interview, however often it is asked for.
    let room = check_room(&id);
    if !app.checks.may(&room, Instant::now()) {
        let title = "This was asked too often.";
        return Err(ApiError::too_many(title, 2));
    }
    // What the code invites to is told whatever LiveKit does.
    let livekit = match way(&app, room, now).await {
        Ok(livekit) => Some(livekit),
        Err(error) => {
            tracing::error!(%error, "a room could not be made");
            None
        }
    };
    let invited = Invited {
        title: interview.try_get("title")?,
        organiser: interview.try_get("organiser")?,
        contact: interview.try_get("contact")?,
        language: interview.try_get("language")?,
        max_minutes: interview.try_get("max_minutes")?,
        // Somebody who pressed *join* and found nobody has begun nothing.
        begun: time(&interview, "agent_seen_at")?.is_some(),
    };
    Ok(Json(CheckAnswer { livekit, invited: Some(invited) }))
}

/// A room to try the way to. Each try is somebody else's: nobody puts another one out.
async fn way(app: &App, room: String, now: DateTime<Utc>) -> anyhow::Result<LiveKitInfo> {
    app.livekit.create_check_room(&room).await?;
    let identity = format!("check-{}", hex::encode(random::<8>()?));
    let token = app.livekit.check_token(&room, &identity, now)?;
    Ok(LiveKitInfo { url: app.livekit.url.to_string(), token, room, agent_name: None })
}
