//! LiveKit's server API (Twirp with JSON) and access tokens.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use adjourn_protocol::{EndedByOrganiser, RoomMetadata, Secret};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::serving::Presence;
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

/// Somebody in a room, as LiveKit writes of them: in its webhooks, and when it is asked. It leaves out what is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Participant {
    kind: String,
    pub(crate) identity: String,
    pub(crate) sid: String,
    attributes: HashMap<String, String>,
}

impl Participant {
    /// Whether it is an agent: the interviewer, an avatar, a helper.
    pub(crate) fn is_agent(&self) -> bool {
        self.kind == "AGENT"
    }

    /// Whether it may be the interviewer. An avatar speaks for one; another agent may have been invited besides.
    pub(crate) fn interviews(&self, agent_name: Option<&str>) -> bool {
        let attribute = |name: &str| self.attributes.get(name).filter(|value| !value.is_empty());
        let name = attribute("lk.agent.name").or_else(|| attribute("lk.agent_name"));
        self.is_agent()
            && attribute("lk.publish_on_behalf").is_none()
            && name.map(String::as_str) == agent_name.filter(|wanted| !wanted.is_empty())
    }

    /// Who it is, and this stay of theirs.
    pub(crate) fn presence(&self) -> Presence {
        Presence { identity: self.identity.clone(), sid: self.sid.clone() }
    }
}

/// A room, as LiveKit writes of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Room {
    pub(crate) sid: String,
    pub(crate) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rooms {
    rooms: Vec<Room>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Participants {
    participants: Vec<Participant>,
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

    async fn call<T: DeserializeOwned>(
        &self,
        call: &'static str,
        room: &str,
        body: serde_json::Value,
    ) -> Result<T, LiveKitError> {
        self.call_of("RoomService", call, room, body).await
    }

    async fn call_of<T: DeserializeOwned>(
        &self,
        service: &'static str,
        call: &'static str,
        room: &str,
        body: serde_json::Value,
    ) -> Result<T, LiveKitError> {
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
        let made: Room = self.call("CreateRoom", room, body).await?;
        Ok(made.sid)
    }

    /// Sends an interviewer into a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn dispatch(&self, room: &str, agent_name: &str, metadata: &str) -> Result<(), LiveKitError> {
        let body = json!({"room": room, "agent_name": agent_name, "metadata": metadata});
        done(self.call_of("AgentDispatchService", "CreateDispatch", room, body).await)
    }

    /// Puts somebody out of a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached. Somebody who is gone already is no error.
    pub async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), LiveKitError> {
        let body = json!({"room": room, "identity": identity});
        gone(self.call("RemoveParticipant", room, body).await)
    }

    /// Says in the room's metadata that the organiser ended the interview.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn mark_ended(&self, room: &str, reason: &str, at: DateTime<Utc>) -> Result<(), LiveKitError> {
        let metadata = RoomMetadata { ended: EndedByOrganiser { at, reason: reason.to_owned() } };
        let metadata = serde_json::to_string(&metadata)
            .map_err(|e| LiveKitError { call: "UpdateRoomMetadata", reason: e.to_string() })?;
        done(self.call("UpdateRoomMetadata", room, json!({"room": room, "metadata": metadata})).await)
    }

    /// Closes the room for everybody.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached. A room that is gone already is no error.
    pub async fn delete_room(&self, room: &str) -> Result<(), LiveKitError> {
        gone(self.call("DeleteRoom", room, json!({"room": room})).await)
    }

    /// Which of these rooms are there.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn rooms(&self, names: &[String]) -> Result<HashSet<String>, LiveKitError> {
        let listed: Rooms = self.call("ListRooms", "", json!({ "names": names })).await?;
        Ok(listed.rooms.into_iter().map(|room| room.name).collect())
    }

    /// Who is in a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached, or there is no such room.
    pub(crate) async fn participants(&self, room: &str) -> Result<Vec<Participant>, LiveKitError> {
        let listed: Participants = self.call("ListParticipants", room, json!({ "room": room })).await?;
        Ok(listed.participants)
    }
}

/// Of an answer that says nothing.
fn done(answer: Result<IgnoredAny, LiveKitError>) -> Result<(), LiveKitError> {
    answer.map(drop)
}

/// The same of something that is to go: if it is gone already, that is done.
fn gone(answer: Result<IgnoredAny, LiveKitError>) -> Result<(), LiveKitError> {
    match answer {
        Err(error) if error.reason.contains("not_found") => Ok(()),
        other => done(other),
    }
}
