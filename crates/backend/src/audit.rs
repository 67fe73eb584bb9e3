//! Who did what with which interview, and from where. An entry is written before the deed, or with it: what is not in it
//! was not done.

use std::net::IpAddr;

use adjourn_protocol::sha256;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::lifecycle_store;
use crate::store::{Store, Tx, known_time, millis, now};

/// How long entries are kept.
const KEPT: Duration = Duration::days(400);

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
    origin: String,
}

impl Actor {
    /// Somebody at the server's own console.
    pub fn command_line() -> Self {
        Self { name: "command line".to_owned(), origin: String::new() }
    }

    /// The server itself, of an interview that is kept no longer.
    pub(crate) fn retention() -> Self {
        Self { name: "retention".to_owned(), origin: String::new() }
    }

    /// Whose key it is, or where it was done.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The holder of an organiser's key.
    pub(crate) fn organiser(name: String, origin: IpAddr) -> Self {
        Self { name, origin: origin.to_string() }
    }
}

/// What is done. Asking where an interview stands is no deed: programs do that all the time, and learn nothing of what
/// was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Created,
    MadeCode,
    Ended,
    ReadTranscript,
    ReadRecord,
    ReadReport,
    SawList,
    SawInterview,
    AddedKey,
    RemovedKey,
    RotatedReceiptKey,
    RevokedReceiptKeys,
    RotatedTokens,
    AddedHook,
    AddedHookWithReport,
    RemovedHook,
    RotatedHook,
    ReplayedHook,
    TestedHook,
    Erased,
    SawSeats,
    SentMessage,
    EndedAtSeat,
    RenewedSeat,
    ReleasedSeat,
    AssignedSeat,
    HeldSeat,
    LetSeatGoOn,
    ImportedRoster,
    ChangedByRoster,
    SawRoster,
    /// Asked for what the key may not do.
    Refused,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created the interview",
            Self::MadeCode => "made another code",
            Self::Ended => "ended the interview",
            Self::ReadTranscript => "read the transcript",
            Self::ReadRecord => "read a record",
            Self::ReadReport => "read the report",
            Self::SawList => "saw the list of interviews",
            Self::SawInterview => "saw the interview's page",
            Self::AddedKey => "added a key",
            Self::RemovedKey => "removed a key",
            Self::RotatedReceiptKey => "rotated the key of receipts",
            Self::RevokedReceiptKeys => "revoked the earlier keys of receipts",
            Self::RotatedTokens => "ended every upload token",
            Self::AddedHook => "added a webhook",
            Self::AddedHookWithReport => "added a webhook that is sent reports",
            Self::RemovedHook => "removed a webhook",
            Self::RotatedHook => "made a new secret for a webhook",
            Self::TestedHook => "tried a webhook",
            Self::ReplayedHook => "had a webhook's events sent once more",
            Self::Erased => "erased the interview",
            Self::SawSeats => "watched the center's seats",
            Self::SentMessage => "sent a message to the seat",
            Self::EndedAtSeat => "ended the interview at the seat",
            Self::RenewedSeat => "ordered the seat to begin anew",
            Self::ReleasedSeat => "ordered the seat to let go",
            Self::AssignedSeat => "assigned somebody to the seat",
            Self::HeldSeat => "put the seat on hold",
            Self::LetSeatGoOn => "let interviews begin at the seat again",
            Self::ChangedByRoster => "changed the interview by the center's roster",
            Self::ImportedRoster => "imported the center's roster",
            Self::SawRoster => "saw the center's roster",
            Self::Refused => "was refused: the key may not do that",
        }
    }
}

/// Notes a deed together with it. `about`: the interview's id, a key's name, a webhook's id, a
/// center's name, or that with a seat's.
pub(crate) async fn note_in(tx: &mut Tx, actor: &Actor, deed: Deed, about: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO audit (at, who, what, about, origin) VALUES ($1, $2, $3, $4, $5)")
        .bind(millis(now()))
        .bind(&actor.name)
        .bind(deed.as_str())
        .bind(about)
        .bind(&actor.origin)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Notes a deed that is about to be done.
pub(crate) async fn note(store: &Store, actor: &Actor, deed: Deed, about: &str) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    note_in(&mut tx, actor, deed, about).await?;
    tx.commit().await
}

