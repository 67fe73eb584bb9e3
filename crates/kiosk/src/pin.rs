//! The supervisor's PIN: kept as Argon2id, tried seldom.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use serde::{Deserialize, Serialize};

/// Digits of a PIN.
const LENGTH: std::ops::RangeInclusive<usize> = 6..=12;
/// So many wrong ones cost nothing: fingers slip.
const FREE: u32 = 3;
/// Pause after the next one; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// And grows no longer than this: the one who may come in is never shut out for long.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Why a PIN is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It can't be typed, or guessed too easily.
    #[error("a PIN has 6 to 12 digits, and not the same one or a row of them")]
    Weak,
    /// What is in the policy.
    #[error("this is no PIN as it is kept (an Argon2id string): make one with `adjourn-cli policy pin`")]
    Form,
    /// It can't be made into one that is kept.
    #[error("the PIN can't be kept: {0}")]
    NotMade(String),
}

/// A PIN as it is kept: a PHC string of Argon2id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin(String);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(***)")
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        let usable = PasswordHash::new(&text).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id");
        if usable { Ok(Self(text)) } else { Err(PinError::Form) }
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.0
    }
}

impl Pin {
    /// Keeps a PIN. `salt`: 16 random bytes.
    ///
    /// # Errors
    /// It is too easily guessed.
    pub fn keep(digits: &str, salt: &[u8; 16]) -> Result<Self, PinError> {
        if !is_strong(digits) {
            return Err(PinError::Weak);
        }
        let failed = |error: argon2::password_hash::Error| PinError::NotMade(error.to_string());
        let salt = SaltString::encode_b64(salt).map_err(failed)?;
        let kept = Argon2::default().hash_password(digits.as_bytes(), &salt).map_err(failed)?;
        Ok(Self(kept.to_string()))
    }

    /// As it is written into a policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that one. Takes some tens of milliseconds, whatever is typed.
    fn is(&self, digits: &str) -> bool {
        PasswordHash::new(&self.0)
            .is_ok_and(|kept| Argon2::default().verify_password(digits.as_bytes(), &kept).is_ok())
    }
}

fn is_strong(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let digits_only = LENGTH.contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    let step = |by: i16| bytes.windows(2).all(|two| i16::from(two[1]) - i16::from(two[0]) == by);
    digits_only && ![-1, 0, 1].into_iter().any(step)
}

/// What was tried. Kept on disk by whoever asks: a seat that is switched off and on forgets no wrong PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Wrong ones since the last right one.
    pub wrong: u32,
    /// How long the last of them is ago, in milliseconds, as far as this is known: what a computer that was off did not count.
    pub since_wrong_ms: u64,
}

impl Tries {
    /// Time passed.
    pub fn passes(&mut self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.since_wrong_ms = self.since_wrong_ms.saturating_add(ms);
    }

    /// How long nothing is tried.
    pub fn pause(&self) -> Option<Duration> {
        let doublings = self.wrong.checked_sub(FREE + 1)?;
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
        pause.checked_sub(Duration::from_millis(self.since_wrong_ms)).filter(|left| !left.is_zero())
    }

    /// Tries one. `Err`: not before that time is over; it was not looked at.
    ///
    /// # Errors
    /// Too many were wrong.
    pub fn tries(&mut self, pin: &Pin, digits: &str) -> Result<bool, Duration> {
        if let Some(pause) = self.pause() {
            return Err(pause);
        }
        let right = pin.is(digits);
        *self = if right {
            Self::default()
        } else {
            Self { wrong: self.wrong.saturating_add(1), since_wrong_ms: 0 }
        };
        Ok(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_kept_as_what_nobody_can_read() {
        let pin = Pin::keep("482915", &[7; 16]).unwrap();
        assert!(pin.as_str().starts_with("$argon2id$") && !pin.as_str().contains("482915"));
        assert_eq!(format!("{pin:?}"), "Pin(***)");
        assert_eq!(Pin::try_from(pin.as_str().to_owned()).unwrap(), pin);
        assert_ne!(
            Pin::keep("482915", &[8; 16]).unwrap(),
            pin,
            "two centers with one PIN are not seen to have it"
        );
        for weak in ["", "12345", "111111", "123456", "987654", "1234567890123", "48291x", "４８２９１５"]
        {
            assert_eq!(Pin::keep(weak, &[7; 16]).unwrap_err(), PinError::Weak, "{weak}");
        }
        for other in ["", "482915", "$argon2i$v=19$m=16,t=2,p=1$c29tZXNhbHQ$aGFzaA", "$argon2id$"] {
            assert_eq!(Pin::try_from(other.to_owned()).unwrap_err(), PinError::Form, "{other}");
        }
    }

    #[test]
    fn who_guesses_waits_and_who_knows_it_does_not_for_long() {
        let pin = Pin::keep("482915", &[7; 16]).unwrap();
        let mut tries = Tries::default();
        for _ in 0..=FREE {
            assert_eq!(tries.tries(&pin, "000001"), Ok(false));
        }
        // Even the right one, until the pause is over.
        assert_eq!(tries.tries(&pin, "482915"), Err(FIRST_PAUSE));
        tries.passes(FIRST_PAUSE - Duration::from_secs(1));
        assert_eq!(tries.tries(&pin, "482915"), Err(Duration::from_secs(1)));
        // Switched off and on: what was on disk counts.
        let kept = serde_json::to_string(&tries).unwrap();
        tries = serde_json::from_str(&kept).unwrap();
        tries.passes(Duration::from_secs(1));
        assert_eq!(tries.tries(&pin, "000002"), Ok(false));
        assert_eq!(tries.pause(), Some(FIRST_PAUSE * 2));
        let often = Tries { wrong: u32::MAX, since_wrong_ms: 0 };
        assert_eq!(often.pause(), Some(LONGEST_PAUSE));
        tries.passes(LONGEST_PAUSE);
        assert_eq!(tries.tries(&pin, "482915"), Ok(true));
        assert_eq!(tries, Tries::default());
        // A day of guessing, one after the other, gets through a hundred of a million.
        assert!(Duration::from_secs(86_400).as_secs() / LONGEST_PAUSE.as_secs() < 100);
    }
}
