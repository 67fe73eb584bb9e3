//! Joining LiveKit's own mock server, which misbehaves in every way that its authors thought of.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands; figures belong to it"
)]

use std::time::{Duration, Instant};

use adjourn_client::words;
use adjourn_qa::lab::{MockServer, Tools};
use adjourn_room::{Live, Transport as _};
use adjourn_session::Policy;

/// What the candidate is told of what the SDK says in some of these ways. In the others it says nothing: the machine
/// gives a join so long (`Policy::connect_limit`), and then says that the room does not answer.
const SENTENCES: [(&str, &str); 4] = [
    ("validate_500", "The interview room's server has a problem"),
    ("validate_service_not_found", "There is no interview room at the address"),
    ("room_not_found", "The interview room is not open"),
    ("close_before_join", "The interview room's server closed the connection"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_in_which_a_server_can_misbehave_is_one_true_sentence() {
    let tools = Tools::find().unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&tools.library)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::start(folder.path()).await.unwrap();
    let limit = Duration::from_millis(Policy::default().connect_limit);
    let joins = MockServer::MODES.map(|mode| {
        let (url, token) = (server.url.clone(), MockServer::token(mode).unwrap());
        tokio::spawn(async move {
            let began = Instant::now();
            let joined = tokio::time::timeout(limit, Live.connect(&url, &token)).await;
            let said = match joined {
                Ok(Ok(_)) => "joined".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            (mode, said, began.elapsed().as_secs_f64())
        })
    });
    let mut problems = Vec::new();
    for join in joins {
        let (mode, said, took) = join.await.unwrap();
        let sentence = words::no_room(&said);
        println!("{mode} {took:.1} s: {said}\n    {sentence}");
        match SENTENCES.iter().find(|(known, _)| *known == mode) {
            Some((_, begins)) if sentence.starts_with(begins) => {}
            None if said == "no answer" => {}
            Some(_) | None => problems.push(format!("{mode}: {said} is told as: {sentence}")),
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
