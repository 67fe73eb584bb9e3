//! One thing that is done or waited for.

use rustix::process::Signal;
use serde::Deserialize;

use super::{Card, Dismissal, Interviewer, Needs, Open, Signalling, Sound};
use adjourn_testbed::Impairment;
use adjourn_testbed::fault_proxy::{Fault, Part};

/// A step of a scenario. In the file: a word (`"answer"`) or a table with one key (`{ pause = 3.0 }`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Waits until the client shows the waiting room.
    Waiting,
    /// Waits until the client shows the interview.
    Interview,
    /// Waits until the client shows that the interviewer speaks, with a caption.
    Speech,
    /// Waits until the client says that its own connection delivers.
    Connected,
    /// Waits until the interviewer wrote this event into its log for the n-th time.
    Agent {
        /// Its name.
        event: String,
        /// n, from 1.
        #[serde(default = "super::one")]
        times: usize,
        /// Seconds.
        #[serde(default = "minute")]
        within: f64,
    },
    /// Waits until the interviewer's job is gone.
    Gone,
    /// Waits until nobody is in the interview's room, or there is no such room.
    Vacant {
        /// Seconds.
        within: f64,
    },
    /// Waits until LiveKit lists so many agents in the room.
    Agents {
        /// How many.
        are: usize,
        /// Seconds.
        within: f64,
    },
    /// Waits until the interviewer reported this state for the n-th time.
    AgentState {
        /// `listening`, `thinking`, `speaking`.
        is: String,
        /// n, from 1.
        #[serde(default = "super::one")]
        times: usize,
        /// Seconds.
        #[serde(default = "minute")]
        within: f64,
    },
    /// The candidate answers one question aloud, once it was asked.
    Answer,
    /// The candidate says something now.
    Say,
    /// From now on a room is heard at the candidate's microphone for so many seconds: a hum, and now and then a chair, a
    /// door, a cough, loud enough for a detector of speech that goes by loudness.
    Noise(f64),
    /// Waits until the candidate has said what they began to say.
    Said,
    /// The candidate's network is gone again and again, for 0.5 to 6 s, 5 to 25 s apart, by the seed of
    /// the run, for so many seconds; nothing may end.
    Churn(f64),
    /// The clock of the scenario: `now`, or the time of an event in the interviewer's log (`agent:close`),
    /// which is waited for.
    Clock(String),
    /// Sends a signal.
    Signal {
        /// To whom.
        to: Target,
        /// `KILL`, `STOP`, `CONT`, `TERM`.
        signal: String,
    },
    /// Limits what a process may use: beyond its memory the kernel kills it.
    Limit {
        /// Whom.
        to: Target,
        /// MiB of memory.
        memory_mib: Option<u64>,
        /// Percent of one core.
        cpu_percent: Option<u32>,
    },
    /// So many cores compute without a pause, until the end of the run.
    Busy(usize),
    /// Lets so many seconds pass: the length of a fault, or of a silence.
    Pause(f64),
    /// The interview must stay as it is for so many seconds.
    Stays(f64),
    /// Pulls or plugs the cable.
    Cable(Side),
    /// What the candidate's UDP suffers from now on; `{}` for nothing.
    Relay(Impairment),
    /// What happens to the candidate's signalling (TCP).
    Signalling(Signalling),
    /// What happens to the candidate's microphones and loudspeakers.
    Sound(Sound),
    /// The candidate chooses a microphone and a loudspeaker.
    Choose(Choice),
    /// Waits until the client records and plays there, by the sound server's word.
    Open {
        /// Where.
        #[serde(rename = "on")]
        open: Open,
        /// Seconds.
        within: f64,
    },
    /// Waits until no microphone is open.
    Closed {
        /// Seconds.
        within: f64,
    },
    /// Waits until the screen says something, by its name in the catalogue.
    Says {
        /// Its name.
        what: String,
        /// Seconds.
        within: f64,
    },
    /// Waits until it does not say that any more.
    Unsays {
        /// Its name.
        what: String,
        /// Seconds.
        within: f64,
    },
    /// Starts a worker now.
    Worker(Interviewer),
    /// Sends another interviewer into the room.
    Dispatch,
    /// Starts the server again on its address, with its rooms forgotten.
    RestartServer,
    /// Waits until the client is connected and the interviewer is in the room, whatever happened to them.
    Back {
        /// Seconds.
        within: f64,
    },
    /// Delivers what earlier jobs left on disk (`adjourn-agent flush`), as whatever starts a worker does before.
    FlushSpool,
    /// Kills a part.
    Kill(Machine),
    /// Starts it again.
    Again(Machine),
    /// The candidate presses a button.
    Press(Button),
    /// A call of the server's API.
    Api(Call),
    /// Waits until the candidate is asked whether the interview goes on.
    Question {
        /// Seconds.
        within: f64,
    },
    /// Waits until the candidate is asked no more, without having answered and without an end.
    Unasked {
        /// Seconds.
        within: f64,
    },
    /// Waits until the client has written down so many turns of the conversation.
    Journaled {
        /// Turns.
        turns: usize,
        /// Seconds.
        within: f64,
    },
    /// Waits until the client has written down that a tool of the interviewer ended.
    ToolEnded {
        /// Seconds.
        within: f64,
    },
    /// Waits until the interviewer is heard at the loudspeaker.
    Heard {
        /// Seconds.
        within: f64,
    },
    /// For so many seconds the interviewer is heard, without a pause longer than between two sentences.
    Unbroken(f64),
    /// Between client and backend these faults from now on, and no others; `[]` mends.
    Fault(Vec<Fault>),
    /// The certificate of the client's way to the backend: `good` or `evil`.
    Certificate(String),
    /// Whether names can be looked up on the candidate's side.
    Names(Names),
    /// The client's wall clock jumps, as libfaketime takes it: `+1h`.
    WallClock(String),
    /// The server tells the client to leave, as LiveKit's does.
    Dismiss(Dismissal),
    /// The candidate's computer gets another address.
    Roam,
    /// What the client's disk does from now on.
    Disk(Disk),
    /// The disk's rest is filled.
    FillDisk,
    /// What was written is damaged. The client must be gone.
    Damage(Damage),
    /// Somebody delivers another record with the client's own token.
    ForeignRecord,
    /// The backend gets a new key for receipts.
    RotateKey,
    /// The backend's database is killed and started again.
    CrashDatabase,
    /// Starts the backend again; its clock is so many days ahead.
    RestartBackend {
        /// Days.
        #[serde(default)]
        days: u32,
    },
    /// A webhook that nobody signed says that the room is finished; it must be refused.
    ForgedWebhook,
    /// Waits until a request of this part came through the proxy for the n-th time.
    Passed {
        /// Of which part.
        part: Part,
        /// n, from 1.
        #[serde(default = "super::one")]
        times: usize,
    },
    /// Waits until a part of the client has failed (its log says "panicked").
    Panicked {
        /// Seconds.
        within: f64,
    },
    /// Waits until the client's process has ended.
    ClientGone,
    /// Starts the client again; its clock is so many days ahead.
    RestartClient {
        /// Days.
        #[serde(default)]
        days: u32,
        /// With the link, as a candidate who opens it again.
        #[serde(default)]
        link: bool,
    },
    /// Waits until the backend holds so many turns of the conversation.
    Told {
        /// Turns.
        turns: usize,
        /// Seconds.
        #[serde(default = "minute")]
        within: f64,
    },
    /// Waits until "saved" is on the screen.
    Saved {
        /// Seconds.
        within: f64,
    },
    /// A further participant, played by a script.
    Actor {
        /// Which one.
        name: String,
        /// What it does.
        act: Act,
    },
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The candidate's client.
    Client,
    /// The interviewer's job, the newest one.
    Job,
    /// The first job.
    FirstJob,
    /// The worker that started it.
    Worker,
    /// livekit-server.
    Server,
    /// Of a fleet: the livekit-server that holds the room.
    RoomNode,
    /// Of a fleet: the other one.
    OtherNode,
    /// The backend.
    Backend,
    /// The candidate's sound server.
    Sound,
}

