//! The seat of a test center that an interview was held at, as its record has it.

use serde::{Deserialize, Serialize};

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LockLevel {
    /// Something is open, or it is not known whether it is.
    Unsupported,
    /// Something is weaker than it should be, and is known and told.
    Detected,
    /// Nothing leads out of the window.
    Enforced,
}

impl LockLevel {
    /// Its name, as a policy has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Detected => "detected",
            Self::Enforced => "enforced",
        }
    }
}

/// What keeps a seat from a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// Something could not be found out.
    Unknown,
    /// A desktop is behind the window.
    Desktop,
    /// Another program could cover the window, and read what is typed.
    BareX11,
    /// It does not cover the screen.
    NotFullscreen,
    /// There is another screen.
    SecondScreen,
    /// There is none.
    NoScreen,
    /// A way out of the page is open.
    PageNotGuarded,
    /// The page can be looked into.
    Devtools,
    /// Other consoles can be switched to.
    Consoles,
    /// The computer is one within another.
    VirtualMachine,
    /// Somebody sits elsewhere.
    RemoteSession,
    /// There is another keyboard.
    SecondKeyboard,
    /// A disk was plugged in.
    NewStorage,
}

impl Weakness {
    /// Its name, as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Desktop => "desktop",
            Self::BareX11 => "bare_x11",
            Self::NotFullscreen => "not_fullscreen",
            Self::SecondScreen => "second_screen",
            Self::NoScreen => "no_screen",
            Self::PageNotGuarded => "page_not_guarded",
            Self::Devtools => "devtools",
            Self::Consoles => "consoles",
            Self::VirtualMachine => "virtual_machine",
            Self::RemoteSession => "remote_session",
            Self::SecondKeyboard => "second_keyboard",
            Self::NewStorage => "new_storage",
        }
    }

    /// The highest level that it leaves.
    pub fn leaves(self) -> LockLevel {
        match self {
            // What somebody does there is not seen.
            Self::Unknown
            | Self::PageNotGuarded
            | Self::Devtools
            | Self::Consoles
            | Self::RemoteSession
            | Self::NoScreen => LockLevel::Unsupported,
            Self::Desktop
            | Self::BareX11
            | Self::NotFullscreen
            | Self::SecondScreen
            | Self::VirtualMachine
            | Self::SecondKeyboard
            | Self::NewStorage => LockLevel::Detected,
        }
    }
}

/// A seat, as it was when the interview was joined, or when that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatNote {
    /// Its center.
    pub center: String,
    /// Its name there.
    pub seat: String,
    /// SHA-256 of its signed policy's text, lower-case hex.
    pub policy: String,
    /// How far it was locked.
    pub lock: LockLevel,
    /// What kept it from being locked further.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weak: Vec<Weakness>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_as_it_is_said() {
        use Weakness as W;
        let all = [
            W::Unknown,
            W::Desktop,
            W::BareX11,
            W::NotFullscreen,
            W::SecondScreen,
            W::NoScreen,
            W::PageNotGuarded,
            W::Devtools,
            W::Consoles,
            W::VirtualMachine,
            W::RemoteSession,
            W::SecondKeyboard,
            W::NewStorage,
        ];
        for weakness in all {
            assert_eq!(serde_json::to_value(weakness).unwrap(), weakness.as_str());
        }
        for level in [LockLevel::Unsupported, LockLevel::Detected, LockLevel::Enforced] {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
    }
}
