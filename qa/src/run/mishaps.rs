//! Steps that break (and mend) what lies between the client, its disk, its clock and the backend.

use std::time::Duration;

use adjourn_outbox::{BackendError, Outbox};
use anyhow::Context as _;
use serde_json::json;

use super::bed::ScenarioBed;
use super::steps::Played;
use crate::scenario::{Damage, Disk};
use adjourn_testbed::fault_proxy::Part;
use adjourn_testbed::{flip, look, tear, unix_now};

pub(super) fn disk(bed: &ScenarioBed, state: Disk) -> anyhow::Result<()> {
    let word = match state {
        Disk::Fine => "fine",
        Disk::Eio => "eio",
        Disk::Slow => "slow",
        Disk::Small | Disk::ReadOnly => {
            anyhow::bail!("that is how a disk begins (`disk = …` of the scenario)")
        }
    };
    bed.launch.disk.as_ref().context("no disk of its own")?.order(word)
}

pub(super) async fn forged_webhook(bed: &ScenarioBed, played: &mut Played) -> anyhow::Result<()> {
    let status = bed.backend.forged_webhook(&bed.invitation.id).await?;
    if status != 401 {
        played.failures.push(format!("a webhook that nobody signed was answered with {status}"));
    }
    Ok(())
}

pub(super) async fn passed(bed: &ScenarioBed, part: Part, times: usize) -> anyhow::Result<()> {
    let proxy = bed.proxy.as_ref().context("no proxy")?;
    let came = || (proxy.passed().iter().filter(|p| p.part == part).count() >= times).then_some(());
    look(Duration::from_secs(60), came).await.with_context(|| format!("no {part:?} came through"))
}

pub(super) async fn panicked(bed: &ScenarioBed, played: &mut Played, within: Duration) -> anyhow::Result<()> {
    let log = bed.folder.join("client.log");
    // It happened after the last look at which it had not: seconds that count from there are too many, never too few.
    let mut before = unix_now();
    let failed = || {
        let now = unix_now();
        let at = std::mem::replace(&mut before, now);
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("panicked")).then_some(at)
    };
    played.panicked = Some(look(within, failed).await.context("no part of the client failed")?);
    Ok(())
}

pub(super) async fn restart_client(bed: &mut ScenarioBed, days: u32, link: bool) -> anyhow::Result<()> {
    if days > 0 {
        bed.launch.clock.as_ref().context("no clock of its own")?.set(&format!("+{days}d"))?;
    }
    bed.restart_client(link).await
}

pub(super) async fn damaged(bed: &mut ScenarioBed, damage: Damage) -> anyhow::Result<()> {
    anyhow::ensure!(!bed.client.running(), "the client must be gone before its files are damaged");
    let data = &bed.launch.data;
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
pub(super) async fn foreign_record(bed: &ScenarioBed) -> anyhow::Result<()> {
    let outbox = Outbox::look(&bed.launch.data).await?;
    let link = adjourn_protocol::InviteLink::parse(&bed.launch.link)?;
    let join = outbox.join_for(&link).await?;
    outbox.close().await;
    let granted = join.granted.context("nothing was granted yet")?;
    let direct = adjourn_outbox::Backend::new(&bed.backend.url.parse()?)?;
    let record = json!({
        "format": 1, "source": "client", "interview_id": granted.interview_id, "attempt": granted.attempt,
        "outcome": "ended by candidate", "transcript": [], "timeline": [],
    });
    let bytes = record.to_string().into_bytes();
    let sent = direct.deliver(&granted.interview_id, granted.attempt, &granted.client_token, bytes).await;
    sent.map(drop).map_err(|error: BackendError| anyhow::anyhow!("the other record was refused: {error}"))
}
