//! Erasing an interview: every row of it, and what its rows leave in the database's files. What is left says that it was there, and
//! proves what had been received.

use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, now};
use crate::tombstone::{Tombstone, overwritten, pending};
use crate::{feed, lifecycle_store};

/// Tables that hold something of an interview, in an order in which they can be emptied.
const OF_AN_INTERVIEW: [&str; 11] = [
    "DELETE FROM codes WHERE interview_id = $1",
    "DELETE FROM attempts WHERE interview_id = $1",
    "DELETE FROM records WHERE interview_id = $1",
    "DELETE FROM items WHERE interview_id = $1",
    "DELETE FROM history WHERE interview_id = $1",
    "DELETE FROM sent_away WHERE interview_id = $1",
    "DELETE FROM replacements WHERE interview_id = $1",
    "DELETE FROM deliveries WHERE interview_id = $1",
    "DELETE FROM events WHERE interview_id = $1",
    "DELETE FROM seats WHERE interview_id = $1",
    "DELETE FROM roster WHERE interview_id = $1",
];

/// A room that is not closed by then is not closed for this: LiveKit may be gone for good. (It closes empty rooms by itself.)
const CLOSES_WITHIN: Duration = Duration::hours(1);

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Erasure {
    /// It is erased, now or before.
    Done(Tombstone),
    /// It is not over.
    GoesOn,
    /// It is, and its room is not known to be closed: who would close it, once nobody knows of it?
    RoomOpen,
    /// There is none.
    Unknown,
}

/// Erases an interview that is over, or never began.
pub(crate) async fn erase_by(
    store: &Store,
    id: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Erasure, sqlx::Error> {
    let mut tx = store.write().await?;
    let erasure = erase_in(&mut tx, id, actor, now).await?;
    tx.commit().await?;
    Ok(erasure)
}

async fn erase_in(tx: &mut Tx, id: &str, actor: &Actor, now: DateTime<Utc>) -> Result<Erasure, sqlx::Error> {
    let Some(lifecycle) = lifecycle_store::lock(tx, id).await? else {
        let before = Tombstone::of(&mut **tx, id).await?;
        return Ok(before.map_or(Erasure::Unknown, Erasure::Done));
    };
    if lifecycle.attempt > 0 && lifecycle.ended_at.is_none() {
        return Ok(Erasure::GoesOn);
    }
    let closes = lifecycle.ended_at.is_some_and(|ended| now - ended < CLOSES_WITHIN);
    if lifecycle.attempt > 0 && lifecycle.room_closed_at.is_none() && closes {
        return Ok(Erasure::RoomOpen);
    }
    let receipts =
        sqlx::query("SELECT receipt FROM records WHERE interview_id = $1 ORDER BY received_at, source")
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    let receipts: Vec<String> = receipts.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    // Who comes with one of its codes is told, and takes no other's for wrong.
    sqlx::query("INSERT INTO erased_codes (code_hash, id) SELECT code_hash, interview_id FROM codes WHERE interview_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    for delete in OF_AN_INTERVIEW {
        sqlx::query(delete).bind(id).execute(&mut **tx).await?;
    }
    sqlx::query("DELETE FROM interviews WHERE id = $1").bind(id).execute(&mut **tx).await?;
    audit::erase_in(tx, id).await?;
    feed::erased(tx, id, lifecycle.revision, now).await?;
    audit::note_in(tx, actor, Deed::Erased, &audit::fingerprint(id)).await?;
    let tombstone = Tombstone { interview_id: id.to_owned(), erased_at: now, receipts, overwritten: false };
    tombstone.write(tx).await?;
    Ok(Erasure::Done(tombstone))
}

/// The same at the server's own console. On SQLite the file is written anew, and with it what an earlier version of this server
/// deleted without overwriting it; Postgres frees the space without overwriting it. Copies elsewhere (backups, Postgres' own log)
/// are their keepers' to erase.
///
/// # Errors
/// There is no such interview, or it goes on; the database failed, or is in use so that what was there is not overwritten
/// yet: it is gone all the same, and the same command overwrites it later.
pub async fn erase(store: &Store, id: &str) -> anyhow::Result<()> {
    // First: rows that are gone and bytes that stay would be worse than neither.
    store.has_room_to_overwrite()?;
    let known = match erase_by(store, id, &Actor::command_line(), now()).await? {
        Erasure::Done(_) => true,
        Erasure::GoesOn => anyhow::bail!("the interview {id} goes on; end it first"),
        Erasure::RoomOpen => {
            anyhow::bail!("the room of the interview {id} is being closed; try again in a minute")
        }
        // By a version that left nothing but a fingerprint.
        Erasure::Unknown => audit::was_erased(store, id).await?,
    };
    let pending = pending(store).await?;
    // Also if there is none (any more): what was left of an earlier try.
    store.overwrite().await?;
    overwritten(store, &pending).await?;
    // Run once more, as it says itself where the database was in use: done.
    anyhow::ensure!(known, "there is no interview {id}, and there was none");
    Ok(())
}

/// Overwrites what erased interviews left in the database's files, if there are any. Where the database is in use, later.
pub(crate) async fn overwrite_what_is_left(store: &Store) -> Result<(), sqlx::Error> {
    let pending = pending(store).await?;
    if !pending.is_empty() && store.overwrite_deleted().await? {
        overwritten(store, &pending).await?;
        tracing::info!(interviews = pending.len(), "what was erased is overwritten");
    }
    Ok(())
}

/// Tables that know an interview by its id; a new one must be erased as well.
///
/// # Errors
/// The database failed.
#[cfg(test)]
async fn tables(store: &Store) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'interview_id'",
    )
    .fetch_all(store.read())
    .await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

