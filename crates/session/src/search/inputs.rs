//! What can happen in the searched worlds: every input, with duplicates, late and lost answers.

use super::key::{LATEST, OFF};
use super::{World, ticks, ticks_of_a_link_that_holds};
use crate::interviewer::Interviewer;
use crate::{
    AgentState, CloseReason, Input, JoinGrant, LeaveReason, OrganiserWord, Participant, ParticipantKind,
    Policy, ProbeKind, Role, Session,
};

/// The two agents of the worlds. Either can become the interviewer.
pub(super) const A: &str = "A";
pub(super) const B: &str = "B";
/// A person.
pub(super) const PERSON: &str = "P";
/// A second presence of the first one.
pub(super) const AGAIN: &str = "A2";

/// One thing that happens. Some depend on what the machine did: they become an [`Input`] at their state.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// Time passes. Answers that never come are ticks without them.
    Tick,
    /// So many ticks pass at once: a timer that is late, or a computer that slept.
    Sleep(u64),
    /// Everything that is under way arrives: probes are answered, our connection received something.
    Arrives,
    /// The same, but the answers to process probes are lost.
    PongsArrive,
    /// The same everywhere.
    Given(Input),
    /// Our connection received something.
    Growth,
    /// The interviewer's track received packets.
    Packets,
    /// The newest probe of a kind is answered (what was before it is lost or late).
    Newest(ProbeKind),
    /// The oldest unanswered probe is answered, [`LATEST`] ticks late at most: later is never.
    Oldest(ProbeKind),
    /// An answer that was counted already comes again, or one to nothing.
    Duplicate(ProbeKind),
    /// A tool of the interviewer ends, in a call of its own.
    Tool {
        name: &'static str,
        ok: bool,
    },
    /// The second message about the last call.
    ToolAgain,
    /// A tool begins beside the others, and ends.
    Begins {
        name: &'static str,
    },
    RunningEnds {
        ok: bool,
    },
}

/// The name of a tool by the id of its call.
fn name_of(call: &str) -> String {
    if call.starts_with(END) { END.to_owned() } else { "other".to_owned() }
}

/// The end tool of the worlds.
const END: &str = "end_interview";

/// The id of a call that was not there before. What ended is remembered, so every path has its own count.
fn new_call(interviewer: Option<&Interviewer>) -> String {
    interviewer.map_or(0, |i| i.calls.ended.len() + i.calls.running.len()).to_string()
}

impl Move {
    /// The input that this is in a state; `None` for time, and for what can't happen there.
    pub(super) fn at(&self, session: &Session) -> Option<Input> {
        let interviewer = session.interviewer.as_ref();
        let sid = || interviewer.map_or_else(|| A.to_owned(), |i| i.sid.clone());
        let probes = |kind: ProbeKind| {
            interviewer.map(|i| match kind {
                ProbeKind::Session => &i.session.under_way,
                ProbeKind::Process => &i.process.under_way,
            })
        };
        let answer = |probe, id| Input::ProbeAnswered { sid: sid(), probe, id };
        let ended = interviewer.and_then(|i| i.calls.ended.back().cloned());
        let running = interviewer.and_then(|i| i.calls.running.back().cloned());
        match self {
            Self::Tick | Self::Sleep(_) | Self::Arrives | Self::PongsArrive => None,
            Self::Given(input) => Some(input.clone()),
            Self::Growth => Some(Input::LinkStats { received: session.link.received.unwrap_or(0) + 1 }),
            Self::Packets => Some(Input::RtpPackets {
                sid: sid(),
                track: String::new(),
                packets: interviewer.and_then(|i| i.packets.last()).map_or(0, |(_, packets)| *packets) + 1,
            }),
            Self::Newest(kind) => probes(*kind)?.back().map(|(id, _)| answer(*kind, *id)),
            Self::Oldest(kind) => {
                let (id, sent) = probes(*kind)?.front()?;
                (session.fresh().since(*sent) <= LATEST).then(|| answer(*kind, *id))
            }
            Self::Duplicate(kind) => Some(answer(*kind, 0)),
            Self::Tool { name, ok } => Some(Input::ToolEnded {
                sid: sid(),
                name: (*name).to_owned(),
                ok: *ok,
                call_id: new_call(interviewer),
            }),
            Self::ToolAgain => {
                Some(Input::ToolEnded { sid: sid(), name: END.to_owned(), ok: true, call_id: ended? })
            }
            // One call beside the others at a time.
            Self::Begins { name } => running.is_none().then(|| Input::ToolStarted {
                sid: sid(),
                name: (*name).to_owned(),
                call_id: format!("{name}{}", new_call(interviewer)),
            }),
            Self::RunningEnds { ok } => {
                let call_id = running?;
                Some(Input::ToolEnded { sid: sid(), name: name_of(&call_id), ok: *ok, call_id })
            }
        }
    }
}

