//! Where an interview stands, and what changes it. Pure: rows come in, rows go out, the time is given.

use adjourn_protocol::{Arrival, Happened, InterviewState, Outcome, RoomEnd, SessionEnd, Teller};
use adjourn_session::EndedWhy;
use chrono::{DateTime, Duration, Utc};

use crate::serving::{Came, Presence, Seen, Serving, age};

/// How long after the end things may still arrive before they count as missing.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// The agent's report: `on_session_end` may take 5 min, a worker's retries some more.
    pub agent: Duration,
    /// The client's record: a laptop may be closed for a night.
    pub client: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { agent: Duration::minutes(10), client: Duration::hours(24) }
    }
}

/// A room that LiveKit does not list is believed to be gone when it was not listed for so long: two rounds.
const MISSING: Duration = Duration::seconds(15);
/// An interview that nobody ended is ended so long after its maximum length.
pub(crate) const OVERTIME: Duration = Duration::minutes(5);
/// After the agent's report, the candidate's client has so long to end by itself before the room is closed.
const PLAY_OUT: Duration = Duration::seconds(60);

/// Nothing is waited for (any more).
fn settled(arrival: Arrival) -> bool {
    arrival != Arrival::Pending
}

/// It is here.
fn arrived(before: Arrival, late: bool) -> Arrival {
    match before {
        Arrival::Received => Arrival::Received,
        Arrival::ReceivedLate | Arrival::Missing => Arrival::ReceivedLate,
        Arrival::None | Arrival::Pending if late => Arrival::ReceivedLate,
        Arrival::None | Arrival::Pending => Arrival::Received,
    }
}

/// One line of an interview's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) what: Happened,
    pub(crate) teller: Teller,
}

/// Where an interview stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    /// The newest attempt; 0 before the first.
    pub(crate) attempt: i64,
    /// How long a client waits for an interviewer, where the interview's policy says so.
    pub(crate) waits_for: Option<Duration>,
    /// LiveKit's id of its room.
    pub(crate) room_sid: Option<String>,
    /// The first attempt in that room: a candidate who goes on at another computer finds the same interviewer there,
    /// which reports for the attempt that it was sent for. Negative while it is not known which room the newest one is in.
    pub(crate) room_attempt: i64,
    /// Its maximum length; not changed here.
    pub(crate) length: Option<Duration>,
    /// When its maximum length is reached.
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) ended_by: Option<String>,
    /// The client's word, until the agent's report confirms another.
    pub(crate) outcome: Option<Outcome>,
    /// The client's word.
    pub(crate) client_outcome: Option<Outcome>,
    /// The agent's report confirms that the interview was finished.
    pub(crate) confirmed: bool,
    pub(crate) client: Arrival,
    pub(crate) agent: Arrival,
    pub(crate) agent_seen_at: Option<DateTime<Utc>>,
    /// Who serves its room.
    pub(crate) serving: Serving,
    pub(crate) room_missing_since: Option<DateTime<Utc>>,
    pub(crate) room_closed_at: Option<DateTime<Utc>>,
    /// Its room is being closed since then.
    pub(crate) closing_at: Option<DateTime<Utc>>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// Changes before those.
    pub(crate) revision: i64,
    /// What changed since this was read.
    pub(crate) changes: Vec<Change>,
}

/// Attempts that a candidate's code may begin although nobody came; after those the organiser looks into it.
const MOST_ATTEMPTS: i64 = 5;
/// A client waits so long for an interviewer, unless the interview's policy says otherwise (`Policy::never_started`).
const WAITED: Duration = Duration::seconds(60);
/// A room that is being closed is closed, or not, after this: one call of LiveKit (5 s), and what a commit, a slow disk or another
/// replica's clock may add. The replica that closes it says when that is done; only if it died over it, this is waited for.
pub(crate) const CLOSING: Duration = Duration::seconds(15);

/// The outcome of a client whose place another one took: that one's record counts.
const CONTINUED_ELSEWHERE: Outcome = Outcome::Ended(EndedWhy::ContinuedElsewhere);

impl Lifecycle {
    pub(crate) fn state(&self) -> InterviewState {
        match (self.ended_at, self.completed_at, self.started_at) {
            (Some(_), Some(_), _) => InterviewState::Complete,
            (Some(_), None, _) => InterviewState::Ended,
            (None, _, Some(_)) => InterviewState::Live,
            (None, _, None) => InterviewState::Scheduled,
        }
    }

    fn note(&mut self, teller: Teller, what: Happened) {
        self.changes.push(Change { what, teller });
    }

