//! LiveKit's server API (Twirp with JSON) and access tokens.

use std::collections::HashSet;
use std::time::Duration;

use adjourn_outbox::Secret;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use url::Url;

use crate::store::now;

/// Where LiveKit is, and how to speak to it.
#[derive(Clone, Debug)]
pub struct LiveKit {
    /// What clients are told: `ws://` or `wss://`.
    pub url: Url,
    pub(crate) key: String,
    pub(crate) secret: Secret,
    http: reqwest::Client,
}

/// LiveKit refused, or can't be reached.
#[derive(Debug, thiserror::Error)]
#[error("LiveKit did not do {call}: {reason}")]
pub struct LiveKitError {
    call: &'static str,
    reason: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    nbf: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    video: serde_json::Value,
}

/// A candidate's token: long enough for the longest interview; the server refreshes it while connected.
const CANDIDATE_LIFE_S: i64 = 10 * 3600;
/// A server call's token.
const CALL_LIFE_S: i64 = 60;
/// Limit of one call.
const CALL_LIMIT: Duration = Duration::from_secs(5);

impl LiveKit {
    /// For the server at `url`.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn new(url: Url, key: String, secret: Secret) -> Result<Self, LiveKitError> {
        let http = reqwest::Client::builder()
            .timeout(CALL_LIMIT)
            .build()
            .map_err(|e| LiveKitError { call: "start", reason: e.to_string() })?;
        Ok(Self { url, key, secret, http })
    }

    fn token(
        &self,
        sub: &str,
        name: Option<&str>,
        video: serde_json::Value,
        life: i64,
        now: DateTime<Utc>,
    ) -> Result<String, LiveKitError> {
        // A minute back, for clocks that differ.
        let claims = Claims {
            iss: &self.key,
            sub,
            nbf: now.timestamp() - 60,
            exp: now.timestamp() + life,
            name,
            video,
        };
        let key = EncodingKey::from_secret(self.secret.expose().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
            .map_err(|e| LiveKitError { call: "token", reason: e.to_string() })
    }

    /// A candidate's access token for one room, and nothing else.
    ///
    /// # Errors
    /// Signing failed.
    pub fn candidate_token(
        &self,
        room: &str,
        identity: &str,
        name: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Secret, LiveKitError> {
        let video = json!({
            "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true, "canPublishData": true,
            "canPublishSources": ["microphone"],
        });
        self.token(identity, name, video, CANDIDATE_LIFE_S, now).map(Secret::new)
    }

    async fn call(
        &self,
        call: &'static str,
        room: &str,
        body: serde_json::Value,
    ) -> Result<serde_json::Value, LiveKitError> {
        self.call_of("RoomService", call, room, body).await
    }

    async fn call_of(
        &self,
        service: &'static str,
        call: &'static str,
        room: &str,
        body: serde_json::Value,
    ) -> Result<serde_json::Value, LiveKitError> {
        let failed = |reason: String| LiveKitError { call, reason };
        let video = json!({"roomCreate": true, "roomAdmin": true, "roomList": true, "room": room});
        let token = self.token("adjourn-backend", None, video, CALL_LIFE_S, now())?;
        let mut url = self.url.clone();
        let scheme = if url.scheme() == "wss" { "https" } else { "http" };
        url.set_scheme(scheme).map_err(|()| failed("its address is not a web address".to_owned()))?;
        let url = url.join(&format!("twirp/livekit.{service}/{call}")).map_err(|e| failed(e.to_string()))?;
        let response = self
            .http
            .post(url)
            .bearer_auth(token)
            .json(&body)
            .send()
            .await
            .map_err(|e| failed(e.without_url().to_string()))?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|e| failed(e.without_url().to_string()));
        }
        let text = response.text().await.unwrap_or_default();
        Err(failed(format!("{status} {text}")))
    }

    /// Makes the room and sends the interviewer there. An existing room is left as it is. Gives LiveKit's id of it.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn create_room(
        &self,
        room: &str,
        agent_name: Option<&str>,
        metadata: &str,
    ) -> Result<String, LiveKitError> {
        let agents: Vec<_> =
            agent_name.iter().map(|name| json!({"agent_name": name, "metadata": metadata})).collect();
        let body = json!({"name": room, "empty_timeout": 120, "departure_timeout": 60, "agents": agents});
        let answer = self.call("CreateRoom", room, body).await?;
        Ok(answer["sid"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends an interviewer into a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn dispatch(&self, room: &str, agent_name: &str, metadata: &str) -> Result<(), LiveKitError> {
        let body = json!({"room": room, "agent_name": agent_name, "metadata": metadata});
        self.call_of("AgentDispatchService", "CreateDispatch", room, body).await.map(drop)
    }

    /// Puts somebody out of a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached. Somebody who is gone already is no error.
    pub async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), LiveKitError> {
        match self.call("RemoveParticipant", room, json!({"room": room, "identity": identity})).await {
            Err(error) if error.reason.contains("not_found") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Says in the room's metadata that the organiser ended the interview.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn mark_ended(&self, room: &str, reason: &str, at: DateTime<Utc>) -> Result<(), LiveKitError> {
        let metadata = json!({"adjourn.ended": {"reason": reason, "at": at}}).to_string();
        self.call("UpdateRoomMetadata", room, json!({"room": room, "metadata": metadata})).await.map(drop)
    }

    /// Closes the room for everybody.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached. A room that is gone already is no error.
    pub async fn delete_room(&self, room: &str) -> Result<(), LiveKitError> {
        match self.call("DeleteRoom", room, json!({"room": room})).await {
            Err(error) if error.reason.contains("not_found") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Which of these rooms are there.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn rooms(&self, names: &[String]) -> Result<HashSet<String>, LiveKitError> {
        let answer = self.call("ListRooms", "", json!({ "names": names })).await?;
        // Twirp leaves out what is empty.
        let rooms = answer["rooms"].as_array().into_iter().flatten();
        Ok(rooms.filter_map(|room| room["name"].as_str()).map(str::to_owned).collect())
    }

    /// Agents that are in a room: identity, and id of the presence.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached, or there is no such room.
    pub async fn agents(&self, room: &str) -> Result<Vec<(String, String)>, LiveKitError> {
        let answer = self.call("ListParticipants", room, json!({ "room": room })).await?;
        let participants = answer["participants"].as_array().into_iter().flatten();
        let agents = participants.filter(|participant| participant["kind"] == "AGENT");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(agents.map(|agent| (text(&agent["identity"]), text(&agent["sid"]))).collect())
    }

    /// Whether an agent is in a room.
    ///
    /// # Errors
    /// As [`Self::agents`].
    pub async fn has_agent(&self, room: &str) -> Result<bool, LiveKitError> {
        Ok(!self.agents(room).await?.is_empty())
    }
}
