//! From a link to a granted join, beside the loop.

use std::time::Duration;

use adjourn_outbox::{BackendError, Granted, Join, OutboxError};
use adjourn_protocol::{ClientInfo, InviteLink, JoinAnswer, JoinRequest, RecordHead, sha256};
use chrono::{DateTime, Utc};

use crate::remembered::Before;
use crate::{Environment, Message};

/// Pause before the one automatic second try: a lost answer is asked for again.
const SECOND_TRY: Duration = Duration::from_secs(1);

/// What a granted join brings.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) join: Join,
    pub(crate) answer: JoinAnswer,
    pub(crate) head: RecordHead,
    /// What an earlier run of this join wrote down.
    pub(crate) before: Before,
}

impl Admission {
    /// As it is kept on disk.
    pub(crate) fn granted(&self) -> Granted {
        Granted {
            interview_id: self.answer.interview.id.clone(),
            attempt: self.answer.interview.attempt,
            title: self.answer.interview.title.clone(),
            client_token: self.answer.client_token.clone(),
            receipt_keys: self.answer.receipt_keys.clone(),
            head: Some(self.head.clone()),
        }
    }
}

/// A join that did not work.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) message: Message,
    /// For engineers who read the trace.
    pub(crate) detail: String,
    pub(crate) retry: bool,
}

impl Rejection {
    /// For good.
    fn of(error: &OutboxError) -> Self {
        Self { message: error.into(), detail: error.to_string(), retry: false }
    }

    fn by_backend(error: &BackendError) -> Self {
        Self { message: error.into(), detail: error.to_string(), retry: error.retryable() }
    }
}

/// Asks for the join of `link`; the same one every time on this machine. `started`: when this run of the client began.
pub(crate) async fn admission(
    environment: &Environment,
    link: &InviteLink,
    client: &ClientInfo,
    started: DateTime<Utc>,
) -> Result<Admission, Rejection> {
    fail::fail_point!("join");
    let (storage, backend) = (&environment.storage, &environment.backend);
    let failed = |error: OutboxError| Rejection::of(&error);
    let join = storage.join_for(link).await.map_err(failed)?;
    let request = JoinRequest::new(&link.code, &join.join_id, client);
    let mut result = backend.join(link, &request).await;
    if result
        .as_ref()
        .is_err_and(|e| e.retryable() && e.retry_after().is_none_or(|after| after <= SECOND_TRY * 2))
    {
        tokio::time::sleep(SECOND_TRY).await;
        result = backend.join(link, &request).await;
    }
    let mut answer = result.map_err(|error| Rejection::by_backend(&error))?;
    if client.kiosk {
        // What has arrived is kept at no seat: somebody else sits there next.
        answer.keep_days = 0;
    }
    // A join has one record. What would be said now had no place in it.
    let recorded = storage.has_record(&join.join_id).await.map_err(failed)?;
    if recorded && answer.livekit.is_some() {
        let detail = "the join has its record".to_owned();
        return Err(Rejection { message: Message::EndedHere, detail, retry: false });
    }
    answer.policy.check().map_err(|error| Rejection {
        message: (&error).into(),
        detail: error.to_string(),
        retry: false,
    })?;
    let policy = serde_json::to_vec(&answer.policy).unwrap_or_default();
    let head = RecordHead {
        interview_id: answer.interview.id.clone(),
        attempt: answer.interview.attempt,
        room: answer.livekit.as_ref().map_or_else(|| answer.interview.id.clone(), |l| l.room.clone()),
        build: client.version.clone(),
        policy_sha256: sha256(&policy),
    };
    storage.granted(&join, &answer, &head).await.map_err(failed)?;
    let before = match storage.journal(&join.join_id).await {
        Ok(journal) => Before::read(&journal, started),
        Err(error) => {
            tracing::warn!(%error, "what an earlier run wrote down can't be read");
            Before::default()
        }
    };
    Ok(Admission { join, answer, head, before })
}
