//! What was said survives a lost answer, a dead backend and a killed app.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adjourn_client::{Command, Message, RecordState, Screen, Snapshot};
use adjourn_protocol::InterviewState;
use adjourn_testbed::{ClientProcess, Interviewer, Pulse, Testbed, Worker};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(20);

/// Passes connections on to `backend`; the first answer is read there and never given back.
async fn losing_the_first_answer(backend: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&backend).await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                if count.load(Ordering::SeqCst) == 0 {
                    let (mut from, mut to) = (client.split(), server.split());
                    let mut answer = [0_u8; 16];
                    tokio::select! {
                        _ = tokio::io::copy(&mut from.0, &mut to.1) => {}
                        read = to.0.read(&mut answer) => { read.unwrap(); count.fetch_add(1, Ordering::SeqCst); }
                    }
                    client.shutdown().await.unwrap();
                } else {
                    // Ends when either side does.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    (format!("http://{address}"), lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_join_answer_is_asked_for_again_and_uses_the_code_once() {
    let testbed = Testbed::builder().start().await.unwrap();
    let pulse = Pulse::start(testbed.folder()).await.unwrap();
    let backend = &testbed.backend;
    let invitation = backend.invite("{}").await.unwrap();
    let (proxy, lost) = losing_the_first_answer(backend.url.trim_start_matches("http://").to_owned()).await;
    let code = invitation.link.split("code=").nth(1).unwrap();
    let link = format!("adjourn://join?server={proxy}&code={code}");
    let mut client =
        ClientProcess::start(&testbed.tools, &testbed.folder().join("client"), Some(&link), &pulse.server)
            .unwrap();
    client.wait("the device check", SOON, |s| s.microphone_open).await.unwrap();
    client.order(&Command::Join).await.unwrap();
    client.wait("the waiting room", SOON, |s| s.screen == Screen::Waiting).await.unwrap();
    assert_eq!(lost.load(Ordering::SeqCst), 1, "an answer was lost");
    assert_eq!(backend.status(&invitation.id).await.unwrap().attempt, 1);
}

