//! A policy as it is kept: a compact JWS (EdDSA), read only when the signature is right.

use adjourn_protocol::sha256;
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};

use crate::key::{PolicyKey, PolicyKeys, plain};
use crate::policy::{PolicyError, SeatPolicy, VERSION, Version};

/// What the header says that is signed: a receipt is no policy, whoever signed it.
const KIND: &str = "adjourn-seat-policy";
/// Longest file that is read, in bytes.
pub(crate) const LONGEST: usize = 256 << 10;

/// A policy whose signature was checked, for the seat that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedPolicy {
    /// What it says.
    pub policy: SeatPolicy,
    /// SHA-256 of the file's text without space around it, lower-case hex: it is in every record.
    pub digest: String,
    /// The key that signed it.
    pub key: String,
}

/// Why a policy is of no use. Each sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is none, or nobody signed it.
    #[error(
        "this is no signed policy, or one that was damaged: sign it with `adjourn-cli policy sign`, and copy the file as it is"
    )]
    Unsigned,
    /// Nothing of that size is one.
    #[error("the policy is larger than 256 KiB: name fewer seats, or say \"all\"")]
    TooLarge,
    /// Nobody knows who signed it.
    #[error(
        "the policy is signed with a key that this seat does not know ({key}): give the seat that key, or sign with one of its own"
    )]
    UnknownKey {
        /// Its id.
        key: String,
    },
    /// Somebody changed it.
    #[error("the policy's signature is not valid: it was changed after it was signed; sign it anew")]
    BadSignature,
    /// This program is too old for it.
    #[error(
        "the policy is of version {version}, and this program knows version {VERSION}: bring the seat up to date"
    )]
    Newer {
        /// Its version.
        version: u32,
    },
    /// Signed, and nonsense.
    #[error("the policy is signed, and can't be used: {0}")]
    Damaged(String),
    /// It is for later, or the clock is behind.
    #[error(
        "the policy is good from {from} on, and this computer's clock says {now}: wait, or set the clock"
    )]
    NotYet {
        /// From then on.
        from: String,
        /// The clock.
        now: String,
    },
    /// It is over, or the clock is ahead.
    #[error(
        "the policy was good until {until}, and this computer's clock says {now}: sign a newer one, or set the clock"
    )]
    Expired {
        /// Until then.
        until: String,
        /// The clock.
        now: String,
    },
    /// Another one was used since.
    #[error("the policy has serial {serial}, and this seat has used serial {used}: give it the newest one")]
    Older {
        /// Its serial.
        serial: u64,
        /// The newest one that was used.
        used: u64,
    },
    /// It is another center's.
    #[error("the policy is of the center {center}, and this seat is of {own}: give it its own center's")]
    OtherCenter {
        /// Whose.
        center: String,
        /// The seat's.
        own: String,
    },
    /// It is for others.
    #[error(
        "the policy is for other seats of {center}, and this is seat {seat}: name it in `seats`, or give the seat its own policy"
    )]
    OtherSeat {
        /// Whose.
        center: String,
        /// This one.
        seat: String,
    },
}

impl SeatPolicy {
    /// Signs it.
    ///
    /// # Errors
    /// It makes no sense, is too large, or the key can't sign.
    pub fn sign(&self, key: &PolicyKey) -> Result<String, Unusable> {
        self.check().map_err(unusable)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id.clone());
        header.typ = Some(KIND.to_owned());
        let jws =
            encode(&header, self, &key.signing).map_err(|error| Unusable::Damaged(error.to_string()))?;
        if jws.len() <= LONGEST { Ok(jws) } else { Err(Unusable::TooLarge) }
    }
}

fn unusable(error: PolicyError) -> Unusable {
    match error {
        PolicyError::Newer { version } => Unusable::Newer { version },
        error @ (PolicyError::Form { .. } | PolicyError::Value { .. }) => {
            Unusable::Damaged(error.to_string())
        }
    }
}

/// A seat, as its own settings say.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// Its center.
    pub center: &'a str,
    /// Its name there.
    pub name: &'a str,
    /// The serial of the newest policy that it has used; 0 before the first.
    pub used: u64,
}

