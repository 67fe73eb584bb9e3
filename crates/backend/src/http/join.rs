//! `POST /v1/join`

use adjourn_protocol::{InterviewInfo, JoinAnswer, JoinRequest, LiveKitInfo, ProblemCode, policy_of, sha256};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::api_error::ApiError;
use crate::http::caller::Caller;
use crate::http::coded::{self, no_room, not_open};
use crate::http::object::Object;
use crate::keys::OfAttempt;
use crate::lifecycle::Lifecycle;
use crate::state::App;
use crate::store::{Tx, known_time, millis, now};
use crate::tokens::Holder;
use crate::{interviewers, keys, lifecycle_store, replacements};

/// Grants a join, or the same join again.
#[utoipa::path(post, path = "/v1/join", operation_id = "join", request_body = JoinRequest, responses(
    (status = 200, body = JoinAnswer), (status = 400, description = "bad_json, bad_join_id"),
    (status = 404, description = "unknown_code"), (status = 409, description = "code_used"),
    (status = 410, description = "not_open, erased"),
    (status = 429, description = "too_many"),
    (status = 503, description = "livekit_unavailable, database, busy")))]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    request: Result<Object<JoinRequest>, ApiError>,
) -> Result<Json<JoinAnswer>, ApiError> {
    let Object(request) = request?;
    let now = now();
    let join_id = request.join_id.expose();
    if join_id.len() != 32 || !join_id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ApiError::bad_request(ProblemCode::BadJoinId, "join_id must be 32 hex digits."));
    }
    let interview = coded::interview(&app, &caller, &request.code, now).await?;
    let uploads_only = request.uploads_only;
    let granted = grant(&app, &interview, &sha256(join_id.as_bytes()), uploads_only, now).await?;
    tracing::info!(attempt = granted.attempt, uploads_only, "a client joined");
    answer(&app, &interview, granted, uploads_only, now).await.map(Json)
}

/// The candidate's name in the room, in every attempt: who goes on at another computer takes the place of the first.
const IDENTITY: &str = "candidate";

/// A join waits so long for a room that is being closed; clients wait 8 s.
const LONGEST_CLOSING: std::time::Duration = std::time::Duration::from_secs(6);
/// And looks so often.
const CLOSED_YET: std::time::Duration = std::time::Duration::from_millis(100);

/// What a `join_id` has.
struct Granted {
    attempt: i64,
    /// It was granted for a conversation, not only for a record that waits.
    may_enter: bool,
    ends_at: DateTime<Utc>,
    lifecycle: Lifecycle,
    delivered: bool,
    /// So many interviewers may still be replaced.
    replacements: u8,
}