pub(super) fn agent(sid: &str, state: Option<AgentState>, audio: bool) -> Participant {
    Participant {
        sid: sid.to_owned(),
        // As of a job: a presence of another id is the same one.
        identity: format!("agent-{sid}"),
        kind: ParticipantKind::Agent,
        agent_name: None,
        state,
        audio,
        name: None,
        marked: false,
    }
}

/// The device check, the way in and out, and the record.
fn around() -> Vec<Move> {
    [
        Input::JoinPressed,
        Input::JoinGranted(JoinGrant { agent_name: None, remaining: 1_000_000_000, replacements: 0 }),
        Input::JoinFailed { message: String::new(), retry: true },
        Input::ConnectFailed { message: String::new() },
        Input::Connected { room_sid: "1".into(), roster: vec![] },
        Input::EndConfirmed,
        Input::SystemEnds,
        Input::ClientFailed,
        Input::RecordCommitted,
        Input::RecordNotSaved,
        Input::Delivered { receipt: "R".into() },
        Input::DeliveryParked,
    ]
    .map(Move::Given)
    .into()
}

/// Our own link and the room.
fn link() -> Vec<Move> {
    [
        Input::Reconnecting,
        Input::Connected { room_sid: "1".into(), roster: vec![agent(A, None, true)] },
        Input::Reconnected { room_sid: "1".into(), roster: vec![agent(A, None, true)] },
        Input::Reconnected { room_sid: "1".into(), roster: vec![] },
        Input::Reconnected { room_sid: "2".into(), roster: vec![agent(B, None, true)] },
        Input::Disconnected { reason: LeaveReason::Unknown },
        Input::Disconnected { reason: LeaveReason::DuplicateIdentity },
        Input::Disconnected { reason: LeaveReason::ParticipantRemoved },
        Input::Disconnected { reason: LeaveReason::RoomDeleted },
        Input::Organiser { word: OrganiserWord::Ended },
        Input::Organiser { word: OrganiserWord::Running },
        Input::Organiser { word: OrganiserWord::InterviewerExpected },
        Input::Organiser { word: OrganiserWord::RoomGone },
        Input::Organiser { word: OrganiserWord::Unreachable },
        Input::RoomEnded,
    ]
    .map(Move::Given)
    .into()
}

/// Who is there.
fn presence() -> Vec<Move> {
    [
        Input::ParticipantJoined(agent(A, None, true)),
        Input::ParticipantJoined(agent(A, None, false)),
        Input::ParticipantJoined(agent(B, None, true)),
        Input::ParticipantJoined(agent(B, None, false)),
        // The same identity in a new presence.
        Input::ParticipantJoined(Participant { sid: AGAIN.into(), ..agent(A, None, true) }),
        Input::ParticipantLeft { sid: AGAIN.into(), reason: LeaveReason::ClientInitiated },
        Input::ParticipantLeft { sid: A.into(), reason: LeaveReason::Unknown },
        Input::ParticipantLeft { sid: A.into(), reason: LeaveReason::ClientInitiated },
        Input::ParticipantLeft { sid: A.into(), reason: LeaveReason::ConnectionTimeout },
        Input::ParticipantLeft { sid: B.into(), reason: LeaveReason::ClientInitiated },
        Input::Roster { roster: vec![agent(A, None, true)] },
        Input::Roster { roster: vec![] },
    ]
    .map(Move::Given)
    .into()
}

