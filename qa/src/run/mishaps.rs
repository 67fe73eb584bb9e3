//! Steps that break (and mend) what lies between the client, its disk, its clock and the backend.

use std::time::Duration;

use adjourn_outbox::{BackendError, Outbox};
use anyhow::Context as _;
use serde_json::json;

use super::lab::Lab;
use super::steps::Played;
use crate::lab::{flip, look, tear, unix_now};
use crate::scenario::{Damage, Disk, Names, Step};

/// A process that ends by itself is gone within this.
const GONE: Duration = Duration::from_secs(10);

pub(super) async fn one(step: &Step, lab: &mut Lab, played: &mut Played) -> anyhow::Result<()> {
    match step {
        Step::Fault(faults) => lab.proxy.as_mut().context("no proxy")?.faults(faults.clone()).await,
        Step::Certificate(which) => lab.proxy.as_mut().context("no proxy")?.show(which).await,
        Step::Names(names) => lab.network.names(*names == Names::Alive),
        Step::WallClock(time) => lab.launch.clock.as_ref().context("no clock of its own")?.set(time),
        Step::Dismiss(how) => {
            lab.stub.as_ref().context("no stub before the server")?.dismiss(*how);
            Ok(())
        }
        Step::Roam => lab.network.roam().await,
        Step::Disk(state) => {
            let word = match state {
                Disk::Fine => "fine",
                Disk::Eio => "eio",
                Disk::Slow => "slow",
                Disk::Small | Disk::ReadOnly => {
                    anyhow::bail!("that is how a disk begins (`disk = …` of the row)")
                }
            };
            lab.launch.disk.as_ref().context("no disk of its own")?.order(word)
        }
        Step::FillDisk => lab.mount.as_ref().context("no small disk")?.fill(),
        Step::Damage(damage) => damaged(lab, *damage).await,
        Step::ForeignRecord => foreign_record(lab).await,
        Step::ForgedWebhook => {
            let status = lab.backend.forged_webhook(&lab.invitation.id).await?;
            if status != 401 {
                played.failures.push(format!("a webhook that nobody signed was answered with {status}"));
            }
            Ok(())
        }
        Step::RotateKey => lab.backend.command(&["rotate-key"]).await.map(drop),
        Step::CrashDatabase => lab.postgres.as_mut().context("no Postgres")?.crash().await,
        Step::RestartBackend { days } => lab.backend.restart_ahead(*days).await,
        Step::Passed { part, times } => {
            let proxy = lab.proxy.as_ref().context("no proxy")?;
            let came = || (proxy.passed().iter().filter(|p| p.part == *part).count() >= *times).then_some(());
            look(Duration::from_secs(60), came).await.with_context(|| format!("no {part:?} came through"))
        }
        Step::Panicked { within } => {
            let log = lab.folder.join("client.log");
            let failed =
                || std::fs::read_to_string(&log).is_ok_and(|t| t.contains("panicked")).then(unix_now);
            let at = look(Duration::from_secs_f64(*within), failed).await;
            played.panicked = Some(at.context("no part of the client failed")?);
            Ok(())
        }
        Step::ClientGone => {
            let limit = tokio::time::Instant::now() + GONE;
            while lab.client.running() {
                anyhow::ensure!(tokio::time::Instant::now() < limit, "the client does not end");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        }
        Step::RestartClient { days, link } => {
            if *days > 0 {
                lab.launch.clock.as_ref().context("no clock of its own")?.set(&format!("+{days}d"))?;
            }
            lab.restart_client(*link).await
        }
        Step::Saved { within } => {
            let limit = Duration::from_secs_f64(*within);
            lab.wait(limit, "\"saved\"", |seen| seen.saved_at.is_some()).await
        }
        Step::Waiting
        | Step::Interview
        | Step::Speech
        | Step::Connected
        | Step::Agent { .. }
        | Step::Gone
        | Step::AgentState { .. }
        | Step::Answer
        | Step::Say
        | Step::Said
        | Step::Churn(_)
        | Step::Clock(_)
        | Step::Signal { .. }
        | Step::Limit { .. }
        | Step::Pause(_)
        | Step::Stays(_)
        | Step::Cable(_)
        | Step::Relay(_)
        | Step::Signalling(_)
        | Step::Worker(_)
        | Step::Dispatch
        | Step::RestartServer
        | Step::Press(_)
        | Step::Api(_)
        | Step::Question { .. }
        | Step::Heard { .. }
        | Step::Actor { .. } => anyhow::bail!("{step:?} is no mishap"),
    }
}

async fn damaged(lab: &mut Lab, damage: Damage) -> anyhow::Result<()> {
    anyhow::ensure!(!lab.client.running(), "the client must be gone before its files are damaged");
    let data = &lab.launch.data;
    // Closing puts everything into the one file. (In the write-ahead log, what is damaged was never written,
    // by SQLite's own checksums.)
    let (outbox, _) = Outbox::open(data).await?;
    outbox.close().await;
    match damage {
        Damage::Torn => tear(data),
        // Only the record says this.
        Damage::BitFlip => flip(data, br#""source":"client""#),
        Damage::JournalFlip => flip(data, b"welcome to your interview"),
    }
}

/// Somebody else delivers other bytes first, with the client's own token.
async fn foreign_record(lab: &Lab) -> anyhow::Result<()> {
    let (outbox, _) = Outbox::open(&lab.launch.data).await?;
    let link = adjourn_outbox::JoinLink::parse(&lab.launch.link)?;
    let join = outbox.join_for(&link).await?;
    outbox.close().await;
    let granted = join.granted.context("nothing was granted yet")?;
    let direct = adjourn_outbox::Backend::new(&lab.backend.url.parse()?)?;
    let record = json!({
        "format": 1, "source": "client", "interview_id": granted.interview_id, "attempt": granted.attempt,
        "outcome": "ended by candidate", "transcript": [], "timeline": [],
    });
    let bytes = record.to_string().into_bytes();
    let sent = direct.deliver(&granted.interview_id, granted.attempt, &granted.client_token, bytes).await;
    sent.map(drop).map_err(|error: BackendError| anyhow::anyhow!("the other record was refused: {error}"))
}
