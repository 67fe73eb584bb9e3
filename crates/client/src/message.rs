//! What a candidate is told: which sentence, and what it names. The sentences themselves are in the catalogue
//! (`ui/locales/en/client.ftl`), under the name of the variant; the page and the terminal read them from there.

use adjourn_audio::AudioError;
use adjourn_outbox::{BackendError, OutboxError, Quarantined};
use adjourn_protocol::LinkError;
use adjourn_room::Refusal;
use adjourn_session::PolicyError;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One sentence, or two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "id", content = "args", rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[ts(export, export_to = "Message.ts")]
#[expect(missing_docs, reason = "the sentence of each is in the catalogue, which says it better")]
pub enum Message {
    // A link, and its host.
    NotALink,
    LinkIncomplete {
        part: String,
    },
    LinkBadServer {
        server: String,
    },
    LinkUnencrypted {
        host: String,
    },
    LinkBadCode,
    // The backend.
    BackendUnreachable {
        host: String,
    },
    BackendUntrusted {
        host: String,
    },
    BackendUnusable {
        host: String,
        detail: String,
    },
    CodeUnknown {
        host: String,
    },
    CodeUsed,
    InterviewNotOpen,
    TooManyWrongCodes,
    InterviewUnknown {
        host: String,
    },
    SessionRefused,
    RecordExists {
        receipt: String,
    },
    RecordRefused {
        detail: String,
    },
    // What is kept on this computer.
    JournalUnwritable {
        path: String,
        reason: String,
    },
    AlreadyRunning,
    OtherRecord,
    JournalFailed {
        detail: String,
    },
    JournalUnreadable {
        detail: String,
    },
    NoRandomNumbers {
        detail: String,
    },
    JournalPutAside {
        path: String,
    },
    EntriesPutAside {
        #[ts(type = "number")]
        count: u64,
    },
    ReportMadeAgain,
    // Devices.
    NoMicrophone,
    NoLoudspeaker,
    DeviceDenied,
    DeviceUnusable {
        detail: String,
    },
    DeviceMissing {
        device: String,
    },
    DeviceAway {
        device: String,
    },
    SoundSystemSilent {
        detail: String,
    },
    SoundFileUnusable {
        detail: String,
    },
    // What the device check finds.
    SayAFewWords,
    HearYou,
    VoiceCutOff,
    RoomIsLoud,
    PlayTheChime,
    DidYouHearIt,
    ChimeHeard,
    ChimeNotHeard,
    EchoHeard,
    EchoStays,
    TryingConnection,
    ConnectionGood {
        ms: u32,
    },
    ConnectionSlow {
        ms: u32,
    },
    ConnectionLossy {
        percent: u32,
    },
    ConnectionByTcp,
    ConnectionNotTried,
    // Joining.
    SettingsUnusable {
        detail: String,
    },
    AlreadyEnded,
    EndedHere,
    JoinUnanswered,
    RoomUnreachable,
    PartFailed,
    RoomNotOpen,
    RoomNotThere,
    RoomClosedWhileJoining,
    AdmissionExpired,
    AdmissionNotYetValid,
    AdmissionRefused,
    RoomServerFailed,
    RoomAddressNotFound,
    RoomServerRefuses,
    RoomServerUntrusted,
    RoomNotEntered,
    Incomplete {
        detail: String,
    },
    NoFolder,
    // Something to know.
    AnotherEnds,
    OneAtATime,
    AfterThis,
    NothingToCopy,
    Copied {
        path: String,
    },
    CopyUnwritable {
        folder: String,
        reason: String,
    },
    NotJournaled,
    Unfinished,
    EarlierReceived {
        receipt: String,
    },
    EarlierRefused,
    // What goes on.
    OpeningDevices,
    Connecting,
    Reconnecting,
    PersonTookOver {
        person: String,
    },
    LongWait,
    InterviewerSoon,
    CheckingOnInterviewer,
    InterviewerGone,
    Muted,
    MutedInSystem,
    LoudspeakerMuted,
    StaysMuted,
    LoudspeakerStaysMuted,
    LoudspeakerStands,
    HoldToTalk,
    MicrophoneSilent,
    Listening,
    Thinking,
    Speaking,
    // Numbers about sound.
    FigureMicrophone {
        device: String,
        rate: u32,
        channels: u32,
        buffer: u32,
    },
    FigureLoudspeaker {
        device: String,
        rate: u32,
        channels: u32,
        buffer: u32,
    },
    FigureCaptureLost {
        ms: u32,
    },
    FigurePlaybackGaps {
        count: u32,
    },
    FigurePlaybackSkipped {
        ms: u32,
    },
    FigureClockDrift {
        ppm: i32,
    },
    FigureRoundTrip {
        ms: u32,
    },
    FigureSentLost {
        percent: u32,
    },
    FigureReceivedLost {
        percent: u32,
    },
    FigureJitterBuffer {
        ms: u32,
    },
    FigureConcealed {
        percent: u32,
    },
    // What is asked.
    AskGoingOn,
    AskOver,
    WhyAskedSilent,
    WhyAskedOver,
    WhyAskedClosed,
    WhyAskedPerson {
        person: String,
    },
    WhyAskedSomebody,
    AnswerKeepWaiting,
    AnswerGoingOn,
    // The end.
    EndFinished,
    EndByYou,
    EndNeverStarted,
    EndConnectionLost,
    EndEnded,
    EndClosed,
    EndElsewhere,
    EndTimeOver,
    EndInterrupted,
    BecauseFinished,
    BecauseFullTime,
    BecauseOfYou,
    BecauseNobodyCame,
    BecauseConnectionLost,
    BecauseRoomRestarted,
    BecauseTurnedAway,
    BecauseSessionClosed,
    BecauseInterviewerLeft,
    BecauseRoomClosed,
    BecauseOrganiserClosed,
    BecauseElsewhere,
    BecauseNoAnswer,
    BecauseTimeLimit,
    BecauseClosedHere,
    BecauseInterviewerLost,
    BecauseInterviewerSilent,
    BecauseInterviewerFailed,
    BecauseRemoved,
    BecausePartFailed,
    NextNothing,
    NextOrganiser,
    NextTryAgain,
    NextElsewhere,
    NextWait,
    NextOpenAgain,
    NextSaveCopy,
    NextLeaveOpen,
    NextOnlyCopy,
    SignEndTool {
        tool: String,
    },
    SignEndToolBegan {
        tool: String,
    },
    SignTaskDone,
    SignReport,
    SignEndMarker,
    SignOrganiser,
    SignFullTime,
    SignSessionAnswered,
    SignProgramAnswered,
    SignReceived,
    Confirmed,
    // Where the record is.
    DeliverySaving,
    DeliverySending,
    DeliverySaved,
    DeliveryParked,
    DeliveryUnsaved,
    DeliveryRefused,
    DeliveryReceived,
}

