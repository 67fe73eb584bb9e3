//! What can be asked, and by which path. Each path is in the OpenAPI document too.

use adjourn_protocol::ProblemCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts as _, MatchedPath, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument as _;
use tracing::field::{Empty, display};

use crate::api_error::ApiError;
use crate::http::{
    check, events, health, hooks, interviews, items, join, list, monitor, openapi, operator, records,
    replacement, report, roster, seats, status, transcript, webhooks,
};
use crate::state::App;

/// A request that takes longer is given up: the largest record over a slow line needs less.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// Longest body but a record's: an item of 64 KiB, and a little.
const LARGEST_BODY: usize = (64 << 10) + 1024;

/// Streams of events, whose answers may take as long as they like: of an interview, and of a test center's seats.
const EVENTS: &str = "/v1/interviews/{id}/events";
const SEATS: &str = "/v1/centers/{center}/watch";

/// A center's roster: some hundred bytes for each whom it expects.
const ROSTER: &str = "/v1/centers/{center}/roster";

/// Where records are: their bodies are large, and take as long as they come.
const RECORDS: &str = "/v1/interviews/{id}/attempts/{attempt}/records/{source}";

/// Every path but [`EVENTS`], [`SEATS`], [`ROSTER`] and [`RECORDS`].
fn limited(metrics: Option<PrometheusHandle>) -> Vec<(&'static str, MethodRouter<App>)> {
    let figures = health::Figures::new(metrics);
    vec![
        ("/v1/interviews", post(interviews::post).get(list::get)),
        ("/v1/interviews/{id}", get(status::get).delete(interviews::erase)),
        ("/v1/interviews/{id}/tombstone", get(interviews::tombstone)),
        ("/v1/interviews/{id}/code", post(interviews::code)),
        ("/v1/interviews/{id}/end", post(interviews::end)),
        ("/v1/interviews/{id}/transcript", get(transcript::get)),
        ("/v1/interviews/{id}/report", get(report::get)),
        ("/v1/join", post(join::post)),
        ("/v1/check", post(check::post)),
        ("/v1/interviews/{id}/attempts/{attempt}/records/{source}/items", post(items::post)),
        ("/v1/interviews/{id}/attempts/{attempt}/records/{source}/died", post(replacement::died)),
        ("/v1/interviews/{id}/attempts/{attempt}/replacement", post(replacement::post)),
        ("/v1/interviews/{id}/attempts/{attempt}/history", get(replacement::history)),
        ("/v1/interviews/{id}/attempts/{attempt}/records/{source}/receipt", get(records::receipt)),
        ("/v1/livekit/webhook", post(webhooks::post)),
        ("/v1/events", get(events::get)),
        ("/v1/hooks", post(hooks::add).get(hooks::list)),
        ("/v1/hooks/{hook}", delete(hooks::remove)),
        ("/v1/hooks/{hook}/test", post(hooks::test)),
        ("/v1/hooks/{hook}/secret", post(hooks::rotate)),
        ("/v1/hooks/{hook}/replay", post(hooks::replay)),
        ("/v1/centers/{center}/seats", get(seats::list)),
        ("/v1/centers/{center}/seats/{seat}", put(seats::tell)),
        ("/v1/centers/{center}/seats/{seat}/orders", post(seats::order)),
        ("/v1/centers/{center}/seats/{seat}/assignment", post(roster::assignment)),
        ("/center", get(monitor::page)),
        ("/center.js", get(monitor::script)),
        ("/operator", get(operator::list)),
        ("/operator/interviews/{id}", get(operator::one)),
        ("/.well-known/jwks.json", get(health::jwks)),
        ("/openapi.json", get(openapi::get)),
        ("/metrics", get(move || health::metrics(figures))),
        ("/healthz", get(health::healthy)),
        ("/readyz", get(health::ready)),
    ]
}

/// The routes of a server.
pub fn router(app: App, metrics: Option<PrometheusHandle>) -> Router {
    let limited = limited(metrics)
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_LIMIT));
    limited
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .route(ROSTER, put(roster::put).get(roster::get))
        // A stream of events lasts as long as somebody watches.
        .route(EVENTS, get(status::events))
        .route(SEATS, get(seats::watch))
        // A record as long as it comes.
        .route(RECORDS, put(records::put).get(records::get))
        .fallback(|| {
            std::future::ready(ApiError::new(
                StatusCode::NOT_FOUND,
                ProblemCode::NoSuchPage,
                "There is nothing here.",
            ))
        })
        .method_not_allowed_fallback(|| {
            std::future::ready(ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ProblemCode::NoSuchMethod,
                "This can't be done here.",
            ))
        })
        // Who asks gets an answer, whatever happened; what happened is in the log.
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            metrics::counter!("adjourn_requests_panicked").increment(1);
            ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                ProblemCode::Internal,
                "The server failed; try again.",
            )
            .into_response()
        }))
        .layer(from_fn(measured))
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

