//! An organiser's backend without a network. It keeps the real one's quirks: it may not answer, answer late, say what HTTP says,
//! and take a record whose answer is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use adjourn_client::{Answered, Backend, Center, Clock as _};
use adjourn_outbox::{BackendError, DeliveryOutcome, Granted, Join, Receipt, Sent};
use adjourn_protocol::{
    Arrival, Assignment, AssignmentAsked, CheckAnswer, CheckRequest, ClientInfo, GivenOrder, InterviewInfo,
    InterviewState, InterviewStatus, InterviewerState, InviteLink, Invited, JoinAnswer, JoinRequest,
    LiveKitInfo, NumberedOrder, Outcome, Policy, ReceiptClaims, Replaced, ReplacementAsked, RoomState,
    SeatOrder, SeatOrders, SeatState, SeatTold, Secret, Source, sha256,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

use super::FakeClock;

/// The fake. Clones are the same.
#[derive(Clone, Debug)]
pub struct FakeBackend {
    clock: Arc<FakeClock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub struct State {
    /// Every answer takes so long.
    pub latency: Duration,
    /// It can't be reached at all.
    pub down: bool,
    /// What joins are answered with, one after the other; then they are granted.
    pub joins: VecDeque<BackendError>,
    /// What deliveries are answered with, one after the other; then they are taken.
    pub deliveries: VecDeque<BackendError>,
    /// The next record is taken, and its answer lost.
    pub loses_answer: bool,
    pub policy: Policy,
    pub minutes: i64,
    /// Of which so much is over, before anybody joins.
    pub gone: Duration,
    pub attempt: i64,
    /// The interview is over: only uploads are left.
    pub over: bool,
    pub ended_by_organiser: Option<DateTime<Utc>>,
    pub room: Option<RoomState>,
    pub interviewer: Option<InterviewerState>,
    pub agent_report: Arrival,
    pub confirmed: bool,
    /// So many interviewers may be replaced.
    pub replacements: u8,
    /// What it is asked for another interviewer is answered with, one after the other; then one is called.
    pub refuses_another: VecDeque<BackendError>,
    /// In whose place another one was called.
    pub replaced: Vec<ReplacementAsked>,
    /// The interviewer whose process has ended.
    pub died: Option<String>,
    records: Vec<(String, Vec<u8>)>,
    /// What questions for a room to try the way in are answered with, one after the other; then there is one.
    pub checks: VecDeque<BackendError>,
    /// What it says that a link invites to.
    pub invited: Option<Invited>,
    /// LiveKit can't be reached from there.
    pub no_room: bool,
    pub asked_joins: usize,
    pub asked_status: usize,
    pub asked_deliveries: usize,
    pub asked_clock: usize,
    pub asked_seat: usize,
    /// What its seat told, in order.
    pub seat: Vec<SeatState>,
    /// What its center wants of it.
    pub orders: Vec<NumberedOrder>,
    /// Nobody is to begin there.
    pub hold: bool,
    /// The code of whomever its center assigned to it.
    pub assigned: Option<String>,
    /// Its clock is ahead of the client's.
    pub ahead: TimeDelta,
}

impl FakeBackend {
    pub fn new(clock: Arc<FakeClock>) -> Self {
        let state = State {
            latency: Duration::from_millis(20),
            down: false,
            joins: VecDeque::new(),
            deliveries: VecDeque::new(),
            loses_answer: false,
            policy: Policy::default(),
            minutes: 30,
            gone: Duration::ZERO,
            attempt: 1,
            over: false,
            ended_by_organiser: None,
            room: Some(RoomState::Open),
            interviewer: None,
            agent_report: Arrival::Pending,
            confirmed: false,
            replacements: 0,
            refuses_another: VecDeque::new(),
            replaced: Vec::new(),
            died: None,
            records: Vec::new(),
            checks: VecDeque::new(),
            invited: None,
            no_room: false,
            asked_joins: 0,
            asked_status: 0,
            asked_deliveries: 0,
            asked_clock: 0,
            asked_seat: 0,
            seat: Vec::new(),
            assigned: None,
            hold: false,
            orders: Vec::new(),
            ahead: TimeDelta::zero(),
        };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Changes what it does.
    pub fn set<T>(&self, by: impl FnOnce(&mut State) -> T) -> T {
        by(&mut self.state.lock())
    }

    /// The records that it has.
    pub fn records(&self) -> Vec<Vec<u8>> {
        self.state.lock().records.iter().map(|(_, record)| record.clone()).collect()
    }

    /// The seat's center wants something of it, as it is shown there now.
    pub fn wants(&self, id: i64, order: SeatOrder) {
        self.set(|state| {
            let last = state.seat.last().expect("it told something");
            let given = GivenOrder { life: last.life.clone(), seen: last.interview_id.clone(), order };
            state.orders.push(NumberedOrder { id, given });
        });
    }

    async fn answers(&self, link: &InviteLink) -> Result<(), BackendError> {
        let (latency, down) = self.set(|state| (state.latency, state.down));
        tokio::time::sleep(latency).await;
        if down { Err(BackendError::Unreachable { host: link.host() }) } else { Ok(()) }
    }
}

/// The interview's id is its code, backwards: each link has an interview of its own, and an id opens nothing.
fn id_of(link: &InviteLink) -> String {
    link.code.expose().chars().rev().collect()
}

impl Backend for FakeBackend {
    fn join<'a>(&'a self, link: &'a InviteLink, request: &'a JoinRequest) -> Answered<'a, JoinAnswer> {
        async move {
            self.set(|state| state.asked_joins += 1);
            self.answers(link).await?;
            assert_eq!(request.join_id.expose().len(), 32);
            let now = self.clock.wall();
            self.set(|state| {
                if let Some(refused) = state.joins.pop_front() {
                    return Err(refused);
                }
                let id = id_of(link);
                let livekit = LiveKitInfo {
                    url: "ws://fake".to_owned(),
                    token: Secret::new("token"),
                    room: id.clone(),
                    agent_name: None,
                };
                Ok(JoinAnswer {
                    now,
                    interview: InterviewInfo {
                        id: id.clone(),
                        attempt: state.attempt,
                        title: "Backend engineer".to_owned(),
                        candidate_name: None,
                        language: "en".to_owned(),
                        max_minutes: state.minutes,
                        replacements: state.replacements,
                        ends_at: now + TimeDelta::minutes(state.minutes) - state.gone,
                        contact: state.invited.as_ref().and_then(|invited| invited.contact.clone()),
                    },
                    livekit: (!state.over).then_some(livekit),
                    client_token: Secret::new("upload"),
                    policy: state.policy.clone(),
                    receipt_keys: serde_json::Value::Null,
                    keep_days: 7,
                })
            })
        }
        .boxed()
    }

    fn check<'a>(&'a self, link: &'a InviteLink, _: &'a CheckRequest) -> Answered<'a, CheckAnswer> {
        async move {
            self.answers(link).await?;
            if let Some(refused) = self.set(|state| state.checks.pop_front()) {
                return Err(refused);
            }
            let room = format!("check-{}", id_of(link));
            let (url, token) = ("ws://fake".to_owned(), Secret::new("check"));
            let livekit = LiveKitInfo { url, token, room, agent_name: None };
            let livekit = self.set(|state| !state.no_room).then_some(livekit);
            Ok(CheckAnswer { livekit, invited: self.set(|state| state.invited.clone()) })
        }
        .boxed()
    }

    fn clock<'a>(&'a self, server: &'a Url) -> Answered<'a, DateTime<Utc>> {
        async move {
            let (latency, down, ahead) = self.set(|state| {
                state.asked_clock += 1;
                (state.latency, state.down, state.ahead)
            });
            tokio::time::sleep(latency).await;
            if down {
                return Err(BackendError::Unreachable { host: server.to_string() });
            }
            Ok(self.clock.wall() + ahead)
        }
        .boxed()
    }

    fn tell_seat<'a>(&'a self, at: &'a Center, told: &'a SeatTold) -> Answered<'a, SeatOrders> {
        async move {
            let (latency, down) = self.set(|state| {
                state.asked_seat += 1;
                (state.latency, state.down)
            });
            tokio::time::sleep(latency).await;
            if down {
                return Err(BackendError::Unreachable { host: at.server.to_string() });
            }
            let SeatTold { state, token } = told;
            assert_eq!(token.is_some(), state.interview_id.is_some(), "it is proven");
            assert_eq!(
                (at.center.as_str(), at.seat.as_str(), at.key.expose()),
                ("berlin-mitte", "B-07", "adj_seat")
            );
            Ok(self.set(|own| {
                own.seat.push(state.clone());
                own.orders.retain(|order| order.id > state.done);
                SeatOrders { orders: own.orders.clone(), again_s: 5, hold: own.hold }
            }))
        }
        .boxed()
    }

    fn assignment<'a>(&'a self, at: &'a Center, asked: &'a AssignmentAsked) -> Answered<'a, Assignment> {
        async move {
            let (latency, down) = self.set(|state| (state.latency, state.down));
            tokio::time::sleep(latency).await;
            if down {
                return Err(BackendError::Unreachable { host: at.server.to_string() });
            }
            assert_eq!(
                (at.center.as_str(), at.seat.as_str(), at.key.expose()),
                ("berlin-mitte", "B-07", "adj_seat")
            );
            let (code, life) = self.set(|own| (own.assigned.take(), own.seat.last().map(|s| s.life.clone())));
            assert_eq!(Some(&asked.life), life.as_ref(), "this very life of it asks");
            let code = code.ok_or(BackendError::NothingAssigned)?;
            Ok(Assignment { code: Secret::new(code) })
        }
        .boxed()
    }

    fn status<'a>(
        &'a self,
        link: &'a InviteLink,
        granted: &'a Granted,
        room: bool,
    ) -> Answered<'a, InterviewStatus> {
        async move {
            // As it stands when it is asked, however long the answer takes.
            let answer = self.set(|state| InterviewStatus {
                id: granted.interview_id.clone(),
                state: if state.ended_by_organiser.is_some() {
                    InterviewState::Ended
                } else {
                    InterviewState::Live
                },
                attempt: state.attempt,
                ended_by_organiser: state.ended_by_organiser,
                client_record: Arrival::Pending,
                agent_report: state.agent_report,
                interviewer: state.interviewer,
                interviewer_died: state.died.clone(),
                records: i64::try_from(state.records.len()).unwrap(),
                outcome: state.confirmed.then_some(Outcome::Finished),
                client_outcome: None,
                confirmed: state.confirmed,
                room: state.room.filter(|_| room),
                history: Vec::new(),
            });
            self.set(|state| state.asked_status += 1);
            self.answers(link).await?;
            Ok(answer)
        }
        .boxed()
    }

    fn replace<'a>(
        &'a self,
        link: &'a InviteLink,
        _: &'a Granted,
        asked: &'a ReplacementAsked,
    ) -> Answered<'a, Replaced> {
        async move {
            self.answers(link).await?;
            self.set(|state| {
                if let Some(refused) = state.refuses_another.pop_front() {
                    return Err(refused);
                }
                if !state.replaced.contains(asked) {
                    state.replaced.push(asked.clone());
                }
                let used = u8::try_from(state.replaced.len()).unwrap();
                Ok(Replaced { left: state.replacements.saturating_sub(used) })
            })
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        join: &'a Join,
        granted: &'a Granted,
        _: &'a ClientInfo,
        record: &'a [u8],
    ) -> BoxFuture<'a, Sent> {
        async move {
            self.set(|state| state.asked_deliveries += 1);
            let refused = match self.answers(&join.link).await {
                Ok(()) => self.set(|state| state.deliveries.pop_front()),
                Err(error) => Some(error),
            };
            let attempt = match refused {
                Some(error) if error.retryable() => {
                    DeliveryOutcome::Later { reason: error.to_string(), after: error.retry_after() }
                }
                Some(error) => DeliveryOutcome::Parked { error },
                None => self.take(join, granted, record),
            };
            Sent { attempt, renewed: None }
        }
        .boxed()
    }
}

impl FakeBackend {
    fn take(&self, join: &Join, granted: &Granted, record: &[u8]) -> DeliveryOutcome {
        let received_at = self.clock.wall();
        self.set(|state| {
            let key = format!("{}/{}", id_of(&join.link), granted.attempt);
            let known = state.records.iter().find(|(known, _)| *known == key);
            match known {
                Some((_, stored)) if stored != record => {
                    return DeliveryOutcome::Parked { error: BackendError::RecordExists("R-1".to_owned()) };
                }
                Some(_) => {}
                None => state.records.push((key, record.to_owned())),
            }
            if std::mem::take(&mut state.loses_answer) {
                return DeliveryOutcome::Later { reason: "the answer was lost".to_owned(), after: None };
            }
            let claims = ReceiptClaims {
                receipt_id: "R-1".to_owned(),
                interview_id: granted.interview_id.clone(),
                attempt: granted.attempt,
                source: Source::Client,
                sha256: sha256(record),
                bytes: i64::try_from(record.len()).unwrap(),
                received_at,
            };
            DeliveryOutcome::Delivered { receipt: Receipt { claims, jws: "jws".to_owned() } }
        })
    }
}
