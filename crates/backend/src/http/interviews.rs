//! Creating, ending and erasing interviews.

use adjourn_protocol::ProblemCode;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::api_error::ApiError;
use crate::audit::{self, Actor, Deed};
use crate::erase::{Erasure, erase_by};
use crate::http::caller::Caller;
use crate::http::object::Object;
use crate::interviews::{Created, NewInterview, another_code, create};
use crate::lifecycle_store;
use crate::organisers::Scope;
use crate::state::App;
use crate::store::now;
use crate::tombstone::Tombstone;

/// `POST /v1/interviews/{id}/code`
#[utoipa::path(post, path = "/v1/interviews/{id}/code", operation_id = "make_code", params(("id" = String, Path)),
    responses((status = 200, body = Created), (status = 404, description = "not_found: there is none, or it is over")),
    security(("organiser" = [])))]
pub(crate) async fn code(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Created>, ApiError> {
    let actor = app.organiser(&caller, Scope::Create).await?;
    app.another_code(&id, &actor).await.map(Json)
}

/// `POST /v1/interviews`
#[utoipa::path(post, path = "/v1/interviews", operation_id = "create_interview", request_body = NewInterview,
    responses((status = 200, body = Created), (status = 400, description = "bad_json, bad_interview")), security(("organiser" = [])))]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    new: Result<Object<NewInterview>, ApiError>,
) -> Result<Json<Created>, ApiError> {
    let actor = app.organiser(&caller, Scope::Create).await?;
    let Object(new) = new?;
    create(&app.store, &app.codes, &app.public_url, &new, &actor).await.map(Json).map_err(|error| {
        if error.is::<sqlx::Error>() {
            tracing::error!(%error, "the database failed");
            return ApiError::unavailable();
        }
        ApiError::bad_request(ProblemCode::BadInterview, format!("{error:#}"))
    })
}

/// `POST /v1/interviews/{id}/end`
#[utoipa::path(post, path = "/v1/interviews/{id}/end", operation_id = "end_interview", params(("id" = String, Path)),
    responses((status = 204, description = "ended, or was")), security(("organiser" = [])))]
pub(crate) async fn end(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let actor = app.organiser(&caller, Scope::End).await?;
    audit::note_of(&app.store, &actor, Deed::Ended, &id).await?;
    app.end_interview(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl App {
    /// Makes another code for an interview that is not over.
    pub(crate) async fn another_code(&self, id: &str, actor: &Actor) -> Result<Created, ApiError> {
        let created =
            another_code(&self.store, &self.codes, &self.public_url, id, actor).await.map_err(|error| {
                tracing::error!(%error, "a code could not be made");
                ApiError::unavailable()
            })?;
        match created {
            Some(created) => Ok(created),
            None => Err(lifecycle_store::gone(self.store.read(), id).await?),
        }
    }

    /// Ends an interview in its organiser's name, if it is not over.
    pub(crate) async fn end_interview(&self, id: &str) -> Result<(), ApiError> {
        let now = now();
        let ended = lifecycle_store::change(&self.store, id, now, |lifecycle| {
            (lifecycle.organiser_ends(now) && lifecycle.attempt > 0).then_some(lifecycle.attempt)
        });
        let Some(room_stands) = ended.await? else {
            return Err(lifecycle_store::gone(self.store.read(), id).await?);
        };
        if let Some(attempt) = room_stands {
            if let Err(error) = self.livekit.mark_ended(id, "organiser", now).await {
                tracing::info!(%error, "the room's metadata could not be set");
            }
            self.room_closer.add(id, attempt);
        }
        Ok(())
    }
}

/// `DELETE /v1/interviews/{id}`
#[utoipa::path(delete, path = "/v1/interviews/{id}", operation_id = "erase_interview", params(("id" = String, Path)),
    responses((status = 200, body = Tombstone, description = "it is erased, now or before"), (status = 404, description = "not_found"),
        (status = 409, description = "goes_on: end it first; room_open: its room is being closed, try again in a few seconds")), security(("organiser" = [])))]
pub(crate) async fn erase(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Tombstone>, ApiError> {
    let actor = app.organiser(&caller, Scope::Erase).await?;
    match erase_by(&app.store, &id, &actor, now()).await? {
        Erasure::Done(tombstone) => Ok(Json(tombstone)),
        Erasure::GoesOn => Err(ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::GoesOn,
            "The interview goes on; end it first.",
        )),
        Erasure::RoomOpen => Err(ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::RoomOpen,
            "Its room is being closed; try again in a few seconds.",
        )
        .retry_after(5)),
        Erasure::Unknown => Err(ApiError::not_found()),
    }
}

/// `GET /v1/interviews/{id}/tombstone`
#[utoipa::path(get, path = "/v1/interviews/{id}/tombstone", operation_id = "read_tombstone", params(("id" = String, Path)),
    responses((status = 200, body = Tombstone), (status = 404, description = "not_found: it was not erased, or there never was one")),
    security(("organiser" = [])))]
pub(crate) async fn tombstone(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Tombstone>, ApiError> {
    app.organiser(&caller, Scope::Read).await?;
    Tombstone::of(app.store.read(), &id).await?.map(Json).ok_or_else(ApiError::not_found)
}
