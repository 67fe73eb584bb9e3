//! Erasing an interview: every row of it, and what its rows leave in the database's files.

use crate::audit::{self, Actor, Deed};
use crate::store::{Store, now};
use crate::{feed, lifecycle_store};

/// Tables that hold something of an interview, in an order in which they can be emptied.
const OF_AN_INTERVIEW: [&str; 8] = [
    "DELETE FROM codes WHERE interview_id = $1",
    "DELETE FROM attempts WHERE interview_id = $1",
    "DELETE FROM records WHERE interview_id = $1",
    "DELETE FROM items WHERE interview_id = $1",
    "DELETE FROM history WHERE interview_id = $1",
    "DELETE FROM sent_away WHERE interview_id = $1",
    "DELETE FROM deliveries WHERE interview_id = $1",
    "DELETE FROM events WHERE interview_id = $1",
];

/// Erases an interview that is over, or never began. On SQLite what its rows left in the file is overwritten; Postgres frees their
/// space without overwriting it. Copies elsewhere (backups, Postgres' own log) are their keepers' to erase.
///
/// # Errors
/// There is no such interview, or it goes on; the database failed, or is in use so that what was there is not overwritten
/// yet: it is gone all the same, and the same command overwrites it later.
pub async fn erase(store: &Store, id: &str) -> anyhow::Result<()> {
    // First: rows that are gone and bytes that stay would be worse than neither.
    store.has_room_to_overwrite()?;
    let mut tx = store.write().await?;
    let lifecycle = lifecycle_store::lock(&mut tx, id).await?;
    let known = lifecycle.is_some() || audit::was_erased_in(&mut tx, id).await?;
    if let Some(lifecycle) = &lifecycle {
        let goes_on = lifecycle.attempt > 0 && lifecycle.ended_at.is_none();
        anyhow::ensure!(!goes_on, "the interview {id} goes on; end it first");
        for delete in OF_AN_INTERVIEW {
            sqlx::query(delete).bind(id).execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM interviews WHERE id = $1").bind(id).execute(&mut *tx).await?;
        audit::erase_in(&mut tx, id).await?;
        feed::erased(&mut tx, id, lifecycle.revision, now()).await?;
        let left = audit::fingerprint(id);
        audit::note_in(&mut tx, &Actor::command_line(), Deed::Erased, &left).await?;
    }
    tx.commit().await?;
    // Also if there is none (any more): what was left of an earlier try.
    store.overwrite().await?;
    // Run once more, as it says itself where the database was in use: done.
    anyhow::ensure!(known, "there is no interview {id}, and there was none");
    Ok(())
}

/// Tables that know an interview by its id; a new one must be erased as well.
///
/// # Errors
/// The database failed.
#[cfg(test)]
async fn tables(store: &Store) -> Result<Vec<String>, sqlx::Error> {
    use sqlx::Row as _;

    let rows = sqlx::query(
        "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'interview_id'",
    )
    .fetch_all(store.read())
    .await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Codes;
    use crate::store::millis;
    use crate::{NewInterview, Window, create};
    use sqlx::Row as _;

    #[tokio::test]
    async fn nothing_of_an_interview_is_left_in_the_files() {
        let (store, folder) = Store::temporary().await;
        let new = |title: &str| NewInterview {
            title: title.to_owned(),
            candidate_name: Some("CANARY name".to_owned()),
            organiser: Some(format!("{title} house")),
            contact: Some(format!("{title} hotline")),
            language: "en".to_owned(),
            max_minutes: 30,
            window: Window::default(),
            agent_name: None,
            policy: adjourn_session::Policy::default(),
        };
        let url = "https://interviews.example.com".parse().unwrap();
        let codes = Codes::of(&store, None).await.unwrap();
        let operator = Actor::command_line();
        let created = create(&store, &codes, &url, &new("CANARY title"), &operator).await.unwrap();
        let other = create(&store, &codes, &url, &new("another"), &operator).await.unwrap();
        let at = millis(crate::store::now());
        for n in 0..200_i64 {
            let said = format!("{{\"text\": \"CANARY word {n}\"}}");
            let mut tx = store.write().await.unwrap();
            sqlx::query("INSERT INTO items VALUES ($1, 1, 'agent:AJ', $2, $3, $4)")
                .bind(&created.id)
                .bind(n.to_string())
                .bind(n)
                .bind(&said)
                .execute(&mut *tx)
                .await
                .unwrap();
            sqlx::query(
                "INSERT INTO records VALUES ($1, $2, 'client', $3, 'x', NULL, $4, $5, 'CANARY receipt')",
            )
            .bind(&created.id)
            .bind(n)
            .bind(&said)
            .bind(at)
            .bind(format!("R-{n}"))
            .execute(&mut *tx)
            .await
            .unwrap();
            sqlx::query("INSERT INTO history VALUES ($1, $2, $3, 'CANARY change', 'client')")
                .bind(&created.id)
                .bind(n)
                .bind(at)
                .execute(&mut *tx)
                .await
                .unwrap();
            sqlx::query(
                "INSERT INTO events VALUES ($1, $2, 'e', 'report.received', $3, 'CANARY happened', $2)",
            )
            .bind(&created.id)
            .bind(n)
            .bind(at)
            .execute(&mut *tx)
            .await
            .unwrap();
            sqlx::query("INSERT INTO deliveries (hook_id, interview_id, revision, place, turn, due_at) VALUES ('h', $1, $2, $2, 1, $3)")
                .bind(&created.id)
                .bind(n)
                .bind(at)
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = store.write().await.unwrap();
        sqlx::query("INSERT INTO attempts VALUES ($1, 1, 'CANARY hash', $2, $2, 'k')")
            .bind(&created.id)
            .bind(at)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("UPDATE interviews SET attempt = 1 WHERE id = $1")
            .bind(&created.id)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(erase(&store, &created.id).await.unwrap_err().to_string().ends_with("goes on; end it first"));
        let mut tx = store.write().await.unwrap();
        sqlx::query("UPDATE interviews SET ended_at = $2 WHERE id = $1")
            .bind(&created.id)
            .bind(at)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        erase(&store, &created.id).await.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(
                !found(b"CANARY title") && !found(b"CANARY w") && !found(b"CANARY h"),
                "{}",
                path.display()
            );
            assert!(!found(b"CANARY receipt"), "{}", path.display());
        }
        // Its id is left where it is told that it was erased, and nowhere else.
        for table in tables(&store).await.unwrap().into_iter().filter(|table| table != "events") {
            let query = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} WHERE interview_id = $1"));
            let left = sqlx::query(query).bind(&created.id).fetch_optional(store.read()).await.unwrap();
            assert!(left.is_none(), "{table}");
        }
        let left = sqlx::query("SELECT kind FROM events WHERE interview_id = $1").bind(&created.id);
        let left: Vec<String> =
            left.fetch_all(store.read()).await.unwrap().iter().map(|row| row.try_get(0).unwrap()).collect();
        assert_eq!(left, ["interview.erased"]);
        erase(&store, &created.id).await.expect("once more overwrites, and is no mistake");
        assert!(erase(&store, "nobodys").await.unwrap_err().to_string().contains("there is no interview"));
        // Nobody else's is touched.
        assert!(lifecycle_store::row(&store, &other.id).await.is_ok());
        // And every table that knows interviews was emptied.
        for table in tables(&store).await.unwrap() {
            assert!(
                OF_AN_INTERVIEW.iter().any(|delete| delete.contains(&format!(" {table} "))),
                "{table} is not erased"
            );
        }
    }
}
