//! The operator's pages: plain, rendered here, no script. Which interviews there are, where they stand, what is
//! missing, what was said and by whose word.

use adjourn_protocol::{Outcome, Source, TranscriptSource};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::audit::{self, Actor, Deed};
use crate::hooks::{self, Hook};
use crate::http::caller::Caller;
use crate::interview_status;
use crate::lifecycle::Lifecycle;
use crate::lifecycle_store;
use crate::recorded::{self, ChatRole};
use crate::state::App;
use crate::store::{known_time, time};
use crate::transcript::transcript;

/// Interviews on one page.
const PAGE: i64 = 100;
/// Turns on one page: an hour has some hundred.
const SHOWN: usize = 2_000;

const STYLE: &str = "
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } code { font-size: .9em; } nav a { margin-right: 1rem; }
.missing { color: #b3261e; font-weight: 600; } .quiet { opacity: .7; }
@media (prefers-color-scheme: dark) { .missing { color: #ff8a80; } }
.lines { white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; } dt { opacity: .7; } dd { margin: 0; }
";

/// Which interviews.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    show: String,
    /// Only older ones: milliseconds since 1970.
    #[serde(default)]
    before: Option<i64>,
}

/// A browser asks for the key by itself when it is told so.
async fn signed_in(app: &App, caller: &Caller) -> Result<Actor, Response> {
    app.operator(caller).await.map_err(|refusal| {
        let mut response = refusal.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            let ask = HeaderValue::from_static(
                "Basic realm=\"Adjourn: any name, an organiser's key\", charset=\"UTF-8\"",
            );
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        response
    })
}

fn page(title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) " · Adjourn" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")];
    (headers, Html(page.into_string())).into_response()
}

fn arrival(text: &str) -> Markup {
    html! { @if text == "missing" { span.missing { "missing" } } @else { (text) } }
}

fn at(time: Option<DateTime<Utc>>) -> Markup {
    html! { @if let Some(time) = time { (time.format("%Y-%m-%d %H:%M:%S")) } @else { span.quiet { "–" } } }
}

/// `GET /operator`
#[utoipa::path(get, path = "/operator", operation_id = "operator_list", params(("show" = Option<String>, Query), ("before" = Option<i64>, Query)),
    responses((status = 200, description = "a page", body = String, content_type = "text/html")),
    security(("operator" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    caller: Caller,
) -> Result<Response, Response> {
    let actor = signed_in(&app, &caller).await?;
    let noted = audit::note(&app.store, &actor, Deed::SawList, "").await;
    noted.map_err(|error| ApiError::from(error).into_response())?;
    // What can't be read asks for nothing: the whole list.
    let wanted = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    let body = listed(&app, &wanted).await.map_err(IntoResponse::into_response)?;
    Ok(page("Interviews", &body))
}

async fn listed(app: &App, wanted: &Wanted) -> Result<Markup, ApiError> {
    let query = match wanted.show.as_str() {
        "live" => {
            "SELECT * FROM interviews WHERE created_at < $1 AND started_at IS NOT NULL AND ended_at IS NULL ORDER BY created_at DESC LIMIT $2"
        }
        "missing" => {
            "SELECT * FROM interviews WHERE created_at < $1 AND (agent_report = 'missing' OR client_record = 'missing') ORDER BY created_at DESC LIMIT $2"
        }
        _ => "SELECT * FROM interviews WHERE created_at < $1 ORDER BY created_at DESC LIMIT $2",
    };
    let rows = sqlx::query(query)
        .bind(wanted.before.unwrap_or(i64::MAX))
        .bind(PAGE)
        .fetch_all(app.store.read())
        .await?;
    let mut lines = Vec::new();
    let mut oldest = None;
    for row in &rows {
        let (id, title): (String, String) = (row.try_get("id")?, row.try_get("title")?);
        let candidate: Option<String> = row.try_get("candidate_name")?;
        oldest = Some(row.try_get::<i64, _>("created_at")?);
        lines.push((id, title, candidate, known_time(row, "created_at")?, lifecycle_store::read(row)?));
    }
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == PAGE;
    let hooks = hooks::list(&app.store).await?;
    Ok(html! {
        h1 { "Interviews" }
        nav {
            @for (show, name) in [("", "All"), ("live", "Live"), ("missing", "Something is missing")] {
                a href={ "/operator?show=" (show) } aria-current=[(wanted.show == show).then_some("page")] { (name) }
            }
        }
        @if lines.is_empty() { p { "There are none." } } @else {
            table {
                thead { tr {
                    th scope="col" { "Interview" } th scope="col" { "Candidate" } th scope="col" { "State" }
                    th scope="col" { "Outcome" } th scope="col" { "Agent's report" } th scope="col" { "Client's record" }
                    th scope="col" { "Created (UTC)" }
                } }
                tbody { @for (id, title, candidate, created, lifecycle) in &lines { tr {
                    td { a href={ "/operator/interviews/" (id) } { (title) } }
                    td { (candidate.as_deref().unwrap_or("–")) }
                    td { (state(lifecycle)) }
                    td { (outcome(lifecycle)) }
                    td { (arrival(lifecycle.agent.as_str())) }
                    td { (arrival(lifecycle.client.as_str())) }
                    td { (at(Some(*created))) }
                } } }
            }
        }
        @if let (true, Some(oldest)) = (full, oldest) {
            p { a href={ "/operator?show=" (wanted.show) "&before=" (oldest) } { "Older ones" } }
        }
        @if !hooks.is_empty() { (webhooks(&hooks)) }
    })
}

/// Where events are sent, and whether they arrive.
fn webhooks(hooks: &[Hook]) -> Markup {
    html! {
        h2 { "Webhooks" }
        table {
            thead { tr {
                th scope="col" { "Address" } th scope="col" { "How it does" } th scope="col" { "Waiting" }
                th scope="col" { "Given up" } th scope="col" { "Delivered (UTC)" }
            } }
            tbody { @for hook in hooks { tr {
                td { bdi { (hook.url) } br; code.quiet { (hook.id) } }
                td {
                    @if let Some(stopped) = hook.stopped_at { span.missing { "stopped" } " since " (at(Some(stopped))) }
                    @else if let Some(since) = hook.failing_since { span.missing { "nothing arrives" } " since " (at(Some(since))) }
                    @else { "well" }
                    @if let Some(why) = &hook.last_error { br; bdi { (why) } }
                }
                td { (hook.waiting) }
                td { @if hook.given_up > 0 { span.missing { (hook.given_up) } } @else { "0" } }
                td { (at(hook.delivered_at)) }
            } } }
        }
    }
}

fn state(lifecycle: &Lifecycle) -> String {
    format!("{:?}", lifecycle.state()).to_lowercase()
}

fn in_words(outcome: Option<Outcome>) -> String {
    outcome.map_or_else(|| "–".to_owned(), |outcome| outcome.to_string())
}

fn outcome(lifecycle: &Lifecycle) -> String {
    let outcome = in_words(lifecycle.outcome);
    let word = match (lifecycle.outcome.is_some(), lifecycle.confirmed) {
        (false, _) => "",
        (true, true) => " (confirmed by the agent)",
        (true, false) => " (the client's word)",
    };
    format!("{outcome}{word}")
}

/// `GET /operator/interviews/{id}`
#[utoipa::path(get, path = "/operator/interviews/{id}", operation_id = "operator_interview", params(("id" = String, Path)),
    responses((status = 200, description = "a page", body = String, content_type = "text/html")),
    security(("operator" = [])))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Response, Response> {
    let actor = signed_in(&app, &caller).await?;
    let noted = audit::note_of(&app.store, &actor, Deed::SawInterview, &id).await;
    noted.map_err(IntoResponse::into_response)?;
    let (title, body) = shown(&app, &id).await.map_err(IntoResponse::into_response)?;
    Ok(page(&title, &body))
}

async fn shown(app: &App, id: &str) -> Result<(String, Markup), ApiError> {
    let row = lifecycle_store::row(&app.store, id).await?;
    let title: String = row.try_get("title")?;
    let candidate: Option<String> = row.try_get("candidate_name")?;
    let lifecycle = lifecycle_store::read(&row)?;
    let history = interview_status::history(&app.store, id, 0).await?;
    let rows = sqlx::query("SELECT * FROM records WHERE interview_id = $1 ORDER BY received_at")
        .bind(id)
        .fetch_all(app.store.read())
        .await?;
    let (mut records, mut needs) = (Vec::new(), Vec::new());
    for row in &rows {
        let (attempt, source): (i64, String) = (row.try_get("attempt")?, row.try_get("source")?);
        if source == Source::Client.to_string() {
            let need = recorded::need(&row.try_get::<String, _>("body")?);
            needs.extend(need.said().map(|need| (attempt, need)));
        }
        let (receipt, sha256): (String, String) = (row.try_get("receipt_id")?, row.try_get("sha256")?);
        records.push((attempt, source, receipt, sha256, time(row, "received_at")?));
    }
    let transcript = transcript(&app.store, id).await?;
    let body = html! {
        nav { a href="/operator" { "All interviews" } }
        h1 { (title) }
        dl {
            dt { "Candidate" } dd { (candidate.as_deref().unwrap_or("–")) }
            @for (attempt, need) in &needs {
                dt { "The candidate says that they need (attempt " (attempt) ", by their own client)" } dd.lines { bdi { (need) } }
            }
            dt { "State" } dd { (state(&lifecycle)) ", attempt " (lifecycle.attempt) }
            dt { "Outcome" } dd { (outcome(&lifecycle)) }
            dt { "The candidate's client says" } dd { (in_words(lifecycle.client_outcome)) }
            dt { "Agent's report" } dd { (arrival(lifecycle.agent.as_str())) }
            dt { "Client's record" } dd { (arrival(lifecycle.client.as_str())) }
            dt { "Began" } dd { (at(lifecycle.started_at)) }
            dt { "Ended" } dd { (at(lifecycle.ended_at)) @if let Some(by) = &lifecycle.ended_by { ", told by: " (by) } }
            dt { "Id and room" } dd { code { (id) } }
        }
        h2 { "History" }
        table { tbody { @for entry in &history {
            tr { td { (at(Some(entry.at))) } td { (entry.what) } td { (entry.source) } }
        } } }
        h2 { "Records and receipts" }
        @if records.is_empty() { p { "None." } } @else { table {
            thead { tr { th scope="col" { "Attempt" } th scope="col" { "From" } th scope="col" { "Receipt" } th scope="col" { "SHA-256" } th scope="col" { "Received (UTC)" } } }
            tbody { @for (attempt, source, receipt, sha256, received) in &records { tr {
                td { (attempt) } td { (source) } td { code { (receipt) } } td { code title=(sha256) { (&sha256[..sha256.len().min(16)]) "…" } } td { (at(*received)) }
            } } }
        } }
        h2 { "What was said" }
        p.quiet { (whose(transcript.source)) }
        @for gap in &transcript.gaps { p.missing { (gap) } }
        @if transcript.items.len() > SHOWN { p.quiet { "The first " (SHOWN) " of " (transcript.items.len()) " turns; the API has them all." } }
        table { tbody { @for item in transcript.items.iter().take(SHOWN) {
            tr { td { (match item.role { ChatRole::User => "Candidate", ChatRole::Assistant => "Interviewer" }) } td { (item.text) } }
        } } }
    };
    Ok((title, body))
}

fn whose(source: TranscriptSource) -> &'static str {
    match source {
        TranscriptSource::Agent => "From the agent's report.",
        TranscriptSource::AgentInPart => "From the agent's reports, as far as they are here.",
        TranscriptSource::AgentWhileItLived => {
            "As the agent reported it while it lived; its report is not here."
        }
        TranscriptSource::Client => "The candidate's client's word: no report of the agent is here.",
        TranscriptSource::None => "Nothing is here yet.",
    }
}
