//! The supervisor's PIN: kept as Argon2id, tried seldom.

use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Digits of a PIN. Whoever reads the policy's file can try them all out at home: eight take a processor two months there, six half a day.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=12;
/// What one try costs: 32 MiB and three passes, some 50 ms (RFC 9106's choice for little memory has 64 MiB and three).
const COST: (u32, u32, u32) = (32 << 10, 3, 1);
/// Bytes of what is kept of it.
const KEPT: usize = 32;
/// So many wrong ones cost nothing: fingers slip.
const FREE: u32 = 3;
/// Pause after the next one; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// And grows no longer than this: the one who may come in is never shut out for long.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// One wrong one is forgiven after so long: slips of a month don't add up.
const FORGIVEN: Duration = Duration::from_secs(3_600);

/// Why a PIN is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It can't be typed, or guessed too easily.
    #[error("a PIN has 8 to 12 digits, and not the same one or a row of them")]
    Weak,
    /// What is in the policy.
    #[error("this is no PIN as it is kept (an Argon2id string): make one with `adjourn-cli policy pin`")]
    Form,
    /// It can't be made into one that is kept.
    #[error("the PIN can't be kept: {0}")]
    NotMade(String),
}

/// A PIN as it is kept: a PHC string of Argon2id, which some PIN opens, at a cost that a seat can bear.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Pin(String);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(***)")
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        let whole = |hash: &PasswordHash<'_>| {
            let cost = Params::try_from(hash).ok()?;
            let of = (cost.m_cost(), cost.t_cost(), cost.p_cost());
            let algorithm = Algorithm::try_from(hash.algorithm).ok()?;
            let version = hash.version.and_then(|version| Version::try_from(version).ok())?;
            let long = hash.salt.is_some() && hash.hash.is_some_and(|kept| kept.len() == KEPT);
            Some(algorithm == Algorithm::Argon2id && version == Version::V0x13 && of == COST && long)
        };
        let usable = PasswordHash::new(&text).is_ok_and(|hash| whole(&hash) == Some(true));
        if usable { Ok(Self(text)) } else { Err(PinError::Form) }
    }
}

