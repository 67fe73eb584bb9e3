//! The candidate's invitation: from a link that is opened to a join that is granted, and what the backend is asked about it.

use std::time::Duration;

use adjourn_outbox::Granted;
use adjourn_protocol::{
    ClientInfo, InterviewerState, InviteLink, LiveKitInfo, ReplacementAsked, RoomState, Secret, ToolEnded,
};
use adjourn_session::OrganiserWord;
use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Environment;
use crate::admission::{Admission, admission};
use crate::deliveries::rested;
use crate::event::{Event, Events};
use crate::unfinished::{Unfinished, unfinished};

/// The agent's report is missing after ten minutes (docs/contracts.md, *Interview*); a little more for the backend's round.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(660);

/// Another interviewer is asked for again after this, and once more as much by chance: half a minute is all there is.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What became of a link whose host was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostChecked {
    /// It is the link from now on.
    Ready,
    /// The candidate has to confirm the host.
    AskBack,
    /// Another link has taken its place.
    Stale,
}

/// The invitation. It holds one link at a time.
pub(crate) struct Invitation {
    environment: Environment,
    info: ClientInfo,
    events: Events,
    /// When this run of the client began, by the wall clock.
    started: DateTime<Utc>,
    link: Option<InviteLink>,
    /// The link whose host is being looked up.
    checking: Option<InviteLink>,
    unconfirmed: Option<InviteLink>,
    admission: Option<Admission>,
    /// What an earlier run of this join saw last.
    remembered: Option<ToolEnded>,
    /// Questions that the backend was asked so far.
    questions: u64,
    /// The backend is being asked for the join.
    joining: Option<JoinHandle<()>>,
    /// Interviews of an earlier run are being looked after.
    looking: Option<JoinHandle<()>>,
}

impl Invitation {
    pub(crate) fn new(environment: Environment, info: ClientInfo, events: Events) -> Self {
        let started = environment.clock.wall();
        Self {
            environment,
            info,
            events,
            started,
            link: None,
            checking: None,
            unconfirmed: None,
            admission: None,
            remembered: None,
            questions: 0,
            joining: None,
            looking: None,
        }
    }

    pub(crate) fn link(&self) -> Option<&InviteLink> {
        self.link.as_ref()
    }

    /// The link whose host has to be confirmed.
    pub(crate) fn unconfirmed(&self) -> Option<&InviteLink> {
        self.unconfirmed.as_ref()
    }

    pub(crate) fn admission(&self) -> Option<&Admission> {
        self.admission.as_ref()
    }

    pub(crate) fn granted(&self) -> Option<Granted> {
        self.admission.as_ref().map(Admission::granted)
    }

    /// How to enter the room.
    pub(crate) fn livekit(&self) -> Option<&LiveKitInfo> {
        self.admission.as_ref()?.answer.livekit.as_ref()
    }

    /// Takes a link: until its host is known to be right there is nothing to join, neither this one nor the one before.
    pub(crate) fn take(&mut self, link: InviteLink) {
        (self.link, self.unconfirmed) = (None, None);
        self.check_host(link, false);
    }

    /// The candidate confirms the host.
    pub(crate) fn confirm(&mut self) {
        if let Some(link) = self.unconfirmed.take() {
            self.check_host(link, true);
        }
    }

    /// Forgets the link whose host was not confirmed.
    pub(crate) fn forget_unconfirmed(&mut self) {
        self.unconfirmed = None;
    }

    /// Forgets the link.
    pub(crate) fn forget(&mut self) {
        self.link = None;
    }

