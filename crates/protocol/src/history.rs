//! What happens to an interview, and who told: the words of its history, as they are stored and sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Arrival, RoomEnd, SessionEnd};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A client joined the first time.
    Live,
    /// A client joined for another attempt.
    LiveAgain,
    /// It is over.
    Ended,
    /// Nothing is waited for any more.
    Complete,
    /// Where the client's record is.
    ClientRecord(Arrival),
    /// Where the agent's report is.
    AgentReport(Arrival),
    /// The client's record of an earlier attempt came.
    EarlierClientRecord(i64),
    /// The agent's report of an earlier attempt came.
    EarlierAgentReport(i64),
    /// The agent's report says that it was finished.
    Confirmed,
    /// What an interviewer reports that was sent away.
    SentAwayReport,
    /// A judgement came.
    Judgement,
    /// Another server of LiveKit's opened its room anew.
    RoomOpenedAnew,
    /// The interviewer is back in such a room.
    InterviewerBack,
    /// It is not, and another one was called.
    InterviewerReplaced,
    /// The candidate's client lost the interviewer, and another one is called.
    InterviewerLost,
    /// The interviewer's process ended without a goodbye.
    InterviewerDied,
    /// The report of an interviewer came in whose place another one serves.
    ReplacedReport,
    /// Its room was closed.
    RoomClosed,
    /// Why, as LiveKit says.
    RoomEnded(RoomEnd),
    /// Why the interviewer's session closed, as its own report says.
    SessionClosed(SessionEnd),
    /// So many errors of models are in that report.
    ModelErrors(u32),
    /// Something that only a newer version of this knows.
    Newer,
}

/// Who told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// The candidate's client.
    Client,
    /// The interviewer's job.
    Agent,
    /// The organiser.
    Organiser,
    /// LiveKit, by itself.
    Webhook,
    /// LiveKit, when it was asked.
    Poll,
    /// Nobody: a time was over.
    Deadline,
    /// Somebody of whom only a newer version of this knows.
    Newer,
}

/// A text that is no word of a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no word of an interview's history")]
pub struct UnknownWord(String);

const CLIENT_RECORD: &str = "client's record ";
const AGENT_REPORT: &str = "agent's report ";
const ROOM_ENDED: &str = "room ended: ";
const SESSION_CLOSED: &str = "interviewer's session closed: ";
const MODEL_ERRORS: &str = "errors of models: ";

impl Happened {
    /// Those that have but one form.
    const PLAIN: [Self; 15] = [
        Self::Live,
        Self::LiveAgain,
        Self::Ended,
        Self::Complete,
        Self::Confirmed,
        Self::SentAwayReport,
        Self::Judgement,
        Self::RoomOpenedAnew,
        Self::InterviewerBack,
        Self::InterviewerReplaced,
        Self::InterviewerLost,
        Self::InterviewerDied,
        Self::ReplacedReport,
        Self::RoomClosed,
        Self::Newer,
    ];
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::LiveAgain => f.write_str("live again"),
            Self::Ended => f.write_str("ended"),
            Self::Complete => f.write_str("complete"),
            Self::ClientRecord(arrival) => write!(f, "{CLIENT_RECORD}{}", arrival.as_str()),
            Self::AgentReport(arrival) => write!(f, "{AGENT_REPORT}{}", arrival.as_str()),
            Self::EarlierClientRecord(attempt) => write!(f, "{CLIENT_RECORD}of attempt {attempt} received"),
            Self::EarlierAgentReport(attempt) => write!(f, "{AGENT_REPORT}of attempt {attempt} received"),
            Self::Confirmed => f.write_str("confirmed as finished"),
            Self::SentAwayReport => f.write_str("report of an interviewer that was sent away received"),
            Self::Judgement => f.write_str("judgement received"),
            Self::RoomOpenedAnew => f.write_str("room opened anew"),
            Self::InterviewerBack => f.write_str("interviewer back"),
            Self::InterviewerReplaced => f.write_str("interviewer not back; another one called"),
            Self::InterviewerLost => f.write_str("interviewer lost; another one called"),
            Self::InterviewerDied => f.write_str("interviewer's process ended"),
            Self::ReplacedReport => f.write_str("report of an interviewer that was replaced received"),
            Self::RoomClosed => f.write_str("room closed"),
            Self::RoomEnded(reason) => write!(f, "{ROOM_ENDED}{reason}"),
            Self::SessionClosed(reason) => write!(f, "{SESSION_CLOSED}{reason}"),
            Self::ModelErrors(count) => write!(f, "{MODEL_ERRORS}{count}"),
            Self::Newer => f.write_str("something that this version does not know"),
        }
    }
}

