//! Whether a scenario makes sense: what nobody understands is refused, with its line, before anything is run.

use adjourn_client::Message;

use super::words::{self, Mistake};
use super::{Delivered, Disk, ENDINGS, LONGEST_S, Machine, Place, Scenario, Step};
use crate::failing::KILLS;

impl Scenario {
    /// Whether the scenario says only what somebody understands.
    fn check_words(&self) -> Result<(), Mistake> {
        let outcomes = words::outcomes();
        words::check("outcome", &self.expect.outcome, outcomes.iter().map(String::as_str))?;
        let messages: Vec<String> = Message::one_of_each().iter().map(Message::id).collect();
        let expect = &self.expect;
        for id in [&expect.problem, &expect.notice, &expect.reason].into_iter().flatten() {
            words::check("message", id, messages.iter().map(String::as_str))?;
        }
        for id in self.steps.iter().chain(&self.after).filter_map(Step::sentence) {
            words::check("message", id, messages.iter().map(String::as_str))?;
        }
        let known = words::known()?;
        for interviewer in self.interviewers() {
            if !ENDINGS.contains(&interviewer.ending.as_str()) {
                words::check("ending", &interviewer.ending, ENDINGS.into_iter())?;
            }
            match &interviewer.script {
                Some(script) if !script.is_file() => {
                    let text = format!("there is no script {}", script.display());
                    return Err(Mistake { word: Some("script".to_owned()), text });
                }
                Some(_) => {}
                None => {
                    for (name, value) in &interviewer.with {
                        words::check_with(&known, name, value)?;
                    }
                }
            }
        }
        // What a script of one's own tells is not known here.
        if self.interviewers().all(|interviewer| interviewer.script.is_none()) {
            for event in self.steps.iter().chain(&self.after).filter_map(Step::event) {
                words::check("event", event, known.events.keys().map(String::as_str))?;
            }
        }
        Ok(())
    }