    /// A new attempt begins.
    pub(crate) fn joined(&mut self, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
        self.attempt += 1;
        self.ends_at = Some(ends_at);
        self.started_at.get_or_insert(now);
        (self.client, self.agent) = (Arrival::Pending, Arrival::Pending);
        (self.outcome, self.client_outcome, self.agent_seen_at) = (None, None, None);
        self.room_attempt = -self.room_attempt.abs();
        (self.room_missing_since, self.room_closed_at, self.closing_at) = (None, None, None);
        self.note(Teller::Client, if self.attempt == 1 { Happened::Live } else { Happened::LiveAgain });
        self.attempt
    }

    /// Its room was made, or is there.
    pub(crate) fn room(&mut self, sid: &str) {
        let same = self.room_sid.as_deref() == Some(sid);
        self.room_attempt = if same { self.room_attempt.abs() } else { self.attempt };
        if !same {
            self.serving = self.serving.anew();
        }
        self.room_sid = Some(sid.to_owned());
        (self.room_missing_since, self.room_closed_at) = (None, None);
    }

    fn end(&mut self, teller: Teller, now: DateTime<Utc>) {
        if self.ended_at.is_none() {
            self.ended_at = Some(now);
            self.ended_by = Some(teller.as_str().to_owned());
            self.note(teller, Happened::Ended);
        }
        // Everything may be there already: after a record that said "never started" an interview stays open.
        self.settle(teller, now);
    }

    fn settle(&mut self, teller: Teller, now: DateTime<Utc>) {
        if self.ended_at.is_some()
            && self.completed_at.is_none()
            && settled(self.client)
            && settled(self.agent)
        {
            self.completed_at = Some(now);
            self.note(teller, Happened::Complete);
        }
    }

    fn late(&self, now: DateTime<Utc>, limit: Duration) -> bool {
        self.ended_at.is_some_and(|ended| age(ended, now) > limit)
    }

    /// A client's record was stored. Gives whether the room is to be closed now.
    pub(crate) fn client_record(
        &mut self,
        attempt: i64,
        outcome: Option<Outcome>,
        deadlines: &Deadlines,
        now: DateTime<Utc>,
    ) -> bool {
        if attempt != self.attempt {
            self.note(Teller::Client, Happened::EarlierClientRecord(attempt));
            return false;
        }
        let late = self.late(now, deadlines.client);
        self.client = arrived(self.client, late);
        self.note(Teller::Client, Happened::ClientRecord(self.client));
        self.client_outcome = outcome;
        if !self.confirmed {
            self.outcome = outcome;
        }
        let elsewhere = outcome == Some(CONTINUED_ELSEWHERE);
        let never_started = outcome == Some(Outcome::NeverStarted) && self.nobody_came();
        if !elsewhere && !never_started {
            self.end(Teller::Client, now);
        }
        self.settle(Teller::Client, now);
        !elsewhere
    }

    /// Whether no interviewer showed itself to us in this attempt: nobody but a candidate gains by saying so.
    fn nobody_came(&self) -> bool {
        self.agent_seen_at.is_none() && matches!(self.agent, Arrival::None | Arrival::Pending)
    }

    /// Whether a code that was used may be used once more: the interview never started, as far as anybody knows.
    pub(crate) fn may_begin_again(&self) -> bool {
        self.outcome == Some(Outcome::NeverStarted)
            && self.nobody_came()
            && self.ended_at.is_none()
            && self.attempt < MOST_ATTEMPTS
    }

    /// The same join once more. As long as nobody came, the time has not begun: who comes back after longer than a client
    /// waits for an interviewer has all of it.
    pub(crate) fn joined_again(&mut self, attempt: i64, now: DateTime<Utc>) {
        let Some((length, ends_at)) = self.length.zip(self.ends_at) else { return };
        let waited = age(ends_at - length, now);
        let longest = self.waits_for.unwrap_or(WAITED);
        if attempt == self.attempt && self.ended_at.is_none() && self.nobody_came() && waited > longest {
            self.ends_at = Some(now + length);
        }
    }

    /// Its room is closed from now on, if that is still the room of this attempt. Gives whether it is.
    pub(crate) fn begins_to_close(&mut self, attempt: i64, now: DateTime<Utc>) -> bool {
        let stands = self.attempt == attempt && self.room_closed_at.is_none();
        if stands {
            self.closing_at = Some(now);
        }
        stands
    }

    /// LiveKit did not close it: nothing is under way any more, and the next try begins anew.
    pub(crate) fn does_not_close(&mut self, attempt: i64) {
        if self.attempt == attempt {
            self.closing_at = None;
        }
    }

    /// Whether its room is just being closed: another one of that name must wait.
    pub(crate) fn is_closing(&self, now: DateTime<Utc>) -> bool {
        // A time to come was written by a clock that was wrong.
        self.closing_at.is_some_and(|at| age(at, now) < CLOSING)
    }

