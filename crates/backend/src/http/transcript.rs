//! What was said in an interview, from every source there is: of each interviewer its report, else what it told while it
//! lived; of the candidate's client what it heard, if nobody else tells as much.

use std::collections::{BTreeMap, HashSet};

use adjourn_protocol::Source;
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::http::items::Item;
use crate::organisers::Scope;
use crate::sent_away;
use crate::state::App;

/// What was said in an interview, and who says so.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// `agent` (reports of all its interviewers), `agent in part` (of some of them), `agent while it lived` (its turns; no
    /// report came), `client` (the candidate's word), or `none`.
    pub source: String,
    /// In order.
    pub items: Vec<Item>,
    /// Where something may be missing, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// `GET /v1/interviews/{id}/transcript`
#[utoipa::path(get, path = "/v1/interviews/{id}/transcript", params(("id" = String, Path)),
    responses((status = 200, body = Transcript)), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Transcript>, ApiError> {
    let actor = app.organiser(&caller, Scope::Read).await?;
    audit::note_of(&app.store, &actor, Deed::ReadTranscript, &id).await?;
    Ok(Json(transcript(&app, &id).await?))
}

/// What one interviewer (a job's session) told, in one attempt.
#[derive(Clone, Debug, Default)]
struct Told {
    report: Option<Vec<Item>>,
    lived: Vec<Item>,
}

/// The transcript of an interview.
pub(crate) async fn transcript(app: &App, id: &str) -> Result<Transcript, sqlx::Error> {
    let records = sqlx::query("SELECT attempt, source, body FROM records WHERE interview_id = $1")
        .bind(id)
        .fetch_all(app.store.read())
        .await?;
    let mut told: BTreeMap<(i64, Source), Told> = BTreeMap::new();
    let mut client = Vec::new();
    for row in &records {
        let (attempt, source, body): (i64, String, String) =
            (row.try_get("attempt")?, row.try_get("source")?, row.try_get("body")?);
        let record: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        match source_of(&source)? {
            Source::Client => client.extend(of_client(&record)),
            judgement if judgement.is_judgement() => {}
            agent => told.entry((attempt, agent)).or_default().report = Some(of_agent(&record)),
        }
    }
    let rows = sqlx::query("SELECT attempt, source, body FROM items WHERE interview_id = $1 ORDER BY number")
        .bind(id)
        .fetch_all(app.store.read())
        .await?;
    for row in &rows {
        let at = (row.try_get("attempt")?, source_of(&row.try_get::<String, _>("source")?)?);
        let item = serde_json::from_str::<Item>(&row.try_get::<String, _>("body")?);
        told.entry(at).or_default().lived.extend(item);
    }
    let in_vain = sent_away::in_vain(&app.store, id).await?;
    told.retain(|(_, source), _| !in_vain.contains(source));
    Ok(merged(told, client))
}

