//! A stage for the machine in virtual time: an interviewer that answers probes as a real one does.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses its part")]

use adjourn_session::trace::Entry;
use adjourn_session::{
    AgentState, Input, JoinGrant, LeaveReason, Output, Participant, ParticipantKind, Phase, Policy,
    ProbeKind, Session, Time,
};

pub const SID: &str = "PA_interviewer";

/// The machine with a simulated world around it.
pub struct Stage {
    pub session: Session,
    pub now: u64,
    /// The agent's session answers pings.
    pub session_open: bool,
    /// The agent's process answers probes.
    pub process_alive: bool,
    /// Our own link delivers.
    pub link_up: bool,
    /// Who is in the room when it is entered again; `None`: nobody answers.
    pub lets_in: Option<Vec<Participant>>,
    received: u64,
    pub outputs: Vec<Output>,
    /// What was given to the machine.
    pub trace: Vec<Entry>,
    pub commits: usize,
}

impl Stage {
    /// At the device check.
    pub fn new() -> Self {
        Self {
            session: Session::new(Policy::default(), Time::ZERO),
            now: 0,
            session_open: false,
            process_alive: false,
            link_up: true,
            lets_in: None,
            received: 0,
            outputs: Vec::new(),
            trace: Vec::new(),
            commits: 0,
        }
    }

    /// In the room, nobody else there.
    pub fn waiting() -> Self {
        Self::waiting_with(0)
    }

    /// The same, and so many interviewers may be replaced.
    pub fn waiting_with(replacements: u8) -> Self {
        let mut stage = Self::new();
        stage.give(Input::JoinPressed);
        stage.give(Input::JoinGranted(JoinGrant {
            agent_name: Some("interviewer".into()),
            remaining: 3_600_000,
            replacements,
        }));
        stage.give(Input::Connected { room_sid: "RM_1".into(), roster: vec![] });
        stage
    }

    /// In the middle of an interview.
    pub fn live() -> Self {
        Self::live_with(0)
    }

    /// The same, and so many interviewers may be replaced.
    pub fn live_with(replacements: u8) -> Self {
        let mut stage = Self::waiting_with(replacements);
        stage.session_open = true;
        stage.process_alive = true;
        stage.give(Input::ParticipantJoined(interviewer()));
        stage.run(5_000);
        assert_eq!(stage.session.phase(), Phase::Live);
        stage
    }

    pub fn give(&mut self, input: Input) {
        self.hand(Some(input));
        self.settle();
    }

    fn hand(&mut self, input: Option<Input>) {
        self.trace.push(Entry { at: Time(self.now), input: input.clone() });
        match input {
            Some(input) => self.session.handle(input, Time(self.now)),
            None => self.session.handle_timeout(Time(self.now)),
        }
    }

    /// Does what the machine asks for, as the world of this stage would.
    fn settle(&mut self) {
        while let Some(output) = self.session.poll_output() {
            let answer = match &output {
                Output::Probe { sid, probe, id } if self.link_up => {
                    let answered = match probe {
                        ProbeKind::Session => self.session_open,
                        ProbeKind::Process => self.process_alive,
                    };
                    answered.then(|| Input::ProbeAnswered { sid: sid.clone(), probe: *probe, id: *id })
                }
                Output::CommitRecord(_) => {
                    self.commits += 1;
                    Some(Input::RecordCommitted)
                }
                Output::Connect => self
                    .lets_in
                    .clone()
                    .filter(|_| self.link_up)
                    .map(|roster| Input::Connected { room_sid: "RM_1".into(), roster }),
                Output::RequestJoin
                | Output::CancelConnect
                | Output::ReadRoster
                | Output::Probe { .. }
                | Output::AskOrganiser
                | Output::AskReport
                | Output::Replace { .. }
                | Output::ReleaseMicrophone
                | Output::LeaveRoom => None,
            };
            self.outputs.push(output);
            if let Some(answer) = answer {
                self.hand(Some(answer));
            }
        }
    }

    /// Lets time pass in steps of 100 ms, with statistics every 500 ms.
    pub fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            self.now += 100;
            self.hand(None);
            self.settle();
            if self.now.is_multiple_of(500) {
                if self.link_up {
                    self.received += 100;
                }
                let received = self.received;
                self.give(Input::LinkStats { received });
            }
        }
    }

    /// Milliseconds from now until the end screen.
    pub fn until_completed(&mut self, limit: u64) -> Option<u64> {
        let began = self.now;
        while self.now < began + limit {
            if self.session.phase() == Phase::Completed {
                return Some(self.now - began);
            }
            self.run(100);
        }
        None
    }

    pub fn outcome(&self) -> String {
        self.session.ending().map_or_else(|| "none".into(), |e| e.outcome.to_string())
    }

    /// The end tool succeeds.
    pub fn end_tool(&mut self) {
        self.give(Input::ToolEnded {
            sid: SID.into(),
            name: "end_interview".into(),
            ok: true,
            call_id: "c1".into(),
        });
    }

    /// The agent answers both probes from now on, or neither.
    pub fn answers(&mut self, both: bool) {
        (self.session_open, self.process_alive) = (both, both);
    }

    pub fn left(&mut self, reason: LeaveReason) {
        self.answers(false);
        self.give(Input::ParticipantLeft { sid: SID.into(), reason });
    }
}

pub fn interviewer() -> Participant {
    Participant {
        sid: SID.into(),
        identity: "agent-1".into(),
        kind: ParticipantKind::Agent,
        agent_name: Some("interviewer".into()),
        state: Some(AgentState::Listening),
        audio: true,
        name: None,
        marked: false,
    }
}