    /// Whether what an agent says of that attempt is about the newest one.
    pub(crate) fn agent_of(&self, attempt: i64) -> bool {
        attempt == self.attempt || attempt == self.room_attempt
    }

    /// An agent's report was stored.
    pub(crate) fn agent_report(
        &mut self,
        attempt: i64,
        end_reason: Option<&str>,
        deadlines: &Deadlines,
        now: DateTime<Utc>,
    ) {
        if !self.agent_of(attempt) {
            self.note(Teller::Agent, Happened::EarlierAgentReport(attempt));
            return;
        }
        let late = self.late(now, deadlines.agent);
        self.agent = arrived(self.agent, late);
        self.note(Teller::Agent, Happened::AgentReport(self.agent));
        self.agent_seen(now);
        if matches!(end_reason, Some("finished" | "completed")) {
            if self.outcome != Some(Outcome::Finished) {
                self.note(Teller::Agent, Happened::Confirmed);
            }
            self.confirmed = true;
            self.outcome = Some(Outcome::Finished);
            // Without such a word, another interviewer may have taken over.
            self.end(Teller::Agent, now);
        }
        self.settle(Teller::Agent, now);
    }

    /// What the report says of the session's end, beside it. It decides nothing: what was asked for, and by whom, it can't tell.
    pub(crate) fn session_closed(&mut self, attempt: i64, reason: Option<SessionEnd>, model_errors: u32) {
        if !self.agent_of(attempt) {
            return;
        }
        if let Some(reason) = reason {
            self.note(Teller::Agent, Happened::SessionClosed(reason));
        }
        if model_errors > 0 {
            self.note(Teller::Agent, Happened::ModelErrors(model_errors));
        }
    }

    /// An interviewer that was sent away reported, as all do: it knows nothing of this interview.
    pub(crate) fn sent_away_reports(&mut self) {
        self.note(Teller::Agent, Happened::SentAwayReport);
    }

    /// A judgement was stored, beside the report: it is none, and one may still be missing.
    pub(crate) fn judgement(&mut self) {
        self.note(Teller::Agent, Happened::Judgement);
    }

    /// An interviewer was in the room of the newest attempt. From then on its time counts, not from the candidate's click; who
    /// goes on at another computer, in the same room, goes on with the same time.
    pub(crate) fn agent_seen(&mut self, now: DateTime<Utc>) {
        if self.agent_seen_at.is_some() {
            return;
        }
        self.agent_seen_at = Some(now);
        if self.room_attempt == self.attempt {
            self.ends_at = self.length.map_or(self.ends_at, |length| Some(now + length));
        }
    }

    /// LiveKit opened the room. If an interviewer was in it and did not leave, it was opened anew, on another server. Gives
    /// whether that interviewer is awaited from now on.
    pub(crate) fn room_opened(&mut self, opened: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        // What is told late may be about the first time; LiveKit tells whole seconds.
        let again = self.agent_seen_at.is_some_and(|seen| opened > seen - Duration::seconds(2));
        let awaited = again && self.ended_at.is_none() && self.serving.opened_anew(now);
        if awaited {
            self.note(Teller::Webhook, Happened::RoomOpenedAnew);
        }
        awaited
    }

    /// Who is in the room, found by looking because nobody told of an interviewer.
    pub(crate) fn seen_in_room(&mut self, seen: &Seen, now: DateTime<Utc>) {
        if let Some(who) = seen.interviewer.clone().filter(|who| self.serving.would_be_news(who)) {
            // Nobody serves as far as we know: it can't be one too many.
            self.interviewer_came(who, now);
        } else if seen.agent {
            self.agent_seen(now);
        }
    }

    /// An interviewer came into the room. Gives whether it is one too many.
    pub(crate) fn interviewer_came(&mut self, who: Presence, now: DateTime<Utc>) -> bool {
        let succeeds = self.serving.is_gone();
        match self.serving.came(who, now) {
            Came::TooMany => return true,
            Came::Back => self.note(Teller::Webhook, Happened::InterviewerBack),
            // What the one before it reported is not the whole: this one's report is waited for.
            Came::Welcome if succeeds && !self.serving.is_gone() && self.ended_at.is_none() => {
                self.agent = Arrival::Pending;
            }
            Came::Welcome => {}
        }
        self.agent_seen(now);
        false
    }

    /// The candidate's client lost that interviewer: another one is called.
    pub(crate) fn interviewer_lost(&mut self, lost: &Presence, now: DateTime<Utc>) {
        self.serving.is_replaced(lost, now);
        self.note(Teller::Client, Happened::InterviewerLost);
    }

    /// The process of an interviewer of that identity ended without a goodbye, as what watches it says.
    pub(crate) fn interviewer_died(&mut self, identity: &str, now: DateTime<Utc>) {
        if self.serving.died.as_deref() != Some(identity) {
            self.serving.has_died(identity, now);
            self.note(Teller::Agent, Happened::InterviewerDied);
        }
    }

