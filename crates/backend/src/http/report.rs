//! Everything of one interview, in one answer.

use adjourn_protocol::{InterviewStatus, Source};
use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::http::status;
use crate::http::transcript::{Transcript, transcript};
use crate::lifecycle_store;
use crate::organisers::Scope;
use crate::recorded;
use crate::sent_away;
use crate::state::App;
use crate::store::{known_time, word};

/// Version of the form below. A field that is added changes nothing of it.
const VERSION: u32 = 1;
/// Bytes of records in one report; a larger one is read by itself.
const MOST: usize = 16 << 20;

/// Everything of one interview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Report {
    /// Of this form: 1.
    version: u32,
    title: String,
    candidate_name: Option<String>,
    language: String,
    created_at: DateTime<Utc>,
    /// Where it stands, how it ended, by whose word, and what happened, in order.
    status: InterviewStatus,
    /// What was said, each line with who tells it.
    transcript: Transcript,
    /// What the candidate needs, as they wrote it last in each attempt.
    needs: Vec<String>,
    /// What was sent, with its receipts, in the order in which it came.
    records: Vec<ReportedRecord>,
}

/// One record: a client's, or an agent's report of its session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportedRecord {
    attempt: i64,
    /// `client`, `agent:<job id>`, `agent:<job id>-judgement`.
    source: String,
    received_at: DateTime<Utc>,
    /// Of the bytes, as they were sent.
    sha256: String,
    /// How many those are.
    bytes: usize,
    receipt_id: String,
    /// As a compact JWS.
    receipt: String,
    /// Of an interviewer that was sent away before it served: nobody's word.
    in_vain: bool,
    /// As it was sent; absent if the report would be larger than 16 MiB: read it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

/// `GET /v1/interviews/{id}/report`
#[utoipa::path(get, path = "/v1/interviews/{id}/report", operation_id = "read_report", params(("id" = String, Path)),
    responses((status = 200, body = Report), (status = 404, description = "not_found"), (status = 429, description = "too_many: two are read already")), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Report>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    let _share = app.large.take("reports".to_owned()).ok_or_else(|| {
        let title = "Too many reports are read at a time.";
        ApiError::too_many(title, 2)
    })?;
    audit::note_of(&app.store, &actor, Deed::ReadReport, &id).await?;
    let row = lifecycle_store::row(&app.store, &id).await?;
    let in_vain = sent_away::in_vain(&app.store, &id).await?;
    let (mut records, mut needs, mut room) = (Vec::new(), Vec::new(), MOST);
    // One after the other: they are large.
    let mut rows = sqlx::query("SELECT * FROM records WHERE interview_id = $1 ORDER BY received_at, source")
        .bind(&id)
        .fetch(app.store.read());
    while let Some(row) = rows.try_next().await? {
        let (source, body): (Source, String) = (word(&row, "source")?, row.try_get("body")?);
        if source == Source::Client {
            needs.extend(recorded::need(&body));
        }
        let bytes = body.len();
        let fits = room.checked_sub(bytes);
        room = fits.unwrap_or(room);
        records.push(ReportedRecord {
            attempt: row.try_get("attempt")?,
            in_vain: in_vain.contains(&source),
            source: source.to_string(),
            received_at: known_time(&row, "received_at")?,
            sha256: row.try_get("sha256")?,
            bytes,
            receipt_id: row.try_get("receipt_id")?,
            receipt: row.try_get("receipt")?,
            // What is stored was read as JSON when it came.
            body: fits.and_then(|_| RawValue::from_string(body).ok()),
        });
    }
    drop(rows);
    Ok(Json(Report {
        version: VERSION,
        title: row.try_get("title")?,
        candidate_name: row.try_get("candidate_name")?,
        language: row.try_get("language")?,
        created_at: known_time(&row, "created_at")?,
        status: status::read(&app, &id).await?,
        transcript: transcript(&app, &id).await?,
        needs,
        records,
    }))
}
