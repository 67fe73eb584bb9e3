//! The conversation as an agent reports it while it lives, so that a killed agent still leaves its history; and
//! the transcript of an interview from the best source there is.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Refusal;
use crate::standings;
use crate::store::now;

/// Longest item: a spoken turn is far below.
const LARGEST: usize = 64 * 1024;
/// Items of one job at most: one every six seconds for eight hours.
const MOST: i64 = 5_000;

/// One turn of the conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its id in the agent's session.
    #[schema(max_length = 128)]
    pub id: String,
    /// `user` or `assistant`.
    #[schema(max_length = 32)]
    pub role: String,
    /// What was said.
    pub text: String,
    /// Seconds since 1970.
    #[serde(default)]
    pub created_at: f64,
    /// Whether it was cut short.
    #[serde(default)]
    pub interrupted: bool,
}

/// `POST /v1/interviews/{id}/attempts/{attempt}/records/{source}/items`
#[utoipa::path(post, path = "/v1/interviews/{id}/attempts/{attempt}/records/{source}/items",
    params(("id" = String, Path), ("attempt" = i64, Path), ("source" = String, Path, description = "`agent:<job id>`")),
    request_body = Item,
    responses((status = 204, description = "stored, or there already"), (status = 400, description = "bad_item, too_many_items")),
    security(("upload" = [])))]
pub(crate) async fn post(
    State(app): State<App>,
    Path((id, attempt, source)): Path<(String, i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    app.tokens.check(&headers)?.allows(&id, attempt, &source)?;
    if !source.starts_with("agent:") {
        return Err(Refusal::unauthorised());
    }
    if body.len() > LARGEST {
        return Err(Refusal::too_large("The item is larger than 64 KiB."));
    }
    let bad = || Refusal::bad_request("bad_item", "The item needs an id, a role and a text.");
    let item: Item = serde_json::from_slice(&body).map_err(|_| bad())?;
    let usable = |text: &str, longest| !text.is_empty() && text.len() <= longest && !text.contains('\0');
    if !usable(&item.id, 128) || !usable(&item.role, 32) {
        return Err(bad());
    }
    // Written anew: only what an item has is kept, whatever else came along.
    let kept = serde_json::to_string(&item).map_err(|_| bad())?;
    let now = now();
    let mut tx = app.store.write().await?;
    let Some(mut standing) = standings::lock(&mut tx, &id).await? else { return Err(Refusal::not_found()) };
    if standing.attempt < attempt {
        return Err(Refusal::not_found());
    }
    let number: i64 =
        sqlx::query("SELECT COUNT(*) FROM items WHERE interview_id = $1 AND attempt = $2 AND source = $3")
            .bind(&id)
            .bind(attempt)
            .bind(&source)
            .fetch_one(&mut *tx)
            .await?
            .try_get(0)?;
    if number >= MOST {
        return Err(Refusal::bad_request("too_many_items", "There are too many items of this job."));
    }
    sqlx::query(
        "INSERT INTO items (interview_id, attempt, source, item_id, number, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (interview_id, attempt, source, item_id) DO NOTHING",
    )
    .bind(&id)
    .bind(attempt)
    .bind(&source)
    .bind(&item.id)
    .bind(number)
    .bind(&kept)
    .execute(&mut *tx)
    .await?;
    if standing.agent_of(attempt) && standing.agent_seen_at.is_none() {
        standing.agent_seen(now);
        standings::save(&mut tx, &id, &standing, now).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was said in an interview, and who says so.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// `agent` (its report), `agent while it lived` (its items; no report came), `client` (the candidate's
    /// word), or `none`.
    pub source: String,
    /// In order.
    pub items: Vec<Item>,
}

/// `GET /v1/interviews/{id}/transcript`
#[utoipa::path(get, path = "/v1/interviews/{id}/transcript", params(("id" = String, Path)),
    responses((status = 200, body = Transcript)), security(("organiser" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Transcript>, Refusal> {
    app.organiser(&headers).await?;
    standings::row(&app.store, &id).await?;
    Ok(Json(transcript(&app, &id).await?))
}

/// The agent's word wins over the candidate's: its report, else what it said while it lived, unless the
/// candidate's client heard more.
pub(crate) async fn transcript(app: &App, id: &str) -> Result<Transcript, sqlx::Error> {
    let records =
        sqlx::query("SELECT source, body FROM records WHERE interview_id = $1 ORDER BY attempt, received_at")
            .bind(id)
            .fetch_all(app.store.read())
            .await?;
    let (mut agent, mut client) = (Vec::new(), Vec::new());
    for row in &records {
        let (source, body): (String, String) = (row.try_get("source")?, row.try_get("body")?);
        let record: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        if source == "client" {
            client.extend(of_client(&record));
        } else {
            agent.extend(of_agent(&record));
        }
    }
    if !agent.is_empty() {
        return Ok(Transcript { source: "agent".to_owned(), items: agent });
    }
    let rows = sqlx::query("SELECT body FROM items WHERE interview_id = $1 ORDER BY attempt, source, number")
        .bind(id)
        .fetch_all(app.store.read())
        .await?;
    let mut lived = Vec::new();
    for row in &rows {
        lived.extend(serde_json::from_str::<Item>(&row.try_get::<String, _>("body")?));
    }
    let (source, items) = match (lived.len(), client.len()) {
        (0, 0) => ("none", Vec::new()),
        (lived_to_tell, heard) if lived_to_tell >= heard => ("agent while it lived", lived),
        _ => ("client", client),
    };
    Ok(Transcript { source: source.to_owned(), items })
}

/// The messages of livekit-agents' `SessionReport.to_dict()`; instructions and tools are left out.
fn of_agent(record: &serde_json::Value) -> Vec<Item> {
    let items = record.pointer("/chat_history/items").and_then(|v| v.as_array());
    let messages = items.into_iter().flatten().filter(|item| item["type"] == "message");
    messages
        .filter(|item| item["role"] == "user" || item["role"] == "assistant")
        .map(|item| {
            let content = item["content"].as_array().into_iter().flatten();
            Item {
                id: item["id"].as_str().unwrap_or_default().to_owned(),
                role: item["role"].as_str().unwrap_or_default().to_owned(),
                text: content.filter_map(|c| c.as_str()).collect::<Vec<_>>().join(" "),
                created_at: item["created_at"].as_f64().unwrap_or_default(),
                interrupted: item["interrupted"].as_bool().unwrap_or_default(),
            }
        })
        .collect()
}

/// The transcript of a client's record.
fn of_client(record: &serde_json::Value) -> Vec<Item> {
    let items = record.get("transcript").and_then(|v| v.as_array());
    items
        .into_iter()
        .flatten()
        .map(|item| Item {
            id: item["id"].as_str().unwrap_or_default().to_owned(),
            role: if item["role"] == "candidate" { "user" } else { "assistant" }.to_owned(),
            text: item["text"].as_str().unwrap_or_default().to_owned(),
            created_at: seconds(&item["at"]),
            interrupted: false,
        })
        .collect()
}

fn seconds(at: &serde_json::Value) -> f64 {
    let at = at.as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
    at.map_or(0.0, |at| at.timestamp_millis() as f64 / 1000.0)
}