    /// An interviewer reported in whose place another one serves: that one's report is waited for.
    pub(crate) fn replaced_reports(&mut self) {
        self.note(Teller::Agent, Happened::ReplacedReport);
    }

    /// Whether the interviewer of a room that was opened anew is not awaited any longer: another one is to be called.
    pub(crate) fn gives_up_waiting(&mut self, now: DateTime<Utc>) -> bool {
        let due = self.serving.gives_up(now) && self.ended_at.is_none();
        if due {
            self.note(Teller::Deadline, Happened::InterviewerReplaced);
        }
        due
    }

    /// Whether it is not known yet which room the newest attempt is in: it is just being made.
    pub(crate) fn awaits_room(&self) -> bool {
        self.attempt > 0 && self.room_attempt <= 0 && self.ended_at.is_none()
    }

    /// The organiser ends it. Gives whether that changed anything.
    pub(crate) fn organiser_ends(&mut self, now: DateTime<Utc>) -> bool {
        let was_open = self.ended_at.is_none();
        // If nobody joined, nothing will come, and it is complete at once.
        self.end(Teller::Organiser, now);
        was_open
    }

    /// LiveKit says that the room was closed.
    pub(crate) fn room_finished(&mut self, sid: &str, reason: Option<RoomEnd>, now: DateTime<Utc>) {
        if self.room_sid.as_deref() != Some(sid) {
            return;
        }
        // That it was deleted is known of a room that we closed.
        if let Some(reason) = reason
            && (reason != RoomEnd::Deleted || self.room_closed_at.is_none() && self.closing_at.is_none())
        {
            self.note(Teller::Webhook, Happened::RoomEnded(reason));
        }
        // Of a room that was opened anew elsewhere, the earlier server tells that it is empty: the reconciler looks.
        if !self.serving.was_opened_anew() {
            self.room_gone(Teller::Webhook, now);
        }
    }

    /// LiveKit lists the room, or does not.
    pub(crate) fn room_listed(&mut self, listed: bool, now: DateTime<Utc>) {
        if listed {
            self.room_missing_since = None;
        } else if age(*self.room_missing_since.get_or_insert(now), now) >= MISSING {
            self.room_gone(Teller::Poll, now);
        }
    }

    /// With its room, an interview is over, if it ever began: a candidate who joined and found nobody may
    /// come back.
    fn room_gone(&mut self, teller: Teller, now: DateTime<Utc>) {
        if self.room_closed_at.is_none() {
            self.room_closed_at = Some(now);
            self.note(teller, Happened::RoomClosed);
        }
        if self.agent_seen_at.is_some() {
            self.end(teller, now);
        }
    }

    /// Whether the room is still to be closed.
    pub(crate) fn room_to_close(&self, now: DateTime<Utc>) -> bool {
        let Some(ended) = self.ended_at else { return false };
        let by_agent = self.ended_by.as_deref() == Some(Teller::Agent.as_str());
        let waits = by_agent && self.client == Arrival::Pending && age(ended, now) < PLAY_OUT;
        self.attempt > 0 && self.room_closed_at.is_none() && !waits
    }

    /// Time passed.
    pub(crate) fn deadlines(&mut self, deadlines: &Deadlines, now: DateTime<Utc>) {
        if self.ended_at.is_none() && self.ends_at.is_some_and(|at| now > at + OVERTIME) {
            self.end(Teller::Deadline, now);
        }
        if self.agent == Arrival::Pending && self.late(now, deadlines.agent) {
            self.agent = Arrival::Missing;
            self.note(Teller::Deadline, Happened::AgentReport(Arrival::Missing));
        }
        if self.client == Arrival::Pending && self.late(now, deadlines.client) {
            self.client = Arrival::Missing;
            self.note(Teller::Deadline, Happened::ClientRecord(Arrival::Missing));
        }
        self.settle(Teller::Deadline, now);
    }
}