    /// Whether the scenario makes sense.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        check_id(&self.id)?;
        self.check_words()?;
        self.check_faults()?;
        self.check_numbers()?;
        self.check_steps().map_err(Mistake::from)
    }

    /// A fault that nobody knows would never happen, and what it tests would pass.
    fn check_faults(&self) -> Result<(), Mistake> {
        if let Some(point) = &self.kill_on {
            words::check("kill-on", point, KILLS.into_iter())?;
            if self.expect.delivery != Delivered::NextStart {
                let text =
                    "with `kill-on` the client is killed: it takes `delivery = \"next-start\"`".to_owned();
                return Err(Mistake { word: Some("kill-on".to_owned()), text });
            }
        }
        let points = self.fail_points.iter().flat_map(|points| points.split(';'));
        for point in points.filter(|point| !point.trim().is_empty()) {
            let wrong = |text: String| Mistake { word: Some("fail-points".to_owned()), text };
            let Some((name, actions)) = point.split_once('=') else {
                return Err(wrong(format!("fail-points: {point:?} is not `point=action`")));
            };
            words::check("point", name.trim(), POINTS.into_iter())?;
            for action in actions.split("->") {
                // `20%3*print(text)`: chance, times, what, argument.
                let word = action.split('(').next().unwrap_or(action);
                let word = word.rsplit(['*', '%']).next().unwrap_or(word).trim();
                words::check("action of a point", word, ACTIONS.into_iter())?;
            }
        }
        let clocks = self
            .steps
            .iter()
            .chain(&self.after)
            .filter_map(|step| if let Step::WallClock(clock) = step { Some(clock) } else { None });
        for clock in self.wall_clock.iter().chain(clocks) {
            if !is_wall_clock(clock) {
                let text = format!("wall-clock {clock:?}: it is `+1h`, `-30m` or `@1970-01-01 00:10:00`");
                return Err(Mistake { word: Some(clock.clone()), text });
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), Mistake> {
        let wrong = |word: &str, text: &str| {
            Err(Mistake { word: Some(word.to_owned()), text: format!("{word}: {text}") })
        };
        if self.minutes.is_some_and(|minutes| !(1..=480).contains(&minutes)) {
            return wrong("minutes", "an interview takes 1 to 480 minutes");
        }
        if self.expect.long_wait.is_some_and(|(earliest, latest)| earliest > latest) {
            return wrong("long-wait", "the earliest comes before the latest");
        }
        for interviewer in self.interviewers() {
            if interviewer.node && interviewer.old {
                return wrong("interviewer", "one for Node is not `old`");
            }
            if interviewer.questions == 0 {
                return wrong("questions", "an interviewer asks one at least");
            }
        }
        for step in self.steps.iter().chain(&self.after) {
            if step.often() == Some(0) {
                return wrong("times", "it is counted from 1");
            }
            if let Step::Limit { memory_mib, cpu_percent, .. } = step
                && (*memory_mib == Some(0) || *cpu_percent == Some(0))
            {
                return wrong("limit", "nothing runs with 0 MiB or 0 %");
            }
            if let Step::Relay(impairment) = step
                && !impairment.possible()
            {
                return wrong("relay", "`loss` and `reorder` are shares, 0 to 1");
            }
        }
        // Without an interviewer the waiting room is all there is, unless one is sent later.
        let comes = self.interviewer.is_some()
            || self.steps.iter().any(|step| matches!(step, Step::Worker(_) | Step::Actor { .. }));
        let waits = |step: &Step| matches!(step, Step::Interview | Step::Speech) || step.event().is_some();
        if !comes && self.kill_at.is_none() && self.steps.iter().any(waits) {
            return wrong("steps", "they wait for an interviewer, and there is none");
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), String> {
        let times = [
            ("bound", self.expect.bound),
            ("suspect", self.expect.suspect),
            ("question", self.expect.question),
            ("audio-back", self.expect.audio_back),
            ("delivered", self.expect.delivered),
            ("long-wait", self.expect.long_wait.map(|(earliest, _)| earliest)),
            ("long-wait", self.expect.long_wait.map(|(_, latest)| latest)),
            ("agent-deadline", self.agent_deadline),
            ("held.within", self.expect.held.as_ref().map(|held| held.within)),
            ("told.within", self.expect.told.as_ref().map(|told| told.within)),
        ];
        for (name, value) in times.into_iter().filter_map(|(n, v)| Some((n, v?))) {
            possible(name, value)?;
        }
        if let (Some(suspect), Some(bound)) = (self.expect.suspect, self.expect.bound)
            && suspect > bound
        {
            return Err(format!("it is suspected after {suspect} s but over after {bound} s"));
        }
        for step in self.steps.iter().chain(&self.after) {
            for (name, value) in step.times() {
                possible(name, value)?;
            }
            step.check()?;
        }
        if self.kill_at.is_some() {
            if !self.steps.is_empty() || self.kill_at == Some(0) {
                return Err("with `kill-at`, a number from 1, there are no steps".to_owned());
            }
            return Ok(());
        }
        let clocks = self.steps.iter().filter(|step| matches!(step, Step::Clock(_))).count();
        if clocks != 1 {
            return Err(format!("a scenario has one `clock` step, this one has {clocks}"));
        }
        if self.after.iter().any(|step| matches!(step, Step::Clock(_))) {
            return Err("the `clock` step is one of `steps`: `after` comes after the end".to_owned());
        }
        for step in self.steps.iter().chain(&self.after) {
            self.check_parts(step)?;
        }
        if self.expect.problem.is_some() && (!self.after.is_empty() || self.expect.outcome != "none") {
            return Err(
                "with a problem there is no end: the outcome is \"none\", and nothing comes after".to_owned()
            );
        }
        let own_parts =
            self.network != Place::Loopback || self.proxied() || self.dismissible || self.postgres;
        if self.fleet && own_parts {
            return Err(
                "a fleet is on the loopback interface, has its own Postgres, and nothing else before it"
                    .to_owned(),
            );
        }
        let both = self.network == Place::InterviewersCable && self.proxied();
        if both || self.network == Place::InterviewersCable && self.dismissible {
            return Err(
                "with the interviewer's cable nothing else is before the backend or the server".to_owned()
            );
        }
        if self.tls && self.network != Place::Cable {
            return Err("with TLS the backend has a name, which needs `network = \"cable\"`".to_owned());
        }
        Ok(())
    }

    /// Whether there is what a step is about. (Named by its words in the file.)
    fn check_parts(&self, step: &Step) -> Result<(), String> {
        let cabled = self.network != Place::Loopback;
        let candidates = cabled && self.network != Place::InterviewersCable;
        let (there, what) = match step {
            Step::Cable(_) => (cabled, "its steps pull a cable, but it has no `network = \"cable\"`"),
            Step::Churn(_) | Step::Roam => {
                (candidates, "its steps pull the candidate's cable, but it has no `network = \"cable\"`")
            }
            Step::Names(_) => {
                (candidates, "`names` are looked up over a cable, but it has no `network = \"cable\"`")
            }
            Step::Relay(_) | Step::Signalling(_) => {
                (self.network == Place::Relay, "its steps need relays, but it has no `network = \"relay\"`")
            }
            Step::Certificate(_) => (self.tls, "it shows a `certificate`, but it has no `tls = true`"),
            Step::Fault(_) | Step::Passed { .. } => (
                self.proxied(),
                "what comes `after` needs the proxy between client and backend from the start: give it `faults` or a `fault` step",
            ),
            Step::FillDisk => {
                (self.disk == Disk::Small, "`fill-disk` fills a small disk, but it has no `disk = \"small\"`")
            }
            Step::CrashDatabase => {
                (self.postgres, "`crash-database` is about Postgres, but it has no `postgres = true`")
            }
            Step::Dismiss(_) => {
                (self.dismissible, "its steps dismiss the client, but it is not `dismissible`")
            }
            Step::Limit { memory_mib: None, cpu_percent: None, .. } => {
                (false, "a `limit` limits something: give it `memory-mib` or `cpu-percent`")
            }
            Step::Busy(cores) => ((1..=MOST_BUSY).contains(cores), "`busy` is 1 to 64 cores"),
            Step::Actor { name, .. } => {
                (check_id(name).is_ok(), "an actor's name is lower-case letters, digits and `-`")
            }
            Step::Kill(Machine::Organiser) | Step::Again(Machine::Organiser) => (
                self.expect.told.is_some(),
                "its steps are about the organiser's own server, but it does not expect anybody to be `told`",
            ),
            Step::Again(Machine::WorkersComputer) => {
                (false, "a worker's computer does not come back: start another `worker`")
            }
            step if step.of_a_fleet() => {
                (self.fleet, "its steps are about a fleet, but it has no `fleet = true`")
            }
            // These are about what every scenario has.
            Step::Waiting
            | Step::Interview
            | Step::Speech
            | Step::Connected
            | Step::Agent { .. }
            | Step::Gone
            | Step::Vacant { .. }
            | Step::Agents { .. }
            | Step::AgentState { .. }
            | Step::Answer
            | Step::Say
            | Step::Noise(_)
            | Step::Said
            | Step::Clock(_)
            | Step::Signal { .. }
            | Step::Limit { .. }
            | Step::Pause(_)
            | Step::Stays(_)
            | Step::Sound(_)
            | Step::Choose(_)
            | Step::Open { .. }
            | Step::Closed { .. }
            | Step::Says { .. }
            | Step::Unsays { .. }
            | Step::Worker(_)
            | Step::FlushSpool
            | Step::Dispatch
            | Step::RestartServer
            | Step::Back { .. }
            | Step::Kill(_)
            | Step::Again(_)
            | Step::Press(_)
            | Step::Api(_)
            | Step::Question { .. }
            | Step::Unasked { .. }
            | Step::Journaled { .. }
            | Step::ToolEnded { .. }
            | Step::Heard { .. }
            | Step::Unbroken(_)
            | Step::WallClock(_)
            | Step::Disk(_)
            | Step::Damage(_)
            | Step::ForeignRecord
            | Step::RotateKey
            | Step::RestartBackend { .. }
            | Step::ForgedWebhook
            | Step::Panicked { .. }
            | Step::ClientGone
            | Step::RestartClient { .. }
            | Step::Told { .. }
            | Step::Saved { .. } => return Ok(()),
        };
        if there { Ok(()) } else { Err(what.to_owned()) }
    }
}

/// Cores that can be kept busy.
const MOST_BUSY: usize = 64;

/// Longest id: it is a folder's name.
const LONGEST_ID: usize = 60;

/// An id is a folder's name, part of a command and of a table.
fn check_id(id: &str) -> Result<(), Mistake> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | ':' | '.');
    let begins = id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && id.len() <= LONGEST_ID && id.chars().all(plain) && !id.contains("..") {
        return Ok(());
    }
    let text = format!(
        "an id is lower-case letters, digits, `-`, `:` and `.`, {LONGEST_ID} at most, as `loss-5` or `bad-join:expired`"
    );
    Err(Mistake { word: Some(id.to_owned()), text })
}

