//! The feed on real databases: who follows it misses nothing, however many write at the same time, on however many servers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use adjourn_protocol::{Event, EventData, EventKind, EventPage};
use adjourn_testbed::{BackendOptions, BackendServer, Network, ORGANISER, Testbed};
use reqwest::Client;
use serde_json::{Value, json};

/// Interviews; each has two events.
const MANY: usize = 1_000;
/// Interviews that are made and ended at a time.
const AT_ONCE: usize = 64;

async fn ask(http: &Client, request: reqwest::RequestBuilder) -> Value {
    let answer = http.execute(request.bearer_auth(ORGANISER).build().unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap_or_default()
}

/// Reads until nothing has come for a while and everything that is expected is there.
async fn follow(http: Client, url: String, expected: usize) -> Vec<Event> {
    let (mut events, mut cursor) = (Vec::new(), None::<String>);
    let began = Instant::now();
    while events.len() < expected {
        assert!(began.elapsed() < Duration::from_secs(120), "{} of {expected}", events.len());
        let after = cursor.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let request = http.get(format!("{url}/v1/events?wait=5&limit=100{after}"));
        let page: EventPage = serde_json::from_value(ask(&http, request).await).unwrap();
        events.extend(page.events);
        cursor = Some(page.cursor);
    }
    // Nothing comes twice.
    let request = http.get(format!("{url}/v1/events?wait=1&after={}", cursor.unwrap()));
    let rest: EventPage = serde_json::from_value(ask(&http, request).await).unwrap();
    events.extend(rest.events);
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_the_feed_misses_nothing_whoever_writes_meanwhile() {
    for postgres in [false, true] {
        let testbed = Testbed::builder().postgres(postgres).start().await.unwrap();
        let mut urls = vec![testbed.backend.url.clone()];
        let folder = tempfile::tempdir().unwrap();
        let mut others = Vec::new();
        if let Some(postgres) = &testbed.postgres {
            let options = BackendOptions { database: Some(postgres.url()), ..BackendOptions::default() };
            let network = Network::Loopback;
            let other = BackendServer::start(folder.path(), &testbed.livekit, &network, options);
            let other = other.await.unwrap();
            urls.push(other.url.clone());
            others.push(other);
        }
        let http = Client::new();
        // One reader at each server.
        let readers: Vec<_> =
            urls.iter().map(|url| tokio::spawn(follow(http.clone(), url.clone(), 2 * MANY))).collect();
        let began = Instant::now();
        let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let writers: Vec<_> = (0..MANY)
            .map(|n| {
                let (http, url, permits) = (http.clone(), urls[n % urls.len()].clone(), permits.clone());
                tokio::spawn(async move {
                    let _permit = permits.acquire().await.unwrap();
                    let new = json!({"title": "t", "max_minutes": 30});
                    let made = ask(&http, http.post(format!("{url}/v1/interviews")).json(&new)).await;
                    let id = made["id"].as_str().unwrap().to_owned();
                    ask(&http, http.post(format!("{url}/v1/interviews/{id}/end"))).await;
                    id
                })
            })
            .collect();
        let mut ids = BTreeSet::new();
        for writer in writers {
            ids.insert(writer.await.unwrap());
        }
        println!(
            "feed: {MANY} interviews ended on {} servers in {:.1} s",
            urls.len(),
            began.elapsed().as_secs_f64()
        );
        let mut orders = Vec::new();
        for reader in readers {
            let events = reader.await.unwrap();
            let mut told: HashMap<String, Vec<EventKind>> = HashMap::new();
            for event in &events {
                let EventData::Interview(data) = &event.data else { panic!("{event:?}") };
                told.entry(data.interview_id.clone()).or_default().push(event.kind);
            }
            assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), ids, "postgres: {postgres}");
            let both = [EventKind::InterviewEnded, EventKind::InterviewComplete];
            assert!(told.values().all(|kinds| *kinds == both), "each once, in order");
            orders.push(events.into_iter().map(|event| event.id).collect::<Vec<_>>());
        }
        assert!(orders.windows(2).all(|pair| pair[0] == pair[1]), "one order for everybody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_arrive_whoever_dies_over_them() {
    // On SQLite: `adjourn-qa webhook-test`, and `crates/backend/tests/hooks.rs`.
    let report = adjourn_qa::webhook_test::run(100, 1, true, 1, |_| {}).await.unwrap();
    println!("webhooks: {report:?}");
    assert_eq!((report.events, report.lost, report.disordered), (200, 0, 0));
    assert_eq!((report.server_kills, report.receiver_kills), (1, 1));
}
