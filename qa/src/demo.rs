//! The whole interview without a window: real server, backend and interviewer, a file as microphone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adjourn_client::{Catalogue, RecordState, Screen, Snapshot};
use anyhow::Context as _;
use serde::Serialize;

use adjourn_testbed::{BackendOptions, Child, Interviewer, Invitation, Testbed, Tools, Worker};

/// Longest the interview may take: three questions and their answers take under a minute.
const LIMIT: Duration = Duration::from_secs(240);

/// The demo's line.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    outcome: String,
    delivery: &'static str,
    receipt: Option<String>,
    transcript_agent_items: usize,
    transcript_user_items: usize,
    seconds: f64,
    /// Files for `adjourn-cli verify`.
    receipt_file: PathBuf,
    keys_file: PathBuf,
    record_file: PathBuf,
}

/// What an interview needs besides the client.
struct Servers {
    _worker: Worker,
    testbed: Testbed,
    invitation: Invitation,
}

async fn servers(folder: &Path, program: Option<PathBuf>, say: &impl Fn(&str)) -> anyhow::Result<Servers> {
    say("starting livekit-server, backend and interviewer");
    let options = BackendOptions { program, ..BackendOptions::default() };
    let testbed = Testbed::builder().folder(folder).backend(options).start().await?;
    let _worker = testbed.worker(&Interviewer::plain("zombie", 99)).await?;
    let invitation = testbed.backend.invite("{}").await?;
    Ok(Servers { _worker, testbed, invitation })
}

/// Opens the window with a link filled in, and ends everything when it is closed.
///
/// # Errors
/// A part does not start.
pub async fn window(folder: PathBuf, program: Option<PathBuf>, say: impl Fn(&str)) -> anyhow::Result<()> {
    let Servers { testbed, invitation, _worker } = &servers(&folder, program, &say).await?;
    let mut command = testbed.network.client_command(&Tools::binary("adjourn")?);
    command.args(["--join", &invitation.link]).arg("--data").arg(folder.join("client"));
    command.env("ADJOURN_LIVEKIT_LIBRARY", &testbed.tools.library);
    say("the window is open; close it (or press Ctrl-C) to end the demo");
    let mut app = Child::start("adjourn", &mut command, &folder.join("client.log"))?;
    app.finished(Duration::from_secs(24 * 3600)).await.context("see client.log in the demo's folder")
}

/// Runs the demo; everything it leaves behind is in `folder`.
///
/// # Errors
/// A part does not start, or the interview does not come to its end.
pub async fn headless(
    folder: PathBuf,
    program: Option<PathBuf>,
    say: impl Fn(&str),
) -> anyhow::Result<DemoReport> {
    let Servers { testbed, invitation, _worker } = &servers(&folder, program, &say).await?;
    say("the interview begins; it takes about a minute");
    let began = Instant::now();
    let mut command = testbed.network.client_command(&Tools::binary("adjourn-cli")?);
    command
        .args(["headless", "--join", "--until-delivered", "--link", &invitation.link, "--microphone"])
        .arg(testbed.tools.interviewers().join("speech/answer.wav"))
        .arg("--data")
        .arg(folder.join("client"))
        .env("ADJOURN_LIVEKIT_LIBRARY", &testbed.tools.library);
    let (mut client, input, mut lines) =
        Child::start_talking("the client", &mut command, &folder.join("client.log"))?;
    let mut last: Option<Snapshot> = None;
    let mut screen = None;
    let read = async {
        while let Some(line) = lines.next_line().await? {
            let snapshot: Snapshot = serde_json::from_str(&line)?;
            if screen != Some(snapshot.screen) {
                screen = Some(snapshot.screen);
                say(match snapshot.screen {
                    Screen::Start | Screen::Seat | Screen::ConfirmHost | Screen::Checking => "device check",
                    Screen::Joining => "joining",
                    Screen::Waiting => "waiting for the interviewer",
                    Screen::Interview => "interview",
                    Screen::WrappingUp => "wrapping up",
                    Screen::Completed => "completed",
                });
            }
            last = Some(snapshot);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LIMIT, read).await.context("the interview did not end")??;
    drop(input);
    // How it went is in what it showed.
    client.ended(Duration::from_secs(5)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let last = last.context("the client showed nothing")?;
    let completed = last.completed.with_context(|| {
        let problem = last.problem.map(|problem| Catalogue::english().text(&problem));
        format!("the interview did not come to its end: {}", problem.unwrap_or_default())
    })?;
    let record = testbed.backend.record(&invitation.id, 1).await?;
    let parsed: adjourn_protocol::Record = serde_json::from_slice(&record)?;
    let count = |role| parsed.transcript.iter().filter(|item| item.role == role).count();
    let (receipt_file, keys_file, record_file) =
        (folder.join("receipt.jws"), folder.join("receipt-keys.json"), folder.join("record.json"));
    let outbox = adjourn_outbox::Outbox::look(&folder.join("client")).await?;
    let link = adjourn_protocol::InviteLink::parse(&invitation.link)?;
    let jws = outbox.record_of(&link).await?.and_then(|(_, jws)| jws).unwrap_or_default();
    outbox.close().await;
    std::fs::write(&receipt_file, jws)?;
    std::fs::write(&keys_file, serde_json::to_vec(&testbed.backend.keys().await?)?)?;
    std::fs::write(&record_file, &record)?;
    Ok(DemoReport {
        outcome: completed.outcome.to_string(),
        delivery: if completed.delivery == RecordState::Received {
            "delivered"
        } else {
            completed.delivery.as_str()
        },
        receipt: completed.receipt,
        transcript_agent_items: count(adjourn_session::Role::Interviewer),
        transcript_user_items: count(adjourn_session::Role::Candidate),
        seconds: (seconds * 100.0).round() / 100.0,
        receipt_file,
        keys_file,
        record_file,
    })
}
