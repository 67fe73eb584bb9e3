//! What the window costs: how long it takes to open, and time of the cores and memory in a call, beside LiveKit's own web client in
//! Chromium: the same server, the same interviewer, in turn.
//!
//! The window is the real one, in a real webview on a screen without a graphics card, and the browser's window is on such a screen while
//! its opening is timed. In the call the browser has no screen at all, which costs it less than a person's would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adjourn_testbed::{Pulse, Testbed, Window, WindowOptions, opening_window};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::audio_bench::{Sides, Spread, scenario, usage};
use super::baseline;
use super::bed::ScenarioBed;
use super::subject::Subject;

/// The interview is to have begun within this.
const BEGINS: Duration = Duration::from_secs(60);
/// Everything has been loaded and drawn by then.
const SETTLES: Duration = Duration::from_secs(15);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Times that each is opened.
    pub openings: usize,
    /// Rounds of calls of ours, peer's, peer's, ours.
    pub rounds: usize,
    /// Seconds of each call that are measured.
    pub seconds: u64,
    /// The peer as well.
    pub peer: bool,
    /// Folder of the results.
    pub out: PathBuf,
}

/// Everything, as it is in `app.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppBench {
    /// Times that each was opened.
    pub openings: usize,
    /// Calls of each side.
    pub calls: usize,
    /// From the program's start until the first screen can be used, in milliseconds.
    pub start_ms: Sides<Spread>,
    /// Of one core, in a call in which nobody speaks.
    pub cpu_percent: Sides<f64>,
    /// Of that, the process that draws our page.
    pub page_cpu_percent: f64,
    /// Memory of the process tree; pages of files once.
    pub footprint_mib: Sides<f64>,
}

/// One call.
struct Call {
    ours: bool,
    cpu_percent: f64,
    page_cpu_percent: f64,
    footprint_mib: f64,
}

/// Measures, and writes `app.json`.
///
/// # Errors
/// The testbed fails.
pub async fn run(options: &Options) -> anyhow::Result<AppBench> {
    std::fs::create_dir_all(&options.out)?;
    let out = std::path::absolute(&options.out)?;
    let order: &[bool] = if options.peer { &[true, false, false, true] } else { &[true] };
    let mut opened: BTreeMap<bool, Vec<f64>> = BTreeMap::new();
    for n in 0..options.openings {
        for ours in order.iter().copied().take(2) {
            let folder = out.join(format!("open-{n}-{}", if ours { "ours" } else { "peer" }));
            std::fs::create_dir_all(&folder)?;
            let ms = if ours { our_opening(&folder).await? } else { baseline::opening_ms(&folder).await? };
            opened.entry(ours).or_default().push(ms);
        }
    }
    let mut calls = Vec::new();
    for round in 0..options.rounds {
        for (n, ours) in order.iter().copied().enumerate() {
            tracing::info!(ours, round, "measuring a call");
            let folder = out.join(format!("call-{}", round * order.len() + n));
            std::fs::create_dir_all(&folder)?;
            let call =
                if ours { our_call(options, &folder).await } else { peers_call(options, &folder).await };
            calls.push(
                call.with_context(|| format!("round {round}, {}", if ours { "ours" } else { "peer" }))?,
            );
        }
    }
    let bench = AppBench::of(options, &mut opened, &calls)?;
    std::fs::write(out.join("app.json"), serde_json::to_vec_pretty(&bench)?)?;
    Ok(bench)
}

impl AppBench {
    fn of(options: &Options, opened: &mut BTreeMap<bool, Vec<f64>>, calls: &[Call]) -> anyhow::Result<Self> {
        let mut start = |ours: bool| Spread::of(opened.remove(&ours).unwrap_or_default());
        let start_ms = Sides { ours: start(true)?, peer: options.peer.then(|| start(false)).transpose()? };
        let side = |ours: bool| calls.iter().filter(move |call| call.ours == ours);
        let mean = |ours: bool, value: fn(&Call) -> f64| {
            side(ours).map(value).sum::<f64>() / side(ours).count().max(1) as f64
        };
        let sides = |value: fn(&Call) -> f64| Sides {
            ours: mean(true, value),
            peer: options.peer.then(|| mean(false, value)),
        };
        Ok(Self {
            openings: options.openings,
            calls: side(true).count(),
            start_ms,
            cpu_percent: sides(|call| call.cpu_percent),
            page_cpu_percent: mean(true, |call| call.page_cpu_percent),
            footprint_mib: sides(|call| call.footprint_mib),
        })
    }
}

