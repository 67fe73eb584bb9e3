//! `POST /v1/join`

use std::net::SocketAddr;
use std::time::Instant;

use adjourn_outbox::wire::{InterviewInfo, JoinAnswer, JoinRequest, LiveKitInfo};
use adjourn_outbox::{Secret, sha256};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::app::App;
use crate::problem::Refusal;

fn time(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).map_or(DateTime::UNIX_EPOCH, |at| at.with_timezone(&Utc))
}

/// Grants a join, or the same join again.
#[utoipa::path(post, path = "/v1/join", request_body = JoinRequest, responses(
    (status = 200, body = JoinAnswer), (status = 404, description = "unknown_code"),
    (status = 409, description = "code_used"), (status = 410, description = "not_open"),
    (status = 429, description = "too_many"), (status = 503, description = "livekit_unavailable")))]
pub(crate) async fn post(
    State(app): State<App>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Json(request): Json<JoinRequest>,
) -> Result<Json<JoinAnswer>, Refusal> {
    let now = Utc::now();
    let code_hash = sha256(request.code.expose().trim().to_ascii_uppercase().as_bytes());
    let (by_address, by_code) = (address.ip().to_string(), format!("code {code_hash}"));
    let instant = Instant::now();
    if app.failures.blocked(&by_address, instant) || app.failures.blocked(&by_code, instant) {
        return Err(
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many wrong codes.").retry_after(60)
        );
    }
    let fail = |refusal| {
        app.failures.note(&by_address, instant);
        app.failures.note(&by_code, instant);
        refusal
    };
    if request.join_id.expose().len() != 32
        || !request.join_id.expose().bytes().all(|b| b.is_ascii_hexdigit())
    {
        return Err(Refusal::bad_request("bad_join_id", "join_id must be 32 hex digits."));
    }
    let Some(row) = sqlx::query("SELECT * FROM interviews WHERE code_hash = ?")
        .bind(&code_hash)
        .fetch_optional(&app.pool)
        .await?
    else {
        return Err(fail(Refusal::new(StatusCode::NOT_FOUND, "unknown_code", "This code is not known.")));
    };
    let id: String = row.try_get("id")?;
    let max_minutes: i64 = row.try_get("max_minutes")?;
    let (from, to): (String, String) = (row.try_get("window_from")?, row.try_get("window_to")?);
    let ended_at: Option<String> = row.try_get("ended_at")?;
    let join_hash = sha256(request.join_id.expose().as_bytes());

    let mut transaction = app.pool.begin_with("BEGIN IMMEDIATE").await?;
    let newest = sqlx::query(
        "SELECT attempts.*, records.outcome FROM attempts LEFT JOIN records
           ON records.interview_id = attempts.interview_id AND records.attempt = attempts.attempt AND source = 'client'
         WHERE attempts.interview_id = ? ORDER BY attempts.attempt DESC LIMIT 1",
    )
    .bind(&id)
    .fetch_optional(&mut *transaction)
    .await?;
    let known = sqlx::query("SELECT * FROM attempts WHERE interview_id = ? AND join_hash = ?")
        .bind(&id)
        .bind(&join_hash)
        .fetch_optional(&mut *transaction)
        .await?;
    let (attempt, ends_at) = if let Some(known) = known {
        let ends_at: String = known.try_get("ends_at")?;
        (known.try_get("attempt")?, time(&ends_at))
    } else {
        if now < time(&from) || now > time(&to) || ended_at.is_some() {
            return Err(Refusal::new(StatusCode::GONE, "not_open", "This interview is not open now."));
        }
        let attempt: i64 = match newest {
            None => 1,
            Some(newest) => {
                let outcome: Option<String> = newest.try_get("outcome")?;
                if outcome.as_deref() != Some("never started") {
                    return Err(fail(Refusal::new(
                        StatusCode::CONFLICT,
                        "code_used",
                        "This code was used already.",
                    )));
                }
                newest.try_get::<i64, _>("attempt")? + 1
            }
        };
        let ends_at = now + Duration::minutes(max_minutes);
        sqlx::query("INSERT INTO attempts (interview_id, attempt, join_hash, joined_at, ends_at) VALUES (?, ?, ?, ?, ?)")
            .bind(&id)
            .bind(attempt)
            .bind(&join_hash)
            .bind(now.to_rfc3339())
            .bind(ends_at.to_rfc3339())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE interviews SET started_at = COALESCE(started_at, ?) WHERE id = ?")
            .bind(now.to_rfc3339())
            .bind(&id)
            .execute(&mut *transaction)
            .await?;
        (attempt, ends_at)
    };
    let delivered =
        sqlx::query("SELECT 1 FROM records WHERE interview_id = ? AND attempt = ? AND source = 'client'")
            .bind(&id)
            .bind(attempt)
            .fetch_optional(&mut *transaction)
            .await?
            .is_some();
    transaction.commit().await?;

    let agent_name: Option<String> = row.try_get("agent_name")?;
    let candidate_name: Option<String> = row.try_get("candidate_name")?;
    let livekit = if ended_at.is_some() || delivered || now > ends_at {
        None // only uploads are left
    } else {
        let report_token = app.tokens.make(&id, attempt, "agent", now)?;
        let metadata = serde_json::json!({
            "interview_id": id, "report_url": app.public_url.as_str(), "report_token": report_token,
        })
        .to_string();
        let unavailable = |error: crate::livekit::LiveKitError| {
            tracing::error!(%error, "a room could not be made");
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "livekit_unavailable",
                "The interview room can't be opened right now.",
            )
            .retry_after(2)
        };
        app.livekit.create_room(&id, agent_name.as_deref(), &metadata).await.map_err(unavailable)?;
        let token = app
            .livekit
            .candidate_token(&id, &format!("candidate-{attempt}"), candidate_name.as_deref(), now)
            .map_err(unavailable)?;
        Some(LiveKitInfo { url: app.livekit.url.to_string(), token, room: id.clone(), agent_name })
    };
    let policy: String = row.try_get("policy")?;
    Ok(Json(JoinAnswer {
        now,
        client_token: Secret::new(app.tokens.make(&id, attempt, "client", now)?),
        interview: InterviewInfo {
            id,
            attempt,
            title: row.try_get("title")?,
            candidate_name,
            language: row.try_get("language")?,
            max_minutes,
            ends_at,
        },
        livekit,
        policy: serde_json::from_str(&policy).unwrap_or_default(),
        receipt_keys: app.key.jwks(),
    }))
}