/// What is killed, and started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// Of a fleet: haproxy.
    Proxy,
    /// Of a fleet: Redis.
    Redis,
    /// The organiser's own server, which is told of the interview.
    Organiser,
    /// The computer of the newest worker: the worker, its jobs, and what they started. Another `worker` comes in its place.
    WorkersComputer,
}

/// What a candidate chooses in the lists of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The system's default.
    Default,
    /// These.
    BuiltIn,
    /// These.
    Headset,
}

impl Choice {
    /// The card; `None` for the system's default.
    pub fn card(self) -> Option<Card> {
        match self {
            Self::Default => None,
            Self::BuiltIn => Some(Card::BuiltIn),
            Self::Headset => Some(Card::Headset),
        }
    }
}

/// A cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Pulled.
    Out,
    /// Plugged in.
    In,
}

/// Looking up names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// No name is known any more.
    Dead,
    /// As at the start.
    Alive,
}

/// A disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disk {
    /// As usual.
    #[default]
    Fine,
    /// A file system of 1 MiB (at the start).
    Small,
    /// A file system that can't be written (at the start).
    ReadOnly,
    /// Writes and syncs fail with EIO.
    Eio,
    /// Each sync takes 5 s.
    Slow,
}

/// What happens to the journal's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The last written page is cut in the middle.
    Torn,
    /// One bit of the record is another.
    BitFlip,
    /// One bit of what was said is another.
    JournalFlip,
}

