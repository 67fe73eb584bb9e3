//! Joining LiveKit's own mock server, which misbehaves in every way that its authors thought of.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands; figures belong to it"
)]

use std::time::{Duration, Instant};

use adjourn_room::{LiveKitTransport, Refusal, Transport as _};
use adjourn_session::Policy;
use adjourn_testbed::{MockServer, Tools};

/// What the candidate is told of what the SDK says in some of these ways. In the others it says nothing: the machine
/// gives a join so long (`Policy::connect_limit`), and then says that the room does not answer.
const REFUSALS: [(&str, Refusal); 4] = [
    ("validate_500", Refusal::ServerFailed),
    ("validate_service_not_found", Refusal::NoSuchServer),
    ("room_not_found", Refusal::NoSuchRoom),
    ("close_before_join", Refusal::ClosedWhileJoining),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_in_which_a_server_can_misbehave_is_told_apart() {
    let tools = Tools::find().unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&tools.library)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::start(folder.path()).await.unwrap();
    let limit = Duration::from_millis(Policy::default().connect_limit);
    let joins = MockServer::MODES.map(|mode| {
        let (url, token) = (server.url.clone(), MockServer::token(mode).unwrap());
        tokio::spawn(async move {
            let began = Instant::now();
            let joined = tokio::time::timeout(limit, LiveKitTransport.connect(&url, &token)).await;
            let said = match joined {
                Ok(Ok(_)) => Some(Err("joined".to_owned())),
                Ok(Err(error)) => Some(Ok(error)),
                Err(_) => None,
            };
            (mode, said, began.elapsed().as_secs_f64())
        })
    });
    let mut problems = Vec::new();
    for join in joins {
        let (mode, said, took) = join.await.unwrap();
        println!("{mode} {took:.1} s: {said:?}");
        match (REFUSALS.iter().find(|(known, _)| *known == mode), &said) {
            (Some((_, refusal)), Some(Ok(error))) if error.refusal == *refusal => {}
            // It says nothing.
            (None, None) => {}
            _ => problems.push(format!("{mode}: {said:?}")),
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
