//! What the server says of itself: keys, figures, health.

use adjourn_protocol::ProblemCode;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::api_error::ApiError;
use crate::lasting::Lasting;
use crate::state::App;

/// The figures of this process.
#[derive(Clone)]
pub(crate) struct Figures {
    of: Option<PrometheusHandle>,
    rendered: Lasting<Bytes>,
}

impl Figures {
    /// Nothing without a handle.
    pub(crate) fn new(of: Option<PrometheusHandle>) -> Self {
        Self { of, rendered: Lasting::new(Duration::from_secs(1)) }
    }
}

/// `GET /.well-known/jwks.json`
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "receipt_keys",
    responses((status = 200, description = "keys of receipts, a JWK set", body = Object)))]
pub(crate) async fn jwks(State(app): State<App>) -> Result<Json<serde_json::Value>, ApiError> {
    // Read each time: a key that was revoked vouches for nothing from that moment on.
    app.keys.jwks().await.map(Json).map_err(|error| {
        tracing::error!(%error, "the keys can't be read");
        ApiError::unavailable()
    })
}

/// `GET /metrics`
#[utoipa::path(get, path = "/metrics", operation_id = "metrics",
    responses((status = 200, description = "Prometheus metrics", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(figures: Figures) -> ([(HeaderName, &'static str); 1], Bytes) {
    let render = async || Bytes::from(figures.of.map(|handle| handle.render()).unwrap_or_default());
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], figures.rendered.get(render).await)
}

/// `GET /healthz`: the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "healthy",
    responses((status = 200, description = "the process answers", body = String, content_type = "text/plain")))]
pub(crate) fn healthy() -> impl Future<Output = &'static str> {
    std::future::ready("ok")
}

/// `GET /readyz`: it takes more: the database writes, and its disk is not full.
#[utoipa::path(get, path = "/readyz", operation_id = "ready",
    responses((status = 200, description = "the database takes more", body = String, content_type = "text/plain"),
        (status = 503, description = "not_ready")))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    let look = async || match app.store.takes_more().await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "not ready");
            false
        }
    };
    if app.readiness.get(look).await {
        return Ok("ready");
    }
    let title = "The server takes nothing more: its database fails, or its disk is full.";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ProblemCode::NotReady, title).retry_after(5))
}
