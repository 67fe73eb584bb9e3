//! What the server says of itself: keys, figures, health.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::api_error::ApiError;
use crate::state::App;

/// `GET /.well-known/jwks.json`
#[utoipa::path(get, path = "/.well-known/jwks.json",
    responses((status = 200, description = "keys of receipts, a JWK set", body = Object)))]
pub(crate) async fn jwks(State(app): State<App>) -> Result<Json<serde_json::Value>, ApiError> {
    app.keys.jwks().await.map(Json).map_err(|error| {
        tracing::error!(%error, "the keys can't be read");
        ApiError::unavailable()
    })
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
