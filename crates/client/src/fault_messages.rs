//! Which sentence tells a fault of another crate.

use adjourn_audio::AudioError;
use adjourn_outbox::{BackendError, OutboxError, Quarantined};
use adjourn_protocol::LinkError;
use adjourn_room::Refusal;
use adjourn_session::PolicyError;

use crate::Message;

impl From<&LinkError> for Message {
    fn from(error: &LinkError) -> Self {
        match error {
            LinkError::NotALink => Self::NotALink,
            LinkError::Incomplete(part) => Self::LinkIncomplete { part: (*part).to_owned() },
            LinkError::BadServer(server) => Self::LinkBadServer { server: server.clone() },
            LinkError::Unencrypted(host) => Self::LinkUnencrypted { host: host.clone() },
            LinkError::BadCode => Self::LinkBadCode,
        }
    }
}

impl From<&BackendError> for Message {
    fn from(error: &BackendError) -> Self {
        match error {
            BackendError::Unreachable { host } => Self::BackendUnreachable { host: host.clone() },
            BackendError::Untrusted { host } => Self::BackendUntrusted { host: host.clone() },
            BackendError::Unusable { host, detail, retry_after: _ } => {
                Self::BackendUnusable { host: host.clone(), detail: detail.clone() }
            }
            BackendError::UnknownCode { host } => Self::CodeUnknown { host: host.clone() },
            BackendError::CodeUsed => Self::CodeUsed,
            BackendError::NotOpen
            | BackendError::Erased(_)
            | BackendError::NothingAssigned
            | BackendError::NoReplacement(_) => Self::InterviewNotOpen,
            BackendError::TooMany { retry_after: _ } => Self::TooManyWrongCodes,
            BackendError::NoSuch { host } => Self::InterviewUnknown { host: host.clone() },
            BackendError::Unauthorised => Self::SessionRefused,
            BackendError::RecordExists(receipt) => Self::RecordExists { receipt: receipt.clone() },
            BackendError::Refused(detail) => Self::RecordRefused { detail: detail.clone() },
        }
    }
}

impl From<&OutboxError> for Message {
    fn from(error: &OutboxError) -> Self {
        match error {
            OutboxError::Unwritable { path, reason } => {
                Self::JournalUnwritable { path: path.display().to_string(), reason: reason.clone() }
            }
            OutboxError::InUse(_) => Self::AlreadyRunning,
            OutboxError::OtherRecord => Self::OtherRecord,
            OutboxError::Database(error) => Self::JournalFailed { detail: error.to_string() },
            OutboxError::Unreadable(detail) => Self::JournalUnreadable { detail: detail.clone() },
            // Of a seat: its staff reads it in the log.
            OutboxError::Sealed => Self::JournalUnreadable { detail: error.to_string() },
            OutboxError::NoRandomness(detail) => Self::NoRandomNumbers { detail: detail.clone() },
        }
    }
}

impl From<&Quarantined> for Message {
    fn from(quarantined: &Quarantined) -> Self {
        match quarantined {
            Quarantined::File(path) => Self::JournalPutAside { path: path.display().to_string() },
            Quarantined::Rows(count) => {
                Self::EntriesPutAside { count: u64::try_from(*count).unwrap_or(u64::MAX) }
            }
            Quarantined::Records(_) => Self::ReportMadeAgain,
        }
    }
}

impl From<&AudioError> for Message {
    fn from(error: &AudioError) -> Self {
        match error {
            AudioError::NoMicrophone => Self::NoMicrophone,
            AudioError::NoSpeaker => Self::NoLoudspeaker,
            AudioError::Missing(device) => Self::DeviceMissing { device: device.clone() },
            AudioError::System(detail) => Self::SoundSystemSilent { detail: detail.clone() },
            AudioError::Hangs => Self::SoundSystemHangs,
            AudioError::Denied => Self::DeviceDenied,
            AudioError::Unusable(detail) => Self::DeviceUnusable { detail: detail.clone() },
            AudioError::File(detail) => Self::SoundFileUnusable { detail: detail.clone() },
        }
    }
}

impl From<&PolicyError> for Message {
    fn from(error: &PolicyError) -> Self {
        Self::SettingsUnusable { detail: error.to_string() }
    }
}

impl From<Refusal> for Message {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchRoom => Self::RoomNotOpen,
            Refusal::NoSuchServer => Self::RoomNotThere,
            Refusal::ClosedWhileJoining => Self::RoomClosedWhileJoining,
            Refusal::TokenExpired => Self::AdmissionExpired,
            Refusal::TokenNotYetValid => Self::AdmissionNotYetValid,
            Refusal::TokenRefused => Self::AdmissionRefused,
            Refusal::ServerFailed => Self::RoomServerFailed,
            Refusal::AddressNotFound => Self::RoomAddressNotFound,
            Refusal::NotListening => Self::RoomServerRefuses,
            Refusal::Untrusted => Self::RoomServerUntrusted,
            Refusal::Other => Self::RoomNotEntered,
        }
    }
}
