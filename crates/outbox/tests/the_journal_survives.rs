#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
//! What is written stays, what is damaged is put aside, what is committed is committed once.

use adjourn_outbox::{Outbox, Quarantined, Seal};
use adjourn_protocol::{
    ClientInfo, Entry, InviteLink, JoinAnswer, Line, Outcome, Record, RecordHead, Role, Secret, Turn,
};
use chrono::Utc;
use std::io::{Seek as _, Write as _};

fn link() -> InviteLink {
    InviteLink::new("http://127.0.0.1:9", "K7QF-9M2X").unwrap()
}

fn said(id: &str) -> Entry {
    let turn = Turn { id: id.to_owned(), role: Role::Candidate, text: "hello".to_owned(), at: Utc::now() };
    Entry { at: Utc::now(), mono_ms: 1, line: Line::Said(turn) }
}

fn head() -> RecordHead {
    RecordHead {
        interview_id: "i".into(),
        attempt: 1,
        room: "i".into(),
        build: "0".into(),
        policy_sha256: String::new(),
    }
}

#[tokio::test]
async fn the_same_link_gives_the_same_join_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let first = outbox.join_for(&link()).await.unwrap();
    outbox.close().await;
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert_eq!(outbox.join_for(&link()).await.unwrap().join_id, first.join_id);
    assert_eq!(first.join_id.expose().len(), 32);
    assert!(quarantined.is_empty());
}

#[tokio::test]
async fn a_join_has_one_record_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.append(&join.join_id, &[said("a")]).await.unwrap();
    let entries = outbox.journal(&join.join_id).await.unwrap();
    let first = Record::from_journal(head(), entries, None, Utc::now());
    assert_eq!(first.outcome.to_string(), "interrupted(client failed)");
    assert_eq!(first.transcript.len(), 1);
    let bytes = outbox.commit(&join.join_id, &first, &[]).await.unwrap();
    // The same once more changes nothing; another one is no record of this join, and that is said.
    assert_eq!(outbox.commit(&join.join_id, &first, &[]).await.unwrap(), bytes);
    let second = Record { outcome: Outcome::Finished, ..first };
    let error = outbox.commit(&join.join_id, &second, &[]).await.unwrap_err();
    assert!(error.to_string().contains("has a record already"), "{error}");
    assert!(outbox.has_record(&join.join_id).await.unwrap());
}

#[tokio::test]
async fn a_folder_belongs_to_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    let error = Outbox::open(folder.path()).await.unwrap_err().to_string();
    assert!(error.starts_with("Adjourn is already running on this computer"), "{error}");
    // Looking is allowed, and writes nothing.
    let looking = Outbox::look(folder.path()).await.unwrap();
    assert!(looking.unfinished().await.unwrap().is_empty());
    assert!(looking.append(&join.join_id, &[said("a")]).await.is_err());
    outbox.close().await;
    Outbox::open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_put_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outbox.db"), vec![b'x'; 8192]).unwrap();
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert!(matches!(&quarantined[..], [Quarantined::File(path)] if path.exists()));
    assert!(quarantined[0].to_string().contains("put aside"));
    outbox.join_for(&link()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_row_is_put_aside_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.append(&join.join_id, &[said("first")]).await.unwrap();
    outbox.append(&join.join_id, &[said("second")]).await.unwrap();
    outbox.close().await;
    // Flip one letter inside the stored row.
    let path = folder.path().join("outbox.db");
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(6).position(|w| w == b"second").unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(std::io::SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"t").unwrap();
    drop(file);
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert_eq!(quarantined, [Quarantined::Rows(1)]);
    assert_eq!(outbox.journal(&join.join_id).await.unwrap().len(), 1);
}

fn answer(keep_days: u32) -> JoinAnswer {
    serde_json::from_value(serde_json::json!({
        "now": Utc::now(), "livekit": null, "client_token": "t", "receipt_keys": {"keys": []}, "keep_days": keep_days,
        "interview": {"id": "i", "attempt": 1, "title": "A talk", "candidate_name": null, "language": "en",
                      "max_minutes": 30, "ends_at": Utc::now()},
    }))
    .unwrap()
}

/// An outbox with a committed record of two turns; closed.
async fn committed(folder: &std::path::Path) -> (Secret, Vec<u8>) {
    let (outbox, _) = Outbox::open(folder).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.granted(&join, &answer(7), &head()).await.unwrap();
    outbox.append(&join.join_id, &[said("first"), said("second")]).await.unwrap();
    let entries = outbox.journal(&join.join_id).await.unwrap();
    let record = Record::from_journal(head(), entries, None, Utc::now());
    let body = outbox.commit(&join.join_id, &record, &[said("third")]).await.unwrap();
    outbox.close().await;
    (join.join_id, body)
}

