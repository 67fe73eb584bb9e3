//! An event with the interview's report, for webhooks that want it.

use adjourn_protocol::{Event, EventData, EventKind};
use serde::Serialize;
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
/// Reports that are put together at a time: each reads all records of its interview.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What a webhook is sent that wants reports: the event, and what is known of the interview when it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FullEvent {
    #[serde(flatten)]
    event: Event,
    /// As it stands when this is sent. Of a late report, the next event has the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
    /// Where it is, if it is larger than a MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    report_url: Option<Url>,
}

/// Whether the report comes with it: with those after which it is whole, as far as it will be.
fn has_report(kind: EventKind) -> bool {
    match kind {
        EventKind::InterviewComplete | EventKind::ReportLate => true,
        EventKind::InterviewStarted
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
    let thin = || Ok(stored.to_owned());
    let Ok(event) = serde_json::from_str::<Event>(stored) else { return thin() };
    let id = match &event.data {
        EventData::Interview(data) if has_report(event.kind) => data.interview_id.clone(),
        EventData::Interview(_) | EventData::Erased { .. } | EventData::Hook { .. } => return thin(),
    };
    // Never closed.
    let _turn = AT_ONCE.acquire().await;
    let report = match Report::of(store, &id, RECORDS).await {
        Ok(report) => report,
        Err(gone) if gone.is_gone() => return thin(),
        Err(error) => return Err(error),
    };
    let full = FullEvent { event, report: Some(report), report_url: None };
    let whole = serde_json::to_string(&full).map_err(|_| ApiError::unavailable())?;
    if whole.len() <= LARGEST {
        return Ok(whole);
    }
    // The id is one of ours, and needs no escapes.
    let address = format!("{}/v1/interviews/{id}/report", public_url.as_str().trim_end_matches('/'));
    let link = FullEvent { report: None, report_url: address.parse().ok(), ..full };
    serde_json::to_string(&link).map_err(|_| ApiError::unavailable())
}