impl Message {
    /// Its name in the catalogue.
    pub fn id(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["id"].as_str().unwrap_or_default().to_owned()
    }

    /// One of each, with arguments of no meaning: for code that needs all names.
    pub fn one_of_each() -> Vec<Self> {
        let text = || "…".to_owned();
        vec![
            Self::NotALink,
            Self::LinkIncomplete { part: text() },
            Self::LinkBadServer { server: text() },
            Self::LinkUnencrypted { host: text() },
            Self::LinkBadCode,
            Self::BackendUnreachable { host: text() },
            Self::BackendUntrusted { host: text() },
            Self::BackendUnusable { host: text(), detail: text() },
            Self::CodeUnknown { host: text() },
            Self::CodeUsed,
            Self::InterviewNotOpen,
            Self::TooManyWrongCodes,
            Self::InterviewUnknown { host: text() },
            Self::SessionRefused,
            Self::RecordExists { receipt: text() },
            Self::RecordRefused { detail: text() },
            Self::JournalUnwritable { path: text(), reason: text() },
            Self::AlreadyRunning,
            Self::OtherRecord,
            Self::JournalFailed { detail: text() },
            Self::JournalUnreadable { detail: text() },
            Self::NoRandomNumbers { detail: text() },
            Self::JournalPutAside { path: text() },
            Self::EntriesPutAside { count: 2 },
            Self::ReportMadeAgain,
            Self::NoMicrophone,
            Self::NoLoudspeaker,
            Self::DeviceDenied,
            Self::DeviceUnusable { detail: text() },
            Self::DeviceMissing { device: text() },
            Self::DeviceAway { device: text() },
            Self::SayAFewWords,
            Self::HearYou,
            Self::VoiceCutOff,
            Self::RoomIsLoud,
            Self::PlayTheChime,
            Self::DidYouHearIt,
            Self::ChimeHeard,
            Self::ChimeNotHeard,
            Self::EchoHeard,
            Self::EchoStays,
            Self::TryingConnection,
            Self::ConnectionGood { ms: 40 },
            Self::ConnectionSlow { ms: 400 },
            Self::ConnectionLossy { percent: 8 },
            Self::ConnectionByTcp,
            Self::ConnectionNotTried,
            Self::SoundSystemSilent { detail: text() },
            Self::SoundFileUnusable { detail: text() },
            Self::SettingsUnusable { detail: text() },
            Self::AlreadyEnded,
            Self::EndedHere,
            Self::JoinUnanswered,
            Self::RoomUnreachable,
            Self::PartFailed,
            Self::RoomNotOpen,
            Self::RoomNotThere,
            Self::RoomClosedWhileJoining,
            Self::AdmissionExpired,
            Self::AdmissionNotYetValid,
            Self::AdmissionRefused,
            Self::RoomServerFailed,
            Self::RoomAddressNotFound,
            Self::RoomServerRefuses,
            Self::RoomServerUntrusted,
            Self::RoomNotEntered,
            Self::Incomplete { detail: text() },
            Self::NoFolder,
            Self::AnotherEnds,
            Self::OneAtATime,
            Self::AfterThis,
            Self::NothingToCopy,
            Self::Copied { path: text() },
            Self::CopyUnwritable { folder: text(), reason: text() },
            Self::NotJournaled,
            Self::Unfinished,
            Self::EarlierReceived { receipt: text() },
            Self::EarlierRefused,
            Self::OpeningDevices,
            Self::Connecting,
            Self::Reconnecting,
            Self::PersonTookOver { person: text() },
            Self::LongWait,
            Self::InterviewerSoon,
            Self::CheckingOnInterviewer,
            Self::InterviewerGone,
            Self::Muted,
            Self::MutedInSystem,
            Self::LoudspeakerMuted,
            Self::StaysMuted,
            Self::LoudspeakerStaysMuted,
            Self::LoudspeakerStands,
            Self::HoldToTalk,
            Self::MicrophoneSilent,
            Self::Listening,
            Self::Thinking,
            Self::Speaking,
            Self::FigureMicrophone { device: text(), rate: 48_000, channels: 2, buffer: 10 },
            Self::FigureLoudspeaker { device: text(), rate: 48_000, channels: 2, buffer: 20 },
            Self::FigureCaptureLost { ms: 0 },
            Self::FigurePlaybackGaps { count: 0 },
            Self::FigurePlaybackSkipped { ms: 0 },
            Self::FigureClockDrift { ppm: -20 },
            Self::FigureRoundTrip { ms: 50 },
            Self::FigureSentLost { percent: 0 },
            Self::FigureReceivedLost { percent: 0 },
            Self::FigureJitterBuffer { ms: 40 },
            Self::FigureConcealed { percent: 0 },
            Self::AskGoingOn,
            Self::AskOver,
            Self::WhyAskedSilent,
            Self::WhyAskedOver,
            Self::WhyAskedClosed,
            Self::WhyAskedPerson { person: text() },
            Self::WhyAskedSomebody,
            Self::AnswerKeepWaiting,
            Self::AnswerGoingOn,
            Self::EndFinished,
            Self::EndByYou,
            Self::EndNeverStarted,
            Self::EndConnectionLost,
            Self::EndEnded,
            Self::EndClosed,
            Self::EndElsewhere,
            Self::EndTimeOver,
            Self::EndInterrupted,
            Self::BecauseFinished,
            Self::BecauseFullTime,
            Self::BecauseOfYou,
            Self::BecauseNobodyCame,
            Self::BecauseConnectionLost,
            Self::BecauseRoomRestarted,
            Self::BecauseTurnedAway,
            Self::BecauseSessionClosed,
            Self::BecauseInterviewerLeft,
            Self::BecauseRoomClosed,
            Self::BecauseOrganiserClosed,
            Self::BecauseElsewhere,
            Self::BecauseNoAnswer,
            Self::BecauseTimeLimit,
            Self::BecauseClosedHere,
            Self::BecauseInterviewerLost,
            Self::BecauseInterviewerSilent,
            Self::BecauseInterviewerFailed,
            Self::BecauseRemoved,
            Self::BecausePartFailed,
            Self::NextNothing,
            Self::NextOrganiser,
            Self::NextTryAgain,
            Self::NextElsewhere,
            Self::NextWait,
            Self::NextOpenAgain,
            Self::NextSaveCopy,
            Self::NextLeaveOpen,
            Self::NextOnlyCopy,
            Self::SignEndTool { tool: text() },
            Self::SignEndToolBegan { tool: text() },
            Self::SignTaskDone,
            Self::SignReport,
            Self::SignEndMarker,
            Self::SignOrganiser,
            Self::SignFullTime,
            Self::SignSessionAnswered,
            Self::SignProgramAnswered,
            Self::SignReceived,
            Self::Confirmed,
            Self::DeliverySaving,
            Self::DeliverySending,
            Self::DeliverySaved,
            Self::DeliveryParked,
            Self::DeliveryUnsaved,
            Self::DeliveryRefused,
            Self::DeliveryReceived,
        ]
    }
}

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
            BackendError::NotOpen => Self::InterviewNotOpen,
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
