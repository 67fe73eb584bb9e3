//! What the candidate needs, in their own words: kept on this computer while it is being written, since the interview may be days away,
//! and on the interview's timeline once that is joined.

use adjourn_protocol::{InviteLink, plain_text};

use crate::Environment;
use crate::event::{Event, Events};
use crate::snapshot::Adjustment as Shown;

/// Longest wish in characters. The page says it as well (`ui/src/parts/Adjustment.svelte`).
const LONGEST: usize = 1_000;

/// The wish of the link that is open.
pub(crate) struct Adjustment {
    environment: Environment,
    events: Events,
    link: Option<InviteLink>,
    /// As it stands in the field.
    text: String,
    /// Something was written there since the link was opened.
    touched: bool,
    /// As it is on the disk, once that is known.
    kept: Option<String>,
    writing: bool,
}

impl Adjustment {
    pub(crate) fn new(environment: Environment, events: Events) -> Self {
        let text = String::new();
        Self { environment, events, link: None, text, touched: false, kept: None, writing: false }
    }

    /// This link is open from now on, or none: what was needed for another one is that one's. What was kept for it is looked up.
    pub(crate) fn is_of(&mut self, link: Option<InviteLink>) {
        (self.text, self.touched, self.kept, self.writing) = (String::new(), false, None, false);
        self.link.clone_from(&link);
        let Some(link) = link else { return };
        let (storage, events) = (self.environment.storage.clone(), self.events.clone());
        tokio::spawn(async move {
            match storage.adjustment(&link).await {
                Ok(text) => events.tell(Event::AdjustmentFound { link, text }).await,
                Err(error) => tracing::warn!(%error, "what the candidate needed can't be read"),
            }
        });
    }

    /// That was kept for it.
    pub(crate) fn found(&mut self, link: &InviteLink, text: String) {
        if self.link.as_ref() != Some(link) {
            return;
        }
        if !self.touched {
            self.text.clone_from(&text);
        }
        self.kept.get_or_insert(text);
    }

    /// The candidate wrote this.
    pub(crate) fn write(&mut self, text: &str) {
        self.text = plain_text(text).chars().take(LONGEST).collect();
        self.touched = true;
        self.keep();
    }

    fn keep(&mut self) {
        let Some(link) = self.link.clone().filter(|_| !self.writing && !self.is_kept()) else { return };
        self.writing = true;
        let (storage, events, text) =
            (self.environment.storage.clone(), self.events.clone(), self.text.clone());
        tokio::spawn(async move {
            let kept = storage.keep_adjustment(&link, &text).await;
            let text = kept
                .inspect_err(|error| tracing::warn!(%error, "what the candidate needs can't be kept"))
                .ok()
                .map(|()| text);
            events.tell(Event::AdjustmentKept { link, text }).await;
        });
    }

    /// It was written down, or could not be.
    pub(crate) fn written(&mut self, link: &InviteLink, text: Option<String>) {
        if self.link.as_ref() != Some(link) {
            return;
        }
        self.writing = false;
        // What can't be written is tried again with the next word; it is in the interview's record all the same.
        let Some(text) = text else { return };
        self.kept = Some(text);
        self.keep();
    }

    fn is_kept(&self) -> bool {
        self.kept.as_ref() == Some(&self.text)
    }

    /// What the candidate needs; empty: nothing.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// As the screen shows it. What is only in memory is not kept.
    pub(crate) fn shown(&self) -> Shown {
        let kept = !self.text.is_empty() && self.is_kept() && !self.environment.storage.volatile();
        Shown { text: self.text.clone(), kept }
    }
}