impl SignedPolicy {
    /// Opens a policy's file for a seat, at that time.
    ///
    /// # Errors
    /// Why it is of no use there and then.
    pub fn open(text: &str, keys: &PolicyKeys, seat: Seat<'_>, now: DateTime<Utc>) -> Result<Self, Unusable> {
        let signed = Self::read(text, keys)?;
        let policy = &signed.policy;
        if policy.center != seat.center {
            let (center, own) = (policy.center.clone(), seat.center.to_owned());
            return Err(Unusable::OtherCenter { center, own });
        }
        if !policy.is_for(seat.name) {
            return Err(Unusable::OtherSeat { center: policy.center.clone(), seat: seat.name.to_owned() });
        }
        if policy.serial < seat.used {
            return Err(Unusable::Older { serial: policy.serial, used: seat.used });
        }
        signed.is_good_at(now)?;
        Ok(signed)
    }

    /// Whether it is good at that time.
    ///
    /// # Errors
    /// It is not yet, or not any more.
    pub fn is_good_at(&self, now: DateTime<Utc>) -> Result<(), Unusable> {
        let SeatPolicy { valid_from, valid_until, .. } = self.policy;
        let said = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
        if now < valid_from {
            return Err(Unusable::NotYet { from: said(valid_from), now: said(now) });
        }
        if now >= valid_until {
            return Err(Unusable::Expired { until: said(valid_until), now: said(now) });
        }
        Ok(())
    }

