//! What a server lost is delivered again, and what a thief took is worth nothing: a restored copy, revoked keys, ended
//! tokens, a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use adjourn_outbox::{Backend, DeliveryEvent, DeliveryOutcome, Join, Outbox, verify};
use adjourn_protocol::{InviteLink, JoinRequest, Record, RecordHead};
use adjourn_testbed::{BackendOptions, BackendServer, Invitation, Mount, Testbed, client_info};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// A candidate's computer: its outbox, without sound and room.
struct Candidate {
    outbox: Outbox,
    link: InviteLink,
    join: Join,
    _folder: tempfile::TempDir,
}

impl Candidate {
    async fn joins(invitation: &Invitation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
        let link = InviteLink::parse(&invitation.link).unwrap();
        let join = outbox.join_for(&link).await.unwrap();
        let request = JoinRequest::new(&link.code, &join.join_id, &client_info());
        let answer = Backend::new(&link.server).unwrap().join(&request).await.unwrap();
        let head = RecordHead {
            interview_id: answer.interview.id.clone(),
            attempt: answer.interview.attempt,
            room: answer.interview.id.clone(),
            build: "restore".to_owned(),
            policy_sha256: String::new(),
        };
        outbox.granted(&join, &answer, &head).await.unwrap();
        let record = Record::from_journal(head, Vec::new(), None, answer.now);
        outbox.commit(&join.join_id, &record, &[]).await.unwrap();
        let join = outbox.join_for(&link).await.unwrap();
        Self { outbox, link, join, _folder: folder }
    }

    /// Tries what waits; gives what each try came to, as far as it is told.
    async fn tries(&self) -> Vec<DeliveryOutcome> {
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let tell = move |event: DeliveryEvent| -> BoxFuture<'static, ()> {
            told.send(event.attempt).unwrap();
            Box::pin(std::future::ready(()))
        };
        let now = std::time::SystemTime::now().into();
        self.outbox.deliver_due(&client_info(), now, 0.0, &tell).await.unwrap();
        let mut attempts = Vec::new();
        while let Ok(attempt) = heard.try_recv() {
            attempts.push(attempt);
        }
        attempts
    }

    async fn delivers(&self) {
        let attempts = self.tries().await;
        assert!(matches!(&attempts[..], [DeliveryOutcome::Delivered { .. }]), "{attempts:?}");
    }

    /// Asks what the server lost; gives how many records.
    async fn asks(&self) -> usize {
        let asked = self.outbox.ask_again(&client_info()).await.unwrap();
        assert_eq!(asked.silent, 0);
        asked.lost
    }

    /// Its record and receipt.
    async fn kept(&self) -> (Vec<u8>, Option<String>) {
        self.outbox.record_of(&self.link).await.unwrap().unwrap()
    }

    /// Whether the server has the very record that is here.
    async fn is_at(&self, backend: &BackendServer) -> bool {
        let id = &self.join.granted.as_ref().unwrap().interview_id;
        let here = self.kept().await.0;
        backend.record(id, 1).await.is_ok_and(|there| there == here)
    }
}

struct Fixture {
    testbed: Testbed,
}

impl Fixture {
    async fn set(postgres: bool) -> Self {
        Self { testbed: Testbed::builder().postgres(postgres).start().await.unwrap() }
    }

    async fn candidate(&self) -> Candidate {
        Candidate::joins(&self.testbed.backend.invite("{}").await.unwrap()).await
    }

    async fn back_up(&self) {
        let copy = self.testbed.folder().join("copy");
        match &self.testbed.postgres {
            Some(postgres) => postgres.dump(&copy).await.unwrap(),
            None => drop(self.testbed.backend.command(&["backup", copy.to_str().unwrap()]).await.unwrap()),
        }
    }

