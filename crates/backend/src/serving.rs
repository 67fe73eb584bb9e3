//! The interviewer that serves an interview's room, as LiveKit tells of it. Pure: what LiveKit says comes in, the time is given.
//!
//! Within an attempt there is one. If its room is opened anew (another server of LiveKit took it over), it is on its way back, and
//! LiveKit sends a second one there meanwhile: that one is too many. Only if the first does not come back another one is called.

use adjourn_protocol::{InterviewerState, Source};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

/// In a room that was opened anew the interviewer is awaited for so long (measured: it is back 8 to 9 s after the candidate,
/// who is back 3 to 5 s after the server died), unless the interview's policy says otherwise (`Policy::interviewer_returns`): a
/// candidate's client waits as long.
pub(crate) const AWAITED: Duration = Duration::seconds(15);

/// How livekit-agents calls a job's participant: by a name that no other job has.
const OF_A_JOB: &str = "agent-";

/// Whether it is called so: nobody else ever comes under that name.
pub(crate) fn is_of_a_job(identity: &str) -> bool {
    job_of(identity).is_some()
}

/// Under which name a job of livekit-agents is in the room, unless it chose another one.
pub(crate) fn identity_of(job: &str) -> String {
    format!("{OF_A_JOB}{job}")
}

/// The job that is in the room under that name, unless it chose it itself.
pub(crate) fn job_of(identity: &str) -> Option<&str> {
    identity.strip_prefix(OF_A_JOB)
}

/// How far a moment is from now, whatever a clock that was put right makes of it: what seems to come is as old as it is far
/// (decision 16).
pub(crate) fn age(of: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - of).abs()
}

/// Somebody in a room: who, and this stay there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Presence {
    /// Its identity in the room; the same again when it comes back.
    #[serde(default)]
    pub(crate) identity: String,
    /// LiveKit's id of this stay; another one when it comes back.
    #[serde(default)]
    pub(crate) sid: String,
}

/// Who is in a room, found by looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// An agent of any kind.
    pub(crate) agent: bool,
    /// The interviewer.
    pub(crate) interviewer: Option<Presence>,
    /// LiveKit's ids of everybody's stay.
    pub(crate) sids: Vec<String>,
    /// Identities of those who were sent away, and are there all the same.
    pub(crate) out: Vec<String>,
}

/// What somebody's coming means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It serves the room, or may: it met the one that does, and nobody knows yet which of them lives.
    Welcome,
    /// It was awaited, or given up.
    Back,
    /// It is one too many.
    TooMany,
}

/// Who serves a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Serving {
    /// The interviewer, in its newest presence. `None`: nobody told of one.
    pub(crate) interviewer: Option<Presence>,
    /// It left, as LiveKit told.
    pub(crate) left_at: Option<DateTime<Utc>>,
    /// The room was opened anew, and it is not back since then.
    pub(crate) awaited_since: Option<DateTime<Utc>>,
    /// It came back then.
    pub(crate) back_at: Option<DateTime<Utc>>,
    /// Another one that met it in the room.
    pub(crate) next: Option<Presence>,
    /// The identity of one that was awaited in vain.
    pub(crate) given_up: Option<String>,
    /// The identity of one that the candidate's client lost, in whose place another one was called last.
    pub(crate) replaced: Option<String>,
    /// One came in its place then.
    pub(crate) succeeded_at: Option<DateTime<Utc>>,
    /// The identity of the last one whose process is known to have ended without a goodbye.
    pub(crate) died: Option<String>,
    /// How long it is awaited, where the interview's policy says so.
    pub(crate) awaited_for: Option<Duration>,
}

impl Serving {
    /// Whether the interviewer is in the room, as far as anybody told. `None`: nobody told of one.
    pub(crate) fn state(&self) -> Option<InterviewerState> {
        self.interviewer.as_ref()?;
        let left = self.left_at.is_some();
        Some(if left { InterviewerState::Left } else { InterviewerState::Present })
    }

    /// Who serves a room of this interview that was just made: nobody.
    pub(crate) fn anew(&self) -> Self {
        Self { awaited_for: self.awaited_for, ..Self::default() }
    }

    fn awaited_for(&self) -> Duration {
        self.awaited_for.unwrap_or(AWAITED)
    }

    fn is_present(&self) -> bool {
        self.state() == Some(InterviewerState::Present)
    }

    /// Whether somebody who is seen in the room is news: nobody was known there, or the one that was has left, and this is no stay of
    /// before.
    pub(crate) fn would_be_news(&self, who: &Presence) -> bool {
        let left = self.state() == Some(InterviewerState::Left) && self.awaited_since.is_none();
        let before = self.interviewer.as_ref().is_some_and(|before| before.sid == who.sid);
        self.interviewer.is_none() || left && !before
    }

