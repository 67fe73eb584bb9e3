//! What an organiser's own system is told: one event for each change that matters. The feed and webhooks have the same ones.

use std::fmt;
use std::str::FromStr;

use adjourn_session::Outcome;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Arrival, InterviewState, Teller};

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventKind {
    /// A candidate's client joined, the first time or for another attempt.
    #[serde(rename = "interview.started")]
    InterviewStarted,
    /// Its interviewer was lost, and another one is called in its place.
    #[serde(rename = "interviewer.replaced")]
    InterviewerReplaced,
    /// It is over.
    #[serde(rename = "interview.ended")]
    InterviewEnded,
    /// Nothing is waited for any more: what is there is all there will be, unless it comes late.
    #[serde(rename = "interview.complete")]
    InterviewComplete,
    /// It was erased. A tombstone is left.
    #[serde(rename = "interview.erased")]
    InterviewErased,
    /// A client's record or an agent's report is stored.
    #[serde(rename = "report.received")]
    ReportReceived,
    /// It did not come in time.
    #[serde(rename = "report.missing")]
    ReportMissing,
    /// It came after all.
    #[serde(rename = "report.late")]
    ReportLate,
    /// What the interviewer's model thinks of it is stored: beside the report, often after the interview is complete.
    #[serde(rename = "judgement.received")]
    JudgementReceived,
    /// Nothing happened: somebody tries whether a webhook arrives.
    #[serde(rename = "hook.test")]
    HookTest,
}

/// A text that is no kind of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of event; known are {known}", known = EventKind::names())]
pub struct UnknownEventKind(String);

impl EventKind {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::InterviewStarted,
        Self::InterviewerReplaced,
        Self::InterviewEnded,
        Self::InterviewComplete,
        Self::InterviewErased,
        Self::ReportReceived,
        Self::ReportMissing,
        Self::ReportLate,
        Self::JudgementReceived,
        Self::HookTest,
    ];

    /// Its name, as it is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InterviewStarted => "interview.started",
            Self::InterviewerReplaced => "interviewer.replaced",
            Self::InterviewEnded => "interview.ended",
            Self::InterviewComplete => "interview.complete",
            Self::InterviewErased => "interview.erased",
            Self::ReportReceived => "report.received",
            Self::ReportMissing => "report.missing",
            Self::ReportLate => "report.late",
            Self::JudgementReceived => "judgement.received",
            Self::HookTest => "hook.test",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, UnknownEventKind> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| UnknownEventKind(text.to_owned()))
    }
}

/// Whose report an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reporter {
    /// The candidate's client.
    Client,
    /// The interviewer's job.
    Agent,
}

/// One event, as the feed gives it and as a webhook's body has it. Nothing that was said is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// The same however often it is sent: a webhook's `webhook-id`.
    pub id: String,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When the backend learned of it.
    pub timestamp: DateTime<Utc>,
    /// About what.
    pub data: EventData,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum EventData {
    /// An interview, as it stands after the change and those made with it.
    Interview(Box<InterviewEvent>),
    /// An interview that was erased.
    Erased {
        /// Which one.
        interview_id: String,
    },
    /// A webhook that is tried.
    Hook {
        /// Which one.
        hook_id: String,
    },
}

/// An interview, as it stands after a change and those made with it (with a report of an earlier attempt: as its newest one stands).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterviewEvent {
    /// Which one.
    pub interview_id: String,
    /// Which attempt the event is about; counts from 1. 0: it ended before anybody joined.
    pub attempt: i64,
    /// Line of its history: events of one interview come in this order.
    pub revision: i64,
    /// Who told: `client`, `agent`, `organiser`, `webhook` and `poll` (LiveKit), `deadline`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub told_by: Teller,
    /// Of `report.…`: whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_of: Option<Reporter>,
    /// Where the interview stands.
    pub state: InterviewState,
    /// How it ended, once known: the client's word, unless the agent's report confirms that it was finished.
    #[serde(default, with = "crate::outcome::optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub outcome: Option<Outcome>,
    /// What the candidate's client says, whatever the agent's report says.
    #[serde(default, with = "crate::outcome::optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub client_outcome: Option<Outcome>,
    /// Whether the agent's report confirms it.
    pub confirmed: bool,
    /// Whether the client's record is here.
    pub client_record: Arrival,
    /// Whether the agent's report is here.
    pub agent_report: Arrival,
}

/// `GET /v1/events`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventPage {
    /// In order; none, if nothing happened.
    pub events: Vec<Event>,
    /// Give it as `after` the next time.
    pub cursor: String,
    /// Whether there are more already.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_wherever_it_is_written() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let said = "interview.begun".parse::<EventKind>().unwrap_err().to_string();
        assert!(said.contains("interview.started"), "{said}");
    }

    #[test]
    fn each_form_of_an_event_reads_back_as_it_was() {
        let interview = InterviewEvent {
            interview_id: "i".to_owned(),
            attempt: 1,
            revision: 4,
            told_by: Teller::Agent,
            report_of: Some(Reporter::Agent),
            state: InterviewState::Ended,
            outcome: Some(Outcome::Finished),
            client_outcome: None,
            confirmed: true,
            client_record: Arrival::Pending,
            agent_report: Arrival::ReceivedLate,
        };
        let event = |kind, data| Event {
            id: "i.4".to_owned(),
            kind,
            timestamp: DateTime::from_timestamp_millis(1_800_000_000_123).unwrap(),
            data,
        };
        let events = [
            event(EventKind::ReportLate, EventData::Interview(Box::new(interview))),
            event(EventKind::InterviewErased, EventData::Erased { interview_id: "i".to_owned() }),
            event(EventKind::HookTest, EventData::Hook { hook_id: "h".to_owned() }),
        ];
        let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        for (event, line) in events.iter().zip(&lines) {
            assert_eq!(serde_json::from_str::<Event>(line).unwrap(), *event, "{line}");
        }
        // What receivers build upon.
        assert_eq!(
            lines[0],
            r#"{"id":"i.4","type":"report.late","timestamp":"2027-01-15T08:00:00.123Z","data":{"interview_id":"i","attempt":1,"revision":4,"told_by":"agent","report_of":"agent","state":"ended","outcome":"finished","client_outcome":null,"confirmed":true,"client_record":"pending","agent_report":"received late"}}"#
        );
    }
}