/// Whose a stored record is.
fn source_of(stored: &str) -> Result<Source, sqlx::Error> {
    stored.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn merged(told: BTreeMap<(i64, Source), Told>, client: Vec<Item>) -> Transcript {
    let (mut reports, mut without) = (0, 0);
    let (mut items, mut gaps) = (Vec::new(), Vec::new());
    for ((_, source), Told { report, lived }) in told {
        match report {
            Some(report) if !report.is_empty() || lived.is_empty() => {
                reports += 1;
                items.extend(report);
            }
            // A report that tells less than nothing.
            Some(_) | None => {
                without += 1;
                let job = if let Source::Agent(job) = &source { job.as_str() } else { "" };
                gaps.push(format!(
                    "The interviewer {job} left no report: what it told while it lived is shown."
                ));
                items.extend(lived);
            }
        }
    }
    let heard_more = (reports == 0 || items.is_empty()) && client.len() > items.len();
    let source = match (reports, without) {
        (0, 0) if client.is_empty() => "none",
        _ if heard_more => "client",
        (_, 0) => "agent",
        (0, _) => "agent while it lived",
        (_, _) => "agent in part",
    };
    let mut items = if heard_more { client } else { items };
    // The same turn may be told by two: an interviewer that took over has the conversation before it.
    let mut known = HashSet::new();
    items.retain(|item| item.id.is_empty() || known.insert(item.id.clone()));
    items.sort_by(|a, b| a.created_at.total_cmp(&b.created_at));
    if heard_more && without == 0 {
        gaps.push("No interviewer told anything: this is what the candidate's client heard.".to_owned());
    }
    Transcript { source: source.to_owned(), items, gaps }
}

/// Turns of one record that are kept and read at most: eight hours have a few thousand.
pub(crate) const MOST: usize = 20_000;
/// Longest turn in characters.
const LONGEST: usize = 64 * 1024;

/// A turn as it is shown: of a sane size, whatever a record says.
fn item(id: &str, role: &str, text: String, created_at: f64, interrupted: bool) -> Item {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let text = if text.len() > LONGEST { cut(&text, LONGEST) } else { text };
    let created_at = if created_at.is_finite() { created_at } else { 0.0 };
    Item { id: cut(id, 128), role: role.to_owned(), text, created_at, interrupted }
}

/// The messages of livekit-agents' `SessionReport.to_dict()`; instructions and tools are left out.
fn of_agent(record: &serde_json::Value) -> Vec<Item> {
    let items = record.pointer("/chat_history/items").and_then(|v| v.as_array());
    let messages = items.into_iter().flatten().filter(|item| item["type"] == "message");
    messages
        .filter(|item| item["role"] == "user" || item["role"] == "assistant")
        .take(MOST)
        .map(|message| {
            let content = message["content"].as_array().into_iter().flatten();
            let text = content.filter_map(|c| c.as_str()).collect::<Vec<_>>().join(" ");
            item(
                message["id"].as_str().unwrap_or_default(),
                message["role"].as_str().unwrap_or_default(),
                text,
                message["created_at"].as_f64().unwrap_or_default(),
                message["interrupted"].as_bool().unwrap_or_default(),
            )
        })
        .collect()
}

/// The transcript of a client's record. What is no turn is none.
fn of_client(record: &serde_json::Value) -> Vec<Item> {
    let items = record.get("transcript").and_then(|v| v.as_array());
    items
        .into_iter()
        .flatten()
        .filter(|turn| turn["text"].is_string())
        .take(MOST)
        .map(|turn| {
            let role = if turn["role"] == "candidate" { "user" } else { "assistant" };
            let text = turn["text"].as_str().unwrap_or_default().to_owned();
            item(turn["id"].as_str().unwrap_or_default(), role, text, seconds(&turn["at"]), false)
        })
        .collect()
}

fn seconds(at: &serde_json::Value) -> f64 {
    let at = at.as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
    at.map_or(0.0, |at| at.timestamp_millis() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(id: &str, at: f64) -> Item {
        item(id, "assistant", format!("turn {id}"), at, false)
    }

    fn job(name: &str, report: Option<Vec<Item>>, lived: Vec<Item>) -> ((i64, Source), Told) {
        ((1, Source::Agent(name.to_owned())), Told { report, lived })
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
        let transcript = merged(told.into(), Vec::new());
        assert_eq!((transcript.source.as_str(), transcript.items.len()), ("agent in part", 22));
        assert!(ids(&transcript).starts_with("a0 a1 ") && ids(&transcript).ends_with(" b0 b1"));
        assert!(
            transcript.gaps[0].starts_with("The interviewer AJ_1 left no report"),
            "{:?}",
            transcript.gaps
        );
    }

    #[test]
    fn the_same_turn_of_two_is_one_and_time_orders() {
        let told = [
            job("AJ_1", Some(vec![turn("1", 1.0), turn("2", 2.0)]), vec![]),
            job("AJ_2", Some(vec![turn("2", 2.0), turn("4", 4.0), turn("3", 3.0)]), vec![]),
        ];
        let transcript = merged(told.into(), vec![turn("x", 9.0)]);
        assert_eq!((transcript.source.as_str(), ids(&transcript).as_str()), ("agent", "1 2 3 4"));
        assert!(transcript.gaps.is_empty());
    }

    #[test]
    fn the_candidates_word_counts_where_nobody_else_tells_as_much() {
        let heard = vec![turn("1", 1.0), turn("2", 2.0)];
        assert_eq!(merged(BTreeMap::new(), heard.clone()).source, "client");
        let told = || [job("AJ_1", None, vec![turn("1", 1.0)])].into();
        let transcript = merged(told(), heard.clone());
        assert_eq!((transcript.source.as_str(), transcript.items.len()), ("client", 2));
        assert_eq!(merged(told(), heard[..1].to_vec()).source, "agent while it lived");
        // A report that came out empty hides nothing of what was told while it lived.
        let empty = [job("AJ_1", Some(Vec::new()), vec![turn("1", 1.0)])].into();
        assert_eq!(merged(empty, Vec::new()).source, "agent while it lived");
        assert_eq!(merged(BTreeMap::new(), Vec::new()).source, "none");
    }

    #[test]
    fn a_record_of_four_million_zeros_is_no_transcript() {
        let zeros = serde_json::json!({ "transcript": vec![0; 4_000_000] });
        assert!(of_client(&zeros).is_empty());
        let long = serde_json::json!({ "transcript": [{ "id": "x".repeat(1_000), "text": "y".repeat(1_000_000), "at": "?" }] });
        let [long] = &of_client(&long)[..] else { panic!("one turn") };
        assert_eq!((long.id.len(), long.text.len(), long.created_at), (128, LONGEST, 0.0));
    }
}
