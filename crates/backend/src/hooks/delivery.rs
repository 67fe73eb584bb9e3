//! One event on its way to one server.

use std::sync::Arc;
use std::time::Duration;

use adjourn_protocol::Secret;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use url::Url;

use super::address::{Allowed, Resolver, checked};

/// A server has so long to take an event.
const LIMIT: Duration = Duration::from_secs(15);
/// What it says besides its status is read up to here, so that the connection can be used again, and thrown away.
const READ: usize = 16 << 10;

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 300;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    /// Of the event: `webhook-id`.
    pub(crate) id: &'a str,
    pub(crate) body: &'a str,
    /// What it is signed with; several, while receivers learn of a new one.
    pub(crate) secrets: &'a [Secret],
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was taken.
    Delivered(StatusCode),
    /// Nothing is wanted there any more.
    Gone,
    /// It was not, or nobody knows.
    Failed {
        /// A sentence for an operator.
        why: String,
        /// It is the server that fails, not this event that is refused.
        down: bool,
        /// What the server asks for.
        retry_after: Option<Duration>,
    },
}

/// Sends events. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Courier {
    http: reqwest::Client,
    allowed: Allowed,
}

impl Courier {
    /// One that goes to public addresses, and to those hosts.
    ///
    /// # Errors
    /// TLS can't be used.
    pub fn new(allowed: Allowed) -> anyhow::Result<Self> {
        Self::within(allowed, LIMIT)
    }

    fn within(allowed: Allowed, limit: Duration) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(limit)
            // Whoever follows one signs for an address that nobody registered.
            .redirect(Policy::none())
            // A proxy would look names up by itself.
            .no_proxy()
            .dns_resolver(Arc::new(Resolver(allowed.clone())))
            .user_agent(concat!("Adjourn/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, allowed })
    }

    /// The hosts that may be private.
    pub(crate) fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Sends one event.
    pub(crate) async fn deliver(&self, url: &str, envelope: Envelope<'_>, now: DateTime<Utc>) -> Answer {
        // Again each time: what is allowed may have changed.
        let sent = match checked(url, &self.allowed).map(|url| self.request(url, envelope, now)) {
            Ok(Ok(request)) => request.send().await,
            Ok(Err(why)) | Err(why) => return Answer::Failed { why, down: true, retry_after: None },
        };
        match sent {
            Ok(answer) => {
                let verdict = verdict(&answer, now);
                drain(answer).await;
                verdict
            }
            Err(error) => Answer::Failed { why: because(&error, LIMIT), down: true, retry_after: None },
        }
    }

    fn request(
        &self,
        url: Url,
        envelope: Envelope<'_>,
        now: DateTime<Utc>,
    ) -> Result<reqwest::RequestBuilder, String> {
        let Envelope { id, body, secrets } = envelope;
        let at = now.timestamp();
        let signed = |secret: &Secret| Webhook::new(secret.expose())?.sign(id, at, body.as_bytes());
        let signatures = secrets.iter().map(signed).collect::<Result<Vec<_>, _>>();
        // Without the reason: it may show a part of the secret.
        let signatures =
            signatures.map_err(|_| "The secret of this webhook is damaged: rotate it.".to_owned())?;
        let request =
            self.http.post(url).header(CONTENT_TYPE, "application/json").header(HEADER_WEBHOOK_ID, id);
        let request = request.header(HEADER_WEBHOOK_TIMESTAMP, at.to_string());
        Ok(request.header(HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")).body(body.to_owned()))
    }
}

fn verdict(answer: &reqwest::Response, now: DateTime<Utc>) -> Answer {
    let status = answer.status();
    if status.is_success() {
        return Answer::Delivered(status);
    }
    if status == StatusCode::GONE {
        return Answer::Gone;
    }
    let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let redirect = if status.is_redirection() { ", and webhooks follow no redirect" } else { "" };
    let down = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    Answer::Failed {
        why: format!("It answered {status}{redirect}."),
        down,
        retry_after: header.and_then(|text| asked(text, now)),
    }
}

/// Reads a little of what was said, and hangs up on who says more.
async fn drain(mut answer: reqwest::Response) {
    let mut read = 0;
    while read < READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read += chunk.len();
    }
}

/// `Retry-After`: seconds, or a time (RFC 9110, 10.2.3).
fn asked(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| (DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now).to_std().ok())
}

/// Why nothing came back, with its innermost cause: the outer ones only name the address.
pub(crate) fn because(error: &reqwest::Error, limit: Duration) -> String {
    if error.is_timeout() {
        return format!("It did not answer within {} s.", limit.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // Some of it is the other side's word: of a certificate, of a header.
    let cause: String = cause.to_string().chars().take(LONGEST_REASON).collect();
    format!("It can't be reached: {cause}.")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What is made of a server that says this, and then nothing, or goes on with this for ever.
    async fn of(first: &'static str, then: Option<&'static [u8]>) -> (Answer, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(first.as_bytes()).await;
            while let Some(more) = then {
                if stream.write_all(more).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        let allowed = Allowed::parse(["127.0.0.1"].into_iter()).unwrap();
        let courier = Courier::within(allowed, Duration::from_millis(500)).unwrap();
        let secrets = [Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned())];
        let began = Instant::now();
        let envelope = Envelope { id: "e", body: "{}", secrets: &secrets };
        let answer = courier.deliver(&url, envelope, Utc::now()).await;
        server.abort();
        (answer, began.elapsed())
    }

    #[tokio::test]
    async fn who_is_slow_or_says_too_much_holds_nobody_up() {
        let late = |answer: &Answer| matches!(answer, Answer::Failed { down: true, why, .. } if why.starts_with("It did not answer"));
        for silence in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"] {
            let (answer, took) = of(silence, None).await;
            assert!(late(&answer), "{silence:?}: {answer:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        // It was taken, whatever it says besides, or begins to say.
        for (first, then) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n", Some(&[b'x'; 8192][..])),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Some(&b"4\r\nabcd\r\n"[..])),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", None),
        ] {
            let (answer, took) = of(first, then).await;
            assert!(matches!(answer, Answer::Delivered(_)), "{first:?}: {answer:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        // A header for ever.
        let (answer, _) = of("HTTP/1.1 200 OK\r\n", Some(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")).await;
        assert!(matches!(answer, Answer::Failed { down: true, .. }), "{answer:?}");
    }

    #[test]
    fn a_server_asks_for_a_pause_in_seconds_or_by_a_time() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(asked(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(asked("Thu, 01 Jan 2026 00:01:00 GMT", now), Some(Duration::from_secs(60)));
        for other in ["Wed, 31 Dec 2025 23:59:00 GMT", "-5", "soon", ""] {
            assert_eq!(asked(other, now), None, "{other}");
        }
    }
}
