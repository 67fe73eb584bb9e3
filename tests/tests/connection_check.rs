//! The way to the room, tried before the interview, on real parts: nobody is called, nothing begins, and what is in the way is seen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::time::{Duration, Instant};

use adjourn_outbox::{Backend, BackendError};
use adjourn_protocol::{CheckAnswer, CheckRequest, InterviewState, InviteLink, Invited, Secret};
use adjourn_room::{LiveKitTransport, Transport as _, Way};
use adjourn_testbed::{Interviewer, Invitation, Network, Testbed, join};
use serde_json::json;

/// An agent that has no name: LiveKit sends it into every room for which nobody else is asked.
const NAMELESS: &str = r#"
import json, os, time
from livekit.agents import AgentServer, JobContext, cli

server = AgentServer(load_fnc=lambda *_: 0.0, num_idle_processes=1, host="127.0.0.1", port=0)

@server.rtc_session()
async def interview(ctx: JobContext) -> None:
    line = {"at": time.time(), "event": "item", "pid": os.getpid(), "text": ctx.room.name}
    with open(os.environ["ADJOURN_AGENT_LOG"], "a") as file:
        file.write(json.dumps(line) + "\n")
    await ctx.connect()

if __name__ == "__main__":
    cli.run_app(server)
"#;

const JOIN_ID: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_is_tried_where_nobody_is_and_nothing_begins() {
    let testbed = Testbed::builder().start().await.unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&testbed.tools.library)).unwrap();
    let script = testbed.folder().join("nameless.py");
    std::fs::write(&script, NAMELESS).unwrap();
    let nameless = Interviewer { script: Some(script), ..Interviewer::plain("zombie", 1) };
    let worker = testbed.worker(&nameless).await.unwrap();

    let about = [
        "--title",
        "A talk",
        "--organiser",
        "Example Ltd.",
        "--contact",
        "jobs@example.com",
        "--language",
        "de",
    ];
    let created = testbed.backend.command(&[&["invite", "--json"], &about[..]].concat()).await.unwrap();
    let invitation: Invitation = serde_json::from_str(&created).unwrap();
    let link = InviteLink::parse(&invitation.link).unwrap();
    let backend = Backend::new(&link.server).unwrap();
    let request = CheckRequest { code: link.code.clone() };
    let CheckAnswer { livekit, invited } = backend.check(&request).await.unwrap();
    let room = livekit.unwrap();
    // Who asks is told to what.
    let wanted = Invited {
        title: "A talk".to_owned(),
        organiser: Some("Example Ltd.".to_owned()),
        contact: Some("jobs@example.com".to_owned()),
        language: "de".to_owned(),
        max_minutes: 30,
        begun: false,
    };
    assert_eq!(invited, Some(wanted));
    let found = LiveKitTransport.try_link(&room.url, room.token.expose()).await.unwrap();
    assert_eq!(found.way, Some(Way::Udp), "{found:?}");
    // How good it is, is the machine's affair.
    assert!(found.round_trip.is_some() && found.sent_lost.is_some(), "{found:?}");

    // Asked for again it is the same room, which is gone soon after the last one left.
    assert_eq!(backend.check(&request).await.unwrap().livekit.unwrap().room, room.room);
    let everything = json!({});
    let listed = async || {
        testbed.livekit.call(&Network::Loopback, "RoomService/ListRooms", &everything).await.unwrap()
    };
    let until = Instant::now() + Duration::from_secs(60);
    while listed().await.to_string().contains(&room.room) {
        assert!(Instant::now() < until, "the room of a check stays");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    // Nothing began.
    let status = testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!((status.state, status.attempt), (InterviewState::Scheduled, 0));
    // The agent without a name is there, and was not called; into a room for which nobody is asked it is.
    let other = json!({ "name": "somebody-elses" });
    testbed.livekit.call(&Network::Loopback, "RoomService/CreateRoom", &other).await.unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while worker.events().is_empty() {
        assert!(Instant::now() < until, "the agent is never called");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let called: Vec<_> = worker.events().into_iter().filter_map(|event| event.text).collect();
    assert_eq!(called, ["somebody-elses"]);

    // A code that is not known opens nothing, and one of an interview that is over neither.
    let wrong = CheckRequest { code: Secret::new("BBBB-2222") };
    assert!(matches!(backend.check(&wrong).await, Err(BackendError::UnknownCode { .. })));
    let joined = join(&invitation.link, JOIN_ID).await.unwrap();
    assert_eq!(joined.interview.attempt, 1, "a check is no attempt");
    testbed.backend.end(&invitation.id).await.unwrap();
    assert_eq!(backend.check(&request).await.unwrap_err(), BackendError::NotOpen);
}
