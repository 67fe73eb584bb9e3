//! What is known of the one participant that is the interviewer.

use crate::calls::Calls;
use crate::end_sign::EndSign;
use crate::link::Fresh;
use crate::probes::Probes;
use crate::{AgentState, CloseReason, LeaveReason, Outcome, Participant, ProbeKind, Time};

/// Tracks whose packets are remembered; an interviewer has a voice, and perhaps a background.
const TRACKS: usize = 8;

/// How the interviewer's presence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// In the room.
    Here,
    /// Left with a reason; a successor may come until it has settled.
    /// `otherwise`: it did not leave as far as the server says; so it ends if nobody takes over.
    Left { at: Fresh, reason: LeaveReason, otherwise: Option<Outcome> },
    /// Reported as gone without a reason: means nothing until a roster is read over a fresh link.
    Unsure { at: Fresh },
}

#[derive(Clone, Debug)]
pub(crate) struct Interviewer {
    pub(crate) sid: String,
    pub(crate) identity: String,
    pub(crate) joined: Fresh,
    pub(crate) presence: Presence,
    pub(crate) ready: Option<Fresh>,
    pub(crate) session: Probes,
    pub(crate) process: Probes,
    /// When a process probe was last answered itself: packets of sound prove that the process lives, not
    /// that the channel of the probes delivers.
    pub(crate) process_answered: Option<Fresh>,
    /// Arrival of the first answer to a process probe that was sent after the oldest unanswered
    /// session ping: from here on the ping is known to have arrived.
    pub(crate) channel_proven: Option<Fresh>,
    pub(crate) last_pong: Option<Time>,
    pub(crate) last_process_answer: Option<Time>,
    pub(crate) state: Option<AgentState>,
    /// It has the name of the interview's own dispatch.
    pub(crate) named: bool,
    /// Its attributes say that the interview is over.
    pub(crate) marked: bool,
    /// What it did towards an end.
    pub(crate) end: Option<EndSign>,
    /// What it did towards an end, and took back by its next turn, as it seems: if its end tool's second word comes next, that
    /// turn was the tool's own goodbye.
    pub(crate) taken_back: Option<EndSign>,
    /// Its session says that it closed.
    pub(crate) closed: Option<(CloseReason, Fresh)>,
    /// It began an end that came to nothing, and has not reacted since.
    pub(crate) doubt: bool,
    /// The backend knows that its process has ended, and no probe was answered since.
    pub(crate) died: bool,
    /// Its session reported an error, and nothing was said since.
    pub(crate) failed: bool,
    /// The candidate's turn came last: an answer is owed. A tool may block before its state says so.
    pub(crate) reply_pending: bool,
    /// Since when an answer is owed: the first turn of the candidate since the last reaction.
    pub(crate) owed_since: Option<Fresh>,
    /// Since when it thinks or speaks, without a reaction.
    pub(crate) busy_since: Option<Fresh>,
    /// Its session tells what it hears of the candidate.
    pub(crate) hears: bool,
    pub(crate) audible: bool,
    pub(crate) last_audible: Option<Fresh>,
    pub(crate) last_reaction: Fresh,
    /// When the backend was last asked for its report.
    pub(crate) report_asked: Option<Fresh>,
    pub(crate) last_proof: Fresh,
    /// Packets of each of its tracks, the newest last.
    pub(crate) packets: Vec<(String, u64)>,
    pub(crate) calls: Calls,
}

impl Interviewer {
    pub(crate) fn new(participant: &Participant, now: Fresh) -> Self {
        let mut new = Self {
            sid: participant.sid.clone(),
            identity: participant.identity.clone(),
            joined: now,
            presence: Presence::Here,
            ready: None,
            session: Probes::default(),
            process: Probes::default(),
            process_answered: None,
            channel_proven: None,
            last_pong: None,
            last_process_answer: None,
            state: None,
            named: false,
            marked: false,
            end: None,
            taken_back: None,
            closed: None,
            doubt: false,
            died: false,
            failed: false,
            reply_pending: false,
            owed_since: None,
            busy_since: None,
            hears: false,
            audible: false,
            last_audible: None,
            last_reaction: now,
            report_asked: None,
            last_proof: now,
            packets: Vec::new(),
            calls: Calls::default(),
        };
        new.update(participant, now);
        new
    }

    /// The same interviewer in a new presence: fresh probes, same conversation.
    pub(crate) fn again(before: &Self, participant: &Participant, now: Fresh) -> Self {
        let mut again = Self {
            state: before.state,
            marked: before.marked,
            end: before.end.clone(),
            doubt: before.doubt,
            failed: before.failed,
            reply_pending: before.reply_pending,
            owed_since: before.owed_since,
            busy_since: before.busy_since,
            hears: before.hears,
            last_pong: before.last_pong,
            last_process_answer: before.last_process_answer,
            last_audible: before.last_audible,
            last_reaction: before.last_reaction,
            calls: before.calls.clone(),
            ..Self::new(&Participant { state: None, ..participant.clone() }, now)
        };
        again.update(participant, now);
        again
    }

