//! What can be asked, and by which path. Each path is in the OpenAPI document too.

use axum::Json;
use axum::extract::State;
use axum::routing::{MethodRouter, get, post};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;
use crate::problem::Refusal;
use crate::{create, items, join, openapi, operator, status, transcript, webhooks};

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
pub(crate) async fn jwks(State(app): State<App>) -> Result<Json<serde_json::Value>, Refusal> {
    app.keys.jwks().await.map(Json).map_err(|error| {
        tracing::error!(%error, "the keys can't be read");
        Refusal::unavailable()
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

/// `GET /readyz`: the database answers, too.
#[utoipa::path(get, path = "/readyz",
    responses((status = 200, description = "the database answers", body = String, content_type = "text/plain")))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    sqlx::query("SELECT 1").fetch_one(app.store.read()).await?;
    Ok("ready")
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
