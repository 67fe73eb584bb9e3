//! Records and receipts over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use adjourn_protocol::{Outcome, ProblemCode, ReceiptAnswer, SessionEnd, Source, sha256};
use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::http::object::is_object;
use crate::http::uploads::{self, too_large};
use crate::keys::{self, OfAttempt, ReceiptKey};
use crate::lifecycle_store;
use crate::organisers::Scope;
use crate::record_budget::QueuePermit;
use crate::recorded;
use crate::shares::Share;
use crate::state::App;
use crate::store::now;
use crate::submission::Submission;
use crate::tombstone::Tombstone;

/// Largest record: an 8-hour transcript with its timeline is far below.
pub(crate) const LARGEST: usize = 8 * 1024 * 1024;

/// `PUT /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(put, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}", operation_id = "store_record",
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
) -> Result<Json<ReceiptAnswer>, ApiError> {
    let allowed = app.tokens.check(&headers).await.and_then(|claims| claims.allows(&id, attempt, &source));
    let admission = allowed.and_then(|source| admitted(&app, &request, (&id, attempt, source)));
    let (mut permit, _in_flight, source) = match admission {
        Ok(admitted) => admitted,
        Err(refusal) => {
            uploads::drain(request.into_body()).await;
            return Err(refusal);
        }
    };
    let body = uploads::read(request.into_body(), LARGEST, &app.commit_queue.budget, &mut permit).await?;
    let Some(digest) = checked_digest(&headers, &body) else {
        return Err(ApiError::bad_request(
            ProblemCode::BadDigest,
            "Content-Digest is missing or does not match the body.",
        ));
    };
    let bad = |title: &str| ApiError::bad_request(ProblemCode::BadRecord, title);
    let body = String::from_utf8(body.into()).map_err(|_| bad("The record is not UTF-8."))?;
    // What waits is the text alone: read as values it is many times as large.
    let of_client = source == Source::Client;
    let Words { outcome, end_reason, session_end, model_errors, said } =
        words(&body, of_client).map_err(bad)?;
    let key = key(&app, &id, attempt, &source).await?;
    let kind = if of_client { "client" } else { "agent" };
    let submission = Submission {
        id: id.clone(),
        attempt,
        source,
        body,
        digest,
        outcome,
        end_reason,
        session_end,
        model_errors,
        said,
        received_at: now(),
        key,
    };
    let stored = app.commit_queue.submit(submission, permit).await?;
    let result = if stored.again { "again" } else { "stored" };
    tracing::info!(result, "a record came");
    metrics::counter!("adjourn_records_received", "source" => kind, "result" => result).increment(1);
    if stored.close {
        app.room_closer.add(&id, attempt);
    }
    Ok(Json(ReceiptAnswer { receipt: stored.receipt }))
}

/// The key that the receipt is signed with.
async fn key(app: &App, id: &str, attempt: i64, source: &Source) -> Result<Arc<ReceiptKey>, ApiError> {
    let unusable = |error: anyhow::Error| {
        tracing::error!(%error, "a signing key can't be used");
        ApiError::unavailable()
    };
    match app.keys.of_attempt(id, attempt).await.map_err(unusable)? {
        OfAttempt::Nobodys => Err(lifecycle_store::gone(app.store.read(), id).await?),
        OfAttempt::Signs(key) => Ok(key),
        // It checks its receipt with the key that it has: it must join again, and gets the newest one.
        OfAttempt::Gone if *source == Source::Client => Err(ApiError::unauthorised()),
        OfAttempt::Gone => app.keys.newest().await.map_err(unusable),
    }
}

/// A place for this record, before its body is read: who is turned away must cost nothing, or a herd of them keeps the others
/// waiting. It grows with what arrives.
fn admitted(
    app: &App,
    request: &Request,
    (id, attempt, source): (&str, i64, Source),
) -> Result<(QueuePermit, Share, Source), ApiError> {
    let announced = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    if announced.is_some_and(|bytes| bytes > LARGEST) {
        return Err(too_large());
    }
    // Full as it is, it would be turned away after it was sent.
    drop(app.commit_queue.budget.permit(announced.unwrap_or(0))?);
    Ok((app.commit_queue.budget.permit(0)?, app.uploads.begin(format!("{id}/{attempt}/{source}"))?, source))
}

/// What of a record is looked at.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    /// One of the client's own words for how it ended. What else a record says there is nobody's word, and shown nowhere.
    outcome: Option<Outcome>,
    end_reason: Option<String>,
    /// What livekit-agents says of its session, in an agent's report.
    session_end: Option<SessionEnd>,
    model_errors: u32,
    /// The client heard something said.
    said: bool,
}

