//! Talking to the backend: joining, asking, delivering.

use std::time::Duration;

use base64::Engine as _;
use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use adjourn_protocol::{
    Assignment, AssignmentAsked, CheckAnswer, CheckRequest, InterviewStatus, JoinAnswer, JoinRequest,
    Problem, ProblemCode, ReceiptAnswer, Replaced, ReplacementAsked, SeatOrders, SeatTold, Secret,
};

/// Limit of one request. A host that takes the connection and stays silent is given up after this.
const REQUEST_LIMIT: Duration = Duration::from_secs(8);
/// A record is sent at least so fast, in bytes a second; slower is a line on which nothing else works either.
const LEAST_RATE: u64 = 1_000;
/// What was sent and nobody acknowledged for so long: the way is dead (where the system can watch that).
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// Limit of reaching the host at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// A request that did not do what it should. Each message says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The host can't be reached.
    #[error("the interview server {host} cannot be reached; check your internet connection and try again")]
    Unreachable {
        /// Host.
        host: String,
    },
    /// It can't prove that it is the right one.
    #[error(
        "the interview server {host} can't prove that it is the right one, so nothing was sent to it; try another network, or tell the organiser"
    )]
    Untrusted {
        /// Host.
        host: String,
    },
    /// It does not answer in time, or not what it should.
    #[error("the interview server {host} does not answer properly ({detail}); try again in a minute")]
    Unusable {
        /// Host.
        host: String,
        /// Status or parse error.
        detail: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// 404.
    #[error("this code is not known to {host}; check it against your invitation")]
    UnknownCode {
        /// Host.
        host: String,
    },
    /// 409 `code_used`.
    #[error(
        "this code was already used on another computer or installation; ask the organiser for a new one"
    )]
    CodeUsed,
    /// 410.
    #[error("this interview is not open now; check its time in your invitation, or ask the organiser")]
    NotOpen,
    /// 429.
    #[error("there were too many wrong codes from here; wait a minute and try again")]
    TooMany {
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// 404 of the backend's own: it has nothing under this address (any more).
    #[error(
        "the interview server {host} knows nothing of this interview; try again in a minute, or tell the organiser"
    )]
    NoSuch {
        /// Host.
        host: String,
    },
    /// 404 `nothing_assigned`.
    #[error("nobody is assigned to this seat, or they were assigned too long ago; assign them again")]
    NothingAssigned,
    /// 409 `no_replacement_left`, `not_the_interviewer`.
    #[error("the interview server calls no other interviewer: {0}")]
    NoReplacement(String),
    /// 401.
    #[error("the interview server no longer accepts this session")]
    Unauthorised,
    /// 409 `record_exists` with other content.
    #[error("the interview server already holds another report for this interview (receipt {0})")]
    RecordExists(String),
    /// The backend's own word that these very bytes are never taken.
    #[error("the interview server refuses the report: {0}")]
    Refused(String),
    /// 410 `erased`: the organiser wanted nothing of it kept, and nothing is taken any more.
    #[error("the interview server takes nothing of this interview any more: {0}")]
    Erased(String),
}

impl BackendError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Unusable { .. }
            | Self::TooMany { .. }
            | Self::NoSuch { .. }
            | Self::Unauthorised => true,
            Self::UnknownCode { .. }
            | Self::CodeUsed
            | Self::NotOpen
            | Self::NothingAssigned
            | Self::NoReplacement(_)
            | Self::RecordExists(_)
            | Self::Refused(_)
            | Self::Erased(_) => false,
        }
    }

    /// Whether it refuses what was sent, and not who sent it or where: the same will be refused for ever.
    pub fn is_about_these_bytes(&self) -> bool {
        matches!(self, Self::RecordExists(_) | Self::Refused(_) | Self::Erased(_))
    }

    /// How long the server asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unusable { retry_after, .. } | Self::TooMany { retry_after } => *retry_after,
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::UnknownCode { .. }
            | Self::CodeUsed
            | Self::NotOpen
            | Self::NoSuch { .. }
            | Self::NothingAssigned
            | Self::NoReplacement(_)
            | Self::Unauthorised
            | Self::RecordExists(_)
            | Self::Refused(_)
            | Self::Erased(_) => None,
        }
    }
}

