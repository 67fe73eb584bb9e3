//! One page without anything from outside: the table, and a timeline per run.

use std::path::Path;

use super::ScenarioResult;
use super::results::{read, seconds};
use crate::run::RunReport;
use crate::run::timeline::{Lane, Mark};

const STYLE: &str = include_str!("page.css");

/// Lanes from top to bottom, with their names.
const LANES: [(Lane, &str); 5] = [
    (Lane::Testbed, "testbed"),
    (Lane::Interviewer, "interviewer"),
    (Lane::Signal, "signals"),
    (Lane::Decision, "decisions"),
    (Lane::Screen, "screen"),
];
/// How much before the clock a picture shows, in seconds.
const BEFORE_S: f64 = 5.0;
/// Width of a picture and height of a lane, in its own units.
const WIDTH: f64 = 1_000.0;
const LANE: f64 = 26.0;

pub(super) fn page(commit: &str, scenarios: &[ScenarioResult]) -> String {
    let passed = scenarios.iter().filter(|scenario| scenario.passed()).count();
    let runs: usize = scenarios.iter().map(|scenario| scenario.runs.len()).sum();
    let mut body = format!(
        "<h1>Every way an interview ends</h1><p>Commit {}: {passed} of {} scenarios passed, {runs} runs. Seconds count \
         from the moment the cause happened, stamped outside of the client.</p>{}",
        escape(commit),
        scenarios.len(),
        overview(scenarios)
    );
    for scenario in scenarios {
        body += &format!("<h2 id=\"{0}\">{0}</h2><p>{1}</p>", escape(&scenario.id), escape(&scenario.cause));
        if let Some(missing) = &scenario.missing {
            body += &format!("<p class=\"bad\">Not run: {}</p>", escape(missing));
        }
        for (folder, line) in &scenario.runs {
            body += &run(folder, line);
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Every way an interview ends</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>\n"
    )
}

fn overview(scenarios: &[ScenarioResult]) -> String {
    let mut text = "<table><thead><tr><th>scenario<th>expected<th class=\"n\">runs<th class=\"n\">p50<th class=\"n\">p95\
                    <th class=\"n\">max<th class=\"n\">bound<th>of the bound<th class=\"n\">\"checking\" p95<th>verdict\
                    <th>LiveKit's web client</tr></thead><tbody>"
        .to_owned();
    for scenario in scenarios {
        let completed = scenario.figures(|line| line.completed_s);
        let share = completed.zip(scenario.bound).map(|(f, bound)| (f.max / bound * 100.0).clamp(0.0, 100.0));
        let bar = share
            .map_or_else(String::new, |s| format!("<i class=\"bar\"><b style=\"width:{s:.0}%\"></b></i>"));
        let verdict = match (scenario.passed(), &scenario.missing) {
            (true, _) => "<span class=\"good\">pass</span>",
            (false, Some(_)) => "<span class=\"bad\">not run</span>",
            (false, None) => "<span class=\"bad\">fail</span>",
        };
        text += &format!(
            "<tr><td><a href=\"#{0}\">{0}</a><td>{1}<td class=\"n\">{2}<td class=\"n\">{3}<td class=\"n\">{4}\
             <td class=\"n\">{5}<td class=\"n\">{6}<td>{bar}<td class=\"n\">{7}<td>{verdict}<td>{8}</tr>",
            escape(&scenario.id),
            escape(&scenario.outcome),
            scenario.runs.len(),
            seconds(completed.map(|f| f.p50)),
            seconds(completed.map(|f| f.p95)),
            seconds(completed.map(|f| f.max)),
            seconds(scenario.bound),
            seconds(scenario.figures(|line| line.suspect_s).map(|f| f.p95)),
            escape(&scenario.baseline_text()),
        );
    }
    text + "</tbody></table>"
}

fn run(folder: &Path, line: &RunReport) -> String {
    let marks: Vec<Mark> = read(folder, "timeline.json").unwrap_or_default();
    let good = line.failures.is_empty();
    let completed = line.completed_s.map_or_else(|| "no end".to_owned(), |s| format!("{s:.2} s"));
    let mut text = format!(
        "<details{}><summary><span class=\"{}\">{}</span> seed {} · {} · {completed} · {}</summary>",
        if good { "" } else { " open" },
        if good { "good" } else { "bad" },
        escape(&line.verdict),
        line.seed,
        escape(&line.outcome),
        escape(&line.delivery),
    );
    for failure in &line.failures {
        text += &format!("<p class=\"bad\">{}</p>", escape(failure));
    }
    if !marks.is_empty() {
        text += &picture(&marks, line);
        text += &list(&marks, line);
    }
    text + "</details>"
}

/// The lanes as a picture, from shortly before the clock to shortly after the receipt.
fn picture(marks: &[Mark], line: &RunReport) -> String {
    let last = line.delivered_s.or(line.completed_s).unwrap_or(10.0).max(1.0) * 1.08 + 0.5;
    let x = |seconds: f64| (seconds + BEFORE_S) / (last + BEFORE_S) * WIDTH;
    let height = LANE * LANES.len() as f64;
    let mut text = format!(
        "<svg viewBox=\"-90 -4 {} {}\" role=\"img\" aria-label=\"timeline\">",
        WIDTH + 100.0,
        height + 26.0
    );
    for (n, (_, name)) in LANES.iter().enumerate() {
        let y = LANE * (n as f64 + 0.5);
        text += &format!(
            "<line class=\"lane\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/><text x=\"-86\" y=\"{}\">{name}</text>",
            y + 4.0
        );
    }
    let zero = x(0.0);
    text += &format!(
        "<line class=\"zero\" x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"0\" y2=\"{height}\"/><text class=\"before\" x=\"{zero:.1}\" y=\"{}\">0 s</text>",
        height + 16.0
    );
    for (seconds, class) in [(line.suspect_s, "suspect"), (line.completed_s, "end"), (line.bound_s, "bound")]
    {
        if let Some(seconds) = seconds.filter(|s| *s < last) {
            let at = x(seconds);
            text += &format!(
                "<line class=\"{class}\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{height}\"/><text x=\"{at:.1}\" y=\"{}\">{seconds:.2}</text>",
                height + 16.0
            );
        }
    }
    for mark in marks {
        let seconds = mark.at - line.fault_at;
        if seconds < -BEFORE_S || seconds > last {
            continue;
        }
        let (lane, _) = lane(mark);
        text += &format!(
            "<circle class=\"l{lane}\" cx=\"{:.1}\" cy=\"{}\" r=\"4\"><title>{seconds:.3} s: {}</title></circle>",
            x(seconds),
            LANE * (lane as f64 + 0.5),
            escape(&mark.text)
        );
    }
    text + "</svg>"
}

/// Number and name of a mark's lane.
fn lane(mark: &Mark) -> (usize, &'static str) {
    let known = LANES.iter().enumerate().find(|(_, (lane, _))| *lane == mark.lane);
    known.map_or((0, ""), |(number, (_, name))| (number, *name))
}

fn list(marks: &[Mark], line: &RunReport) -> String {
    let mut text = "<div class=\"list\"><table><tbody>".to_owned();
    for mark in marks {
        let (lane, name) = lane(mark);
        text += &format!(
            "<tr class=\"l{lane}\"><td class=\"n\">{:.3}<td>{}<td>{}</tr>",
            mark.at - line.fault_at,
            name,
            escape(&mark.text)
        );
    }
    text + "</tbody></table></div>"
}

/// Text within HTML or XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