/// Looks at a record. An error says what it is not.
fn words(body: &str, of_client: bool) -> Result<Words, &'static str> {
    let read = is_object(body).then(|| serde_json::from_str(body).ok()).flatten();
    let Record { outcome, end_reason, close_reason, errors, transcript } =
        read.ok_or("The record is not a JSON object.")?;
    let word = |value: Option<&RawValue>| recorded::text(value.filter(|it| it.get().len() <= LONGEST_WORD));
    let mut said = false;
    if let Some(transcript) = transcript.filter(|_| of_client) {
        let turns = recorded::turns_of(transcript);
        said = turns.ok_or(
            "The record's transcript is not a list of turns, or has more than an interview of a day.",
        )? > 0;
    }
    let outcome = word(outcome).and_then(|text| {
        let known = text.parse().ok();
        if known.is_none() && of_client {
            // The record is stored as it is; only what this server says of the interview lacks the word.
            tracing::warn!("a record ends with a word that this version does not know; a newer one does");
        }
        known
    });
    Ok(Words {
        outcome,
        end_reason: word(end_reason).filter(|text| plausible(text)),
        session_end: word(close_reason).and_then(|name| SessionEnd::of_livekit(&name)),
        model_errors: counted(errors),
        said,
    })
}

/// How many errors there are, of each kind of model. What is no list of figures says nothing.
fn counted(errors: Option<&RawValue>) -> u32 {
    let kinds = errors.filter(|it| it.get().len() <= LONGEST_WORD);
    let kinds: BTreeMap<String, u32> =
        kinds.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
    kinds.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// A record, as far as it is looked into; the rest is passed over, however much it is.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    outcome: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end_reason: Option<&'a RawValue>,
    #[serde(borrow, default)]
    close_reason: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default)]
    transcript: Option<&'a RawValue>,
}

/// Bytes of a word in JSON at most: one of 64 letters may be written with escapes.
const LONGEST_WORD: usize = 64 * 6 + 2;

/// A word of an agent's, or at least no longer than one.
fn plausible(word: &str) -> bool {
    word.len() <= 64 && !word.contains('\0')
}

/// SHA-256 of a body as `Content-Digest: sha-256=:…:` gives it (RFC 9530), if it matches.
fn checked_digest(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let given = headers.get("content-digest")?.to_str().ok()?;
    // Others may stand beside it.
    let mut algorithms = given.split(',').map(str::trim);
    let encoded = algorithms.find_map(|one| one.strip_prefix("sha-256=:")?.strip_suffix(':'))?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let digest = sha256(body);
    (hex::encode(bytes) == digest).then_some(digest)
}

/// `GET /v1/interviews/{id}/attempts/{attempt}/records/{source}`
#[utoipa::path(get, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}", operation_id = "read_record",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path)),
    responses((status = 200, body = Object), (status = 404, description = "no_record")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    audit::note_of(&app.store, &actor, Deed::ReadRecord, &id).await?;
    let row = sqlx::query(
        "SELECT body, receipt FROM records WHERE interview_id = $1 AND attempt = $2 AND source = $3",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .fetch_optional(app.store.read())
    .await?
    .ok_or_else(no_record)?;
    let (body, receipt): (String, String) = (row.try_get("body")?, row.try_get("receipt")?);
    let receipt = format!("<data:,{receipt}>; rel=receipt");
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::LINK, receipt)], body)
        .into_response())
}

fn no_record() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, ProblemCode::NoRecord, "There is no such record.")
}

/// `GET /v1/interviews/{id}/attempts/{attempt}/records/{source}/receipt`: for its sender and for organisers. A sender that kept its
/// record delivers it again where this server lost it (a database that was restored from a copy).
#[utoipa::path(get, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}/receipt", operation_id = "read_receipt",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path)),
    responses((status = 200, body = ReceiptAnswer), (status = 404, description = "no_record")),
    security(("upload" = []), ("organiser" = [])))]
