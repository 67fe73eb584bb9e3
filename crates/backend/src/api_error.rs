//! Error answers: problem+json with a stable code (RFC 9457).

use adjourn_protocol::{Problem, ProblemCode};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

/// An error answer.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    pub(crate) code: ProblemCode,
    title: String,
    retry_after: Option<u64>,
    receipt_id: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: ProblemCode, title: impl Into<String>) -> Self {
        Self { status, code, title: title.into(), retry_after: None, receipt_id: None }
    }
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
    pub(crate) fn receipt(mut self, receipt_id: String) -> Self {
        self.receipt_id = Some(receipt_id);
        self
    }
    pub(crate) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ProblemCode::Unauthorised,
            "The token is missing, expired or for something else.",
        )
    }
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, "There is no such interview.")
    }
    pub(crate) fn erased(at: DateTime<Utc>) -> Self {
        let title = format!("This interview was erased on {}.", at.format("%Y-%m-%d at %H:%M UTC"));
        Self::new(StatusCode::GONE, ProblemCode::Erased, title)
    }
    /// Whether what it is about is not there, or not any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }
    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ProblemCode::Busy,
            "The server can't do this right now; try again.",
        )
        .retry_after(2)
    }
    /// Asked too often, or by too many at a time: to come again after so many seconds.
    pub(crate) fn too_many(title: &str, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, ProblemCode::TooMany, title).retry_after(seconds)
    }
    pub(crate) fn too_large(title: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ProblemCode::TooLarge, title)
    }
    pub(crate) fn bad_request(code: ProblemCode, title: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        metrics::counter!("adjourn_refusals", "code" => self.code.as_str()).increment(1);
        let body = Problem {
            code: self.code,
            title: self.title,
            status: self.status.as_u16(),
            receipt_id: self.receipt_id,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<axum::extract::rejection::QueryRejection> for ApiError {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Self {
        Self::bad_request(ProblemCode::BadQuery, rejection.body_text())
    }
}

impl From<axum::extract::rejection::JsonRejection> for ApiError {
    fn from(rejection: axum::extract::rejection::JsonRejection) -> Self {
        Self::bad_request(ProblemCode::BadJson, rejection.body_text())
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ProblemCode::Database,
            "The server's database does not answer; try again.",
        )
        .retry_after(2)
    }
}
