//! What was said and is written down: each turn once, with the time at which it was said as far as that is known.

use std::collections::HashMap;

use adjourn_protocol::Entry;
use adjourn_room::Said;
use chrono::{DateTime, TimeDelta, Utc};

/// Turns of this join that are in the journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(HashMap<String, (String, DateTime<Utc>)>);

impl Told {
    /// What an earlier run of this join wrote down.
    pub(crate) fn of(journal: &[Entry]) -> Self {
        // A line that can't be read is counted when the record is made; here it is told again.
        let turns = journal.iter().filter_map(|entry| entry.line.said());
        Self(turns.map(|turn| (turn.id.clone(), (turn.text.clone(), turn.at))).collect())
    }

    /// A turn that was just said: when, or nothing if it is written down in just these words.
    pub(crate) fn now(&mut self, said: &Said, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Without ids, each may be another turn.
        if said.id.is_empty() {
            return Some(now);
        }
        let at = match self.0.get(&said.id) {
            Some((text, _)) if *text == said.text => return None,
            Some((_, at)) => *at,
            None => now,
        };
        self.0.insert(said.id.clone(), (said.text.clone(), at));
        Some(at)
    }

    /// The conversation so far: its turns that are not written down yet, in order. Those that we did not hear ourselves were
    /// said before the next one that we heard.
    pub(crate) fn before(
        &mut self,
        conversation: Vec<Said>,
        now: DateTime<Utc>,
    ) -> Vec<(Said, DateTime<Utc>)> {
        let mut next = now;
        let mut new = Vec::new();
        for said in conversation.into_iter().rev() {
            let latest = next - TimeDelta::milliseconds(1);
            let known = self.0.get(&said.id).map(|(_, at)| *at);
            let written = self.now(&said, known.unwrap_or(latest));
            next = known.or(written).unwrap_or(latest);
            new.extend(written.map(|at| (said, at)));
        }
        new.reverse();
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adjourn_protocol::{Line, Role, Turn};

    fn said(id: &str, text: &str) -> Said {
        Said { id: id.into(), role: Role::Interviewer, text: text.into(), interrupted: false }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn what_was_said_while_we_were_out_stands_where_it_was_said() {
        let mut told = Told::default();
        assert_eq!(told.now(&said("1", "one"), at(10)), Some(at(10)));
        // Told live, before the answer to what we missed.
        assert_eq!(told.now(&said("4", "four"), at(40)), Some(at(40)));
        let all = ["1", "2", "3", "4"].map(|id| {
            said(
                id,
                match id {
                    "1" => "one",
                    "4" => "four",
                    _ => "missed",
                },
            )
        });
        let new = told.before(all.to_vec(), at(41));
        let order: Vec<_> = new.iter().map(|(said, _)| said.id.as_str()).collect();
        assert_eq!(order, ["2", "3"]);
        assert!(new.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert!(new.iter().all(|(_, time)| (at(10)..at(40)).contains(time)), "{new:?}");
        // Asked again and again, nothing is written again.
        assert!(told.before(all.to_vec(), at(50)).is_empty());
    }

    #[test]
    fn a_turn_that_became_longer_keeps_its_place() {
        let mut told = Told::default();
        told.now(&said("1", "Tell me"), at(10));
        told.now(&said("2", "Yes"), at(20));
        let new = told.before(vec![said("1", "Tell me more"), said("2", "Yes")], at(30));
        assert_eq!(new.len(), 1);
        assert_eq!((new[0].0.text.as_str(), new[0].1), ("Tell me more", at(10)));
    }

    #[test]
    fn an_earlier_run_s_turns_are_known() {
        let turn = Turn { id: "1".to_owned(), role: Role::Interviewer, text: "one".to_owned(), at: at(10) };
        let journal = [Entry { at: at(10), mono_ms: 0, line: Line::Said(turn) }, Entry::lost()];
        assert!(Told::of(&journal).before(vec![said("1", "one")], at(30)).is_empty());
    }
}
