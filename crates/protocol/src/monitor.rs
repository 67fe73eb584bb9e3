//! What a test center's seat tells its center, and what it is told from there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{LockLevel, Secret, Weakness};

/// What a seat is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SeatStage {
    /// It waits for a code.
    Idle,
    /// It takes none.
    Closed,
    /// Somebody checks their devices.
    Check,
    /// Somebody waits for their interviewer.
    Waiting,
    /// An interview goes on.
    Interview,
    /// It is over, and what was said is not safe yet, or the candidate is still there.
    Ended,
}

/// How a seat is, as it tells it: when something of it changes, and every few seconds. A newer seat may tell more than an older server
/// knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatState {
    /// What it is at.
    pub stage: SeatStage,
    /// Of this life of it, by chance: its programs end with each candidate.
    pub life: String,
    /// The interview that is held there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interview_id: Option<String>,
    /// First letters of the candidate's names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initials: Option<String>,
    /// Why it takes no code, in a sentence for the staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How far it is locked.
    pub lock: LockLevel,
    /// What keeps it from being locked further.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weak: Vec<Weakness>,
    /// Somebody there calls for help.
    #[serde(default)]
    pub help: bool,
    /// It is on hold, and knows it: nobody begins an interview.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Why it did not do what it was told last, in a sentence for the staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The policy lets it be let go from afar.
    #[serde(default)]
    pub remote: bool,
    /// Something that was said there has not arrived yet.
    #[serde(default)]
    pub undelivered: bool,
    /// The microphone that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microphone: Option<String>,
    /// The loudspeaker that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudspeaker: Option<String>,
    /// There and back to the interview's server, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u32>,
    /// Version of the client.
    pub version: String,
    /// The newest order that it knows.
    #[serde(default)]
    pub done: i64,
}

impl SeatState {
    /// A seat in that life of it that is at something, and of which there is nothing else to tell.
    pub fn at(stage: SeatStage, life: &str) -> Self {
        Self {
            stage,
            life: life.to_owned(),
            interview_id: None,
            initials: None,
            trouble: None,
            lock: LockLevel::Enforced,
            weak: Vec::new(),
            help: false,
            held: false,
            refused: None,
            remote: true,
            undelivered: false,
            microphone: None,
            loudspeaker: None,
            round_trip_ms: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            done: 0,
        }
    }
}

/// What a center wants of a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum SeatOrder {
    /// Shows a message to whoever sits there, until the next candidate.
    Message {
        /// One line; nothing takes the last one away.
        text: String,
    },
    /// Ends the interview that goes on, as its organiser's end.
    EndInterview {
        /// Which: not another one that began meanwhile.
        interview_id: String,
    },
    /// Begins the check of somebody of the center's roster, without a code to type.
    Assign {
        /// Who, as the roster has them. A seat is not told: it asks for their code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Nobody begins an interview there until it is taken back. The server keeps that: it is not over with a life of the seat.
    Hold {
        /// From now on, or no longer.
        on: bool,
    },
    /// Begins anew with new programs, if nobody sits there.
    Renew,
    /// Lets it go: a console is on its screen, where the policy allows that from afar.
    Release,
    /// What a newer server knows and this version does not: it is not done, and takes the others not with it.
    #[serde(other)]
    Unknown,
}

impl SeatOrder {
    /// Its name, as it is written.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::EndInterview { .. } => "end_interview",
            Self::Assign { .. } => "assign",
            Self::Hold { .. } => "hold",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Unknown => "unknown",
        }
    }
}

/// What is ordered, and of whom: a seat does nothing that was meant for another candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GivenOrder {
    /// The life of the seat that was seen.
    pub life: String,
    /// The interview that was seen there, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// What is wanted.
    #[serde(flatten)]
    pub order: SeatOrder,
}

/// A word of a seat: how it is, and what proves that it holds that interview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatTold {
    /// How it is.
    #[serde(flatten)]
    pub state: SeatState,
    /// The interview's own token, as its client has it; without it nobody is told which interview it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub token: Option<Secret>,
}

/// An order with its number, larger than that of every earlier one for the seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberedOrder {
    /// Its number.
    pub id: i64,
    /// What is wanted, and of whom.
    #[serde(flatten)]
    pub given: GivenOrder,
}

/// `PUT /v1/centers/{center}/seats/{seat}`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatOrders {
    /// What it has not done yet, oldest first.
    pub orders: Vec<NumberedOrder>,
    /// It is to tell again after so many seconds, or as soon as something changes.
    pub again_s: u32,
    /// Nobody begins an interview there now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// A seat, as its center sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatSeen {
    /// Its name.
    pub seat: String,
    /// When it told something last.
    pub seen_at: DateTime<Utc>,
    /// It told nothing for longer than it may.
    pub missing: bool,
    /// Nobody is to begin an interview there.
    #[serde(default)]
    pub hold: bool,
    /// How it was then.
    pub state: SeatState,
}

/// `GET /v1/centers/{center}/seats`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CenterSeats {
    /// By their names.
    pub seats: Vec<SeatSeen>,
}

/// `POST /v1/centers/{center}/seats/{seat}/orders`: the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderGiven {
    /// The order's number: the seat knows of it once its `done` is as large. 0: it was done at once.
    pub id: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_wrong_name_is_told() {
        let order = SeatOrder::Message { text: "Two minutes".to_owned() };
        let given = GivenOrder { life: "ab".to_owned(), seen: None, order };
        let order = NumberedOrder { id: 7, given };
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(text, r#"{"id":7,"life":"ab","order":"message","text":"Two minutes"}"#);
        assert_eq!(serde_json::from_str::<NumberedOrder>(&text).unwrap(), order);
        let newer = text.replace("message", "sing");
        assert_eq!(serde_json::from_str::<NumberedOrder>(&newer).unwrap().given.order, SeatOrder::Unknown);
        let state = SeatState::at(SeatStage::Idle, "ab");
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<SeatState>(&text).unwrap(), state);
        let wrong = text.replace("\"life\"", "\"lfie\"");
        assert!(serde_json::from_str::<SeatState>(&wrong).unwrap_err().to_string().contains("life"));
    }
}
