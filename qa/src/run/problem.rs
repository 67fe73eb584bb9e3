//! A scenario without an end: the client says what is wrong, and stays where the candidate can do something.

use std::time::Duration;

use adjourn_client::{Catalogue, Screen};

use super::bed::ScenarioBed;
use crate::scenario::Scenario;

pub(super) async fn check(
    scenario: &Scenario,
    bed: &mut ScenarioBed,
    clock: f64,
    limit: Duration,
    failures: &mut Vec<String>,
) {
    let expect = &scenario.expect;
    let wanted = expect.problem.clone().unwrap_or_default();
    let shown = bed.wait(limit, "the problem", |seen| {
        let last = seen.last.as_ref().filter(|s| s.screen == Screen::Checking);
        last.and_then(|s| s.problem.as_ref()).is_some_and(|said| said.id() == wanted)
    });
    if let Err(error) = shown.await {
        failures.push(format!("{error:#}"));
        return;
    }
    let now = adjourn_testbed::unix_now();
    let snapshot = bed.seen.borrow().last.clone();
    let problem = snapshot.as_ref().and_then(|s| s.problem.as_ref());
    let problem = problem.map(|problem| Catalogue::english().text(problem)).unwrap_or_default();
    bed.mark(format!("said: {problem}"));
    if let Some(bound) = expect.bound
        && now - clock > bound
    {
        failures.push(format!("the problem was said after {:.2} s, the bound is {bound} s", now - clock));
    }
    if snapshot.is_some_and(|s| s.can_retry != expect.retry) {
        failures.push(format!("trying again is offered: {}, expected: {}", !expect.retry, expect.retry));
    }
    // Secrets never reach the screen.
    if problem.contains("eyJ") || problem.contains("access_token") {
        failures.push("a token is on the screen".to_owned());
    }
}
