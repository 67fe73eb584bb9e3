//! Upload tokens: JWT, HS256, for one interview, attempt and source.

use adjourn_protocol::{Secret, Source};
use axum::http::HeaderMap;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::api_error::ApiError;
use crate::audit::{self, Actor, Deed};
use crate::store::Store;

/// A client's token is refreshed by joining again, so it need not live long; a day covers a night offline.
const CLIENT_LIFE: Duration = Duration::hours(24);
/// An agent can't ask for another: its spool may be flushed by a later job, or by hand.
const AGENT_LIFE: Duration = Duration::days(30);

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) attempt: i64,
    /// Whose records.
    pub(crate) source: Holder,
    exp: i64,
}

/// Whose records a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holder {
    /// The candidate's client.
    Client,
    /// Any interviewer's job.
    Agent,
}

impl Claims {
    /// Refuses whoever does not hold a token of that interview and attempt for that.
    pub(crate) fn is_of(&self, id: &str, attempt: i64, holder: Holder) -> Result<(), ApiError> {
        let allowed = self.sub == id && self.attempt == attempt && self.source == holder;
        if allowed { Ok(()) } else { Err(ApiError::unauthorised()) }
    }

    /// Whose record the bearer may write, if it is this one.
    pub(crate) fn allows(&self, id: &str, attempt: i64, source: &str) -> Result<Source, ApiError> {
        let source = source.parse().map_err(|_| ApiError::unauthorised())?;
        let holder = if source == Source::Client { Holder::Client } else { Holder::Agent };
        self.is_of(id, attempt, holder).map(|()| source)
    }

    /// The same, if it is an interviewer's.
    pub(crate) fn allows_agent(&self, id: &str, attempt: i64, source: &str) -> Result<Source, ApiError> {
        self.allows(id, attempt, source).and_then(|source| match source {
            Source::Agent(_) => Ok(source),
            Source::Client => Err(ApiError::unauthorised()),
        })
    }
}

/// Name of the secret that signs them, of all replicas.
const SECRET: &str = "tokens";

/// Signs and checks. The secret is read each time: when it is replaced, no replica accepts what was signed with the old one.
#[derive(Clone)]
pub(crate) struct Signer(Store);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(***)")
    }
}

impl Signer {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    async fn secret(&self) -> Result<Vec<u8>, ApiError> {
        self.0.secret(SECRET).await.map_err(|error| {
            tracing::error!(%error, "the secret of tokens can't be read");
            ApiError::unavailable()
        })
    }

    pub(crate) async fn make(
        &self,
        interview: &str,
        attempt: i64,
        source: Holder,
        now: DateTime<Utc>,
    ) -> Result<Secret, ApiError> {
        let claims = Claims {
            sub: interview.to_owned(),
            attempt,
            source,
            exp: (now + if source == Holder::Agent { AGENT_LIFE } else { CLIENT_LIFE }).timestamp(),
        };
        let key = EncodingKey::from_secret(&self.secret().await?);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map(Secret::new).map_err(
            |error| {
                tracing::error!(%error, "a token could not be signed");
                ApiError::unauthorised()
            },
        )
    }

    /// Checks the bearer token of a request.
    pub(crate) async fn check(&self, headers: &HeaderMap) -> Result<Claims, ApiError> {
        self.claims(bearer(headers).ok_or_else(ApiError::unauthorised)?).await
    }

    /// What a token says, if it is one of ours and good.
    pub(crate) async fn claims(&self, token: &str) -> Result<Claims, ApiError> {
        // An organiser's key, or nothing at all: the database is not asked for those.
        if !jsonwebtoken::decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256) {
            return Err(ApiError::unauthorised());
        }
        let validation = Validation::new(Algorithm::HS256);
        let key = DecodingKey::from_secret(&self.secret().await?);
        jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map(|data| data.claims)
            .map_err(|_| ApiError::unauthorised())
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    // The scheme's case says nothing (RFC 9110, section 11.1).
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Ends every upload token at once, on every replica. Clients get another one by joining again; an interviewer that runs
/// can't: its report does not arrive any more.
///
/// # Errors
/// No random numbers, or the database failed.
pub async fn rotate(store: &Store) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    audit::note_in(&mut tx, &Actor::command_line(), Deed::RotatedTokens, "").await?;
    store.replace_secret(&mut tx, SECRET).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::now;

    #[tokio::test]
    async fn a_token_that_was_rotated_away_is_good_for_nothing_anywhere() {
        let (store, _folder) = Store::temporary().await;
        let (here, there) = (Signer::new(store.clone()), Signer::new(store.clone()));
        let headers = |token: Secret| {
            HeaderMap::from_iter([(
                axum::http::header::AUTHORIZATION,
                format!("Bearer {}", token.expose()).parse().unwrap(),
            )])
        };
        let old = headers(here.make("i", 1, Holder::Client, now()).await.unwrap());
        assert!(here.check(&old).await.unwrap().allows("i", 1, "client").is_ok());
        assert!(there.check(&old).await.is_ok());
        rotate(&store).await.unwrap();
        assert!(here.check(&old).await.is_err() && there.check(&old).await.is_err());
        let new = headers(there.make("i", 1, Holder::Client, now()).await.unwrap());
        assert!(here.check(&new).await.is_ok());
    }
}
