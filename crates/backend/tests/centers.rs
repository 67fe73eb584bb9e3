//! Test centers: their seats, their staff, and whom they expect, over HTTP, without a network.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_backend::audit;
use adjourn_backend::organisers::{self, Scope};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use self::testbed::{As, LIFE, OWN, Testbed, idle};

#[tokio::test]
async fn a_center_s_key_sees_and_orders_its_own_seats_alone() {
    let stage = Testbed::set().await;
    let of = async |name: &str, scope: Scope, center: &str| {
        let key = organisers::add(&stage.store, name, &[scope], Some(center), None).await.unwrap();
        key.expose().to_owned()
    };
    let (seat, staff) =
        (of("seats", Scope::Seat, "berlin").await, of("staff", Scope::Center, "berlin").await);
    let paris = of("paris", Scope::Center, "paris").await;
    let (path, orders) = ("/v1/centers/berlin/seats/A-1", "/v1/centers/berlin/seats/A-1/orders");
    // Before it told anything, nobody knows of it.
    let renew = json!({"order": "renew", "life": LIFE});
    let (status, answer) = stage.ask(As::Bearer(&staff), "POST", orders, Some(renew.clone())).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("no_such_seat")));
    let (status, answer) = stage.ask(As::Bearer(&seat), "PUT", path, Some(idle(0))).await;
    assert_eq!((status, &answer), (StatusCode::OK, &json!({"orders": [], "again_s": 5})));
    for (method, path, body) in [
        ("GET", "/v1/centers/berlin/seats", None),
        ("GET", "/v1/centers/berlin/watch", None),
        ("POST", orders, Some(renew.clone())),
    ] {
        let (status, answer) = stage.ask(As::Bearer(&paris), method, path, body).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("other_center")), "{path}");
    }
    // Nor does another center's seat tell anything here, and a key of other things watches nothing.
    let strange = of("seats of paris", Scope::Seat, "paris").await;
    let (status, answer) = stage.ask(As::Bearer(&strange), "PUT", path, Some(idle(0))).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("other_center")));
    let reads = stage.key("reads", &[Scope::Read]).await;
    let (status, answer) = stage.ask(As::Bearer(&reads), "GET", "/v1/centers/berlin/watch", None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("out_of_scope")));
    let refused = audit::log(&stage.store, Some("seat")).await.unwrap();
    assert_eq!(
        refused.iter().map(|entry| entry.what.as_str()).collect::<Vec<_>>(),
        ["was refused: the key may not do that"]
    );
    assert_eq!(
        stage.ask(As::Bearer(&paris), "GET", "/v1/centers/paris/seats", None).await.1,
        json!({"seats": []})
    );
    let (status, given) = stage.ask(As::Bearer(&staff), "POST", orders, Some(renew)).await;
    assert_eq!(status, StatusCode::OK, "{given}");
    let (_, answer) = stage.ask(As::Bearer(&seat), "PUT", path, Some(idle(0))).await;
    assert_eq!(answer["orders"], json!([{"id": given["id"], "life": LIFE, "order": "renew"}]));
    let (_, answer) =
        stage.ask(As::Bearer(&seat), "PUT", path, Some(idle(given["id"].as_i64().unwrap()))).await;
    assert_eq!(answer["orders"], json!([]));
    // What makes no sense changes nothing.
    let long = json!({"order": "message", "life": LIFE, "text": "x".repeat(201)});
    let mut loud = idle(0);
    loud["trouble"] = json!("x".repeat(2_001));
    let mut rude = idle(0);
    rude["refused"] = json!("x".repeat(501));
    for (method, path, key, body, code) in [
        ("POST", orders, &staff, long, "bad_order"),
        ("POST", orders, &staff, json!({"order": "explode"}), "bad_json"),
        ("POST", orders, &staff, json!({"order": "explode", "life": LIFE}), "bad_order"),
        ("POST", orders, &staff, json!({"order": "renew", "life": "x"}), "bad_order"),
        ("PUT", path, &seat, json!({"stage": "idle"}), "bad_json"),
        ("PUT", path, &seat, loud, "bad_state"),
        ("PUT", path, &seat, rude, "bad_state"),
        ("PUT", "/v1/centers/berlin/seats/a%20b", &seat, idle(0), "bad_name"),
    ] {
        let (status, answer) = stage.ask(As::Bearer(key), method, path, Some(body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{path}: {answer}");
    }
    let deeds = audit::log(&stage.store, Some("berlin/A-1")).await.unwrap();
    assert_eq!(
        deeds.iter().map(|entry| entry.what.as_str()).collect::<Vec<_>>(),
        ["ordered the seat to begin anew"]
    );
}

#[tokio::test]
async fn who_watches_a_center_is_told_each_seat_and_each_change_once_and_no_more_when_the_key_is_gone() {
    let stage = Testbed::set().await;
    let key = organisers::add(&stage.store, "staff", &[Scope::Center], Some("berlin"), None).await.unwrap();
    let tell = async |seat: &str, state: Value| {
        let path = format!("/v1/centers/berlin/seats/{seat}");
        assert_eq!(stage.ask(As::Bearer(OWN), "PUT", &path, Some(state)).await.0, StatusCode::OK);
    };
    tell("A-1", idle(0)).await;
    tell("A-2", idle(0)).await;
    let request = Request::builder().uri("/v1/centers/berlin/watch");
    let answer = stage.answer(As::Bearer(key.expose()), request, Body::empty()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut stream = answer.into_body().into_data_stream();
    let mut text = String::new();
    let told = |text: &str, seat: &str| text.matches(&format!("\"seat\":\"{seat}\"")).count();
    let limit = tokio::time::Instant::now() + Duration::from_secs(10);
    while told(&text, "A-2") == 0 {
        let more = tokio::time::timeout_at(limit, stream.next()).await.expect("each seat").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&more).unwrap());
    }
    // The same once more is no change; somebody who calls is one.
    tell("A-1", idle(0)).await;
    let mut calls = idle(0);
    calls["help"] = json!(true);
    tell("A-2", calls).await;
    while told(&text, "A-2") == 1 {
        let more = tokio::time::timeout_at(limit, stream.next()).await.expect("the change").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&more).unwrap());
    }
    assert_eq!((told(&text, "A-1"), told(&text, "A-2")), (1, 2), "{text}");
    organisers::remove(&stage.store, "staff").await.unwrap();
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    while let Some(more) = tokio::time::timeout_at(limit, stream.next()).await.expect("its end") {
        assert!(!String::from_utf8_lossy(&more.unwrap()).contains("seat\":"), "nothing changed");
    }
}

