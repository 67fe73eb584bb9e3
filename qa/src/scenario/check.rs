//! Whether a scenario makes sense: what nobody understands is refused, with its line, before anything is run.

use adjourn_client::Message;

use super::words::{self, Mistake};
use super::{ENDINGS, LONGEST_S, Place, Scenario, Step};

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
        let known = words::known()?;
        for interviewer in self.interviewers() {
            if !ENDINGS.contains(&interviewer.ending.as_str()) {
                words::check("ending", &interviewer.ending, ENDINGS.into_iter())?;
            }
            match &interviewer.script {
                Some(script) if !script.exists() => {
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
        self.check_words()?;
        self.check_steps().map_err(Mistake::from)
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
        let cable = self.steps.iter().any(|step| matches!(step, Step::Cable(_) | Step::Churn(_)));
        if cable && self.network == Place::Loopback {
            return Err("its steps pull a cable, but it has no `network = \"cable\"`".to_owned());
        }
        if self.expect.problem.is_some() && (!self.after.is_empty() || self.expect.outcome != "none") {
            return Err(
                "with a problem there is no end: the outcome is \"none\", and nothing comes after".to_owned()
            );
        }
        let of_a_fleet = self.steps.iter().chain(&self.after).any(Step::of_a_fleet);
        if of_a_fleet && !self.fleet {
            return Err("its steps are about a fleet, but it has no `fleet = true`".to_owned());
        }
        let own_parts =
            self.network != Place::Loopback || self.proxied() || self.dismissible || self.postgres;
        if self.fleet && own_parts {
            return Err(
                "a fleet is on the loopback interface, has its own Postgres, and nothing else before it"
                    .to_owned(),
            );
        }
        if self.tls && self.network != Place::Cable {
            return Err("with TLS the backend has a name, which needs `network = \"cable\"`".to_owned());
        }
        let dismissed = self.steps.iter().any(|step| matches!(step, Step::Dismiss(_)));
        if dismissed && !self.dismissible {
            return Err("its steps dismiss the client, but it is not `dismissible`".to_owned());
        }
        let relay = self.steps.iter().any(|step| matches!(step, Step::Relay(_) | Step::Signalling(_)));
        if relay && self.network != Place::Relay {
            return Err("its steps need relays, but it has no `network = \"relay\"`".to_owned());
        }
        Ok(())
    }
}

fn possible(name: &str, seconds: f64) -> Result<(), String> {
    if seconds > 0.0 && seconds <= LONGEST_S {
        return Ok(());
    }
    Err(format!("{name} is {seconds} s; possible are times above 0 and up to {LONGEST_S} s"))
}