/// What is logged while a request is answered says which interview it is about. A join and a webhook find that out as they are read.
async fn span(parts: &mut Parts) -> tracing::Span {
    let span = tracing::info_span!("request", interview_id = Empty, attempt = Empty, source = Empty);
    // A path that nobody serves has no parameters.
    let Ok(parameters) = RawPathParams::from_request_parts(parts, &()).await else { return span };
    for (name, value) in &parameters {
        // Anybody may ask for anything: what is no id of ours could write lines of its own into the log.
        if !is_id(value) {
            continue;
        }
        match name {
            "id" => span.record("interview_id", display(value)),
            "attempt" => span.record("attempt", display(value)),
            "source" => span.record("source", display(value)),
            _ => &span,
        };
    }
    span
}

/// Whether it may be an interview's id, a number or a source.
fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    text.len() <= 128 && text.chars().all(plain)
}

/// Times each request, and turns the frameworks' own errors into ours.
async fn measured(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let span = span(&mut parts).await;
    let request = Request::from_parts(parts, body);
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    // Postgres takes no NUL, and no name of ours has one.
    let mut response = if request.uri().path_and_query().is_some_and(|all| all.as_str().contains("%00")) {
        ApiError::new(StatusCode::NOT_FOUND, ProblemCode::NoSuchPage, "There is nothing here.")
            .into_response()
    } else {
        next.run(request).instrument(span).await
    };
    let status = response.status();
    let ours =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if (status.is_client_error() || status.is_server_error()) && !ours {
        let (code, title) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => (ProblemCode::TooLarge, "The body is larger than 64 KiB."),
            StatusCode::REQUEST_TIMEOUT => (ProblemCode::TooSlow, "The request took longer than a minute."),
            _ => (
                ProblemCode::BadRequest,
                "The request can't be read: check the path, its parameters and the body.",
            ),
        };
        response = ApiError::new(status, code, title).into_response();
    }
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    metrics::histogram!("adjourn_request_seconds", "route" => route, "status" => status.as_u16().to_string())
        .record(began.elapsed().as_secs_f64());
    response
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_id_is_not_logged() {
        for id in ["b3f506954ef3fa22757edbb2675c0927", "1", "client", "agent:AJ_x9SHsuARKj5c-judgement"] {
            assert!(super::is_id(id), "{id}");
        }
        for other in ["a\nERROR all is lost", "\u{1b}[2J", "é", &"x".repeat(129)] {
            assert!(!super::is_id(other), "{other:?}");
        }
    }

    /// Whoever makes a client of the document gets a function for each.
    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let document = crate::http::openapi::document();
        let mut names: Vec<String> = Vec::new();
        for item in document.paths.paths.values() {
            let operations = [&item.get, &item.put, &item.post, &item.delete].into_iter().flatten();
            names.extend(operations.map(|operation| operation.operation_id.clone().unwrap()));
        }
        assert!(names.len() > document.paths.paths.len());
        for (path, item) in &document.paths.paths {
            let operations = [&item.get, &item.put, &item.post, &item.delete].into_iter().flatten();
            for parameter in operations.flat_map(|operation| operation.parameters.iter().flatten()) {
                let utoipa::openapi::RefOr::T(parameter) = parameter else { panic!("{path}") };
                let of_path = parameter.parameter_in == utoipa::openapi::path::ParameterIn::Path;
                assert_eq!(
                    of_path,
                    path.contains(&format!("{{{}}}", parameter.name)),
                    "{path}: {}",
                    parameter.name
                );
            }
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
    }

    #[test]
    fn the_document_has_every_path_and_no_other() {
        let document = crate::http::openapi::document();
        let documented: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        let mut routed: Vec<&str> = super::limited(None).into_iter().map(|(path, _)| path).collect();
        routed.extend([super::EVENTS, super::SEATS, super::ROSTER, super::RECORDS]);
        routed.sort_unstable();
        assert_eq!(documented, routed);
    }
}
