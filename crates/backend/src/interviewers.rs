//! One interviewer in a room (see `serving.rs`): who is one too many is sent away until it is gone, and in the place of one that
//! does not come back another one is called.

use std::collections::BTreeSet;
use std::time::Duration;

use adjourn_protocol::DispatchMetadata;
use chrono::{DateTime, Utc};
use sqlx::{Any, Executor, Row as _};
use tracing::Instrument as _;

use crate::api_error::ApiError;
use crate::interview_span::of_interview;
use crate::livekit::{LiveKitError, Participant};
use crate::serving::{AWAITED, Presence, Seen};
use crate::state::App;
use crate::store::now;
use crate::tokens::Holder;
use crate::{lifecycle_store, sent_away};

/// From one look at LiveKit to the next, for an interviewer that is to go or to come back.
const LOOK: Duration = Duration::from_millis(300);
/// So often one is put out at once; then by the reconciler.
const TRIES: u32 = 10;

/// The name under which an interview's interviewer is dispatched, if it has one. Of an interview that is not there it is none as
/// well: who asks changes that interview's row besides, and finds none.
pub(crate) async fn wanted<'e>(
    of: impl Executor<'e, Database = Any>,
    id: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT agent_name FROM interviews WHERE id = $1").bind(id).fetch_optional(of);
    row.await?.map_or(Ok(None), |row| row.try_get("agent_name"))
}

/// What an interviewer is sent with: for which interview, and how it reports. `replaces`: the identity of the one in whose place it
/// is sent.
pub(crate) async fn dispatched_with(
    app: &App,
    id: &str,
    attempt: i64,
    replaces: Option<&str>,
    now: DateTime<Utc>,
) -> Result<String, ApiError> {
    let history = format!("v1/interviews/{id}/attempts/{attempt}/history");
    let history_url = replaces.map(|_| app.public_url.join(&history)).transpose();
    let metadata = DispatchMetadata {
        attempt,
        interview_id: id.to_owned(),
        report_token: app.tokens.make(id, attempt, Holder::Agent, now).await?,
        report_url: app.public_url.clone(),
        replaces: replaces.map(str::to_owned),
        history_url: history_url.map_err(|error| {
            tracing::error!(%error, "an interview's history has no address");
            ApiError::unavailable()
        })?,
    };
    serde_json::to_string(&metadata).map_err(|error| {
        tracing::error!(%error, "an interviewer's metadata can't be written");
        ApiError::unavailable()
    })
}

/// Sends one away, in the background: it has begun to greet the candidate. What this process does not come to, the reconciler does.
pub(crate) fn send_away(app: &App, room: String, identity: String) {
    let (app, span) = (app.clone(), of_interview(&room));
    let sending = async move {
        for _ in 0..TRIES {
            if put_out(&app, &room, &identity).await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::spawn(sending.instrument(span));
}

/// Puts one out of the room. Gives whether it is out, and noted to be.
pub(crate) async fn put_out(app: &App, room: &str, identity: &str) -> bool {
    if let Err(error) = app.livekit.remove_participant(room, identity).await {
        tracing::warn!(%error, "a second interviewer could not be sent away");
        return false;
    }
    sent_away::gone(&app.store, room, identity)
        .await
        .inspect_err(|error| tracing::warn!(%error, "who was sent away could not be noted"))
        .is_ok()
}

/// Looks after the one that is awaited, once its time is over. If this process ends before, the reconciler does it.
pub(crate) fn look_later(app: &App, id: String) {
    let (app, span) = (app.clone(), of_interview(&id));
    let wait = AWAITED.to_std().unwrap_or_default() + LOOK;
    let looking = async move {
        tokio::time::sleep(wait).await;
        give_up_or_say(&app, &id).await;
    };
    tokio::spawn(looking.instrument(span));
}

/// Calls another interviewer, if the earlier one is not back. What fails is left to the next round.
pub(crate) async fn give_up_or_say(app: &App, id: &str) {
    if let Err(error) = give_up(app, id).await {
        tracing::warn!(%error, "an interviewer that did not come back is looked after in the next round");
    }
}

/// Calls another interviewer, if the earlier one is not back. LiveKit is asked first: its word that it is back may have been
/// lost. Under the row's lock: one replica does.
async fn give_up(app: &App, id: &str) -> Result<(), sqlx::Error> {
    let listed: Vec<Presence> = match app.livekit.participants(id).await {
        Ok(listed) => listed.iter().filter(|who| who.is_agent()).map(Participant::presence).collect(),
        Err(error) => {
            tracing::warn!(%error, "whether an interviewer is back is not known yet");
            return Ok(());
        }
    };
    let at = now();
    let called = lifecycle_store::change(&app.store, id, at, |lifecycle| {
        if let Some(back) = lifecycle.serving.returned(&listed) {
            lifecycle.interviewer_came(back, at);
        }
        lifecycle.gives_up_waiting(at).then(|| (lifecycle.attempt, lifecycle.serving.given_up.clone()))
    });
    let Some(Some((attempt, given_up))) = called.await? else { return Ok(()) };
    if call(app, id, attempt, given_up.as_deref(), at).await {
        lifecycle_store::change(&app.store, id, now(), |lifecycle| {
            if lifecycle.attempt == attempt {
                lifecycle.serving.another_was_called();
            }
        })
        .await?;
    }
    Ok(())
}

/// Looks into a room. `sent_away`: who serves nobody there.
pub(crate) async fn seen_in(
    app: &App,
    id: &str,
    agent_name: Option<&str>,
    sent_away: &BTreeSet<String>,
) -> Result<Seen, LiveKitError> {
    let there = app.livekit.participants(id).await?;
    let (out, there): (Vec<_>, Vec<_>) = there.into_iter().partition(|who| sent_away.contains(&who.identity));
    Ok(Seen {
        agent: there.iter().any(Participant::is_agent),
        interviewer: there.iter().find(|who| who.interviews(agent_name)).map(Participant::presence),
        sids: there.iter().map(|who| who.sid.clone()).collect(),
        out: out.into_iter().map(|who| who.identity).collect(),
    })
}

/// Calls another interviewer into a room whose own did not come back. Gives whether LiveKit took it.
pub(crate) async fn call(
    app: &App,
    id: &str,
    attempt: i64,
    replaces: Option<&str>,
    now: DateTime<Utc>,
) -> bool {
    let called = async {
        let row = lifecycle_store::row(&app.store, id).await?;
        let agent_name: Option<String> = row.try_get("agent_name")?;
        let metadata = dispatched_with(app, id, attempt, replaces, now).await?;
        let name = agent_name.unwrap_or_default();
        app.livekit.dispatch(id, &name, &metadata).await.map_err(|error| {
            tracing::error!(%error, "another interviewer could not be called");
            ApiError::unavailable()
        })
    };
    let called: Result<(), ApiError> = called.await;
    called
        .inspect_err(|refusal| {
            tracing::warn!(code = refusal.code.as_str(), "an interviewer is not replaced yet")
        })
        .is_ok()
}
