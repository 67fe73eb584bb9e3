//! What the session wants done in the outside world.

use std::sync::Arc;
use std::time::Duration;

use adjourn_protocol::{InterviewerState, RoomState, Line, Note};
use adjourn_outbox::{Backend, Granted};
use adjourn_room::{Joined, RoomLink, Transport};
use adjourn_session::{Ending, Input, OrganiserWord, Phase};
use chrono::Utc;

use crate::deliverer::rested;
use crate::join::{admission, unfinished};
use crate::run::{Client, Event};
use crate::{Shell, words};

/// What is buffered may be played this long before the loudspeaker is closed.
const PLAY_OUT: Duration = Duration::from_millis(500);

/// Lines on a record's timeline. An interview of 8 hours has some thousand; one whose interviewer changes its state a
/// hundred times a second fills no disk.
const MOST_NOTES: u32 = 20_000;

/// The agent's report is missing after ten minutes (contracts.md, *Interview*); a little more for the backend's round.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(660);

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn request_join(&mut self) {
        let Some(link) = self.link.clone() else { return };
        let (outbox, info, events) = (self.outbox.clone(), self.setup.info.clone(), self.events.clone());
        let started = self.started;
        self.joining = Some(tokio::spawn(async move {
            let event = match admission(&outbox, &link, &info, started).await {
                Ok(admission) => Event::Admitted(Box::new(admission)),
                Err(rejection) => Event::Rejected(rejection),
            };
            // The loop is gone: the process is ending.
            let _ = events.send(event).await;
        }));
    }

    /// Interviews of an earlier run that have no end yet.
    pub(crate) fn look_after_unfinished(&mut self) {
        let (outbox, info, events) = (self.outbox.clone(), self.setup.info.clone(), self.events.clone());
        self.looking = Some(tokio::spawn(async move {
            let open = unfinished(&outbox, &info).await;
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Unfinished { open }).await;
        }));
    }

    pub(crate) fn connect(&mut self) {
        let Some(livekit) = self.admission.as_ref().and_then(|a| a.answer.livekit.clone()) else { return };
        let (transport, rooms) = (Arc::clone(&self.transport), self.rooms.clone());
        // A connection of before is of no use any more.
        (self.room, self.facts) = (None, None);
        self.connecting = Some(tokio::spawn(async move {
            let joined =
                transport.connect(&livekit.url, livekit.token.expose()).await.map_err(|e| e.to_string());
            // The loop is gone: the process is ending.
            let _ = rooms.send(joined).await;
        }));
    }

    pub(crate) fn entered(&mut self, joined: Result<Joined<T::Room>, String>) {
        self.connecting = None;
        match joined {
            Ok(joined) if matches!(self.session.phase(), Phase::Joining | Phase::Waiting | Phase::Live) => {
                let room = Arc::new(joined.room);
                // Muted first: what is said meanwhile is nobody's to hear.
                room.set_muted(self.shown.muted);
                self.open.microphone.set(Some(room.microphone()));
                (self.room, self.facts) = (Some(room), Some(joined.facts));
                (self.pinned, self.history_asked, self.turned_away) = (None, None, false);
                self.note(Note::Connected { room_sid: joined.room_sid.clone() });
                self.feed(Input::Connected { room_sid: joined.room_sid, roster: joined.roster });
            }
            Ok(_) => {} // given up meanwhile: dropping it leaves
            Err(said) => {
                tracing::warn!(%said, "the room could not be entered");
                self.turned_away = words::turns_away(&said);
                self.feed(Input::ConnectFailed { message: words::no_room(&said) });
            }
        }
    }

    pub(crate) fn ask_organiser(&mut self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        self.questions += 1;
        let (events, question) = (self.events.clone(), self.questions);
        tokio::spawn(async move {
            let status = match Backend::new(&link.server) {
                Ok(backend) => backend.status(&granted.interview_id, &granted.client_token, true).await,
                Err(error) => Err(error),
            };
            let word = match status {
                Ok(status) if status.ended_by_organiser.is_some() => OrganiserWord::Ended,
                Ok(status) if status.room == Some(RoomState::Gone) => OrganiserWord::RoomGone,
                Ok(status) if status.interviewer == Some(InterviewerState::Present) => {
                    OrganiserWord::InterviewerExpected
                }
                Ok(_) => OrganiserWord::Running,
                Err(_) => OrganiserWord::Unreachable,
            };
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Organiser { question, word }).await;
        });
    }

    /// Whether the agent's report is in although its session says nothing.
    pub(crate) fn ask_report(&self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let events = self.events.clone();
        tokio::spawn(async move {
            let Ok(backend) = Backend::new(&link.server) else { return };
            let status = backend.status(&granted.interview_id, &granted.client_token, false).await;
            // That it is not in, or that the backend can't be asked, changes nothing.
            if let Ok(status) = status
                && status.agent_report.is_here()
            {
                // The loop is gone: the process is ending.
                let _ = events.send(Event::Reported { finished: status.confirmed }).await;
            }
        });
    }

    /// The interviewer's report may know more than we did: asked until it does, or is long overdue.
    pub(crate) fn ask_for_confirmation(&self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let events = self.events.clone();
        tokio::spawn(async move {
            let Ok(backend) = Backend::new(&link.server) else { return };
            let until = tokio::time::Instant::now() + CONFIRMED_WITHIN;
            for tries in 0.. {
                let status = backend.status(&granted.interview_id, &granted.client_token, false).await;
                if status.as_ref().is_ok_and(|status| status.confirmed) {
                    // The loop is gone: the process is ending.
                    let _ = events.send(Event::Confirmed).await;
                    return;
                }
                let asked = status.err().and_then(|error| error.retry_after());
                if !rested(tries, asked, &events).await || tokio::time::Instant::now() >= until {
                    return;
                }
            }
        });
    }

    pub(crate) fn granted(&self) -> Option<Granted> {
        self.admission.as_ref().map(|a| Granted {
            interview_id: a.answer.interview.id.clone(),
            attempt: a.answer.interview.attempt,
            title: a.answer.interview.title.clone(),
            client_token: a.answer.client_token.clone(),
            receipt_keys: a.answer.receipt_keys.clone(),
            head: Some(a.head.clone()),
        })
    }

    pub(crate) fn leave(&mut self) {
        // A room that is still being entered would be entered for nobody.
        self.connecting.take().inspect(tokio::task::JoinHandle::abort);
        let Some(room) = self.room.take() else {
            if self.leaving.is_none() {
                self.open.close_speaker();
            }
            return;
        };
        let buffered = self.open.speaker.buffered().min(PLAY_OUT);
        let events = self.events.clone();
        self.leaving = Some(tokio::spawn(async move {
            tokio::time::sleep(buffered).await;
            room.leave().await;
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Left).await;
        }));
    }

    pub(crate) fn commit(&mut self, ending: Ending) {
        self.ended_at = Some(Utc::now());
        if self.left_out > 0 {
            let left_out = std::mem::take(&mut self.left_out);
            self.noted = 0;
            self.note(Note::NotesLeftOut { count: left_out });
        }
        let audio = self.open.statistics();
        self.note(Note::Audio(audio));
        // A line that was being spoken was heard that far.
        for line in self.shown.captions.clone().into_iter().filter(|line| !line.done) {
            self.journal_caption(&line);
        }
        // Nothing is written after it: the record is made of what there is.
        match self.journal.take() {
            Some(journal) => journal.commit(ending),
            None => tracing::error!("an interview ended without a journal"),
        }
    }

    /// A line on the record's timeline.
    pub(crate) fn note(&mut self, note: Note) {
        // So is everything that was said.
        if self.noted >= MOST_NOTES && !note.is_always_kept() {
            self.left_out += 1;
            return;
        }
        self.noted += 1;
        if let Some(journal) = &self.journal {
            journal.write(self.now().0, Line::Timeline(note));
        }
    }
}