async fn our_opening(folder: &Path) -> anyhow::Result<f64> {
    Ok(opening_window(folder).await?.as_secs_f64() * 1_000.0)
}

/// A call of our window, in which the interviewer listens and nobody speaks.
async fn our_call(options: &Options, folder: &Path) -> anyhow::Result<Call> {
    let testbed = Testbed::builder().folder(folder).start().await?;
    let pulse = Pulse::start(folder).await?;
    let silent = scenario("audio-one-way", true)?.interviewer.context("no interviewer")?;
    let _worker = testbed.worker(&silent).await?;
    let invitation = testbed.backend.invite("{}").await?;
    let opened = WindowOptions::default();
    let window = Window::open(&testbed.tools, folder, &invitation.link, &pulse, &opened).await?;
    window.wait_screen("interview", BEGINS).await?;
    let roots = usage::running(window.driver(), "adjourn");
    let pages =
        || roots.iter().flat_map(|root| usage::running(*root, "WebKitWebProcess")).collect::<Vec<_>>();
    let call = measured(options, true, &roots, &pages()).await;
    window.close().await;
    call
}

async fn peers_call(options: &Options, folder: &Path) -> anyhow::Result<Call> {
    let silent = scenario("audio-one-way", true)?;
    let mut bed = ScenarioBed::start(&silent, folder, 1, Subject::Baseline).await?;
    bed.wait(BEGINS, "the interview", |seen| seen.now.interview).await?;
    let roots = usage::running(bed.client.pid(), "chromium");
    measured(options, false, &roots, &[]).await
}

async fn measured(options: &Options, ours: bool, roots: &[i32], pages: &[i32]) -> anyhow::Result<Call> {
    anyhow::ensure!(!roots.is_empty(), "no process of the client was found");
    anyhow::ensure!(!ours || !pages.is_empty(), "no process of the page was found");
    tokio::time::sleep(SETTLES).await;
    let (began, cpu, page) = (Instant::now(), usage::cpu_s(roots), usage::cpu_s(pages));
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let percent = |used: f64| used / began.elapsed().as_secs_f64() * 100.0;
    Ok(Call {
        ours,
        cpu_percent: percent(usage::cpu_s(roots) - cpu),
        page_cpu_percent: percent(usage::cpu_s(pages) - page),
        footprint_mib: usage::footprint_mib(roots),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_the_mean_of_its_calls() {
        let call = |ours, cpu_percent, footprint_mib| Call {
            ours,
            cpu_percent,
            page_cpu_percent: 2.0,
            footprint_mib,
        };
        let calls = [
            call(true, 10.0, 200.0),
            call(false, 20.0, 500.0),
            call(false, 22.0, 520.0),
            call(true, 12.0, 220.0),
        ];
        let options =
            Options { openings: 1, rounds: 1, seconds: 1, peer: true, out: PathBuf::from("nowhere") };
        let mut opened = BTreeMap::from([(true, vec![700.0]), (false, vec![900.0])]);
        let bench = AppBench::of(&options, &mut opened, &calls).unwrap();
        assert!(
            (bench.cpu_percent.ours - 11.0).abs() < 1e-9 && (bench.footprint_mib.ours - 210.0).abs() < 1e-9
        );
        assert!((bench.cpu_percent.peer.unwrap() - 21.0).abs() < 1e-9);
        assert!((bench.start_ms.peer.unwrap().p50 - 900.0).abs() < 1e-9);
        assert!(AppBench::of(&options, &mut BTreeMap::new(), &calls).is_err(), "nothing was opened");
    }
}