    pub(crate) fn check_host(&mut self, link: InviteLink, confirm: bool) {
        self.checking = Some(link.clone());
        let (storage, events) = (self.environment.storage.clone(), self.events.clone());
        tokio::spawn(async move {
            let local = link.server.scheme() == "http"; // this very machine
            let known = storage.host_known(&link.host(), confirm).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "whether this server was confirmed before is not known: it is asked again");
                false
            });
            events.tell(Event::Host { link, known: known || confirm || local }).await;
        });
    }

    /// The link's host was looked up.
    pub(crate) fn host_checked(&mut self, link: InviteLink, known: bool) -> HostChecked {
        if self.checking.as_ref() != Some(&link) {
            return HostChecked::Stale;
        }
        if known {
            self.link = Some(link);
            HostChecked::Ready
        } else {
            self.unconfirmed = Some(link);
            HostChecked::AskBack
        }
    }

    /// Asks the backend for the join of the link.
    pub(crate) fn request_join(&mut self) {
        let Some(link) = self.link.clone() else { return };
        let (environment, info, events) = (self.environment.clone(), self.info.clone(), self.events.clone());
        let started = self.started;
        self.joining = Some(tokio::spawn(async move {
            let event = match admission(&environment, &link, &info, started).await {
                Ok(admission) => Event::Admitted(Box::new(admission)),
                Err(rejection) => Event::Rejected(rejection),
            };
            events.tell(event).await;
        }));
    }

    /// The join is not asked for any longer.
    pub(crate) fn give_up_joining(&mut self) {
        self.joining.take().inspect(JoinHandle::abort);
    }

    /// Whether an admission is to the link that is open now.
    pub(crate) fn is_of(&self, admission: &Admission) -> bool {
        self.link.as_ref() == Some(&admission.join.link)
    }

    /// The join is granted.
    pub(crate) fn admitted(&mut self, admission: Admission) {
        self.remembered = admission.before.tool.clone();
        self.admission = Some(admission);
    }

    /// What an earlier run saw last; told once.
    pub(crate) fn take_remembered(&mut self) -> Option<ToolEnded> {
        self.remembered.take()
    }

    /// The room gave a fresh token: the first one may have run out when the room has to be entered again.
    pub(crate) fn renew(&mut self, token: String) {
        if let Some(livekit) = self.admission.as_mut().and_then(|a| a.answer.livekit.as_mut()) {
            livekit.token = Secret::new(token);
        }
    }

    /// Interviews of an earlier run that have no end yet. Where nobody may come back, those without a word for so long are
    /// closed.
    pub(crate) fn look_after_unfinished(&mut self, offered_within: Option<Duration>) {
        let (environment, info, events) = (self.environment.clone(), self.info.clone(), self.events.clone());
        self.looking = Some(tokio::spawn(async move {
            let Unfinished { open, unasked } = unfinished(&environment, &info, offered_within).await;
            events.tell(Event::Unfinished { open, unasked }).await;
        }));
    }

    /// Where the interview stands for the backend. The newest question's answer counts: an earlier one's may be older than
    /// what this one is about.
    pub(crate) fn ask_organiser(&mut self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        self.questions += 1;
        let (backend, events, question) =
            (self.environment.backend.clone(), self.events.clone(), self.questions);
        tokio::spawn(async move {
            let word = match backend.status(&link, &granted, true).await {
                Ok(status) if status.ended_by_organiser.is_some() => OrganiserWord::Ended,
                Ok(status) if status.room == Some(RoomState::Gone) => OrganiserWord::RoomGone,
                Ok(status) if status.interviewer == Some(InterviewerState::Present) => {
                    OrganiserWord::InterviewerExpected
                }
                Ok(_) => OrganiserWord::Running,
                Err(_) => OrganiserWord::Unreachable,
            };
            events.tell(Event::Organiser { question, word }).await;
        });
    }

    /// Whether that was the newest question.
    pub(crate) fn is_newest(&self, question: u64) -> bool {
        question == self.questions
    }

    /// Asks for another interviewer in the place of one that is lost, until the backend calls one or says that it does not.
    /// `within`: nobody waits longer for one.
    pub(crate) fn ask_for_another(&self, asked: ReplacementAsked, within: Duration) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let (environment, events) = (self.environment.clone(), self.events.clone());
        let asking = async move {
            let until = Instant::now() + within;
            loop {
                match environment.backend.replace(&link, &granted, &asked).await {
                    Ok(replaced) => {
                        tracing::info!(left = replaced.left, "another interviewer is called");
                        return;
                    }
                    Err(error) if !error.retryable() => {
                        tracing::warn!(%error, "no other interviewer is called");
                        events.tell(Event::ReplacementRefused).await;
                        return;
                    }
                    Err(error) => tracing::warn!(%error, "no other interviewer is called yet"),
                }
                let again = ASK_AGAIN + ASK_AGAIN.mul_f64(environment.jitter.draw());
                tokio::select! {
                    () = tokio::time::sleep(again) => {}
                    () = events.closed() => return,
                }
                if Instant::now() >= until {
                    return;
                }
            }
        };
        tokio::spawn(asking.in_current_span());
    }

    /// Whether the agent's report is in although its session says nothing, and whether its process is known to have ended.
    pub(crate) fn ask_report(&self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let (backend, events) = (self.environment.backend.clone(), self.events.clone());
        tokio::spawn(async move {
            // That it is not in, or that the backend can't be asked, changes nothing.
            let Ok(status) = backend.status(&link, &granted, false).await else { return };
            if status.agent_report.is_here() {
                events.tell(Event::Reported { finished: status.confirmed }).await;
            }
            if let Some(identity) = status.interviewer_died {
                events.tell(Event::InterviewerDied { identity }).await;
            }
        });
    }

    /// The interviewer's report may know more than we did: asked until it does, or is long overdue.
    pub(crate) fn ask_for_confirmation(&self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let (environment, events) = (self.environment.clone(), self.events.clone());
        tokio::spawn(async move {
            let until = Instant::now() + CONFIRMED_WITHIN;
            for tries in 0.. {
                let status = environment.backend.status(&link, &granted, false).await;
                if status.as_ref().is_ok_and(|status| status.confirmed) {
                    events.tell(Event::Confirmed).await;
                    return;
                }
                let asked = status.err().and_then(|error| error.retry_after());
                if !rested(tries, asked, &environment.jitter, &events).await || Instant::now() >= until {
                    return;
                }
            }
        });
    }

    /// Stops what goes on beside the loop, so that it does not find the storage closed. What is cut off here is done at
    /// the next start.
    pub(crate) async fn stop(&mut self) {
        for beside in [self.looking.take(), self.joining.take()].into_iter().flatten() {
            beside.abort();
            // Cancelled, or done: either is its end.
            let _ = beside.await;
        }
    }
}
