//! Settings that guard something: an empty one would guard nothing, and open everything.

use adjourn_protocol::{InviteLink, Secret};
use url::Url;

use crate::database_address::without_password;

/// Fewest characters of a secret that is given to us. Ours are longer; LiveKit's generated ones have 43.
const LEAST: usize = 12;

/// A secret that was given on the command line or by the environment.
///
/// # Errors
/// It is empty, all blank, or so short that it can be guessed; one sentence that names it and does not show it.
pub fn secret(name: &str, value: &str) -> anyhow::Result<Secret> {
    // A file's last line break, as Kubernetes and `cat` give it, is not part of a secret; nor what some editors begin a file with.
    let value = value.trim_start_matches('\u{feff}').trim();
    anyhow::ensure!(
        !value.chars().any(char::is_control),
        "{name} has more than one line, or signs that nobody sees; a secret is one line"
    );
    let length = value.chars().count();
    anyhow::ensure!(
        length >= LEAST,
        "{name} has {length} characters; a secret needs {LEAST} at least: set a longer one, or unset it if it is not needed"
    );
    Ok(Secret::new(value.to_owned()))
}

/// A secret that comes in a header.
///
/// # Errors
/// As of [`secret`]; or no header can carry it.
pub fn bearer(name: &str, value: &str) -> anyhow::Result<Secret> {
    let secret = secret(name, value)?;
    let plain = secret.expose().bytes().all(|byte| byte.is_ascii_graphic());
    anyhow::ensure!(
        plain,
        "{name} has letters that no request can carry: use ASCII letters, digits and signs, without blanks"
    );
    Ok(secret)
}

/// A name that goes with a secret.
///
/// # Errors
/// It is empty.
pub fn name(name: &str, value: &str) -> anyhow::Result<String> {
    let value = value.trim();
    anyhow::ensure!(!value.is_empty(), "{name} is empty; set it");
    Ok(value.to_owned())
}

/// The address under which clients and agents reach the server.
///
/// # Errors
/// They would not take it: https only, or http on this very computer.
pub fn public_url(url: Url) -> anyhow::Result<Url> {
    let shown = without_password(url.as_str());
    anyhow::ensure!(
        InviteLink::may_lead_to(&url),
        "clients and agents don't take {shown} as this server's address: give one with https (http only on this very computer) \
         with --public-url"
    );
    Ok(url)
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
        assert_eq!(secret("S", " twelve-chars\n").unwrap().expose(), "twelve-chars");
        assert_eq!(secret("S", "\u{feff}twelve-chars\n").unwrap().expose(), "twelve-chars");
        assert!(secret("S", "twelve-chars\nand more").is_err());
        let url = "https://me:hunter2@h/".parse().unwrap();
        assert!(!public_url(url).unwrap_err().to_string().contains("hunter2"));
        assert!(bearer("S", "twelve-chars").is_ok());
        assert!(bearer("S", "двенадцать-букв").is_err() && bearer("S", "twelve chars").is_err());
        for url in ["https://interviews.example.com/hr", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert!(public_url(url.parse().unwrap()).is_ok(), "{url}");
        }
        for url in [
            "http://0.0.0.0:8080",
            "http://interviews.example.com",
            "mailto:x",
            "https://h/?a=b",
            "https://u@h",
        ] {
            assert!(public_url(url.parse().unwrap()).is_err(), "{url}");
        }
        assert!(name("LIVEKIT_API_KEY", "").is_err() && name("LIVEKIT_API_KEY", "devkey").is_ok());
    }
}