/// Signs of life.
fn life() -> Vec<Move> {
    let mut moves = vec![Move::Packets];
    for kind in [ProbeKind::Session, ProbeKind::Process] {
        moves.extend([Move::Newest(kind), Move::Oldest(kind), Move::Duplicate(kind)]);
    }
    moves
}

/// The conversation and what is read from it.
fn conversation() -> Vec<Move> {
    let a = || A.to_owned();
    let mut moves: Vec<Move> = [
        Input::InterviewerLevel { audible: true },
        Input::InterviewerLevel { audible: false },
        Input::AgentStateChanged { sid: a(), state: AgentState::Thinking },
        Input::AgentStateChanged { sid: a(), state: AgentState::Listening },
        Input::Item { sid: a(), role: Role::Candidate },
        Input::Item { sid: a(), role: Role::Interviewer },
        Input::SessionFailed { sid: a() },
        Input::EndMarker { sid: a() },
        Input::SessionClosed { sid: a(), reason: CloseReason::UserInitiated },
        Input::CandidateSpoke,
        Input::CandidateTyped,
        Input::CandidateHeard { sid: a() },
        Input::Transcribed { sid: a() },
        Input::GoOnPressed,
    ]
    .map(Move::Given)
    .into();
    moves.extend(tools());
    moves
}

/// What the interviewer's tools do.
fn tools() -> Vec<Move> {
    vec![
        Move::Tool { name: END, ok: true },
        Move::Tool { name: END, ok: false },
        Move::Tool { name: "other", ok: true },
        Move::ToolAgain,
        Move::Begins { name: "other" },
        Move::Begins { name: END },
        Move::RunningEnds { ok: true },
        Move::RunningEnds { ok: false },
    ]
}

fn all(parts: &[Vec<Move>]) -> Vec<Move> {
    parts.iter().flatten().cloned().chain([Move::Tick]).collect()
}

/// The moves of some kinds of input only.
fn only(moves: Vec<Move>, wanted: fn(&Input) -> bool) -> Vec<Move> {
    moves.into_iter().filter(|m| matches!(m, Move::Given(input) if wanted(input))).collect()
}

/// The straight way in with one interviewer, and out.
fn in_and_out() -> Vec<Move> {
    let mut moves = only(around(), |i| {
        matches!(i, Input::JoinPressed | Input::JoinGranted(_) | Input::EndConfirmed | Input::RecordCommitted)
    });
    moves.extend(only(link(), |i| matches!(i, Input::Connected { .. })));
    moves.extend(only(presence(), |i| {
        matches!(i, Input::ParticipantLeft { sid, reason } if sid == A && *reason != LeaveReason::Unknown)
    }));
    moves
}

/// Who is there: everybody comes, goes and comes again while our own link holds; no probe is ever answered.
pub(super) fn comings_and_goings() -> World {
    // With a person in the room, only a question leads to the end.
    let policy = Policy { report_interval: OFF, ..ticks_of_a_link_that_holds() };
    let person = Participant { kind: ParticipantKind::Person, ..agent(PERSON, None, true) };
    let persons = vec![
        Move::Given(Input::ParticipantJoined(person)),
        Move::Given(Input::ParticipantLeft { sid: PERSON.into(), reason: LeaveReason::ClientInitiated }),
    ];
    let moves = all(&[around(), presence(), persons, only(link(), |i| matches!(i, Input::Connected { .. }))]);
    World { answers: false, moves, policy, alive: true, silent: 16 }
}

/// Whether we are there: every way into the room and out of it, and into another one, asleep or not.
pub(super) fn in_and_out_of_the_room() -> World {
    let policy = Policy { ask_after: OFF, report_interval: OFF, crash_loop_window: OFF, ..ticks() };
    let there = only(presence(), |i| {
        let joins = matches!(i, Input::ParticipantJoined(p) if p.sid == A && p.audio);
        let leaves = matches!(i, Input::ParticipantLeft { sid, reason }
            if sid == A && *reason != LeaveReason::ConnectionTimeout);
        joins || leaves || matches!(i, Input::Roster { .. })
    });
    let moves = all(&[around(), link(), there, vec![Move::Growth, Move::Sleep(5)]]);
    World { answers: false, moves, policy, alive: false, silent: 12 }
}