    /// What the server says of it. Returns whether its state changed.
    pub(crate) fn update(&mut self, participant: &Participant, now: Fresh) -> bool {
        if participant.audio {
            self.ready.get_or_insert(now);
        }
        participant.state.is_some_and(|state| self.set_state(state, now))
    }

    /// Returns whether it changed. It is no reaction: a candidate hears nothing of it.
    pub(crate) fn set_state(&mut self, state: AgentState, now: Fresh) -> bool {
        let changed = self.state != Some(state);
        if changed {
            self.state = Some(state);
            self.last_proof = now;
            if self.busy() {
                self.busy_since.get_or_insert(now);
                self.end.iter_mut().for_each(EndSign::turn_began);
            } else {
                self.busy_since = None;
            }
        }
        if state == AgentState::Speaking {
            self.reply_pending = false;
        }
        if state != AgentState::Initializing {
            self.ready.get_or_insert(now);
        }
        changed
    }

    /// The connection broke, or the fresh clock was taken back to `to`: nothing is known from later than
    /// that, and what was under way proves nothing.
    pub(crate) fn invalidate_after(&mut self, to: Fresh) {
        self.session.invalidate_after(to);
        self.process.invalidate_after(to);
        self.channel_proven = None;
        for at in [&mut self.joined, &mut self.last_reaction, &mut self.last_proof] {
            at.cap(to);
        }
        let times = [
            &mut self.ready,
            &mut self.process_answered,
            &mut self.last_audible,
            &mut self.owed_since,
            &mut self.busy_since,
            &mut self.report_asked,
        ];
        times.into_iter().flatten().for_each(|at| at.cap(to));
        if let Some(end) = &mut self.end {
            end.since.cap(to);
            end.told.cap(to);
        }
        self.closed.iter_mut().for_each(|(_, at)| at.cap(to));
        match &mut self.presence {
            Presence::Here => {}
            Presence::Left { at, .. } | Presence::Unsure { at } => at.cap(to),
        }
    }

    /// A probe was answered. Returns whether it was one of ours.
    pub(crate) fn answered(&mut self, probe: ProbeKind, id: u64, now: Fresh, real: Time) -> bool {
        match probe {
            ProbeKind::Session => {
                if self.session.answered(id, now).is_none() {
                    return false;
                }
                self.channel_proven = None;
                self.last_pong = Some(real);
                self.ready.get_or_insert(now);
                // A session without a process answers nothing. As with packets: pongs do not make it probeable.
                if self.process.last_answer.is_some() {
                    self.process.sign_of_life(now);
                    self.last_process_answer = Some(real);
                }
            }
            ProbeKind::Process => {
                let Some(sent) = self.process.answered(id, now) else { return false };
                self.last_process_answer = Some(real);
                self.process_answered = Some(now);
                if self.session.unanswered_since.is_some_and(|ping| sent > ping) {
                    self.channel_proven.get_or_insert(now);
                }
            }
        }
        self.last_proof = now;
        self.died = false;
        true
    }

    /// Packets of one of its tracks were counted; `interval` is the time since the last count, in milliseconds.
    pub(crate) fn rtp(&mut self, track: String, packets: u64, now: Fresh, real: Time, interval: u64) {
        let known = self.packets.iter().position(|(known, _)| *known == track);
        let before = known.map(|at| self.packets.remove(at).1);
        if self.packets.len() == TRACKS {
            self.packets.remove(0);
        }
        self.packets.push((track, packets));
        let grew = before.is_some_and(|before| packets > before);
        if grew {
            self.last_proof = now;
            // Only once it answered a probe itself: packets alone do not make it probeable. They may have
            // come right after the last count: a process that was killed since must not look alive.
            if self.process.last_answer.is_some() {
                self.process.sign_of_life(Fresh(now.0.saturating_sub(interval)));
                let seen = Time(real.0.saturating_sub(interval));
                self.last_process_answer = self.last_process_answer.max(Some(seen));
            }
        }
    }

    /// Returns whether the candidate heard it.
    pub(crate) fn set_audible(&mut self, audible: bool, now: Fresh) -> bool {
        let heard = audible || self.audible;
        if heard {
            self.last_audible = Some(now);
            self.last_proof = now;
        }
        self.audible = audible;
        heard
    }

    /// Whether what it did says that it is over, as far as nobody took that back. A session that merely closed may have crashed.
    pub(crate) fn said_goodbye(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.stands() || self.closed.is_some())
    }

    /// Whether the process answered a probe lately.
    pub(crate) fn process_answers(&self, now: Fresh, suspect: u64) -> bool {
        self.process_answered.is_some_and(|at| now.since(at) < suspect)
    }

    /// Whether a probe of any kind was ever answered.
    pub(crate) fn probed(&self) -> bool {
        self.process.last_answer.is_some() || self.pingable()
    }

    /// Whether this interviewer's session answers pings at all.
    pub(crate) fn pingable(&self) -> bool {
        self.session.last_answer.is_some()
    }
}
