//! The server: its state and its routes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_outbox::Secret;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use url::Url;

use crate::batch::{self, Batches};
use crate::keys::ReceiptKeys;
use crate::livekit::LiveKit;
use crate::problem::Refusal;
use crate::standing::Deadlines;
use crate::store::{Store, now};
use crate::tokens::Signer;
use crate::{create, items, join, openapi, operator, records, status, webhooks};

/// Tries to close a room before that is left to the next round.
const CLOSE_TRIES: u32 = 5;
const CLOSE_PAUSE: Duration = Duration::from_millis(500);
/// Rooms that wait for being closed; what is more is left to the rounds.
const CLOSINGS: usize = 4_096;
/// Calls to LiveKit at a time: a test center's rooms end at the same minute, and neither records nor other calls must
/// wait for their closing.
const CLOSED_AT_A_TIME: usize = 4;
/// A request that takes longer is given up: the largest record over a slow line needs less.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// Shared state of the server. Clones are cheap.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) public_url: Url,
    pub(crate) livekit: Arc<LiveKit>,
    pub(crate) keys: Arc<ReceiptKeys>,
    pub(crate) tokens: Arc<Signer>,
    pub(crate) batches: Batches,
    /// Rooms that are to be closed.
    closings: mpsc::Sender<String>,
    pub(crate) deadlines: Deadlines,
    pub(crate) organiser_key: Option<Secret>,
    /// Days after the receipt for which clients keep what was said.
    pub(crate) keep_days: u32,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

impl App {
    /// Prepares a server on an open database, and begins to write what is submitted.
    ///
    /// # Errors
    /// The stored keys are damaged, the database failed, or the computer has no thread left.
    pub async fn new(
        store: Store,
        public_url: Url,
        livekit: LiveKit,
        organiser_key: Option<Secret>,
        deadlines: Deadlines,
        keep_days: u32,
    ) -> anyhow::Result<Self> {
        let keys = ReceiptKeys::load(store.clone()).await?;
        let tokens = Signer::new(store.secret("tokens").await?);
        let (batches, waiting) = Batches::new();
        let (closings, to_close) = mpsc::channel(CLOSINGS);
        let app = Self {
            store,
            public_url,
            livekit: Arc::new(livekit),
            keys: Arc::new(keys),
            tokens: Arc::new(tokens),
            batches,
            closings,
            deadlines,
            organiser_key,
            keep_days,
            stop: CancellationToken::new(),
        };
        batch::start(app.clone(), waiting)?;
        tokio::spawn(close(app.clone(), to_close));
        Ok(app)
    }

    /// Cancel it, and streams and rounds end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Closes a room in the background.
    pub(crate) fn close_room(&self, room: &str) {
        if self.closings.try_send(room.to_owned()).is_err() {
            metrics::counter!("adjourn_closings_left_to_the_rounds").increment(1);
        }
    }

    /// Whether rooms wait for being closed.
    pub(crate) fn closings_wait(&self) -> bool {
        self.closings.capacity() < CLOSINGS
    }

    /// Closes a room, and notes that. Gives whether that worked.
    async fn close_room_now(&self, room: &str) -> bool {
        if let Err(error) = self.livekit.delete_room(room).await {
            tracing::warn!(%error, "a room could not be closed");
            return false;
        }
        metrics::counter!("adjourn_rooms_closed").increment(1);
        let noted = self.batches.room_closed(self, room, now()).await;
        noted.inspect_err(|error| tracing::warn!(%error, "a closed room could not be noted")).is_ok()
    }

    /// The routes.
    pub fn router(self, metrics: Option<PrometheusHandle>) -> Router {
        let record = "/v1/interviews/{id}/attempts/{attempt}/records/{source}";
        let limited = Router::new()
            .route("/v1/interviews", post(create::post))
            .route("/v1/interviews/{id}", get(status::get))
            .route("/v1/interviews/{id}/end", post(create::end))
            .route("/v1/interviews/{id}/transcript", get(items::get))
            .route("/v1/join", post(join::post))
            .route(record, put(records::put).get(records::get))
            .route(&format!("{record}/items"), post(items::post))
            .route("/v1/livekit/webhook", post(webhooks::post))
            .route("/operator", get(operator::list))
            .route("/operator/interviews/{id}", get(operator::one))
            .route("/.well-known/jwks.json", get(jwks))
            .route("/openapi.json", get(|| std::future::ready(Json(openapi::document()))))
            .route(
                "/metrics",
                get(move || std::future::ready(metrics.map(|handle| handle.render()).unwrap_or_default())),
            )
            .route("/healthz", get(|| std::future::ready("ok")))
            .route("/readyz", get(ready))
            .fallback(|| {
                std::future::ready(Refusal::new(
                    StatusCode::NOT_FOUND,
                    "no_such_page",
                    "There is nothing here.",
                ))
            })
            .method_not_allowed_fallback(|| {
                std::future::ready(Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "no_such_method",
                    "This can't be done here.",
                ))
            })
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_LIMIT));
        limited
            // A stream of events lasts as long as somebody watches.
            .route("/v1/interviews/{id}/events", get(status::events))
            .layer(from_fn(measured))
            .layer(DefaultBodyLimit::disable())
            // A little over the record's limit, so that its own answer is given.
            .layer(RequestBodyLimitLayer::new(records::LARGEST + 1024))
            .with_state(self)
    }
}

/// Closes the rooms that it is told, for as long as the process lives.
async fn close(app: App, rooms: mpsc::Receiver<String>) {
    let rooms = futures_util::stream::unfold(rooms, |mut rooms| async { Some((rooms.recv().await?, rooms)) });
    rooms
        .for_each_concurrent(CLOSED_AT_A_TIME, |room| {
            let app = &app;
            async move {
                for _ in 0..CLOSE_TRIES {
                    if app.close_room_now(&room).await {
                        return;
                    }
                    tokio::time::sleep(CLOSE_PAUSE).await;
                }
            }
        })
        .await;
}

/// Times each request, and turns the frameworks' own errors into ours.
async fn measured(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let ours =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if (status.is_client_error() || status.is_server_error()) && !ours {
        let (code, title) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is larger than 8 MiB."),
            StatusCode::REQUEST_TIMEOUT => ("too_slow", "The request took longer than a minute."),
            _ => ("bad_request", "The request can't be read: check the path, its parameters and the body."),
        };
        response = Refusal::new(status, code, title).into_response();
    }
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    metrics::histogram!("adjourn_request_seconds", "route" => route, "status" => status.as_u16().to_string())
        .record(began.elapsed().as_secs_f64());
    response
}

/// `GET /.well-known/jwks.json`
async fn jwks(State(app): State<App>) -> Result<Json<serde_json::Value>, Refusal> {
    app.keys.jwks().await.map(Json).map_err(|error| {
        tracing::error!(%error, "the keys can't be read");
        Refusal::unavailable()
    })
}

/// `GET /readyz`: whether the database answers.
async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    sqlx::query("SELECT 1").fetch_one(app.store.read()).await?;
    Ok("ready")
}
