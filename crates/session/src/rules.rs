//! The table of everything that happens by time alone.
//!
//! [`Session::pending`] lists each rule that waits, with the time at which it fires;
//! [`Session::handle_timeout`] fires those that are due. A rule about the interviewer counts fresh
//! time (see [`crate::ConnectionState`]) and is absent while our own link is not fresh; the rules about the link
//! itself are never absent while it is not.

use serde::{Deserialize, Serialize};

use crate::end_sign::{EndSign, Strength};
use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::presence::Missing;
use crate::{CloseReason, ConnectionState, Delivery, LeaveReason, Phase, Policy, Question, Session, Time};

/// One thing that time alone brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The join request went unanswered.
    JoinLimit,
    /// The room could not be reached in time.
    ConnectLimit,
    /// Nothing was received lately: our link does not count as up.
    LinkStale,
    /// Nothing was received for too long.
    LinkLost,
    /// Try to enter the room again ourselves.
    Redial,
    /// Waiting takes longer than usual.
    WaitingNotice,
    /// No interviewer came.
    NeverStarted,
    /// The interviewer came and did not become ready.
    NotReady,
    /// Our connection delivers again, but no data comes over it.
    DataStalled,
    /// Send a session ping.
    PingDue,
    /// Send a process probe.
    ProbeDue,
    /// Say "checking on the interviewer".
    Quiet,
    /// The interviewer's process does not answer.
    ProcessLost,
    /// Session ping lost, evidence stands.
    SessionFinished,
    /// The session says that it closed, and what it said was heard.
    SessionSaidClosed,
    /// Session ping lost, no evidence, it was listening: the candidate is asked whether it is over.
    OfferEnd,
    /// Ask the backend whether the agent's report is in, or its job has ended.
    ReportDue,
    /// Session ping lost, no evidence, it was listening, and the candidate did not say that they wait.
    SessionClosed,
    /// Session ping lost, no evidence, it was busy.
    SessionBlocked,
    /// The interviewer left and nobody took over.
    LeftSettled,
    /// In the place of the interviewer that is lost no other one became ready.
    NoReplacement,
    /// Read who is in the room.
    RosterDue,
    /// An end tool that failed says nothing any more.
    EvidenceExpires,
    /// Ask the candidate.
    Ask,
    /// The interviewer ended it, nothing happened since, and the candidate did not say that it goes on.
    OverUnanswered,
    /// The candidate did not answer.
    NoAnswer,
    /// No proof of life of any kind.
    NoProofOfLife,
    /// The room was replaced, or opened anew, and the interviewer is not back.
    ReplacedRoom,
    /// The backend's word on a closed room did not come.
    OrganiserLimit,
    /// The interview's maximum length.
    TimeLimit,
    /// Show the end screen although the record is not committed yet.
    CommitLimit,
    /// "sending" becomes "saved".
    DeliveryLimit,
}

impl Rule {
    /// Whether it ends the interview, for another reason than its length.
    fn ends(self) -> bool {
        match self {
            Self::LinkLost
            | Self::NeverStarted
            | Self::NotReady
            | Self::ProcessLost
            | Self::SessionFinished
            | Self::SessionSaidClosed
            | Self::SessionClosed
            | Self::SessionBlocked
            | Self::LeftSettled
            | Self::NoReplacement
            | Self::OverUnanswered
            | Self::NoAnswer
            | Self::NoProofOfLife
            | Self::ReplacedRoom
            | Self::OrganiserLimit => true,
            Self::JoinLimit
            | Self::ConnectLimit
            | Self::LinkStale
            | Self::Redial
            | Self::WaitingNotice
            | Self::DataStalled
            | Self::PingDue
            | Self::ProbeDue
            | Self::Quiet
            | Self::OfferEnd
            | Self::ReportDue
            | Self::RosterDue
            | Self::EvidenceExpires
            | Self::Ask
            | Self::TimeLimit
            | Self::CommitLimit
            | Self::DeliveryLimit => false,
        }
    }

