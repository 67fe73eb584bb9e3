//! The promises, for whatever happens: random inputs at random times.

#![cfg(not(target_family = "wasm"))]

use adjourn_session::trace::{Entry, replay};
use adjourn_session::{
    AgentState, CloseReason, Input, JoinGrant, LeaveReason, OrganiserWord, Output, Participant,
    ParticipantKind, Phase, Policy, ProbeKind, Role, Session, Time,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Every end is due by time alone within this: the longest chain is a question (45 s) and its missing
/// answer (120 s), after a link that may be stale for 30 s, with the slow rules in between; or another interviewer
/// that is awaited (25 s).
const LONGEST_MS: u64 = 60_000 + 45_000 + 120_000 + 30_000 + 25_000;

fn sid() -> impl Strategy<Value = String> {
    prop_oneof![Just("PA_1".to_owned()), Just("PA_2".to_owned())]
}

fn participant() -> impl Strategy<Value = Participant> {
    let kind = prop_oneof![
        Just(ParticipantKind::Agent),
        Just(ParticipantKind::Helper),
        Just(ParticipantKind::Person),
        Just(ParticipantKind::Other)
    ];
    (sid(), kind, any::<bool>(), state(), any::<bool>()).prop_map(|(sid, kind, named, state, audio)| {
        Participant {
            identity: format!("agent-{sid}"),
            sid,
            kind,
            agent_name: named.then(|| "interviewer".to_owned()),
            state: Some(state),
            audio,
            name: None,
            marked: false,
        }
    })
}

fn state() -> impl Strategy<Value = AgentState> {
    prop_oneof![
        Just(AgentState::Initializing),
        Just(AgentState::Listening),
        Just(AgentState::Thinking),
        Just(AgentState::Speaking)
    ]
}

fn reason() -> impl Strategy<Value = LeaveReason> {
    use LeaveReason as R;
    prop::sample::select(vec![
        R::Unknown,
        R::ClientInitiated,
        R::DuplicateIdentity,
        R::ServerShutdown,
        R::ParticipantRemoved,
        R::RoomDeleted,
        R::StateMismatch,
        R::JoinFailure,
        R::Migration,
        R::SignalClose,
        R::RoomClosed,
        R::UserUnavailable,
        R::UserRejected,
        R::SipTrunkFailure,
        R::ConnectionTimeout,
        R::MediaFailure,
        R::AgentError,
    ])
}

fn close_reason() -> impl Strategy<Value = CloseReason> {
    use CloseReason as R;
    prop::sample::select(vec![
        R::Unknown,
        R::Error,
        R::JobShutdown,
        R::ParticipantDisconnected,
        R::UserInitiated,
        R::Completed,
    ])
}

fn input() -> impl Strategy<Value = Input> {
    let roster = || prop::collection::vec(participant(), 0..3);
    let room = || prop_oneof![4 => Just("RM_1".to_owned()), 1 => Just("RM_2".to_owned())];
    let grant = |replacements| {
        let agent_name = Some("interviewer".into());
        Input::JoinGranted(JoinGrant { agent_name, remaining: 3_600_000, replacements })
    };
    prop_oneof![
        4 => Just(Input::JoinPressed),
        4 => (0_u8..=3).prop_map(grant),
        4 => (room(), roster()).prop_map(|(room_sid, roster)| Input::Connected { room_sid, roster }),
        1 => Just(Input::JoinFailed { message: "no".into(), retry: true }),
        1 => Just(Input::ConnectFailed { message: "no".into() }),
        1 => Just(Input::GoOnPressed),
        2 => Just(Input::CandidateSpoke),
        1 => Just(Input::CandidateTyped),
        2 => Just(Input::Reconnecting),
        2 => (room(), roster()).prop_map(|(room_sid, roster)| Input::Reconnected { room_sid, roster }),
        2 => reason().prop_map(|reason| Input::Disconnected { reason }),
        8 => (0_u64..1_000_000).prop_map(|received| Input::LinkStats { received }),
        6 => participant().prop_map(Input::ParticipantJoined),
        4 => participant().prop_map(Input::ParticipantChanged),
        3 => (sid(), reason()).prop_map(|(sid, reason)| Input::ParticipantLeft { sid, reason }),
        2 => roster().prop_map(|roster| Input::Roster { roster }),
        3 => (sid(), 0_u64..10_000).prop_map(|(sid, packets)| Input::RtpPackets { sid, track: String::new(), packets }),
        3 => any::<bool>().prop_map(|audible| Input::InterviewerLevel { audible }),
        8 => (sid(), any::<bool>(), 1_u64..40).prop_map(|(sid, session, id)| Input::ProbeAnswered {
            sid, probe: if session { ProbeKind::Session } else { ProbeKind::Process }, id }),
        3 => (sid(), state()).prop_map(|(sid, state)| Input::AgentStateChanged { sid, state }),
        3 => (sid(), any::<bool>()).prop_map(|(sid, c)| Input::Item { sid, role: if c { Role::Candidate } else { Role::Interviewer } }),
        2 => (sid(), any::<bool>(), 0_u8..4).prop_map(|(sid, ok, n)| Input::ToolEnded { sid, name: "end_interview".into(), ok, call_id: n.to_string() }),
        2 => (sid(), 0_u8..4, any::<bool>()).prop_map(|(sid, n, end)| Input::ToolStarted { sid,
            name: if end { "end_interview" } else { "look_up" }.into(), call_id: n.to_string() }),
        1 => sid().prop_map(|sid| Input::SessionFailed { sid }),
        1 => sid().prop_map(|sid| Input::CandidateHeard { sid }),
        1 => sid().prop_map(|sid| Input::Transcribed { sid }),
        1 => (sid(), close_reason()).prop_map(|(sid, reason)| Input::SessionClosed { sid, reason }),
        1 => sid().prop_map(|sid| Input::EndMarker { sid }),
        1 => sid().prop_map(|sid| Input::InterviewerDied { identity: format!("agent-{sid}") }),
        1 => Just(Input::ReplacementRefused),
        1 => prop_oneof![Just(OrganiserWord::Ended), Just(OrganiserWord::Running), Just(OrganiserWord::RoomGone), Just(OrganiserWord::Reported { finished: true }), Just(OrganiserWord::Reported { finished: false }), Just(OrganiserWord::Unreachable)].prop_map(|word| Input::Organiser { word }),
        1 => Just(Input::RecordCommitted),
        1 => Just(Input::RecordNotSaved),
        1 => Just(Input::Delivered { receipt: "R".into() }),
        1 => Just(Input::DeliveryParked),
    ]
}

fn story() -> impl Strategy<Value = Vec<(u64, Input)>> {
    prop::collection::vec(
        (prop_oneof![3 => 0_u64..200, 2 => 200_u64..3_000, 1 => 3_000_u64..20_000], input()),
        0..60,
    )
}

/// Outputs with their times.
struct Told {
    session: Session,
    now: u64,
    outputs: Vec<Output>,
}

fn tell(story: &[(u64, Input)]) -> Told {
    let mut told = Told { session: Session::new(Policy::default(), Time::ZERO), now: 0, outputs: Vec::new() };
    for (pause, input) in story {
        told.now += pause;
        told.session.handle(input.clone(), Time(told.now));
        told.drain();
    }
    told
}

impl Told {
    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            self.outputs.push(output);
        }
    }

    /// Time alone, with no answer to anything.
    fn let_time_pass(&mut self) {
        while let Some(at) = self.session.poll_timeout() {
            self.now = self.now.max(at.0);
            self.session.handle_timeout(at);
            self.drain();
        }
    }

    fn count(&self, wanted: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().filter(|o| wanted(o)).count()
    }
}

