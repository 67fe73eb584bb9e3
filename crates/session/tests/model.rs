//! The machine against a reference model: one page of arithmetic over what is true in the world, with no
//! state of its own. Random worlds, and a corpus of named ones that is committed.
//!
//! A world that fails is printed as JSON; put it into `corpus/` when it is mended.
#![cfg(not(target_family = "wasm"))]

mod support;

use adjourn_session::{AgentState, Input, LeaveReason, Phase, Policy, Role};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde::{Deserialize, Serialize};
use support::{SID, Stage, interviewer};

/// What is true in the world, in milliseconds from the middle of an interview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct World {
    /// The end tool succeeds.
    end_tool: Option<u64>,
    /// The candidate says something that the interviewer reports.
    talks_on: Option<u64>,
    /// The interviewer takes a turn.
    answers: Option<u64>,
    /// The agent's session closes; its process stays.
    session_closes: Option<u64>,
    /// It was thinking then.
    busy: bool,
    /// The agent's process stops for ever.
    process_stops: Option<u64>,
    /// The agent leaves.
    leaves: Option<u64>,
    /// Nothing reaches us between these.
    link_down: Option<(u64, u64)>,
}

/// What must come of it.
#[derive(Clone, Debug, PartialEq)]
struct Expected {
    outcome: &'static str,
    /// Milliseconds until the end screen.
    at: u64,
}

/// Probes, statistics and steps of the stage are coarse: so much may a time differ.
const TOLERANCE: u64 = 1_600;
/// Worlds are watched for so long.
const WATCHED: u64 = 200_000;

/// The reference model. All deadlines about the interviewer count time in which our link was up.
fn model(world: &World, p: &Policy) -> Option<Expected> {
    // Time in which something could reach us, and back.
    let (down, up) = world.link_down.unwrap_or((WATCHED, WATCHED));
    let fresh = |t: u64| if t <= down { t } else { down + t.saturating_sub(up.max(down)) };
    let real = |f: u64| if f <= down { f } else { up + (f - down) };
    let deadline = |from: u64, ms: u64| real(fresh(from) + ms);

    // The first thing that the agent stops doing silences its session; leaving is told when we can hear it.
    let leaves = world.leaves.map(|t| if (down..up).contains(&t) { up } else { t });
    let silent = [world.session_closes, world.process_stops, leaves].into_iter().flatten().min();
    let dead = [world.process_stops, leaves].into_iter().flatten().min();
    // Evidence is what was told while the session could tell it, unless the talk went on.
    let told = |t: &u64| silent.is_none_or(|s| *t < s) && !(down..up).contains(t);
    let evidence_at = world.end_tool.filter(told);
    let talked = world.talks_on.filter(told);
    let answered = world.answers.filter(told);
    // The candidate's words contest it; the interviewer's answer to them takes it back.
    let contested = |at: u64| talked.filter(|t| *t <= at && evidence_at.is_some_and(|e| *t >= e));
    let taken_back = |at: u64| contested(at).is_some_and(|t| answered.is_some_and(|a| a >= t && a <= at));
    let stands = |at: u64| evidence_at.is_some_and(|e| e <= at) && !taken_back(at);
    let mut ends = Vec::new();
    if up - down > p.link_lost {
        let outcome = if stands(down) { "finished" } else { "connection lost" };
        ends.push((down + p.link_lost, outcome));
    }
    if let Some(at) = leaves {
        match stands(at) {
            true => ends.push((at, "finished")),
            false => ends.push((deadline(at, p.leave_settling), "ended(interviewer left)")),
        }
    }
    if let Some(at) = world.process_stops.filter(|at| leaves.is_none_or(|l| *at < l)) {
        let outcome = if stands(at) { "finished" } else { "interrupted(interviewer lost)" };
        ends.push((deadline(at, p.process_lost), outcome));
    }
    if let Some(at) = world.session_closes {
        // What the candidate said and nobody answered is owed an answer: that is busy, too.
        let reply_pending = talked.is_some_and(|t| t <= at && !answered.is_some_and(|a| a >= t && a <= at));
        let (ms, outcome) = match (stands(at), contested(at).is_some(), world.busy || reply_pending) {
            (true, true, _) if world.busy => (p.session_blocked, "finished"),
            (true, true, _) => (p.session_closed, "finished"),
            (true, false, _) => (p.session_finished, "finished"),
            (false, _, true) => (p.session_blocked, "interrupted(interviewer stopped responding)"),
            (false, _, false) => (p.session_blocked, "ended"),
        };
        // Only while the process is known to live.
        let due = deadline(at, ms);
        if dead.is_none_or(|dead| due <= dead) {
            ends.push((due, outcome));
        }
    }
    let events = [(talked, true), (answered, false)];
    let events = events.into_iter().filter_map(|(at, talk)| Some((fresh(at?), talk)));
    if let Some(at) = evidence_at.and_then(|e| believed(fresh(e), events.collect(), p)).map(real)
        && silent.is_none_or(|silent| at < silent)
    {
        ends.push((at, "finished"));
    }
    ends.into_iter().min().map(|(at, outcome)| Expected { outcome, at })
}

