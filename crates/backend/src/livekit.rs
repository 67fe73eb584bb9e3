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
#[error("{}", self.in_words())]
pub struct LiveKitError {
    /// What it was asked for. `None`: it can't be asked for anything.
    call: Option<&'static str>,
    reason: String,
    /// LiveKit knows nothing of it (any more).
    unknown: bool,
}

impl LiveKitError {
    fn in_words(&self) -> String {
        let Self { call, reason, unknown: _ } = self;
        call.map_or_else(|| reason.clone(), |call| format!("LiveKit did not do {call}: {reason}"))
    }

    /// It can't even be asked.
    fn unusable(reason: String) -> Self {
        Self { call: None, reason, unknown: false }
    }

    fn of(call: &'static str, reason: String) -> Self {
        Self { call: Some(call), reason, unknown: false }
    }

    /// An answer that is none of success. Only what LiveKit itself says, in Twirp's form, is repeated: it answers a token that it
    /// does not take with the token.
    fn refused(call: &'static str, status: reqwest::StatusCode, body: &[u8]) -> Self {
        let said = serde_json::from_slice::<TwirpError>(body).ok();
        let reason = match &said {
            _ if status == reqwest::StatusCode::UNAUTHORIZED => {
                format!("{status}; are LIVEKIT_API_KEY and LIVEKIT_API_SECRET this server's?")
            }
            Some(TwirpError { code, msg }) => format!("{status} {code}: {msg}").escape_debug().to_string(),
            None => format!("{status}, not in LiveKit's words; is LIVEKIT_URL right?"),
        };
        Self { call: Some(call), reason, unknown: said.is_some_and(|said| said.code == "not_found") }
    }
}

/// Twirp's form of an error (<https://twitchtv.github.io/twirp/docs/spec_v7.html>).
#[derive(Debug, Deserialize)]
struct TwirpError {
    code: String,
    #[serde(default)]
    msg: String,
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

/// Who was sent into a room, as LiveKit lists it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Dispatches {
    agent_dispatches: Vec<Dispatch>,
}