#[tokio::test]
async fn a_damaged_record_is_made_again_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (join_id, _) = committed(folder.path()).await;
    let path = folder.path().join("outbox.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(17).position(|w| w == br#""source":"client""#).unwrap();
    bytes[at + 12] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert_eq!(quarantined, [Quarantined::Records(1)]);
    let pending = outbox.pending().await.unwrap();
    let record: Record = serde_json::from_slice(&pending[0].body).unwrap();
    assert_eq!((pending.len(), record.outcome.to_string().as_str()), (1, "interrupted(client failed)"));
    let turns: Vec<_> = record.transcript.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(turns, ["first", "second", "third"]);
    assert_eq!(pending[0].join.join_id, join_id);
}

#[tokio::test]
async fn what_is_whole_of_a_torn_file_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (_, body) = committed(folder.path()).await;
    let path = folder.path().join("outbox.db");
    let length = std::fs::metadata(&path).unwrap().len();
    // Its last pages hold other tables.
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 6_000).unwrap();
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert!(matches!(&quarantined[..], [Quarantined::File(path)] if path.exists()), "{quarantined:?}");
    let pending = outbox.pending().await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].body, body);
}

#[tokio::test]
async fn a_file_of_an_earlier_version_gets_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let (_, body) = committed(folder.path()).await;
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('ALTER TABLE joins DROP COLUMN keep_days'); c.execute('ALTER TABLE joins DROP COLUMN adjustment'); c.execute('ALTER TABLE records DROP COLUMN delivered_at'); c.commit()";
    let dropped = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(folder.path().join("outbox.db"))
        .status()
        .unwrap();
    assert!(dropped.success());
    let (outbox, quarantined) = Outbox::open(folder.path()).await.unwrap();
    assert!(quarantined.is_empty());
    assert_eq!(outbox.pending().await.unwrap()[0].body, body);
    assert_eq!(outbox.erase_due(Utc::now()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_candidate_needs_is_kept_for_the_link_and_goes_in_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    assert_eq!(outbox.adjustment(&link()).await.unwrap(), "");
    outbox.keep_adjustment(&link(), "More time").await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.granted(&join, &answer(7), &head()).await.unwrap();
    // Nobody came: the next attempt is another join, and needs the same.
    let never = Record::from_journal(head(), Vec::new(), None, Utc::now());
    let never = Record { outcome: Outcome::NeverStarted, ..never };
    outbox.commit(&join.join_id, &never, &[]).await.unwrap();
    let next = outbox.join_for(&link()).await.unwrap();
    assert_ne!(next.join_id.expose(), join.join_id.expose());
    outbox.close().await;
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    assert_eq!(outbox.adjustment(&link()).await.unwrap(), "More time");
    outbox.keep_adjustment(&link(), "").await.unwrap();
    assert_eq!(outbox.adjustment(&link()).await.unwrap(), "", "nothing any more is a word, too");
    // Of an interview that is never joined it is not kept for ever.
    outbox.keep_adjustment(&link(), "Quiet").await.unwrap();
    outbox.erase_due(Utc::now() + chrono::TimeDelta::days(89)).await.unwrap();
    assert_eq!(outbox.adjustment(&link()).await.unwrap(), "Quiet");
    outbox.erase_due(Utc::now() + chrono::TimeDelta::days(91)).await.unwrap();
    assert_ne!(outbox.adjustment(&link()).await.unwrap(), "Quiet");
}

#[tokio::test]
async fn an_outbox_in_memory_works_and_says_that_it_is_one() {
    let outbox = Outbox::in_memory().await.unwrap();
    assert!(outbox.volatile());
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.append(&join.join_id, &[said("a")]).await.unwrap();
    assert_eq!(outbox.journal(&join.join_id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_one_sentence() {
    let error = Outbox::open(std::path::Path::new("/proc/nowhere")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the interview's journal /proc/nowhere/outbox.db cannot be written"),
        "{error}"
    );
    assert!(error.ends_with("permissions"), "{error}");
}

#[tokio::test]
async fn a_record_in_a_file_that_was_removed_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    let record = Record::from_journal(head(), vec![], None, Utc::now());
    std::fs::remove_file(folder.path().join("outbox.db")).unwrap();
    let error = outbox.commit(&join.join_id, &record, &[]).await.unwrap_err().to_string();
    assert!(error.contains("it was removed while Adjourn was running"), "{error}");
}

/// A server that takes its time, and asks to stay away for 3 s.
async fn slow_and_busy(takes: std::time::Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0_u8; 4_096];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await;
        tokio::time::sleep(takes).await;
        let answer = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
    });
    url
}

#[tokio::test]
async fn who_is_asked_to_stay_away_does_so_from_the_answer_on() {
    let takes = std::time::Duration::from_millis(700);
    let link = InviteLink::new(&slow_and_busy(takes).await, "K7QF-9M2X").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
    let join = outbox.join_for(&link).await.unwrap();
    outbox.granted(&join, &answer(7), &head()).await.unwrap();
    let record = Record::from_journal(head(), Vec::new(), None, Utc::now());
    outbox.commit(&join.join_id, &record, &[]).await.unwrap();
    let info = ClientInfo { version: "0".to_owned(), platform: "test".to_owned(), kiosk: false };
    let tell = |_| -> futures_util::future::BoxFuture<'static, ()> { Box::pin(async {}) };
    // Without chance: exactly as long as it was asked.
    let now = Utc::now();
    outbox.deliver_due(&info, now, 0.0, &tell).await.unwrap();
    let due = outbox.next_due().await.unwrap().unwrap();
    let away = due - now.timestamp_millis();
    assert!((3_700..8_000).contains(&away), "{away} ms");
}

