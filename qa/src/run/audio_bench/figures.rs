//! What comes of a measurement.

use serde::{Deserialize, Serialize};

use super::Options;
use super::chirps::Chirp;

/// Part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing else runs.
    Idle,
    /// Every core is busy with something else.
    Loaded,
    /// That has just ended.
    After,
    /// Nothing else runs; to somebody else's ear, and not back.
    OneWay,
}

/// One call that was measured.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) ours: bool,
    pub(super) phases: Vec<(Phase, Vec<Chirp>)>,
    pub(super) cpu_percent: f64,
    pub(super) sound_server_cpu_percent: f64,
    pub(super) footprint_mib: f64,
    /// How late a thread of the testbed woke up at worst, on the idle machine.
    pub(super) late_wakeup_ms: f64,
}

impl Run {
    pub(super) fn chirps(&self, phase: Phase) -> impl Iterator<Item = &Chirp> {
        self.phases.iter().filter(move |(other, _)| *other == phase).flat_map(|(_, chirps)| chirps)
    }
}

/// The same of ours and of the peer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sides<T> {
    /// Adjourn's client without a window: what hears and speaks. The window's own cost is not in it.
    pub ours: T,
    /// LiveKit's own web client in Chromium, with all of its processes, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<T>,
}

/// How something is spread.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// Half are not more.
    pub p50: f64,
    /// 95 of 100 are not more.
    pub p95: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> anyhow::Result<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1).ok_or_else(|| anyhow::anyhow!("nothing was measured"))?;
        let at = |share: f64| values[(last as f64 * share).round() as usize];
        Ok(Self { p50: at(0.5), p95: at(0.95), max: values[last] })
    }
}

/// How much was heard.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Shares {
    /// Chirps that were said.
    pub said: usize,
    /// Those of them that were not heard.
    pub lost: usize,
}

/// How late chirps are in one part of a call.
struct Figures {
    late_ms: Spread,
    chirps: Shares,
}

impl Figures {
    fn of<'a>(chirps: impl Iterator<Item = &'a Chirp>) -> anyhow::Result<Self> {
        let all: Vec<Option<f64>> = chirps.map(|chirp| chirp.late_ms).collect();
        let lost = all.iter().filter(|late| late.is_none()).count();
        let chirps = Shares { said: all.len(), lost };
        Ok(Self { late_ms: Spread::of(all.into_iter().flatten().collect())?, chirps })
    }
}

/// From the candidate's mouth to the ear of somebody else, with the same client on both ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OneWay {
    /// In milliseconds.
    pub mouth_to_ear_ms: Sides<Spread>,
    /// How much was heard.
    pub chirps: Sides<Shares>,
}

/// There and back, by an interviewer that gives back what it hears.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RoundTrip {
    /// In milliseconds.
    pub round_trip_ms: Sides<Spread>,
    /// How much was heard.
    pub chirps: Sides<Shares>,
}

/// Everything, as it is in `audio.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AudioBench {
    /// Whether the voice was processed, on both sides.
    pub processing: bool,
    /// Runs of each side.
    pub runs: usize,
    /// On a machine that does nothing else.
    #[serde(flatten)]
    pub idle: RoundTrip,
    /// One way, on a machine that does nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_way: Option<OneWay>,
    /// With every core busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded: Option<RoundTrip>,
    /// Seconds after the load's end from which on nothing is later than the latest on the idle machine, at worst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered_s: Option<Sides<f64>>,
    /// Of one core, in the call.
    pub cpu_percent: Sides<f64>,
    /// The sound server's.
    pub sound_server_cpu_percent: Sides<f64>,
    /// Memory of the process tree; pages of files once.
    pub footprint_mib: Sides<f64>,
    /// How late a thread of the testbed woke up at worst on the idle machine, in milliseconds: more than 3, and something else ran.
    pub late_wakeup_ms: f64,
}

impl<T> Sides<T> {
    fn split<A, B>(self, parts: impl Fn(T) -> (A, B)) -> (Sides<A>, Sides<B>) {
        let (ours, theirs) = (parts(self.ours), self.peer.map(parts));
        let (peer_a, peer_b) = theirs.map_or((None, None), |(a, b)| (Some(a), Some(b)));
        (Sides { ours: ours.0, peer: peer_a }, Sides { ours: ours.1, peer: peer_b })
    }
}

