//! Everything of one interview, in one answer.

use adjourn_protocol::{InterviewStatus, Source};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::store::{Store, known_time, word};
use crate::transcript::{Reading, Transcript};
use crate::{interview_status, lifecycle_store, recorded, sent_away};

/// Version of the form below. A field that is added changes nothing of it.
const VERSION: u32 = 1;

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
    /// As it was sent, but for half an emoji in it. Absent where all of them are too large for one report, or it is nested so deep that
    /// readers would refuse all of the report for it: read it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

impl Report {
    /// Whether every record's body is in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.records.iter().all(|record| record.body.is_some())
    }

    /// The report of that interview. `room`: bytes of records in it; one that does not fit is left out.
    pub(crate) async fn of(store: &Store, id: &str, mut room: usize) -> Result<Self, ApiError> {
        let row = lifecycle_store::row(store, id).await?;
        let in_vain = sent_away::in_vain(store, id).await?;
        let (mut records, mut needs, mut said) = (Vec::new(), Vec::new(), Reading::default());
        // One after the other: they are large.
        let mut rows =
            sqlx::query("SELECT * FROM records WHERE interview_id = $1 ORDER BY received_at, source")
                .bind(id)
                .fetch(store.read());
        while let Some(row) = rows.try_next().await? {
            let (source, body): (Source, String) = (word(&row, "source")?, row.try_get("body")?);
            let attempt = row.try_get("attempt")?;
            said.record(attempt, &source, &body);
            if source == Source::Client {
                needs.extend(recorded::need(&body).said());
            }
            let bytes = body.len();
            let fits = room.checked_sub(bytes);
            room = fits.unwrap_or(room);
            records.push(ReportedRecord {
                attempt,
                in_vain: in_vain.contains(&source),
                source: source.to_string(),
                received_at: known_time(&row, "received_at")?,
                sha256: row.try_get("sha256")?,
                bytes,
                receipt_id: row.try_get("receipt_id")?,
                receipt: row.try_get("receipt")?,
                body: fits.and_then(|_| recorded::for_others(body)),
            });
        }
        drop(rows);
        Ok(Self {
            version: VERSION,
            title: row.try_get("title")?,
            candidate_name: row.try_get("candidate_name")?,
            language: row.try_get("language")?,
            created_at: known_time(&row, "created_at")?,
            status: interview_status::read(store, id).await?,
            transcript: said.ends(store, id, &in_vain).await?,
            needs,
            records,
        })
    }
}
