//! A server without a network, asked over HTTP.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::net::SocketAddr;

use adjourn_backend::hooks::Allowed;
use adjourn_backend::livekit::LiveKit;
use adjourn_backend::organisers::{self, Scope};
use adjourn_backend::proxies::Proxies;
use adjourn_backend::router::router;
use adjourn_backend::state::{App, Options};
use adjourn_backend::store::{Open, Store};
use adjourn_backend::{Codes, Deadlines};
use adjourn_protocol::Secret;
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const OWN: &str = "the-operators-own-key";

pub struct Testbed {
    pub router: Router,
    pub store: Store,
    pub folder: tempfile::TempDir,
}

/// How a request says whose it is.
#[derive(Clone, Copy)]
pub enum As<'a> {
    Nobody,
    Bearer(&'a str),
    Basic(&'a str),
}

impl Testbed {
    pub async fn set() -> Self {
        // Nobody listens there: a request that needs a room gets none.
        Self::with_livekit("ws://127.0.0.1:9").await
    }

    pub async fn with_livekit(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("db").to_str().unwrap(), Open::OrMake).await.unwrap();
        let codes = Codes::of(&store, None).await.unwrap();
        let secret = Secret::new("a-secret-of-livekit".to_owned());
        let livekit = LiveKit::new(url.parse().unwrap(), "key".to_owned(), secret).unwrap();
        let options = Options {
            public_url: "https://interviews.example.com".parse().unwrap(),
            organiser_key: Some(Secret::new(OWN.to_owned())),
            proxies: Proxies::parse(std::iter::empty()).unwrap(),
            deadlines: Deadlines::default(),
            keep_days: 7,
            retain: None,
            hook_hosts: Allowed::parse(["127.0.0.1"].into_iter()).unwrap(),
        };
        let app = App::new(store.clone(), codes, livekit, options).await.unwrap();
        let from = SocketAddr::from(([192, 0, 2, 7], 4_000));
        Self { router: router(app, None).layer(MockConnectInfo(from)), store, folder }
    }

    pub async fn answer(
        &self,
        who: As<'_>,
        request: axum::http::request::Builder,
        body: Body,
    ) -> Response<Body> {
        let request = match who {
            As::Nobody => request,
            As::Bearer(key) => request.header("authorization", format!("Bearer {key}")),
            As::Basic(key) => {
                request.header("authorization", format!("Basic {}", STANDARD.encode(format!("me:{key}"))))
            }
        };
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    pub async fn ask(
        &self,
        who: As<'_>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.answer(who, request, body).await;
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub async fn interview(&self) -> (String, String) {
        let new = json!({"title": "Talk", "max_minutes": 30});
        let (status, created) = self.ask(As::Bearer(OWN), "POST", "/v1/interviews", Some(new)).await;
        assert_eq!(status, StatusCode::OK, "{created}");
        (created["id"].as_str().unwrap().to_owned(), created["code"].as_str().unwrap().to_owned())
    }

    pub async fn key(&self, name: &str, scopes: &[Scope]) -> String {
        organisers::add(&self.store, name, scopes, None, None).await.unwrap().expose().to_owned()
    }
}

/// A life of a seat.
pub const LIFE: &str = "0123456789abcdef";

/// How a seat is that waits for a code.
pub fn idle(done: i64) -> Value {
    json!({"stage": "idle", "life": LIFE, "lock": "enforced", "version": "1.0.0", "done": done})
}
