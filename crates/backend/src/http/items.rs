//! The conversation as an agent reports it while it lives, so that a killed agent still leaves its history.

use adjourn_protocol::ProblemCode;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::http::object::is_object;
use crate::lifecycle_store;
use crate::recorded::Item;
use crate::state::App;
use crate::store::now;

/// Longest item: a spoken turn is far below.
const LARGEST: usize = 64 * 1024;
/// Items of one attempt at most: four interviewers, each with one every six seconds for eight hours.
const MOST: i64 = 20_000;

/// `POST /v1/interviews/{id}/attempts/{attempt}/records/{source}/items`
#[utoipa::path(post, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}/items", operation_id = "tell_item",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path, description = "`agent:<job id>`")),
    request_body = Item,
    responses((status = 204, description = "stored, or there already"), (status = 400, description = "bad_item, too_many_items")),
    security(("upload" = [])))]
pub(crate) async fn post(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let source = app.tokens.check(&headers).await?.allows_agent(&id, attempt, &source)?;
    let source = source.to_string();
    if body.len() > LARGEST {
        return Err(ApiError::too_large("The item is larger than 64 KiB."));
    }
    let bad = || {
        ApiError::bad_request(
            ProblemCode::BadItem,
            "The item needs an id, a text, and a role: user or assistant.",
        )
    };
    let object = std::str::from_utf8(&body).ok().filter(|json| is_object(json));
    let item: Item = object.and_then(|json| serde_json::from_str(json).ok()).ok_or_else(bad)?;
    let usable = |text: &str, longest| !text.is_empty() && text.len() <= longest && !text.contains('\0');
    if !usable(&item.id, 128) {
        return Err(bad());
    }
    // Written anew: only what an item has is kept, whatever else came along.
    let kept = serde_json::to_string(&item).map_err(|_| bad())?;
    let now = now();
    let mut tx = app.store.write().await?;
    let Some(mut lifecycle) = lifecycle_store::lock(&mut tx, &id).await? else {
        return Err(lifecycle_store::gone(&mut *tx, &id).await?);
    };
    if lifecycle.attempt < attempt {
        return Err(ApiError::not_found());
    }
    let number: i64 = sqlx::query("SELECT COUNT(*) FROM items WHERE interview_id = $1 AND attempt = $2")
        .bind(&id)
        .bind(attempt)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    if number >= MOST {
        return Err(ApiError::bad_request(
            ProblemCode::TooManyItems,
            "There are too many items of this attempt.",
        ));
    }
    sqlx::query(
        "INSERT INTO items (interview_id, attempt, source, item_id, number, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (interview_id, attempt, source, item_id) DO NOTHING",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .bind(&item.id)
    .bind(number)
    .bind(&kept)
    .execute(&mut *tx)
    .await?;
    if lifecycle.agent_of(attempt) && lifecycle.agent_seen_at.is_none() {
        lifecycle.agent_seen(now);
        lifecycle_store::save(&mut tx, &id, &lifecycle, now).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