    /// What it means that this rule fires, in a few words.
    pub fn why(self) -> &'static str {
        match self {
            Self::JoinLimit => "the join request went unanswered",
            Self::ConnectLimit => "the room could not be reached in time",
            Self::LinkStale => "nothing was received lately",
            Self::LinkLost => "our own connection is lost",
            Self::Redial => "we try to enter the room again",
            Self::WaitingNotice => "waiting takes longer than usual",
            Self::NeverStarted => "no interviewer came",
            Self::NotReady => "the interviewer did not become ready",
            Self::DataStalled => {
                "our connection delivers again, but no data comes over it: we enter the room again"
            }
            Self::PingDue => "a session ping is due",
            Self::ProbeDue => "a process probe is due",
            Self::Quiet => "the interviewer does not answer: it is said on the screen",
            Self::ProcessLost => "the interviewer's process does not answer",
            Self::SessionFinished => "the session ping is lost and evidence stands",
            Self::SessionSaidClosed => "the session says that it closed",
            Self::OfferEnd => {
                "the session ping is lost, the process answers: the candidate is asked whether it is over"
            }
            Self::ReportDue => "the backend is asked for the agent's report",
            Self::SessionClosed => "the session ping is lost, the process answers, and nobody waits for it",
            Self::SessionBlocked => "the session ping is lost, the process answers, it was busy",
            Self::LeftSettled => "the interviewer left and nobody took over",
            Self::NoReplacement => "in the place of the interviewer that is lost no other one became ready",
            Self::RosterDue => "the roster is read again",
            Self::EvidenceExpires => "the end tool that failed had no consequence",
            Self::Ask => "the candidate waits for the interviewer, or it seems to be over",
            Self::OverUnanswered => "the interviewer ended it, and the candidate did not say that it goes on",
            Self::NoAnswer => "the candidate did not answer",
            Self::NoProofOfLife => "no proof of life of any kind",
            Self::ReplacedRoom => "the room was replaced and the interviewer is not back",
            Self::OrganiserLimit => "the backend did not say why the room is gone",
            Self::TimeLimit => "the interview's maximum length is reached",
            Self::CommitLimit => "the record is not committed yet: the end screen shows all the same",
            Self::DeliveryLimit => "sending takes longer: it goes on later",
        }
    }
}

/// Takes each waiting rule with its time.
type Sink<'a> = &'a mut dyn FnMut(Time, Rule);

impl Session {
    /// Every rule that waits, with the time at which it fires.
    pub fn pending(&self) -> Vec<(Time, Rule)> {
        let mut table = Vec::new();
        self.each_pending(&mut |at, rule| table.push((at, rule)));
        table
    }

    /// The rule that fires next, and when.
    pub(crate) fn next_rule(&self) -> Option<(Time, Rule)> {
        let mut next: Option<(Time, Rule)> = None;
        self.each_pending(&mut |at, rule| {
            if next.is_none_or(|earliest| (at, rule) < earliest) {
                next = Some((at, rule));
            }
        });
        next
    }

    /// When time alone ends the interview, if nothing else happens before and it is not its length that does. A moment that moves on
    /// with each sign of life is none.
    pub(crate) fn ends_by_itself(&self) -> Option<Time> {
        let mut earliest: Option<Time> = None;
        self.each_pending(&mut |at, rule| {
            if rule.ends() && !self.puts_off(rule) && !self.leads_to_another(rule) {
                earliest = Some(earliest.map_or(at, |before| before.min(at)));
            }
        });
        earliest
    }

    /// Whether signs of life that come all the time put this rule off again and again, or somebody else's word decides.
    fn puts_off(&self, rule: Rule) -> bool {
        let now = self.link.fresh(self.now);
        let Some(i) = &self.interviewer else { return false };
        let here = i.presence == Presence::Here;
        rule == Rule::NoProofOfLife && here
            || rule == Rule::ProcessLost && i.process_answers(now, self.policy.process_suspect)
            || rule == Rule::NoAnswer && here && self.session_answers(i, now)
            || rule == Rule::ReplacedRoom
                && self.replaced.as_ref().is_some_and(|replaced| replaced.why != Missing::AnotherRoom)
    }

    fn each_pending(&self, push: Sink<'_>) {
        let p = &self.policy;
        match self.phase {
            Phase::Checking => {}
            Phase::Joining => {
                let (limit, rule) = match self.link.state {
                    ConnectionState::Idle => (p.join_limit, Rule::JoinLimit),
                    ConnectionState::Connecting
                    | ConnectionState::Up
                    | ConnectionState::Resuming
                    | ConnectionState::Down => (p.connect_limit, Rule::ConnectLimit),
                };
                push(self.step_since.after(limit), rule);
            }
            Phase::Waiting | Phase::Live => {
                self.pending_link(push);
                // The rules about others count fresh time: they are absent while it stands.
                let link = &self.link;
                let mut fresh = |at: Fresh, rule| {
                    if let Some(at) = link.real(at) {
                        push(at, rule);
                    }
                };
                self.pending_room(&mut fresh);
                self.pending_interviewer(&mut fresh);
            }
            Phase::WrappingUp => push(self.step_since.after(p.commit_limit), Rule::CommitLimit),
            Phase::Completed => {
                if self.delivery == Delivery::Sending {
                    push(self.step_since.after(p.delivery_limit), Rule::DeliveryLimit);
                }
            }
        }
    }