/// Points of the client's code that can be made to fail (`fail_point!`).
const POINTS: [&str; 9] =
    ["capture", "deliverer", "join", "journal", "loop", "persist", "posted", "room", "sound"];

/// What the crate `fail` can do at a point.
const ACTIONS: [&str; 8] = ["off", "return", "sleep", "panic", "print", "pause", "yield", "delay"];

/// Whether libfaketime takes it as we use it.
fn is_wall_clock(text: &str) -> bool {
    if let Some(date) = text.strip_prefix('@') {
        return chrono::NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S").is_ok();
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let number = rest.trim_end_matches(['s', 'm', 'h', 'd', 'y']);
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain && rest.len() <= number.len() + 1 && number.parse::<f64>().is_ok()
}

fn possible(name: &str, seconds: f64) -> Result<(), String> {
    if seconds > 0.0 && seconds <= LONGEST_S {
        return Ok(());
    }
    Err(format!("{name} is {seconds} s; possible are times above 0 and up to {LONGEST_S} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every name that a `fail_point!` of the client's crates has.
    fn named_in(folder: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named_in(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let names = text.split("fail_point!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_point_of_the_client_is_known_and_no_other() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        let mut found = std::collections::BTreeSet::new();
        for name in ["client", "outbox", "room"] {
            named_in(&crates.join(name).join("src"), &mut found);
        }
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), POINTS);
    }

    #[test]
    fn what_libfaketime_takes_is_taken() {
        for good in ["+1h", "-30m", "+0.5d", "@1970-01-01 00:10:00"] {
            assert!(is_wall_clock(good), "{good}");
        }
        for bad in ["yesterday", "+inf", "+-5h", "+1hh", "+", "@1970", "1h"] {
            assert!(!is_wall_clock(bad), "{bad}");
        }
    }
}