/// A button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Button {
    /// Join (again).
    Join,
    /// Mute.
    Mute,
    /// Unmute.
    Unmute,
    /// Unmute the microphone in the system's settings.
    UnmuteInSystem,
    /// Unmute the loudspeaker in the system's settings.
    UnmuteLoudspeaker,
    /// Another microphone: the system's default.
    Microphone,
    /// Save a copy for the organiser.
    SaveCopy,
    /// End, confirmed.
    End,
    /// "I am still here."
    GoOn,
}

/// A call of the server's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// RemoveParticipant of the candidate.
    RemoveCandidate,
    /// DeleteRoom.
    DeleteRoom,
    /// The organiser ends the interview at the backend, which closes the room.
    EndInterview,
}

/// What an actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Joins as an agent that publishes nothing.
    Join,
    /// Joins as an agent and publishes a sound.
    JoinAndSpeak,
    /// Joins as an avatar (`lk.publish_on_behalf`).
    JoinAsAvatar,
    /// Joins under the candidate's own identity.
    JoinAsCandidate,
    /// Joins as a person and publishes a steady sound.
    JoinAsGuest,
    /// Joins as a person with an open microphone, and says nothing.
    JoinAsListener,
    /// Leaves.
    Leave,
    /// Sends end markers and end tools as if it were the interviewer.
    Forge,
}

/// Signals that the testbed sends.
pub(crate) const SIGNALS: [(&str, Signal); 4] =
    [("KILL", Signal::KILL), ("STOP", Signal::STOP), ("CONT", Signal::CONT), ("TERM", Signal::TERM)];

fn minute() -> f64 {
    60.0
}

/// A clock that starts with an event of the interviewer's log: which, and for the how-manieth time (`agent:close`, `agent:close*2`).
pub fn clock_of_agent(start: &str) -> Option<(&str, usize)> {
    let event = start.strip_prefix("agent:")?;
    match event.split_once('*') {
        Some((event, times)) => Some((event, times.parse().ok().filter(|times| *times > 0)?)),
        None => Some((event, 1)),
    }
}