    /// The interviewer that is in the room and is not awaited there.
    pub(crate) fn settled_presence(&self) -> Option<&Presence> {
        self.interviewer.as_ref().filter(|_| self.is_present() && self.awaited_since.is_none())
    }

    /// Whether one of that identity serves.
    fn is(&self, identity: &str) -> bool {
        self.interviewer.as_ref().is_some_and(|interviewer| interviewer.identity == identity)
    }

    /// Whether one of that identity serves, or met the one that does.
    pub(crate) fn is_or_may_be(&self, identity: &str) -> bool {
        self.is(identity) || self.next.as_ref().is_some_and(|next| next.identity == identity)
    }

    /// Whether somebody serves who is not the one that reports so. `replaced`: that one was replaced.
    pub(crate) fn has_another_than(&self, source: &Source, replaced: bool) -> bool {
        let Some((interviewer, job)) = self.interviewer.as_ref().zip(source.job()) else { return false };
        if is_of_a_job(&interviewer.identity) {
            interviewer.identity != identity_of(job)
        } else {
            // A name of one's own says nothing of the job.
            replaced && self.succeeded_at.is_some()
        }
    }

    /// The candidate's client lost that one, and another one is called. It served, whether or not anybody told of its coming.
    pub(crate) fn is_replaced(&mut self, lost: &Presence, now: DateTime<Utc>) {
        self.replaced = Some(lost.identity.clone());
        (self.awaited_since, self.next, self.succeeded_at) = (None, None, None);
        if !self.is(&lost.identity) {
            (self.interviewer, self.left_at) = (Some(lost.clone()), None);
        }
        self.left_at.get_or_insert(now);
    }

    /// The process of that one has ended: it has left, whatever LiveKit still lists.
    pub(crate) fn has_died(&mut self, identity: &str, now: DateTime<Utc>) {
        self.died = Some(identity.to_owned());
        if self.is(identity) {
            self.left_at.get_or_insert(now);
        }
    }

    /// Whether the one that serves, or did last, is to be succeeded by one that was called for that.
    pub(crate) fn is_to_be_succeeded(&self) -> bool {
        self.succeeded_at.is_none() && self.replaced.as_ref().is_some_and(|lost| self.is(lost))
    }

    /// Whether the process of the one that serves, or did last, is known to have ended.
    pub(crate) fn is_dead(&self) -> bool {
        self.died.as_ref().is_some_and(|dead| self.is(dead))
    }