#[tokio::test]
async fn a_center_ends_no_interview_that_is_not_held_at_its_seat() {
    let stage = Testbed::set().await;
    let (id, code) = stage.interview().await;
    let of = async |name: &str, scope: Scope| {
        organisers::add(&stage.store, name, &[scope], Some("berlin"), None).await.unwrap().expose().to_owned()
    };
    let (seat, staff) = (of("seats", Scope::Seat).await, of("staff", Scope::Center).await);
    let mut state = idle(0);
    (state["interview_id"], state["initials"]) = (json!(id), json!("AL"));
    let path = "/v1/centers/berlin/seats/A-1";
    let end = json!({"order": "end_interview", "life": LIFE, "interview_id": id});
    // A seat's own word, without a token, with somebody else's, and with its own.
    let (other, other_code) = stage.interview().await;
    let token = async |code: &str| {
        let join = json!({"code": code, "join_id": "0".repeat(32), "client": {"version": "1", "platform": "test", "kiosk": true}, "uploads_only": true});
        let (status, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["client_token"].as_str().unwrap().to_owned()
    };
    for strange in [None, Some("nonsense".to_owned()), Some(token(&other_code).await)] {
        let mut told = state.clone();
        told["token"] = json!(strange);
        assert_eq!(stage.ask(As::Bearer(&seat), "PUT", path, Some(told)).await.0, StatusCode::OK);
        let (_, seen) = stage.ask(As::Bearer(&staff), "GET", "/v1/centers/berlin/seats", None).await;
        assert!(!seen.to_string().contains("AL") && !seen.to_string().contains(&id), "{seen}");
        let (status, answer) =
            stage.ask(As::Bearer(&staff), "POST", &format!("{path}/orders"), Some(end.clone())).await;
        assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("not_held")));
    }
    state["token"] = json!(token(&code).await);
    assert_eq!(stage.ask(As::Bearer(&seat), "PUT", path, Some(state)).await.0, StatusCode::OK);
    let (_, seen) = stage.ask(As::Bearer(&staff), "GET", "/v1/centers/berlin/seats", None).await;
    assert!(seen.to_string().contains("AL") && !seen.to_string().contains("token"), "{seen}");
    let (status, answer) = stage.ask(As::Bearer(&staff), "POST", &format!("{path}/orders"), Some(end)).await;
    assert_eq!((status, &answer), (StatusCode::OK, &json!({"id": 0})));
    for (id, state) in [(id, "ended"), (other, "joining")] {
        let (_, status) = stage.ask(As::Bearer(OWN), "GET", &format!("/v1/interviews/{id}"), None).await;
        assert_ne!(status["state"] == "ended", state == "joining", "{status}");
    }
}