/// Notes a deed that is about to be done with an interview. Of one that is not there nothing is noted: its id may be one that
/// was erased.
pub(crate) async fn note_of(store: &Store, actor: &Actor, deed: Deed, id: &str) -> Result<(), ApiError> {
    lifecycle_store::row(store, id).await?;
    Ok(note(store, actor, deed, id).await?)
}

/// What is left of an interview's id in the log once the interview is erased: who knows the id can find its entries. Once its tombstone
/// is gone, nobody else can tell whose they are.
pub(crate) fn fingerprint(id: &str) -> String {
    format!("erased:{}", &sha256(id.as_bytes())[..16])
}

/// Puts the fingerprint in the place of an id.
pub(crate) async fn erase_in(tx: &mut Tx, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE audit SET about = $1 WHERE about = $2")
        .bind(fingerprint(id))
        .bind(id)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Whether an interview of that id was erased.
pub(crate) async fn was_erased(store: &Store, id: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM audit WHERE about = $1 AND what = $2")
        .bind(fingerprint(id))
        .bind(Deed::Erased.as_str())
        .fetch_optional(store.read())
        .await?;
    Ok(found.is_some())
}

/// Forgets what is old.
pub(crate) async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM audit WHERE at < $1").bind(millis(now - KEPT)).execute(&mut **tx).await.map(drop)
}

/// One entry, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Whose key, or `command line`.
    pub who: String,
    /// What was done.
    pub what: String,
    /// The interview's id (or what is left of it), or a key's name; empty if it is about all.
    pub about: String,
    /// Address of the request; empty on the command line.
    pub origin: String,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { at, who, what, about, origin } = self;
        let at = at.format("%Y-%m-%dT%H:%M:%S%.3fZ");
        // Names are an organiser's choice: a line stays a line.
        write!(f, "{at}\t{}\t{what}\t{}\t{origin}", who.escape_debug(), about.escape_debug())
    }
}

/// The log in order; with `about`, only what was done with that interview or key.
///
/// # Errors
/// The database failed.
pub async fn log(store: &Store, about: Option<&str>) -> anyhow::Result<Vec<Entry>> {
    let rows = sqlx::query("SELECT * FROM audit WHERE $1 = '' OR about = $1 OR about = $2 ORDER BY at")
        .bind(about.unwrap_or_default())
        .bind(about.map(fingerprint).unwrap_or_default())
        .fetch_all(store.read())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                at: known_time(row, "at")?,
                who: row.try_get("who")?,
                what: row.try_get("what")?,
                about: row.try_get("about")?,
                origin: row.try_get("origin")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_knows_an_id_finds_its_entries_and_nobody_else() {
        let (store, _folder) = Store::temporary().await;
        let someone = Actor::organiser("hr\nroot".to_owned(), IpAddr::from([192, 0, 2, 7]));
        for (deed, about) in [
            (Deed::Created, "id-1"),
            (Deed::ReadTranscript, "id-1"),
            (Deed::Ended, "id-2"),
            (Deed::SawList, ""),
        ] {
            note(&store, &someone, deed, about).await.unwrap();
        }
        let mut tx = store.write().await.unwrap();
        erase_in(&mut tx, "id-1").await.unwrap();
        note_in(&mut tx, &Actor::command_line(), Deed::Erased, &fingerprint("id-1")).await.unwrap();
        tx.commit().await.unwrap();
        let found = log(&store, Some("id-1")).await.unwrap();
        let deeds: Vec<&str> = found.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(deeds, ["created the interview", "read the transcript", "erased the interview"]);
        assert!(found.iter().all(|entry| !entry.about.contains("id-1")));
        let line = found[0].to_string();
        assert!(
            !line.contains('\n') && line.ends_with("\t192.0.2.7") && line.contains("hr\\nroot"),
            "{line}"
        );
        assert_eq!(log(&store, None).await.unwrap().len(), 5);
        let mut tx = store.write().await.unwrap();
        forget(&mut tx, now() + KEPT - Duration::minutes(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(log(&store, None).await.unwrap().len(), 5);
        let mut tx = store.write().await.unwrap();
        forget(&mut tx, now() + KEPT + Duration::minutes(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(log(&store, None).await.unwrap().is_empty());
    }
}
