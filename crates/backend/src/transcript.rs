//! What was said in an interview, from every source there is: of each interviewer its report, else what it told while it
//! lived; of the candidate's client what it heard, if nobody else tells as much.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use adjourn_protocol::{Source, TranscriptSource};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::recorded::{self, Item, Turns};
use crate::sent_away;
use crate::store::{Store, word};

/// What was said in an interview, and who says so.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// Who says so.
    pub source: TranscriptSource,
    /// In order.
    pub items: Vec<Item>,
    /// Where something may be missing, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// What one interviewer (a job's session) told, in one attempt.
#[derive(Clone, Debug, Default)]
struct Told {
    report: Option<Turns>,
    lived: Turns,
}

/// A transcript that is being read, record by record: they are large, and whoever reads them for something else as well reads them once.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    told: BTreeMap<(i64, Source), Told>,
    client: Turns,
}

impl Reading {
    /// One more record.
    pub(crate) fn record(&mut self, attempt: i64, source: &Source, body: &str) {
        match source {
            Source::Client => {
                let Turns { items, unreadable } = recorded::of_client(body);
                self.client.items.extend(items);
                self.client.unreadable += unreadable;
            }
            judgement if judgement.is_judgement() => {}
            agent => {
                self.told.entry((attempt, agent.clone())).or_default().report =
                    Some(recorded::of_agent(body));
            }
        }
    }

    /// All records were read. `in_vain`: whose word is nobody's.
    pub(crate) async fn ends(
        mut self,
        store: &Store,
        id: &str,
        in_vain: &BTreeSet<Source>,
    ) -> Result<Transcript, sqlx::Error> {
        let rows =
            sqlx::query("SELECT attempt, source, body FROM items WHERE interview_id = $1 ORDER BY number")
                .bind(id)
                .fetch_all(store.read())
                .await?;
        for row in &rows {
            let at = (row.try_get("attempt")?, word(row, "source")?);
            let lived = &mut self.told.entry(at).or_default().lived;
            match serde_json::from_str(&row.try_get::<String, _>("body")?) {
                Ok(item) => lived.items.push(item),
                Err(_) => lived.unreadable += 1,
            }
        }
        self.told.retain(|(_, source), _| !in_vain.contains(source));
        Ok(merged(self.told, self.client))
    }
}

/// The transcript of an interview.
pub(crate) async fn transcript(store: &Store, id: &str) -> Result<Transcript, sqlx::Error> {
    let mut reading = Reading::default();
    let mut records = sqlx::query("SELECT attempt, source, body FROM records WHERE interview_id = $1")
        .bind(id)
        .fetch(store.read());
    while let Some(row) = records.try_next().await? {
        let (source, body): (Source, String) = (word(&row, "source")?, row.try_get("body")?);
        reading.record(row.try_get("attempt")?, &source, &body);
    }
    drop(records);
    reading.ends(store, id, &sent_away::in_vain(store, id).await?).await
}

/// The same turns, by that one's word.
fn told_by(mut items: Vec<Item>, source: &Source) -> Vec<Item> {
    for item in &mut items {
        item.told_by = Some(source.to_string());
    }
    items
}

