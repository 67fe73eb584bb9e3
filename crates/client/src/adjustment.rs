//! What the candidate needs, in their own words: kept on this computer while it is being written, since the interview may be days away,
//! and on the interview's timeline once that is joined.

use adjourn_protocol::{InviteLink, LONGEST_ADJUSTMENT, plain_text};
use tokio::task::JoinHandle;

use crate::Environment;
use crate::event::{Event, Events};
use crate::snapshot::Adjustment as Shown;

/// The wish of the link that is open.
pub(crate) struct Adjustment {
    environment: Environment,
    events: Events,
    link: Option<InviteLink>,
    /// Counts the links that were opened: what is said of an earlier one is not of this.
    number: u32,
    /// As it stands in the field.
    text: String,
    /// Something was written there since the link was opened.
    touched: bool,
    /// As it is on the disk, once that is known.
    kept: Option<String>,
    /// The last try could not write it down.
    failed: bool,
    writing: Option<JoinHandle<()>>,
}

impl Adjustment {
    pub(crate) fn new(environment: Environment, events: Events) -> Self {
        let text = String::new();
        Self {
            environment,
            events,
            link: None,
            number: 0,
            text,
            touched: false,
            kept: None,
            failed: false,
            writing: None,
        }
    }

    /// This link is open from now on, or none: what was needed for another one is that one's, and is written down to its end. What was
    /// kept for this one is looked up.
    pub(crate) fn is_of(&mut self, link: Option<InviteLink>) {
        tokio::spawn(self.rest());
        self.number = self.number.wrapping_add(1);
        (self.text, self.touched, self.kept, self.failed) = (String::new(), false, None, false);
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

    /// Writes down what is not written yet: nobody asks any more.
    pub(crate) fn rest(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let writing = self.writing.take();
        let wanted = self.link.clone().filter(|_| self.touched && !self.is_kept());
        let (storage, text) = (self.environment.storage.clone(), self.text.clone());
        async move {
            if let Some(writing) = writing {
                // It tells of its own failure.
                let _ = writing.await;
            }
            let Some(link) = wanted else { return };
            if let Err(error) = storage.keep_adjustment(&link, &text).await {
                tracing::warn!(%error, "what the candidate needs can't be kept");
            }
        }
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

    /// The candidate wrote this, for the link of that number.
    pub(crate) fn write(&mut self, number: u32, text: &str) {
        if number != self.number {
            return;
        }
        self.text = plain_text(text).chars().take(LONGEST_ADJUSTMENT).collect();
        self.touched = true;
        self.keep();
    }

    fn keep(&mut self) {
        let idle = self.writing.is_none() && !self.is_kept();
        let Some(link) = self.link.clone().filter(|_| idle) else { return };
        let (storage, events, text) =
            (self.environment.storage.clone(), self.events.clone(), self.text.clone());
        self.writing = Some(tokio::spawn(async move {
            let kept = storage.keep_adjustment(&link, &text).await;
            let text = kept
                .inspect_err(|error| tracing::warn!(%error, "what the candidate needs can't be kept"))
                .ok()
                .map(|()| text);
            events.tell(Event::AdjustmentKept { link, text }).await;
        }));
    }

    /// It was written down, or could not be.
    pub(crate) fn written(&mut self, link: &InviteLink, text: Option<String>) {
        if self.link.as_ref() != Some(link) {
            return;
        }
        self.writing = None;
        self.failed = text.is_none();
        // What can't be written is tried again with the next word; it is in the interview's record all the same.
        let Some(text) = text else { return };
        self.kept = Some(text);
        self.keep();
    }

    fn is_kept(&self) -> bool {
        self.kept.as_ref() == Some(&self.text)
    }

    /// What is to be noted in an interview whose record has `before`; `None`: nothing is new. A field that nobody touched takes no word
    /// back: what was kept may not have been found.
    pub(crate) fn news(&self, before: &str) -> Option<String> {
        let known = self.touched || !self.text.is_empty();
        (known && self.text != before).then(|| self.text.clone())
    }

    /// As the screen shows it. What is only in memory is not kept.
    pub(crate) fn shown(&self) -> Shown {
        let kept = !self.text.is_empty() && self.is_kept() && !self.environment.storage.volatile();
        let failed = !self.text.is_empty() && (self.failed || self.environment.storage.volatile());
        Shown { of: self.number, text: self.text.clone(), kept, failed }
    }
}