pub(crate) async fn receipt(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    caller: Caller,
) -> Result<Json<ReceiptAnswer>, ApiError> {
    let source = match app.tokens.check(&caller.headers).await {
        Ok(token) => token.allows(&id, attempt, &source)?,
        Err(error) if error.code != ApiError::unauthorised().code => return Err(error),
        Err(_) => {
            let actor = app.organiser(&caller, Scope::Read).await?;
            audit::note_of(&app.store, &actor, Deed::ReadRecord, &id).await?;
            source.parse::<Source>().map_err(|_| no_record())?
        }
    };
    let row = sqlx::query(
        "SELECT receipt, receipt_id FROM records WHERE interview_id = $1 AND attempt = $2 AND source = $3",
    )
    .bind(&id)
    .bind(attempt)
    .bind(source.to_string())
    .fetch_optional(app.store.read())
    .await?;
    let Some(row) = row else {
        // Of an interview that was erased nothing was lost.
        let erased = Tombstone::of(app.store.read(), &id).await?;
        return Err(erased.map_or_else(no_record, |it| ApiError::erased(it.erased_at)));
    };
    let (receipt, receipt_id): (String, String) = (row.try_get("receipt")?, row.try_get("receipt_id")?);
    let key = key(&app, &id, attempt, &source).await?;
    if key.signed(&receipt) {
        return Ok(Json(ReceiptAnswer { receipt }));
    }
    let mut tx = app.store.write().await?;
    let receipt = keys::signed_anew(&mut tx, &key, &receipt_id, &receipt).await.map_err(|error| {
        tracing::error!(%error, "a receipt could not be signed");
        ApiError::unavailable()
    })?;
    tx.commit().await?;
    Ok(Json(ReceiptAnswer { receipt }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    #[test]
    fn a_liars_words_are_nobodys() {
        let outcome = |record: &str| words(record, true).ok().map(|words| words.outcome);
        assert_eq!(outcome(r#"{"outcome": "ended(room closed)"}"#), Some("ended(room closed)".parse().ok()));
        for lie in ["finished (confirmed by the agent)", "<b>", "", "Finished"] {
            let record = serde_json::json!({ "outcome": lie }).to_string();
            assert_eq!(outcome(&record), Some(None), "{lie}");
        }
        assert_eq!(outcome(r#"{"outcome": {"a": [1, 2]}}"#), Some(None));
        assert_eq!(outcome("[]"), None);
        assert_eq!(outcome("{"), None);
    }

    #[test]
    fn a_digest_may_have_others_beside_it() {
        let given = |text: &str| {
            HeaderMap::from_iter([(HeaderName::from_static("content-digest"), text.parse().unwrap())])
        };
        let ours = format!("sha-256=:{}:", STANDARD.encode(hex::decode(sha256(b"{}")).unwrap()));
        for right in [ours.clone(), format!("sha-512=:AAAA:, {ours}"), format!("{ours},sha-512=:AAAA:")] {
            assert_eq!(checked_digest(&given(&right), b"{}"), Some(sha256(b"{}")), "{right}");
        }
        for wrong in ["sha-512=:AAAA:", "sha-256=:AAAA:", "sha-256=AAAA", ""] {
            assert_eq!(checked_digest(&given(wrong), b"{}"), None, "{wrong}");
        }
    }

    #[test]
    fn a_transcript_is_one_or_the_record_is_refused() {
        assert!(words(r#"{"transcript": [{"id": "1", "text": "Hello"}], "x": [0, 0]}"#, true).is_ok());
        assert!(words(r#"{"transcript": [{"text": "half an emoji: \ud83d"}]}"#, true).is_ok());
        assert!(words(r#"{"transcript": [0, 0, 0]}"#, true).is_err());
        assert!(words(r#"{"transcript": "Hello"}"#, true).is_err());
        let turns =
            |count: usize| serde_json::json!({ "transcript": vec![serde_json::json!({"text": ""}); count] });
        assert!(words(&turns(recorded::MOST).to_string(), true).is_ok());
        assert!(words(&turns(recorded::MOST + 1).to_string(), true).is_err());
        let report =
            r#"{"close_reason": "CR_ERROR", "errors": {"llm": 4, "stt": 0}, "end_reason": "failed"}"#;
        let read = words(report, false).unwrap();
        assert_eq!((read.session_end, read.model_errors), (Some(SessionEnd::Failed), 4));
        for odd in [r#"{"close_reason": null, "errors": 7}"#, r#"{"close_reason": 1, "errors": {"llm": -1}}"#]
        {
            let read = words(odd, false).unwrap();
            assert_eq!((read.session_end, read.model_errors), (None, 0), "{odd}");
        }
        // An agent's report is its own affair: it is never refused for what is in it.
        assert!(words(r#"{"transcript": 7, "end_reason": "finished"}"#, false).is_ok());
    }
}