/// The agent's instructions, which its session tells anybody who asks, are in no file: not in the client's journal, record,
/// trace and log, nor in the backend's. What was said is.
fn no_canary(folder: &std::path::Path) {
    let (mut folders, mut said) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
                assert!(!holds(b"CANARY-4f1c"), "the agent's instructions are in {}", path.display());
                if holds(b"welcome to your interview") {
                    said.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
    }
    assert!(said.iter().any(|name| name.starts_with("outbox.db")), "what was said is in {said:?} only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backend_down_then_app_killed_then_both_back_gives_one_receipt() {
    let Asked { data, invitation, mut testbed, _worker, pulse, mut client } = asked().await;
    testbed.backend.process.kill().await;
    client.order(&Command::End).await.unwrap();
    let saved = client
        .wait("\"saved\"", Duration::from_secs(25), |s| {
            s.completed.as_ref().is_some_and(|c| c.delivery == RecordState::Saved)
        })
        .await
        .unwrap();
    assert_eq!(saved.completed.unwrap().fate, Message::FateSaved);
    client.process.kill().await;
    no_canary(testbed.folder());

    testbed.backend.restart().await.unwrap();
    let mut again = ClientProcess::start(&testbed.tools, &data, None, &pulse.server).unwrap();
    let earlier = |s: &Snapshot| matches!(&s.notices[..], [Message::EarlierReceived { receipt }] if receipt.starts_with("R-"));
    again.wait("the receipt", Duration::from_secs(60), earlier).await.unwrap();
    let status = testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!(
        (status.records, status.outcome.map(|outcome| outcome.to_string()).as_deref()),
        (1, Some("ended by candidate"))
    );
    let record = String::from_utf8(testbed.backend.record(&invitation.id, 1).await.unwrap()).unwrap();
    assert!(record.contains("welcome to your interview"), "{record}");
    assert!(!record.contains("CANARY-4f1c"), "the agent's instructions are in the record");
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert!(record["room_sids"][0].as_str().is_some_and(|sid| sid.starts_with("RM_")), "{record}");
    assert!(record["interviewers"][0].as_str().is_some_and(|identity| !identity.is_empty()), "{record}");
    let timeline = record["timeline"].as_array().unwrap();
    let audio = timeline.iter().map(|entry| &entry["body"]).find(|body| body["what"] == "audio").unwrap();
    for counted in ["captured_frames", "played_samples"] {
        assert!(audio["detail"][counted].as_u64().is_some_and(|count| count > 0), "{audio}");
    }
    no_canary(testbed.folder());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_killed_in_mid_interview_comes_back_to_it_with_what_was_said() {
    let Asked { data, invitation, testbed, _worker, pulse, mut client } = asked().await;
    client.process.kill().await;

    // Started again without a link: it knows where it was.
    let mut again = ClientProcess::start(&testbed.tools, &data, None, &pulse.server).unwrap();
    let back = again
        .wait("the way back", SOON, |s| s.screen == Screen::Checking && s.microphone_open)
        .await
        .unwrap();
    assert_eq!(back.notices, [Message::Unfinished]);
    again.order(&Command::Join).await.unwrap();
    again.wait("the interview", Duration::from_secs(45), |s| s.screen == Screen::Interview).await.unwrap();
    again.order(&Command::End).await.unwrap();
    let received = |s: &adjourn_client::Snapshot| s.completed.as_ref().is_some_and(|c| c.receipt.is_some());
    again.wait("the receipt", SOON, received).await.unwrap();
    let status = testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!((status.records, status.attempt), (1, 1));
    let record = String::from_utf8(testbed.backend.record(&invitation.id, 1).await.unwrap()).unwrap();
    assert_eq!(record.matches("welcome to your interview").count(), 1, "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interview_goes_on_at_another_computer() {
    let Asked { data, invitation, testbed, _worker, pulse, mut client } = asked().await;
    let link = testbed.backend.command(&["code", &invitation.id]).await.unwrap();
    let other = data.with_file_name("other");
    let mut second = ClientProcess::start(&testbed.tools, &other, Some(link.trim()), &pulse.server).unwrap();
    second.wait("the device check", SOON, |s| s.microphone_open).await.unwrap();
    second.order(&Command::Join).await.unwrap();
    second.wait("the interview", SOON, |s| s.screen == Screen::Interview).await.unwrap();
    let received = |s: &adjourn_client::Snapshot| s.completed.as_ref().is_some_and(|c| c.receipt.is_some());
    // Since the second one is in the room, not since it shows so: 2 s are more than enough.
    let first = client.wait("the first one's end", Duration::from_secs(2), received).await.unwrap();
    assert_eq!(first.completed.unwrap().outcome.to_string(), "ended(continued elsewhere)");
    // The old code lets nobody in any more, and neither does the new one again.
    for link in [invitation.link.as_str(), link.trim()] {
        let again = adjourn_testbed::join(link, "ffffffffffffffffffffffffffffffff").await.unwrap_err();
        assert_eq!(again, adjourn_outbox::BackendError::CodeUsed);
    }
    let status = testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!((status.state, status.attempt), (InterviewState::Live, 2));

    second.order(&Command::End).await.unwrap();
    second.wait("the receipt", SOON, received).await.unwrap();
    let status = testbed.backend.status(&invitation.id).await.unwrap();
    assert_eq!((status.records, status.attempt), (2, 2));
    assert_eq!(status.outcome.map(|outcome| outcome.to_string()).as_deref(), Some("ended by candidate"));
    // Over: there is nothing to go on with.
    assert!(testbed.backend.command(&["code", &invitation.id]).await.is_err());
}

/// An interview whose first question was asked to its end: it is in the journal.
struct Asked {
    client: ClientProcess,
    pulse: Pulse,
    _worker: Worker,
    testbed: Testbed,
    invitation: adjourn_testbed::Invitation,
    data: std::path::PathBuf,
}

async fn asked() -> Asked {
    let testbed = Testbed::builder().start().await.unwrap();
    let pulse = Pulse::start(testbed.folder()).await.unwrap();
    let worker = testbed.worker(&Interviewer::plain("zombie", 1)).await.unwrap();
    let invitation = testbed.backend.invite("{}").await.unwrap();
    let data = testbed.folder().join("client");
    let mut client =
        ClientProcess::start(&testbed.tools, &data, Some(&invitation.link), &pulse.server).unwrap();
    client.wait("the device check", SOON, |s| s.microphone_open).await.unwrap();
    client.order(&Command::Join).await.unwrap();
    client.wait("the interview", Duration::from_secs(45), |s| s.screen == Screen::Interview).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(45);
    while worker.events().iter().filter(|e| e.state.as_deref() == Some("listening")).count() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "no question was asked");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Asked { client, pulse, _worker: worker, testbed, invitation, data }
}
