//! The server: its state and its routes.

use std::sync::Arc;
use std::time::Duration;

use adjourn_outbox::{Secret, sha256};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use sqlx::SqlitePool;
use tower_http::limit::RequestBodyLimitLayer;
use url::Url;

use crate::keys::ReceiptKey;
use crate::limits::Failures;
use crate::livekit::LiveKit;
use crate::problem::Refusal;
use crate::tokens::{Signer, bearer};
use crate::{create, join, openapi, records, status, store};

/// Tries to close a room before giving up; the agent's job then ends with the departure timeout.
const CLOSE_TRIES: u32 = 5;
const CLOSE_PAUSE: Duration = Duration::from_millis(500);

/// Shared state of the server. Clones are cheap.
#[derive(Clone)]
pub struct App {
    pub(crate) pool: SqlitePool,
    pub(crate) public_url: Url,
    pub(crate) livekit: Arc<LiveKit>,
    pub(crate) key: Arc<ReceiptKey>,
    pub(crate) tokens: Arc<Signer>,
    pub(crate) failures: Arc<Failures>,
    organiser_key: Option<Secret>,
}

impl App {
    /// Prepares a server on an open database.
    ///
    /// # Errors
    /// The stored keys are damaged or the database failed.
    pub async fn new(
        pool: SqlitePool,
        public_url: Url,
        livekit: LiveKit,
        organiser_key: Option<Secret>,
    ) -> anyhow::Result<Self> {
        let key = ReceiptKey::load(&pool).await?;
        let tokens = Signer::new(store::secret(&pool, "tokens").await?);
        Ok(Self {
            pool,
            public_url,
            livekit: Arc::new(livekit),
            key: Arc::new(key),
            tokens: Arc::new(tokens),
            failures: Arc::default(),
            organiser_key,
        })
    }

    /// Whether a request is the organiser's.
    pub(crate) fn organiser(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = bearer(headers).map(|key| sha256(key.as_bytes()));
        let wanted = self.organiser_key.as_ref().map(|key| sha256(key.expose().as_bytes()));
        // Hashes of equal length: comparing them tells nothing about the key.
        if given.is_some() && given == wanted { Ok(()) } else { Err(Refusal::unauthorised()) }
    }

    /// Closes a room in the background.
    pub(crate) fn close_room(&self, room: &str) {
        let (livekit, room) = (Arc::clone(&self.livekit), room.to_owned());
        tokio::spawn(async move {
            for _ in 0..CLOSE_TRIES {
                match livekit.delete_room(&room).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "a room could not be closed"),
                }
                tokio::time::sleep(CLOSE_PAUSE).await;
            }
        });
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/v1/interviews", post(create::post))
            .route("/v1/interviews/{id}", get(status::get))
            .route("/v1/interviews/{id}/end", post(create::end))
            .route("/v1/join", post(join::post))
            .route(
                "/v1/interviews/{id}/attempts/{attempt}/records/{source}",
                put(records::put).get(records::get),
            )
            .route("/.well-known/jwks.json", get(jwks))
            .route("/openapi.json", get(|| std::future::ready(Json(openapi::document()))))
            .route("/healthz", get(|| std::future::ready("ok")))
            .layer(DefaultBodyLimit::disable())
            // A little over the record's limit, so that its own answer is given.
            .layer(RequestBodyLimitLayer::new(records::LARGEST + 1024))
            .with_state(self)
    }
}

fn jwks(State(app): State<App>) -> std::future::Ready<Json<serde_json::Value>> {
    std::future::ready(Json(app.key.jwks()))
}
