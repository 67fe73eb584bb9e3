//! Records and receipts.

use adjourn_outbox::sha256;
use adjourn_outbox::wire::{ReceiptAnswer, ReceiptClaims};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;

/// Largest record: an 8-hour transcript with its timeline is far below.
pub(crate) const LARGEST: usize = 8 * 1024 * 1024;

/// `PUT /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(put, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path)),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = ReceiptAnswer), (status = 400, description = "bad_digest, bad_record"),
        (status = 401), (status = 409, description = "record_exists"), (status = 413)),
    security(("upload" = [])))]
pub(crate) async fn put(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ReceiptAnswer>, Refusal> {
    let claims = app.tokens.check(&headers)?;
    let source_allowed = match source.as_str() {
        "client" => claims.source == "client",
        agent => claims.source == "agent" && agent.strip_prefix("agent:").is_some_and(plausible_job),
    };
    if claims.sub != id || claims.attempt != attempt || !source_allowed {
        return Err(Refusal::unauthorised());
    }
    if body.len() > LARGEST {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The record is larger than 8 MiB.",
        ));
    }
    let digest = sha256(&body);
    if !digest_matches(&headers, &digest) {
        return Err(Refusal::bad_request(
            "bad_digest",
            "Content-Digest is missing or does not match the body.",
        ));
    }
    let record: serde_json::Value = serde_json::from_slice(&body)
        .map_err(|_| Refusal::bad_request("bad_record", "The record is not JSON."))?;
    let outcome = record.get("outcome").and_then(|o| o.as_str()).map(str::to_owned);
    let received_at = Utc::now();
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "no random numbers");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "internal", "Try again.").retry_after(2)
    })?;
    let receipt_id = format!("R-{}", hex::encode_upper(random));
    let receipt = app
        .key
        .sign(&ReceiptClaims {
            receipt_id: receipt_id.clone(),
            interview_id: id.clone(),
            attempt,
            source: source.clone(),
            sha256: digest.clone(),
            bytes: i64::try_from(body.len()).unwrap_or(i64::MAX),
            received_at,
        })
        .map_err(|error| {
            tracing::error!(%error, "a receipt could not be signed");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "internal", "Try again.").retry_after(2)
        })?;

    let mut transaction = app.pool.begin_with("BEGIN IMMEDIATE").await?;
    let stored = sqlx::query("SELECT sha256, receipt, receipt_id FROM records WHERE interview_id = ? AND attempt = ? AND source = ?")
        .bind(&id)
        .bind(attempt)
        .bind(&source)
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(stored) = stored {
        let (known, receipt, receipt_id): (String, String, String) =
            (stored.try_get("sha256")?, stored.try_get("receipt")?, stored.try_get("receipt_id")?);
        if known == digest {
            return Ok(Json(ReceiptAnswer { receipt }));
        }
        return Err(Refusal::new(StatusCode::CONFLICT, "record_exists", "Another record is stored already.")
            .receipt(receipt_id));
    }
    sqlx::query(
        "INSERT INTO records (interview_id, attempt, source, body, sha256, outcome, received_at, receipt_id, receipt)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .bind(&body[..])
    .bind(&digest)
    .bind(&outcome)
    .bind(received_at.to_rfc3339())
    .bind(&receipt_id)
    .bind(&receipt)
    .execute(&mut *transaction)
    .await?;
    let newest: i64 = sqlx::query("SELECT MAX(attempt) FROM attempts WHERE interview_id = ?")
        .bind(&id)
        .fetch_one(&mut *transaction)
        .await?
        .try_get(0)?;
    let closes =
        source == "client" && attempt == newest && outcome.as_deref() != Some("ended(continued elsewhere)");
    if closes && outcome.as_deref() != Some("never started") {
        sqlx::query("UPDATE interviews SET ended_at = COALESCE(ended_at, ?), ended_by = COALESCE(ended_by, 'client') WHERE id = ?")
            .bind(received_at.to_rfc3339())
            .bind(&id)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    if closes {
        // A zombie's job ends with its room, and its own report is made then.
        app.close_room(&id);
    }
    Ok(Json(ReceiptAnswer { receipt }))
}

/// `GET /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(get, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path)),
    responses((status = 200, body = Object), (status = 401), (status = 404)), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.organiser(&headers)?;
    let row = sqlx::query(
        "SELECT body, receipt FROM records WHERE interview_id = ? AND attempt = ? AND source = ?",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(Refusal::not_found)?;
    let (body, receipt): (Vec<u8>, String) = (row.try_get("body")?, row.try_get("receipt")?);
    Ok((
        [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::LINK, format!("<data:,{receipt}>; rel=receipt")),
        ],
        body,
    )
        .into_response())
}

/// A LiveKit job id: short, plain letters.
fn plausible_job(job: &str) -> bool {
    (1..=64).contains(&job.len()) && job.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// `Content-Digest: sha-256=:…:` (RFC 9530).
fn digest_matches(headers: &HeaderMap, digest: &str) -> bool {
    let given = headers.get("content-digest").and_then(|v| v.to_str().ok());
    let encoded = given.and_then(|v| v.strip_prefix("sha-256=:")).and_then(|v| v.strip_suffix(':'));
    encoded.and_then(|v| STANDARD.decode(v).ok()).is_some_and(|bytes| hex::encode(bytes) == digest)
}
