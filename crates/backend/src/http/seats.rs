//! Seats of test centers, for themselves and for whoever looks after them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use adjourn_kiosk::{NAME_FORM, is_name};
use adjourn_protocol::{
    CenterSeats, GivenOrder, OrderGiven, ProblemCode, SeatOrder, SeatOrders, SeatSeen, SeatState, SeatTold,
};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};

use crate::api_error::ApiError;
use crate::audit::{self, Deed};
use crate::http::caller::Caller;
use crate::http::object::Object;
use crate::organisers::Scope;
use crate::roster::{self, NotAssigned};
use crate::seats::{self, NotGiven};
use crate::shares::Share;
use crate::state::App;
use crate::store::now;

/// A watched center is looked at so often.
const LOOKS: Duration = Duration::from_millis(400);
/// A key that was removed sees nothing any more after so many looks.
const CHECKS: u32 = 25;
/// Longest text of a message, in characters: two lines on a screen.
const LONGEST: usize = 200;

pub(crate) fn named(names: &[&str]) -> Result<(), ApiError> {
    if names.iter().all(|name| is_name(name)) {
        return Ok(());
    }
    let title = format!("A center's or seat's name is {NAME_FORM}.");
    Err(ApiError::bad_request(ProblemCode::BadName, title))
}

/// `PUT /v1/centers/{center}/seats/{seat}`
#[utoipa::path(put, path = "/v1/centers/{center}/seats/{seat}", operation_id = "tell_seat",
    params(("center" = String, Path), ("seat" = String, Path)), request_body = SeatTold,
    responses((status = 200, body = SeatOrders), (status = 400, description = "bad_json; bad_name; bad_state: a text is too long"),
        (status = 409, description = "too_many_seats: 2,000 are told of this center")),
    security(("organiser" = [])))]
pub(crate) async fn tell(
    State(app): State<App>,
    Path((center, seat)): Path<(String, String)>,
    caller: Caller,
    told: Result<Object<SeatTold>, ApiError>,
) -> Result<Json<SeatOrders>, ApiError> {
    app.of_seat(&caller, &center, &seat).await?;
    named(&[&center, &seat])?;
    let Object(SeatTold { mut state, token }) = told?;
    if !fits(&state) {
        return Err(ApiError::bad_request(
            ProblemCode::BadState,
            "A text of it is longer than a seat's texts are.",
        ));
    }
    if let Some(id) = &state.interview_id {
        // Only who holds it has its token: somebody else's word would let a center end any interview.
        let claims = match &token {
            Some(token) => app.tokens.claims(token.expose()).await.ok(),
            None => None,
        };
        if claims.is_none_or(|claims| claims.sub != *id) {
            (state.interview_id, state.initials) = (None, None);
        }
    }
    let orders = seats::told(&app.store, &center, &seat, &state, now()).await?;
    orders.map(Json).ok_or_else(|| {
        ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::TooManySeats,
            "2,000 seats are told of this center already.",
        )
    })
}

/// Whether it may be the name of a seat's life.
pub(crate) fn is_life(text: &str) -> bool {
    (8..=64).contains(&text.len()) && plain(text)
}

fn plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether what it says is as long as what seats say.
fn fits(state: &SeatState) -> bool {
    // Each of them: a new text is looked at, too.
    let SeatState {
        stage: _,
        life,
        interview_id,
        initials,
        trouble,
        lock: _,
        weak,
        help: _,
        held: _,
        refused,
        remote: _,
        undelivered: _,
        microphone,
        loudspeaker,
        round_trip_ms: _,
        version,
        done: _,
    } = state;
    let short = |text: &Option<String>, most: usize| {
        text.as_ref().is_none_or(|text| text.len() <= most && !text.contains('\0'))
    };
    is_life(life)
        && interview_id.as_ref().is_none_or(|id| id.len() <= 128 && plain(id))
        && short(initials, 32)
        && short(trouble, 2_000)
        && short(refused, 500)
        && short(microphone, 1_000)
        && short(loudspeaker, 1_000)
        && weak.len() <= 32
        && version.len() <= 64
        && !version.contains('\0')
}