/// A connection to one backend.
#[derive(Clone, Debug)]
pub struct Backend {
    base: Url,
    http: reqwest::Client,
}

impl Backend {
    /// For the backend at `base`.
    ///
    /// # Errors
    /// The HTTP client can't be made (no TLS roots).
    pub fn new(base: &Url) -> Result<Self, BackendError> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_LIMIT)
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none());
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let http = http.tcp_user_timeout(UNACKNOWLEDGED);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = UNACKNOWLEDGED;
        let http = http.build().map_err(|e| BackendError::Unusable {
            host: host(base),
            detail: e.to_string(),
            retry_after: None,
        })?;
        // A path is a folder: `https://example.com/adjourn` has the API below it, not beside it.
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base, http })
    }

    fn url(&self, path: &str) -> Result<Url, BackendError> {
        self.base.join(path).map_err(|e| self.unusable(e.to_string()))
    }

    fn unusable(&self, detail: impl Into<String>) -> BackendError {
        BackendError::Unusable { host: host(&self.base), detail: detail.into(), retry_after: None }
    }

    fn unreachable(&self, error: &reqwest::Error) -> BackendError {
        if error.is_timeout() && !error.is_connect() {
            return self.unusable("it took too long");
        }
        let host = host(&self.base);
        if about_a_certificate(error) {
            return BackendError::Untrusted { host };
        }
        BackendError::Unreachable { host }
    }

    /// What the backend says to a request.
    async fn answer<A: DeserializeOwned>(&self, request: RequestBuilder) -> Result<A, BackendError> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        if response.status().is_success() {
            return response.json().await.map_err(|e| self.unusable(e.without_url().to_string()));
        }
        Err(self.refusal(response).await)
    }

    /// Joins, or joins again: the same `join_id` gives the same attempt with fresh tokens.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub async fn join(&self, request: &JoinRequest) -> Result<JoinAnswer, BackendError> {
        self.answer(self.http.post(self.url("v1/join")?).json(request)).await
    }

    /// A room to try the way to the interview's server in.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub async fn check(&self, request: &CheckRequest) -> Result<CheckAnswer, BackendError> {
        self.answer(self.http.post(self.url("v1/check")?).json(request)).await
    }

    /// What time it is there, if it takes more.
    ///
    /// # Errors
    /// It can't be reached, takes nothing more, or is no such server.
    pub async fn clock(&self) -> Result<DateTime<Utc>, BackendError> {
        let response = self.http.get(self.url("readyz")?).send().await.map_err(|e| self.unreachable(&e))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        // Every HTTP server says what time it is (RFC 9110, 6.6.1).
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        let ready = response.text().await.is_ok_and(|text| text == "ready");
        date.filter(|_| ready)
            .map(|date| date.to_utc())
            .ok_or_else(|| self.unusable("it is no interview server, or does not say what time it is"))
    }

    /// Tells a center how its seat is; gives what the seat is to do.
    ///
    /// # Errors
    /// One sentence.
    pub async fn tell_seat(
        &self,
        center: &str,
        seat: &str,
        key: &Secret,
        told: &SeatTold,
    ) -> Result<SeatOrders, BackendError> {
        let url = self.url(&format!("v1/centers/{center}/seats/{seat}"))?;
        self.answer(self.http.put(url).bearer_auth(key.expose()).json(told)).await
    }

    /// Whom a center assigned to its seat: a code of theirs, once.
    ///
    /// # Errors
    /// One sentence.
    pub async fn assignment(
        &self,
        center: &str,
        seat: &str,
        key: &Secret,
        asked: &AssignmentAsked,
    ) -> Result<Assignment, BackendError> {
        let url = self.url(&format!("v1/centers/{center}/seats/{seat}/assignment"))?;
        self.answer(self.http.post(url).bearer_auth(key.expose()).json(asked)).await
    }

    /// Where the interview stands; with `room`, the backend looks whether LiveKit has its room.
    ///
    /// # Errors
    /// One sentence.
    pub async fn status(
        &self,
        interview_id: &str,
        token: &Secret,
        room: bool,
    ) -> Result<InterviewStatus, BackendError> {
        let url = self.url(&format!("v1/interviews/{interview_id}?room={room}"))?;
        self.answer(self.http.get(url).bearer_auth(token.expose())).await
    }

    /// Asks for another interviewer in the place of one that is lost; asked for once more, it is the same one.
    ///
    /// # Errors
    /// One sentence; [`BackendError::retryable`] tells whether to try again.
    pub async fn replace(
        &self,
        interview_id: &str,
        attempt: i64,
        token: &Secret,
        asked: &ReplacementAsked,
    ) -> Result<Replaced, BackendError> {
        let url = self.url(&format!("v1/interviews/{interview_id}/attempts/{attempt}/replacement"))?;
        self.answer(self.http.post(url).bearer_auth(token.expose()).json(asked)).await
    }

    /// The receipt of the client's record of an attempt; `None`: it has no such record.
    ///
    /// # Errors
    /// One sentence.
    pub async fn receipt(
        &self,
        interview_id: &str,
        attempt: i64,
        token: &Secret,
    ) -> Result<Option<String>, BackendError> {
        let url =
            self.url(&format!("v1/interviews/{interview_id}/attempts/{attempt}/records/client/receipt"))?;
        match self.answer::<ReceiptAnswer>(self.http.get(url).bearer_auth(token.expose())).await {
            Ok(answer) => Ok(Some(answer.receipt)),
            Err(BackendError::NoSuch { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Delivers a record; the same bytes again give the same receipt.
    ///
    /// # Errors
    /// One sentence; [`BackendError::retryable`] tells whether to try again.
    pub async fn deliver(
        &self,
        interview_id: &str,
        attempt: i64,
        token: &Secret,
        record: Vec<u8>,
    ) -> Result<String, BackendError> {
        let url = self.url(&format!("v1/interviews/{interview_id}/attempts/{attempt}/records/client"))?;
        use sha2::Digest as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&record));
        // How long a record takes is the line's affair, as long as it goes on.
        let size = u64::try_from(record.len()).unwrap_or(u64::MAX);
        let request = self
            .http
            .put(url)
            .timeout(REQUEST_LIMIT + Duration::from_secs(size / LEAST_RATE))
            .bearer_auth(token.expose())
            .header("content-digest", format!("sha-256=:{digest}:"))
            .header("content-type", "application/json")
            .body(record);
        self.answer::<ReceiptAnswer>(request).await.map(|answer| answer.receipt)
    }

    /// What an answer that is no success means.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what says no more than its status is answered by that"
    )]
    async fn refusal(&self, response: reqwest::Response) -> BackendError {
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.parse().ok())
            .map(Duration::from_secs);
        // What does not come as the backend's own kind of refusal is some other machine's on the way: a proxy, a portal, a
        // deployment. It settles nothing.
        let own = response.headers().get("content-type").is_some_and(|kind| kind == PROBLEM);
        let problem: Option<Problem> = if own { response.json().await.ok() } else { None };
        let code = problem.as_ref().map_or(ProblemCode::Newer, |problem| problem.code);
        let title = || problem.as_ref().map_or_else(String::new, |p| p.title.clone());
        match code {
            ProblemCode::UnknownCode => BackendError::UnknownCode { host: host(&self.base) },
            ProblemCode::CodeUsed => BackendError::CodeUsed,
            ProblemCode::NotOpen => BackendError::NotOpen,
            ProblemCode::NotFound | ProblemCode::NoRecord => BackendError::NoSuch { host: host(&self.base) },
            ProblemCode::NothingAssigned => BackendError::NothingAssigned,
            ProblemCode::NoReplacementLeft | ProblemCode::NotTheInterviewer => {
                BackendError::NoReplacement(title())
            }
            ProblemCode::RecordExists => {
                BackendError::RecordExists(problem.and_then(|p| p.receipt_id).unwrap_or_default())
            }
            ProblemCode::Erased => BackendError::Erased(title()),
            ProblemCode::BadJson | ProblemCode::BadJoinId => BackendError::Refused(title()),
            code if code.refuses_a_record() => BackendError::Refused(title()),
            // Another code may say more than the status, and settles no less than that.
            _ if status == StatusCode::UNAUTHORIZED => BackendError::Unauthorised,
            _ if status == StatusCode::TOO_MANY_REQUESTS => BackendError::TooMany { retry_after },
            _ => BackendError::Unusable { host: host(&self.base), detail: status.to_string(), retry_after },
        }
    }
}