    /// Reads a policy's file, whosever seat it is for and whenever it is good.
    ///
    /// # Errors
    /// Nobody known signed it, or it makes no sense.
    pub fn read(text: &str, keys: &PolicyKeys) -> Result<Self, Unusable> {
        let jws = plain(text);
        if jws.len() > LONGEST {
            return Err(Unusable::TooLarge);
        }
        let header = decode_header(jws).ok().filter(|header| header.typ.as_deref() == Some(KIND));
        let id = header.ok_or(Unusable::Unsigned)?.kid.unwrap_or_default();
        let key = keys.find(&id).ok_or_else(|| Unusable::UnknownKey {
            key: id.chars().take(64).flat_map(char::escape_debug).collect(),
        })?;
        // Of its times we say ourselves what is wrong, and with which clock.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = decode::<serde_json::Value>(jws, &key, &validation).map_err(|error| {
            // What is signed is read only once the signature is known to be right.
            let signed = matches!(error.kind(), ErrorKind::Json(_) | ErrorKind::Utf8(_));
            if signed { Unusable::Damaged(error.to_string()) } else { Unusable::BadSignature }
        })?;
        let damaged = |error: serde_json::Error| Unusable::Damaged(error.to_string());
        let Version { version } = serde_json::from_value(claims.claims.clone()).map_err(damaged)?;
        if version > VERSION {
            return Err(Unusable::Newer { version });
        }
        let policy: SeatPolicy = serde_json::from_value(claims.claims).map_err(damaged)?;
        policy.check().map_err(unusable)?;
        Ok(Self { policy, digest: sha256(jws.as_bytes()), key: id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::tests::USUAL;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const HERE: Seat<'_> = Seat { center: "berlin-mitte", name: "B-07", used: 3 };
    const TODAY: &str = "2026-12-01T08:00:00Z";

    #[test]
    fn a_policy_is_good_at_its_seats_in_its_time_by_its_key() {
        let key = PolicyKey::generate().unwrap();
        let policy = SeatPolicy::from_toml(USUAL).unwrap();
        let jws = policy.sign(&key).unwrap();
        let keys = key.public();
        let opened = SignedPolicy::open(&format!("\u{feff}\n{jws}\r\n"), &keys, HERE, at(TODAY)).unwrap();
        assert_eq!((&opened.policy, &opened.digest), (&policy, &sha256(jws.as_bytes())));
        let refused = |text: &str, keys: &PolicyKeys, seat: Seat<'_>, now: &str| {
            SignedPolicy::open(text, keys, seat, at(now)).unwrap_err()
        };
        assert!(matches!(
            refused(&jws, &keys, Seat { name: "B-09", ..HERE }, TODAY),
            Unusable::OtherSeat { .. }
        ));
        let elsewhere = Seat { center: "munich", ..HERE };
        assert!(matches!(refused(&jws, &keys, elsewhere, TODAY), Unusable::OtherCenter { .. }));
        let older = Unusable::Older { serial: 3, used: 4 };
        assert_eq!(refused(&jws, &keys, Seat { used: 4, ..HERE }, TODAY), older);
        // A clock that is years off says so itself.
        let expired = refused(&jws, &keys, HERE, "2031-01-01T00:00:00Z").to_string();
        assert!(expired.contains("clock says 2031-01-01 00:00 UTC"), "{expired}");
        assert!(matches!(refused(&jws, &keys, HERE, "1970-01-02T00:00:00Z"), Unusable::NotYet { .. }));
        let other = PolicyKey::generate().unwrap().public();
        assert!(matches!(refused(&jws, &other, HERE, TODAY), Unusable::UnknownKey { .. }));
        for unsigned in ["", USUAL, "a.b.c", &serde_json::to_string(&policy).unwrap()] {
            assert_eq!(refused(unsigned, &keys, HERE, TODAY), Unusable::Unsigned, "{unsigned}");
        }
    }

    #[test]
    fn what_another_program_signed_or_a_newer_one_is_none() {
        let key = PolicyKey::generate().unwrap();
        let signed = |typ: &str, claims: serde_json::Value| {
            let mut header = Header::new(Algorithm::EdDSA);
            (header.kid, header.typ) = (Some(key.id.clone()), Some(typ.to_owned()));
            encode(&header, &claims, &key.signing).unwrap()
        };
        let read = |text: &str| SignedPolicy::read(text, &key.public()).unwrap_err();
        let policy = serde_json::to_value(SeatPolicy::from_toml(USUAL).unwrap()).unwrap();
        assert_eq!(
            read(&signed("JWT", policy.clone())),
            Unusable::Unsigned,
            "the same key may sign other things"
        );
        let newer = serde_json::json!({"version": 2, "what": "nobody knows yet"});
        assert_eq!(read(&signed(KIND, newer)), Unusable::Newer { version: 2 });
        for odd in [serde_json::json!({}), serde_json::json!({"version": 1}), serde_json::json!([1])] {
            assert!(matches!(read(&signed(KIND, odd)), Unusable::Damaged(_)));
        }
        // Signed by a program that checks less than this one.
        let mut locked_in = policy;
        locked_in["escapes"] = serde_json::json!({"pin": null, "remote": true, "unusable_minutes": null});
        assert!(matches!(read(&signed(KIND, locked_in)), Unusable::Damaged(_)));
    }

    #[test]
    fn what_can_not_be_read_is_not_signed() {
        let key = PolicyKey::generate().unwrap();
        let mut policy = SeatPolicy::from_toml(USUAL).unwrap();
        policy.devices.microphone = Some("x".repeat(300));
        policy.languages = vec!["en".to_owned(); 32];
        policy.seats = crate::Seats::Named((0..2_000).map(|n| format!("{n:064}")).collect());
        let signed = policy.sign(&key).unwrap();
        assert!(SignedPolicy::read(&signed, &key.public()).is_ok(), "the largest there is");
        let larger = "x".repeat(LONGEST + 1);
        assert_eq!(SignedPolicy::read(&larger, &key.public()), Err(Unusable::TooLarge));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_changed_is_noticed(place in 0_usize..1_000, with in "[A-Za-z0-9_.-]") {
            let key = PolicyKey::generate().unwrap();
            let jws = SeatPolicy::from_toml(USUAL).unwrap().sign(&key).unwrap();
            let place = place % jws.len();
            let mut changed = jws.clone();
            changed.replace_range(place..=place, &with);
            // One that meant the same bytes would have another digest.
            prop_assert!(changed == jws || SignedPolicy::read(&changed, &key.public()).is_err(), "{place} {with}");
        }
    }
}