#[cfg(test)]
mod tests {
    use adjourn_protocol::ProblemCode;

    use super::*;
    use crate::codes::Codes;
    use crate::store::millis;
    use crate::{NewInterview, Window, create};

    /// An interview that goes on, with something in every table. All that was said, and what is to be forgotten, has `mark` before
    /// a word.
    async fn filled(store: &Store, mark: &str) -> String {
        let new = NewInterview {
            title: format!("{mark} title"),
            candidate_name: Some(format!("{mark} name")),
            organiser: Some(format!("{mark} house")),
            contact: Some(format!("{mark} hotline")),
            language: "en".to_owned(),
            max_minutes: 30,
            window: Window::default(),
            agent_name: None,
            replacements: 0,
            policy: adjourn_session::Policy::default(),
        };
        let url = "https://interviews.example.com".parse().unwrap();
        let codes = Codes::of(store, None).await.unwrap();
        let id = create(store, &codes, &url, &new, &Actor::command_line()).await.unwrap().id;
        let at = millis(now());
        for n in 0..200_i64 {
            let said = format!("{{\"text\": \"{mark} word {n}\"}}");
            let change = format!("{mark} change");
            let mut tx = store.write().await.unwrap();
            for insert in [
                sqlx::query("INSERT INTO items VALUES ($1, 1, 'agent:AJ', $2, $2, $3)").bind(&id).bind(n).bind(&said),
                sqlx::query("INSERT INTO records VALUES ($1, $2, 'client', $3, 'x', NULL, 0, $1 || $2, 'signed')")
                    .bind(&id)
                    .bind(n)
                    .bind(&said),
                sqlx::query("INSERT INTO history VALUES ($1, $2, 0, $3, 'client')").bind(&id).bind(n).bind(&change),
                sqlx::query("INSERT INTO events VALUES ($1, $2, 'e', 'report.received', 0, $3, $4)")
                    .bind(&id)
                    .bind(n)
                    .bind(&change)
                    .bind(millis(now()) * 1_000 + n),
                sqlx::query(
                    "INSERT INTO deliveries (hook_id, interview_id, revision, place, turn, due_at) VALUES ('h', $1, $2, $2, 1, 0)",
                )
                .bind(&id)
                .bind(n),
            ] {
                insert.execute(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        let mut tx = store.write().await.unwrap();
        sqlx::query("INSERT INTO attempts VALUES ($1, 1, $2, $3, $3, 'k')")
            .bind(&id)
            .bind(format!("{mark} hash"))
            .bind(at)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("UPDATE interviews SET attempt = 1 WHERE id = $1")
            .bind(&id)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn ends(store: &Store, id: &str) {
        let mut tx = store.write().await.unwrap();
        sqlx::query("UPDATE interviews SET ended_at = 1 WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// How often a word is in the database's files.
    fn found(folder: &tempfile::TempDir, word: &str) -> usize {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).fold(0, |sum, bytes| {
            sum + bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count()
        })
    }

    #[tokio::test]
    async fn nothing_of_an_interview_is_left_in_the_files() {
        let (store, folder) = Store::temporary().await;
        let (asked, ordered) = (filled(&store, "PIGEON").await, filled(&store, "CANARY").await);
        let other = filled(&store, "SPARROW").await;
        // While it goes on, by neither way.
        let asks = async || erase_by(&store, &asked, &Actor::retention(), now()).await.unwrap();
        assert_eq!(asks().await, Erasure::GoesOn);
        assert!(erase(&store, &ordered).await.unwrap_err().to_string().ends_with("goes on; end it first"));
        ends(&store, &asked).await;
        ends(&store, &ordered).await;

        // Over HTTP, or since it is kept no longer: the file is not written anew for it.
        let Erasure::Done(tombstone) = asks().await else { panic!() };
        assert_eq!((tombstone.receipts.len(), tombstone.receipts[0].as_str()), (200, "signed"));
        assert!(found(&folder, "PIGEON") > 0, "the log has it still");
        overwrite_what_is_left(&store).await.unwrap();
        assert_eq!(found(&folder, "PIGEON"), 0);
        let Erasure::Done(again) = asks().await else { panic!() };
        assert_eq!(again, Tombstone { overwritten: true, ..tombstone });

        // At the console.
        erase(&store, &ordered).await.unwrap();
        assert_eq!(found(&folder, "CANARY"), 0);
        assert!(Tombstone::of(store.read(), &ordered).await.unwrap().unwrap().overwritten);
        erase(&store, &ordered).await.expect("once more overwrites, and is no mistake");
        assert!(erase(&store, "nobodys").await.unwrap_err().to_string().contains("there is no interview"));

        // Its id is left where it is told that it was erased, and nowhere else.
        for table in tables(&store).await.unwrap().into_iter().filter(|table| table != "events") {
            let query = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} WHERE interview_id = $1"));
            let left = sqlx::query(query).bind(&asked).fetch_optional(store.read()).await.unwrap();
            assert!(left.is_none(), "{table}");
        }
        let left = sqlx::query("SELECT kind FROM events WHERE interview_id = $1").bind(&asked);
        let left: Vec<String> =
            left.fetch_all(store.read()).await.unwrap().iter().map(|row| row.try_get(0).unwrap()).collect();
        assert_eq!(left, ["interview.erased"]);
        let Err(refused) = lifecycle_store::row(&store, &asked).await else { panic!() };
        assert_eq!(refused.code, ProblemCode::Erased);
        // Nobody else's is touched.
        assert!(lifecycle_store::row(&store, &other).await.is_ok());
        assert!(found(&folder, "SPARROW word") >= 400);
        // And every table that knows interviews was emptied.
        for table in tables(&store).await.unwrap() {
            assert!(
                OF_AN_INTERVIEW.iter().any(|delete| delete.contains(&format!(" {table} "))),
                "{table} is not erased"
            );
        }
    }
}