impl FromStr for Happened {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let of_attempt =
            |rest: &str| rest.strip_prefix("of attempt ")?.strip_suffix(" received")?.parse().ok();
        let record = |rest: &str| {
            let earlier = of_attempt(rest).map(Self::EarlierClientRecord);
            earlier.or_else(|| rest.parse().ok().map(Self::ClientRecord))
        };
        let report = |rest: &str| {
            let earlier = of_attempt(rest).map(Self::EarlierAgentReport);
            earlier.or_else(|| rest.parse().ok().map(Self::AgentReport))
        };
        let plain = Self::PLAIN.into_iter().find(|one| one.to_string() == text);
        plain
            .or_else(|| text.strip_prefix(CLIENT_RECORD).and_then(record))
            .or_else(|| text.strip_prefix(AGENT_REPORT).and_then(report))
            .or_else(|| {
                let reason = text.strip_prefix(ROOM_ENDED)?;
                RoomEnd::ALL.into_iter().find(|one| one.to_string() == reason).map(Self::RoomEnded)
            })
            .or_else(|| {
                let reason = text.strip_prefix(SESSION_CLOSED)?;
                SessionEnd::ALL.into_iter().find(|one| one.to_string() == reason).map(Self::SessionClosed)
            })
            .or_else(|| text.strip_prefix(MODEL_ERRORS)?.parse().ok().map(Self::ModelErrors))
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl Teller {
    const ALL: [Self; 7] =
        [Self::Client, Self::Agent, Self::Organiser, Self::Webhook, Self::Poll, Self::Deadline, Self::Newer];

    /// Its name, as it is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Agent => "agent",
            Self::Organiser => "organiser",
            Self::Webhook => "webhook",
            Self::Poll => "poll",
            Self::Deadline => "deadline",
            Self::Newer => "somebody that this version does not know",
        }
    }
}

impl fmt::Display for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Teller {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl Serialize for Happened {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A server that is newer tells what this version has no word for: where the interview stands can be read all the same.
impl<'de> Deserialize<'de> for Happened {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.parse().unwrap_or(Self::Newer))
    }
}

impl Serialize for Teller {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Teller {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.parse().unwrap_or(Self::Newer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let others = [
            Happened::ClientRecord(Arrival::ReceivedLate),
            Happened::AgentReport(Arrival::Missing),
            Happened::EarlierClientRecord(2),
            Happened::EarlierAgentReport(17),
            Happened::ModelErrors(3),
        ];
        let ends = RoomEnd::ALL.map(Happened::RoomEnded).into_iter();
        let ends = ends.chain(SessionEnd::ALL.map(Happened::SessionClosed));
        for happened in Happened::PLAIN.into_iter().chain(others).chain(ends) {
            let text = happened.to_string();
            assert!(!text.is_empty());
            assert_eq!(text.parse(), Ok(happened), "{text}");
        }
        for teller in Teller::ALL {
            assert_eq!(teller.to_string().parse(), Ok(teller));
        }
        assert_eq!(Happened::EarlierClientRecord(2).to_string(), "client's record of attempt 2 received");
        assert_eq!(Happened::AgentReport(Arrival::Received).to_string(), "agent's report received");
        assert!("Live".parse::<Happened>().is_err() && "nobody".parse::<Teller>().is_err());
        assert!("client's record of attempt x received".parse::<Happened>().is_err());
        let newer: Happened = serde_json::from_str("\"what nobody thought of yet\"").unwrap();
        assert_eq!(newer, Happened::Newer);
        assert_eq!(serde_json::from_str::<Teller>("\"sentinel\"").unwrap(), Teller::Newer);
    }
}
