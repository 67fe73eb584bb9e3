//! Promise 1, searched: the states of the machine, breadth first, with time alone from each of them.
//!
//! **How it is finite.** The policy is scaled to a few ticks per constant; time passes one tick at a time;
//! a state's key holds every clock as its age, cut off where no rule looks any further (`key.rs`).
//!
//! **What it is no proof of.** Constants that differ by default may be equal here, though none is above
//! another that it is below (tested). Moves are those of a world: no world has them all.
//!
//! **What every step is checked for:** see [`check`]. **What every state is checked for:** the length of
//! the chain of ticks from it to the end screen or the device check.

#![allow(clippy::disallowed_types, reason = "looked up, never iterated: its order does not matter")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "how long a search takes is part of its result"
)]
#![allow(clippy::unwrap_used, reason = "a test stops where it finds something")]

mod inputs;
mod key;
mod transitions;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use self::inputs::Move;
use self::key::OFF;
use self::transitions::Transitions;
use crate::interviewer::Presence;
use crate::{Input, Outcome, Output, Phase, Policy, ProbeKind, Session, Time};

/// No state yet.
const UNKNOWN: u32 = u32::MAX;

/// A searched world: which inputs there are.
struct World {
    moves: Vec<Move>,
    policy: Policy,
    /// Our own link receives something all the time.
    alive: bool,
    /// The interviewer is there all the time and answers whatever arrives: nothing may end it but our own
    /// dead link.
    answers: bool,
    /// Ticks to an end from any state, at most, while our own link lives and nothing else does.
    silent: u32,
}

/// What a search found.
struct Found {
    states: usize,
    steps: u64,
    /// Whether there is no other state.
    complete: bool,
    /// Longest chain of ticks from any state to an end: with a dead link, and with a live one over which
    /// nobody answers.
    dead: u32,
    silent: u32,
    transitions: Transitions,
}

/// The default policy in ticks: none is above another one that it is below by default.
fn ticks() -> Policy {
    Policy {
        asleep: 2,
        link_stale: 2,
        link_lost: 3,
        redial: 2,
        join_limit: 3,
        connect_limit: 3,
        waiting_notice: 3,
        never_started: 3,
        ready_limit: 3,
        process_interval: 1,
        ping_interval: 1,
        ping_interval_fast: 1,
        ping_interval_slow: 3,
        ping_unsupported: 3,
        stats_interval: 1,
        process_suspect: 2,
        data_stall: 2,
        process_lost: 3,
        session_suspect: 2,
        session_finished: 2,
        session_closed: 3,
        session_blocked: 3,
        report_interval: 2,
        death_interval: OFF,
        session_grace: 1,
        audible_tail: 1,
        answer_after: 1,
        evidence_expiry: 3,
        over_limit: 3,
        leave_settling: 2,
        roster_pause: 1,
        crash_loop_window: 3,
        unheard_speech: 2,
        speech_pause: 1,
        ask_after: 3,
        answer_limit: 3,
        replaced_room: 3,
        interviewer_returns: 3,
        replacement_limit: 3,
        organiser_limit: 1,
        no_proof_of_life: 3,
        commit_limit: 2,
        delivery_limit: 3,
        ..Policy::default()
    }
}

/// The same where our own link always holds: what waits for a stale link needs no time of its own, so that the
/// longest waits can be told apart.
fn ticks_of_a_link_that_holds() -> Policy {
    Policy {
        join_limit: 2,
        connect_limit: 2,
        waiting_notice: 2,
        ready_limit: 2,
        ping_interval_slow: 2,
        ping_unsupported: 2,
        process_lost: 2,
        session_closed: 2,
        evidence_expiry: 2,
        replaced_room: 2,
        interviewer_returns: 2,
        delivery_limit: 2,
        ..ticks()
    }
}

/// What a move leads to; `None` where it can't happen.
fn step(session: &Session, way: &Move, alive: bool) -> Option<(Session, Vec<Output>)> {
    let mut next = session.clone();
    match way {
        Move::Tick | Move::Sleep(_) => {
            let now = session.now.after(if let Move::Sleep(ticks) = way { *ticks } else { 1 });
            next.handle_timeout(now);
            if let Some(input) = Move::Growth.at(&next).filter(|_| alive) {
                next.handle(input, now);
            }
        }
        Move::Arrives | Move::PongsArrive => {
            let process = matches!(way, Move::Arrives).then_some(Move::Newest(ProbeKind::Process));
            for way in [Move::Newest(ProbeKind::Session), Move::Growth].into_iter().chain(process) {
                if let Some(input) = way.at(&next) {
                    next.handle(input, session.now);
                }
            }
            // The SDK always knows who it believes to be there.
            if next.interviewer.as_ref().is_some_and(|i| i.presence != Presence::Here) {
                next.handle(
                    Input::Roster { roster: vec![inputs::agent(inputs::A, None, true)] },
                    session.now,
                );
            }
        }
        Move::Given(_)
        | Move::Growth
        | Move::Packets
        | Move::Newest(_)
        | Move::Oldest(_)
        | Move::Duplicate(_)
        | Move::Tool { .. }
        | Move::ToolAgain
        | Move::Begins { .. }
        | Move::RunningEnds { .. } => next.handle(way.at(session)?, session.now),
    }
    let outputs = std::iter::from_fn(|| next.poll_output()).collect();
    Some((next, outputs))
}

