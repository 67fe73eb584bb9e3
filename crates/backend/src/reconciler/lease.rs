//! Of many replicas one reconciles: the one that holds the lease.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::store::{Store, millis, now, random};

/// Another replica takes over when the holder has not renewed for so long.
const LEASE: Duration = Duration::from_secs(35);
/// How often the holder renews.
const RENEWED: Duration = Duration::from_secs(10);
/// The holder stops so long before another one may begin: a question to LiveKit may take 5 s.
const MARGIN: Duration = Duration::from_secs(5);

/// A lease that ends later than this from now was taken by a server whose clock was wrong: nobody holds it.
const UNHEARD_OF: Duration = Duration::from_secs(600);

/// From one round of the reconciler to the next.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

/// Whether reconciling is ours to do.
#[derive(Debug)]
pub(super) struct Lease {
    until: watch::Sender<Option<Instant>>,
    holder: String,
}

impl Default for Lease {
    fn default() -> Self {
        let name = random::<16>().unwrap_or_else(|error| {
            tracing::error!(%error, "two replicas may do the same round, which is harmless");
            [0; 16]
        });
        Self { until: watch::Sender::new(None), holder: hex::encode(name) }
    }
}

impl Lease {
    /// Takes and keeps the lease, whenever it is free, for ever.
    pub(super) async fn keep(&self, store: &Store) {
        loop {
            let asked = Instant::now();
            match taken(store, &self.holder).await {
                Ok(true) => drop(self.until.send_replace(Some(asked + LEASE - MARGIN))),
                Ok(false) => drop(self.until.send_replace(None)),
                Err(error) => tracing::warn!(%error, "who reconciles can't be found out"),
            }
            tokio::time::sleep(RENEWED).await;
        }
    }

    /// Whether it is ours now.
    pub(super) fn is_held(&self) -> bool {
        self.until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits until it is ours.
    pub(super) async fn held(&self) {
        let mut until = self.until.subscribe();
        while !self.is_held() {
            // Its sender is here, so it can't be gone.
            let _ = until.changed().await;
        }
    }
}

async fn taken(store: &Store, holder: &str) -> Result<bool, sqlx::Error> {
    let now = now();
    let mut tx = store.write().await?;
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, until) VALUES ('rounds', $1, $2)
         ON CONFLICT (name) DO UPDATE SET holder = $1, until = $2 WHERE leases.holder = $1 OR leases.until < $3 OR leases.until > $4",
    )
    .bind(holder)
    .bind(millis(now + LEASE))
    .bind(millis(now))
    .bind(millis(now + UNHEARD_OF))
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
        assert!(taken(&store, "a").await.unwrap());
        assert!(!taken(&store, "b").await.unwrap());
        assert!(taken(&store, "a").await.unwrap());
        // A server whose clock was years ahead took it, and is gone.
        let ahead = millis(now() + chrono::Duration::days(400));
        sqlx::query("UPDATE leases SET until = $1").bind(ahead).execute(store.read()).await.unwrap();
        assert!(taken(&store, "b").await.unwrap());
        assert!(!taken(&store, "a").await.unwrap());
        let lease = Lease::default();
        assert!(!lease.is_held());
        lease.until.send_replace(Some(Instant::now()));
        assert!(!lease.is_held(), "what was not renewed in time is not ours any more");
        lease.until.send_replace(Some(Instant::now() + LEASE));
        lease.held().await;
    }
}
