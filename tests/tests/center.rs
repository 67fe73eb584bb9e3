//! A test center's monitor in a real browser, with a real server: what its staff sees, and what it can do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::time::Duration;

use adjourn_outbox::Backend;
use adjourn_protocol::{
    AssignmentAsked, NumberedOrder, SeatOrder, SeatOrders, SeatStage, SeatState, SeatTold, Secret,
};
use adjourn_testbed::{Browser, Testbed, join};
use adjourn_tests::picture;
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

fn state(stage: SeatStage) -> SeatState {
    let headset = Some("Headset".to_owned());
    SeatState {
        microphone: headset.clone(),
        loudspeaker: headset,
        round_trip_ms: Some(24),
        ..SeatState::at(stage, "0123456789abcdef")
    }
}

/// Seats that tell how they are.
struct Seats {
    backend: Backend,
    key: Secret,
}

impl Seats {
    async fn tell(&self, seat: &str, state: &SeatState) -> SeatOrders {
        self.prove(seat, state, None).await
    }

    /// Tells the same until an order comes.
    async fn given(&self, seat: &str, state: &SeatState) -> NumberedOrder {
        let given = async {
            loop {
                if let Some(order) = self.tell(seat, state).await.orders.first() {
                    break order.clone();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SOON, given).await.expect("an order is given")
    }

    async fn prove(&self, seat: &str, state: &SeatState, token: Option<&Secret>) -> SeatOrders {
        let told = SeatTold { state: state.clone(), token: token.cloned() };
        self.backend.tell_seat("berlin", seat, &self.key, &told).await.unwrap()
    }
}

/// What stands in a seat's row.
fn row(seat: &str, has: &str) -> String {
    format!("return document.querySelector('tr[data-seat=\"{seat}\"]')?.innerText.includes({has:?}) ?? false")
}

/// Presses a button of a seat's row.
async fn press(browser: &Browser, seat: &str, order: &str) {
    let script = format!(
        "document.querySelector('tr[data-seat=\"{seat}\"] [data-order={order}]').click(); return true"
    );
    browser.script(&script, Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_of_a_center_sees_its_seats_and_tells_them_what_to_do() {
    let testbed = Testbed::builder().start().await.unwrap();
    let key = async |name: &str, scope: &str| {
        let arguments = ["key", "add", name, "--scopes", scope, "--center", "berlin"];
        Secret::new(testbed.backend.command(&arguments).await.unwrap().trim())
    };
    let url = testbed.backend.url.parse().unwrap();
    let seats = Seats { backend: Backend::new(&url).unwrap(), key: key("seats", "seat").await };
    let staff = key("staff", "center").await;
    let interview = testbed.backend.invite("{}").await.unwrap();
    let idle = state(SeatStage::Idle);
    let held = SeatState {
        interview_id: Some(interview.id.clone()),
        initials: Some("AL".to_owned()),
        ..state(SeatStage::Interview)
    };
    seats.tell("A-10", &SeatState { help: true, ..idle.clone() }).await;
    seats.tell("A-1", &idle).await;
    let joined = join(&interview.link, "0123456789abcdef0123456789abcdef").await.unwrap();
    seats.prove("A-2", &held, Some(&joined.client_token)).await;

    let browser = Browser::open(testbed.folder(), &format!("{}/center", testbed.backend.url)).await.unwrap();
    let enter = "const [center, key] = arguments; document.getElementById('center').value = center; \
                 document.getElementById('key').value = key; document.querySelector('#enter button').click(); return true";
    browser.script(enter, vec![json!("berlin"), json!("adj_nobody_s")]).await.unwrap();
    let refused = "return document.getElementById('problem').innerText.length > 0";
    browser.wait("that this is no key", refused, SOON).await.unwrap();
    browser.script(enter, vec![json!("berlin"), json!(staff.expose())]).await.unwrap();
    let order = "return [...document.querySelectorAll('#rows tr')].map((row) => row.dataset.seat).join() === 'A-1,A-2,A-10'";
    browser.wait("each seat, in order", order, SOON).await.unwrap();
    browser.wait("whose interview it is", &row("A-2", "AL"), SOON).await.unwrap();
    browser.wait("who calls", &row("A-10", "calls for help"), SOON).await.unwrap();
    let said = "return document.getElementById('calls').innerText === 'Seat A-10: help is wanted.'";
    browser.wait("that somebody calls, for a screen reader", said, SOON).await.unwrap();
    browser.picture(1_300, 700, &picture("center")).await.unwrap();

    // A change is there within a second; what a seat says is text.
    let closed = SeatState {
        trouble: Some("<img src=x onerror=\"document.title=1\"> there is no microphone".to_owned()),
        ..state(SeatStage::Closed)
    };
    let mut slowest = Duration::ZERO;
    for n in 0..10 {
        let (state, word) =
            if n % 2 == 0 { (&closed, "there is no microphone") } else { (&idle, "waits for a code") };
        seats.tell("A-1", state).await;
        slowest = slowest.max(browser.wait("the change", &row("A-1", word), SOON).await.unwrap());
    }
    println!("center: a change is on the page after {} ms at most", slowest.as_millis());
    assert!(slowest <= Duration::from_secs(1), "{slowest:?}");
    seats.tell("A-1", &closed).await;
    browser.wait("why", &row("A-1", "<img"), SOON).await.unwrap();
    let markup =
        browser.script("return document.querySelectorAll('#rows img').length", Vec::new()).await.unwrap();
    assert_eq!(markup, json!(0));

    // Somebody of the roster begins at a seat that waits.
    seats.tell("A-1", &idle).await;
    let expected = testbed.folder().join("expected.csv");
    let rows = "reference,candidate,seat,starts,extra_minutes\nn1,Ada Lovelace,A-9,2999-01-02T09:00Z,\nn2,<b>Grace</b> Hopper,A-1,2999-01-02T10:00Z,15\n";
    std::fs::write(&expected, rows).unwrap();
    let import = ["roster", "import", "--center", "berlin", expected.to_str().unwrap()];
    let made = testbed.backend.command(&import).await.unwrap();
    assert_eq!(made.lines().count(), 2, "{made}");
    browser.wait("that it waits", &row("A-1", "waits for a code"), SOON).await.unwrap();
    browser.script("document.getElementById('expected').open = true; return true", Vec::new()).await.unwrap();
    let listed = "return document.getElementById('entries').innerText.includes('<b>Grace</b> Hopper')";
    browser.wait("whom the center expects", listed, SOON).await.unwrap();
    browser.picture(1_300, 700, &picture("center-expected")).await.unwrap();
    press(&browser, "A-1", "assign").await;
    // Whoever is meant for that seat comes first.
    let first =
        "return document.getElementById('ask').open && document.getElementById('ask-entry').value === 'n2'";
    browser.wait("who it may be", first, SOON).await.unwrap();
    browser.picture(1_300, 700, &picture("center-assigns")).await.unwrap();
    browser.script("document.getElementById('ask-yes').click(); return true", Vec::new()).await.unwrap();
    let given = seats.given("A-1", &idle).await;
    assert_eq!(given.given.order, SeatOrder::Assign { reference: None }, "a seat is told no name");
    let asked = AssignmentAsked { life: idle.life.clone() };
    let assigned = seats.backend.assignment("berlin", "A-1", &seats.key, &asked).await.unwrap();
    assert_eq!(assigned.code.expose().len(), 9);
    // It is held, and let go on; what it did not do is said.
    let idle = SeatState { done: given.id, ..idle };
    seats.tell("A-1", &idle).await;
    press(&browser, "A-1", "hold").await;
    let held = async |hold: bool| {
        let holds = async {
            while seats.tell("A-1", &idle).await.hold != hold {
                tokio::time::sleep(Duration::from_millis(50)).await
            }
        };
        tokio::time::timeout(SOON, holds).await.expect("the seat is told");
    };
    held(true).await;
    browser
        .wait("that it is to be held", &row("A-1", "hold: the seat does not know it yet"), SOON)
        .await
        .unwrap();
    let refused = Some("assign: somebody sits here".to_owned());
    seats.tell("A-1", &SeatState { held: true, refused, ..idle.clone() }).await;
    browser.wait("that it is held", &row("A-1", "on hold: nobody begins"), SOON).await.unwrap();
    browser
        .wait("what was not done", &row("A-1", "not done: assign: somebody sits here"), SOON)
        .await
        .unwrap();
    press(&browser, "A-1", "hold").await;
    held(false).await;
    let closed = SeatState { done: given.id, ..closed };
    seats.tell("A-1", &closed).await;

    // A message, by the keyboard alone: the field is where the focus is, and Return sends.
    press(&browser, "A-1", "message").await;
    browser.wait("the question", "return document.getElementById('ask').open", SOON).await.unwrap();
    browser.keys("We are coming\u{e007}").await.unwrap();
    let message = SeatOrder::Message { text: "We are coming".to_owned() };
    let given = seats.given("A-1", &closed).await;
    assert_eq!(given.given.order, message);
    assert!(seats.tell("A-1", &SeatState { done: given.id, ..closed.clone() }).await.orders.is_empty());

    // An end: of the interview that is held there, and after a question.
    press(&browser, "A-2", "end_interview").await;
    browser.wait("the question", "return document.getElementById('ask').open", SOON).await.unwrap();
    browser.picture(1_300, 700, &picture("center-asks")).await.unwrap();
    // Return does not end it.
    browser.keys("\u{e007}").await.unwrap();
    browser.wait("that it is closed", "return !document.getElementById('ask').open", SOON).await.unwrap();
    assert!(testbed.backend.status(&interview.id).await.unwrap().ended_by_organiser.is_none());
    press(&browser, "A-2", "end_interview").await;
    browser.script("document.getElementById('ask-yes').click(); return true", Vec::new()).await.unwrap();
    let ended = async {
        while testbed.backend.status(&interview.id).await.unwrap().ended_by_organiser.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("the interview is ended");

    // A seat that says nothing is missing, and can't be told anything; the others go on.
    let began = tokio::time::Instant::now();
    let missing = row("A-2", "missing since");
    while browser.script(&missing, Vec::new()).await.unwrap() != json!(true) {
        seats.tell("A-1", &idle).await;
        assert!(began.elapsed() < Duration::from_secs(17), "a missing seat is told of");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let disabled = "return document.querySelector('tr[data-seat=\"A-2\"] [data-order=release]').disabled";
    assert_eq!(browser.script(disabled, Vec::new()).await.unwrap(), json!(true));
    assert_eq!(browser.script(&row("A-1", "missing"), Vec::new()).await.unwrap(), json!(false));
    browser.picture(1_300, 700, &picture("center-missing")).await.unwrap();

    // With its key gone nothing is seen any more.
    testbed.backend.command(&["key", "remove", "staff"]).await.unwrap();
    let lost = "return document.getElementById('problem').innerText.length > 0 && document.querySelectorAll('#rows tr').length === 0 \
                && !document.getElementById('enter').hidden";
    browser.wait("that the key is gone", lost, Duration::from_secs(30)).await.unwrap();
    browser.close().await;
}
