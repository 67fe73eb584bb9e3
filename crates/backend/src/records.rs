//! Records and receipts over HTTP.

use adjourn_outbox::sha256;
use adjourn_outbox::wire::ReceiptAnswer;
use adjourn_session::Outcome;
use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use sqlx::Row as _;

use crate::app::App;
use crate::batch::Share;
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
    request: Request,
) -> Result<Json<ReceiptAnswer>, Refusal> {
    let share = match admitted(&app, &headers, &request, (&id, attempt, &source)) {
        Ok(share) => share,
        Err(refusal) => {
            // Whoever still sends when his connection is closed may never read why.
            request.into_body().into_data_stream().for_each(|_| std::future::ready(())).await;
            return Err(refusal);
        }
    };
    // It can also break off; then nobody reads the answer.
    let body = axum::body::to_bytes(request.into_body(), LARGEST).await.map_err(|_| too_large())?;
    let Some(digest) = checked_digest(&headers, &body) else {
        return Err(Refusal::bad_request(
            "bad_digest",
            "Content-Digest is missing or does not match the body.",
        ));
    };
    let bad = || Refusal::bad_request("bad_record", "The record is not a JSON object.");
    let body = String::from_utf8(body.into()).map_err(|_| bad())?;
    // What waits is the text alone: read as values it is many times as large.
    let (outcome, end_reason) = {
        let record: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&body).map_err(|_| bad())?;
        let word = |key: &str| record.get(key).and_then(|v| v.as_str());
        (
            word("outcome").filter(|t| known(t)).map(str::to_owned),
            word("end_reason").filter(|t| plausible(t)).map(str::to_owned),
        )
    };
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
        app.closings.add(&id, attempt);
    }
    Ok(Json(ReceiptAnswer { receipt: stored.receipt }))
}

/// Room for this record among those that wait. Before its body is read: who is turned away must cost nothing, or a herd of
/// them keeps the others waiting.
fn admitted(
    app: &App,
    headers: &HeaderMap,
    request: &Request,
    (id, attempt, source): (&str, i64, &str),
) -> Result<Share, Refusal> {
    app.tokens.check(headers)?.allows(id, attempt, source)?;
    let announced = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    if announced.is_some_and(|bytes| bytes > LARGEST) {
        return Err(too_large());
    }
    app.batches.share(announced.unwrap_or(LARGEST))
}

fn too_large() -> Refusal {
    Refusal::too_large("The record is larger than 8 MiB.")
}

/// One of the client's own words for how it ended. What else a record says there is nobody's word, and shown nowhere.
fn known(outcome: &str) -> bool {
    Outcome::ALL.iter().any(|known| known.to_string() == outcome)
}

/// A word of an agent's, or at least no longer than one.
fn plausible(word: &str) -> bool {
    word.len() <= 64 && !word.contains('\0')
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
