//! Reads what another version may have written.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A field that can't be read is its default, and takes nothing else with it.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: Default + DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