    fn pending_link(&self, push: Sink<'_>) {
        let p = &self.policy;
        if let Some(at) = self.room_gone {
            push(at.after(p.organiser_limit), Rule::OrganiserLimit);
            return;
        }
        if self.link.is_fresh() {
            let growth = self.link.last_growth.unwrap_or(self.step_since);
            push(growth.after(p.link_stale), Rule::LinkStale);
        } else {
            let since = self.link.dead_since().unwrap_or(self.step_since);
            push(since.after(p.link_lost), Rule::LinkLost);
        }
        if self.link.state == ConnectionState::Down {
            push(self.redial_at, Rule::Redial);
        }
        if let Some(at) = self.ends_at {
            push(at, Rule::TimeLimit);
        }
    }

    fn pending_room(&self, push: &mut impl FnMut(Fresh, Rule)) {
        let p = &self.policy;
        if let Some(replaced) = &self.replaced {
            let limit = match replaced.why {
                Missing::AnotherRoom => p.replaced_room,
                // Our line, and a server of theirs, have just come back.
                Missing::Asked => p.leave_settling,
                Missing::Expected => p.interviewer_returns,
            };
            push(replaced.at.after(limit), Rule::ReplacedRoom);
        }
        if self.phase == Phase::Waiting && self.interviewer.is_none() {
            if !self.waiting_long {
                push(self.waiting_since.after(p.waiting_notice), Rule::WaitingNotice);
            }
            // Of an interview that ended before we came back nobody is waited for longer than a successor takes.
            let wait = if self.resumed == Some(true) { p.leave_settling } else { p.never_started };
            push(self.waiting_since.after(wait), Rule::NeverStarted);
        }
        self.pending_answer(push);
        if let Some((at, _)) = self.question(self.link.fresh(self.now)) {
            push(at, Rule::Ask);
        }
    }

    fn pending_interviewer(&self, push: &mut impl FnMut(Fresh, Rule)) {
        let Some(i) = &self.interviewer else { return };
        let p = &self.policy;
        let now = self.link.fresh(self.now);
        if !self.is_fenced(&i.sid, &i.identity) {
            self.pending_replacement(push);
        }
        match i.presence {
            Presence::Here => {}
            // A person goes on with the candidate: the interview is theirs until they leave.
            Presence::Left { .. } if self.takes_the_floor().is_some() => return,
            Presence::Left { .. } if self.is_fenced(&i.sid, &i.identity) => {
                self.pending_replacement(push);
                return;
            }
            Presence::Left { at, reason: LeaveReason::ConnectionTimeout, .. } => {
                let due = i
                    .process
                    .last_answer
                    .map_or(at.after(p.leave_settling), |t| t.after(p.process_lost).max(at));
                push(due, Rule::LeftSettled);
                return;
            }
            Presence::Left { at, .. } => {
                push(at.after(p.leave_settling), Rule::LeftSettled);
                return;
            }
            Presence::Unsure { at } => {
                push(at.after(p.roster_pause), Rule::RosterDue);
                push(i.last_proof.after(p.no_proof_of_life), Rule::NoProofOfLife);
                return;
            }
        }
        if let Some(restored) = self.restored.filter(|_| i.probed()) {
            push(restored.after(p.data_stall), Rule::DataStalled);
        }
        if i.ready.is_none() {
            push(i.joined.after(p.ready_limit), Rule::NotReady);
        }
        push(i.session.last_sent.map_or(i.joined, |at| at.after(self.ping_interval(i, now))), Rule::PingDue);
        push(i.process.last_sent.map_or(i.joined, |at| at.after(p.process_interval)), Rule::ProbeDue);
        push(i.last_proof.after(p.no_proof_of_life), Rule::NoProofOfLife);
        if let Some(answered) = i.process.last_answer {
            // Whatever else: only with a probe that had the time to be answered.
            if let Some(unanswered) = i.process.unanswered_since {
                // Its own machine knows better, as far as we see the same. Whether it does, it is asked.
                let (limit, to_answer) = if i.died {
                    (p.process_suspect, p.process_interval)
                } else {
                    (p.process_lost, p.process_suspect)
                };
                push(answered.after(limit).max(unanswered.after(to_answer)), Rule::ProcessLost);
                let asked = i.report_asked.filter(|at| *at > answered).map(|at| at.after(p.death_interval));
                let first = answered.after(p.process_suspect.max(p.death_interval));
                push(asked.unwrap_or(first), Rule::ReportDue);
            }
            if !self.quiet {
                push(answered.after(p.process_suspect), Rule::Quiet);
            }
        }
        if let Some(pong) = i.session.last_answer {
            if !self.quiet {
                push(pong.after(p.session_suspect), Rule::Quiet);
            }
            self.pending_session(i, pong, now, push);
        }
        if let Some((reason, at)) = i.closed {
            // Another session may follow in the same job, unless this one said that it was done.
            let done = i.end.is_some() || matches!(reason, CloseReason::Completed | CloseReason::Error);
            let due = if done { at } else { at.after(p.leave_settling) };
            push_heard(i, at, due, p, push, Rule::SessionSaidClosed);
        }
        let falls = |end: &&EndSign| matches!(end.strength, Strength::Failed | Strength::Overtaken);
        if let Some(end) = i.end.as_ref().filter(falls) {
            let due = end.since.max(i.last_reaction).after(end.expires_after(p));
            // Only a pong that came after that says that the session outlived it: one that is closing just then gives none any more.
            if i.session.last_answer.is_some_and(|pong| pong >= due) {
                push(due, Rule::EvidenceExpires);
            }
        }
    }

