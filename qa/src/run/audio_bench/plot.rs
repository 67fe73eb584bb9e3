//! Pictures of a measurement.

use std::path::Path;

use plotters::prelude::*;

use super::figures::{Phase, Run};

const SIZE: (u32, u32) = (900, 480);
const OURS: RGBColor = RGBColor(31, 95, 107);
const PEER: RGBColor = RGBColor(156, 47, 47);

fn colour(ours: bool) -> RGBColor {
    if ours { OURS } else { PEER }
}

fn name(ours: bool) -> &'static str {
    if ours { "Adjourn" } else { "livekit-client in Chromium" }
}

fn longest(runs: &[Run]) -> f64 {
    let late = runs.iter().flat_map(|run| run.phases.iter()).flat_map(|(_, chirps)| chirps);
    (late.filter_map(|chirp| chirp.late_ms).fold(100.0, f64::max) / 50.0).ceil() * 50.0
}

/// Each chirp of each run over time: idle, under load (grey), after it.
///
/// # Errors
/// The file can't be written.
pub(super) fn late(runs: &[Run], path: &Path) -> anyhow::Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let length = |run: &Run, phase| run.chirps(phase).map(|chirp| chirp.said_s).fold(0.0, f64::max) + 2.0;
    let of = |phase| runs.iter().map(|run| length(run, phase)).fold(0.0, f64::max);
    let (idle, loaded, after) = (of(Phase::Idle), of(Phase::Loaded), of(Phase::After));
    let most = longest(runs);
    let mut chart = ChartBuilder::on(&root)
        .caption("There and back, each chirp (grey: both cores are busy)", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..idle + loaded + after, 0.0..most)?;
    chart.configure_mesh().x_desc("seconds").y_desc("milliseconds").draw()?;
    if runs.iter().any(|run| run.chirps(Phase::Loaded).next().is_some()) {
        let under_load = [(idle, 0.0), (idle + loaded, most)];
        chart.draw_series([Rectangle::new(under_load, RGBColor(225, 225, 225).filled())])?;
    }
    for side in [true, false] {
        if !runs.iter().any(|run| run.ours == side) {
            continue;
        }
        let begins = [(Phase::Idle, 0.0), (Phase::Loaded, idle), (Phase::After, idle + loaded)];
        let points = runs.iter().filter(|run| run.ours == side).flat_map(|run| {
            begins.iter().flat_map(|(phase, from)| {
                run.chirps(*phase).filter_map(move |chirp| Some((from + chirp.said_s, chirp.late_ms?)))
            })
        });
        let dots = points.map(|at| Circle::new(at, 2, colour(side).filled()));
        let series = chart.draw_series(dots)?;
        series.label(name(side)).legend(move |(x, y)| Circle::new((x + 8, y), 4, colour(side).filled()));
    }
    chart.configure_series_labels().background_style(WHITE.filled()).border_style(BLACK).draw()?;
    Ok(root.present()?)
}

/// The share of chirps that were back after so many milliseconds, on the idle machine and under load, and at another one's ear.
///
/// # Errors
/// The file can't be written.
pub(super) fn shares(runs: &[Run], path: &Path) -> anyhow::Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Share of chirps that were heard after …", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..longest(runs), 0.0..1.0)?;
    chart.configure_mesh().x_desc("milliseconds").y_desc("share").draw()?;
    let phases = [Phase::OneWay, Phase::Idle, Phase::Loaded];
    for (side, phase) in phases.into_iter().flat_map(|phase| [(true, phase), (false, phase)]) {
        let chirps = runs.iter().filter(|run| run.ours == side).flat_map(|run| run.chirps(phase));
        let all: Vec<Option<f64>> = chirps.map(|chirp| chirp.late_ms).collect();
        let mut late: Vec<f64> = all.iter().copied().flatten().collect();
        if late.is_empty() {
            continue;
        }
        late.sort_by(f64::total_cmp);
        let points = late.iter().enumerate().map(|(n, late)| (*late, (n + 1) as f64 / all.len() as f64));
        let (colour, what) = match phase {
            Phase::OneWay => (colour(side).mix(0.7), "one way"),
            Phase::Idle => (colour(side).mix(1.0), "there and back"),
            Phase::Loaded | Phase::After => (colour(side).mix(0.45), "there and back, both cores busy"),
        };
        let series = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        let line = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2));
        series.label(format!("{}, {what}", name(side))).legend(line);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.filled())
        .border_style(BLACK)
        .draw()?;
    Ok(root.present()?)
}