/// When evidence at `base` is believed although nothing came of it: the candidate was asked and did not answer.
/// `events`: what the candidate said (`true`) and the interviewer, all on the fresh clock.
fn believed(evidence: u64, mut events: Vec<(u64, bool)>, p: &Policy) -> Option<u64> {
    events.sort_unstable();
    let (mut base, mut again, mut contested) = (evidence, 0, false);
    let mut asked: Option<u64> = None;
    for (at, talk) in events.into_iter().filter(|(at, _)| *at >= evidence).chain([(u64::MAX, true)]) {
        let due = (base + p.evidence_expiry).max(again);
        if asked.is_none() && due <= at {
            asked = Some(due);
        }
        if let Some(end) = asked.map(|asked| asked + p.over_limit).filter(|end| *end <= at) {
            return Some(end);
        }
        match (talk, contested) {
            (true, _) => {
                contested = true;
                again = asked.take().map_or(again, |_| at.saturating_add(p.ask_after));
            }
            (false, true) => return None,
            (false, false) => (base, asked) = (at, None),
        }
    }
    None
}

/// Two ends that come so close together that the tolerance can't tell them apart, or a cause at the very
/// edge of another one's reach: the model has nothing to say there.
fn ambiguous(world: &World) -> bool {
    let mut times: Vec<u64> = [
        world.end_tool,
        world.talks_on,
        world.answers,
        world.session_closes,
        world.process_stops,
        world.leaves,
    ]
    .into_iter()
    .flatten()
    .chain(world.link_down.iter().flat_map(|(a, b)| [*a, *b]))
    .collect();
    times.sort_unstable();
    let p = Policy::default();
    let reach = [
        0,
        p.session_finished,
        p.leave_settling,
        p.process_lost,
        p.session_closed,
        p.session_blocked,
        p.link_lost,
        p.evidence_expiry,
        p.evidence_expiry + p.over_limit,
        p.ask_after,
        p.ask_after + p.over_limit,
    ];
    times.iter().enumerate().any(|(n, a)| {
        times[n + 1..].iter().any(|b| reach.iter().any(|r| (b - a).abs_diff(*r) < 2 * TOLERANCE))
    })
}

/// Plays a world; gives the outcome and when the end screen came.
fn play(world: &World) -> (String, u64) {
    let mut stage = Stage::live();
    stage.lets_in = Some(vec![interviewer()]);
    let began = stage.now;
    let due = |at: Option<u64>, now: u64| at.is_some_and(|at| at > now && at <= now + 100);
    let mut leaving = false;
    while stage.now - began < WATCHED && stage.session.phase() != Phase::Completed {
        let now = stage.now - began;
        stage.link_up = !world.link_down.is_some_and(|(a, b)| (a..b).contains(&now));
        if due(world.end_tool, now) && stage.link_up && stage.session_open {
            stage.end_tool();
        }
        if due(world.talks_on, now) && stage.link_up && stage.session_open {
            stage.give(Input::Item { sid: SID.into(), role: Role::Candidate });
        }
        if due(world.answers, now) && stage.link_up && stage.session_open {
            for state in [AgentState::Thinking, AgentState::Speaking] {
                stage.give(Input::AgentStateChanged { sid: SID.into(), state });
            }
            stage.give(Input::Item { sid: SID.into(), role: Role::Interviewer });
            stage.give(Input::AgentStateChanged { sid: SID.into(), state: AgentState::Listening });
        }
        if due(world.session_closes, now) {
            if world.busy && stage.link_up && stage.session_open {
                stage.give(Input::AgentStateChanged { sid: SID.into(), state: AgentState::Thinking });
            }
            stage.session_open = false;
        }
        if due(world.process_stops, now) {
            stage.answers(false);
        }
        if due(world.leaves, now) {
            stage.answers(false);
            stage.lets_in = Some(Vec::new());
            leaving = true;
        }
        if leaving && stage.link_up {
            leaving = false;
            stage.left(LeaveReason::ClientInitiated);
        }
        stage.run(100);
    }
    (stage.outcome(), stage.now - began)
}

fn compare(world: &World) -> Result<(), String> {
    let text = serde_json::to_string(world).unwrap_or_default();
    let (outcome, at) = play(world);
    match model(world, &Policy::default()) {
        Some(expected) if outcome == expected.outcome && at.abs_diff(expected.at) <= TOLERANCE => Ok(()),
        None if outcome == "none" => Ok(()),
        expected => Err(format!("{text}: the machine says {outcome} at {at} ms, the model {expected:?}")),
    }
}

fn world() -> impl Strategy<Value = World> {
    // Whole seconds, and a little more, so that nothing falls on the edge of a step.
    let time = || (2_u64..60).prop_map(|s| s * 1_000 + 50);
    let some = |weight: f64| prop::option::weighted(weight, time());
    let link = prop::option::weighted(0.4, (time(), prop_oneof![3 => 1_u64..25, 1 => 35_u64..60]))
        .prop_map(|l| l.map(|(at, s)| (at, at + s * 1_000)));
    (some(0.5), some(0.4), some(0.3), some(0.5), any::<bool>(), some(0.4), some(0.4), link).prop_map(
        |(end_tool, talks_on, answers, session_closes, busy, process_stops, leaves, link_down)| World {
            end_tool,
            talks_on,
            answers,
            session_closes,
            busy,
            process_stops,
            leaves,
            link_down,
        },
    )
}

#[test]
fn the_corpus_ends_as_the_model_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let world: World = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        compare(&world).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        seen += 1;
    }
    assert!(seen >= 10, "{seen} worlds in the corpus");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("ADJOURN_EXPLORE").ok().and_then(|n| n.parse().ok()).unwrap_or(400),
        rng_seed: if std::env::var_os("ADJOURN_EXPLORE").is_some() { RngSeed::Random } else { RngSeed::Fixed(20_261_124) },
        failure_persistence: None, // a failing world goes into the corpus by name
        max_global_rejects: 100_000_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_machine_ends_as_the_model_says(world in world()) {
        prop_assume!(!ambiguous(&world));
        if let Err(difference) = compare(&world) {
            prop_assert!(false, "{}", difference);
        }
    }
}
