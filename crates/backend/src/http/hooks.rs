//! Webhooks, by whoever has a key for that.

use adjourn_protocol::{EventKind, ProblemCode};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::hooks::{self, Hook, MadeHook, NoHook, Refused, Since, Tried, Wish};
use crate::http::caller::Caller;
use crate::http::object::Object;
use crate::organisers::Scope;
use crate::state::App;

/// A webhook to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHook {
    /// Where events are sent: https.
    url: String,
    /// Which; all, if there are none.
    #[serde(default)]
    kinds: Vec<EventKind>,
    /// Whether the report comes with `interview.complete`, `report.late` and `judgement.received` (as FullEvent): what was said goes there, and
    /// what the candidate needs. Takes a key with `read`, too. Without it, events tell nothing of that.
    #[serde(default)]
    with_report: bool,
}

/// Every webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hooks {
    hooks: Vec<Hook>,
}

/// From where on events are sent once more: one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// What happened at that time, and later.
    since: Option<DateTime<Utc>>,
    /// What comes after that cursor of the feed.
    after: Option<String>,
}

/// What will be sent once more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// From there to where it was.
    events: i64,
}

fn refusal(error: anyhow::Error) -> ApiError {
    if error.is::<NoHook>() {
        return ApiError::new(StatusCode::NOT_FOUND, ProblemCode::NoSuchHook, "There is no such webhook.");
    }
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return match refused {
            Refused::Address(why) => ApiError::bad_request(ProblemCode::BadHook, why.as_str()),
            Refused::Test => ApiError::bad_request(ProblemCode::BadHook, refused.to_string()),
            Refused::TooMany => {
                ApiError::new(StatusCode::CONFLICT, ProblemCode::TooManyHooks, refused.to_string())
            }
            Refused::TooManySecrets => {
                ApiError::new(StatusCode::CONFLICT, ProblemCode::TooManySecrets, refused.to_string())
            }
        };
    }
    match error.downcast::<sqlx::Error>() {
        Ok(error) => error.into(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a webhook could not be changed");
            ApiError::unavailable()
        }
    }
}

/// `POST /v1/hooks`
#[utoipa::path(post, path = "/v1/hooks", operation_id = "add_hook", request_body = NewHook,
    responses((status = 200, body = MadeHook, description = "the secret is shown this once"),
        (status = 400, description = "bad_json; bad_hook: why the address may not be one"),
        (status = 409, description = "too_many_hooks: there are 32")),
    security(("organiser" = [])))]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    new: Result<Object<NewHook>, ApiError>,
) -> Result<Json<MadeHook>, ApiError> {
    let actor = app.organiser(&caller, Scope::Hooks).await?;
    let Object(NewHook { url, kinds, with_report }) = new?;
    if with_report {
        // It is sent what was said, as if it had asked for it.
        app.organiser(&caller, Scope::Read).await?;
    }
    let wish = Wish { url: &url, kinds: &kinds, with_report };
    hooks::add(&app.store, app.courier.allowed(), wish, &actor).await.map(Json).map_err(refusal)
}

/// `GET /v1/hooks`
#[utoipa::path(get, path = "/v1/hooks", operation_id = "list_hooks", responses((status = 200, body = Hooks)), security(("organiser" = [])))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Hooks>, ApiError> {
    app.organiser(&caller, Scope::Hooks).await?;
    Ok(Json(Hooks { hooks: hooks::list(&app.store).await? }))
}

/// `DELETE /v1/hooks/{hook}`
#[utoipa::path(delete, path = "/v1/hooks/{hook}", operation_id = "remove_hook", params(("hook" = String, Path)),
    responses((status = 204, description = "removed, with what was still to be sent there"), (status = 404, description = "no_such_hook")),
    security(("organiser" = [])))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path(hook): Path<String>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let actor = app.organiser(&caller, Scope::Hooks).await?;
    hooks::remove(&app.store, &hook, &actor).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/hooks/{hook}/test`
#[utoipa::path(post, path = "/v1/hooks/{hook}/test", operation_id = "test_hook", params(("hook" = String, Path)),
    responses((status = 200, body = Tried, description = "it was tried; whether it arrived is in the answer"),
        (status = 404, description = "no_such_hook"), (status = 429, description = "too_many: one is tried already")),
    security(("organiser" = [])))]
pub(crate) async fn test(
    State(app): State<App>,
    Path(hook): Path<String>,
    caller: Caller,
) -> Result<Json<Tried>, ApiError> {
    let actor = app.organiser(&caller, Scope::Hooks).await?;
    let _share = app.large.take(format!("test: {hook}")).ok_or_else(|| {
        let title = "This webhook is being tried already.";
        ApiError::too_many(title, 15)
    })?;
    audit::note(&app.store, &actor, Deed::TestedHook, &hook).await?;
    hooks::test(&app.store, &app.courier, &hook).await.map(Json).map_err(refusal)
}

/// `POST /v1/hooks/{hook}/secret`
#[utoipa::path(post, path = "/v1/hooks/{hook}/secret", operation_id = "rotate_hook_secret", params(("hook" = String, Path)),
    responses((status = 200, body = MadeHook, description = "deliveries are signed with those before it, too, for a day"),
        (status = 404, description = "no_such_hook"), (status = 409, description = "too_many_secrets: seven times a day")),
    security(("organiser" = [])))]
pub(crate) async fn rotate(
    State(app): State<App>,
    Path(hook): Path<String>,
    caller: Caller,
) -> Result<Json<MadeHook>, ApiError> {
    let actor = app.organiser(&caller, Scope::Hooks).await?;
    hooks::rotate(&app.store, &hook, &actor).await.map(Json).map_err(refusal)
}

/// `POST /v1/hooks/{hook}/replay`
#[utoipa::path(post, path = "/v1/hooks/{hook}/replay", operation_id = "replay_hook", params(("hook" = String, Path)), request_body = Replay,
    responses((status = 200, body = Replayed), (status = 400, description = "bad_json, bad_replay, unknown_cursor"),
        (status = 404, description = "no_such_hook"), (status = 410, description = "cursor_forgotten")),
    security(("organiser" = [])))]
pub(crate) async fn replay(
    State(app): State<App>,
    Path(hook): Path<String>,
    caller: Caller,
    replay: Result<Object<Replay>, ApiError>,
) -> Result<Json<Replayed>, ApiError> {
    let actor = app.organiser(&caller, Scope::Hooks).await?;
    let Object(replay) = replay?;
    let since = match (replay.since, replay.after) {
        (Some(time), None) => Since::Time(time),
        (None, Some(cursor)) => Since::Place(app.feed.read_cursor(Some(&cursor)).await??.place),
        (None, None) | (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                ProblemCode::BadReplay,
                "Give either since, a time, or after, a cursor.",
            ));
        }
    };
    let events = hooks::replay(&app.store, &hook, since, &actor).await.map_err(refusal)?;
    Ok(Json(Replayed { events }))
}
