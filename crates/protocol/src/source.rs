//! Whose word a record is.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Whose word a record is: `client`, or `agent:<job id>` with what the agent package added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The candidate's client.
    Client,
    /// An interviewer's job, by its id. With [`Source::JUDGEMENT`] at its end it is a judgement beside the report.
    Agent(String),
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no source; it is `client`, or `agent:` and a job's id of up to 64 letters, digits, - and _"
)]
pub struct UnknownSource(String);

impl Source {
    /// End of the source of what the agent package's `judge` adds.
    pub const JUDGEMENT: &str = "-judgement";

    /// LiveKit's id of the job whose word it is, whichever of its sessions' or its judgement.
    pub fn job(&self) -> Option<&str> {
        let Self::Agent(of) = self else { return None };
        Some(of.split_once('-').map_or(of.as_str(), |(job, _)| job))
    }

    /// Whether it is a judgement, and no report.
    pub fn is_judgement(&self) -> bool {
        matches!(self, Self::Agent(job) if job.ends_with(Self::JUDGEMENT))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Agent(job) => write!(f, "agent:{job}"),
        }
    }
}

impl std::str::FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        // LiveKit's job ids are short, of plain letters.
        let plausible = |job: &str| {
            (1..=64).contains(&job.len())
                && job.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        match text.strip_prefix("agent:") {
            Some(job) if plausible(job) => Ok(Self::Agent(job.to_owned())),
            None if text == "client" => Ok(Self::Client),
            Some(_) | None => Err(UnknownSource(text.to_owned())),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Source {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <String as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Source {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_clients_or_a_jobs() {
        assert_eq!("client".parse(), Ok(Source::Client));
        assert_eq!("agent:AJ_1-x".parse(), Ok(Source::Agent("AJ_1-x".to_owned())));
        assert!("agent:AJ_1-judgement".parse::<Source>().unwrap().is_judgement());
        assert!(!"agent:AJ_1".parse::<Source>().unwrap().is_judgement());
        for source in ["agent:AJ_1", "agent:AJ_1-2", "agent:AJ_1-judgement"] {
            assert_eq!(source.parse::<Source>().unwrap().job(), Some("AJ_1"), "{source}");
        }
        assert_eq!(Source::Client.job(), None);
        let long = format!("agent:{}", "x".repeat(65));
        for none in ["", "Client", "agent", "agent:", "agent:a/b", "agent:a b", "agent:é", long.as_str()] {
            assert!(none.parse::<Source>().is_err(), "{none}");
        }
        let source = Source::Agent("AJ_1".to_owned());
        assert_eq!(serde_json::to_value(&source).unwrap(), "agent:AJ_1");
        assert_eq!(serde_json::from_str::<Source>("\"agent:AJ_1\"").unwrap(), source);
    }
}