    /// Whether nobody serves any more: it was replaced, or died, and nobody has come since.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_to_be_succeeded() || self.is_dead()
    }

    /// Whether the room was opened anew at some time: what the earlier server still tells of it says nothing.
    pub(crate) fn was_opened_anew(&self) -> bool {
        self.awaited_since.is_some() || self.back_at.is_some() || self.given_up.is_some()
    }

    /// The room is opened anew. Gives whether its interviewer is awaited from now on.
    pub(crate) fn opened_anew(&mut self, now: DateTime<Utc>) -> bool {
        let present = self.is_present();
        if present {
            self.awaited_since = Some(now);
        }
        present
    }

    /// An interviewer came into the room. Another one takes over only from one that left; of two that meet in a room that
    /// was not opened anew it is not known whether the first one lives, and the candidate's client finds that out.
    pub(crate) fn came(&mut self, who: Presence, now: DateTime<Utc>) -> Came {
        let (same, present) = (self.is(&who.identity), self.is_present());
        let given_up = self.given_up.as_ref() == Some(&who.identity);
        if !same && present && (self.awaited_since.is_some() || self.is_settling(now) || given_up) {
            return Came::TooMany;
        }
        let back = same && (self.awaited_since.take().is_some() || given_up);
        if back {
            (self.back_at, self.given_up) = (Some(now), None);
        }
        if !same && !present {
            // Nobody is awaited any longer. One that was called may have come late, and a second one be on its way: who comes
            // within that time is too many.
            if self.awaited_since.take().is_some() || self.given_up.is_some() {
                self.back_at = Some(now);
            }
        }
        // The same name may be given again to the one that was called.
        if !present && self.is_to_be_succeeded() {
            self.succeeded_at = Some(now);
        }
        if self.died.as_ref() == Some(&who.identity) {
            self.died = None;
        }
        if same || !present {
            (self.interviewer, self.left_at) = (Some(who), None);
        } else {
            self.next = Some(who);
        }
        if back { Came::Back } else { Came::Welcome }
    }

    /// The interviewer came back just now: who was sent in its place may still come.
    fn is_settling(&self, now: DateTime<Utc>) -> bool {
        let lately = |at: Option<DateTime<Utc>>| at.is_some_and(|at| age(at, now) < self.awaited_for());
        lately(self.back_at) || lately(self.succeeded_at)
    }

    /// Somebody left. What is told of an earlier presence says nothing; nor does what is told of one that is awaited: a
    /// frozen server that goes on tells that everybody left it.
    pub(crate) fn left(&mut self, sid: &str, now: DateTime<Utc>) {
        let is = |of: &Option<Presence>| of.as_ref().is_some_and(|of| of.sid == sid);
        if is(&self.next) {
            self.next = None;
        } else if is(&self.interviewer) && self.awaited_since.is_none() {
            // The one that met it has taken over.
            match self.next.take() {
                Some(next) => self.interviewer = Some(next),
                None => drop(self.left_at.get_or_insert(now)),
            }
        }
    }

    /// Those who are in the room, as LiveKit lists them. Servers that share a Redis go on listing those on a server that
    /// died: of the one that is awaited, only another presence is a return.
    pub(crate) fn returned(&self, listed: &[Presence]) -> Option<Presence> {
        let before = self.interviewer.as_ref().filter(|_| self.awaited_since.is_some())?;
        listed.iter().find(|who| who.identity == before.identity && who.sid != before.sid).cloned()
    }

    /// Whether the one that is awaited was awaited long enough.
    pub(crate) fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.awaited_since.is_some_and(|since| age(since, now) >= self.awaited_for())
    }

    /// Whether the one that is awaited is not awaited any longer: it counts as gone, and another one is to be called. Until it is
    /// known that one was ([`Self::another_was_called`]), or somebody comes, that is due again after as long: the caller may
    /// die over it, and LiveKit's answer may be lost.
    pub(crate) fn gives_up(&mut self, now: DateTime<Utc>) -> bool {
        let due = self.is_overdue(now);
        if due {
            (self.awaited_since, self.left_at) = (Some(now), Some(now));
            self.given_up = self.interviewer.as_ref().map(|gone| gone.identity.clone());
        }
        due
    }

    /// LiveKit sends another one.
    pub(crate) fn another_was_called(&mut self) {
        let none_came = self.given_up.as_ref().is_some_and(|gone| self.is(gone));
        if none_came && self.left_at.is_some() {
            self.awaited_since = None;
        }
    }

    /// Whether one of that identity served before, and was given up.
    pub(crate) fn served(&self, identity: &str) -> bool {
        self.given_up.as_deref() == Some(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + s, 0).unwrap()
    }

    fn agent(identity: &str, sid: &str) -> Presence {
        Presence { identity: identity.to_owned(), sid: sid.to_owned() }
    }

    /// `agent-1` serves.
    fn serving() -> Serving {
        let mut serving = Serving::default();
        assert_eq!(serving.state(), None);
        assert_eq!(serving.came(agent("agent-1", "PA_1"), at(1)), Came::Welcome);
        serving
    }

    fn awaited() -> Serving {
        let mut serving = serving();
        assert!(serving.opened_anew(at(60)));
        serving
    }

    #[test]
    fn one_is_awaited_as_long_as_the_interviews_own_clients_wait() {
        let mut serving = awaited();
        serving.awaited_for = Some(Duration::seconds(40));
        assert!(!serving.is_overdue(at(99)) && serving.is_overdue(at(100)));
        assert_eq!(serving.anew().awaited_for, serving.awaited_for);
    }

    #[test]
    fn in_a_room_that_was_opened_anew_the_first_interviewer_is_awaited_and_others_are_too_many() {
        let mut serving = awaited();
        // A second interviewer is sent before the first is back.
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(61)), Came::TooMany);
        assert!(!serving.gives_up(at(74)));
        assert_eq!(serving.came(agent("agent-1", "PA_1b"), at(68)), Came::Back);
        assert_eq!(serving.came(agent("agent-3", "PA_3"), at(70)), Came::TooMany, "the later one goes");
        assert!(!serving.gives_up(at(100)));
        // What the dead server tells of the earlier presence says nothing; of this one it does.
        serving.left("PA_1", at(80));
        assert_eq!(serving.state(), Some(InterviewerState::Present));
        serving.left("PA_1b", at(90));
        assert_eq!(serving.state(), Some(InterviewerState::Left));
        assert_eq!(
            serving.came(agent("agent-4", "PA_4"), at(91)),
            Came::Welcome,
            "one that left is succeeded"
        );
    }

    #[test]
    fn who_does_not_come_back_is_succeeded_and_too_many_after_that() {
        let given_up = || {
            let mut serving = awaited();
            assert!(serving.gives_up(at(75)) && !serving.gives_up(at(76)));
            assert_eq!(serving.state(), Some(InterviewerState::Left));
            serving
        };
        let mut serving = given_up();
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(77)), Came::Welcome);
        assert!(serving.is("agent-2"));
        // Back too late: after its successor, or just before it.
        assert_eq!(serving.came(agent("agent-1", "PA_1b"), at(78)), Came::TooMany);
        let mut serving = given_up();
        assert_eq!(serving.came(agent("agent-1", "PA_1b"), at(76)), Came::Back);
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(77)), Came::TooMany);
        assert!(serving.served("agent-1") || serving.is("agent-1"));
        // Whether another one was called is not known: once more later; not if somebody came meanwhile.
        let mut serving = given_up();
        assert!(!serving.gives_up(at(80)) && serving.gives_up(at(90)));
        let mut serving = given_up();
        serving.another_was_called();
        assert!(!serving.gives_up(at(200)));
        let mut serving = given_up();
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(77)), Came::Welcome);
        assert!(!serving.gives_up(at(200)));
    }

    #[test]
    fn of_two_that_were_called_one_stays() {
        // LiveKit's answer was lost, and the call made again; then both come.
        let mut serving = awaited();
        assert!(serving.gives_up(at(75)) && serving.gives_up(at(90)));
        serving.another_was_called();
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(91)), Came::Welcome);
        assert_eq!(serving.came(agent("agent-3", "PA_3"), at(93)), Came::TooMany);
        // The same one again is no other.
        assert_eq!(serving.came(agent("agent-2", "PA_2b"), at(94)), Came::Welcome);
        assert!(serving.is("agent-2") && serving.is_present());
    }

    /// Whatever order things come in: nobody who serves is given up without a room that was opened anew, and of those who come
    /// into it within the time nobody is welcome beside one who is there.
    #[test]
    fn in_no_order_are_two_welcome_in_a_room_that_was_opened_anew() {
        let mut searched = vec![(awaited(), at(60), vec!["agent-1"])];
        for _ in 0..6 {
            let mut next = Vec::new();
            for (serving, now, _) in &searched {
                let now = *now + Duration::seconds(5);
                for step in 0..6 {
                    let mut serving = serving.clone();
                    let before = serving.clone();
                    match step {
                        0 => {
                            if serving.gives_up(now) {
                                let awaited = before.awaited_since.unwrap();
                                assert!(now - awaited >= AWAITED, "{before:?}");
                            }
                        }
                        1 => serving.another_was_called(),
                        2 => serving.left(&before.interviewer.as_ref().unwrap().sid, now),
                        _ => {
                            let who = format!("agent-{}", step - 2);
                            let came = serving.came(agent(&who, &format!("PA_{who}")), now);
                            let beside =
                                before.is_present() && before.awaited_since.is_none() && !before.is(&who);
                            let just_came = before.back_at.is_some_and(|at| now - at < AWAITED);
                            assert!(
                                !(beside && just_came) || came == Came::TooMany,
                                "{before:?} {who} {came:?}"
                            );
                        }
                    }
                    assert!(
                        serving.awaited_since.is_none()
                            || serving.given_up.is_some()
                            || serving.is("agent-1")
                    );
                    next.push((serving, now, Vec::new()));
                }
            }
            next.dedup_by(|a, b| a.0 == b.0);
            searched = next;
        }
        assert!(searched.len() > 1_000);
    }

    #[test]
    fn who_is_listed_is_back_only_with_another_presence() {
        let mut serving = awaited();
        assert_eq!(serving.returned(&[agent("agent-1", "PA_1"), agent("agent-2", "PA_2")]), None);
        let back = agent("agent-1", "PA_1b");
        assert_eq!(serving.returned(&[agent("agent-2", "PA_2"), back.clone()]), Some(back.clone()));
        assert_eq!(serving.came(back.clone(), at(68)), Came::Back);
        assert_eq!(serving.returned(&[agent("agent-1", "PA_1c")]), None, "nobody is awaited");
    }

    #[test]
    fn a_frozen_server_that_goes_on_takes_nobody_away() {
        let mut serving = awaited();
        serving.left("PA_1", at(62));
        assert_eq!(serving.state(), Some(InterviewerState::Present));
        assert!(serving.was_opened_anew());
        assert_eq!(serving.came(agent("agent-1", "PA_1b"), at(68)), Came::Back);
        assert!(serving.was_opened_anew());
    }

    #[test]
    fn of_two_that_meet_in_a_room_as_it_was_the_second_takes_over_when_the_first_leaves() {
        let mut serving = serving();
        assert_eq!(serving.came(agent("agent-2", "PA_2"), at(30)), Came::Welcome);
        assert!(serving.is("agent-1"), "the first may be a dead one's shadow, or not");
        serving.left("PA_1", at(50));
        assert!(serving.is("agent-2"), "it was");
        assert_eq!(serving.state(), Some(InterviewerState::Present));
        serving.left("PA_2", at(60));
        assert_eq!(serving.state(), Some(InterviewerState::Left));
        // Nobody is awaited in a room that nobody is in.
        assert!(!serving.opened_anew(at(70)));
    }
}
