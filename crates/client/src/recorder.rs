//! What is written down of an interview: turns, captions, the timeline, and the record at its end.

use adjourn_protocol::{AudioStatistics, Line, Note, RecordHead, Secret, Turn};
use adjourn_room::Said;
use adjourn_session::Ending;
use chrono::{DateTime, Utc};

use crate::Environment;
use crate::event::Events;
use crate::journal::Journal;
use crate::snapshot::Caption;
use crate::told::Told;

/// Notes on a record's timeline. An interview of 8 hours has some thousand; one whose interviewer changes its state a
/// hundred times a second fills no disk.
const MOST_NOTES: u32 = 20_000;

pub(crate) struct Recorder {
    environment: Environment,
    events: Events,
    journal: Option<Journal>,
    /// Turns that are written down.
    turns: Told,
    /// Notes so far, and those that were left out.
    noted: u32,
    left_out: u64,
    /// When the interview's end was decided, by the wall clock.
    ended_at: Option<DateTime<Utc>>,
    /// The record, if the disk did not take it.
    unsaved: Option<Vec<u8>>,
}

impl Recorder {
    pub(crate) fn new(environment: Environment, events: Events) -> Self {
        Self {
            environment,
            events,
            journal: None,
            turns: Told::default(),
            noted: 0,
            left_out: 0,
            ended_at: None,
            unsaved: None,
        }
    }

    /// Begins the journal of a join; `turns` are those that an earlier run wrote down.
    pub(crate) fn begin(&mut self, join_id: Secret, head: RecordHead, turns: Told) {
        self.turns = turns;
        self.journal = Some(Journal::start(self.environment.clone(), join_id, head, self.events.clone()));
    }

    fn write(&self, line: Line) {
        if let Some(journal) = &self.journal {
            journal.write(self.environment.clock.now().0, line);
        }
    }

    /// Something on the timeline.
    pub(crate) fn note(&mut self, note: Note) {
        // So is everything that was said.
        if self.noted >= MOST_NOTES && !note.is_always_kept() {
            self.left_out += 1;
            return;
        }
        self.noted += 1;
        self.write(Line::Timeline(note));
    }

    /// A turn, as the interviewer's session just told it.
    pub(crate) fn said(&mut self, said: Said) {
        if let Some(at) = self.turns.now(&said, self.environment.clock.wall()) {
            self.turn(said, at);
        }
    }

    /// The conversation so far, as the interviewer's session tells it.
    pub(crate) fn history(&mut self, conversation: Vec<Said>) {
        for (said, at) in self.turns.before(conversation, self.environment.clock.wall()) {
            self.turn(said, at);
        }
    }

    fn turn(&self, said: Said, at: DateTime<Utc>) {
        self.write(Line::Said(Turn { id: said.id, role: said.role, text: said.text, at }));
    }

    /// A caption that is done.
    pub(crate) fn caption(&self, caption: &Caption) {
        let (role, at) = (caption.speaker, self.environment.clock.wall());
        self.write(Line::Caption(Turn { id: caption.id.clone(), role, text: caption.text.clone(), at }));
    }

    /// Makes the record, and commits it beside the loop. `captions`: those on the screen; a line that was being spoken was
    /// heard that far.
    pub(crate) fn commit(&mut self, ending: Ending, audio: AudioStatistics, captions: &[Caption]) {
        self.ended_at = Some(self.environment.clock.wall());
        if self.left_out > 0 {
            let count = std::mem::take(&mut self.left_out);
            self.noted = 0;
            self.note(Note::NotesLeftOut { count });
        }
        self.note(Note::Audio(audio));
        captions.iter().filter(|caption| !caption.done).for_each(|caption| self.caption(caption));
        // Nothing is written after it: the record is made of what there is.
        match self.journal.take() {
            Some(journal) => journal.commit(ending),
            None => tracing::error!("an interview ended without a journal"),
        }
    }

    /// When the interview's end was decided, by the wall clock.
    pub(crate) fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at
    }

    /// The disk did not take the record: it is kept here.
    pub(crate) fn keep(&mut self, record: Vec<u8>) {
        self.unsaved = Some(record);
    }

    /// The record that the disk did not take.
    pub(crate) fn unsaved(&self) -> Option<Vec<u8>> {
        self.unsaved.clone()
    }
}
