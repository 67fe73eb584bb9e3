//! An interview without a voice: what is typed is a turn like one that is spoken. Real client, backend, server and interviewer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::time::Duration;

use adjourn_client::{Command, InterviewerState, Screen, Snapshot};
use adjourn_session::Role;
use adjourn_testbed::{ClientProcess, Interviewer, Pulse, Testbed};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interview_can_be_held_without_a_word_being_spoken() {
    let testbed = Testbed::builder().start().await.unwrap();
    let pulse = Pulse::start(testbed.folder()).await.unwrap();
    let worker = testbed.worker(&Interviewer::plain("zombie", 2)).await.unwrap();
    let invitation = testbed.backend.invite(r#"{"typing": true}"#).await.unwrap();
    let data = testbed.folder().join("client");
    let mut client =
        ClientProcess::start(&testbed.tools, &data, Some(&invitation.link), &pulse.server).unwrap();
    client
        .wait("the device check", SOON, |s| s.screen == Screen::Checking && s.microphone_open)
        .await
        .unwrap();
    client.order(&Command::Join).await.unwrap();
    let answers = ["I wrote the scheduler.", "I looked after it for two years."];
    for (asked, answer) in (1..).zip(answers) {
        let my_turn = |s: &Snapshot| {
            // (What is said of the microphone is another thing: it gives no sound.)
            let listens = s.interviewer == InterviewerState::Listening;
            let questions = s.captions.iter().filter(|c| c.speaker == Role::Interviewer && c.done).count();
            s.typing.is_some() && listens && questions >= asked
        };
        client.wait("the candidate's turn", SOON, my_turn).await.unwrap();
        client.order(&Command::Type { text: answer.to_owned() }).await.unwrap();
    }
    let received = |s: &Snapshot| s.completed.as_ref().is_some_and(|end| end.receipt.is_some());
    let end = client.wait("the receipt", SOON * 2, received).await.unwrap().completed.unwrap();
    assert_eq!(end.outcome.to_string(), "finished");
    // The interviewer's session took them as turns, and nothing else was said to it.
    let told: Vec<_> = worker
        .events()
        .into_iter()
        .filter(|e| e.role.as_deref() == Some("user"))
        .filter_map(|e| e.text)
        .collect();
    assert_eq!(told, answers);
    // And so they stand, once each, in what the organiser reads.
    let transcript = testbed.backend.transcript(&invitation.id).await.unwrap();
    let text = serde_json::to_string(&transcript.items).unwrap();
    for answer in answers {
        assert_eq!(text.matches(answer).count(), 1, "{text}");
    }
}