fn merged(told: BTreeMap<(i64, Source), Told>, client: Turns) -> Transcript {
    let (mut reports, mut without) = (0, 0);
    let (mut items, mut gaps, mut fragments) = (Vec::new(), Vec::new(), Vec::new());
    for ((_, source), Told { report, lived }) in told {
        let by = |items: Vec<Item>| told_by(items, &source);
        let job = if let Source::Agent(job) = &source { job.as_str() } else { "" };
        if report.as_ref().is_some_and(|report| report.unreadable > 0) {
            gaps.push(format!(
                "Something in the report of the interviewer {job} can't be read here, or was lost before it was sent: the record itself is as it came."
            ));
        }
        match report {
            Some(report) if !report.items.is_empty() || lived.items.is_empty() && report.unreadable == 0 => {
                reports += 1;
                items.extend(by(report.items));
            }
            // A report that tells less than nothing.
            Some(_) | None => {
                without += 1;
                if lived.unreadable > 0 {
                    gaps.push(format!(
                        "Of what the interviewer {job} told while it lived, {} turns can't be read here.",
                        lived.unreadable
                    ));
                }
                fragments.push(format!(
                    "The interviewer {job} left no report: what it told while it lived is shown."
                ));
                items.extend(by(lived.items));
            }
        }
    }
    let heard_more = (reports == 0 || items.is_empty()) && client.items.len() > items.len();
    if heard_more && client.unreadable > 0 {
        gaps.push(
            "Something in the client's record can't be read here, or was lost before it was sent: the record itself is as it came."
                .to_owned(),
        );
    }
    if !heard_more {
        gaps.append(&mut fragments);
    }
    let source = match (reports, without) {
        (0, 0) if client.items.is_empty() => TranscriptSource::None,
        _ if heard_more => TranscriptSource::Client,
        (_, 0) => TranscriptSource::Agent,
        (0, _) => TranscriptSource::AgentWhileItLived,
        (_, _) => TranscriptSource::AgentInPart,
    };
    let mut items = if heard_more { told_by(client.items, &Source::Client) } else { items };
    // The same turn may be told by two: an interviewer that took over has the conversation before it.
    let mut known = HashSet::new();
    // With the same id and other words it is another turn: an id is its interviewer's own affair.
    items.retain(|item| item.id.is_empty() || known.insert((item.id.clone(), item.text.clone())));
    items.sort_by(|a, b| a.created_at.total_cmp(&b.created_at));
    if heard_more {
        let told = if without == 0 {
            "No interviewer told anything"
        } else {
            "The interviewers' reports are missing"
        };
        gaps.push(format!("{told}: this is what the candidate's client heard."));
    }
    Transcript { source, items, gaps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::ChatRole;

    fn turn(id: &str, at: f64) -> Item {
        let (id, role) = (id.to_owned(), ChatRole::Assistant);
        Item { text: format!("turn {id}"), id, role, created_at: at, interrupted: false, told_by: None }
    }

    fn turns(items: Vec<Item>) -> Turns {
        Turns { items, unreadable: 0 }
    }

    fn job(name: &str, report: Option<Vec<Item>>, lived: Vec<Item>) -> ((i64, Source), Told) {
        ((1, Source::Agent(name.to_owned())), Told { report: report.map(turns), lived: turns(lived) })
    }

    fn ids(transcript: &Transcript) -> String {
        transcript.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_fragment_is_not_shown_as_the_whole() {
        // Twenty turns of an interviewer that was killed, and two of the one after it, whose report came.
        let lived = (0..20).map(|n| turn(&format!("a{n}"), f64::from(n))).collect();
        let report = vec![turn("b0", 30.0), turn("b1", 31.0)];
        let told = [job("AJ_1", None, lived), job("AJ_2", Some(report), vec![turn("b0", 30.0)])];
        let transcript = merged(told.into(), Turns::default());
        assert_eq!((transcript.source, transcript.items.len()), (TranscriptSource::AgentInPart, 22));
        assert!(ids(&transcript).starts_with("a0 a1 ") && ids(&transcript).ends_with(" b0 b1"));
        let by: Vec<_> = transcript.items[19..21].iter().filter_map(|item| item.told_by.as_deref()).collect();
        assert_eq!(by, ["agent:AJ_1", "agent:AJ_2"]);
        assert!(
            transcript.gaps[0].starts_with("The interviewer AJ_1 left no report"),
            "{:?}",
            transcript.gaps
        );
    }

    #[test]
    fn turns_that_cant_be_read_leave_a_word_where_they_were() {
        let told = Told { report: None, lived: Turns { items: vec![turn("1", 1.0)], unreadable: 2 } };
        let transcript = merged([((1, Source::Agent("AJ_1".to_owned())), told)].into(), Turns::default());
        assert_eq!(transcript.items.len(), 1);
        assert!(
            transcript.gaps.iter().any(|gap| gap.contains("2 turns can't be read")),
            "{:?}",
            transcript.gaps
        );
        // A report that came has them all.
        let whole = Told {
            report: Some(turns(vec![turn("1", 1.0)])),
            lived: Turns { items: Vec::new(), unreadable: 2 },
        };
        let transcript = merged([((1, Source::Agent("AJ_1".to_owned())), whole)].into(), Turns::default());
        assert!(transcript.gaps.is_empty(), "{:?}", transcript.gaps);
    }

    #[test]
    fn the_same_turn_of_two_is_one_and_time_orders() {
        let told = [
            job("AJ_1", Some(vec![turn("1", 1.0), turn("2", 2.0)]), vec![]),
            job("AJ_2", Some(vec![turn("2", 2.0), turn("4", 4.0), turn("3", 3.0)]), vec![]),
        ];
        let transcript = merged(told.into(), turns(vec![turn("x", 9.0)]));
        assert_eq!((transcript.source, ids(&transcript).as_str()), (TranscriptSource::Agent, "1 2 3 4"));
        assert!(transcript.gaps.is_empty());
    }

    #[test]
    fn the_candidates_word_counts_where_nobody_else_tells_as_much() {
        let heard = vec![turn("1", 1.0), turn("2", 2.0)];
        assert_eq!(merged(BTreeMap::new(), turns(heard.clone())).source, TranscriptSource::Client);
        let told = || [job("AJ_1", None, vec![turn("1", 1.0)])].into();
        let transcript = merged(told(), turns(heard.clone()));
        assert_eq!((transcript.source, transcript.items.len()), (TranscriptSource::Client, 2));
        assert_eq!(merged(told(), turns(heard[..1].to_vec())).source, TranscriptSource::AgentWhileItLived);
        // A report that came out empty hides nothing of what was told while it lived.
        let empty = [job("AJ_1", Some(Vec::new()), vec![turn("1", 1.0)])].into();
        assert_eq!(merged(empty, Turns::default()).source, TranscriptSource::AgentWhileItLived);
        assert_eq!(merged(BTreeMap::new(), Turns::default()).source, TranscriptSource::None);
    }

    #[test]
    fn other_words_under_the_same_id_are_another_turn() {
        let other = Item { text: "Something else.".to_owned(), ..turn("1", 3.0) };
        let told = [
            job("AJ_1", Some(vec![turn("1", 1.0), turn("2", 2.0)]), vec![]),
            job("AJ_2", Some(vec![turn("1", 1.0), other]), vec![]),
        ];
        let transcript = merged(told.into(), Turns::default());
        assert_eq!(ids(&transcript), "1 2 1");
    }

    #[test]
    fn a_report_that_cant_be_read_is_not_shown_as_an_empty_one() {
        let unreadable = || Told {
            report: Some(Turns { items: Vec::new(), unreadable: 1 }),
            lived: turns(vec![turn("1", 1.0)]),
        };
        let told = |told: Told| [((1, Source::Agent("AJ_1".to_owned())), told)].into();
        let transcript = merged(told(unreadable()), Turns::default());
        assert_eq!((transcript.source, transcript.items.len()), (TranscriptSource::AgentWhileItLived, 1));
        assert!(transcript.gaps[0].contains("can't be read here"), "{:?}", transcript.gaps);
        // With more than that of the client's, its words are shown, and not told to be the interviewer's.
        let heard = turns(vec![turn("1", 1.0), turn("2", 2.0)]);
        let transcript = merged(told(unreadable()), heard);
        assert_eq!(transcript.source, TranscriptSource::Client);
        assert!(
            transcript.gaps.iter().all(|gap| !gap.contains("while it lived is shown")),
            "{:?}",
            transcript.gaps
        );
    }
}
