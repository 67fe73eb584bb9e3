//! Upload tokens: JWT, HS256, for one interview, attempt and source.

use axum::http::HeaderMap;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::problem::Refusal;

/// A client's token is refreshed by joining again, so it need not live long; a day covers a night offline.
const CLIENT_LIFE: Duration = Duration::hours(24);
/// An agent can't ask for another: its spool may be flushed by a later job, or by hand.
const AGENT_LIFE: Duration = Duration::days(30);

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) attempt: i64,
    /// `client`, or `agent` for any `agent:<job id>`.
    pub(crate) source: String,
    exp: i64,
}

impl Claims {
    /// Whether the bearer may write to this record.
    pub(crate) fn allows(&self, id: &str, attempt: i64, source: &str) -> Result<(), Refusal> {
        let source_allowed = match source {
            "client" => self.source == "client",
            agent => self.source == "agent" && agent.strip_prefix("agent:").is_some_and(plausible_job),
        };
        if self.sub == id && self.attempt == attempt && source_allowed {
            Ok(())
        } else {
            Err(Refusal::unauthorised())
        }
    }
}

/// A LiveKit job id: short, plain letters.
fn plausible_job(job: &str) -> bool {
    (1..=64).contains(&job.len()) && job.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

pub(crate) struct Signer(Vec<u8>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(***)")
    }
}

impl Signer {
    pub(crate) fn new(secret: Vec<u8>) -> Self {
        Self(secret)
    }

    pub(crate) fn make(
        &self,
        interview: &str,
        attempt: i64,
        source: &str,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        let claims = Claims {
            sub: interview.to_owned(),
            attempt,
            source: source.to_owned(),
            exp: (now + if source == "agent" { AGENT_LIFE } else { CLIENT_LIFE }).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&self.0))
            .map_err(|error| {
                tracing::error!(%error, "a token could not be signed");
                Refusal::unauthorised()
            })
    }

    /// Checks the bearer token of a request.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Claims, Refusal> {
        let token = bearer(headers).ok_or_else(Refusal::unauthorised)?;
        let validation = Validation::new(Algorithm::HS256);
        jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&self.0), &validation)
            .map(|data| data.claims)
            .map_err(|_| Refusal::unauthorised())
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}
