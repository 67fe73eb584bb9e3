//! An outcome as one text, as it stands in records and answers: `interrupted(interviewer lost)`.

use adjourn_session::Outcome;
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

pub(crate) fn serialize<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(outcome)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Outcome, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The same of an outcome that may not be known yet.
pub(crate) mod optional {
    use super::{Deserializer, Outcome, Serializer};
    use serde::{Deserialize as _, Serialize as _};

    pub(crate) fn serialize<S: Serializer>(outcome: &Option<Outcome>, to: S) -> Result<S::Ok, S::Error> {
        outcome.as_ref().map(ToString::to_string).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Outcome>, D::Error> {
        // A word that a later version has is none of ours: the rest of the answer is as true as it was.
        Ok(Option::<String>::deserialize(from)?.and_then(|text| text.parse().ok()))
    }
}