impl Step {
    /// Every time that the step names, in seconds.
    pub(super) fn times(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Pause(seconds) => vec![("pause", *seconds)],
            Self::Stays(seconds) => vec![("stays", *seconds)],
            Self::Noise(seconds) => vec![("noise", *seconds)],
            Self::Churn(seconds) => vec![("churn", *seconds)],
            Self::Unbroken(seconds) => vec![("unbroken", *seconds)],
            Self::Agent { within, .. }
            | Self::AgentState { within, .. }
            | Self::Question { within }
            | Self::Unasked { within }
            | Self::ToolEnded { within }
            | Self::Journaled { within, .. }
            | Self::Saved { within }
            | Self::Told { within, .. }
            | Self::Vacant { within }
            | Self::Agents { within, .. }
            | Self::Back { within }
            | Self::Panicked { within }
            | Self::Open { within, .. }
            | Self::Closed { within }
            | Self::Says { within, .. }
            | Self::Unsays { within, .. }
            | Self::Heard { within } => vec![("within", *within)],
            Self::Waiting
            | Self::Interview
            | Self::Speech
            | Self::Connected
            | Self::Gone
            | Self::Answer
            | Self::Say
            | Self::Said
            | Self::Clock(_)
            | Self::Signal { .. }
            | Self::Limit { .. }
            | Self::Busy(_)
            | Self::Cable(_)
            | Self::Relay(_)
            | Self::Signalling(_)
            | Self::Sound(_)
            | Self::Choose(_)
            | Self::Worker(_)
            | Self::FlushSpool
            | Self::Dispatch
            | Self::RestartServer
            | Self::Kill(_)
            | Self::Again(_)
            | Self::Press(_)
            | Self::Api(_)
            | Self::Fault(_)
            | Self::Certificate(_)
            | Self::Names(_)
            | Self::WallClock(_)
            | Self::Dismiss(_)
            | Self::Roam
            | Self::Disk(_)
            | Self::FillDisk
            | Self::Damage(_)
            | Self::ForeignRecord
            | Self::RotateKey
            | Self::CrashDatabase
            | Self::RestartBackend { .. }
            | Self::ForgedWebhook
            | Self::Passed { .. }
            | Self::ClientGone
            | Self::RestartClient { .. }
            | Self::Actor { .. } => Vec::new(),
        }
    }

    /// For which time of something it waits, if it does, from 1.
    pub(super) fn often(&self) -> Option<usize> {
        if let Self::Agent { times, .. } | Self::AgentState { times, .. } | Self::Passed { times, .. } = self
        {
            Some(*times)
        } else {
            None
        }
    }

    /// Whether it needs a fleet.
    pub(super) fn of_a_fleet(&self) -> bool {
        matches!(
            self,
            Self::Kill(Machine::Redis | Machine::Proxy)
                | Self::Again(Machine::Redis | Machine::Proxy)
                | Self::Signal { to: Target::RoomNode | Target::OtherNode, .. }
        )
    }

    /// The event of the interviewer's log that it waits for, if it does.
    pub(super) fn event(&self) -> Option<&str> {
        if let Self::Agent { event, .. } = self {
            Some(event)
        } else if let Self::Clock(start) = self {
            clock_of_agent(start).map(|(event, _)| event)
        } else {
            None
        }
    }

    /// The sentence that it waits for on the screen, if it does.
    pub(super) fn sentence(&self) -> Option<&String> {
        if let Self::Says { what, .. } | Self::Unsays { what, .. } = self { Some(what) } else { None }
    }

    /// What is wrong with its words, if anything is.
    pub(super) fn check(&self) -> Result<(), String> {
        let (what, said, known): (_, _, &[&str]) = if let Self::Signal { signal, .. } = self {
            ("signal", signal, &SIGNALS.map(|(name, _)| name))
        } else if let Self::Certificate(which) = self {
            ("certificate", which, &["good", "evil"])
        } else if let Self::AgentState { is, .. } = self {
            ("agent-state", is, &["initializing", "listening", "thinking", "speaking"])
        } else if let Self::Clock(start) = self
            && clock_of_agent(start).is_none()
        {
            ("clock", start, &["now", "panic", "limit"])
        } else {
            return Ok(());
        };
        if known.contains(&said.as_str()) {
            return Ok(());
        }
        Err(format!("there is no {what} {said:?}; there are {}", known.join(", ")))
    }

    /// What it needs of the machine, if anything.
    pub(super) fn needs(&self) -> Option<Needs> {
        if matches!(self, Self::Limit { .. }) {
            Some(Needs::Cgroups)
        } else if matches!(self, Self::WallClock(_)) {
            Some(Needs::Faketime)
        } else if matches!(self, Self::Disk(Disk::Eio | Disk::Slow)) {
            Some(Needs::Compiler)
        } else {
            None
        }
    }
}
