//! What comes back from work beside the loop.

use adjourn_audio::{AudioError, Capture, DeviceKind, Found, Playback, PlaybackHandle, StreamStatus};
use adjourn_outbox::{BackendError, DeliveryEvent};
use adjourn_protocol::{Assignment, InviteLink, Invited, SeatOrders};
use adjourn_room::{ConnectError, LinkCheck};
use adjourn_session::OrganiserWord;
use tokio::sync::mpsc;

use crate::Message;
use crate::admission::{Admission, Rejection};
use crate::seat_policy::{Looked, Tried as PinTried};

/// Results that wait; their makers are held back beyond that.
const WAITING: usize = 256;

pub(crate) enum Event {
    /// The link's host was looked up.
    Host {
        link: InviteLink,
        known: bool,
    },
    /// What that link invites to.
    Invited {
        link: InviteLink,
        invited: Invited,
    },
    /// What the candidate wrote that they need, in an earlier run.
    AdjustmentFound {
        link: InviteLink,
        text: String,
    },
    /// It was written down; `None`: the disk took nothing.
    AdjustmentKept {
        link: InviteLink,
        text: Option<String>,
    },
    /// Interviews of an earlier run were looked after; one may still go on.
    Unfinished {
        open: Option<InviteLink>,
        /// Of one the backend could not be asked.
        unasked: bool,
    },
    Admitted(Box<Admission>),
    Rejected(Rejection),
    /// The answer to the question of that number.
    Organiser {
        question: u64,
        word: OrganiserWord,
    },
    /// The agent's report is in.
    Reported {
        finished: bool,
    },
    /// The process of that interviewer's job has ended without a goodbye.
    InterviewerDied {
        identity: String,
    },
    /// The backend calls no other interviewer.
    ReplacementRefused,
    /// It says that the interview was finished.
    Confirmed,
    Committed,
    /// There is no disk, but memory.
    CommittedInMemory,
    /// The disk has not taken the record yet.
    CommitIsSlow(Vec<u8>),
    /// The disk does not take the record.
    NotCommitted(Vec<u8>),
    NotJournaled,
    /// A file that a person asked for was written, or was not; what to tell them of it.
    FileWritten(Message),
    Left,
    Delivery(DeliveryEvent),
    Devices(Found),
    /// The way to the room was tried; the try's number.
    ConnectionTried {
        number: u64,
        tried: Tried,
    },
    /// The system does not unmute it.
    NotUnmuted(DeviceKind),
    Opened(Box<Opened>),
    /// A seat's policy was looked at.
    SeatLooked(Box<Looked>),
    /// A center was told how its seat is.
    SeatTold {
        /// The newest order that the seat said it knows.
        done: i64,
        /// What it is to do.
        answer: Result<SeatOrders, BackendError>,
    },
    /// A center was asked whom it assigned to its seat.
    SeatAssigned(Result<Assignment, BackendError>),
    /// A seat's server was asked: by how many seconds this computer's clock is ahead of it.
    SeatServer(Result<i64, BackendError>),
    /// A PIN was tried.
    PinTried(PinTried),
    /// An open stream is in another way than before; its opening's number.
    Stream {
        kind: DeviceKind,
        number: u64,
        status: StreamStatus,
    },
}

/// What came of an attempt to open a device, with the attempt's number.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A microphone.
    Microphone(u64, Result<Capture, AudioError>),
    /// A loudspeaker.
    Speaker(u64, Result<(Playback, PlaybackHandle), AudioError>),
}

/// What a try of the way to the room came to.
pub(crate) type Tried = Result<LinkCheck, Untried>;

/// Why the way to the room could not be tried to its end.
#[derive(Clone, Debug)]
pub(crate) enum Untried {
    /// The organiser's backend gave no answer.
    ByBackend(BackendError),
    /// It could open no room.
    NoRoom,
    /// The room's server let nobody in.
    ByRoom(ConnectError),
    /// Nobody answered.
    TooLong,
}

/// Where events go.
#[derive(Clone)]
pub(crate) struct Events(mpsc::Sender<Event>);

impl Events {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Tells the loop; nobody, if it is gone: the process is ending.
    pub(crate) async fn tell(&self, event: Event) {
        drop(self.0.send(event).await);
    }

    /// Whether nobody listens any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}
