//! The server: its state and its routes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_protocol::Secret;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use url::Url;

use crate::api_error::ApiError;
use crate::codes::Codes;
use crate::commit_queue::{self, CommitQueue};
use crate::keys::ReceiptKeys;
use crate::lifecycle::Deadlines;
use crate::livekit::LiveKit;
use crate::proxies::Proxies;
use crate::room_closer::{self, RoomCloser};
use crate::router::Readiness;
use crate::store::Store;
use crate::tokens::Signer;
use crate::uploads::Uploads;
use crate::{records, router, status};

/// A request that takes longer is given up: the largest record over a slow line needs less.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// Longest body but a record's: an item of 64 KiB, and a little.
const LARGEST_BODY: usize = (64 << 10) + 1024;

/// Shared state of the server. Clones are cheap.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) public_url: Url,
    pub(crate) livekit: Arc<LiveKit>,
    pub(crate) keys: Arc<ReceiptKeys>,
    pub(crate) tokens: Signer,
    pub(crate) codes: Codes,
    pub(crate) readiness: Readiness,
    pub(crate) commit_queue: CommitQueue,
    pub(crate) room_closer: RoomCloser,
    pub(crate) uploads: Uploads,
    pub(crate) deadlines: Deadlines,
    pub(crate) organiser_key: Option<Secret>,
    pub(crate) proxies: Proxies,
    /// Days after the receipt for which clients keep what was said.
    pub(crate) keep_days: u32,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address under which clients and agents reach this server.
    pub public_url: Url,
    /// A key for everything that organisers' keys are for, besides those in the database.
    pub organiser_key: Option<Secret>,
    /// Who stands before this server.
    pub proxies: Proxies,
    /// How long reports are waited for.
    pub deadlines: Deadlines,
    /// Days after the receipt for which clients keep what was said.
    pub keep_days: u32,
}

impl App {
    /// Prepares a server on an open database, and begins to write what is submitted.
    ///
    /// # Errors
    /// The stored keys are damaged, the database failed, or the computer has no thread left.
    pub async fn new(store: Store, codes: Codes, livekit: LiveKit, options: Options) -> anyhow::Result<Self> {
        let Options { public_url, organiser_key, proxies, deadlines, keep_days } = options;
        let keys = ReceiptKeys::load(store.clone()).await?;
        let tokens = Signer::new(store.clone());
        let (commit_queue, waiting) = CommitQueue::new();
        let (room_closer, to_close) = RoomCloser::new();
        let app = Self {
            store,
            public_url,
            livekit: Arc::new(livekit),
            keys: Arc::new(keys),
            tokens,
            codes,
            readiness: Readiness::default(),
            commit_queue,
            room_closer,
            uploads: Uploads::default(),
            deadlines,
            organiser_key,
            proxies,
            keep_days,
            stop: CancellationToken::new(),
        };
        commit_queue::start(app.clone(), waiting)?;
        tokio::spawn(room_closer::work(app.clone(), to_close));
        Ok(app)
    }

    /// Cancel it, and streams and the reconciler end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The routes.
    pub fn router(self, metrics: Option<PrometheusHandle>) -> Router {
        let limited = router::limited(metrics)
            .into_iter()
            .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
            .fallback(|| {
                std::future::ready(ApiError::new(
                    StatusCode::NOT_FOUND,
                    "no_such_page",
                    "There is nothing here.",
                ))
            })
            .method_not_allowed_fallback(|| {
                std::future::ready(ApiError::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "no_such_method",
                    "This can't be done here.",
                ))
            })
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_LIMIT));
        limited
            .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
            // A stream of events lasts as long as somebody watches.
            .route(router::EVENTS, get(status::events))
            // A record as long as it comes.
            .route(router::RECORDS, put(records::put).get(records::get))
            .layer(from_fn(measured))
            .layer(DefaultBodyLimit::disable())
            .with_state(self)
    }
}

/// Times each request, and turns the frameworks' own errors into ours.
async fn measured(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    // Postgres takes no NUL, and no name of ours has one.
    let mut response = if request.uri().path().contains("%00") {
        ApiError::new(StatusCode::NOT_FOUND, "no_such_page", "There is nothing here.").into_response()
    } else {
        next.run(request).await
    };
    let status = response.status();
    let ours =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if (status.is_client_error() || status.is_server_error()) && !ours {
        let (code, title) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is larger than 64 KiB."),
            StatusCode::REQUEST_TIMEOUT => ("too_slow", "The request took longer than a minute."),
            _ => ("bad_request", "The request can't be read: check the path, its parameters and the body."),
        };
        response = ApiError::new(status, code, title).into_response();
    }
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    metrics::histogram!("adjourn_request_seconds", "route" => route, "status" => status.as_u16().to_string())
        .record(began.elapsed().as_secs_f64());
    response
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A server on that database, with LiveKit at that address.
    pub(crate) async fn app_at(store: Store, livekit: std::net::SocketAddr) -> App {
        let codes = Codes::of(&store, None).await.unwrap();
        let url = format!("ws://{livekit}").parse().unwrap();
        let livekit = LiveKit::new(url, "key".to_owned(), Secret::new("secret".to_owned())).unwrap();
        let options = Options {
            public_url: "https://interviews.example.com".parse().unwrap(),
            organiser_key: None,
            proxies: Proxies::parse(std::iter::empty()).unwrap(),
            deadlines: Deadlines::default(),
            keep_days: 7,
        };
        App::new(store, codes, livekit, options).await.unwrap()
    }
}
