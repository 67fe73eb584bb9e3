//! Between schemathesis and the backend: puts right, of every second request, what chance never gets right (a record's digest, an
//! event's signature and time). Else no record and no event that was made up would ever be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adjourn_protocol::sha256;
use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use adjourn_testbed::{unix_now, webhook_token};

/// Longest body that is passed on: more than the backend takes.
const LONGEST: usize = 64 << 20;
/// What LiveKit tells of that means something.
const EVENTS: [&str; 4] = ["room_started", "participant_joined", "participant_left", "room_finished"];

/// Where requests go on to, and how many there were.
#[derive(Clone)]
struct To {
    url: String,
    http: reqwest::Client,
    passed: Arc<AtomicU64>,
}

/// Begins; gives the address to ask.
///
/// # Errors
/// There is no port.
pub(super) async fn begin(url: &str) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("no port")?;
    let address = format!("http://{}", listener.local_addr()?);
    let to = To { url: url.to_owned(), http: reqwest::Client::new(), passed: Arc::default() };
    let router = Router::new().fallback(pass).with_state(to);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn pass(State(to): State<To>, request: Request) -> Response {
    passed(&to, request).await.unwrap_or_else(|error| {
        // Not the backend's word: schemathesis takes 502 for a server's error, and it is one of the testbed's.
        (StatusCode::BAD_GATEWAY, format!("the testbed: {error:#}")).into_response()
    })
}

async fn passed(to: &To, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let mut body = to_bytes(body, LONGEST).await?.to_vec();
    let mut headers = parts.headers;
    // Theirs are of this connection.
    for own in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(own);
    }
    let number = to.passed.fetch_add(1, Ordering::Relaxed);
    let path = parts.uri.path();
    if number.is_multiple_of(2) {
        put_right(&parts.method, path, number, &mut headers, &mut body)?;
    }
    let target = parts.uri.path_and_query().map_or(path, |it| it.as_str());
    let answer = to
        .http
        .request(parts.method, format!("{}{target}", to.url))
        .headers(headers)
        .body(body)
        .send()
        .await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if *name != header::TRANSFER_ENCODING && *name != header::CONTENT_LENGTH {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Body::from(answer.bytes().await?))?)
}

fn put_right(
    method: &Method,
    path: &str,
    number: u64,
    headers: &mut HeaderMap,
    body: &mut Vec<u8>,
) -> anyhow::Result<()> {
    if *method == Method::PUT && path.contains("/records/") {
        let digest = STANDARD.encode(hex::decode(sha256(body))?);
        headers.insert("content-digest", HeaderValue::from_str(&format!("sha-256=:{digest}:"))?);
    }
    if path == "/v1/livekit/webhook"
        && let Ok(serde_json::Value::Object(mut event)) = serde_json::from_slice(body)
    {
        event.insert("createdAt".to_owned(), serde_json::json!((unix_now() as i64).to_string()));
        let kind = EVENTS[usize::try_from(number / 2).unwrap_or(0) % EVENTS.len()];
        event.entry("event").or_insert_with(|| kind.into());
        let text = serde_json::to_string(&event)?;
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&webhook_token(&text)?)?);
        *body = text.into_bytes();
    }
    Ok(())
}