const ROSTER: &str = "/v1/centers/berlin/roster";

/// Imports a file; gives the answer.
async fn import(stage: &Testbed, key: &str, file: &str) -> (StatusCode, Value) {
    let request = Request::builder().method("PUT").uri(ROSTER).header("content-type", "text/csv");
    let response = stage.answer(As::Bearer(key), request, Body::from(file.to_owned())).await;
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// A time so many minutes from now, whole minutes.
fn at(minutes: i64) -> String {
    let now = chrono::Utc::now().timestamp() / 60 * 60;
    chrono::DateTime::from_timestamp(now + minutes * 60, 0).unwrap().format("%Y-%m-%dT%H:%MZ").to_string()
}

#[tokio::test]
async fn a_roster_is_taken_whole_or_not_at_all_and_what_does_not_go_together_is_said() {
    let stage = Testbed::set().await;
    let staff = organisers::add(&stage.store, "staff", &[Scope::Center], Some("berlin"), None).await.unwrap();
    let nine = at(60);
    let two = format!(
        "reference,candidate,seat,starts,minutes,extra_minutes,contact\n\
         n1,Ada Lovelace,A-1,{nine},40,20,\nn2,Grace Hopper,A-2,{nine},40,0,Jo\n"
    );
    // The staff makes no interviews.
    let (status, answer) = import(&stage, staff.expose(), &two).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("out_of_scope")));
    let (status, made) = import(&stage, OWN, &two).await;
    assert_eq!((status, made["made"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{made}");
    let counted = async |file: &str| {
        let (status, answer) = import(&stage, OWN, file).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let number = |name: &str| answer[name].as_u64().unwrap();
        (
            answer["made"].as_array().unwrap().len() as u64,
            number("changed"),
            number("unchanged"),
            number("past"),
        )
    };
    assert_eq!(counted(&two).await, (0, 0, 2, 0));
    let seen = async || stage.ask(As::Bearer(staff.expose()), "GET", ROSTER, None).await.1["entries"].clone();
    let entries = seen().await;
    let ada = &entries[0];
    assert_eq!(
        (
            &ada["reference"],
            &ada["candidate"],
            &ada["seat"],
            &ada["minutes"],
            &ada["extra_minutes"],
            &ada["state"]
        ),
        (&json!("n1"), &json!("Ada Lovelace"), &json!("A-1"), &json!(60), &json!(20), &json!("expected"))
    );
    // Somebody moves, somebody is new at a seat that is taken: nothing of it is taken.
    let clash = format!(
        "reference,candidate,seat,starts,minutes\nn1,Ada Lovelace,A-3,{nine},40\nn3,Mary Jackson,A-2,{},40\n",
        at(90)
    );
    let (status, answer) = import(&stage, OWN, &clash).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_roster")));
    assert_eq!(
        answer["title"],
        "Nothing of the roster was taken. line 3: seat A-2 is \"n2\"'s at that time."
    );
    assert_eq!(seen().await, entries);
    assert_eq!(counted(&clash.replace(&at(90), &at(100))).await, (1, 1, 0, 0));
    let entries = seen().await;
    // What the file had no column for is as it was.
    assert_eq!(
        (&entries[0]["seat"], &entries[0]["minutes"], &entries[0]["extra_minutes"]),
        (&json!("A-3"), &json!(60), &json!(20))
    );
    // A sheet of last week, with somebody of today: who is long past is nobody new.
    let old = format!("reference,candidate,starts\nn0,Past,{}\nn4,Katherine Johnson,{nine}\n", at(-3_000));
    assert_eq!(counted(&old).await, (1, 0, 0, 1));
    // What has begun is moved, and nothing else of it changes.
    let join = |code: &Value| json!({"code": code, "join_id": "0".repeat(32), "client": {"version": "1", "platform": "test", "kiosk": true}});
    // There is no LiveKit here; the attempt is made all the same.
    stage.ask(As::Nobody, "POST", "/v1/join", Some(join(&made["made"][0]["code"]))).await;
    assert_eq!(seen().await[0]["state"], "begun");
    let moved = format!("reference,candidate,seat,starts\nn1,Ada Lovelace,A-9,{nine}\n");
    assert_eq!(counted(&moved).await, (0, 1, 0, 0));
    let (_, answer) = import(&stage, OWN, &moved.replace("Ada", "Ida")).await;
    assert!(answer["title"].as_str().unwrap().contains("the interview of \"n1\" has begun"), "{answer}");
    // Nobody begins weeks before their time.
    let (_, made) = import(&stage, OWN, "reference,candidate,starts\nn5,Early,2999-01-02T09:00Z\n").await;
    let (_, answer) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join(&made["made"][0]["code"]))).await;
    assert_eq!(answer["code"], "not_open");
    // Who is erased is on no roster.
    let id =
        entries.as_array().unwrap().iter().find(|entry| entry["reference"] == "n2").unwrap()["interview_id"]
            .clone();
    let path = format!("/v1/interviews/{}", id.as_str().unwrap());
    let (status, _) = stage.ask(As::Bearer(OWN), "DELETE", &path, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!seen().await.to_string().contains("Hopper"));
    // What is no roster at all.
    let (status, answer) = import(&stage, OWN, "").await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_roster")));
    let large = format!("reference,candidate\n{}", "x".repeat(1 << 20));
    assert_eq!(import(&stage, OWN, &large).await.1["code"], "too_large");
    let deeds = audit::log(&stage.store, Some("berlin")).await.unwrap();
    assert!(deeds.iter().any(|entry| entry.what == "imported the center's roster"));
    assert!(deeds.iter().any(|entry| entry.what == "saw the center's roster" && entry.who == "staff"));
    let ada = entries[0]["interview_id"].as_str().unwrap();
    let deeds = audit::log(&stage.store, Some(ada)).await.unwrap();
    let changed = deeds.iter().filter(|entry| entry.what == "changed the interview by the center's roster");
    assert_eq!(changed.count(), 2);
}

