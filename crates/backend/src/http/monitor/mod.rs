//! The monitor of a test center: a page of its own that asks for the center's name and key, and shows its seats as they are. The key stays
//! in the page: nothing that a browser sends by itself lets anybody in.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

const PAGE: &str = include_str!("monitor.html");
const SCRIPT: &str = include_str!("monitor.js");
/// Its own script, its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// `GET /center`
#[utoipa::path(get, path = "/center", operation_id = "center_page",
    responses((status = 200, description = "a page", body = String, content_type = "text/html")))]
pub(crate) fn page() -> impl Future<Output = Response> {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    std::future::ready((headers, PAGE).into_response())
}

/// `GET /center.js`
#[utoipa::path(get, path = "/center.js", operation_id = "center_script",
    responses((status = 200, description = "its script", body = String, content_type = "text/javascript")))]
pub(crate) fn script() -> impl Future<Output = Response> {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    std::future::ready((headers, SCRIPT).into_response())
}
