//! Records that wait for their delivery, and what becomes of them.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::millis;
use crate::{Granted, Join, Outbox, OutboxError, Receipt, Renewed};
use adjourn_protocol::Secret;

/// A record that is not delivered yet.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its join.
    pub join: Join,
    /// What was granted.
    pub granted: Granted,
    /// The exact bytes to send.
    pub body: Vec<u8>,
    /// How often it was tried.
    pub tries: u32,
    /// When to try next, milliseconds since 1970.
    pub next_try: i64,
    /// It was received before, and the server lost it.
    pub had_receipt: bool,
}

impl Outbox {
    /// Records that are not delivered and not parked.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pending(&self) -> Result<Vec<Pending>, OutboxError> {
        let rows = sqlx::query(
            "SELECT joins.*, records.body, records.tries, records.next_try, records.receipt FROM records JOIN joins USING (join_id)
             WHERE records.state = 'queued' OR records.again = 1 ORDER BY records.created_at",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut pending = Vec::new();
        for row in &rows {
            let join = self.read_join(row)?;
            let Some(granted) = join.granted.clone() else { continue };
            let tries: i64 = row.try_get("tries")?;
            pending.push(Pending {
                join,
                granted,
                body: self.seal.opened_bytes("body", row.try_get("body")?)?,
                tries: u32::try_from(tries).unwrap_or(u32::MAX),
                next_try: row.try_get("next_try")?,
                had_receipt: row.try_get::<Option<String>, _>("receipt")?.is_some(),
            });
        }
        Ok(pending)
    }

    /// Whether something that was said is nowhere but here: it waits, or the server does not take it. What its organiser erased is
    /// wanted by nobody.
    ///
    /// # Errors
    /// The database failed.
    pub async fn undelivered(&self) -> Result<bool, OutboxError> {
        let any = "SELECT EXISTS (SELECT 1 FROM records WHERE state = 'queued' OR again = 1 OR (state = 'parked' AND delivered_at IS NULL))";
        Ok(sqlx::query(any).fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// When the next try is due, milliseconds since 1970, if anything waits.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_due(&self) -> Result<Option<i64>, OutboxError> {
        let row = sqlx::query(
            "SELECT MIN(records.next_try) FROM records JOIN joins USING (join_id)
             WHERE (records.state = 'queued' OR records.again = 1) AND joins.interview_id IS NOT NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get(0)?)
    }

    pub(crate) async fn delivered(
        &self,
        join_id: &Secret,
        receipt: &Receipt,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        fail::fail_point!("persist");
        let sql = "UPDATE records SET state = 'delivered', again = 0, receipt = ?, receipt_id = ?, delivered_at = COALESCE(delivered_at, ?) WHERE join_id = ?";
        sqlx::query(sql)
            .bind(&receipt.jws)
            .bind(&receipt.claims.receipt_id)
            .bind(millis(now))
            .bind(join_id.expose())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The server will never take it. `erased`: since its organiser erased the interview, then; from then on what was said is kept here as
    /// long as what was delivered.
    pub(crate) async fn parked(
        &self,
        join_id: &Secret,
        reason: &str,
        erased: Option<DateTime<Utc>>,
    ) -> Result<(), OutboxError> {
        fail::fail_point!("persist");
        // What has its receipt was delivered, whatever the server says of it later.
        let sql = "UPDATE records SET state = CASE WHEN receipt IS NULL THEN 'parked' ELSE 'delivered' END, again = 0, reason = ?,
                     delivered_at = COALESCE(delivered_at, ?) WHERE join_id = ?";
        sqlx::query(sql)
            .bind(reason)
            .bind(erased.map(millis))
            .bind(join_id.expose())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(crate) async fn failed_try(
        &self,
        join_id: &Secret,
        next_try: i64,
        reason: &str,
    ) -> Result<(), OutboxError> {
        fail::fail_point!("persist");
        sqlx::query("UPDATE records SET tries = tries + 1, next_try = ?, reason = ? WHERE join_id = ?")
            .bind(next_try)
            .bind(reason)
            .bind(join_id.expose())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(crate) async fn renew(&self, join_id: &Secret, renewed: &Renewed) -> Result<(), OutboxError> {
        fail::fail_point!("persist");
        sqlx::query("UPDATE joins SET client_token = ?, receipt_keys = ? WHERE join_id = ?")
            .bind(self.seal.text("token", renewed.client_token.expose())?)
            .bind(renewed.receipt_keys.to_string())
            .bind(join_id.expose())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Joins whose record was received and is still here.
    pub(crate) async fn kept_and_delivered(&self) -> Result<Vec<(Join, Granted)>, OutboxError> {
        let rows = sqlx::query(
            "SELECT joins.* FROM records JOIN joins USING (join_id)
             WHERE records.state = 'delivered' AND length(records.body) > 0 ORDER BY records.created_at",
        )
        .fetch_all(&self.pool)
        .await?;
        let joins = rows.iter().map(|row| self.read_join(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(joins.into_iter().filter_map(|join| join.granted.clone().map(|granted| (join, granted))).collect())
    }

    /// Puts a receipt that was signed anew in the place of the old one.
    pub(crate) async fn signed_anew(&self, join_id: &Secret, receipt: &Receipt) -> Result<(), OutboxError> {
        sqlx::query("UPDATE records SET receipt = ? WHERE join_id = ? AND receipt_id = ? AND receipt <> ?")
            .bind(&receipt.jws)
            .bind(join_id.expose())
            .bind(&receipt.claims.receipt_id)
            .bind(&receipt.jws)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Lets a record that was received be delivered again, at once. It stays received: what is erased when, and what is said
    /// of it, does not change.
    pub(crate) async fn again(&self, join_id: &Secret) -> Result<(), OutboxError> {
        self.resting.lock().remove(join_id.expose());
        sqlx::query(
            "UPDATE records SET again = 1, tries = 0, next_try = 0 WHERE join_id = ? AND state = 'delivered'",
        )
        .bind(join_id.expose())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