#[tokio::test]
async fn a_seat_that_is_on_hold_stays_so_whoever_lives_there() {
    let stage = Testbed::set().await;
    let of = async |name: &str, scope: Scope, center: &str| {
        organisers::add(&stage.store, name, &[scope], Some(center), None).await.unwrap().expose().to_owned()
    };
    let seat = of("A-1", Scope::Seat, "berlin/A-1").await;
    let staff = of("staff", Scope::Center, "berlin").await;
    let path = "/v1/centers/berlin/seats/A-1";
    let tell = async |life: &str| {
        let mut state = idle(0);
        state["life"] = json!(life);
        let (status, answer) = stage.ask(As::Bearer(&seat), "PUT", path, Some(state)).await;
        assert_eq!(status, StatusCode::OK);
        answer["hold"] == json!(true)
    };
    let hold = async |on: bool| {
        let order = json!({"order": "hold", "life": LIFE, "on": on});
        stage.ask(As::Bearer(&staff), "POST", &format!("{path}/orders"), Some(order)).await
    };
    assert_eq!(hold(true).await.1["code"], "no_such_seat");
    assert!(!tell(LIFE).await);
    assert_eq!(hold(true).await.0, StatusCode::OK);
    assert!(tell(LIFE).await && tell("another0life").await);
    let (_, seen) = stage.ask(As::Bearer(&staff), "GET", "/v1/centers/berlin/seats", None).await;
    assert_eq!(seen["seats"][0]["hold"], true);
    assert_eq!(hold(false).await.0, StatusCode::OK);
    assert!(!tell("another0life").await);
    // Its key is no other seat's.
    let other = "/v1/centers/berlin/seats/A-2";
    let (status, answer) = stage.ask(As::Bearer(&seat), "PUT", other, Some(idle(0))).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("other_center")));
    let asked = json!({"life": LIFE});
    let (status, _) = stage.ask(As::Bearer(&seat), "POST", &format!("{other}/assignment"), Some(asked)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for wrong in ["berlin/", "berlin/A 1", "berlin/A-1/x"] {
        assert!(
            organisers::add(&stage.store, "x", &[Scope::Seat], Some(wrong), None).await.is_err(),
            "{wrong}"
        );
    }
    assert!(organisers::add(&stage.store, "x", &[Scope::Center], Some("berlin/A-1"), None).await.is_err());
}