/// `GET /v1/centers/{center}/seats`
#[utoipa::path(get, path = "/v1/centers/{center}/seats", operation_id = "list_seats", params(("center" = String, Path)),
    responses((status = 200, body = CenterSeats), (status = 400, description = "bad_name")), security(("organiser" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(center): Path<String>,
    caller: Caller,
) -> Result<Json<CenterSeats>, ApiError> {
    app.of_center(&caller, Scope::Center, &center).await?;
    named(&[&center])?;
    Ok(Json(CenterSeats { seats: seats::of_center(&app.store, &center, now()).await? }))
}

/// `POST /v1/centers/{center}/seats/{seat}/orders`
#[utoipa::path(post, path = "/v1/centers/{center}/seats/{seat}/orders", operation_id = "order_seat",
    params(("center" = String, Path), ("seat" = String, Path)), request_body = GivenOrder,
    responses((status = 200, body = OrderGiven, description = "it is told to the seat with its next word, within two minutes or never"),
        (status = 400, description = "bad_json; bad_name; bad_order: the message is too long"),
        (status = 404, description = "no_such_seat: none of this name told anything for a day; no_such_entry: the roster does not have them"),
        (status = 409, description = "not_free: somebody sits there; over: their interview is; other_life: somebody else sits there by now; too_many_orders: 16 wait for this seat; not_held: that interview is not held there")),
    security(("organiser" = [])))]
pub(crate) async fn order(
    State(app): State<App>,
    Path((center, seat)): Path<(String, String)>,
    caller: Caller,
    given: Result<Object<GivenOrder>, ApiError>,
) -> Result<Json<OrderGiven>, ApiError> {
    let actor = app.of_center(&caller, Scope::Center, &center).await?;
    named(&[&center, &seat])?;
    let Object(given) = given?;
    let order = &given.order;
    if !is_life(&given.life) {
        return Err(ApiError::bad_request(ProblemCode::BadOrder, "life is no name of a seat's life."));
    }
    if let SeatOrder::Message { text } = order
        && (text.chars().count() > LONGEST || text.chars().any(char::is_control))
    {
        return Err(ApiError::bad_request(
            ProblemCode::BadOrder,
            "A message is one line of 200 characters at most.",
        ));
    }
    if let SeatOrder::EndInterview { interview_id } = order {
        if !seats::holds(&app.store, &center, &seat, interview_id, now()).await? {
            let title = "This interview is not held at this seat.";
            return Err(ApiError::new(StatusCode::CONFLICT, ProblemCode::NotHeld, title));
        }
        audit::note_of(&app.store, &actor, deed(order), interview_id).await?;
        app.end_interview(interview_id).await?;
        return Ok(Json(OrderGiven { id: 0 }));
    }
    if matches!(order, SeatOrder::Unknown) {
        return Err(ApiError::bad_request(ProblemCode::BadOrder, "There is no such order."));
    }
    let mut tx = app.store.write().await?;
    if let SeatOrder::Hold { on } = order {
        // Kept here: whoever sits there can end the seat's life, and the next one is held all the same.
        if !seats::hold(&mut tx, &center, &seat, *on).await? {
            return Err(no_such_seat());
        }
        audit::note_in(&mut tx, &actor, deed(order), &format!("{center}/{seat}")).await?;
        tx.commit().await?;
        return Ok(Json(OrderGiven { id: 0 }));
    }
    audit::note_in(&mut tx, &actor, deed(order), &format!("{center}/{seat}")).await?;
    // The seat is not told whose interview it is: a name would stay with its orders.
    let mut told = given.clone();
    if let SeatOrder::Assign { reference } = &mut told.order {
        *reference = None;
    }
    let ordered = seats::order(&mut tx, &center, &seat, &told, now()).await?;
    let id = ordered.map_err(|why| match why {
        NotGiven::NoSeat => no_such_seat(),
        NotGiven::OtherLife => ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::OtherLife,
            "Somebody else sits there by now; look again.",
        ),
        NotGiven::NotFree => ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::NotFree,
            "Somebody sits there, or it takes nobody now.",
        ),
        NotGiven::TooMany => ApiError::new(
            StatusCode::CONFLICT,
            ProblemCode::TooManyOrders,
            "16 orders wait for this seat already.",
        ),
    })?;
    if let SeatOrder::Assign { reference } = order {
        let reference = reference.as_deref().unwrap_or_default();
        let assigned = roster::assign(&mut tx, &center, reference, (&seat, &given.life), now()).await?;
        let id = assigned.map_err(|why| match why {
            NotAssigned::NoEntry => ApiError::new(
                StatusCode::NOT_FOUND,
                ProblemCode::NoSuchEntry,
                "The center's roster does not have anybody of this reference.",
            ),
            NotAssigned::Over => ApiError::new(
                StatusCode::CONFLICT,
                ProblemCode::Over,
                "Their interview is over, or the time in which it could begin.",
            ),
        })?;
        audit::note_in(&mut tx, &actor, deed(order), &id).await?;
    }
    tx.commit().await?;
    Ok(Json(OrderGiven { id }))
}

