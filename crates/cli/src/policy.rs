//! `adjourn-cli policy`: the policies of a test center's seats, written, signed and checked where no seat is.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use adjourn_kiosk::{Pin, PolicyKey, PolicyKeys, Seat, SeatPolicy, Seats, SignedPolicy};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What is to be done with a policy.
#[derive(clap::Subcommand, Debug)]
pub enum Action {
    /// Checks a signed policy, at this computer's time: prints what it says as a JSON line.
    Check {
        /// The signed policy.
        file: PathBuf,
        /// File with the keys that may sign (a JWK set): the answer of `adjourn-backend kiosk-key`.
        #[arg(long)]
        keys: PathBuf,
        /// A seat that it must be for, as `center/seat`.
        #[arg(long)]
        seat: Option<String>,
    },
    /// Signs a policy that a person wrote (TOML) and prints it.
    Sign {
        /// The policy.
        file: PathBuf,
        /// The private key's file, as `adjourn-backend kiosk-key` wrote it.
        #[arg(long)]
        key: PathBuf,
    },
    /// Reads a PIN from a line of standard input and prints it as a policy keeps it. (Who reads that, or a policy that has it, can try out
    /// PINs at home: keep both from candidates.)
    Pin,
}

/// What a signed policy says, in short.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    center: &'a str,
    serial: u64,
    seats: &'a Seats,
    backend: &'a str,
    lock: &'static str,
    valid_from: DateTime<Utc>,
    valid_until: DateTime<Utc>,
    digest: &'a str,
    key: &'a str,
}

/// Does it; gives what is to be printed.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn run(action: &Action, now: DateTime<Utc>) -> anyhow::Result<String> {
    match action {
        Action::Check { file, keys, seat } => {
            let keys = PolicyKeys::parse(&text(keys)?).with_context(|| keys.display().to_string())?;
            let seat = seat.as_ref().map(|seat| {
                let (center, name) =
                    seat.split_once('/').context("--seat is center/seat, as berlin-mitte/B-07")?;
                Ok::<_, anyhow::Error>(Seat { center, name, used: 0 })
            });
            let text = text(file)?;
            let signed = match seat.transpose()? {
                Some(seat) => SignedPolicy::open(&text, &keys, seat, now),
                None => SignedPolicy::read(&text, &keys)
                    .and_then(|signed| signed.is_good_at(now).map(|()| signed)),
            };
            let SignedPolicy { policy, digest, key } = signed.with_context(|| file.display().to_string())?;
            Ok(serde_json::to_string(&Checked {
                center: &policy.center,
                serial: policy.serial,
                seats: &policy.seats,
                backend: policy.backend.as_str(),
                lock: policy.lock.as_str(),
                valid_from: policy.valid_from,
                valid_until: policy.valid_until,
                digest: &digest,
                key: &key,
            })?)
        }
        Action::Sign { file, key } => {
            let key = PolicyKey::parse(&text(key)?).with_context(|| key.display().to_string())?;
            let policy = SeatPolicy::from_toml(&text(file)?).with_context(|| file.display().to_string())?;
            Ok(policy.sign(&key)?)
        }
        Action::Pin => {
            let mut typed = String::new();
            std::io::stdin().lock().take(64).read_line(&mut typed).context("no PIN can be read")?;
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
            Ok(Pin::keep(typed.trim(), &salt)?.as_str().to_owned())
        }
    }
}

fn text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_was_written_is_signed_and_checked_and_says_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let key = PolicyKey::generate().unwrap();
        let (private, keys) = (write("key", key.to_text().expose()), write("keys", key.public().as_json()));
        let example = include_str!("../../../examples/seat-policy.toml");
        let now = "2026-12-01T08:00:00Z".parse().unwrap();
        let signed =
            run(&Action::Sign { file: write("p.toml", example), key: private.clone() }, now).unwrap();
        let check = |text: &str, seat: &str| {
            let file = write("p.jws", text);
            run(
                &Action::Check { file, keys: keys.clone(), seat: Some(format!("example-center/{seat}")) },
                now,
            )
        };
        let said = check(&signed, "A-01").unwrap();
        assert!(
            said.contains(r#""center":"example-center""#) && said.contains(r#""lock":"enforced""#),
            "{said}"
        );
        let wrong = |text: &str, seat: &str| format!("{:#}", check(text, seat).unwrap_err());
        assert!(wrong(&signed, "Z-99").contains("this is seat Z-99"), "{}", wrong(&signed, "Z-99"));
        assert!(wrong(example, "A-01").contains("this is no signed policy"));
        // Without a seat, too, one that is over is not checked as if it were good.
        let later = "2030-01-01T00:00:00Z".parse().unwrap();
        let anywhere = Action::Check { file: write("p.jws", &signed), keys: keys.clone(), seat: None };
        assert!(run(&anywhere, now).is_ok());
        assert!(format!("{:#}", run(&anywhere, later).unwrap_err()).contains("clock says 2030"));
        let typo = write("typo.toml", &example.replacen("center =", "centre =", 1));
        let said = format!("{:#}", run(&Action::Sign { file: typo, key: private }, now).unwrap_err());
        assert!(said.contains("typo.toml") && said.contains("unknown field `centre`"), "{said}");
    }
}
