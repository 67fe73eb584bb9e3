//! The machine: inputs in, outputs out.

use std::collections::VecDeque;

use crate::asking::Candidate;
use crate::decider::Decider;
use crate::end_sign::EndSign;
use crate::interviewer::{Interviewer, Presence};
use crate::link::{Fresh, LinkMonitor};
use crate::log::Logged;
use crate::presence::Replaced;
use crate::replacement::{Fenced, Replacement};
use crate::{
    Agent, ConnectionState, Delivery, EndedWhy, Ending, EvidenceKind, Input, InterruptedWhy, Outcome, Output,
    Participant, Phase, Policy, ProbeKind, Problem, Question, Time, Trouble, View,
};

/// Rules fired by one call at most; a correct machine needs a handful.
const FIRINGS: usize = 1_000;

/// One interview attempt, from the device check to the end screen.
///
/// Getters: [`Self::phase`], [`Self::view`], [`Self::ending`]. Inputs: [`Self::handle`],
/// [`Self::handle_timeout`]. Outputs: [`Self::poll_output`], [`Self::poll_timeout`].
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) policy: Policy,
    pub(crate) now: Time,
    pub(crate) phase: Phase,
    pub(crate) link: LinkMonitor,
    /// When the current step of joining, wrapping up or sending began.
    pub(crate) step_since: Time,
    pub(crate) redial_at: Time,
    pub(crate) ends_at: Option<Time>,
    pub(crate) agent_name: Option<String>,
    pub(crate) room_sid: Option<String>,
    /// We are out because the room is gone; the backend is asked why.
    pub(crate) room_gone: Option<Time>,
    /// The backend says that there is no such room, while our connection still seems to be in it: it ends
    /// as soon as we are out, unless we are let into a room again.
    pub(crate) said_gone: bool,
    /// The backend was asked and has not answered.
    pub(crate) organiser_asked: bool,
    /// Our connection was restored, and the earlier interviewer is not back.
    pub(crate) replaced: Option<Replaced>,
    /// When our connection began to deliver again, until a probe is answered over it.
    pub(crate) restored: Option<Fresh>,
    pub(crate) roster: Vec<Participant>,
    pub(crate) interviewer: Option<Interviewer>,
    /// So many interviewers may still be asked for in the place of one that is lost.
    pub(crate) replacements_left: u8,
    /// Another interviewer is awaited in the place of one that is lost, until it is ready.
    pub(crate) replacement: Option<Replacement>,
    /// Those in whose place another one was asked for: whatever they do now counts for nothing.
    pub(crate) fenced: Vec<Fenced>,
    /// Presences that were lost since a word was said, and when: too many are a crash loop.
    pub(crate) losses: Vec<(String, Fresh)>,
    pub(crate) quiet: bool,
    /// Somebody said something as the interviewer.
    pub(crate) greeted: bool,
    pub(crate) waiting_since: Fresh,
    pub(crate) waiting_long: bool,
    /// An earlier run of the client was in this interview; whether it saw its end.
    pub(crate) resumed: Option<bool>,
    /// The candidate's side of the talk, and what they are asked.
    pub(crate) candidate: Candidate,
    pub(crate) next_probe: u64,
    problem: Option<Problem>,
    ending: Option<Ending>,
    pub(crate) delivery: Delivery,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) log: Option<VecDeque<Logged>>,
}

impl Session {
    /// A session at the device check.
    pub fn new(policy: Policy, now: Time) -> Self {
        Self {
            policy,
            now,
            phase: Phase::Checking,
            link: LinkMonitor::new(),
            step_since: now,
            redial_at: now,
            ends_at: None,
            agent_name: None,
            room_sid: None,
            room_gone: None,
            said_gone: false,
            organiser_asked: false,
            replaced: None,
            restored: None,
            roster: Vec::new(),
            interviewer: None,
            replacements_left: 0,
            replacement: None,
            fenced: Vec::new(),
            losses: Vec::new(),
            quiet: false,
            greeted: false,
            waiting_since: Fresh(0),
            waiting_long: false,
            resumed: None,
            candidate: Candidate::default(),
            next_probe: 1,
            problem: None,
            ending: None,
            delivery: Delivery::Saving,
            outputs: VecDeque::new(),
            log: None,
        }
    }

