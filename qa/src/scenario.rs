//! The rows of the list of endings that can be run, as data.

/// Whose moment the clock starts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// An event of the interviewer's own log.
    Agent(&'static str),
    /// The fault that the lab injects.
    Fault,
}

/// What is done to the interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the interviewer ends it.
    None,
    /// SIGKILL of the interviewer's job in mid-speech.
    KillSpeaking,
    /// SIGSTOP of the interviewer's job while it listens.
    Freeze,
    /// No worker at all.
    NoWorker,
    /// The candidate presses End.
    CandidateEnds,
    /// SIGKILL of livekit-server.
    KillServer,
    /// The cable is out for two seconds in mid-speech.
    Link2,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Id in the list of endings.
    pub id: &'static str,
    /// How the stock interviewer ends.
    pub ending: &'static str,
    /// Questions asked.
    pub questions: usize,
    /// What is done.
    pub fault: Fault,
    /// When the clock starts.
    pub start: Start,
    /// Expected outcome.
    pub outcome: &'static str,
    /// Seconds from the clock's start to the end screen; `None` where the interview goes on.
    pub bound_s: Option<f64>,
    /// Seconds to "checking on the interviewer", where the list bounds it.
    pub suspect_bound_s: Option<f64>,
}

const fn row(
    id: &'static str,
    ending: &'static str,
    fault: Fault,
    start: Start,
    outcome: &'static str,
    bound_s: f64,
) -> Scenario {
    Scenario {
        id,
        ending,
        questions: 1,
        fault,
        start,
        outcome,
        bound_s: Some(bound_s),
        suspect_bound_s: None,
    }
}

/// Every row that can be run.
pub const SCENARIOS: &[Scenario] = &[
    row("zombie", "zombie", Fault::None, Start::Agent("close"), "finished", 3.5),
    row("leave", "leave", Fault::None, Start::Agent("disconnecting"), "finished", 1.5),
    row("delete-room", "delete-room", Fault::None, Start::Agent("deleting_room"), "finished", 1.5),
    Scenario {
        suspect_bound_s: Some(1.6),
        ..row(
            "kill-speaking",
            "long",
            Fault::KillSpeaking,
            Start::Fault,
            "interrupted(interviewer lost)",
            10.5,
        )
    },
    row("freeze", "zombie", Fault::Freeze, Start::Fault, "interrupted(interviewer lost)", 10.5),
    row("never-joins", "zombie", Fault::NoWorker, Start::Fault, "never started", 62.0),
    row("candidate-ends", "zombie", Fault::CandidateEnds, Start::Fault, "ended by candidate", 2.0),
    row("server-kill", "zombie", Fault::KillServer, Start::Fault, "connection lost", 32.0),
    Scenario { bound_s: None, ..row("link-2", "long", Fault::Link2, Start::Agent("close"), "finished", 0.0) },
];

/// The row with this id.
///
/// # Errors
/// There is none; says which there are.
pub fn find(id: &str) -> anyhow::Result<&'static Scenario> {
    SCENARIOS.iter().find(|row| row.id == id).ok_or_else(|| {
        let ids: Vec<_> = SCENARIOS.iter().map(|row| row.id).collect();
        anyhow::anyhow!("there is no row {id:?}; there are {}", ids.join(", "))
    })
}
