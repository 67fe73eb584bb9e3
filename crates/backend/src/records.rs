//! Records and receipts over HTTP.

use adjourn_outbox::sha256;
use adjourn_outbox::wire::ReceiptAnswer;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;
use crate::store::now;
use crate::submission::Submission;

/// Largest record: an 8-hour transcript with its timeline is far below.
pub(crate) const LARGEST: usize = 8 * 1024 * 1024;

/// `PUT /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(put, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path, description = "`client` or `agent:<job id>`"),
        ("Content-Digest" = String, Header, description = "`sha-256=:…:` over the body")),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = ReceiptAnswer), (status = 400, description = "bad_digest, bad_record"), (status = 409, description = "record_exists"),
        (status = 413, description = "too_large")),
    security(("upload" = [])))]
pub(crate) async fn put(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ReceiptAnswer>, Refusal> {
    app.tokens.check(&headers)?.allows(&id, attempt, &source)?;
    if body.len() > LARGEST {
        return Err(Refusal::too_large("The record is larger than 8 MiB."));
    }
    // First of all: who is turned away must cost nothing, or a herd of them keeps the others waiting.
    let share = app.batches.share(body.len())?;
    let Some(digest) = checked_digest(&headers, &body) else {
        return Err(Refusal::bad_request(
            "bad_digest",
            "Content-Digest is missing or does not match the body.",
        ));
    };
    let bad = || Refusal::bad_request("bad_record", "The record is not a JSON object.");
    let body = String::from_utf8(body.into()).map_err(|_| bad())?;
    let record: serde_json::Value = serde_json::from_str(&body).map_err(|_| bad())?;
    if !record.is_object() {
        return Err(bad());
    }
    // A word of ours, or at least no longer than one.
    let text = |key: &str| {
        record
            .get(key)
            .and_then(|v| v.as_str())
            .filter(|t| t.len() <= 64 && !t.contains('\0'))
            .map(str::to_owned)
    };
    let (outcome, end_reason) = (text("outcome"), text("end_reason"));
    let kind = if source == "client" { "client" } else { "agent" };
    let key = app.keys.of_attempt(&id, attempt).await.map_err(|error| {
        tracing::error!(%error, "a signing key can't be used");
        Refusal::unavailable()
    })?;
    let submission = Submission {
        id: id.clone(),
        attempt,
        source,
        body,
        digest,
        outcome,
        end_reason,
        received_at: now(),
        key: key.ok_or_else(Refusal::not_found)?,
    };
    let stored = app.batches.submit(&app, submission, share).await?;
    let result = if stored.again { "again" } else { "stored" };
    metrics::counter!("adjourn_records_received", "source" => kind, "result" => result).increment(1);
    if stored.close {
        app.close_room(&id);
    }
    Ok(Json(ReceiptAnswer { receipt: stored.receipt }))
}

/// SHA-256 of a body as `Content-Digest: sha-256=:…:` gives it (RFC 9530), if it matches.
fn checked_digest(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let given = headers.get("content-digest")?.to_str().ok()?;
    let encoded = given.strip_prefix("sha-256=:")?.strip_suffix(':')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let digest = sha256(body);
    (hex::encode(bytes) == digest).then_some(digest)
}

/// `GET /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(get, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path)),
    responses((status = 200, body = Object)), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.organiser(&headers).await?;
    let row = sqlx::query(
        "SELECT body, receipt FROM records WHERE interview_id = $1 AND attempt = $2 AND source = $3",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .fetch_optional(app.store.read())
    .await?
    .ok_or_else(Refusal::not_found)?;
    let (body, receipt): (String, String) = (row.try_get("body")?, row.try_get("receipt")?);
    let receipt = format!("<data:,{receipt}>; rel=receipt");
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::LINK, receipt)], body)
        .into_response())
}