fn no_such_seat() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        ProblemCode::NoSuchSeat,
        "No seat of this name told anything for a day.",
    )
}

fn deed(order: &SeatOrder) -> Deed {
    match order {
        SeatOrder::Message { .. } => Deed::SentMessage,
        SeatOrder::EndInterview { .. } => Deed::EndedAtSeat,
        SeatOrder::Assign { .. } => Deed::AssignedSeat,
        SeatOrder::Hold { on: true } => Deed::HeldSeat,
        SeatOrder::Hold { on: false } => Deed::LetSeatGoOn,
        SeatOrder::Renew => Deed::RenewedSeat,
        SeatOrder::Release => Deed::ReleasedSeat,
        // Nobody gets that far with it.
        SeatOrder::Unknown => Deed::Refused,
    }
}

/// `GET /v1/centers/{center}/watch`
#[utoipa::path(get, path = "/v1/centers/{center}/watch", operation_id = "watch_seats", params(("center" = String, Path)),
    responses((status = 200, description = "server-sent events `seat` (SeatSeen), each seat once and then whenever something of it changes; \
            `gone` (its name), when it told nothing for a day; ends with the right to see them", content_type = "text/event-stream"),
        (status = 429, description = "too_many: 32 watch this center already")),
    security(("organiser" = [])))]
pub(crate) async fn watch(
    State(app): State<App>,
    Path(center): Path<String>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let actor = app.of_center(&caller, Scope::Center, &center).await?;
    named(&[&center])?;
    audit::note(&app.store, &actor, Deed::SawSeats, &center).await?;
    let share = app.watchers.take(format!("center: {center}"));
    let share = share.ok_or_else(|| ApiError::too_many("This center is watched too often at a time.", 10))?;
    let stop = app.stop.clone();
    let watch = Watch { app, caller, center, shown: BTreeMap::new(), looks: 0, _share: share };
    let changes = stream::unfold(watch, |mut watch| async move {
        let changes = watch.changes().await.unwrap_or_else(|error| {
            tracing::warn!(code = error.code.as_str(), "a stream of seats ends");
            None
        });
        Some((stream::iter(changes?), watch))
    });
    let events = changes.flatten().map(|change| {
        let event = match &change {
            Change::Seat(seen) => Event::default().event("seat").json_data(seen),
            Change::Gone(seat) => Event::default().event("gone").json_data(seat),
        };
        // Names and numbers: they can always be written.
        Ok::<_, Infallible>(event.unwrap_or_default())
    });
    let events = events.take_until(async move { stop.cancelled().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// What is told of a seat.
enum Change {
    Seat(Box<SeatSeen>),
    Gone(String),
}

/// Somebody who watches a center.
struct Watch {
    app: App,
    caller: Caller,
    center: String,
    /// Each seat as it was told last.
    shown: BTreeMap<String, SeatSeen>,
    looks: u32,
    _share: Share,
}

/// Whether a person would see a difference: that a seat told the same once more is none.
fn differs(before: &SeatSeen, now: &SeatSeen) -> bool {
    before.missing != now.missing || before.hold != now.hold || before.state != now.state
}

impl Watch {
    /// Waits until something of a seat changed; nothing, once it may not be seen any more.
    async fn changes(&mut self) -> Result<Option<Vec<Change>>, ApiError> {
        loop {
            if self.looks > 0 {
                tokio::time::sleep(LOOKS).await;
            }
            if self.looks.is_multiple_of(CHECKS)
                && self.app.of_center(&self.caller, Scope::Center, &self.center).await.is_err()
            {
                return Ok(None);
            }
            self.looks = self.looks.wrapping_add(1).max(1);
            let seats = seats::of_center(&self.app.store, &self.center, now()).await?;
            let seats: BTreeMap<String, SeatSeen> =
                seats.into_iter().map(|seen| (seen.seat.clone(), seen)).collect();
            let gone = self.shown.keys().filter(|seat| !seats.contains_key(*seat)).cloned().map(Change::Gone);
            let mut changes: Vec<Change> = gone.collect();
            let new =
                seats.values().filter(|seen| self.shown.get(&seen.seat).is_none_or(|was| differs(was, seen)));
            changes.extend(new.map(|seen| Change::Seat(Box::new(seen.clone()))));
            self.shown = seats;
            if !changes.is_empty() {
                return Ok(Some(changes));
            }
        }
    }
}