#[cfg(test)]
mod tests {
    use adjourn_session::InterruptedWhy;

    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + s, 0).unwrap()
    }

    fn live() -> Lifecycle {
        let mut lifecycle = Lifecycle::default();
        lifecycle.joined(at(1800), at(0));
        lifecycle.room("RM_1");
        lifecycle.agent_seen(at(1));
        lifecycle.changes.clear();
        lifecycle
    }

    fn told(lifecycle: &Lifecycle) -> Vec<String> {
        lifecycle.changes.iter().map(|c| format!("{} by {}", c.what, c.teller)).collect()
    }

    const LIMITS: fn() -> Deadlines = Deadlines::default;

    #[test]
    fn a_clock_that_was_ahead_and_was_put_right_holds_up_nothing() {
        let day = 24 * 3600;
        let mut lifecycle = live();
        lifecycle.agent_report(1, Some("finished"), &LIMITS(), at(day));
        assert!(!lifecycle.room_to_close(at(day)), "the goodbye is heard to its end");
        // The clock is put right: the end is a day away.
        assert!(lifecycle.room_to_close(at(60)));
        let mut lifecycle = live();
        lifecycle.room_listed(false, at(day));
        lifecycle.room_listed(false, at(60));
        assert!(lifecycle.room_closed_at.is_some());
        let mut lifecycle = live();
        lifecycle.client_record(1, Some(Outcome::Finished), &LIMITS(), at(2 * day));
        lifecycle.deadlines(&LIMITS(), at(60));
        assert_eq!(lifecycle.agent, Arrival::Missing);
    }

    #[test]
    fn the_report_of_one_that_was_replaced_or_died_is_not_the_whole() {
        let agent =
            |identity: &str| Presence { identity: identity.to_owned(), sid: format!("PA_{identity}") };
        for died in [false, true] {
            let mut lifecycle = live();
            assert!(!lifecycle.interviewer_came(agent("agent-1"), at(1)));
            if died {
                lifecycle.interviewer_died("agent-1", at(30));
            } else {
                lifecycle.interviewer_lost(&agent("agent-1"), at(30));
            }
            lifecycle.agent_report(1, Some("died"), &LIMITS(), at(31));
            assert_eq!(lifecycle.agent, Arrival::Received, "if nobody comes, that is all there is");
            assert!(!lifecycle.interviewer_came(agent("agent-2"), at(33)));
            assert_eq!(lifecycle.agent, Arrival::Pending);
            lifecycle.client_record(1, Some(Outcome::EndedByCandidate), &LIMITS(), at(60));
            assert_eq!(lifecycle.state(), InterviewState::Ended);
            lifecycle.agent_report(1, None, &LIMITS(), at(61));
            assert_eq!(lifecycle.state(), InterviewState::Complete);
        }
    }

    #[test]
    fn client_then_agent_is_complete() {
        let mut lifecycle = live();
        assert!(lifecycle.client_record(1, Some(Outcome::Finished), &LIMITS(), at(60)));
        assert_eq!(lifecycle.state(), InterviewState::Ended);
        lifecycle.agent_report(1, None, &LIMITS(), at(70));
        assert_eq!(lifecycle.state(), InterviewState::Complete);
        assert_eq!(
            told(&lifecycle),
            [
                "client's record received by client",
                "ended by client",
                "agent's report received by agent",
                "complete by agent"
            ]
        );
    }

    #[test]
    fn a_report_that_does_not_come_is_missing_and_late_when_it_does() {
        let mut lifecycle = live();
        lifecycle.client_record(
            1,
            Some(Outcome::Interrupted(InterruptedWhy::InterviewerLost)),
            &LIMITS(),
            at(60),
        );
        lifecycle.deadlines(&LIMITS(), at(60 + 600));
        assert_eq!(lifecycle.agent, Arrival::Pending);
        lifecycle.deadlines(&LIMITS(), at(60 + 601));
        assert_eq!(lifecycle.agent, Arrival::Missing);
        assert_eq!(lifecycle.state(), InterviewState::Complete);
        lifecycle.agent_report(1, Some("finished"), &LIMITS(), at(90_000));
        assert_eq!((lifecycle.agent, lifecycle.confirmed), (Arrival::ReceivedLate, true));
        assert_eq!(lifecycle.outcome, Some(Outcome::Finished));
        // The client's late word does not undo it.
        lifecycle.client_record(1, Some(Outcome::ConnectionLost), &LIMITS(), at(90_001));
        assert_eq!(lifecycle.outcome, Some(Outcome::Finished));
    }

    #[test]
    fn never_started_stays_open_and_its_rooms_end_nothing_later() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.joined(at(1800), at(0));
        lifecycle.room("RM_1");
        assert!(
            lifecycle.client_record(1, Some(Outcome::NeverStarted), &LIMITS(), at(60)),
            "its room is closed"
        );
        assert_eq!(lifecycle.state(), InterviewState::Live);
        assert_eq!(lifecycle.joined(at(2000), at(100)), 2);
        lifecycle.room("RM_2");
        lifecycle.agent_seen(at(101));
        lifecycle.room_finished("RM_1", None, at(102));
        assert_eq!(lifecycle.state(), InterviewState::Live);
        lifecycle.room_finished("RM_2", None, at(103));
        assert_eq!(lifecycle.state(), InterviewState::Ended);
        assert_eq!(lifecycle.ended_by.as_deref(), Some("webhook"));
    }

    #[test]
    fn never_started_is_believed_only_of_a_room_that_nobody_came_to() {
        type Came = fn(&mut Lifecycle);
        let came: [Came; 3] = [
            |s| s.agent_seen(at(5)),
            |s| s.agent_report(1, Some("failed"), &LIMITS(), at(5)),
            |s| s.agent_report(1, Some("finished"), &LIMITS(), at(5)),
        ];
        for came in came {
            let mut lifecycle = Lifecycle::default();
            lifecycle.joined(at(1800), at(0));
            lifecycle.room("RM_1");
            came(&mut lifecycle);
            lifecycle.client_record(1, Some(Outcome::NeverStarted), &LIMITS(), at(60));
            assert_eq!((lifecycle.ended_at.is_some(), lifecycle.may_begin_again()), (true, false));
        }
        // And not for ever.
        let mut lifecycle = Lifecycle::default();
        for attempt in 1..=MOST_ATTEMPTS {
            assert_eq!(lifecycle.joined(at(1800), at(0)), attempt);
            lifecycle.client_record(attempt, Some(Outcome::NeverStarted), &LIMITS(), at(60));
            assert_eq!(lifecycle.may_begin_again(), attempt < MOST_ATTEMPTS, "{attempt}");
        }
    }

    #[test]
    fn the_time_begins_with_the_interviewer_and_goes_on_elsewhere() {
        let mut lifecycle = Lifecycle { length: Some(Duration::seconds(1_800)), ..Lifecycle::default() };
        lifecycle.joined(at(1800), at(0));
        lifecycle.room("RM_1");
        // Clicked, closed, and opened again an hour later: nobody has come yet.
        lifecycle.joined_again(1, at(3_600));
        assert_eq!(lifecycle.ends_at, Some(at(5_400)));
        lifecycle.agent_seen(at(3_630));
        assert_eq!(lifecycle.ends_at, Some(at(5_430)));
        lifecycle.agent_seen(at(4_000));
        lifecycle.joined_again(1, at(4_000));
        assert_eq!(lifecycle.ends_at, Some(at(5_430)), "it runs");
        // Another computer, the same room and interviewer.
        let ends_at = lifecycle.ends_at.unwrap();
        lifecycle.joined(ends_at, at(4_100));
        lifecycle.room("RM_1");
        lifecycle.agent_seen(at(4_101));
        assert_eq!(lifecycle.ends_at, Some(ends_at));
    }

    fn agent(identity: &str, sid: &str) -> Presence {
        Presence { identity: identity.to_owned(), sid: sid.to_owned() }
    }

    #[test]
    fn a_room_that_is_opened_anew_ends_nothing_and_is_on_the_history() {
        let begun = || {
            let mut lifecycle = live();
            assert!(!lifecycle.interviewer_came(agent("agent-1", "PA_1"), at(1)));
            lifecycle.changes.clear();
            lifecycle
        };
        // The first room's opening is told late: it is none.
        let mut lifecycle = begun();
        assert!(!lifecycle.room_opened(at(-5), at(2)));
        // The server dies, and another one opens the room.
        assert!(lifecycle.room_opened(at(60), at(60)));
        assert!(lifecycle.interviewer_came(agent("agent-2", "PA_2"), at(61)));
        assert!(!lifecycle.interviewer_came(agent("agent-1", "PA_1b"), at(68)));
        assert_eq!(told(&lifecycle), ["room opened anew by webhook", "interviewer back by webhook"]);
        // The server was frozen and goes on: the room is over, it says.
        lifecycle.room_finished("RM_1", Some(RoomEnd::Superseded), at(69));
        assert_eq!(lifecycle.ended_at, None);
        // It does not come back.
        let mut lifecycle = begun();
        assert!(lifecycle.room_opened(at(60), at(60)) && lifecycle.gives_up_waiting(at(75)));
        // Nobody is known to have been called: once more, as long after that.
        assert!(!lifecycle.gives_up_waiting(at(80)) && lifecycle.gives_up_waiting(at(90)));
        // Of an interview that is over nobody is called, nor awaited.
        let mut lifecycle = begun();
        assert!(lifecycle.room_opened(at(60), at(60)));
        lifecycle.organiser_ends(at(65));
        assert!(!lifecycle.gives_up_waiting(at(80)));
        assert!(!lifecycle.gives_up_waiting(at(100)) && !lifecycle.room_opened(at(101), at(101)));
        // Another attempt has a room and an interviewer of its own; until it is known what is told of it can't be placed.
        let mut lifecycle = begun();
        assert!(!lifecycle.awaits_room());
        lifecycle.joined(at(2_000), at(100));
        assert!(lifecycle.awaits_room());
        lifecycle.room("RM_2");
        assert_eq!((lifecycle.serving.state(), lifecycle.awaits_room()), (None, false));
        lifecycle.organiser_ends(at(101));
        assert!(!lifecycle.awaits_room());
        assert!(!Lifecycle::default().awaits_room());
    }

    #[test]
    fn an_interviewer_that_nobody_told_of_is_known_once_its_room_is_looked_into() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.joined(at(1800), at(0));
        lifecycle.room("RM_1");
        lifecycle.seen_in_room(&Seen::default(), at(5));
        assert_eq!(lifecycle.agent_seen_at, None);
        lifecycle.seen_in_room(&Seen { agent: true, ..Seen::default() }, at(10));
        assert_eq!((lifecycle.agent_seen_at, lifecycle.serving.state()), (Some(at(10)), None));
        let found = |sid| Seen { agent: true, interviewer: Some(agent("agent-1", sid)), ..Seen::default() };
        lifecycle.seen_in_room(&found("PA_1"), at(20));
        assert_eq!(
            (lifecycle.agent_seen_at, &lifecycle.serving.interviewer),
            (Some(at(10)), &Some(agent("agent-1", "PA_1")))
        );
        // Told since it was asked: what was told counts.
        lifecycle.seen_in_room(&found("PA_0"), at(21));
        assert_eq!(lifecycle.serving.interviewer, Some(agent("agent-1", "PA_1")));
    }

    #[test]
    fn what_livekit_says_of_an_end_is_told_by_whom_and_decides_nothing() {
        let told =
            |lifecycle: &Lifecycle| lifecycle.changes.last().map(|change| (change.teller, change.what));
        let mut lifecycle = live();
        lifecycle.session_closed(1, Some(SessionEnd::AskedFor), 2);
        assert_eq!(told(&lifecycle), Some((Teller::Agent, Happened::ModelErrors(2))));
        assert!(lifecycle.ended_at.is_none() && !lifecycle.confirmed);
        // Of an attempt that is over it says nothing.
        let before = lifecycle.clone();
        lifecycle.session_closed(0, Some(SessionEnd::Failed), 1);
        assert_eq!(lifecycle, before);
        // A server that shuts down ends the interview; it is nobody's word for how.
        lifecycle.agent_seen(at(1));
        lifecycle.room_finished("RM_1", Some(RoomEnd::ServerShutdown), at(60));
        let words = lifecycle.changes.iter().map(|change| change.what);
        assert!(words.clone().any(|what| what == Happened::RoomEnded(RoomEnd::ServerShutdown)));
        assert_eq!((lifecycle.ended_by.as_deref(), lifecycle.outcome), (Some("webhook"), None));
        // A room that we close, or closed, was deleted: that is no news.
        let mut closing = live();
        closing.begins_to_close(1, at(59));
        closing.room_finished("RM_1", Some(RoomEnd::Deleted), at(60));
        assert!(!closing.changes.iter().any(|change| change.what == Happened::RoomEnded(RoomEnd::Deleted)));
        let before = lifecycle.changes.len();
        lifecycle.room_finished("RM_1", Some(RoomEnd::Deleted), at(61));
        assert_eq!(lifecycle.changes.len(), before);
    }

    #[test]
    fn the_next_attempts_room_is_not_closed_for_the_one_before() {
        let mut lifecycle = live();
        assert!(lifecycle.begins_to_close(1, at(10)) && lifecycle.is_closing(at(12)));
        assert!(!lifecycle.is_closing(at(26)));
        lifecycle.joined(at(2000), at(20));
        assert!(!lifecycle.begins_to_close(1, at(21)) && !lifecycle.is_closing(at(21)));
        assert!(lifecycle.begins_to_close(2, at(22)));
        // LiveKit can't be reached: a join meanwhile waits for nothing.
        lifecycle.does_not_close(1);
        assert!(lifecycle.is_closing(at(23)), "the earlier attempt");
        lifecycle.does_not_close(2);
        assert!(!lifecycle.is_closing(at(23)));
    }

    /// Whatever comes in whatever order: what has ended and waits for nothing more is complete.
    #[test]
    fn what_ended_and_lacks_nothing_is_complete() {
        let steps: [fn(&mut Lifecycle); 9] = [
            |s| _ = s.client_record(1, Some(Outcome::NeverStarted), &LIMITS(), at(60)),
            |s| _ = s.client_record(1, Some(CONTINUED_ELSEWHERE), &LIMITS(), at(60)),
            |s| _ = s.client_record(1, Some(Outcome::Finished), &LIMITS(), at(60)),
            |s| s.agent_report(1, Some("failed"), &LIMITS(), at(60)),
            |s| s.agent_report(1, Some("finished"), &LIMITS(), at(60)),
            |s| s.room_finished("RM_1", Some(RoomEnd::Idle), at(60)),
            |s| _ = s.organiser_ends(at(60)),
            |s| s.agent_seen(at(60)),
            |s| s.deadlines(&LIMITS(), at(1800 + 301)),
        ];
        for order in 0..steps.len().pow(4) {
            let mut lifecycle = Lifecycle::default();
            lifecycle.joined(at(1800), at(0));
            lifecycle.room("RM_1");
            for place in 0..4 {
                steps[order / steps.len().pow(place) % steps.len()](&mut lifecycle);
                let over =
                    lifecycle.ended_at.is_some() && settled(lifecycle.client) && settled(lifecycle.agent);
                assert_eq!(over, lifecycle.completed_at.is_some(), "{order}: {:?}", told(&lifecycle));
            }
        }
    }

    #[test]
    fn who_goes_on_elsewhere_keeps_the_room_and_its_interviewer() {
        let mut lifecycle = live();
        lifecycle.joined(at(2000), at(100));
        lifecycle.room("RM_1");
        assert_eq!((lifecycle.attempt, lifecycle.agent_seen_at), (2, None));
        // The first computer's record ends nothing.
        assert!(!lifecycle.client_record(1, Some(CONTINUED_ELSEWHERE), &LIMITS(), at(101)));
        assert_eq!((lifecycle.state(), lifecycle.client), (InterviewState::Live, Arrival::Pending));
        lifecycle.client_record(2, Some(Outcome::Finished), &LIMITS(), at(200));
        // Its agent was sent for the first attempt.
        lifecycle.agent_report(1, Some("finished"), &LIMITS(), at(201));
        assert_eq!((lifecycle.state(), lifecycle.confirmed), (InterviewState::Complete, true));

        let mut other = live();
        other.joined(at(2000), at(100));
        other.room("RM_2");
        other.agent_report(1, Some("finished"), &LIMITS(), at(201));
        assert_eq!((other.state(), other.confirmed), (InterviewState::Live, false), "another room's agent");
    }

    #[test]
    fn a_room_must_be_missing_twice_and_only_a_begun_interview_ends_with_it() {
        let mut lifecycle = live();
        lifecycle.room_listed(false, at(10));
        assert_eq!(lifecycle.state(), InterviewState::Live);
        lifecycle.room_listed(true, at(20));
        lifecycle.room_listed(false, at(30));
        lifecycle.room_listed(false, at(44));
        assert_eq!(lifecycle.state(), InterviewState::Live);
        lifecycle.room_listed(false, at(45));
        assert_eq!((lifecycle.state(), lifecycle.ended_by.as_deref()), (InterviewState::Ended, Some("poll")));
        assert!(!lifecycle.room_to_close(at(100)));

        let mut nobody = live();
        nobody.agent_seen_at = None;
        nobody.room_finished("RM_1", Some(RoomEnd::ServerShutdown), at(200));
        assert_eq!(nobody.state(), InterviewState::Live, "the candidate may come back");
        nobody.deadlines(&LIMITS(), at(1800 + 301));
        assert_eq!((nobody.state(), nobody.ended_by.as_deref()), (InterviewState::Ended, Some("deadline")));
    }

    #[test]
    fn after_the_agents_report_the_candidate_hears_the_goodbye_before_the_room_closes() {
        let mut lifecycle = live();
        lifecycle.agent_report(1, Some("finished"), &LIMITS(), at(60));
        assert_eq!(lifecycle.state(), InterviewState::Ended);
        assert!(!lifecycle.room_to_close(at(61)));
        assert!(lifecycle.room_to_close(at(121)));
        lifecycle.client_record(1, Some(Outcome::Finished), &LIMITS(), at(62));
        assert!(lifecycle.room_to_close(at(62)));
        lifecycle.room_closed_at = Some(at(63));
        assert!(!lifecycle.room_to_close(at(200)));
    }

    #[test]
    fn another_attempt_and_another_computer_change_nothing_but_the_history() {
        let mut lifecycle = live();
        assert!(!lifecycle.client_record(1, Some(CONTINUED_ELSEWHERE), &LIMITS(), at(5)));
        assert_eq!(lifecycle.state(), InterviewState::Live);
        lifecycle.joined(at(2000), at(10));
        assert!(!lifecycle.client_record(1, Some(Outcome::ConnectionLost), &LIMITS(), at(20)));
        lifecycle.agent_report(1, Some("finished"), &LIMITS(), at(21));
        assert_eq!((lifecycle.state(), lifecycle.outcome), (InterviewState::Live, None));
        // Ended before anybody came: nothing is waited for.
        let mut unused = Lifecycle::default();
        assert!(unused.organiser_ends(at(1)) && !unused.organiser_ends(at(2)));
        assert_eq!(unused.state(), InterviewState::Complete);
    }
}