#[tokio::test]
async fn somebody_of_the_roster_begins_at_the_seat_that_they_are_assigned_to_and_nowhere_else() {
    let stage = Testbed::set().await;
    let of = async |name: &str, scope: Scope| {
        organisers::add(&stage.store, name, &[scope], Some("berlin"), None).await.unwrap().expose().to_owned()
    };
    let (seat, staff) = (of("seats", Scope::Seat).await, of("staff", Scope::Center).await);
    let file = "reference,candidate\nn1,Ada Lovelace\n";
    let id = import(&stage, OWN, file).await.1["made"][0]["interview_id"].as_str().unwrap().to_owned();
    let path = "/v1/centers/berlin/seats/A-1";
    let take = async |life: &str| {
        let asked = json!({"life": life});
        stage.ask(As::Bearer(&seat), "POST", &format!("{path}/assignment"), Some(asked)).await
    };
    let assign = async |reference: &str| {
        let order = json!({"order": "assign", "life": LIFE, "reference": reference});
        stage.ask(As::Bearer(&staff), "POST", &format!("{path}/orders"), Some(order)).await
    };
    // Nobody is assigned; the staff takes no codes; a seat that is not idle takes nobody.
    assert_eq!(take(LIFE).await.1["code"], "nothing_assigned");
    let asked = json!({"life": LIFE});
    let (status, _) = stage.ask(As::Bearer(&staff), "POST", &format!("{path}/assignment"), Some(asked)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let mut busy = idle(0);
    busy["stage"] = json!("check");
    stage.ask(As::Bearer(&seat), "PUT", path, Some(busy)).await;
    let (status, answer) = assign("n1").await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("not_free")));
    assert_eq!(take(LIFE).await.1["code"], "nothing_assigned", "what was refused left nothing behind");
    stage.ask(As::Bearer(&seat), "PUT", path, Some(idle(0))).await;
    assert_eq!(assign("n2").await.1["code"], "no_such_entry");
    let (status, given) = assign("n1").await;
    assert_eq!(status, StatusCode::OK, "{given}");
    let (_, answer) = stage.ask(As::Bearer(&seat), "PUT", path, Some(idle(0))).await;
    assert_eq!(answer["orders"][0]["order"], "assign");
    assert!(!answer.to_string().contains("n1"), "whose it is stays with the roster");
    assert_eq!(take("fedcba9876543210").await.1["code"], "nothing_assigned", "another life");
    let (status, taken) = take(LIFE).await;
    assert_eq!(status, StatusCode::OK, "{taken}");
    assert_eq!(take(LIFE).await.1["code"], "nothing_assigned", "once");
    // The code opens their interview.
    let join = json!({"code": taken["code"], "join_id": "0".repeat(32), "client": {"version": "1", "platform": "test", "kiosk": true}, "uploads_only": true});
    let (_, joined) = stage.ask(As::Nobody, "POST", "/v1/join", Some(join)).await;
    assert_eq!(joined["interview"]["id"], id.as_str(), "{joined}");
    let deeds = audit::log(&stage.store, Some(&id)).await.unwrap();
    let what: Vec<_> = deeds.iter().map(|entry| entry.what.as_str()).collect();
    assert!(
        what.contains(&"assigned somebody to the seat") && what.contains(&"made another code"),
        "{what:?}"
    );
    // Nobody begins what is over.
    stage.ask(As::Bearer(OWN), "POST", &format!("/v1/interviews/{id}/end"), None).await;
    assert_eq!(assign("n1").await.1["code"], "over");
}
