//! Where the record goes after the end screen, and whether its receipt is true.

use std::time::Duration;

use adjourn_client::RecordState;
use adjourn_outbox::{LONGEST_PAUSE, Outbox, verify};
use adjourn_protocol::{InviteLink, Source};
use anyhow::Context as _;

use super::bed::ScenarioBed;
use super::steps::{self, Played};
use super::{DELIVERED_LATER, SAVED, WATCH};
use crate::crash_test::client::AFTER_START_S;
use crate::scenario::{Button, Delivered, Scenario, Step};

/// Waits for what the scenario expects of the delivery; gives the time of the receipt.
pub(super) async fn follow(
    scenario: &Scenario,
    bed: &mut ScenarioBed,
    played: &mut Played,
    failures: &mut Vec<String>,
) -> Option<f64> {
    match carry(scenario, bed, played).await {
        Ok(()) => {}
        Err(error) => failures.push(format!("{error:#}")),
    }
    if scenario.expect.delivery == Delivered::Parked {
        if let Err(error) = kept(bed).await {
            failures.push(format!("{error:#}"));
        }
        return None;
    }
    let on_disk = scenario.expect.delivery != Delivered::FromMemory;
    let shown = bed.seen.borrow().receipt();
    let unshown = shown.is_none() && scenario.expect.delivery != Delivered::NextStart;
    let checked = if unshown { Ok(()) } else { check(bed, on_disk, shown).await };
    if let Err(error) = checked {
        failures.push(format!("{error:#}"));
    }
    if let Err(error) = confirmed(scenario, bed).await {
        failures.push(format!("{error:#}"));
    }
    bed.seen.borrow().received_at
}

/// What the agent's report confirms, the screen says too, where it said less.
async fn confirmed(scenario: &Scenario, bed: &mut ScenarioBed) -> anyhow::Result<()> {
    let Some(held) = scenario.expect.held.as_ref().filter(|held| held.confirmed) else { return Ok(()) };
    if scenario.expect.outcome == "finished" {
        return Ok(());
    }
    // Between two questions the client pauses at most so long.
    let limit = Duration::from_secs_f64(held.within) + LONGEST_PAUSE;
    bed.wait(limit, "\"confirmed\"", |seen| seen.completed.as_ref().is_some_and(|c| c.confirmed.is_some()))
        .await
}

async fn carry(scenario: &Scenario, bed: &mut ScenarioBed, played: &mut Played) -> anyhow::Result<()> {
    let mut limit = WATCH;
    match scenario.expect.delivery {
        Delivered::AtOnce | Delivered::FromMemory => {}
        Delivered::Later => {
            bed.wait(SAVED, "\"saved\"", |seen| seen.saved_at.is_some()).await?;
            limit = DELIVERED_LATER;
            if scenario.after.is_empty() {
                bed.mark("the backend is back");
                bed.backend.restart().await?;
            }
        }
        Delivered::NextStart => {
            if scenario.kill_on.is_some() {
                let status = bed.client.ended(WATCH).await?;
                anyhow::ensure!(!status.success(), "nobody killed the client");
                limit = Duration::from_secs_f64(AFTER_START_S);
            } else {
                bed.client.finished(Duration::from_secs(5)).await?;
                limit = DELIVERED_LATER;
            }
            // It may have been quicker than its own end: then nothing is left for the next start.
            let delivered = scenario.kill_on.is_none() && on_disk(bed).await?.1.is_some();
            if scenario.after.is_empty() {
                bed.mark("the client is started again");
                bed.restart_client(false).await?;
            }
            if delivered {
                bed.mark("it was delivered before the first one ended");
                return steps::go(&scenario.after, bed, played).await;
            }
        }
        Delivered::Parked => {
            steps::go(&scenario.after, bed, played).await?;
            bed.wait(WATCH, "\"parked\"", |seen| seen.parked_at.is_some()).await?;
            // And the candidate can hand it over himself.
            return steps::go(&[Step::Press(Button::SaveCopy)], bed, played).await;
        }
    }
    steps::go(&scenario.after, bed, played).await?;
    bed.wait(limit, "the receipt", |seen| seen.received_at.is_some()).await
}

/// A slow disk has the record and its receipt after this at the latest.
const WRITTEN: Duration = Duration::from_secs(30);

/// The record and its receipt on the client's own disk.
async fn stored(bed: &ScenarioBed) -> anyhow::Result<(Vec<u8>, Option<String>)> {
    let limit = tokio::time::Instant::now() + WRITTEN;
    loop {
        let found = on_disk(bed).await;
        let whole = matches!(found, Ok((_, Some(_))));
        let parked = bed.seen.borrow().completed.as_ref().is_some_and(|c| c.delivery == RecordState::Parked);
        if whole || parked || tokio::time::Instant::now() > limit {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn on_disk(bed: &ScenarioBed) -> anyhow::Result<(Vec<u8>, Option<String>)> {
    let outbox = Outbox::look(&bed.launch.data).await?;
    let stored = outbox.record_of(&InviteLink::parse(&bed.launch.link)?).await;
    outbox.close().await;
    stored?.context("the client's outbox has no record")
}

/// What was refused for good is still on the disk, and in the copy for the organiser.
async fn kept(bed: &ScenarioBed) -> anyhow::Result<()> {
    let (record, receipt) = stored(bed).await?;
    anyhow::ensure!(!record.is_empty() && receipt.is_none(), "what was refused was not kept");
    let copy = bed.launch.data.join(format!("adjourn-report-{}-1.json", bed.invitation.id));
    let copy: serde_json::Value = serde_json::from_slice(&std::fs::read(copy)?)?;
    anyhow::ensure!(copy["sha256"] == adjourn_protocol::sha256(&record), "the copy has another digest");
    let same = copy["report"].as_str().is_some_and(|report| report.as_bytes() == record);
    anyhow::ensure!(same, "the copy differs from the record");
    Ok(())
}

/// Checks the row at the backend and the receipt ourselves, and against the one that was shown.
async fn check(bed: &ScenarioBed, on_disk: bool, shown: Option<String>) -> anyhow::Result<()> {
    let held = bed.backend.record(&bed.invitation.id, 1).await.context("the record is not at the backend")?;
    if !on_disk {
        return Ok(());
    }
    let keys = bed.backend.keys().await?;
    let (own, jws) = stored(bed).await?;
    anyhow::ensure!(own == held, "the backend's record differs from the client's");
    let receipt = verify(&jws.context("the client's outbox has no receipt")?, &keys)?;
    receipt.matches(&bed.invitation.id, 1, &Source::Client, &held)?;
    anyhow::ensure!(shown.is_none_or(|s| s == receipt.claims.receipt_id), "another receipt number is shown");
    Ok(())
}
