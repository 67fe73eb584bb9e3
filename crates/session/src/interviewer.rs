//! What is known of the one participant that is the interviewer.

use crate::link::Fresh;
use crate::probes::Probes;
use crate::{AgentState, Evidence, LeaveReason, Participant, ProbeKind, Time};

/// How the interviewer's presence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// In the room.
    Here,
    /// Left with a reason; a successor may come until it has settled.
    Left { at: Fresh, reason: LeaveReason },
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
    /// Arrival of the first answer to a process probe that was sent after the oldest unanswered
    /// session ping: from here on the ping is known to have arrived.
    pub(crate) channel_proven: Option<Fresh>,
    pub(crate) last_pong: Option<Time>,
    pub(crate) last_process_answer: Option<Time>,
    pub(crate) state: Option<AgentState>,
    pub(crate) evidence: Option<(Evidence, Fresh)>,
    pub(crate) failed: bool,
    pub(crate) audible: bool,
    pub(crate) last_audible: Option<Fresh>,
    pub(crate) last_reaction: Fresh,
    pub(crate) last_proof: Fresh,
    pub(crate) packets: Option<u64>,
    pub(crate) last_call: Option<String>,
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
            channel_proven: None,
            last_pong: None,
            last_process_answer: None,
            state: None,
            evidence: None,
            failed: false,
            audible: false,
            last_audible: None,
            last_reaction: now,
            last_proof: now,
            packets: None,
            last_call: None,
        };
        new.update(participant, now);
        new
    }

    pub(crate) fn update(&mut self, participant: &Participant, now: Fresh) {
        if let Some(state) = participant.state {
            self.set_state(state, now);
        }
        if participant.audio {
            self.ready.get_or_insert(now);
        }
    }

    pub(crate) fn set_state(&mut self, state: AgentState, now: Fresh) {
        if self.state != Some(state) {
            self.state = Some(state);
            self.last_reaction = now;
            self.last_proof = now;
        }
        if state != AgentState::Initializing {
            self.ready.get_or_insert(now);
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
            }
            ProbeKind::Process => {
                let Some(sent) = self.process.answered(id, now) else { return false };
                self.last_process_answer = Some(real);
                if self.session.unanswered_since.is_some_and(|ping| sent > ping) {
                    self.channel_proven.get_or_insert(now);
                }
            }
        }
        self.last_proof = now;
        true
    }

    /// Packets of its track were counted; `interval` is the time since the last count, in milliseconds.
    pub(crate) fn rtp(&mut self, packets: u64, now: Fresh, real: Time, interval: u64) {
        let grew = self.packets.is_some_and(|before| packets > before);
        self.packets = Some(packets);
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

    pub(crate) fn set_audible(&mut self, audible: bool, now: Fresh) {
        if audible || self.audible {
            self.last_audible = Some(now);
            self.last_reaction = now;
            self.last_proof = now;
        }
        self.audible = audible;
    }

    /// Whether the process answered lately.
    pub(crate) fn process_alive(&self, now: Fresh, suspect: u64) -> bool {
        self.process.silent_for(now).is_some_and(|ms| ms < suspect)
    }

    /// Whether this interviewer's session answers pings at all.
    pub(crate) fn pingable(&self) -> bool {
        self.session.last_answer.is_some()
    }
}
