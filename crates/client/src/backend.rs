//! The organiser's backend, as the client needs it: over HTTP, or a fake for tests.

use adjourn_outbox::{BackendError, Granted, Join, Sent};
use adjourn_protocol::{
    Assignment, AssignmentAsked, CheckAnswer, CheckRequest, ClientInfo, InterviewStatus, InviteLink,
    JoinAnswer, JoinRequest, Replaced, ReplacementAsked, SeatOrders, SeatTold, Secret,
};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

/// What a question to a backend comes to.
pub type Answered<'a, T> = BoxFuture<'a, Result<T, BackendError>>;

/// Where a seat tells its center something, and as whom.
#[derive(Clone, Debug)]
pub struct Center {
    /// The organiser's server.
    pub server: Url,
    /// The center's name there.
    pub center: String,
    /// The seat's.
    pub seat: String,
    /// Its key.
    pub key: Secret,
}

/// Talks to the backend that a link names.
pub trait Backend: std::fmt::Debug + Send + Sync + 'static {
    /// Joins, or joins again.
    fn join<'a>(&'a self, link: &'a InviteLink, request: &'a JoinRequest) -> Answered<'a, JoinAnswer>;
    /// A room to try the way to the interview's server in.
    fn check<'a>(&'a self, link: &'a InviteLink, request: &'a CheckRequest) -> Answered<'a, CheckAnswer>;
    /// What time it is at that server, if it takes more.
    fn clock<'a>(&'a self, server: &'a Url) -> Answered<'a, DateTime<Utc>>;
    /// Tells a center how its seat is; gives what the seat is to do.
    fn tell_seat<'a>(&'a self, at: &'a Center, told: &'a SeatTold) -> Answered<'a, SeatOrders>;
    /// Whom a center assigned to its seat: a code of theirs, once.
    fn assignment<'a>(&'a self, at: &'a Center, asked: &'a AssignmentAsked) -> Answered<'a, Assignment>;
    /// Where the interview stands; with `room`, also whether LiveKit has its room.
    fn status<'a>(
        &'a self,
        link: &'a InviteLink,
        granted: &'a Granted,
        room: bool,
    ) -> Answered<'a, InterviewStatus>;
    /// Asks for another interviewer in the place of one that is lost.
    fn replace<'a>(
        &'a self,
        link: &'a InviteLink,
        granted: &'a Granted,
        asked: &'a ReplacementAsked,
    ) -> Answered<'a, Replaced>;
    /// Sends a record once.
    fn send<'a>(
        &'a self,
        join: &'a Join,
        granted: &'a Granted,
        client: &'a ClientInfo,
        record: &'a [u8],
    ) -> BoxFuture<'a, Sent>;
}

/// Over HTTP.
#[derive(Debug, Default)]
pub struct Http {
    /// The one that is asked again and again: its connection stays.
    often: Mutex<Option<(Url, adjourn_outbox::Backend)>>,
}

impl Http {
    fn often(&self, server: &Url) -> Result<adjourn_outbox::Backend, BackendError> {
        let mut often = self.often.lock();
        if let Some((_, backend)) = often.as_ref().filter(|(of, _)| of == server) {
            return Ok(backend.clone());
        }
        let backend = adjourn_outbox::Backend::new(server)?;
        *often = Some((server.clone(), backend.clone()));
        Ok(backend)
    }
}

impl Backend for Http {
    fn join<'a>(&'a self, link: &'a InviteLink, request: &'a JoinRequest) -> Answered<'a, JoinAnswer> {
        Box::pin(async { adjourn_outbox::Backend::new(&link.server)?.join(request).await })
    }

    fn check<'a>(&'a self, link: &'a InviteLink, request: &'a CheckRequest) -> Answered<'a, CheckAnswer> {
        Box::pin(async { adjourn_outbox::Backend::new(&link.server)?.check(request).await })
    }

    fn clock<'a>(&'a self, server: &'a Url) -> Answered<'a, DateTime<Utc>> {
        Box::pin(async { self.often(server)?.clock().await })
    }

    fn tell_seat<'a>(&'a self, at: &'a Center, told: &'a SeatTold) -> Answered<'a, SeatOrders> {
        Box::pin(async move { self.often(&at.server)?.tell_seat(&at.center, &at.seat, &at.key, told).await })
    }

    fn assignment<'a>(&'a self, at: &'a Center, asked: &'a AssignmentAsked) -> Answered<'a, Assignment> {
        Box::pin(
            async move { self.often(&at.server)?.assignment(&at.center, &at.seat, &at.key, asked).await },
        )
    }

    fn status<'a>(
        &'a self,
        link: &'a InviteLink,
        granted: &'a Granted,
        room: bool,
    ) -> Answered<'a, InterviewStatus> {
        Box::pin(async move {
            let backend = adjourn_outbox::Backend::new(&link.server)?;
            backend.status(&granted.interview_id, &granted.client_token, room).await
        })
    }

    fn replace<'a>(
        &'a self,
        link: &'a InviteLink,
        granted: &'a Granted,
        asked: &'a ReplacementAsked,
    ) -> Answered<'a, Replaced> {
        Box::pin(async move {
            let Granted { interview_id, attempt, client_token, .. } = granted;
            self.often(&link.server)?.replace(interview_id, *attempt, client_token, asked).await
        })
    }

    fn send<'a>(
        &'a self,
        join: &'a Join,
        granted: &'a Granted,
        client: &'a ClientInfo,
        record: &'a [u8],
    ) -> BoxFuture<'a, Sent> {
        Box::pin(adjourn_outbox::send(&join.link, &join.join_id, granted, client, record))
    }
}
