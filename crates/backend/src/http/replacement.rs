//! An interview outlives its interviewer: in the place of one that a candidate's client lost another one is called, as often as the
//! organiser allows, and gets the conversation so far. The earlier one is put out first: two never talk at once, and one that was
//! frozen and thaws finds itself out.

use adjourn_protocol::{JobDied, ProblemCode, Replaced, ReplacementAsked};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use tracing::Instrument as _;

use crate::api_error::ApiError;
use crate::http::coded::no_room;
use crate::http::object::Object;
use crate::interviewers::call;
use crate::livekit::Participant;
use crate::replacements::{Claim, called_or_not, claim, was_replaced};
use crate::serving::{Presence, is_of_a_job, job_of};
use crate::state::App;
use crate::store::now;
use crate::tokens::Holder;
use crate::transcript::{Transcript, transcript};
use crate::{lifecycle_store, sent_away};

/// Longest identity or id of LiveKit's that is taken.
const LONGEST: usize = 256;

fn usable(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.chars().all(|c| !c.is_control())
}

/// `POST /v1/interviews/{id}/attempts/{attempt}/replacement`
#[utoipa::path(post, path = "/v1/interviews/{id}/attempts/{attempt}/replacement", operation_id = "replace_interviewer",
    params(("id" = String, Path), ("attempt" = i64, Path)), request_body = ReplacementAsked,
    responses((status = 200, body = Replaced, description = "another interviewer is called, or was for this one"),
        (status = 400, description = "bad_json, bad_identity"), (status = 409, description = "no_replacement_left, not_the_interviewer"),
        (status = 410, description = "not_open, erased"), (status = 503, description = "livekit_unavailable, busy")),
    security(("upload" = [])))]
pub(crate) async fn post(
    State(app): State<App>,
    Path((id, attempt)): Path<(String, i64)>,
    headers: HeaderMap,
    asked: Result<Object<ReplacementAsked>, ApiError>,
) -> Result<Json<Replaced>, ApiError> {
    app.tokens.check(&headers).await?.is_of(&id, attempt, Holder::Client)?;
    let Object(asked) = asked?;
    if !usable(&asked.sid) || !usable(&asked.identity) {
        return Err(ApiError::bad_request(
            ProblemCode::BadIdentity,
            "sid and identity are LiveKit's, and not empty.",
        ));
    }
    replace(&app, &id, attempt, &asked).await.map(Json)
}

/// Calls another interviewer in the place of one that is lost, once however often it is asked for.
async fn replace(app: &App, id: &str, attempt: i64, asked: &ReplacementAsked) -> Result<Replaced, ApiError> {
    let lost = Presence { identity: asked.identity.clone(), sid: asked.sid.clone() };
    let listed = app.livekit.participants(id).await.map_err(|error| no_room(&error))?;
    let jobs = match job_of(&lost.identity) {
        Some(job) => vec![job.to_owned()],
        None => app.livekit.jobs_of(id, &lost.identity).await.map_err(|error| no_room(&error))?,
    };
    let (claim, left) = claim(&app.store, id, attempt, (&lost, &jobs), &listed, now()).await?;
    if let Claim::Ours { again, attempt } = claim {
        tracing::warn!(lost = %lost.identity, otherwise = %asked.otherwise, "an interviewer is replaced");
        let (app, id) = (app.clone(), id.to_owned());
        // Who called is not left half-way: a client that asks again must not find it claimed by nobody.
        let calling = async move {
            let called = fence_and_call(&app, &id, attempt, &lost, &listed, again).await;
            called_or_not(&app.store, &id, &lost, called.is_ok()).await?;
            called
        };
        let called = tokio::spawn(calling.in_current_span()).await;
        called.map_err(|error| {
            tracing::error!(%error, "calling another interviewer failed");
            ApiError::unavailable()
        })??;
    }
    Ok(Replaced { left })
}

/// Puts the earlier one out, and calls the next one.
async fn fence_and_call(
    app: &App,
    id: &str,
    attempt: i64,
    lost: &Presence,
    listed: &[Participant],
    again: bool,
) -> Result<(), ApiError> {
    // Under a name of its own choice the next one may be there already: LiveKit has put the earlier one out then.
    let other = listed.iter().any(|who| who.identity == lost.identity && who.sid != lost.sid);
    if !is_of_a_job(&lost.identity) && other && again {
        return Ok(()); // LiveKit's answer to the call before was lost
    }
    if is_of_a_job(&lost.identity) || !other {
        app.livekit.remove_participant(id, &lost.identity).await.map_err(|error| no_room(&error))?;
        sent_away::gone(&app.store, id, &lost.identity).await?;
    }
    if !call(app, id, attempt, Some(&lost.identity), now()).await {
        return Err(ApiError::unavailable());
    }
    // Its process may live: its worker is told to end it. That it is out is what matters, and nobody waits for this.
    if is_of_a_job(&lost.identity) {
        let (app, id, identity) = (app.clone(), id.to_owned(), lost.identity.clone());
        let ending = async move {
            if let Err(error) = app.livekit.end_job(&id, &identity).await {
                tracing::warn!(%error, "the job of an interviewer that is replaced may go on");
            }
        };
        tokio::spawn(ending.in_current_span());
    }
    Ok(())
}

/// `GET /v1/interviews/{id}/attempts/{attempt}/history`
#[utoipa::path(get, path = "/v1/interviews/{id}/attempts/{attempt}/history", operation_id = "read_history",
    params(("id" = String, Path), ("attempt" = i64, Path)),
    responses((status = 200, body = Transcript, description = "what was said so far, for the interviewer that goes on"),
        (status = 410, description = "erased")), security(("upload" = [])))]
pub(crate) async fn history(
    State(app): State<App>,
    Path((id, attempt)): Path<(String, i64)>,
    headers: HeaderMap,
) -> Result<Json<Transcript>, ApiError> {
    app.tokens.check(&headers).await?.is_of(&id, attempt, Holder::Agent)?;
    lifecycle_store::row(&app.store, &id).await?;
    Ok(Json(transcript(&app.store, &id).await?))
}

/// `POST /v1/interviews/{id}/attempts/{attempt}/records/{source}/died`
#[utoipa::path(post, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}/died", operation_id = "job_died",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path, description = "`agent:<job id>`")),
    request_body = JobDied,
    responses((status = 204, description = "noted, or noted before"), (status = 400, description = "bad_json, bad_identity")),
    security(("upload" = [])))]
pub(crate) async fn died(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
    died: Result<Object<JobDied>, ApiError>,
) -> Result<StatusCode, ApiError> {
    let source = app.tokens.check(&headers).await?.allows_agent(&id, attempt, &source)?;
    let Object(JobDied { identity }) = died?;
    if !usable(&identity) {
        return Err(ApiError::bad_request(
            ProblemCode::BadIdentity,
            "identity is the job's in LiveKit's room, and not empty.",
        ));
    }
    let at = now();
    let mut tx = app.store.write().await?;
    // Under the same name the one in its place may serve.
    let replaced = was_replaced(&mut tx, &id, &source).await?;
    let noted = lifecycle_store::change_in(&mut tx, &id, at, |lifecycle| {
        if lifecycle.agent_of(attempt) && !replaced {
            lifecycle.interviewer_died(&identity, at);
        }
    });
    if noted.await?.is_none() {
        return Err(lifecycle_store::gone(&mut *tx, &id).await?);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
