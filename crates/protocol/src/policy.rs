//! How a policy is sent and kept: what of it differs from the defaults, so that a version with one constant more or less
//! understands it.

use adjourn_session::Policy;
use serde_json::{Map, Value};

/// Every constant of a policy, by its name.
pub fn policy_constants(policy: &Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(constants)) => constants,
        // Not reached: a policy is numbers, words and a flag.
        Ok(_) | Err(_) => Map::new(),
    }
}

/// What of a policy differs from the defaults.
pub fn differences(policy: &Policy) -> Map<String, Value> {
    let defaults = policy_constants(&Policy::default());
    let mut differs = policy_constants(policy);
    differs.retain(|name, value| defaults.get(name) != Some(value));
    differs
}

/// The policy that differs from the defaults in this. A constant that this version does not know is of a rule that it does not
/// have: it is left out.
///
/// # Errors
/// It is no JSON object, or a constant has another type.
pub fn policy_of(differences: &str) -> Result<Policy, serde_json::Error> {
    policy_with_known(serde_json::from_str(differences)?)
}

/// As [`policy_of`], of what was read already.
///
/// # Errors
/// A constant has another type.
pub fn policy_with_known(mut differences: Map<String, Value>) -> Result<Policy, serde_json::Error> {
    let known = policy_constants(&Policy::default());
    differences.retain(|name, _| known.contains_key(name));
    serde_json::from_value(Value::Object(differences))
}

/// A field that is a policy.
pub(crate) mod wire {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Map, Policy, Value};

    pub(crate) fn serialize<S: Serializer>(policy: &Policy, to: S) -> Result<S::Ok, S::Error> {
        super::differences(policy).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Policy, D::Error> {
        super::policy_with_known(Map::<String, Value>::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_written_and_what_is_not_known_is_left_out() {
        assert!(differences(&Policy::default()).is_empty());
        let policy = Policy { process_lost: 9_000, hear_guests: true, ..Policy::default() };
        let text = serde_json::to_string(&differences(&policy)).unwrap();
        assert_eq!(text, r#"{"hear_guests":true,"process_lost":9000}"#);
        assert_eq!(policy_of(&text).unwrap(), policy);
        let newer = r#"{"process_lost":9000,"hear_guests":true,"of_a_later_version":1}"#;
        assert_eq!(policy_of(newer).unwrap(), policy);
        assert!(policy_of(r#"{"process_lost":"soon"}"#).is_err() && policy_of("[]").is_err());
    }
}