/// What holds of every step from any reachable state.
fn check(before: &Session, after: &Session, outputs: &[Output], answers: bool) -> Result<(), String> {
    let decides = before.ending().is_none() && after.ending().is_some();
    let count = |wanted: fn(&Output) -> bool| outputs.iter().filter(|o| wanted(o)).count();
    let records = count(|o| matches!(o, Output::CommitRecord(_)));
    let released = count(|o| matches!(o, Output::ReleaseMicrophone));
    if records != usize::from(decides) || released != usize::from(decides) {
        return Err("a record or a release without a decision, or a decision without".to_owned());
    }
    if before.ending().is_some() && before.ending() != after.ending() {
        return Err("a decision changed".to_owned());
    }
    let asked = count(|o| matches!(o, Output::Replace { .. }));
    let left = usize::from(before.replacements_left)
        - usize::from(after.replacements_left.min(before.replacements_left));
    if asked > 0 && decides || asked != left && before.phase() != Phase::Joining {
        return Err("another interviewer was asked for beside an end, or more often than may be".to_owned());
    }
    let fenced = after.interviewer.as_ref().filter(|i| after.is_fenced(&i.sid, &i.identity));
    if fenced.is_some_and(|i| !matches!(i.presence, Presence::Left { .. })) {
        return Err("an interviewer whose place another one takes is listened to".to_owned());
    }
    if let Some(ending) = after.ending().filter(|ending| decides && ending.evidence.is_some())
        && before.replacement.is_some()
        && before.interviewer.as_ref().is_some_and(|i| before.is_fenced(&i.sid, &i.identity))
    {
        return Err(format!("one whose place another one takes ended it ({})", ending.decided_by));
    }
    let closed = |s: &Session| matches!(s.phase(), Phase::WrappingUp | Phase::Completed);
    if closed(before) && !closed(after) || closed(after) != after.ending().is_some() {
        return Err("an end that is none".to_owned());
    }
    if let Some(ending) = after.ending().filter(|_| decides) {
        if ending.outcome == Outcome::Finished && ending.evidence.is_none() {
            return Err("finished without evidence".to_owned());
        }
        use crate::Decider as D;
        let about_the_interviewer =
            [D::ProcessLost, D::SessionClosed, D::SessionBlocked, D::SessionFinished, D::OverUnanswered];
        let fresh = after.link.is_fresh();
        if about_the_interviewer.contains(&ending.decided_by) && !fresh {
            return Err("the interviewer was judged over a link that is not fresh".to_owned());
        }
        if answers && ![D::LinkLost, D::NeverStarted].contains(&ending.decided_by) {
            return Err(format!("an interviewer that answers was given up ({})", ending.decided_by));
        }
    }
    Ok(())
}

/// Everything that is reachable, up to `most` states.
fn search(world: &World, most: usize) -> Result<Found, String> {
    let start = Session::new(world.policy.clone(), Time(1_000));
    // A link that never goes stale never takes time back.
    let back = if world.alive { 0 } else { world.policy.link_stale };
    let mut index: HashMap<u128, u32> = HashMap::new();
    let mut queue = VecDeque::new();
    // Per state: what a tick leads to, what growth of our link leads to, and whether it is an end.
    let (mut ticked, mut grown) = (vec![UNKNOWN], vec![UNKNOWN]);
    let mut ends = vec![true];
    index.insert(key::of(&start, back), 0);
    queue.push_back((0_usize, start));
    let (mut steps, mut transitions) = (0, Transitions::new());
    while ends.len() < most
        && let Some((number, session)) = queue.pop_front()
    {
        for way in &world.moves {
            let Some((next, outputs)) = step(&session, way, world.alive) else { continue };
            steps += 1;
            check(&session, &next, &outputs, world.answers)
                .map_err(|e| format!("{e}: {way:?} in {session:#?}"))?;
            transitions::note(&mut transitions, &session, &next);
            let new = u32::try_from(ends.len()).map_err(|_| "too many states")?;
            let target = *index.entry(key::of(&next, back)).or_insert(new);
            if target == new {
                ends.push(matches!(next.phase(), Phase::Checking | Phase::Completed));
                ticked.push(UNKNOWN);
                grown.push(UNKNOWN);
                queue.push_back((target as usize, next));
            }
            if matches!(way, Move::Tick) {
                ticked[number] = target;
            } else if matches!(way, Move::Growth) {
                grown[number] = target;
            }
        }
    }
    let complete = queue.is_empty();
    let (mut dead, mut silent) = (0, 0);
    if complete {
        if world.alive {
            silent = longest_chain(&ticked, &ends)?;
        } else {
            dead = longest_chain(&ticked, &ends)?;
            if !world.answers {
                let alive: Vec<u32> = grown.iter().map(|at| ticked[*at as usize]).collect();
                silent = longest_chain(&alive, &ends)?;
            }
        }
    }
    Ok(Found { states: ends.len(), steps, complete, dead, silent, transitions })
}