    /// Rules about a session ping that goes unanswered although it arrived.
    fn pending_session(&self, i: &Interviewer, pong: Fresh, now: Fresh, push: &mut impl FnMut(Fresh, Rule)) {
        let p = &self.policy;
        let (Some(proven), true) = (i.channel_proven, i.process_answers(now, p.process_suspect)) else {
            return;
        };
        let proven = proven.after(p.session_grace);
        if let Some(end) = &i.end
            && let Some(silence) = end.confirmed_after(p)
        {
            let at = pong.after(silence).max(proven);
            push_heard(i, pong, at, p, push, Rule::SessionFinished);
            if end.proves() {
                return;
            }
        }
        // The agent's report says more than its silence.
        let again = i.report_asked.map_or(pong.after(p.session_finished), |at| at.after(p.report_interval));
        push(again.max(proven), Rule::ReportDue);
        if i.end.as_ref().is_some_and(|end| end.confirmed_after(p).is_some()) {
            return;
        }
        // Seen on a busy machine: the turn was taken, a tool blocked, and "thinking" was never sent.
        if i.busy() || i.reply_pending && !i.failed || i.calls.running() {
            push(pong.after(p.session_blocked).max(proven), Rule::SessionBlocked);
        } else if let Some(asked) = self.candidate.asked.filter(|asked| asked.question == Question::Closed) {
            let due = asked.at.after(p.session_blocked.saturating_sub(p.session_closed));
            push(due.max(pong.after(p.session_blocked)).max(proven), Rule::SessionClosed);
        } else {
            // A candidate who said that they wait is asked again, later.
            let waits = self.candidate.answered.filter(|at| *at > pong);
            let due = waits.map_or(pong.after(p.session_closed), |at| at.after(p.ask_after));
            push(due.max(proven), Rule::OfferEnd);
        }
    }

    fn ping_interval(&self, i: &Interviewer, now: Fresh) -> u64 {
        let p = &self.policy;
        if !i.pingable() {
            let unanswered = i.ready.is_some_and(|ready| now.since(ready) >= p.ping_unsupported);
            return if unanswered { p.ping_interval_slow } else { p.ping_interval };
        }
        if i.end.is_some() || self.quiet { p.ping_interval_fast } else { p.ping_interval }
    }
}

/// A rule that waits until what the interviewer said was heard. A sound that never stops must not keep an interview
/// open that was over `since` then.
fn push_heard(
    i: &Interviewer,
    since: Fresh,
    at: Fresh,
    p: &Policy,
    push: &mut impl FnMut(Fresh, Rule),
    rule: Rule,
) {
    if i.audible {
        push(at.max(since.after(p.session_blocked)), rule);
    } else {
        push(i.last_audible.map_or(at, |heard| at.max(heard.after(p.audible_tail))), rule);
    }
}
