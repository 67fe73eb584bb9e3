//! When the candidate is asked whether the interview goes on, and what an answer does.
//!
//! A *reaction* is audible speech of the interviewer or a turn of it, nothing else. The candidate is asked when one
//! is missing: an answer is owed, it thinks or speaks without sound, or an end was begun and nothing came of it.
//! A candidate whose turn it is may be silent as long as they like while the interviewer's session answers.

use serde::{Deserialize, Serialize};

use crate::end_sign::{Contest, EndSign};
use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::rules::Rule;
use crate::{AgentState, ParticipantKind, Phase, Session};

/// The candidate is speaking, or did within this: they are not asked in the middle of a sentence, though not put
/// off for ever.
const SPEAKING: u64 = 5_000;

/// So many times the time until a question may a candidate who speaks on put it off.
const SPEAKING_ON: u64 = 4;

/// What the candidate is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The interviewer has not reacted for a while: does it go on?
    Silent,
    /// The interviewer ended the interview, and nothing was said since: is it over?
    Over,
    /// The interviewer's session does not answer although its process does: is it over?
    Closed,
    /// The interviewer left, and a person is in the room: does it go on?
    Person,
}

/// A question that stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) at: Fresh,
}

/// What is known of the candidate's side of the talk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Candidate {
    /// When they were last heard, by whatever heard them.
    pub(crate) heard: Option<Fresh>,
    /// When they first spoke without a reaction since.
    pub(crate) spoke: Option<Fresh>,
    /// When our own detector began to hear them without a pause, and when it last did.
    pub(crate) burst: Option<(Fresh, Fresh)>,
    /// When they last answered a question, in words or with a button.
    pub(crate) answered: Option<Fresh>,
    /// The question that stands.
    pub(crate) asked: Option<Asked>,
}

impl Candidate {
    /// Nothing is known from later than `to`.
    pub(crate) fn cap(&mut self, to: Fresh) {
        if let Some((since, last)) = &mut self.burst {
            since.cap(to);
            last.cap(to);
        }
        let asked = self.asked.as_mut().map(|asked| &mut asked.at);
        for at in
            [self.heard.as_mut(), self.spoke.as_mut(), self.answered.as_mut(), asked].into_iter().flatten()
        {
            at.cap(to);
        }
    }
}

impl Session {
    /// The interviewer did something that a candidate can notice as an answer.
    pub(crate) fn reacted(&mut self) {
        let now = self.fresh();
        // What is heard beside its turns (a tune while it prepares) is no greeting.
        self.greeted |= self
            .interviewer
            .as_ref()
            .is_some_and(|i| i.state.is_none_or(|state| state == AgentState::Speaking));
        self.candidate.spoke = None;
        self.candidate.asked = None;
        if let Some(i) = &mut self.interviewer {
            i.last_reaction = now;
            i.owed_since = None;
            i.doubt = false;
            // Whatever it does from here on is counted anew.
            i.busy_since = i.busy().then_some(now);
        }
    }

    /// The candidate was heard. `ours`: by our own detector, which goes by loudness.
    pub(crate) fn candidate_spoke(&mut self, ours: bool) {
        let now = self.fresh();
        if ours && !self.detected(now) {
            return;
        }
        self.candidate.heard = Some(now);
        // It is over as far as the interviewer goes: only a button brings that back.
        if self.candidate.asked.is_some_and(|asked| asked.question != Question::Closed) {
            self.candidate.asked = None;
            self.candidate.answered = Some(now);
        }
        // Counted from the first word without a reaction: who says "hello?" again and again is asked all the same.
        self.candidate.spoke.get_or_insert(now);
    }

    /// Whether what our own detector hears counts. A session tells what it hears itself, and a chair that creaks is no
    /// word; but who speaks on and is not heard must not be left alone.
    fn detected(&mut self, now: Fresh) -> bool {
        let p = &self.policy;
        let before = self.candidate.burst.filter(|(_, last)| now.since(*last) <= p.speech_pause);
        let since = before.map_or(now, |(since, _)| since);
        self.candidate.burst = Some((since, now));
        let tells = self.interviewer.as_ref().is_some_and(|i| i.hears || i.pingable());
        !tells || now.since(since) >= p.unheard_speech
    }

    /// "Keep waiting". What the interviewer did towards an end stays: only the interviewer takes that back, by going on.
    /// Pressed when nobody is asked (the question may have gone in this very moment), it says nothing.
    pub(crate) fn go_on(&mut self) {
        let now = self.fresh();
        if self.candidate.asked.take().is_none() {
            return;
        }
        self.candidate.spoke = None;
        self.candidate.answered = Some(now);
        if let Some(i) = &mut self.interviewer
            && let Some(end) = &mut i.end
        {
            end.denied();
            i.doubt = true;
        }
    }

    /// Whether the interviewer's session answers pings: no question ends that by itself.
    pub(crate) fn session_answers(&self, i: &Interviewer, now: Fresh) -> bool {
        i.session.silent_for(now).is_some_and(|ms| ms < self.policy.session_suspect)
    }

    /// Until when sound counts as speech. Speech has pauses: a sound that never changes is a hum.
    fn speaks_until(&self, i: &Interviewer) -> Fresh {
        let heard = i.last_audible.filter(|_| i.audible);
        heard.map(|at| at.after(self.policy.evidence_expiry)).unwrap_or_default()
    }

    /// Whether the interviewer has left the room.
    pub(crate) fn interviewer_left(&self) -> bool {
        self.interviewer.as_ref().is_some_and(|i| matches!(i.presence, Presence::Left { .. }))
    }