async fn grant(
    app: &App,
    interview: &AnyRow,
    join_hash: &str,
    uploads_only: bool,
    now: DateTime<Utc>,
) -> Result<Granted, ApiError> {
    let id: String = interview.try_get("id")?;
    tracing::Span::current().record("interview_id", tracing::field::display(&id));
    let newest_key = app.keys.newest().await.map_err(|error| {
        tracing::error!(%error, "there is no signing key");
        ApiError::unavailable()
    })?;
    let (mut tx, mut lifecycle) = once_no_room_is_closing(app, &id, uploads_only).await?;
    let known = sqlx::query("SELECT * FROM attempts WHERE interview_id = $1 AND join_hash = $2")
        .bind(&id)
        .bind(join_hash)
        .fetch_optional(&mut *tx)
        .await?;
    let (from, to) = (known_time(interview, "window_from")?, known_time(interview, "window_to")?);
    let open = (from..=to).contains(&now);
    let begins: i64 = interview.try_get("begins")?;
    let (attempt, joined_at, ends_at, kid) = match known {
        Some(known) => {
            let attempt = known.try_get("attempt")?;
            let before = lifecycle.clone();
            if open && !uploads_only {
                lifecycle.joined_again(attempt, now);
            }
            if lifecycle != before {
                lifecycle_store::save(&mut tx, &id, &lifecycle, now).await?;
            }
            let kid = kept_or_newest(&mut tx, &id, attempt, known.try_get("kid")?, &newest_key.kid).await?;
            (attempt, known_time(&known, "joined_at")?, known_time(&known, "ends_at")?, kid)
        }
        None => {
            // Another computer goes on in an interview that lives, however late it is.
            let goes_on = lifecycle.attempt > 0 && begins == lifecycle.attempt + 1;
            // A record that was delivered before the database was lost: late or not, nobody else was here.
            let lost = uploads_only && lifecycle.attempt == 0 && now >= from;
            // What was before it must be over: its room is closed under the name that this attempt would have.
            if lifecycle.is_closing(now) {
                return Err(ApiError::unavailable());
            }
            if lifecycle.ended_at.is_some() || !open && !goes_on && !lost {
                return Err(not_open());
            }
            if lifecycle.attempt > 0 && !goes_on && !lifecycle.may_begin_again() {
                let title = "This code was used already.";
                return Err(ApiError::new(StatusCode::CONFLICT, ProblemCode::CodeUsed, title));
            }
            let max_minutes: i64 = interview.try_get("max_minutes")?;
            let running = lifecycle.ends_at.filter(|_| goes_on && lifecycle.agent_seen_at.is_some());
            let ends_at = running.unwrap_or(now + Duration::minutes(max_minutes));
            let attempt = lifecycle.joined(ends_at, now);
            add_attempt(&mut tx, &id, attempt, join_hash, &newest_key.kid, (now, ends_at)).await?;
            lifecycle_store::save(&mut tx, &id, &lifecycle, now).await?;
            (attempt, now, ends_at, newest_key.kid.clone())
        }
    };
    // Within the window, or at another computer while the interview lives; an attempt that began outside of it was granted for
    // a record.
    let may_enter = (from..=to).contains(&joined_at) || attempt > 1 && begins == attempt;
    // Of the newest attempt it is known better: its time begins with the interviewer.
    let ends_at = lifecycle.ends_at.filter(|_| attempt == lifecycle.attempt).unwrap_or(ends_at);
    let delivered =
        sqlx::query("SELECT 1 FROM records WHERE interview_id = $1 AND attempt = $2 AND source = 'client'")
            .bind(&id)
            .bind(attempt)
            .fetch_optional(&mut *tx)
            .await?
            .is_some();
    let used = replacements::used(&mut tx, &id).await?;
    let replacements = replacements::left(interview.try_get("replacements")?, used);
    keys::given(&mut tx, &kid, now).await?;
    tx.commit().await?;
    Ok(Granted { attempt, may_enter, ends_at, lifecycle, delivered, replacements })
}

/// The key of an attempt; the newest one from now on, if that one signs nothing any more.
async fn kept_or_newest(
    tx: &mut Tx,
    id: &str,
    attempt: i64,
    kid: String,
    newest: &str,
) -> Result<String, sqlx::Error> {
    if keys::signs(tx, &kid).await? {
        return Ok(kid);
    }
    sqlx::query("UPDATE attempts SET kid = $1 WHERE interview_id = $2 AND attempt = $3")
        .bind(newest)
        .bind(id)
        .bind(attempt)
        .execute(&mut **tx)
        .await?;
    Ok(newest.to_owned())
}

/// The interview's row, locked. While its room is being closed, another one of that name would go with it; a request that makes no
/// room waits for nothing.
async fn once_no_room_is_closing(
    app: &App,
    id: &str,
    uploads_only: bool,
) -> Result<(Tx, Lifecycle), ApiError> {
    let until = tokio::time::Instant::now() + LONGEST_CLOSING;
    loop {
        let mut tx = app.store.write().await?;
        let Some(lifecycle) = lifecycle_store::lock(&mut tx, id).await? else {
            return Err(lifecycle_store::gone(&mut *tx, id).await?);
        };
        if uploads_only || lifecycle.ended_at.is_some() || !lifecycle.is_closing(now()) {
            return Ok((tx, lifecycle));
        }
        tx.rollback().await?;
        if tokio::time::Instant::now() >= until {
            return Err(ApiError::unavailable());
        }
        tokio::time::sleep(CLOSED_YET).await;
    }
}

