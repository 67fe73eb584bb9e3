//! Where what the candidate types is: one text is under way at a time, one that did not go out is given back to whoever typed it, and
//! none is forgotten.

use std::time::Duration;

use adjourn_protocol::{TYPED, plain_text};
use tokio::time::Instant;

/// Longest answer in characters: several minutes of speech. The page says it as well (`ui/src/parts/Typing.svelte`).
pub const LONGEST: usize = 4_000;
/// A text of which nothing proves after this that it arrived did not: the line is dead, or the room was entered anew meanwhile. (A proof
/// takes about a second.)
const UNDER_WAY: Duration = Duration::from_secs(10);
/// Texts that nobody took and that are kept for the record: nobody types more of them.
const MOST_KEPT: usize = 50;

/// Texts of the candidate's own.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    /// On its way, since when.
    under_way: Option<(String, Instant)>,
    /// It went out into the line after this probe: an answer to a later one has come the same way after it.
    proof: Option<u64>,
    /// It did not go out, and can be sent again.
    not_sent: Option<String>,
    /// What is being typed.
    draft: String,
    /// Others that did not.
    given_up: Vec<String>,
    /// How many were kept.
    kept: u64,
}

impl Typing {
    /// Something is on its way.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Nothing has shown for long enough that it arrived.
    pub(crate) fn is_overdue(&self) -> bool {
        self.under_way.as_ref().is_some_and(|(_, since)| since.elapsed() >= UNDER_WAY)
    }

    /// What did not go out, to be sent again.
    pub(crate) fn not_sent(&self) -> Option<&str> {
        self.not_sent.as_deref()
    }

    /// This is being typed. Nobody is told of it, and it is in no record: it was not said.
    pub(crate) fn draft(&mut self, text: &str) {
        self.draft = text.chars().take(LONGEST).collect();
    }

    /// What is being typed.
    pub(crate) fn drafted(&self) -> &str {
        &self.draft
    }

    /// Whether the candidate typed at all.
    pub(crate) fn is_used(&self) -> bool {
        self.kept > 0
    }

    /// This goes out now.
    pub(crate) fn begin(&mut self, text: String) {
        // Something else may have been sent meanwhile ("Repeat the question").
        if plain_text(&self.draft) == text {
            self.draft.clear();
        }
        // The same once more is what was given back.
        if let Some(before) = self.not_sent.take().filter(|before| *before != text) {
            self.keep(before);
        }
        (self.under_way, self.proof) = (Some((text, Instant::now())), None);
    }

    /// It is in the line, after the probe of that number.
    pub(crate) fn in_the_line(&mut self, probe: u64) {
        if self.is_under_way() {
            self.proof = Some(probe);
        }
    }

    /// A probe was answered. Gives the text that this proves to have arrived.
    pub(crate) fn proven_by(&mut self, probe: u64) -> Option<String> {
        self.proof.filter(|sent_after| probe > *sent_after)?;
        self.proof = None;
        self.under_way.take().map(|(text, _)| text)
    }

    /// It did not arrive. Gives whether there was something.
    pub(crate) fn did_not_go_out(&mut self) -> bool {
        self.proof = None;
        let Some((text, _)) = self.under_way.take() else { return false };
        self.not_sent = Some(text);
        true
    }

    /// One that can't go out now, because another one does.
    pub(crate) fn keep(&mut self, text: String) {
        if self.given_up.len() < MOST_KEPT {
            self.given_up.push(text);
        }
    }

    /// All that nobody took.
    pub(crate) fn take_the_rest(&mut self) -> Vec<String> {
        let under_way = self.under_way.take().map(|(text, _)| text);
        std::mem::take(&mut self.given_up).into_iter().chain(self.not_sent.take()).chain(under_way).collect()
    }

    /// A name for the next caption; `now` in milliseconds: another one than in a run before, whose journal goes on.
    pub(crate) fn name(&mut self, now: i64) -> String {
        self.kept += 1;
        format!("{TYPED}{now}-{}", self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_typed_is_kept_until_it_is_sent_and_is_in_no_record() {
        let mut typing = Typing::default();
        typing.draft("I can't speak at the mo");
        typing.begin("Please repeat the question.".to_owned());
        assert_eq!(typing.drafted(), "I can't speak at the mo", "that was another text");
        typing.draft("I can't speak at the moment. ");
        typing.begin("I can't speak at the moment.".to_owned());
        assert_eq!(typing.drafted(), "");
        typing.draft(&"x".repeat(LONGEST + 5));
        assert_eq!(typing.drafted().len(), LONGEST);
        assert_eq!(typing.take_the_rest(), ["I can't speak at the moment."]);
    }
}