fn seal(digit: &str) -> Seal {
    Seal::of(&Secret::new(digit.repeat(64))).unwrap()
}

/// Everything that is in a folder's files.
fn bytes_of(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.flatten().collect()
}

#[tokio::test]
async fn what_is_sealed_is_read_with_its_key_alone_and_nothing_of_it_lies_open() {
    let folder = tempfile::tempdir().unwrap();
    // Something from before there was a key.
    let (plain, _) = Outbox::open(folder.path()).await.unwrap();
    let before = InviteLink::new("http://127.0.0.1:9", "BBBB-BBBB").unwrap();
    let old = plain.join_for(&before).await.unwrap();
    plain.close().await;

    let (outbox, _) = Outbox::open_sealed(folder.path(), seal("a")).await.unwrap();
    assert_eq!(outbox.join_for(&before).await.unwrap().join_id, old.join_id, "it is found again");
    outbox.keep_adjustment(&link(), "a sign MARKED by its language").await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    let mut granted = answer(7);
    granted.client_token = Secret::new("a MARKED token");
    granted.interview.title = "a MARKED title".to_owned();
    outbox.granted(&join, &granted, &RecordHead { build: "MARKED".to_owned(), ..head() }).await.unwrap();
    let mut entry = said("first");
    if let Line::Said(turn) = &mut entry.line {
        turn.text = "what was said is MARKED".to_owned();
    }
    outbox.append(&join.join_id, &[entry]).await.unwrap();
    let entries = outbox.journal(&join.join_id).await.unwrap();
    let record = Record::from_journal(head(), entries, None, Utc::now());
    let body = outbox.commit(&join.join_id, &record, &[said("second")]).await.unwrap();
    assert_eq!(outbox.commit(&join.join_id, &record, &[]).await.unwrap(), body, "the same once more");
    // While it is open, the log beside the file is looked at, too.
    for _ in 0..2 {
        let bytes = bytes_of(folder.path());
        assert!(!bytes.windows(6).any(|w| w == b"MARKED"), "something lies open");
        assert!(!bytes.windows(9).any(|w| w == b"K7QF-9M2X"), "a code lies open");
        outbox.close().await;
    }

    // Another key, or none, touches nothing: what can't be read is not taken for damaged.
    for other in [seal("b"), Seal::default()] {
        let error = Outbox::open_sealed(folder.path(), other).await.unwrap_err();
        assert!(error.to_string().contains("put that key back"), "{error}");
    }
    let (outbox, quarantined) = Outbox::open_sealed(folder.path(), seal("a")).await.unwrap();
    assert!(quarantined.is_empty(), "{quarantined:?}");
    let pending = outbox.pending().await.unwrap();
    assert_eq!((pending.len(), &pending[0].body), (1, &body));
    assert_eq!(pending[0].granted.client_token.expose(), "a MARKED token");
    assert_eq!(pending[0].granted.head.as_ref().unwrap().build, "MARKED");
    assert_eq!(pending[0].join.link.code.expose(), "K7QF-9M2X");
    assert_eq!(outbox.adjustment(&link()).await.unwrap(), "a sign MARKED by its language");
    assert_eq!(outbox.journal(&join.join_id).await.unwrap().len(), 3);
    assert_eq!(outbox.record_of(&link()).await.unwrap().unwrap().0, body);
}

#[tokio::test]
async fn what_is_damaged_of_a_sealed_journal_is_put_aside_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = Outbox::open_sealed(folder.path(), seal("a")).await.unwrap();
    let join = outbox.join_for(&link()).await.unwrap();
    outbox.granted(&join, &answer(7), &head()).await.unwrap();
    outbox.append(&join.join_id, &[said("first")]).await.unwrap();
    let entries = outbox.journal(&join.join_id).await.unwrap();
    let record = Record::from_journal(head(), entries, None, Utc::now());
    outbox.commit(&join.join_id, &record, &[said("second")]).await.unwrap();
    outbox.close().await;
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE records SET body = CAST('sealed1:AAAA' AS BLOB)\"); c.commit()";
    let path = folder.path().join("outbox.db");
    assert!(std::process::Command::new("python3").args(["-c", script]).arg(path).status().unwrap().success());
    let (outbox, quarantined) = Outbox::open_sealed(folder.path(), seal("a")).await.unwrap();
    assert_eq!(quarantined, [Quarantined::Records(1)]);
    let pending = outbox.pending().await.unwrap();
    let record: Record = serde_json::from_slice(&pending[0].body).unwrap();
    assert_eq!(record.transcript.len(), 2);
}
