//! Of many replicas one reconciles, and one sends webhooks: the one that holds that lease.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::store::{Store, millis, now, random};

/// What one replica does, and for how long it has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    name: &'static str,
    /// Another replica takes over when the holder has not renewed for so long.
    lasts: Duration,
    /// How often the holder renews.
    renewed: Duration,
    /// The holder stops so long before another one may begin.
    margin: Duration,
}

/// From one round of the reconciler to the next.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

/// The reconciler's rounds. A question to LiveKit may take 5 s.
pub(crate) const ROUNDS: Terms = Terms {
    name: "rounds",
    lasts: Duration::from_secs(35),
    renewed: Duration::from_secs(10),
    margin: Duration::from_secs(5),
};
/// Sending webhooks: for a moment two may do so, and no organiser waits long for what a replica that died had to send.
pub(crate) const HOOKS: Terms = Terms {
    name: "hooks",
    lasts: Duration::from_secs(10),
    renewed: Duration::from_secs(3),
    margin: Duration::from_secs(1),
};

/// A lease that ends later than this from now was taken by a server whose clock was wrong: nobody holds it.
const UNHEARD_OF: Duration = Duration::from_secs(600);

/// Whether something is ours to do.
#[derive(Debug)]
pub(crate) struct Lease {
    terms: Terms,
    until: watch::Sender<Option<Instant>>,
    holder: String,
}

impl Lease {
    /// Of something that one replica does.
    pub(crate) fn of(terms: Terms) -> Self {
        let holder = random::<16>().unwrap_or_else(|error| {
            tracing::error!(%error, "two replicas may do the same, which is harmless");
            [0; 16]
        });
        Self { terms, until: watch::Sender::new(None), holder: hex::encode(holder) }
    }

    /// Takes and keeps the lease, whenever it is free, for ever.
    pub(crate) async fn keep(&self, store: &Store) {
        loop {
            let asked = Instant::now();
            match taken(store, &self.terms, &self.holder).await {
                Ok(true) => drop(self.until.send_replace(Some(asked + self.terms.lasts - self.terms.margin))),
                Ok(false) => drop(self.until.send_replace(None)),
                Err(error) => {
                    tracing::warn!(%error, lease = self.terms.name, "who has it can't be found out")
                }
            }
            tokio::time::sleep(self.terms.renewed).await;
        }
    }

    /// Gives it back: another one need not wait until it ends.
    pub(crate) async fn give_back(&self, store: &Store) {
        self.until.send_replace(None);
        let given = async {
            let mut tx = store.write().await?;
            sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
                .bind(self.terms.name)
                .bind(&self.holder)
                .execute(&mut *tx)
                .await?;
            tx.commit().await
        };
        if let Err(error) = given.await {
            tracing::info!(%error, lease = self.terms.name, "it was not given back, and ends by itself");
        }
    }

    /// Whether it is ours now.
    pub(crate) fn is_held(&self) -> bool {
        self.until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits until it is ours.
    pub(crate) async fn held(&self) {
        let mut until = self.until.subscribe();
        while !self.is_held() {
            // Its sender is here, so it can't be gone.
            let _ = until.changed().await;
        }
    }
}

async fn taken(store: &Store, terms: &Terms, holder: &str) -> Result<bool, sqlx::Error> {
    let now = now();
    let mut tx = store.write().await?;
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, until) VALUES ($5, $1, $2)
         ON CONFLICT (name) DO UPDATE SET holder = $1, until = $2 WHERE leases.holder = $1 OR leases.until < $3 OR leases.until > $4",
    )
    .bind(holder)
    .bind(millis(now + terms.lasts))
    .bind(millis(now))
    .bind(millis(now + UNHEARD_OF))
    .bind(terms.name)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(taken == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holds_it_and_stops_in_time() {
        let (store, _folder) = Store::temporary().await;
        assert!(taken(&store, &ROUNDS, "a").await.unwrap());
        assert!(!taken(&store, &ROUNDS, "b").await.unwrap());
        assert!(taken(&store, &HOOKS, "b").await.unwrap(), "another lease");
        assert!(taken(&store, &ROUNDS, "a").await.unwrap());
        // A server whose clock was years ahead took it, and is gone.
        let ahead = millis(now() + chrono::Duration::days(400));
        sqlx::query("UPDATE leases SET until = $1").bind(ahead).execute(store.read()).await.unwrap();
        assert!(taken(&store, &ROUNDS, "b").await.unwrap());
        assert!(!taken(&store, &ROUNDS, "a").await.unwrap());
        let lease = Lease::of(ROUNDS);
        assert!(!lease.is_held());
        lease.until.send_replace(Some(Instant::now()));
        assert!(!lease.is_held(), "what was not renewed in time is not ours any more");
        lease.until.send_replace(Some(Instant::now() + ROUNDS.lasts));
        lease.held().await;
    }
}
