//! Whether something that is waited for has come.

use serde::{Deserialize, Serialize};

/// Whether a client's record, or an agent's report, has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Arrival {
    /// Nobody joined: nothing is waited for.
    #[default]
    #[serde(rename = "none")]
    None,
    /// It is waited for.
    #[serde(rename = "pending")]
    Pending,
    /// It came in time.
    #[serde(rename = "received")]
    Received,
    /// It came after it had been given up.
    #[serde(rename = "received late")]
    ReceivedLate,
    /// It did not come in time.
    #[serde(rename = "missing")]
    Missing,
}

/// A text that is none of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a report; known are none, pending, received, received late and missing")]
pub struct UnknownArrival(String);

impl Arrival {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::None, Self::Pending, Self::Received, Self::ReceivedLate, Self::Missing];

    /// Its name, as it is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Received => "received",
            Self::ReceivedLate => "received late",
            Self::Missing => "missing",
        }
    }

    /// Whether it is there, in time or not.
    pub fn is_here(self) -> bool {
        matches!(self, Self::Received | Self::ReceivedLate)
    }
}

impl std::fmt::Display for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Arrival {
    type Err = UnknownArrival;

    fn from_str(text: &str) -> Result<Self, UnknownArrival> {
        Self::ALL
            .into_iter()
            .find(|arrival| arrival.as_str() == text)
            .ok_or_else(|| UnknownArrival(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_stored_as_it_is_sent() {
        for arrival in Arrival::ALL {
            assert_eq!(serde_json::to_value(arrival).unwrap(), arrival.as_str());
            assert_eq!(arrival.as_str().parse(), Ok(arrival));
        }
        assert!("Received".parse::<Arrival>().is_err());
    }
}
