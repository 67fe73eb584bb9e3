//! Creating interviews.

use adjourn_outbox::{JoinLink, Secret, sha256};
use adjourn_session::Policy;
use anyhow::Context as _;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use url::Url;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Refusal;

/// Letters of a code: no vowels, no look-alikes.
const LETTERS: &[u8; 28] = b"BCDFGHJKLMNPQRSTVWXZ23456789";

/// What an organiser asks for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewInterview {
    /// Title to show.
    pub title: String,
    /// The candidate's name.
    #[serde(default)]
    pub candidate_name: Option<String>,
    /// Language tag.
    #[serde(default = "english")]
    pub language: String,
    /// Maximum length in minutes, 1 to 480.
    pub max_minutes: i64,
    /// From when it may be joined; now if not given.
    #[serde(default)]
    pub from: Option<DateTime<Utc>>,
    /// Until when; a week from now if not given.
    #[serde(default)]
    pub to: Option<DateTime<Utc>>,
    /// Name under which the interviewer's worker is registered.
    #[serde(default)]
    pub agent_name: Option<String>,
    /// Constants that differ from the defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub policy: Policy,
}

fn english() -> String {
    "en".to_owned()
}

/// What an organiser gets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// Random id; also the room's name.
    pub id: String,
    /// Name of the room.
    pub room: String,
    /// The link for the candidate.
    pub link: String,
    /// Its code.
    pub code: Secret,
}

/// Makes an interview.
///
/// # Errors
/// A value is out of range, or the database failed.
pub async fn create(pool: &SqlitePool, public_url: &Url, new: &NewInterview) -> anyhow::Result<Created> {
    anyhow::ensure!((1..=480).contains(&new.max_minutes), "max_minutes must be 1 to 480");
    anyhow::ensure!(!new.title.trim().is_empty(), "title must not be empty");
    new.policy.check().context("policy")?;
    let now = Utc::now();
    let (from, to) = (new.from.unwrap_or(now), new.to.unwrap_or(now + Duration::days(7)));
    anyhow::ensure!(from < to, "the window's end must be after its beginning");
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let id = hex::encode(&random[..16]);
    let letters: Vec<char> =
        random[16..].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    let code: String = letters[..4].iter().chain(&['-']).chain(&letters[4..]).collect();
    let link = JoinLink::new(public_url.as_str(), &code)?;
    sqlx::query(
        "INSERT INTO interviews (id, title, candidate_name, language, max_minutes, window_from, window_to, agent_name,
         policy, code_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id)
    .bind(&new.title)
    .bind(&new.candidate_name)
    .bind(&new.language)
    .bind(new.max_minutes)
    .bind(from.to_rfc3339())
    .bind(to.to_rfc3339())
    .bind(&new.agent_name)
    .bind(serde_json::to_string(&new.policy)?)
    .bind(sha256(code.as_bytes()))
    .bind(now.to_rfc3339())
    .execute(pool)
    .await?;
    Ok(Created { room: id.clone(), id, link: link.to_text(), code: Secret::new(code) })
}

/// `POST /v1/interviews`
#[utoipa::path(post, path = "/v1/interviews", request_body = NewInterview,
    responses((status = 200, body = Created), (status = 400), (status = 401)), security(("organiser" = [])))]
pub(crate) async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    Json(new): Json<NewInterview>,
) -> Result<Json<Created>, Refusal> {
    app.organiser(&headers)?;
    create(&app.pool, &app.public_url, &new)
        .await
        .map(Json)
        .map_err(|error| Refusal::bad_request("bad_interview", format!("{error:#}")))
}

/// `POST /v1/interviews/{id}/end`
#[utoipa::path(post, path = "/v1/interviews/{id}/end", params(("id" = String, Path)),
    responses((status = 204), (status = 401), (status = 404)), security(("organiser" = [])))]
pub(crate) async fn end(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    app.organiser(&headers)?;
    let now = Utc::now();
    let changed = sqlx::query(
        "UPDATE interviews SET ended_at = ?, ended_by = 'organiser' WHERE id = ? AND ended_by IS NULL",
    )
    .bind(now.to_rfc3339())
    .bind(&id)
    .execute(&app.pool)
    .await?
    .rows_affected();
    let exists =
        sqlx::query("SELECT 1 FROM interviews WHERE id = ?").bind(&id).fetch_optional(&app.pool).await?;
    if exists.is_none() {
        return Err(Refusal::not_found());
    }
    if changed == 1 {
        if let Err(error) = app.livekit.mark_ended(&id, "organiser", now).await {
            tracing::info!(%error, "the room's metadata could not be set");
        }
        app.close_room(&id);
    }
    Ok(StatusCode::NO_CONTENT)
}
