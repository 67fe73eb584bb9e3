//! What two states have in common that count as one: everything that a rule or an input looks at.

use std::hash::{Hash, Hasher};

use crate::end_sign::{Contest, EndSign, Strength};
use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::probes::Probes;
use crate::{ConnectionState, Phase, Session, Time};

/// A constant of this many ticks is switched off in a world: its rule never fires, its clock is no state.
pub(super) const OFF: u64 = 1_000_000;

/// A session, and by how many ticks its fresh clock can be taken back.
struct Seen<'a> {
    session: &'a Session,
    taken_back: u64,
}

impl std::ops::Deref for Seen<'_> {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.session
    }
}

/// Age on the fresh clock of something that a rule looks at until it is `limit` ticks old. A link that
/// goes stale takes fresh time back, up to the limit of staleness: so much more is told apart.
fn age(s: &Seen<'_>, at: Option<Fresh>, limit: u64) -> Option<u64> {
    let at = at.filter(|_| limit < OFF)?;
    debug_assert!(at <= s.fresh(), "known from the future");
    Some(s.fresh().since(at).min(limit + s.taken_back))
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
/// `taken_back`: by how many ticks the fresh clock can be taken back in this world.
pub(super) fn of(session: &Session, taken_back: u64) -> u128 {
    let mut hasher = Wide(0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15);
    write(&Seen { session, taken_back }, &mut hasher);
    u128::from(hasher.0) << 64 | u128::from(hasher.1)
}

fn write(s: &Seen<'_>, to: &mut impl Hasher) {
    s.phase.hash(to);
    let p = &s.policy;
    let step = |limit: u64| s.now.since(s.step_since).min(limit);
    match s.phase {
        Phase::Checking => {}
        Phase::Joining => (s.link.state, step(p.join_limit.max(p.connect_limit))).hash(to),
        Phase::WrappingUp | Phase::Completed => {
            (&s.delivery, step(p.commit_limit.max(p.delivery_limit))).hash(to);
        }
        Phase::Waiting | Phase::Live => open(s, to),
    }
}

fn open(s: &Seen<'_>, to: &mut impl Hasher) {
    let p = &s.policy;
    let real = |at: Option<Time>, limit: u64| at.map(|at| s.now.since(at).min(limit));
    (s.link.state, s.link.is_fresh(), &s.room_sid, s.link.received.is_some()).hash(to);
    real(s.link.last_growth, p.link_stale).hash(to);
    real(s.link.last_received, p.link_lost).hash(to);
    real(s.link.out_since, p.link_lost).hash(to);
    real(s.link.woke, p.link_lost).hash(to);
    (s.link.state == ConnectionState::Down).then(|| s.redial_at.since(s.now)).hash(to);
    real(s.room_gone, p.organiser_limit).hash(to);
    (s.organiser_asked, s.said_gone).hash(to);
    s.replaced.as_ref().map(|r| (&r.identity, r.why)).hash(to);
    let longest = p.replaced_room.max(p.interviewer_returns).max(p.leave_settling);
    age(s, s.replaced.as_ref().map(|r| r.at), longest).hash(to);
    (s.replacements_left, &s.fenced).hash(to);
    s.replacement.as_ref().map(|r| (r.refused, r.otherwise, &r.by)).hash(to);
    age(s, s.replacement.as_ref().map(|r| r.at), p.replacement_limit).hash(to);
    let probed = s.interviewer.as_ref().is_some_and(Interviewer::probed);
    age(s, s.restored.filter(|_| probed), p.data_stall).hash(to);
    for p in &s.roster {
        (&p.sid, &p.identity, p.state, p.audio).hash(to);
    }
    0xff_u8.hash(to);
    for (sid, at) in &s.losses {
        (sid, age(s, Some(*at), p.crash_loop_window)).hash(to);
    }
    0xff_u8.hash(to);
    if s.phase == Phase::Waiting && s.interviewer.is_none() {
        (s.waiting_long, age(s, Some(s.waiting_since), p.never_started)).hash(to);
    }
    let c = &s.candidate;
    c.asked.map(|asked| asked.question).hash(to);
    age(s, c.asked.map(|asked| asked.at), p.answer_limit.max(p.over_limit)).hash(to);
    if p.ask_after < OFF {
        age(s, c.spoke, p.ask_after).hash(to);
        age(s, c.heard, p.ask_after).hash(to);
        // A burst that has ended is as good as none.
        let ended = |last: Fresh| s.fresh().since(last) > p.speech_pause + s.taken_back;
        let burst = c.burst.filter(|(_, last)| p.unheard_speech < OFF && !ended(*last));
        age(s, burst.map(|(since, _)| since), p.unheard_speech).hash(to);
        age(s, burst.map(|(_, last)| last), p.speech_pause).hash(to);
    }
    age(s, c.answered, p.ask_after).hash(to);
    let pong = s.interviewer.as_ref().and_then(|i| i.session.last_answer);
    c.answered.is_some_and(|at| Some(at) > pong).hash(to);
    if let Some(i) = &s.interviewer {
        interviewer(s, i, to);
    }
}

fn interviewer(s: &Seen<'_>, i: &Interviewer, to: &mut impl Hasher) {
    let p = &s.policy;
    (&i.sid, &i.identity, s.quiet, i.audible, !i.packets.is_empty(), i.ready.is_some()).hash(to);
    (i.state, i.failed, i.died, i.reply_pending, i.calls.running.len(), i.named, i.marked).hash(to);
    // Of a tool that runs nobody counts them, and a contest that one turn more decides needs no count.
    let counts = |end: &EndSign| {
        end.strength != Strength::Running && matches!(end.contest, Contest::None | Contest::Said)
    };
    let turns = |end: &EndSign| if counts(end) { end.turns } else { 0 };
    i.end.as_ref().map(|end| (end.strength, end.contest, turns(end), end.call_id.is_some())).hash(to);
    i.taken_back.is_some().hash(to);
    i.closed.map(|(reason, at)| (reason, age(s, Some(at), p.session_blocked))).hash(to);
    if p.ask_after < OFF {
        for at in [i.owed_since, i.busy_since, Some(i.last_reaction)] {
            age(s, at, p.ask_after).hash(to);
        }
        (i.hears, i.doubt).hash(to);
    }
    let asks = |interval: u64| if interval < OFF { interval } else { 0 };
    let again = asks(p.report_interval).max(asks(p.death_interval));
    (i.report_asked.is_some(), age(s, i.report_asked.filter(|_| again > 0), again)).hash(to);
    // Whether it was asked since the last answer.
    let answered = i.process.last_answer;
    i.report_asked.is_some_and(|at| p.death_interval < OFF && Some(at) > answered).hash(to);
    match i.presence {
        Presence::Here => 0_u8.hash(to),
        Presence::Left { at, reason, otherwise } => {
            (1_u8, age(s, Some(at), p.leave_settling), reason, otherwise).hash(to);
        }
        Presence::Unsure { at } => (2_u8, age(s, Some(at), p.roster_pause)).hash(to),
    }
    if i.ready.is_none() {
        age(s, Some(i.joined), p.ready_limit).hash(to);
    }
    if !i.pingable() && p.ping_interval != p.ping_interval_slow {
        age(s, i.ready, p.ping_unsupported).hash(to);
    }
    // A question that stands counts from the last pong, and from the last sound.
    let asked = if s.candidate.asked.is_some() { p.answer_limit } else { 0 };
    probes(s, &i.session, p.ping_interval_slow, p.session_blocked.max(asked), to);
    probes(s, &i.process, p.process_interval, p.process_lost, to);
    age(s, i.process_answered, p.process_suspect).hash(to);
    age(s, i.channel_proven, p.session_grace).hash(to);
    age(s, Some(i.last_proof), p.no_proof_of_life).hash(to);
    let end = i.end.as_ref();
    age(s, end.map(|end| end.told), p.answer_after).hash(to);
    let heard = p.audible_tail.max(asked);
    age(s, i.last_audible, heard).hash(to);
    // It is asked about, or falls away, counted from it or from the last reaction.
    let since = end.map(|end| end.since.max(i.last_reaction));
    age(s, since, p.evidence_expiry).hash(to);
}

fn probes(s: &Seen<'_>, probes: &Probes, interval: u64, limit: u64, to: &mut impl Hasher) {
    age(s, probes.last_sent, interval).hash(to);
    age(s, probes.last_answer, limit).hash(to);
    age(s, probes.unanswered_since, LATEST.max(s.policy.process_suspect)).hash(to);
    // Answers later than this count as lost (see `Move::Oldest`): how many are is no matter, but that there
    // is one at the front is.
    let now = s.fresh();
    let late = |at: Fresh| now.since(at) > LATEST;
    probes.under_way.front().is_some_and(|(_, at)| late(*at)).hash(to);
    for (_, at) in probes.under_way.iter().filter(|(_, at)| !late(*at)) {
        now.since(*at).hash(to);
    }
    0xff_u8.hash(to);
}

/// The latest answer that still comes, in ticks after its probe.
pub(super) const LATEST: u64 = 1;