    /// A person in the room who can be heard.
    pub(crate) fn person(&self) -> Option<&crate::Participant> {
        self.roster.iter().find(|p| p.kind == ParticipantKind::Person && p.audio)
    }

    /// The person who has the floor: the interviewer left without an end, and they are there.
    pub(crate) fn takes_the_floor(&self) -> Option<&crate::Participant> {
        self.person().filter(|_| self.interviewer_left() && self.phase == Phase::Live)
    }

    /// Whether the candidate waits for the interviewer, as far as can be known: the end of the time finishes nothing
    /// then.
    pub(crate) fn answer_owed(&self) -> bool {
        let now = self.fresh();
        let silent = |at: Fresh| now.since(at) >= self.policy.session_suspect;
        self.candidate.asked.is_some()
            || self.replacement.is_some()
            || self.interviewer.as_ref().is_some_and(|i| {
                let stuck = !i.audible && i.busy_since.is_some_and(silent);
                i.owed_since.is_some() || i.doubt || stuck
            })
    }

    /// The next question, and when it comes.
    pub(crate) fn question(&self, now: Fresh) -> Option<(Fresh, Question)> {
        let p = &self.policy;
        let i = self.interviewer.as_ref().filter(|_| self.phase == Phase::Live)?;
        let asked = self.candidate.asked.map(|asked| asked.question);
        let speaks = self.speaks_until(i);
        let since = |at: Fresh| at.max(self.candidate.answered.unwrap_or_default());
        if self.takes_the_floor().is_some() {
            let Presence::Left { at, .. } = i.presence else { return None };
            if asked.is_some() {
                return None;
            }
            let heard = self.candidate.heard.unwrap_or_default();
            let due = since(at).max(i.last_reaction).max(heard).after(p.ask_after);
            return Some((due.max(speaks), Question::Person));
        }
        if i.presence != Presence::Here {
            return None;
        }
        let lives = self.session_answers(i, now);
        let open = !matches!(asked, Some(Question::Over | Question::Closed));
        // Who was asked that and said that it goes on is asked no more than whether it still does.
        let proves = |end: &&EndSign| end.proves() && end.contest != Contest::Denied;
        let over = i.end.as_ref().filter(|end| proves(end) && lives && open).map(|end| {
            let due = end.since.max(i.last_reaction).after(p.evidence_expiry);
            // A candidate who answered in words is asked again, later.
            let again = self.candidate.answered.map_or(due, |at| at.after(p.ask_after));
            (due.max(again), Question::Over)
        });
        let silent = self.silent_since(i).filter(|_| asked.is_none()).map(|at| {
            let due = at.after(p.ask_after);
            let heard = self.candidate.heard.map_or(due, |at| at.after(SPEAKING));
            (due.max(heard.min(due.after(p.ask_after * SPEAKING_ON))), Question::Silent)
        });
        [over, silent].into_iter().flatten().map(|(at, q)| (at.max(speaks), q)).min_by_key(|(at, _)| *at)
    }

    /// Since when the candidate has waited for the interviewer, if they do.
    fn silent_since(&self, i: &Interviewer) -> Option<Fresh> {
        let answered = self.candidate.answered.unwrap_or_default();
        let spoke = self.candidate.spoke.filter(|spoke| i.last_reaction < *spoke);
        let begun = i.end.as_ref().filter(|end| !end.proves()).map(|end| end.since.max(i.last_reaction));
        let unpingable =
            (!i.pingable()).then(|| self.candidate.heard.map_or(i.last_reaction, |h| h.max(i.last_reaction)));
        [i.owed_since, i.busy_since, spoke, i.doubt.then_some(i.last_reaction), begun, unpingable]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(answered))
    }

    /// Rules about a question that stands.
    pub(crate) fn pending_answer(&self, push: &mut impl FnMut(Fresh, Rule)) {
        let p = &self.policy;
        let Some(Asked { question, at }) = self.candidate.asked else { return };
        let now = self.fresh();
        let Some(i) = &self.interviewer else {
            push(at.after(p.answer_limit), Rule::NoAnswer);
            return;
        };
        let lives = i.presence == Presence::Here && self.session_answers(i, now);
        let untold = |end: &EndSign| matches!(end.contest, Contest::None | Contest::Said);
        let over = i.end.as_ref().is_some_and(|end| end.proves() && untold(end));
        match question {
            // The rules about the session's close end that, see `pending_session`.
            Question::Closed if i.presence == Presence::Here && i.pingable() => {}
            Question::Over if lives && over => push(at.after(p.over_limit), Rule::OverUnanswered),
            Question::Silent | Question::Over | Question::Closed | Question::Person => {
                // Counted from the last sign that a session or a person is there: it ends nobody who lives.
                let signs = [i.session.last_answer, i.last_audible].into_iter().flatten();
                push(signs.fold(at, Fresh::max).after(p.answer_limit), Rule::NoAnswer);
            }
        }
    }
}

impl Interviewer {
    /// It used a tool that ends nothing.
    pub(crate) fn another_tool(&mut self) {
        if self.end.as_mut().is_some_and(EndSign::overtaken_by_a_tool) {
            self.end = None;
        }
    }

    /// Whether it did what proves an end.
    pub(crate) fn proved(&self) -> bool {
        self.end.as_ref().is_some_and(EndSign::proves)
    }

    /// Whether it says of itself that it prepares an answer or gives it.
    pub(crate) fn busy(&self) -> bool {
        match self.state {
            Some(AgentState::Thinking | AgentState::Speaking) => true,
            Some(AgentState::Listening | AgentState::Initializing) | None => false,
        }
    }
}