    /// Where the interview stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The decision, once made. It never changes.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Id of the presence of the pinned interviewer.
    pub fn interviewer_sid(&self) -> Option<&str> {
        self.interviewer.as_ref().map(|i| i.sid.as_str())
    }

    /// Identity of the pinned interviewer.
    pub fn interviewer_identity(&self) -> Option<&str> {
        self.interviewer.as_ref().map(|i| i.identity.as_str())
    }

    /// Whether the interviewer left and a person goes on with the candidate.
    pub fn floor_is_a_person(&self) -> bool {
        self.takes_the_floor().is_some()
    }

    /// Identity of the interviewer whom the candidate is to hear: of the pinned one, unless another one is to take its place.
    pub fn heard_identity(&self) -> Option<&str> {
        let heard = self.interviewer.as_ref().filter(|i| !self.is_fenced(&i.sid, &i.identity));
        heard.map(|i| i.identity.as_str())
    }

    /// Identities of those in whose place another one came, or is to come: they are heard no more, whoever else is.
    pub fn unheard(&self) -> impl Iterator<Item = &str> {
        let heard = self.heard_identity();
        self.fenced.iter().map(|fenced| fenced.identity.as_str()).filter(move |of| Some(*of) != heard)
    }

    /// The constants.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Replaces the constants: the join answer may bring its own. Only before the interview.
    pub fn set_policy(&mut self, policy: Policy) {
        if self.phase == Phase::Joining || self.phase == Phase::Checking {
            self.policy = policy;
        }
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle_timeout`] at the latest; `None` when only an input can change
    /// anything (a question to the candidate, or the end).
    pub fn poll_timeout(&self) -> Option<Time> {
        self.next_rule().map(|(at, _)| at)
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = self.now.max(now);
        for firing in 0..FIRINGS {
            let Some((due, rule)) = self.next_rule().filter(|(due, _)| *due <= self.now) else { return };
            if firing > 0 || !self.slept(due) {
                self.log(Logged::Fired(rule));
                self.fire(rule);
            }
        }
        debug_assert!(false, "rules keep firing at one time");
    }

    /// Whether this computer slept when the first rule was due. Nothing could be received then: its clock
    /// stands from the last growth on, and the link is given its whole time again.
    fn slept(&mut self, due: Time) -> bool {
        let late = self.now.since(due);
        if late <= self.policy.asleep || !matches!(self.phase, Phase::Waiting | Phase::Live) {
            return false;
        }
        self.log(Logged::Slept);
        self.stop_clock();
        self.link.woke = Some(self.now);
        if late >= self.policy.link_lost {
            self.ask_organiser();
        }
        true
    }

    /// The link is not up, or stale, or we slept: nothing is known from later than its last growth.
    pub(crate) fn stop_clock(&mut self) {
        self.link.stop(self.now);
        let to = self.fresh();
        self.waiting_since.cap(to);
        self.candidate.cap(to);
        self.losses.iter_mut().for_each(|(_, at)| at.cap(to));
        self.replaced.iter_mut().for_each(|r| r.at.cap(to));
        self.replacement.iter_mut().for_each(|r| r.at.cap(to));
        self.restored.iter_mut().for_each(|at| at.cap(to));
        self.interviewer.iter_mut().for_each(|i| i.invalidate_after(to));
    }

    pub(crate) fn ask_organiser(&mut self) {
        self.organiser_asked = true;
        self.outputs.push_back(Output::AskOrganiser);
    }

    /// Something happened at `now`.
    pub fn handle(&mut self, input: Input, now: Time) {
        self.handle_timeout(now);
        match self.phase {
            Phase::Checking => self.while_checking(input),
            Phase::Joining => self.while_joining(input),
            Phase::Waiting | Phase::Live => self.while_open(input),
            Phase::WrappingUp | Phase::Completed => self.while_closing(input),
        }
        self.handle_timeout(now);
    }

    /// A picture for the screen.
    pub fn view(&self) -> View {
        View {
            phase: self.phase,
            link: self.link.state,
            link_fresh: self.link.is_fresh(),
            agent: match &self.interviewer {
                None => Agent::Expected,
                Some(Interviewer { presence: Presence::Here, .. }) if self.quiet => Agent::Quiet,
                Some(Interviewer { presence: Presence::Here, ready: Some(_), .. }) => Agent::Present,
                Some(Interviewer { presence: Presence::Here, .. }) => Agent::Expected,
                Some(Interviewer { presence: Presence::Unsure { .. }, .. }) => Agent::Quiet,
                Some(Interviewer { presence: Presence::Left { .. }, .. }) => Agent::Gone,
            },
            room_gone: self.room_gone.is_some(),
            replacing: self.replacement.is_some(),
            greeted: self.greeted || self.resumed.is_some(),
            said_goodbye: self.interviewer.as_ref().is_some_and(Interviewer::said_goodbye),
            ends_at: self.ends_by_itself(),
            waiting_long: self.waiting_long,
            asking: self.candidate.asked.map(|asked| asked.question),
            person: self.takes_the_floor().map(|p| p.name.clone().unwrap_or_else(|| p.identity.clone())),
            remaining: self.ends_at.map(|at| at.since(self.now)),
            problem: self.problem.clone(),
            ending: self.ending.clone(),
            delivery: self.delivery.clone(),
        }
    }

    pub(crate) fn fresh(&self) -> Fresh {
        self.link.fresh(self.now)
    }

    // --- phases ---------------------------------------------------------------

    fn while_checking(&mut self, input: Input) {
        if input == Input::JoinPressed {
            self.phase = Phase::Joining;
            self.problem = None;
            self.resumed = None;
            self.link = LinkMonitor::new();
            self.step_since = self.now;
            self.outputs.push_back(Output::RequestJoin);
        }
    }

    fn while_joining(&mut self, input: Input) {
        if let Input::Resumed { ended } = input {
            self.resumed = Some(ended);
        } else if let Input::JoinGranted(grant) = input {
            if self.link.state == ConnectionState::Idle {
                self.agent_name = grant.agent_name;
                self.replacements_left = grant.replacements;
                self.ends_at = Some(self.now.after(grant.remaining));
                self.link.state = ConnectionState::Connecting;
                self.step_since = self.now;
                self.outputs.push_back(Output::Connect);
            }
        } else if let Input::JoinFailed { retry, .. } = input {
            self.back_to_checking(Trouble::JoinFailed, retry);
        } else if let Input::ConnectFailed { .. } = input {
            self.back_to_checking(Trouble::ConnectFailed, true);
        } else if let Input::Connected { room_sid, roster } = input {
            if self.link.state == ConnectionState::Connecting {
                self.phase = Phase::Waiting;
                self.link.up(self.now);
                self.waiting_since = self.fresh();
                self.room_sid = Some(room_sid);
                self.take_roster(roster, false);
            }
        } else if input == Input::ClientFailed {
            self.back_to_checking(Trouble::PartFailed, true);
        } else if input == Input::EndConfirmed || input == Input::SystemEnds {
            self.outputs.push_back(Output::CancelConnect);
            self.phase = Phase::Checking;
        }
    }

    pub(crate) fn back_to_checking(&mut self, trouble: Trouble, retry: bool) {
        self.phase = Phase::Checking;
        self.link = LinkMonitor::new();
        self.problem = Some(Problem { trouble, retry });
        self.outputs.push_back(Output::CancelConnect);
    }

    fn while_closing(&mut self, input: Input) {
        match (input, &self.delivery) {
            (Input::RecordCommitted, Delivery::Saving) => {
                self.delivery = Delivery::Sending;
                self.complete();
            }
            (Input::RecordNotSaved, Delivery::Saving) => {
                self.delivery = Delivery::Unsaved;
                self.complete();
            }
            (Input::Delivered { receipt }, delivery) if !matches!(delivery, Delivery::Received { .. }) => {
                self.delivery = Delivery::Received { receipt };
                self.complete();
            }
            (Input::DeliveryParked, Delivery::Sending | Delivery::Saved) => self.delivery = Delivery::Parked,
            (Input::DeliveryParked, Delivery::Unsaved) => self.delivery = Delivery::Refused,
            // Everything else comes too late to matter: the decision stands.
            _ => {}
        }
    }

    pub(crate) fn complete(&mut self) {
        self.phase = Phase::Completed;
        self.step_since = self.now;
    }

    fn while_open(&mut self, input: Input) {
        let now = self.fresh();
        match input {
            // Who says that it is over after the interviewer ended it breaks nothing off.
            Input::EndConfirmed => {
                self.decide(self.finished_or(Outcome::EndedByCandidate), Decider::Candidate);
            }
            Input::SystemEnds => self.decide(Outcome::Ended(EndedWhy::BySystem), Decider::System),
            Input::ClientFailed => {
                self.decide(Outcome::Interrupted(InterruptedWhy::ClientFailed), Decider::ClientFailed);
            }
            Input::GoOnPressed => self.go_on(),
            Input::CandidateSpoke => self.candidate_spoke(true),
            // No detector, and no doubt: it was typed, and sent.
            Input::CandidateTyped => self.candidate_spoke(false),
            Input::CandidateHeard { sid } => {
                if let Some(i) = self.pinned(&sid) {
                    i.hears = true;
                    i.last_proof = now;
                    self.session_lives(true);
                    self.candidate_spoke(false);
                }
            }

            Input::Reconnecting => self.out(ConnectionState::Resuming),
            Input::Connected { room_sid, roster } => {
                self.back_in(room_sid, roster);
                self.restored = None;
            }
            Input::Reconnected { room_sid, roster } => {
                self.back_in(room_sid, roster);
                // Restored twice without an answer, it waits since the first time.
                self.restored.get_or_insert(self.link.fresh(self.now));
            }
            Input::ConnectFailed { .. } => {
                // Of an attempt that was given up, it says nothing about the connection of now.
                if self.link.state == ConnectionState::Connecting {
                    self.link.state = ConnectionState::Down;
                    self.redial_at = self.now.after(self.policy.redial);
                }
            }
            Input::Disconnected { reason } => self.disconnected(reason),
            Input::LinkStats { received } => {
                let was_fresh = self.link.is_fresh();
                let grew = self.link.stats(received, self.now);
                if !was_fresh && self.link.is_fresh() {
                    self.restored.get_or_insert(self.link.fresh(self.now));
                }
                // Right after waking, what comes may have waited in a buffer; later, we are in a room.
                if grew && self.link.woke.is_none_or(|woke| self.now.since(woke) > self.policy.asleep) {
                    self.said_gone = false;
                }
            }

            Input::ParticipantJoined(p) | Input::ParticipantChanged(p) => self.seen(p),
            Input::ParticipantLeft { sid, reason } => self.left(&sid, reason),
            Input::Roster { roster } => self.take_roster(roster, false),
            Input::RtpPackets { sid, track, packets } => {
                let real = self.now;
                let interval = self.policy.stats_interval;
                self.with(&sid, |i| i.rtp(track, packets, now, real, interval));
                self.reconsider_quiet();
            }
            Input::InterviewerLevel { audible } => {
                if self.interviewer.as_mut().is_some_and(|i| i.set_audible(audible, now)) {
                    self.reacted();
                    self.session_lives(false);
                }
            }

            Input::ProbeAnswered { sid, probe, id } => {
                let real = self.now;
                let ours = self.pinned(&sid).is_some_and(|i| i.answered(probe, id, now, real));
                if ours {
                    self.restored = None;
                }
                let closed = self.candidate.asked.is_some_and(|asked| asked.question == Question::Closed);
                if ours && probe == ProbeKind::Session && closed {
                    self.candidate.asked = None;
                }
                self.reconsider_quiet();
                self.begin_if_ready();
            }
            Input::AgentStateChanged { sid, state } => {
                if self.pinned(&sid).is_some_and(|i| i.set_state(state, now)) {
                    self.session_lives(true);
                }
                self.begin_if_ready();
            }
            Input::Transcribed { sid } => {
                if let Some(i) = self.pinned(&sid) {
                    i.last_proof = now;
                    self.session_lives(true);
                }
            }
            Input::Item { sid, role } => self.item(&sid, role),
            Input::ToolStarted { sid, name, call_id } => self.tool_started(&sid, &name, &call_id),
            Input::ToolEnded { sid, name, ok, call_id } => self.tool_ended(&sid, name, ok, &call_id),
            Input::SessionFailed { sid } => self.with(&sid, |i| i.failed = true),
            Input::SessionClosed { sid, reason } => self.session_closed(&sid, reason),
            Input::EndMarker { sid } => self.evidence(&sid, EvidenceKind::EndMarker),
            Input::RoomEnded => {
                let at = self.now;
                if let Some(i) = &mut self.interviewer {
                    i.end = Some(EndSign::proof(EvidenceKind::Organiser, None, now, at));
                }
                self.decide(Outcome::Ended(EndedWhy::ClosedByOrganiser), Decider::Organiser);
            }
            Input::Organiser { word } => self.organiser_said(word),
            Input::InterviewerDied { identity } => {
                if let Some(i) = self.interviewer.as_mut().filter(|i| i.identity == identity) {
                    i.died = true;
                }
            }
            Input::ReplacementRefused => self.replacement.iter_mut().for_each(|r| r.refused = true),

            // Of other phases: a late answer to something that was given up.
            Input::JoinPressed
            | Input::JoinGranted(_)
            | Input::Resumed { .. }
            | Input::JoinFailed { .. }
            | Input::RecordCommitted
            | Input::RecordNotSaved
            | Input::Delivered { .. }
            | Input::DeliveryParked => {}
        }
    }

    pub(crate) fn probe(&mut self, probe: ProbeKind) {
        let now = self.fresh();
        let id = self.next_probe;
        let Some(i) = &mut self.interviewer else { return };
        self.next_probe += 1;
        match probe {
            ProbeKind::Session => i.session.sent(id, now),
            ProbeKind::Process => i.process.sent(id, now),
        }
        self.outputs.push_back(Output::Probe { sid: i.sid.clone(), probe, id });
    }

    /// It is over, unless another interviewer can take the place of one that is lost.
    pub(crate) fn decide(&mut self, outcome: Outcome, by: Decider) {
        if matches!(self.phase, Phase::Waiting | Phase::Live) && !self.asks_for_another(outcome, &by) {
            self.conclude(outcome, by);
        }
    }

    pub(crate) fn conclude(&mut self, outcome: Outcome, by: Decider) {
        let i = self.interviewer.as_ref();
        let ending = Ending {
            outcome,
            decided_at: self.now,
            decided_by: by,
            // What merely began is evidence only of an end that rests on it.
            evidence: i
                .and_then(|i| i.end.as_ref())
                .filter(|end| end.proves() || outcome == Outcome::Finished)
                .map(|end| end.evidence.clone()),
            last_pong: i.and_then(|i| i.last_pong),
            last_process_answer: i.and_then(|i| i.last_process_answer),
            last_received: self.link.last_received,
        };
        self.ending = Some(ending.clone());
        self.phase = Phase::WrappingUp;
        self.candidate.asked = None;
        self.quiet = false;
        self.step_since = self.now;
        self.outputs.push_back(Output::ReleaseMicrophone);
        self.outputs.push_back(Output::CommitRecord(ending));
        self.outputs.push_back(Output::LeaveRoom);
    }
}