/// The suite plays the same thousand stories every time, so that a red run is the change's own doing.
/// `ADJOURN_EXPLORE=50000 cargo test -p adjourn-session --test promises` looks for new ones.
fn stories() -> ProptestConfig {
    let explore = std::env::var("ADJOURN_EXPLORE").ok().and_then(|n| n.parse().ok());
    let rng_seed = if explore.is_some() { RngSeed::Random } else { RngSeed::Fixed(20_261_122) };
    ProptestConfig { cases: explore.unwrap_or(1_000), rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(stories())]

    #[test]
    fn time_alone_leads_to_the_end_or_to_the_device_check(story in story()) {
        let mut told = tell(&story);
        let from = told.now;
        told.let_time_pass();
        prop_assert!(matches!(told.session.phase(), Phase::Checking | Phase::Completed), "{:?}", told.session.phase());
        prop_assert!(told.now - from <= LONGEST_MS, "{} ms", told.now - from);
    }

    #[test]
    fn there_is_one_end_and_one_record(story in story(), after in story()) {
        let mut told = tell(&story);
        told.let_time_pass();
        let ending = told.session.ending().cloned();
        for (pause, input) in after {
            told.now += pause;
            told.session.handle(input, Time(told.now));
            told.drain();
        }
        if let Some(ending) = ending {
            prop_assert_eq!(told.session.ending(), Some(&ending));
            prop_assert_eq!(told.session.phase(), Phase::Completed);
        }
        prop_assert!(told.count(|o| matches!(o, Output::CommitRecord(_))) <= 1);
    }

    #[test]
    fn the_microphone_is_released_with_every_ending(story in story()) {
        let mut told = tell(&story);
        told.let_time_pass();
        let released = told.count(|o| *o == Output::ReleaseMicrophone);
        prop_assert_eq!(released, usize::from(told.session.ending().is_some()));
    }

    #[test]
    fn a_trace_replays_bit_for_bit(story in story()) {
        let told = tell(&story);
        let mut at = 0;
        let entries: Vec<Entry> = story
            .iter()
            .map(|(pause, input)| {
                at += pause;
                Entry { at: Time(at), input: Some(input.clone()) }
            })
            .collect();
        let text: Vec<String> = entries.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        let read: Vec<Entry> = text.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
        prop_assert_eq!(&read, &entries);
        // The first entry's time is the session's beginning, as it is in a recorded trace.
        let mut entries = read;
        entries.insert(0, Entry { at: Time::ZERO, input: None });
        let (session, outputs) = replay(Policy::default(), &entries);
        prop_assert_eq!(session.view(), told.session.view());
        prop_assert_eq!(outputs, told.outputs);
    }

    #[test]
    fn who_is_replaced_is_heard_no_more_and_ends_nothing(story in story(), after in story()) {
        let mut told = tell(&story);
        for (pause, input) in after {
            let heard = told.session.heard_identity().map(str::to_owned);
            for output in &told.outputs {
                if let Output::Replace { identity, .. } = output {
                    prop_assert_ne!(heard.as_ref(), Some(identity));
                }
            }
            told.now += pause;
            told.session.handle(input, Time(told.now));
            told.drain();
        }
        // At most as many as were granted, of each join.
        let joins = told.count(|o| *o == Output::RequestJoin);
        let asked = told.count(|o| matches!(o, Output::Replace { .. }));
        prop_assert!(asked <= 3 * joins, "{} of {}", asked, joins);
    }

    #[test]
    fn it_is_never_called_fresh_while_the_link_is_down(story in story()) {
        let told = tell(&story);
        let view = told.session.view();
        if matches!(view.phase, Phase::Waiting | Phase::Live) && view.link_fresh {
            prop_assert_eq!(view.link, adjourn_session::ConnectionState::Up);
        }
    }
}