async fn add_attempt(
    tx: &mut Tx,
    id: &str,
    attempt: i64,
    join_hash: &str,
    kid: &str,
    (joined_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO attempts (interview_id, attempt, join_hash, joined_at, ends_at, kid) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(attempt)
    .bind(join_hash)
    .bind(millis(joined_at))
    .bind(millis(ends_at))
    .bind(kid)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn answer(
    app: &App,
    interview: &AnyRow,
    granted: Granted,
    uploads_only: bool,
    now: DateTime<Utc>,
) -> Result<JoinAnswer, ApiError> {
    let Granted { attempt, may_enter, ends_at, lifecycle, delivered, replacements } = granted;
    let id: String = interview.try_get("id")?;
    let (agent_name, candidate_name): (Option<String>, Option<String>) =
        (interview.try_get("agent_name")?, interview.try_get("candidate_name")?);
    let no_room = uploads_only
        || !may_enter
        || lifecycle.ended_at.is_some()
        || delivered
        || now > ends_at
        || lifecycle.attempt != attempt;
    let livekit = if no_room {
        None
    } else {
        let names = (agent_name, candidate_name.as_deref());
        Some(room(app, &id, attempt, names, (now, ends_at)).await?)
    };
    let policy: String = interview.try_get("policy")?;
    let policy = policy_of(&policy).map_err(|error| {
        tracing::error!(%error, "a stored policy can't be read");
        ApiError::unavailable()
    })?;
    let key = app.keys.of_attempt(&id, attempt).await.map_err(|error| {
        tracing::error!(%error, "a signing key can't be used");
        ApiError::unavailable()
    })?;
    // Revoked in this very moment: joining again gives another one.
    let OfAttempt::Signs(key) = key else { return Err(ApiError::unavailable()) };
    Ok(JoinAnswer {
        now,
        interview: InterviewInfo {
            id: id.clone(),
            attempt,
            title: interview.try_get("title")?,
            candidate_name,
            language: interview.try_get("language")?,
            max_minutes: interview.try_get("max_minutes")?,
            ends_at,
            replacements,
            contact: interview.try_get("contact")?,
        },
        livekit,
        client_token: app.tokens.make(&id, attempt, Holder::Client, now).await?,
        policy,
        receipt_keys: key.jwks(),
        keep_days: app.keep_days,
    })
}

/// Makes the room, or finds it, with a token for the candidate.
async fn room(
    app: &App,
    id: &str,
    attempt: i64,
    (agent_name, candidate_name): (Option<String>, Option<&str>),
    (now, ends_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<LiveKitInfo, ApiError> {
    let metadata = interviewers::dispatched_with(app, id, attempt, None, now).await?;
    let sid = app
        .livekit
        .create_room(id, agent_name.as_deref(), &metadata)
        .await
        .map_err(|error| no_room(&error))?;
    let there = lifecycle_store::change(&app.store, id, now, |lifecycle| {
        if lifecycle.attempt == attempt {
            lifecycle.room(&sid);
        }
    });
    if there.await?.is_none() {
        // Erased while the room was made: nobody would close it.
        if let Err(error) = app.livekit.delete_room(id).await {
            tracing::warn!(%error, "the room of an interview that was just erased closes once it is empty");
        }
        return Err(lifecycle_store::gone(app.store.read(), id).await?);
    }
    let token = app
        .livekit
        .candidate_token(id, IDENTITY, candidate_name, (now, ends_at))
        .map_err(|error| no_room(&error))?;
    Ok(LiveKitInfo { url: app.livekit.url.to_string(), token, room: id.to_owned(), agent_name })
}
