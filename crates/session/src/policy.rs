//! Every constant of the machine, with its unit, reason and allowed range.

use serde::{Deserialize, Serialize};

macro_rules! policy {
    ($($(#[doc = $doc:literal])* $name:ident: $default:literal in $low:literal..=$high:literal,)*) => {
        /// The machine's constants, in milliseconds. The join answer may override each within its
        /// range; outside of it the join fails with one sentence.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Policy {
            $($(#[doc = $doc])* pub $name: u64,)*
            /// Tools whose success is evidence that the interview is over.
            pub end_tools: Vec<String>,
            /// Everybody in the room is heard, not only the interviewer and its avatar.
            pub hear_guests: bool,
            /// The candidate may type an answer, which the interviewer's session is given as a turn.
            pub typing: bool,
            /// What the client does to the candidate's voice.
            pub sound_processing: SoundProcessing,
        }

        impl Default for Policy {
            fn default() -> Self {
                Self {
                    $($name: $default,)*
                    end_tools: vec!["end_interview".to_owned(), "end_call".to_owned()],
                    hear_guests: false,
                    typing: false,
                    sound_processing: SoundProcessing::default(),
                }
            }
        }

        impl Policy {
            /// Checks every constant against its range.
            ///
            /// # Errors
            /// The first constant that is outside, in one sentence.
            pub fn check(&self) -> Result<(), PolicyError> {
                $(if !($low..=$high).contains(&self.$name) {
                    let (name, value) = (stringify!($name), self.$name);
                    return Err(PolicyError(format!("{name} is {value} ms, allowed are {} to {} ms", $low, $high)));
                })*
                self.check_order()
            }

            /// Every numeric constant with its name and value, in order.
            pub fn constants(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

/// What the client does to the candidate's voice before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundProcessing {
    /// Echo cancellation, unless headphones are known to be in use; noise suppression, gain and a high-pass filter.
    #[default]
    Full,
    /// Echo cancellation alone, for an interviewer that cancels noise itself.
    EchoOnly,
    /// Nothing.
    Off,
}

impl Policy {
    /// Constants that only work in one order.
    fn check_order(&self) -> Result<(), PolicyError> {
        let above = |name: &str, value: u64, least: u64, why: &str| {
            if value < least {
                return Err(PolicyError(format!(
                    "{name} is {value} ms, but {why} needs {least} ms at least"
                )));
            }
            Ok(())
        };
        // An interviewer must not be lost before our own link is known to be stale, which is noticed one
        // reading of the statistics late.
        let noticed = self.link_stale + self.stats_interval + self.process_interval;
        above("process_lost", self.process_lost, noticed, "noticing our own dead link first")?;
        above(
            "session_blocked",
            self.session_blocked,
            self.session_closed,
            "asking the candidate before it counts as closed",
        )?;
        above("never_started", self.never_started, self.waiting_notice, "saying first that it takes longer")?;
        // A living interviewer must not be lost because our data channel stands still: it is made anew first.
        let anew = self.data_stall + self.stats_interval + self.process_interval;
        above("process_lost", self.process_lost, anew, "making a connection anew over which no data comes")?;
        above("link_lost", self.link_lost, self.link_stale, "a stale link, which comes first,")
    }
}

/// A constant outside of its allowed range, or constants out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(String);

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for PolicyError {}

policy! {
    /// Own link: received bytes must grow within this, else the link is stale. The
    /// probes' acknowledgements alone make them grow twice a second.
    link_stale: 3_000 in 1_000..=10_000,
    /// Own link: no growth, or out of the room, for this long is a lost connection.
    link_lost: 30_000 in 10_000..=120_000,
    /// This computer was asleep, or this program starved, when a timer fires so much later than due. Under a
    /// quota of a fifth of a core it is some 100 ms (scenario `cpu-starved`).
    asleep: 2_000 in 1_000..=10_000,
    /// Own link: pause between our own attempts after the SDK gave up.
    redial: 2_000 in 500..=10_000,
    /// The join request must be answered within this (a silent host: scenario `bad-join:silent-host`, 11 s).
    join_limit: 10_000 in 2_000..=30_000,
    /// The room must be reached within this after the join was granted.
    connect_limit: 10_000 in 2_000..=30_000,
    /// Waiting room: after this the screen says that it takes longer than usual.
    waiting_notice: 20_000 in 5_000..=60_000,
    /// Waiting room: without an interviewer for this long the interview never started.
    never_started: 60_000 in 20_000..=600_000,
    /// An interviewer that joined must be ready (pong, state or sound) within this of when we saw it. The
    /// server tells of somebody who publishes nothing up to 3 s late (measured: 2.6 s), and the list of
    /// endings gives 22 s from its joining.
    ready_limit: 18_500 in 5_000..=120_000,
    /// Process probe: one every 500 ms (an answer takes 4 ms).
    process_interval: 500 in 200..=5_000,
    /// Session ping: one every second (an answer takes 4.5 ms).
    ping_interval: 1_000 in 200..=10_000,
    /// Session ping after evidence or suspicion.
    ping_interval_fast: 500 in 200..=5_000,
    /// Session ping of an interviewer that never answered one.
    ping_interval_slow: 10_000 in 1_000..=60_000,
    /// After this without a pong since ready, an interviewer counts as one without session ping.
    ping_unsupported: 10_000 in 2_000..=60_000,
    /// Statistics are read this often: packets that grew between two readings prove life at the first one.
    stats_interval: 500 in 200..=1_000,
    /// Process probe unanswered for this long: "checking on the interviewer". Two probes and a bit.
    process_suspect: 1_200 in 600..=10_000,
    /// After our connection was stale or restored, no probe was answered over it for this long: it is made anew. What
    /// was under way when the line broke is sent again after 1, 2, 4, 8, 16 s of the outage, and everything waits for
    /// it: after 16 s without a line, data came up to 15 s later than sound (scenario `said-while-down`). A healthy
    /// connection answers within one `process_interval` and the way there and back; an outage of less than 8 s heals
    /// by itself in most cases before this.
    data_stall: 5_000 in 2_000..=30_000,
    /// Process probe unanswered for this long: the interviewer is lost. A frozen process that comes
    /// back sooner is forgiven.
    process_lost: 8_000 in 3_000..=60_000,
    /// Session ping unanswered (process alive) for this long: "checking on the interviewer".
    session_suspect: 3_000 in 1_000..=20_000,
    /// Session ping unanswered with standing evidence: finished.
    session_finished: 2_000 in 1_000..=20_000,
    /// Session ping unanswered, last state listening: the candidate is asked whether it is over. A stalled event loop
    /// is no closed session (scenario `blocks-while-listening`: 10 s).
    session_closed: 8_000 in 3_000..=60_000,
    /// Session ping unanswered: the session closed, or is blocked for good. A blocked tool may come back until then.
    session_blocked: 20_000 in 5_000..=120_000,
    /// While the session ping is unanswered, the backend is asked for the agent's report so often.
    report_interval: 2_000 in 1_000..=30_000,
    /// While the process probe is unanswered, the backend is asked whether the interviewer's job has ended so often.
    death_interval: 1_000 in 200..=30_000,
    /// A lost session ping counts only once a process probe sent after it was answered this long
    /// ago: both travel over one ordered channel, so the ping arrived.
    session_grace: 500 in 100..=5_000,
    /// The goodbye is heard to its end: nothing is confirmed within this after the interviewer was audible.
    audible_tail: 700 in 0..=5_000,
    /// Evidence without consequence: the candidate is asked after this without the interviewer's speech while pongs
    /// go on. What an end tool that failed says falls away.
    evidence_expiry: 15_000 in 5_000..=120_000,
    /// And so long after that question it is over as the evidence says, unless the candidate answers.
    over_limit: 30_000 in 10_000..=600_000,
    /// After a leave without evidence: longer than the server's 3 s batching; a successor may come.
    leave_settling: 4_000 in 3_100..=60_000,
    /// A departure without reason: the roster is read again after this, until it says who is there.
    roster_pause: 500 in 100..=5_000,
    /// Words of the candidate that are told within this after the interviewer's sign of an end were said before it. Hearing a
    /// turn to its end, answering it and understanding the answer takes longer: livekit-agents alone waits for 0.5 s after
    /// somebody stopped speaking (scenario `thank-you-bye`: 17 ms, once in many).
    answer_after: 500 in 0..=5_000,
    /// Three losses within this without a word of conversation are a crash loop.
    crash_loop_window: 60_000 in 10_000..=600_000,
    /// Speech that our own detector hears and the interviewer's session does not tell of counts after so long. A chair
    /// or a cough is shorter.
    unheard_speech: 2_000 in 500..=20_000,
    /// A pause in what our own detector hears is longer than this.
    speech_pause: 1_000 in 200..=5_000,
    /// The candidate waits for the interviewer, and there is no reaction for this long: ask.
    ask_after: 45_000 in 15_000..=600_000,
    /// No answer to the question for this long, and no sign that the interviewer's session lives: ended.
    answer_limit: 120_000 in 30_000..=600_000,
    /// A room that was replaced by another: the same interviewer must be back within this.
    replaced_room: 8_000 in 2_000..=60_000,
    /// A room that was opened anew on another server: the interviewer, too, finds out that its connection is gone, and must be
    /// back within this. Measured with livekit-agents 1.8.9: 8 to 9 s after we are.
    interviewer_returns: 15_000 in 2_000..=60_000,
    /// In the place of an interviewer that is lost another one must be ready within this. Measured: a worker of livekit-agents
    /// 1.8.9 is in the room 1 to 3 s after its dispatch, and loads its models until it is ready.
    replacement_limit: 25_000 in 5_000..=120_000,
    /// How long to wait for the backend's word on why a room is gone.
    organiser_limit: 1_000 in 200..=10_000,
    /// Whatever else: no proof of life for this long (own link fresh) is a lost interviewer.
    no_proof_of_life: 60_000 in 30_000..=600_000,
    /// The end screen shows after this even if the record is not committed yet ("saving…").
    commit_limit: 1_000 in 500..=10_000,
    /// "sending" becomes "saved" after this; delivery goes on.
    delivery_limit: 10_000 in 2_000..=60_000,
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[test]
    fn defaults_are_within_their_ranges() {
        assert_eq!(Policy::default().check(), Ok(()));
    }

    #[test]
    fn a_constant_outside_its_range_is_one_sentence() {
        let policy = Policy { process_lost: 1, ..Policy::default() };
        let text = policy.check().unwrap_err().to_string();
        assert_eq!(text, "process_lost is 1 ms, allowed are 3000 to 60000 ms");
    }

    #[test]
    fn unknown_constants_are_refused() {
        assert!(serde_json::from_str::<Policy>(r#"{"proces_lost": 9000}"#).is_err());
    }
}