/// Probes that are answered, late, twice or not, over a link that comes and goes.
pub(super) fn probes_over_a_bad_link() -> World {
    let policy = Policy { ask_after: OFF, report_interval: OFF, crash_loop_window: OFF, ..ticks() };
    let bad = only(link(), |i| {
        matches!(i, Input::Reconnecting | Input::Disconnected { reason: LeaveReason::Unknown })
            || matches!(i, Input::Reconnected { room_sid, roster } if room_sid == "1" && !roster.is_empty())
    });
    let moves = all(&[in_and_out(), bad, life(), vec![Move::Growth, Move::Sleep(2), Move::Sleep(5)]]);
    World { answers: false, moves, policy, alive: false, silent: 12 }
}

/// Everything that one interviewer shows, over a link that holds.
pub(super) fn signs_of_life() -> World {
    let policy = Policy {
        ask_after: OFF,
        report_interval: OFF,
        crash_loop_window: OFF,
        ..ticks_of_a_link_that_holds()
    };
    let shown = only(conversation(), |i| {
        matches!(
            i,
            Input::InterviewerLevel { .. }
                | Input::AgentStateChanged { .. }
                | Input::EndMarker { .. }
                | Input::SessionClosed { .. }
                | Input::Transcribed { .. }
        )
    });
    World { answers: false, moves: all(&[in_and_out(), life(), shown]), policy, alive: true, silent: 12 }
}

/// Tools and turns, of an interviewer that answers or not: the largest of the worlds.
pub(super) fn tools_and_turns() -> World {
    of_a_conversation(&[turns(), ended_tools()])
}

/// Its tools without turns.
pub(super) fn tools_alone() -> World {
    of_a_conversation(&[ended_tools()])
}

/// Its turns without tools.
pub(super) fn turns_alone() -> World {
    of_a_conversation(&[turns()])
}

fn turns() -> Vec<Move> {
    only(conversation(), |i| matches!(i, Input::Item { .. } | Input::AgentStateChanged { .. }))
}

fn ended_tools() -> Vec<Move> {
    // Ends whose beginning was not seen are in `everything`.
    tools().into_iter().filter(|m| !matches!(m, Move::Tool { .. })).collect()
}

fn of_a_conversation(moves: &[Vec<Move>]) -> World {
    let policy = Policy {
        ask_after: OFF,
        report_interval: OFF,
        crash_loop_window: OFF,
        ..ticks_of_a_link_that_holds()
    };
    let answers = vec![Move::Newest(ProbeKind::Session), Move::Newest(ProbeKind::Process)];
    let moves = all(&[&[in_and_out(), answers], moves].concat());
    World { answers: false, moves, policy, alive: true, silent: 12 }
}

/// A candidate who speaks or not, and the question, over a link that holds.
pub(super) fn the_question() -> World {
    let policy = Policy { crash_loop_window: OFF, report_interval: OFF, ..ticks_of_a_link_that_holds() };
    let said = only(conversation(), |i| {
        matches!(i, Input::CandidateSpoke | Input::GoOnPressed | Input::AgentStateChanged { .. })
    });
    let answers = vec![Move::Newest(ProbeKind::Session), Move::Newest(ProbeKind::Process)];
    World { answers: false, moves: all(&[in_and_out(), answers, said]), policy, alive: true, silent: 16 }
}

/// An interviewer that is there all the time and answers whatever arrives, over a link that comes and goes,
/// loses packets and sleeps: it must never be taken for lost.
pub(super) fn an_interviewer_that_answers() -> World {
    let policy = Policy {
        ask_after: OFF,
        report_interval: OFF,
        crash_loop_window: OFF,
        // That who speaks on counts, heard or not, is in the world of the question.
        unheard_speech: OFF,
        no_proof_of_life: 4,
        answer_limit: 4,
        ..ticks()
    };
    let way_in = only(around(), |i| matches!(i, Input::JoinPressed | Input::JoinGranted(_)));
    let bad = only(link(), |i| {
        let out = matches!(i, Input::Reconnecting | Input::Disconnected { reason: LeaveReason::Unknown });
        let back = matches!(i, Input::Connected { room_sid, roster } | Input::Reconnected { room_sid, roster }
            if room_sid == "1" && !roster.is_empty());
        out || back
    });
    let others = vec![
        Move::Given(Input::ParticipantLeft { sid: A.into(), reason: LeaveReason::Unknown }),
        Move::Given(Input::Roster { roster: vec![agent(A, None, true)] }),
        Move::Given(Input::ParticipantJoined(agent(B, None, false))),
        Move::Arrives,
        Move::Packets,
        Move::Sleep(2),
        Move::Sleep(5),
    ];
    let moves = all(&[way_in, bad, others]);
    World { answers: true, moves, policy, alive: false, silent: 12 }
}

