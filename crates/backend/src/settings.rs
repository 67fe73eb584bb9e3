//! Settings that guard something: an empty one would guard nothing, and open everything.

use adjourn_protocol::Secret;

/// Fewest characters of a secret that is given to us. Ours are longer; LiveKit's generated ones have 43.
const LEAST: usize = 12;

/// A secret that was given on the command line or by the environment.
///
/// # Errors
/// It is empty, all blank, or so short that it can be guessed; one sentence that names it and does not show it.
pub fn secret(name: &str, value: &str) -> anyhow::Result<Secret> {
    let length = value.trim().chars().count();
    anyhow::ensure!(
        length >= LEAST,
        "{name} has {length} characters; a secret needs {LEAST} at least: set a longer one, or unset it if it is not needed"
    );
    Ok(Secret::new(value.to_owned()))
}

/// A name that goes with a secret.
///
/// # Errors
/// It is empty.
pub fn name(name: &str, value: &str) -> anyhow::Result<String> {
    anyhow::ensure!(!value.trim().is_empty(), "{name} is empty; set it");
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_not_a_secret_and_no_secret_is_shown() {
        for value in ["", " ", "            ", "short", "elevenchars"] {
            let said = secret("ADJOURN_ORGANISER_KEY", value).unwrap_err().to_string();
            assert!(said.starts_with("ADJOURN_ORGANISER_KEY has "), "{said}");
            assert!(value.trim().is_empty() || !said.contains(value), "{said}");
        }
        assert_eq!(secret("S", "twelve-chars").unwrap().expose(), "twelve-chars");
        assert!(name("LIVEKIT_API_KEY", "").is_err() && name("LIVEKIT_API_KEY", "devkey").is_ok());
    }
}
