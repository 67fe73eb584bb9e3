//! An event with the interview's report, for webhooks that want it.

use adjourn_protocol::{Event, EventKind};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use tokio::sync::Semaphore;
use url::Url;
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::report::Report;
use crate::store::Store;

/// Largest body: a larger report is told where it is.
const LARGEST: usize = 1 << 20;
/// Bytes of records in it. Most of a large one is what was measured; what was said is in the transcript besides.
const RECORDS: usize = LARGEST / 2;
/// What is stored of an interview and is more than this, in characters, is not read for that: its report would be too large.
const READ: i64 = 16 << 20;
/// Reports that are put together at a time: each reads all records of its interview.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What a webhook is sent that wants reports: the event, and what is known of the interview when it is sent. (For the OpenAPI document:
/// what is sent is put together of the stored event, as it is, and the report.)
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FullEvent {
    #[serde(flatten)]
    event: Event,
    /// As it stands when this is sent; absent if it is larger than a MiB.
    report: Option<Report>,
    /// Where it is, if it is absent, or if it lacks the body of a record.
    #[schema(value_type = Option<String>)]
    report_url: Option<String>,
}

/// Of a stored event, what matters here. A newer version may have written more.
#[derive(Deserialize)]
struct About {
    #[serde(rename = "type")]
    kind: EventKind,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    interview_id: String,
}

/// Whether the report comes with it: with those after which it is whole, as far as it will be, and those that add to it then.
fn has_report(kind: EventKind) -> bool {
    match kind {
        EventKind::InterviewComplete | EventKind::ReportLate | EventKind::JudgementReceived => true,
        EventKind::InterviewStarted
        | EventKind::InterviewerReplaced
        | EventKind::InterviewEnded
        | EventKind::InterviewErased
        | EventKind::ReportReceived
        | EventKind::ReportMissing
        | EventKind::HookTest => false,
    }
}

/// The body for a stored event. What only a newer version knows, and an interview that was erased meanwhile, have no report.
///
/// # Errors
/// The database failed.
pub(super) async fn body(store: &Store, public_url: &Url, stored: &str) -> Result<String, ApiError> {
    let about = serde_json::from_str::<About>(stored).ok().filter(|about| has_report(about.kind));
    // Written by us: an object that ends where the text does.
    let Some((About { data: Data { interview_id: id }, .. }, stored_open)) =
        about.zip(stored.strip_suffix('}'))
    else {
        return Ok(stored.to_owned());
    };
    // The id is one of ours, and needs no escapes.
    let address = format!("{}/v1/interviews/{id}/report", public_url.as_str().trim_end_matches('/'));
    let linked = |report: &str| format!(r#"{stored_open},{report}"report_url":"{address}"}}"#);
    // Never closed.
    let _turn = AT_ONCE.acquire().await;
    if stored_of(store, &id).await? > READ {
        return Ok(linked(""));
    }
    let report = match Report::of(store, &id, RECORDS).await {
        Ok(report) => report,
        Err(gone) if gone.is_gone() => return Ok(stored.to_owned()),
        Err(error) => return Err(error),
    };
    let text = serde_json::to_string(&report).map_err(|_| ApiError::unavailable())?;
    Ok(if text.len() + stored.len() > LARGEST {
        linked("")
    } else if report.is_whole() {
        format!(r#"{stored_open},"report":{text}}}"#)
    } else {
        linked(&format!(r#""report":{text},"#))
    })
}

/// Characters that are stored of an interview.
async fn stored_of(store: &Store, id: &str) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        "SELECT CAST((SELECT COALESCE(SUM(LENGTH(body)), 0) FROM records WHERE interview_id = $1)
           + (SELECT COALESCE(SUM(LENGTH(body)), 0) FROM items WHERE interview_id = $1) AS BIGINT)",
    );
    row.bind(id).fetch_one(store.read()).await?.try_get(0)
}
