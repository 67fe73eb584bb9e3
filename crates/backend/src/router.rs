//! What can be asked, and by which path. Each path is in the OpenAPI document too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Mutex;

use crate::api_error::ApiError;
use crate::state::App;
use crate::store::Store;
use crate::{create, items, join, openapi, operator, records, status, transcript, webhooks};

/// A stream of events; the only path whose answer may take as long as it likes.
pub(crate) const EVENTS: &str = "/v1/interviews/{id}/events";

/// Where records are: their bodies are large, and take as long as they come.
pub(crate) const RECORDS: &str = "/v1/interviews/{id}/attempts/{attempt}/records/{source}";

/// Every path but [`EVENTS`] and [`RECORDS`].
pub(crate) fn limited(metrics: Option<PrometheusHandle>) -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/v1/interviews", post(create::post)),
        ("/v1/interviews/{id}", get(status::get)),
        ("/v1/interviews/{id}/code", post(create::code)),
        ("/v1/interviews/{id}/end", post(create::end)),
        ("/v1/interviews/{id}/transcript", get(transcript::get)),
        ("/v1/join", post(join::post)),
        ("/v1/interviews/{id}/attempts/{attempt}/records/{source}/items", post(items::post)),
        ("/v1/interviews/{id}/attempts/{attempt}/records/{source}/receipt", get(records::receipt)),
        ("/v1/livekit/webhook", post(webhooks::post)),
        ("/operator", get(operator::list)),
        ("/operator/interviews/{id}", get(operator::one)),
        ("/.well-known/jwks.json", get(jwks)),
        ("/openapi.json", get(document)),
        ("/metrics", get(move || self::metrics(metrics))),
        ("/healthz", get(healthy)),
        ("/readyz", get(ready)),
    ]
}

/// `GET /.well-known/jwks.json`
#[utoipa::path(get, path = "/.well-known/jwks.json",
    responses((status = 200, description = "keys of receipts, a JWK set", body = Object)))]
pub(crate) async fn jwks(State(app): State<App>) -> Result<Json<serde_json::Value>, ApiError> {
    app.keys.jwks().await.map(Json).map_err(|error| {
        tracing::error!(%error, "the keys can't be read");
        ApiError::unavailable()
    })
}

/// `GET /openapi.json`
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "this document", body = Object)))]
pub(crate) fn document() -> impl Future<Output = Json<utoipa::openapi::OpenApi>> {
    std::future::ready(Json(openapi::document()))
}

/// `GET /metrics`
#[utoipa::path(get, path = "/metrics",
    responses((status = 200, description = "Prometheus metrics", body = String, content_type = "text/plain")))]
pub(crate) fn metrics(handle: Option<PrometheusHandle>) -> impl Future<Output = String> {
    std::future::ready(handle.map(|handle| handle.render()).unwrap_or_default())
}

/// `GET /healthz`: the process answers.
#[utoipa::path(get, path = "/healthz",
    responses((status = 200, description = "the process answers", body = String, content_type = "text/plain")))]
pub(crate) fn healthy() -> impl Future<Output = &'static str> {
    std::future::ready("ok")
}

/// `GET /readyz`: it takes more: the database writes, and its disk is not full.
#[utoipa::path(get, path = "/readyz",
    responses((status = 200, description = "the database takes more", body = String, content_type = "text/plain"),
        (status = 503, description = "not_ready")))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    if app.readiness.look(&app.store).await {
        return Ok("ready");
    }
    let title = "The server takes nothing more: its database fails, or its disk is full.";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", title).retry_after(5))
}

/// What was found when it was last looked whether the server takes more. Anybody may ask, so it is looked now and then only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<Mutex<Option<(Instant, bool)>>>);

/// So long one look is good for.
const LOOKED: Duration = Duration::from_secs(3);

impl Readiness {
    async fn look(&self, store: &Store) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < LOOKED
        {
            return ready;
        }
        let found = store.takes_more().await;
        if let Err(error) = &found {
            tracing::error!(error = format!("{error:#}"), "not ready");
        }
        *last = Some((Instant::now(), found.is_ok()));
        found.is_ok()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_has_every_path_and_no_other() {
        let document = crate::openapi::document();
        let documented: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        let mut routed: Vec<&str> = super::limited(None).into_iter().map(|(path, _)| path).collect();
        routed.extend([super::EVENTS, super::RECORDS]);
        routed.sort_unstable();
        assert_eq!(documented, routed);
    }
}
