//! Why a room could not be entered, read out of what the SDK says: LiveKit gives no codes, only texts. Each was seen with
//! livekit-server 1.13.5 (scenarios `bad-join:*`, `max-participants`) or with LiveKit's own mock server (`tests/joining.rs`).

/// What kept us out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The room was deleted or never made.
    NoSuchRoom,
    /// There is no LiveKit at that address.
    NoSuchServer,
    /// The server hung up meanwhile.
    ClosedWhileJoining,
    /// The token has run out.
    TokenExpired,
    /// The token is not valid yet: clocks differ.
    TokenNotYetValid,
    /// The token is not accepted.
    TokenRefused,
    /// The server failed. A full room too: the SDK passes on no more than that.
    ServerFailed,
    /// The server's name is not known.
    AddressNotFound,
    /// Nobody listens there.
    NotListening,
    /// The server can't prove that it is the right one.
    Untrusted,
    /// Something else.
    Other,
}

/// A room that could not be entered. The text carries no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct ConnectError {
    /// Why.
    pub refusal: Refusal,
    /// A server was reached, and answered that it can't. A 4xx may be a proxy's of the candidate's own network.
    pub turned_away: bool,
    /// What the SDK said, for engineers.
    said: String,
}

impl ConnectError {
    /// Reads what the SDK said.
    pub fn of(said: String) -> Self {
        const SEEN: &[(&str, Refusal)] = &[
            ("requested room does not exist", Refusal::NoSuchRoom),
            ("client error: 404", Refusal::NoSuchServer),
            ("transport closed", Refusal::ClosedWhileJoining),
            ("token is expired", Refusal::TokenExpired),
            ("not valid yet", Refusal::TokenNotYetValid),
            ("client error: 401", Refusal::TokenRefused),
            ("500 Internal Server Error", Refusal::ServerFailed),
            ("failed to lookup address", Refusal::AddressNotFound),
            ("Connection refused", Refusal::NotListening),
            ("certificate", Refusal::Untrusted),
        ];
        let known = SEEN.iter().find(|(part, _)| said.contains(part));
        let refusal = known.map_or(Refusal::Other, |(_, refusal)| *refusal);
        Self { refusal, turned_away: said.contains("server error: 5"), said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sdk_says_is_read() {
        let of = |said: &str| ConnectError::of(said.to_owned());
        let gone = of("engine: signal failure: client error: 404 requested room does not exist");
        assert_eq!((gone.refusal, gone.turned_away), (Refusal::NoSuchRoom, false));
        let failed = of("engine: signal failure: server error: 500 Internal Server Error");
        assert_eq!((failed.refusal, failed.turned_away), (Refusal::ServerFailed, true));
        assert_eq!(of("something new").refusal, Refusal::Other);
        assert_eq!(of("something new").to_string(), "something new");
    }
}
