//! Errors as the backend answers them.

use serde::{Deserialize, Serialize};

/// Codes with their words: an enum, the list of all, and each one's word, out of one table.
macro_rules! problem_codes {
    ($($(#[$doc:meta])* $code:ident = $word:literal,)*) => {
        /// What is wrong, as a stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $word)] $code,)*
            /// A word of another version, or of another program: it settles nothing.
            #[serde(other)]
            Newer,
        }

        impl ProblemCode {
            /// Every one that this version answers with.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $word,)*
                    Self::Newer => "newer",
                }
            }
        }
    };
}

problem_codes! {
    /// `Content-Digest` is missing or is not of the body.
    BadDigest = "bad_digest",
    /// LiveKit's webhook can't be read.
    BadEvent = "bad_event",
    /// A webhook can't be made so.
    BadHook = "bad_hook",
    /// An identity or a presence that LiveKit would not give.
    BadIdentity = "bad_identity",
    /// An interview can't be made so.
    BadInterview = "bad_interview",
    /// A turn lacks its id, its text or who said it.
    BadItem = "bad_item",
    /// A join's id is none.
    BadJoinId = "bad_join_id",
    /// The body is not the JSON that is wanted.
    BadJson = "bad_json",
    /// A center's or a seat's name is none.
    BadName = "bad_name",
    /// An order to a seat is none.
    BadOrder = "bad_order",
    /// The query can't be read.
    BadQuery = "bad_query",
    /// A record is none: the same bytes will never be taken.
    BadRecord = "bad_record",
    /// A webhook can't be replayed so.
    BadReplay = "bad_replay",
    /// The request can't be read.
    BadRequest = "bad_request",
    /// A roster can't be read.
    BadRoster = "bad_roster",
    /// What a seat tells is not usable.
    BadState = "bad_state",
    /// The body broke off.
    BrokeOff = "broke_off",
    /// The server can't do it right now.
    Busy = "busy",
    /// The code was used.
    CodeUsed = "code_used",
    /// What comes after the cursor was forgotten: events are kept for a stated time.
    CursorForgotten = "cursor_forgotten",
    /// The database does not answer.
    Database = "database",
    /// The interview was erased.
    Erased = "erased",
    /// The interview goes on: it can't be erased.
    GoesOn = "goes_on",
    /// The server failed.
    Internal = "internal",
    /// LiveKit does not answer.
    LivekitUnavailable = "livekit_unavailable",
    /// There is no such record.
    NoRecord = "no_record",
    /// No interviewer may be replaced any more.
    NoReplacementLeft = "no_replacement_left",
    /// A roster has no such entry.
    NoSuchEntry = "no_such_entry",
    /// There is no such webhook.
    NoSuchHook = "no_such_hook",
    /// That can't be done here.
    NoSuchMethod = "no_such_method",
    /// There is nothing here.
    NoSuchPage = "no_such_page",
    /// There is no such seat.
    NoSuchSeat = "no_such_seat",
    /// There is no such interview.
    NotFound = "not_found",
    /// The seat or the entry is taken.
    NotFree = "not_free",
    /// The interview is not held at this seat.
    NotHeld = "not_held",
    /// The interview is not open.
    NotOpen = "not_open",
    /// The server is not ready.
    NotReady = "not_ready",
    /// That one does not serve the interview.
    NotTheInterviewer = "not_the_interviewer",
    /// Nobody is assigned to the seat.
    NothingAssigned = "nothing_assigned",
    /// LiveKit's webhook is too old.
    OldEvent = "old_event",
    /// It is another center's.
    OtherCenter = "other_center",
    /// The seat was started anew meanwhile.
    OtherLife = "other_life",
    /// The key may not do this.
    OutOfScope = "out_of_scope",
    /// It is over.
    Over = "over",
    /// There is another record already.
    RecordExists = "record_exists",
    /// The room is open.
    RoomOpen = "room_open",
    /// The room is not known.
    RoomUnknown = "room_unknown",
    /// The body is too large.
    TooLarge = "too_large",
    /// Asked too often, or by too many at a time.
    TooMany = "too_many",
    /// There are too many webhooks.
    TooManyHooks = "too_many_hooks",
    /// There are too many turns of this attempt.
    TooManyItems = "too_many_items",
    /// There are too many orders to this seat.
    TooManyOrders = "too_many_orders",
    /// There are too many records of this attempt.
    TooManyRecords = "too_many_records",
    /// There are too many seats.
    TooManySeats = "too_many_seats",
    /// There are too many secrets.
    TooManySecrets = "too_many_secrets",
    /// The body came too slowly.
    TooSlow = "too_slow",
    /// The key or token is missing, wrong, or ran out.
    Unauthorised = "unauthorised",
    /// There is no such code.
    UnknownCode = "unknown_code",
    /// The cursor is not one of this server's.
    UnknownCursor = "unknown_cursor",
}

impl ProblemCode {
    /// Whether the same record will be answered so again, whoever sends it and whenever: it is set aside, and not tried again. The agent
    /// packages have the same list (`crates/protocol/tests/golden/problem-codes.json`).
    pub fn refuses_a_record(self) -> bool {
        matches!(self, Self::BadRecord | Self::RecordExists | Self::TooLarge | Self::TooManyRecords)
    }
}

/// An error answer (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable code.
    pub code: ProblemCode,
    /// One sentence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Id of the receipt that exists already (`record_exists`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_word_and_a_strange_word_settles_nothing() {
        for code in ProblemCode::ALL {
            let word = serde_json::to_string(code).unwrap();
            assert_eq!(word, format!("{:?}", code.as_str()));
            assert_eq!(serde_json::from_str::<ProblemCode>(&word).unwrap(), *code);
        }
        let newer: ProblemCode = serde_json::from_str("\"of_a_later_version\"").unwrap();
        assert_eq!(newer, ProblemCode::Newer);
        assert!(!newer.refuses_a_record());
    }
}