/// The longest chain to an end; a circle is a state in which time alone leads nowhere.
fn longest_chain(next: &[u32], ends: &[bool]) -> Result<u32, String> {
    let mut length: Vec<Option<u32>> = ends.iter().map(|end| end.then_some(0)).collect();
    let mut longest = 0;
    for start in 0..ends.len() {
        let mut chain = Vec::new();
        let mut at = start;
        while length[at].is_none() {
            chain.push(at);
            if chain.len() > 10_000 {
                return Err(format!("time alone does not end state {start}"));
            }
            at = next[at] as usize;
        }
        let mut ticks = length[at].unwrap_or(0);
        for state in chain.into_iter().rev() {
            ticks += 1;
            length[state] = Some(ticks);
        }
        longest = longest.max(ticks);
    }
    Ok(longest)
}

fn prove(name: &str, world: &World) {
    let began = std::time::SystemTime::now();
    let found = search(world, usize::MAX).unwrap();
    let seconds = began.elapsed().unwrap_or(Duration::ZERO).as_secs_f64();
    let dead = if world.alive {
        String::new()
    } else {
        format!(" with a dead link in at most {} ticks,", found.dead)
    };
    println!(
        "{name}: {} states, {} steps, {seconds:.1} s; the end comes{dead} with a silent interviewer in at most {} ticks",
        found.states, found.steps, found.silent
    );
    assert!(found.complete);
    let longest = world.policy.link_lost + world.policy.commit_limit;
    assert!(u64::from(found.dead) <= longest, "{} ticks", found.dead);
    assert!(found.silent <= world.silent, "{} ticks", found.silent);
    transitions::compare(name, &found.transitions);
}

#[test]
fn an_interviewer_that_answers_is_never_given_up() {
    prove("an interviewer that answers", &inputs::an_interviewer_that_answers());
}

#[test]
fn the_constants_of_every_world_are_in_the_default_s_order() {
    let default = Policy::default().constants();
    for world in inputs::worlds() {
        let scaled: HashMap<&str, u64> = world.policy.constants().into_iter().collect();
        for (a, by_default) in &default {
            for (b, more) in default.iter().filter(|(_, more)| more > by_default) {
                let (low, high) = (scaled[a], scaled[b]);
                let off = low >= key::OFF || high >= key::OFF;
                assert!(
                    off || low <= high,
                    "{a} is {by_default} and {b} is {more}, but {low} and {high} here"
                );
            }
        }
    }
}

#[test]
fn anybody_may_come_and_go_time_alone_leads_to_the_end() {
    prove("comings and goings", &inputs::comings_and_goings());
}

#[test]
fn whichever_way_we_come_and_go_time_alone_leads_to_the_end() {
    prove("in and out of the room", &inputs::in_and_out_of_the_room());
}

#[test]
fn however_the_link_is_time_alone_leads_to_the_end() {
    prove("probes over a bad link", &inputs::probes_over_a_bad_link());
}

#[test]
fn whatever_signs_of_life_there_are_time_alone_leads_to_the_end() {
    prove("signs of life", &inputs::signs_of_life());
}

#[test]
fn whatever_tools_there_are_time_alone_leads_to_the_end() {
    prove("tools alone", &inputs::tools_alone());
}

#[test]
fn whatever_turns_there_are_time_alone_leads_to_the_end() {
    prove("turns alone", &inputs::turns_alone());
}

#[test]
fn no_step_with_tools_and_turns_breaks_a_promise_as_far_as_a_million_states_go() {
    let found = search(&inputs::tools_and_turns(), 1_000_000).unwrap();
    println!("tools and turns: {} states, {} steps, not complete", found.states, found.steps);
}

#[test]
#[ignore = "four minutes: `cargo xtask search` has it; tools and turns by themselves are in the suite"]
fn whatever_tools_and_turns_there_are_time_alone_leads_to_the_end() {
    prove("tools and turns", &inputs::tools_and_turns());
}

#[test]
fn an_interviewer_that_answers_is_never_given_up_whatever_is_said() {
    prove("a talk with an interviewer that answers", &inputs::a_talk_with_an_interviewer_that_answers());
}

#[test]
fn whatever_is_asked_time_alone_leads_to_the_end() {
    prove("the question", &inputs::the_question());
}

#[test]
fn whoever_takes_a_lost_interviewer_s_place_time_alone_leads_to_the_end() {
    prove("replacements", &inputs::replacements(false));
}

#[test]
#[ignore = "two minutes: `cargo xtask search` has it; without marks it is in the suite"]
fn whoever_takes_a_lost_interviewer_s_place_the_lost_one_ends_nothing() {
    prove("replacements and marks", &inputs::replacements(true));
}

#[test]
fn no_step_breaks_a_promise_as_far_as_two_hundred_thousand_states_go() {
    let found = search(&inputs::everything(), 200_000).unwrap();
    println!("everything: {} states, {} steps, not complete", found.states, found.steps);
}
