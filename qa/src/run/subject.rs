//! Whose client the candidate uses in a run.

use crate::scenario::{Disk, Place, Scenario, Step, Target};

/// Whose client the candidate uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Ours.
    #[default]
    Adjourn,
    /// Ours as it is built for Windows, under Wine: what people get, without the points at which the testbed makes it fail.
    Windows,
    /// LiveKit's own, in a browser.
    Baseline,
}

impl Subject {
    /// Ours, for this system or for Windows.
    pub fn of(windows: bool) -> Self {
        if windows { Self::Windows } else { Self::Adjourn }
    }

    /// Why a scenario can't be played here with this client, if so.
    pub fn missing(self, scenario: &Scenario) -> Option<String> {
        scenario.missing().or_else(|| self.lacks(scenario))
    }

    /// What the name of a folder with its results ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Adjourn => "",
            Self::Windows => "-windows",
            Self::Baseline => "-baseline",
        }
    }

    /// Why this client can't play a scenario, if so.
    fn lacks(self, scenario: &Scenario) -> Option<String> {
        if self != Self::Windows {
            return None;
        }
        let steps = || scenario.steps.iter().chain(&scenario.after);
        let ended_by_signal =
            |step: &Step| matches!(step, Step::Signal { to: Target::Client, signal } if signal == "TERM");
        let other_clock =
            |step: &Step| matches!(step, Step::WallClock(_) | Step::RestartClient { days: 1.., .. });
        let lacks = if scenario.network != Place::Loopback {
            "no cable: Wine's server is not in its namespace"
        } else if scenario.kill_at.is_some() || scenario.kill_on.is_some() || scenario.fail_points.is_some() {
            "no points at which it fails"
        } else if scenario.disk != Disk::Fine || steps().any(|step| matches!(step, Step::Disk(_))) {
            "no disk that misbehaves"
        } else if scenario.wall_clock.is_some() || steps().any(other_clock) {
            "no clock that misbehaves"
        } else if scenario.tls {
            "none of our certificates: Windows asks its own store"
        } else if steps().any(ended_by_signal) {
            "no SIGTERM"
        } else {
            return None;
        };
        Some(format!("the client for Windows has {lacks}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::find;

    #[test]
    fn the_client_for_windows_says_what_it_can_t_play() {
        let lacks = |id: &str| Subject::Windows.lacks(&find(id).unwrap());
        for id in ["zombie", "kill-speaking", "torn", "lost-ack", "mic-gone"] {
            assert_eq!(lacks(id), None, "{id}");
        }
        for (id, what) in [
            ("link-2", "cable"),
            ("panic:sound", "points"),
            ("kill-after-post", "points"),
            ("disk-full", "disk"),
            ("wall-clock:ahead", "clock"),
            ("sigterm", "SIGTERM"),
        ] {
            assert!(lacks(id).is_some_and(|said| said.contains(what)), "{id}: {:?}", lacks(id));
            assert_eq!(Subject::Adjourn.lacks(&find(id).unwrap()), None, "{id}");
        }
        let tls = Scenario { tls: true, ..find("zombie").unwrap() };
        assert!(Subject::Windows.lacks(&tls).unwrap().contains("certificates"));
    }
}