    /// The server dies, its database is lost, and an operator puts the copy in its place.
    async fn disaster_and_restore(&mut self) {
        self.testbed.backend.kill().await;
        let copy = self.testbed.folder().join("copy");
        match &self.testbed.postgres {
            Some(postgres) => postgres.restore(&copy).await.unwrap(),
            None => {
                for file in ["backend.db", "backend.db-wal", "backend.db-shm"] {
                    // After a crash all three are there; of a clean stop only the first.
                    let _ = std::fs::remove_file(self.testbed.folder().join(file));
                }
                std::fs::copy(copy, self.testbed.folder().join("backend.db")).unwrap();
            }
        }
        self.testbed.backend.restart().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_clients_deliver_again_what_the_copy_lacks() {
    for postgres in [false, true] {
        let mut fixture = Fixture::set(postgres).await;
        let early = fixture.candidate().await;
        early.delivers().await;
        let between = fixture.candidate().await;
        let invited = fixture.testbed.backend.invite("{}").await.unwrap();
        fixture.back_up().await;
        between.delivers().await;
        let joined_later = Candidate::joins(&invited).await;
        joined_later.delivers().await;
        let unknown = fixture.candidate().await;
        unknown.delivers().await;
        let receipts = [early.kept().await.1, between.kept().await.1];

        fixture.disaster_and_restore().await;
        assert!(
            early.is_at(&fixture.testbed.backend).await && !between.is_at(&fixture.testbed.backend).await
        );
        assert_eq!([early.asks().await, between.asks().await], [0, 1]);
        assert_eq!([joined_later.asks().await, unknown.asks().await], [1, 1]);
        assert!(early.tries().await.is_empty());
        between.delivers().await;
        joined_later.delivers().await;
        assert!(
            between.is_at(&fixture.testbed.backend).await
                && joined_later.is_at(&fixture.testbed.backend).await
        );
        // An interview that the copy knows nothing of: the receipt stays, and nobody is told that it was not received.
        assert!(unknown.tries().await.is_empty());
        assert!(unknown.kept().await.1.is_some());
        assert_eq!([early.asks().await, between.asks().await, joined_later.asks().await], [0, 0, 0]);
        let now = [early.kept().await.1, between.kept().await.1];
        assert_eq!((now[0] == receipts[0], now[1].is_some()), (true, true));
        assert_ne!(now[1], receipts[1], "another receipt, for the same record");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_thief_took_is_worth_nothing_and_clients_go_on() {
    for postgres in [false, true] {
        let fixture = Fixture::set(postgres).await;
        let (before, waiting) = (fixture.candidate().await, fixture.candidate().await);
        before.delivers().await;
        let (record, stolen) = (before.kept().await.0, before.kept().await.1.unwrap());
        let old_keys = fixture.testbed.backend.keys().await.unwrap();
        fixture.testbed.backend.command(&["rotate-key", "--revoke"]).await.unwrap();
        fixture.testbed.backend.command(&["rotate-tokens"]).await.unwrap();
        // What the stolen key signed proves nothing any more.
        let keys: Value = fixture.testbed.backend.keys().await.unwrap();
        assert!(verify(&stolen, &old_keys).is_ok() && verify(&stolen, &keys).is_err());
        // The stolen token is refused.
        let granted = before.join.granted.clone().unwrap();
        let server = Backend::new(&before.link.server).unwrap();
        let id = &granted.interview_id;
        let refused = server.deliver(id, 1, &granted.client_token, record.clone()).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("no longer accepts")));
        // Who still has to deliver gets a token, the new key and a receipt of it, by itself.
        waiting.delivers().await;
        assert!(verify(&waiting.kept().await.1.unwrap(), &keys).is_ok());
        // Who delivered before is given a receipt of the new key for the same record when it asks.
        assert_eq!(before.asks().await, 0);
        let again = before.kept().await.1.unwrap();
        let (old, new) = (verify(&stolen, &old_keys).unwrap(), verify(&again, &keys).unwrap());
        assert_eq!(old.claims, new.claims);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_is_full_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    let _mount = Mount::new(&small, true).unwrap();
    let database = Some(small.join("backend.db").to_string_lossy().into_owned());
    let options = BackendOptions { database, ..BackendOptions::default() };
    let testbed = Testbed::builder().folder(folder.path()).backend(options).start().await.unwrap();
    let ready = reqwest::get(format!("{}/readyz", testbed.backend.url)).await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    let problem: Value = ready.json().await.unwrap();
    assert_eq!(problem["code"], "not_ready");
    // It lives, and answers what needs no room.
    let healthy = reqwest::get(format!("{}/healthz", testbed.backend.url)).await.unwrap();
    assert_eq!(healthy.text().await.unwrap(), "ok");
}