/// One that was sent. LiveKit leaves out what is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Dispatch {
    id: String,
    state: Option<DispatchState>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DispatchState {
    jobs: Vec<DispatchedJob>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DispatchedJob {
    id: String,
    state: Option<JobState>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobState {
    participant_identity: String,
}

impl Dispatch {
    /// Whether that one was sent by it.
    fn sent(&self, identity: &str) -> bool {
        !self.jobs_of(identity).is_empty()
    }

    /// Its jobs of that name.
    fn jobs_of(&self, identity: &str) -> Vec<String> {
        let jobs = self.state.iter().flat_map(|state| &state.jobs);
        let is =
            |job: &&DispatchedJob| job.state.as_ref().is_some_and(|it| it.participant_identity == identity);
        jobs.filter(is).map(|job| job.id.clone()).collect()
    }
}

/// A candidate's token is good for so long after the interview's time is over: that time begins with the interviewer, who may be
/// late. The server refreshes it while connected; afterwards it opens nothing.
const CANDIDATE_LATER_S: i64 = 30 * 60;
/// A server call's token.
const CALL_LIFE_S: i64 = 60;
/// A token to try the way to the server with: it is used at once, or not at all.
const CHECK_LIFE_S: i64 = 60;
/// What rooms are called in which the way to the server is tried; an interview's is called by its id.
const CHECK: &str = "check-";
/// The same for one that an operator's check of the setting-up makes.
const SETUP: &str = "check-setup-";
/// LiveKit's service that sends agents into rooms.
const DISPATCHES: &str = "AgentDispatchService";
/// Limit of one call.
const CALL_LIMIT: Duration = Duration::from_secs(5);

impl LiveKit {
    /// For the server at `url`: `wss://` or `https://`, `ws://` or `http://`.
    ///
    /// # Errors
    /// It is no such address; the HTTP client can't be made.
    pub fn new(mut url: Url, key: String, secret: Secret) -> Result<Self, LiveKitError> {
        let known = matches!(url.scheme(), "ws" | "wss" | "http" | "https") && url.has_host();
        // Candidates are told this address.
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "the address of a LiveKit server has no user and no password in it; its key and its secret are settings of their own";
            return Err(LiveKitError::unusable(reason.to_owned()));
        }
        if !known || url.query().is_some() || url.fragment().is_some() {
            let reason =
                format!("{url} is not the address of a LiveKit server, like wss://livekit.example.com");
            return Err(LiveKitError::unusable(reason));
        }
        // What is joined to it goes below its path.
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        // What is sent there has our tokens in it: it goes nowhere else, whoever says so.
        let http = reqwest::Client::builder()
            .timeout(CALL_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| LiveKitError::unusable(e.to_string()))?;
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
            .map_err(|e| LiveKitError::of("token", e.to_string()))
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
        (now, ends_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Secret, LiveKitError> {
        let life = (ends_at - now).num_seconds().max(0) + CANDIDATE_LATER_S;
        let video = json!({
            "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true, "canPublishData": true,
            "canPublishSources": ["microphone"],
        });
        self.token(identity, name, video, life, now).map(Secret::new)
    }

    /// A token for trying the way to the server: something may be sent, and nothing is to be heard.
    ///
    /// # Errors
    /// Signing failed.
    pub(crate) fn check_token(
        &self,
        room: &str,
        identity: &str,
        now: DateTime<Utc>,
    ) -> Result<Secret, LiveKitError> {
        let video = json!({
            "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": false, "canPublishData": false,
            "canPublishSources": ["microphone"],
        });
        self.token(identity, None, video, CHECK_LIFE_S, now).map(Secret::new)
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
        let failed = |reason: String| LiveKitError::of(call, reason);
        let video = json!({"roomCreate": true, "roomAdmin": true, "roomList": true, "room": room});
        let token = self.token("adjourn-backend", None, video, CALL_LIFE_S, now())?;
        let url = self.web(&format!("twirp/livekit.{service}/{call}")).map_err(failed)?;
        let response = self
            .http
            .post(url)
            .bearer_auth(token)
            .json(&body)
            .send()
            .await
            .map_err(|e| failed(format!("{}; is LIVEKIT_URL right?", with_causes(&e.without_url()))))?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|e| failed(e.without_url().to_string()));
        }
        let body = response.bytes().await.unwrap_or_default();
        Err(LiveKitError::refused(call, status, &body))
    }

    /// What time it is there, to the second.
    pub(crate) async fn clock(&self) -> Option<DateTime<Utc>> {
        let answer = self.http.get(self.web("").ok()?).send().await.ok()?;
        let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
        DateTime::parse_from_rfc2822(date).ok().map(|date| date.with_timezone(&Utc))
    }

    /// The web address of something below the server's.
    fn web(&self, path: &str) -> Result<Url, String> {
        let mut url = self.url.clone();
        let scheme = if matches!(url.scheme(), "wss" | "https") { "https" } else { "http" };
        url.set_scheme(scheme).map_err(|()| "its address is not a web address".to_owned())?;
        url.join(path).map_err(|error| error.to_string())
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
        self.call("CreateRoom", room, body).await.and_then(named)
    }

    /// Makes a room in which the way to the server is tried.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub(crate) async fn create_check_room(&self, room: &str) -> Result<(), LiveKitError> {
        // A room without any dispatch gets every agent that has no name: this one waits for an agent that there is not.
        let nobody = json!([{"agent_name": "adjourn-check"}]);
        let body = json!({
            "name": room, "empty_timeout": 30, "departure_timeout": 1, "max_participants": 8, "agents": nobody,
        });
        self.call("CreateRoom", room, body).await.and_then(named).map(drop)
    }

    /// Sends an interviewer into a room.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub async fn dispatch(&self, room: &str, agent_name: &str, metadata: &str) -> Result<(), LiveKitError> {
        let body = json!({"room": room, "agent_name": agent_name, "metadata": metadata});
        done(self.call_of(DISPATCHES, "CreateDispatch", room, body).await)
    }

    /// Who was sent into a room.
    async fn dispatches(&self, room: &str) -> Result<Vec<Dispatch>, LiveKitError> {
        let listed: Dispatches =
            self.call_of(DISPATCHES, "ListDispatch", room, json!({ "room": room })).await?;
        Ok(listed.agent_dispatches)
    }

    /// Ends the job of an interviewer in a room: its dispatch is deleted, and its worker is told.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached. One that is gone already is no error.
    pub(crate) async fn end_job(&self, room: &str, identity: &str) -> Result<(), LiveKitError> {
        let listed = self.dispatches(room).await?;
        for dispatch in listed.iter().filter(|dispatch| dispatch.sent(identity)) {
            let body = json!({"dispatch_id": dispatch.id, "room": room});
            gone(self.call_of(DISPATCHES, "DeleteDispatch", room, body).await)?;
        }
        Ok(())
    }

    /// Ids of the jobs that are, or were, in a room under that name, as far as LiveKit knows.
    ///
    /// # Errors
    /// LiveKit refused or can't be reached.
    pub(crate) async fn jobs_of(&self, room: &str, identity: &str) -> Result<Vec<String>, LiveKitError> {
        let listed = self.dispatches(room).await?;
        Ok(listed.iter().flat_map(|sent| sent.jobs_of(identity)).collect())
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
            .map_err(|e| LiveKitError::of("UpdateRoomMetadata", e.to_string()))?;
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

/// The id of a room that was made. Without one, whatever answered there is not LiveKit.
fn named(made: Room) -> Result<String, LiveKitError> {
    if made.sid.is_empty() {
        let reason = "the answer names no room; is LIVEKIT_URL right?".to_owned();
        return Err(LiveKitError::of("CreateRoom", reason));
    }
    Ok(made.sid)
}

/// An error with what caused it: reqwest's own text says no more than that sending failed.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What the room is called in which the way to an interview's server is tried.
pub(crate) fn check_room(id: &str) -> String {
    format!("{CHECK}{id}")
}

/// What a room is called that an operator's check makes.
pub(crate) fn setup_room(random: &str) -> String {
    format!("{SETUP}{random}")
}

/// Whether it is such a room.
pub(crate) fn is_setup_room(room: &str) -> bool {
    room.starts_with(SETUP)
}

/// Whether it is a room in which that is tried.
pub(crate) fn is_check_room(room: &str) -> bool {
    room.starts_with(CHECK)
}

/// Of an answer that says nothing.
fn done(answer: Result<IgnoredAny, LiveKitError>) -> Result<(), LiveKitError> {
    answer.map(drop)
}

/// The same of something that is to go: if it is gone already, that is done.
fn gone(answer: Result<IgnoredAny, LiveKitError>) -> Result<(), LiveKitError> {
    match answer {
        Err(error) if error.unknown => Ok(()),
        other => done(other),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn at(url: &str) -> Result<Url, String> {
        let secret = Secret::new("secret".to_owned());
        let url = url.parse().map_err(|error| format!("{error}"))?;
        LiveKit::new(url, "key".to_owned(), secret).map(|it| it.url).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_one_of_livekits_or_refused() {
        assert_eq!(at("wss://livekit.example.com").unwrap().as_str(), "wss://livekit.example.com/");
        assert_eq!(at("https://example.com/livekit").unwrap().as_str(), "https://example.com/livekit/");
        for other in ["localhost:7880", "livekit.example.com:443", "file:///x", "mailto:x", "ws://h/?a"] {
            let said = at(other).unwrap_err();
            assert!(
                said.contains(other) && said.contains("is not the address of a LiveKit server"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_refused_says_why_and_repeats_no_token() {
        let refused = |status, body: &str| LiveKitError::refused("CreateRoom", status, body.as_bytes());
        let wrong = refused(StatusCode::UNAUTHORIZED, "invalid token: eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl");
        assert!(!wrong.to_string().contains("eyJ"), "{wrong}");
        assert!(wrong.to_string().contains("LIVEKIT_API_SECRET"), "{wrong}");
        let gone =
            refused(StatusCode::NOT_FOUND, r#"{"code":"not_found","msg":"requested room does not exist"}"#);
        assert!(gone.unknown && gone.to_string().ends_with("not_found: requested room does not exist"));
        // A proxy's page is not LiveKit's word: the room may still be there.
        let page = refused(StatusCode::NOT_FOUND, "<html>not_found</html>");
        assert!(!page.unknown && page.to_string().contains("LIVEKIT_URL"), "{page}");
    }

    #[test]
    fn a_token_for_trying_the_way_hears_nothing_and_says_nothing_but_sound() {
        let url = "ws://127.0.0.1:1".parse().unwrap();
        let livekit =
            LiveKit::new(url, "devkey".to_owned(), Secret::new("a-secret-of-32-characters-or-more")).unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token = livekit.check_token(&check_room("id"), "check-1", now).unwrap();
        let claims = token.expose().split('.').nth(1).unwrap();
        let claims =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let grants = json!({
            "roomJoin": true, "room": "check-id", "canPublish": true, "canSubscribe": false,
            "canPublishData": false, "canPublishSources": ["microphone"],
        });
        assert_eq!(claims["video"], grants);
        assert_eq!(claims["exp"], 1_800_000_060);
        assert!(is_check_room("check-id") && !is_check_room("id"));
    }
}