/// The same, over a link that holds, in the middle of a talk: anything is said, asked and answered, and with
/// the answers of its process lost or not.
pub(super) fn a_talk_with_an_interviewer_that_answers() -> World {
    let policy = Policy {
        report_interval: OFF,
        crash_loop_window: OFF,
        // That who speaks on counts, heard or not, is in the world of the question.
        unheard_speech: OFF,
        no_proof_of_life: 4,
        answer_limit: 4,
        ..ticks_of_a_link_that_holds()
    };
    let way_in = only(around(), |i| matches!(i, Input::JoinPressed | Input::JoinGranted(_)));
    let connected = only(link(), |i| matches!(i, Input::Connected { .. }));
    let talk = only(conversation(), |i| {
        matches!(
            i,
            Input::Item { .. }
                | Input::AgentStateChanged { .. }
                | Input::CandidateSpoke
                | Input::CandidateHeard { .. }
                | Input::GoOnPressed
        )
    });
    let moves = all(&[way_in, connected, talk, vec![Move::Arrives, Move::PongsArrive]]);
    World { answers: true, moves, policy, alive: false, silent: 12 }
}

/// Interviewers that are lost, and others in their place, over a link that holds. `marks`: they say that it is over, too.
pub(super) fn replacements(marks: bool) -> World {
    let policy = Policy {
        ask_after: OFF,
        report_interval: OFF,
        crash_loop_window: OFF,
        death_interval: 1,
        ..ticks_of_a_link_that_holds()
    };
    let way_in =
        only(around(), |i| matches!(i, Input::JoinPressed | Input::EndConfirmed | Input::RecordCommitted));
    let granted =
        Input::JoinGranted(JoinGrant { agent_name: None, remaining: 1_000_000_000, replacements: 1 });
    let connected = only(link(), |i| matches!(i, Input::Connected { .. }));
    let there = only(presence(), |i| {
        let joins = matches!(i, Input::ParticipantJoined(p) if p.sid != A || p.audio);
        let leaves = matches!(i, Input::ParticipantLeft { sid, reason }
            if sid != A || *reason == LeaveReason::ClientInitiated);
        joins || leaves
    });
    let told = [
        Input::ReplacementRefused,
        Input::InterviewerDied { identity: format!("agent-{A}") },
        Input::SessionFailed { sid: A.to_owned() },
    ];
    let mut given: Vec<Move> = told.map(Move::Given).into();
    given.push(Move::Given(granted));
    given.extend(marks.then(|| Move::Given(Input::EndMarker { sid: A.to_owned() })));
    let answers = vec![Move::Newest(ProbeKind::Session), Move::Newest(ProbeKind::Process)];
    let moves = all(&[way_in, connected, there, given, answers]);
    World { answers: false, moves, policy, alive: true, silent: 13 }
}

/// Everything at once: too large to finish; as far as a number of states goes.
pub(super) fn everything() -> World {
    let moves = all(&[around(), link(), presence(), life(), conversation(), vec![Move::Growth]]);
    World { answers: false, moves, policy: ticks(), alive: false, silent: 0 }
}

/// Every world that is searched.
pub(super) fn worlds() -> Vec<World> {
    vec![
        comings_and_goings(),
        in_and_out_of_the_room(),
        probes_over_a_bad_link(),
        signs_of_life(),
        tools_and_turns(),
        the_question(),
        an_interviewer_that_answers(),
        a_talk_with_an_interviewer_that_answers(),
        replacements(true),
        everything(),
    ]
}