impl AudioBench {
    pub(super) fn of(options: &Options, runs: &[Run]) -> anyhow::Result<Self> {
        let side = |ours: bool| runs.iter().filter(move |run| run.ours == ours);
        fn sides<T>(options: &Options, of: impl Fn(bool) -> anyhow::Result<T>) -> anyhow::Result<Sides<T>> {
            Ok(Sides { ours: of(true)?, peer: options.peer.then(|| of(false)).transpose()? })
        }
        let figures = |phase| {
            let found = sides(options, |ours| Figures::of(side(ours).flat_map(|run| run.chirps(phase))))?;
            anyhow::Ok(found.split(|figures| (figures.late_ms, figures.chirps)))
        };
        let there_and_back =
            |phase| figures(phase).map(|(round_trip_ms, chirps)| RoundTrip { round_trip_ms, chirps });
        let mean = |value: fn(&Run) -> f64| {
            sides(options, |ours| Ok(side(ours).map(value).sum::<f64>() / side(ours).count().max(1) as f64))
        };
        let idle = there_and_back(Phase::Idle)?;
        let one_way = || {
            let (mouth_to_ear_ms, chirps) = figures(Phase::OneWay)?;
            anyhow::Ok(OneWay { mouth_to_ear_ms, chirps })
        };
        let bound = |ours: bool| {
            if ours { Some(idle.round_trip_ms.ours) } else { idle.round_trip_ms.peer }
        };
        let recovered = |ours: bool| {
            let usual = bound(ours).map_or(0.0, |spread| spread.max);
            Ok(side(ours).map(|run| recovered_s(run.chirps(Phase::After), usual)).fold(0.0, f64::max))
        };
        let under_load = options.loaded > 0;
        Ok(Self {
            processing: options.processing,
            runs: side(true).count(),
            one_way: (options.one_way > 0).then(one_way).transpose()?,
            loaded: under_load.then(|| there_and_back(Phase::Loaded)).transpose()?,
            recovered_s: under_load.then(|| sides(options, recovered)).transpose()?,
            cpu_percent: mean(|run| run.cpu_percent)?,
            sound_server_cpu_percent: mean(|run| run.sound_server_cpu_percent)?,
            footprint_mib: mean(|run| run.footprint_mib)?,
            late_wakeup_ms: runs.iter().map(|run| run.late_wakeup_ms).fold(0.0, f64::max),
            idle,
        })
    }
}

/// Seconds into the recording from which on nothing is later than usual.
fn recovered_s<'a>(chirps: impl Iterator<Item = &'a Chirp>, usual_ms: f64) -> f64 {
    let late = |chirp: &&Chirp| chirp.late_ms.is_none_or(|late| late > usual_ms + 1.0);
    chirps.filter(late).map(|chirp| chirp.said_s).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chirp(said_s: f64, late_ms: Option<f64>) -> Chirp {
        Chirp { said_s, late_ms }
    }

    #[test]
    fn what_is_lost_is_counted_and_spreads_nothing() {
        let chirps: Vec<_> =
            (0..100).map(|n| chirp(f64::from(n), (n % 10 > 0).then_some(f64::from(n)))).collect();
        let figures = Figures::of(chirps.iter()).unwrap();
        assert_eq!((figures.chirps.said, figures.chirps.lost), (100, 10));
        assert!((figures.late_ms.max - 99.0).abs() < f64::EPSILON);
        assert!(figures.late_ms.p50 >= 49.0 && figures.late_ms.p95 >= 93.0);
        assert!(Figures::of([chirp(0.0, None)].iter()).is_err(), "nothing was heard");
    }

    #[test]
    fn it_has_recovered_after_the_last_one_that_was_late() {
        let chirps = [(1.0, 300.0), (2.0, 120.0), (3.0, 200.0), (4.0, 119.0)];
        let chirps = chirps.map(|(at, late)| chirp(at, Some(late)));
        assert!((recovered_s(chirps.iter(), 120.0) - 3.0).abs() < f64::EPSILON);
        assert!(recovered_s(chirps.iter(), 300.0) < f64::EPSILON);
    }
}
