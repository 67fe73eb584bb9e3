//! Who asks, and whether they may.

use std::net::{IpAddr, SocketAddr};

use adjourn_protocol::{ProblemCode, sha256};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::audit::{self, Actor, Deed};
use crate::organisers::{self, Scope};
use crate::state::App;
use crate::store::{millis, now};
use crate::tokens::bearer;

/// Who asks: what a request says of it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) headers: HeaderMap,
    pub(crate) origin: IpAddr,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let ConnectInfo(address) =
            ConnectInfo::<SocketAddr>::from_request_parts(parts, app).await.map_err(|error| {
                tracing::error!(%error, "a request has no address");
                ApiError::unavailable()
            })?;
        let origin = app.proxies.origin(address.ip(), &parts.headers);
        Ok(Self { headers: parts.headers.clone(), origin })
    }
}

impl App {
    /// Checks that a request is an organiser's, by a bearer token, and that the key allows this. What a browser adds by
    /// itself (Basic authentication) is not accepted here: any page on the web could ask in its name.
    pub(crate) async fn organiser(&self, caller: &Caller, scope: Scope) -> Result<Actor, ApiError> {
        let given = bearer(&caller.headers).ok_or_else(ApiError::unauthorised)?;
        self.holder(given, caller, scope).await.map(|(actor, _)| actor)
    }

    /// The same for a test center: a key may be of one, and allows nothing at another.
    pub(crate) async fn of_center(
        &self,
        caller: &Caller,
        scope: Scope,
        center: &str,
    ) -> Result<Actor, ApiError> {
        self.of_one(caller, scope, |own| own == center).await
    }

    /// The same for a seat: a key may be its alone, or all of its center's.
    pub(crate) async fn of_seat(&self, caller: &Caller, center: &str, seat: &str) -> Result<Actor, ApiError> {
        let one = organisers::of_seat(center, seat);
        self.of_one(caller, Scope::Seat, |own| own == center || own == one).await
    }

    async fn of_one(
        &self,
        caller: &Caller,
        scope: Scope,
        is: impl FnOnce(&str) -> bool,
    ) -> Result<Actor, ApiError> {
        let given = bearer(&caller.headers).ok_or_else(ApiError::unauthorised)?;
        let (actor, own) = self.holder(given, caller, scope).await?;
        if own.as_deref().is_none_or(is) {
            return Ok(actor);
        }
        audit::note(&self.store, &actor, Deed::Refused, scope.as_str()).await?;
        let title = "This key is another center's, or another seat's.";
        Err(ApiError::new(StatusCode::FORBIDDEN, ProblemCode::OtherCenter, title))
    }

    /// The same for the operator's pages, which only show: a browser gives the key as the password of Basic authentication,
    /// whatever the name.
    pub(crate) async fn operator(&self, caller: &Caller) -> Result<Actor, ApiError> {
        let by_password = password(&caller.headers);
        let given = bearer(&caller.headers).or(by_password.as_deref()).ok_or_else(ApiError::unauthorised)?;
        self.holder(given, caller, Scope::Operate).await.map(|(actor, _)| actor)
    }

    /// Whose the key is, and of which center, if it is of one.
    async fn holder(
        &self,
        given: &str,
        caller: &Caller,
        scope: Scope,
    ) -> Result<(Actor, Option<String>), ApiError> {
        // Hashes: how long a comparison takes tells nothing about a key.
        let hash = sha256(given.as_bytes());
        if self.organiser_key.as_ref().is_some_and(|key| sha256(key.expose().as_bytes()) == hash) {
            return Ok((Actor::organiser("ADJOURN_ORGANISER_KEY".to_owned(), caller.origin), None));
        }
        let known = sqlx::query(
            "SELECT name, scopes, center FROM organisers WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(&hash)
        .bind(millis(now()))
        .fetch_optional(self.store.read())
        .await?
        .ok_or_else(ApiError::unauthorised)?;
        let (name, scopes): (String, String) = (known.try_get("name")?, known.try_get("scopes")?);
        let actor = Actor::organiser(name, caller.origin);
        if scopes.split(',').any(|has| has == scope.as_str()) {
            return Ok((actor, known.try_get("center")?));
        }
        audit::note(&self.store, &actor, Deed::Refused, scope.as_str()).await?;
        let title = format!("This key has the scopes {scopes}; {} is needed here.", scope.as_str());
        Err(ApiError::new(StatusCode::FORBIDDEN, ProblemCode::OutOfScope, title))
    }
}

fn password(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}
