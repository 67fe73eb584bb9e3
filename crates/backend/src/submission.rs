//! Storing a record with its receipt, in one transaction.

use std::sync::Arc;

use adjourn_protocol::{Outcome, ProblemCode, ReceiptClaims, SessionEnd, Source};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::keys::ReceiptKey;
use crate::lifecycle::Deadlines;
use crate::store::{Tx, millis, random};
use crate::{keys, lifecycle_store, replacements, sent_away};

/// Records of one attempt at most: its client's, and those of a few interviewers with their judgements. A token that somebody took
/// fills no disk.
const MOST: i64 = 64;

/// A record that was checked: right token, right digest, JSON.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) id: String,
    pub(crate) attempt: i64,
    pub(crate) source: Source,
    pub(crate) body: String,
    pub(crate) digest: String,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) end_reason: Option<String>,
    pub(crate) session_end: Option<SessionEnd>,
    pub(crate) model_errors: u32,
    /// A client's record has something that was said in it.
    pub(crate) said: bool,
    pub(crate) received_at: DateTime<Utc>,
    /// Of the attempt: looked up before, because a transaction must not wait for another connection.
    pub(crate) key: Arc<ReceiptKey>,
}

/// The receipt that a record will have, signed before its turn to be written: signing takes a tenth of a write.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    id: String,
    jws: String,
}

/// End reason of a report that the agent package's sentinel makes of what a job left that was killed.
const DIED: &str = "died";

impl Submission {
    /// Whether it is of a job whose process ended without a goodbye.
    fn died(&self) -> bool {
        self.end_reason.as_deref() == Some(DIED)
    }

    pub(crate) fn sign(&self) -> Result<Signed, ApiError> {
        let claims = ReceiptClaims {
            receipt_id: receipt_id()?,
            interview_id: self.id.clone(),
            attempt: self.attempt,
            source: self.source.clone(),
            sha256: self.digest.clone(),
            bytes: i64::try_from(self.body.len()).unwrap_or(i64::MAX),
            received_at: self.received_at,
        };
        let jws =
            self.key.sign(&claims).map_err(|error| internal("a receipt could not be signed", &error))?;
        Ok(Signed { id: claims.receipt_id, jws })
    }
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The receipt, as a compact JWS.
    pub(crate) receipt: String,
    /// The room is to be closed: a zombie's job ends with it, and its own report is made then.
    pub(crate) close: bool,
    /// The same record was there already.
    pub(crate) again: bool,
}

/// Why it was not stored.
#[derive(Debug)]
pub(crate) enum NotStored {
    /// An answer for the sender.
    Refused(ApiError),
    /// The transaction failed; nothing of it holds.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for NotStored {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<NotStored> for ApiError {
    fn from(not: NotStored) -> Self {
        match not {
            NotStored::Refused(refusal) => refusal,
            NotStored::Database(error) => error.into(),
        }
    }
}

/// Stores one within a transaction. Refuses before it writes anything.
pub(crate) async fn store(
    tx: &mut Tx,
    submission: &Submission,
    signed: &Signed,
    deadlines: &Deadlines,
) -> Result<Stored, NotStored> {
    let Submission { id, attempt, source, body, digest, outcome, said, received_at, .. } = submission;
    let Some(mut lifecycle) = lifecycle_store::lock(tx, id).await? else {
        return Err(NotStored::Refused(lifecycle_store::gone(&mut **tx, id).await?));
    };
    // A client has one, whatever an interviewer's token was used for.
    if *source != Source::Client && records(tx, id, *attempt).await? >= MOST {
        // The same again is answered with its receipt, however many there are.
        let title = "This attempt has as many records as it may have.";
        let refusal = NotStored::Refused(ApiError::bad_request(ProblemCode::TooManyRecords, title));
        return stored_before(tx, submission).await?.ok_or(refusal);
    }
    let inserted = sqlx::query(
        "INSERT INTO records (interview_id, attempt, source, body, sha256, outcome, received_at, receipt_id, receipt)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (interview_id, attempt, source) DO NOTHING",
    )
    .bind(id)
    .bind(attempt)
    .bind(source.to_string())
    .bind(body)
    .bind(digest)
    .bind(outcome.map(|outcome| outcome.to_string()))
    .bind(millis(*received_at))
    .bind(&signed.id)
    .bind(&signed.jws)
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if inserted == 0 {
        return stored_before(tx, submission).await?.ok_or(sqlx::Error::RowNotFound.into());
    }
    let close = if *source == Source::Client {
        if *said && lifecycle.attempt == *attempt {
            // Who heard something said heard an interviewer, whatever else they say.
            lifecycle.agent_seen(*received_at);
        }
        lifecycle.client_record(*attempt, *outcome, deadlines, *received_at)
    } else if sent_away::is_in_vain(tx, id, source).await? {
        lifecycle.sent_away_reports();
        false
    } else if source.is_judgement() {
        lifecycle.judgement();
        false
    } else {
        let replaced = replacements::was_replaced(tx, id, source).await?;
        // Its job is not the one that serves: that one's report is waited for.
        let superseded =
            (replaced || submission.died()) && lifecycle.serving.has_another_than(source, replaced);
        if superseded {
            lifecycle.replaced_reports();
        } else {
            lifecycle.session_closed(*attempt, submission.session_end, submission.model_errors);
            let end_reason = submission.end_reason.as_deref().filter(|_| !replaced);
            lifecycle.agent_report(*attempt, end_reason, deadlines, *received_at);
        }
        false
    };
    lifecycle_store::save(tx, id, &lifecycle, *received_at).await?;
    Ok(Stored { receipt: signed.jws.clone(), close, again: false })
}

/// Records of an attempt.
async fn records(tx: &mut Tx, id: &str, attempt: i64) -> Result<i64, sqlx::Error> {
    let count = sqlx::query("SELECT COUNT(*) FROM records WHERE interview_id = $1 AND attempt = $2");
    count.bind(id).bind(attempt).fetch_one(&mut **tx).await?.try_get(0)
}

/// What answers a record that is there already: its receipt, if it is the same one. `None`: there is none.
async fn stored_before(tx: &mut Tx, submission: &Submission) -> Result<Option<Stored>, NotStored> {
    let stored = sqlx::query(
        "SELECT sha256, receipt, receipt_id FROM records WHERE interview_id = $1 AND attempt = $2 AND source = $3",
    )
    .bind(&submission.id)
    .bind(submission.attempt)
    .bind(submission.source.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    let (known, receipt, receipt_id): (String, String, String) =
        (stored.try_get("sha256")?, stored.try_get("receipt")?, stored.try_get("receipt_id")?);
    if known == submission.digest {
        let receipt = if submission.key.signed(&receipt) {
            receipt
        } else {
            let anew = keys::signed_anew(tx, &submission.key, &receipt_id, &receipt).await;
            anew.map_err(|error| NotStored::Refused(internal("a receipt could not be signed", &error)))?
        };
        return Ok(Some(Stored { receipt, close: false, again: true }));
    }
    let refusal =
        ApiError::new(StatusCode::CONFLICT, ProblemCode::RecordExists, "Another record is stored already.");
    Err(NotStored::Refused(refusal.receipt(receipt_id)))
}

fn receipt_id() -> Result<String, ApiError> {
    let random = random::<8>().map_err(|error| internal("a receipt has no id", &error))?;
    Ok(format!("R-{}", hex::encode_upper(random)))
}

fn internal(what: &'static str, error: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(%error, "{what}");
    ApiError::unavailable()
}