/// What is no text is no PIN either, and is not repeated: it may be one as it is typed.
impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kept;

        impl Visitor<'_> for Kept {
            type Value = Pin;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a PIN as it is kept")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pin, E> {
                Pin::try_from(text.to_owned()).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Pin, E> {
                Err(E::custom(PinError::Form))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Pin, E> {
                Err(E::custom(PinError::Form))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Pin, E> {
                Err(E::custom(PinError::Form))
            }
        }

        deserializer.deserialize_any(Kept)
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
        let (memory, passes, lanes) = COST;
        let cost = Params::new(memory, passes, lanes, Some(KEPT))
            .map_err(|error| PinError::NotMade(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let kept = argon2.hash_password(digits.as_bytes(), &salt).map_err(failed)?;
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

/// What was tried. Kept on disk by whoever asks, before each try: a seat that is switched off in the middle of one, and on again, forgets
/// none. Where it can't be read, [`Tries::unknown`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Wrong ones that are not forgiven.
    wrong: u32,
    /// How long the last of them is ago, in milliseconds, as far as this is known: what a computer that was off did not count.
    since_wrong_ms: u64,
}

/// A try that began, and counts as wrong until it is known to be right.
#[derive(Debug)]
#[must_use = "a try that nobody looks at is a wrong one"]
pub struct Try(());

impl Tries {
    /// What was tried is not known: as if that had been as much as is free.
    pub fn unknown() -> Self {
        Self { wrong: FREE, since_wrong_ms: 0 }
    }

    /// Time passed.
    pub fn passes(&mut self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.since_wrong_ms = self.since_wrong_ms.saturating_add(ms);
        let forgiven = self.since_wrong_ms / u64::try_from(FORGIVEN.as_millis()).unwrap_or(u64::MAX);
        if forgiven > 0 && self.pause().is_none() {
            self.wrong = self.wrong.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
            self.since_wrong_ms = 0;
        }
    }

    /// How long nothing is tried.
    pub fn pause(&self) -> Option<Duration> {
        let doublings = self.wrong.checked_sub(FREE + 1)?;
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
        pause.checked_sub(Duration::from_millis(self.since_wrong_ms)).filter(|left| !left.is_zero())
    }

    /// Begins a try: what this is now has to be on disk before the PIN is looked at.
    ///
    /// # Errors
    /// Too many were wrong: not before that time is over.
    pub fn begin(&mut self) -> Result<Try, Duration> {
        match self.pause() {
            Some(pause) => Err(pause),
            None => {
                *self = Self { wrong: self.wrong.saturating_add(1), since_wrong_ms: 0 };
                Ok(Try(()))
            }
        }
    }

    /// Looks at a PIN. What can't be one (too short, letters) is nobody's try, and costs nothing.
    pub fn settle(&mut self, _try: Try, pin: &Pin, digits: &str) -> bool {
        if !LENGTH.contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.wrong = self.wrong.saturating_sub(1);
            return false;
        }
        let right = pin.is(digits);
        if right {
            *self = Self::default();
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "48291573";

    fn tries(tries: &mut Tries, pin: &Pin, digits: &str) -> Result<bool, Duration> {
        let begun = tries.begin()?;
        Ok(tries.settle(begun, pin, digits))
    }

    #[test]
    fn a_pin_is_kept_as_what_nobody_can_read() {
        let pin = Pin::keep(RIGHT, &[7; 16]).unwrap();
        assert!(pin.as_str().starts_with("$argon2id$v=19$m=32768,t=3,p=1$") && !pin.as_str().contains(RIGHT));
        assert_eq!(format!("{pin:?}"), "Pin(***)");
        assert_eq!(Pin::try_from(pin.as_str().to_owned()).unwrap(), pin);
        assert_ne!(
            Pin::keep(RIGHT, &[8; 16]).unwrap(),
            pin,
            "two centers with one PIN are not seen to have it"
        );
        for weak in [
            "",
            "482915",
            "11111111",
            "12345678",
            "98765432",
            "1234567890123",
            "4829157x",
            "４８２９１５７３",
        ] {
            assert_eq!(Pin::keep(weak, &[7; 16]).unwrap_err(), PinError::Weak, "{weak}");
        }
        // What no PIN opens, or what one try of takes for ever, is no way out.
        let (before, _) = pin.as_str().rsplit_once('$').unwrap();
        let cheap = pin.as_str().replace("m=32768,t=3", "m=8,t=1");
        let dear = pin.as_str().replace("m=32768", "m=4294967295");
        let other = pin.as_str().replace("argon2id", "argon2i");
        let short = pin.as_str()[..pin.as_str().len() - 8].to_owned();
        for text in ["", RIGHT, "$argon2id$", "$argon2id", before, &cheap, &dear, &other, &short] {
            assert_eq!(Pin::try_from(text.to_owned()).unwrap_err(), PinError::Form, "{text}");
        }
    }

    #[test]
    fn who_guesses_waits_and_who_knows_it_does_not_for_long() {
        let pin = Pin::keep(RIGHT, &[7; 16]).unwrap();
        let mut known = Tries::default();
        for _ in 0..=FREE {
            assert_eq!(tries(&mut known, &pin, "00000001"), Ok(false));
        }
        // Even the right one, until the pause is over.
        assert_eq!(tries(&mut known, &pin, RIGHT), Err(FIRST_PAUSE));
        known.passes(FIRST_PAUSE - Duration::from_secs(1));
        assert_eq!(tries(&mut known, &pin, RIGHT), Err(Duration::from_secs(1)));
        // Switched off and on: what was on disk counts, and that is a wrong one from its beginning.
        known.passes(Duration::from_secs(1));
        let _ = known.begin().unwrap();
        let mut again: Tries = serde_json::from_str(&serde_json::to_string(&known).unwrap()).unwrap();
        assert_eq!(again.pause(), Some(FIRST_PAUSE * 2));
        let often = Tries { wrong: u32::MAX, since_wrong_ms: 0 };
        assert_eq!(often.pause(), Some(LONGEST_PAUSE));
        again.passes(LONGEST_PAUSE);
        assert_eq!(tries(&mut again, &pin, RIGHT), Ok(true));
        assert_eq!(again, Tries::default());
        assert_eq!(Tries::unknown().pause(), None);
        assert_eq!(
            {
                let mut one = Tries::unknown();
                let _ = one.begin().unwrap();
                one.pause()
            },
            Some(FIRST_PAUSE)
        );
    }

    #[test]
    fn slips_are_forgiven_and_what_is_no_pin_is_none() {
        let pin = Pin::keep(RIGHT, &[7; 16]).unwrap();
        let mut known = Tries::default();
        for nonsense in ["", "1", "help", "123456789012345"] {
            for _ in 0..10 {
                assert_eq!(tries(&mut known, &pin, nonsense), Ok(false));
            }
        }
        assert_eq!((known.wrong, known.pause()), (0, None));
        // One a day for a month, as candidates press keys.
        for _ in 0..30 {
            assert_eq!(tries(&mut known, &pin, "00000001"), Ok(false));
            for _ in 0..24 {
                known.passes(FORGIVEN);
            }
        }
        assert_eq!(known.wrong, 0);
        for _ in 0..6 {
            while let Some(pause) = known.pause() {
                known.passes(pause);
            }
            assert_eq!(tries(&mut known, &pin, "00000001"), Ok(false));
        }
        // Half an hour forgives nothing, three hours three.
        known.passes(FORGIVEN / 2);
        assert_eq!(known.wrong, 6);
        known.passes(FORGIVEN * 5 / 2);
        assert_eq!(known.wrong, 3);
    }
}