/// Content type of the backend's refusals (RFC 9457).
const PROBLEM: &str = "application/problem+json";

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an error, or what caused it, is about a certificate. rustls says so in words (`invalid peer certificate: …`);
/// reqwest has no kind for it.
fn about_a_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.to_string().contains("certificate"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a delivery comes to that is answered like this.
    async fn answered(status: &str, kind: &str, body: &str) -> BackendError {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0_u8; 4_096];
            let _ = stream.read(&mut request).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let backend = Backend::new(&base).unwrap();
        backend.deliver("i", 1, &Secret::new("t".to_owned()), b"{}".to_vec()).await.unwrap_err()
    }

    #[tokio::test]
    async fn only_the_backends_own_word_refuses_for_good() {
        const HTML: &str = "<html>Request Entity Too Large</html>";
        for status in
            ["400 Bad Request", "404 Not Found", "409 Conflict", "410 Gone", "413 Too Large", "422 No"]
        {
            let error = answered(status, "text/html", HTML).await;
            assert!(error.retryable(), "{status}: {error}");
            // A proxy that speaks JSON is still none of ours.
            let error = answered(status, "application/json", r#"{"code": "bad_record"}"#).await;
            assert!(error.retryable(), "{status}: {error}");
        }
        let own = async |status: &str, code: &str| {
            let body = format!(r#"{{"code": "{code}", "title": "No.", "status": 400}}"#);
            answered(status, PROBLEM, &body).await
        };
        for (status, code) in [
            ("413 Too Large", "too_large"),
            ("400 Bad Request", "bad_record"),
            ("409 Conflict", "record_exists"),
            ("404 Not Found", "unknown_code"),
            ("410 Gone", "not_open"),
            ("410 Gone", "erased"),
            ("409 Conflict", "no_replacement_left"),
            ("409 Conflict", "not_the_interviewer"),
        ] {
            assert!(!own(status, code).await.retryable(), "{code}");
        }
        // Bytes that were changed on the way, an interview that a deployment does not know yet, what has no name.
        for code in ["bad_digest", "not_found", "bad_request", "something_new"] {
            assert!(own("400 Bad Request", code).await.retryable(), "{code}");
        }
    }

    #[test]
    fn a_path_of_the_server_is_kept() {
        for base in ["https://example.com/adjourn", "https://example.com/adjourn/"] {
            let backend = Backend::new(&Url::parse(base).unwrap()).unwrap();
            assert_eq!(backend.url("v1/join").unwrap().as_str(), "https://example.com/adjourn/v1/join");
        }
        let backend = Backend::new(&Url::parse("https://example.com").unwrap()).unwrap();
        assert_eq!(backend.url("v1/join").unwrap().as_str(), "https://example.com/v1/join");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("error sending request")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_no_lost_connection() {
        let evil = Outer(std::io::Error::other("invalid peer certificate: UnknownIssuer"));
        assert!(about_a_certificate(&evil));
        assert!(!about_a_certificate(&Outer(std::io::Error::other("connection refused"))));
    }
}
