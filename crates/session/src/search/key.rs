//! What two states have in common that count as one (and where that is not exact: see [`super`]).

use std::hash::{Hash, Hasher};

use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::probes::Probes;
use crate::{AgentState, LeaveReason, Link, Phase, Session};

/// A constant of this many ticks is switched off in a world: its rule never fires, its clock is no state.
pub(super) const OFF: u64 = 1_000_000;

/// Age on the fresh clock of something that a rule looks at until it is `limit` ticks old. A link that
/// goes stale takes fresh time back, up to the limit of staleness: so much more is told apart.
fn age(s: &Session, at: Option<Fresh>, limit: u64) -> Option<u64> {
    let now = s.fresh();
    let at = at.filter(|_| limit < OFF)?;
    // 0 is "behind the clock": taken back beyond it.
    Some(if at > now { 0 } else { 1 + now.since(at).min(limit + s.policy.link_stale) })
}

/// Two multiplicative hashes of 64 bits each (the first as FNV-1a, the second with another prime and
/// shifts as in Murmur's finish). With ten million states, the chance of one collision of both is 10⁻²⁵.
struct Wide(u64, u64);

impl Hasher for Wide {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        self.1 = (self.1.rotate_left(23) ^ value).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.1 ^= self.1 >> 33;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The key of a state.
///
/// `unsure`: whether somebody can be reported as gone without a reason in this world.
pub(super) fn of(session: &Session, unsure: bool) -> u128 {
    let mut hasher = Wide(0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15);
    write(session, unsure, &mut hasher);
    u128::from(hasher.0) << 64 | u128::from(hasher.1)
}

fn write(s: &Session, unsure: bool, to: &mut impl Hasher) {
    s.phase.hash(to);
    let step = s.now.since(s.step_since).min(2);
    match s.phase {
        Phase::Checking => {}
        Phase::Joining => (s.link.state, step).hash(to),
        Phase::WrappingUp | Phase::Completed => (&s.delivery, step).hash(to),
        Phase::Waiting | Phase::Live => open(s, unsure, to),
    }
}

fn open(s: &Session, unsure: bool, to: &mut impl Hasher) {
    let p = &s.policy;
    (s.link.state, s.link.is_fresh(), &s.room_sid).hash(to);
    s.link.last_growth.map(|at| s.now.since(at).min(p.link_lost)).hash(to);
    s.link.lossy.hash(to);
    s.link.out_since.map(|at| s.now.since(at).min(p.link_lost)).hash(to);
    (s.link.state == Link::Down).then(|| s.redial_at.since(s.now)).hash(to);
    s.room_gone.map(|at| s.now.since(at).min(p.organiser_limit)).hash(to);
    age(s, s.replaced, p.replaced_room).hash(to);
    s.roster.iter().for_each(|p| p.sid.hash(to));
    0xff_u8.hash(to);
    s.losses.iter().for_each(|at| age(s, Some(*at), p.crash_loop_window).hash(to));
    0xff_u8.hash(to);
    if s.phase == Phase::Waiting && s.interviewer.is_none() {
        (s.waiting_long, age(s, Some(s.waiting_since), p.never_started)).hash(to);
    }
    age(s, s.asked, p.answer_limit).hash(to);
    let reaction = s.interviewer.as_ref().map(|i| i.last_reaction);
    let pingable = s.interviewer.as_ref().is_some_and(Interviewer::pingable);
    age(s, s.candidate_spoke.filter(|at| !pingable || reaction.is_none_or(|r| r < *at)), p.ask_after)
        .hash(to);
    if let Some(i) = &s.interviewer {
        interviewer(s, i, unsure, to);
    }
}

fn interviewer(s: &Session, i: &Interviewer, unsure: bool, to: &mut impl Hasher) {
    let p = &s.policy;
    // Whether its session reported an error changes the outcome's name and nothing else.
    (&i.sid, s.quiet, i.audible, i.packets.is_some(), i.ready.is_some()).hash(to);
    match i.presence {
        Presence::Here => 0_u8.hash(to),
        Presence::Left { at, reason } => {
            let timed_out = reason == LeaveReason::ConnectionTimeout;
            (1_u8, age(s, Some(at), p.leave_settling), timed_out).hash(to);
        }
        Presence::Unsure { at } => (2_u8, age(s, Some(at), p.roster_pause)).hash(to),
    }
    if i.ready.is_none() || i.session.last_sent.is_none() || i.process.last_sent.is_none() {
        age(s, Some(i.joined), p.ready_limit).hash(to);
    }
    matches!(i.state, Some(AgentState::Thinking | AgentState::Speaking)).hash(to);
    if !i.pingable() && p.ping_interval != p.ping_interval_slow {
        age(s, i.ready, p.ping_unsupported).hash(to);
    }
    probes(s, &i.session, p.ping_interval, p.session_blocked, to);
    probes(s, &i.process, p.process_interval, p.process_lost_lossy, to);
    age(s, i.channel_proven, p.session_grace).hash(to);
    // With an answered probe, a lost process is noticed sooner than a missing proof of life.
    if unsure || i.process.last_answer.is_none() {
        age(s, Some(i.last_proof), p.no_proof_of_life).hash(to);
    }
    if !i.pingable() || s.candidate_spoke.is_some() {
        age(s, Some(i.last_reaction), p.ask_after).hash(to);
    }
    let heard = if i.evidence.is_some() { p.evidence_expiry } else { p.audible_tail };
    age(s, i.last_audible, heard).hash(to);
    let evidence = i.evidence.as_ref();
    age(s, evidence.map(|(_, at)| *at), p.evidence_expiry).hash(to);
}

fn probes(s: &Session, probes: &Probes, interval: u64, limit: u64, to: &mut impl Hasher) {
    age(s, probes.last_sent, interval).hash(to);
    age(s, probes.last_answer, limit).hash(to);
    // One probe goes out per tick, so the oldest under way says which ones are; answers later than
    // this count as lost (see `Move::Oldest`).
    age(s, probes.unanswered_since, LATEST).hash(to);
}

/// The latest answer that still comes, in ticks after its probe.
pub(super) const LATEST: u64 = 2;
