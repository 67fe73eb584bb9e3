//! A seat in a test center, with its files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use adjourn_client::{Screen, SeatSetup, Snapshot};
use adjourn_kiosk::{Around, Compositor, PolicyKey, SeatPolicy};
use tokio::sync::watch;

use super::{MOMENT, Set, Testbed};

pub const TIGHT: Around = Around {
    compositor: Some(Compositor::Cage),
    fullscreen: Some(true),
    monitors: Some(1),
    page_guarded: Some(true),
    devtools: Some(false),
    consoles: Some(false),
    virtual_machine: Some(false),
    remote_session: Some(false),
    keyboards: Some(1),
    new_storage: Some(0),
};

/// The policy of a seat whose backend is that of [`LINK`]; the fake clock says January 2027.
pub fn policy() -> SeatPolicy {
    SeatPolicy::from_toml(
        r#"
        version = 1
        serial = 3
        center = "berlin-mitte"
        seats = ["B-07"]
        backend = "http://127.0.0.1:9"
        languages = ["de", "en"]
        valid_from = "2027-01-01T00:00:00Z"
        valid_until = "2027-12-31T00:00:00Z"
        lock = "enforced"
        [reset]
        done_after_s = 60
        abandoned_after_s = 600
        [escapes]
        unusable_minutes = 10
        "#,
    )
    .unwrap()
}

/// A seat's files, and the way to change what is around it.
pub struct Seat {
    folder: tempfile::TempDir,
    key: PolicyKey,
    pub around: watch::Sender<Around>,
    pub turns: Arc<AtomicU64>,
}

impl Seat {
    pub fn with(policy: &SeatPolicy) -> (Self, Set) {
        let folder = tempfile::tempdir().unwrap();
        let (around, seen) = watch::channel(TIGHT);
        let turns = Arc::default();
        let seat = Self { folder, key: PolicyKey::generate().unwrap(), around, turns };
        let path = |name: &str| seat.folder.path().join(name);
        let settings = format!(
            "center = \"berlin-mitte\"\nseat = \"B-07\"\npolicy = {:?}\nkeys = {:?}\nkey = {:?}\n",
            path("policy.jws"),
            path("keys.json"),
            path("key")
        );
        std::fs::write(path("key"), "adj_seat\n").unwrap();
        std::fs::write(path("seat.toml"), settings).unwrap();
        std::fs::write(path("keys.json"), seat.key.public().as_json()).unwrap();
        seat.use_policy(policy);
        let setup = SeatSetup {
            settings: path("seat.toml"),
            memory: path("seat-memory.json"),
            around: seen,
            turns: Arc::clone(&seat.turns),
        };
        let set = Set { seat: Some(setup), ..Set::new() };
        (seat, set)
    }

    pub fn use_policy(&self, policy: &SeatPolicy) {
        std::fs::write(self.file("policy.jws"), policy.sign(&self.key).unwrap()).unwrap();
    }

    pub fn file(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.folder.path(), name)
    }

    pub async fn started() -> (Self, Testbed) {
        let (seat, set) = Self::with(&policy());
        let mut stage = set.start();
        let ready = |s: &Snapshot| s.seat.as_ref().is_some_and(|seat| seat.ready) && s.screen == Screen::Seat;
        stage.within(MOMENT, "the seat", ready).await;
        (seat, stage)
    }
}
