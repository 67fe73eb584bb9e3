//! Whom test centers expect: kept beside their interviews, and gone with them.

use std::collections::BTreeMap;

use adjourn_kiosk::{NAME_FORM, is_name};
use adjourn_protocol::{RosterEntry, RosterImported, RosterMade, RosterState};
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use url::Url;

use crate::audit::{self, Actor, Deed};
use crate::codes::Codes;
use crate::interviews::{create_in, said};
use crate::lifecycle_store;
use crate::roster_file::{self, Row, Taken, Trouble, Wanted, twice_taken};
use crate::seats::GOOD_FOR;
use crate::store::{Store, Tx, known_time, millis, now, time};

/// Whoever is over for longer is not shown.
const SHOWN: Duration = Duration::days(1);
/// Who is expected in a center at most.
const MOST: usize = 10_000;

/// An entry as it is.
struct Kept {
    interview_id: String,
    state: RosterState,
    /// Nobody can begin it any more.
    closes: DateTime<Utc>,
    is: Wanted,
}

impl Kept {
    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let ended = time(row, "ended_at")?.is_some();
        let state = match row.try_get::<i64, _>("attempt")? {
            _ if ended => RosterState::Over,
            0 => RosterState::Expected,
            _ => RosterState::Begun,
        };
        let extra_minutes: i64 = row.try_get("extra_minutes")?;
        let is = Wanted {
            reference: row.try_get("reference")?,
            candidate: row.try_get::<Option<String>, _>("candidate_name")?.unwrap_or_default(),
            seat: row.try_get("seat")?,
            starts: time(row, "starts_at")?,
            minutes: row.try_get::<i64, _>("max_minutes")? - extra_minutes,
            extra_minutes,
            title: row.try_get("title")?,
            language: row.try_get("language")?,
            organiser: row.try_get("organiser")?,
            contact: row.try_get("contact")?,
            agent_name: row.try_get("agent_name")?,
        };
        let closes = known_time(row, "window_to")?;
        Ok(Self { interview_id: row.try_get("interview_id")?, state, closes, is })
    }

    fn entry(self) -> RosterEntry {
        let Self { interview_id, state, is, .. } = self;
        RosterEntry {
            reference: is.reference,
            interview_id,
            candidate: is.candidate,
            seat: is.seat,
            starts_at: is.starts,
            minutes: is.minutes + is.extra_minutes,
            extra_minutes: is.extra_minutes,
            state,
        }
    }

    /// Whether somebody may still come.
    fn is_expected(&self, now: DateTime<Utc>) -> bool {
        self.state == RosterState::Begun || (self.state == RosterState::Expected && self.closes > now)
    }
}

/// A center's entries with their interviews; which, and in which order, is said after that.
macro_rules! entries {
    ($which:literal) => {
        concat!(
            "SELECT r.reference, r.interview_id, r.seat, r.starts_at, r.extra_minutes, i.candidate_name, i.max_minutes, i.title, ",
            "i.language, i.organiser, i.contact, i.agent_name, i.attempt, i.ended_at, i.window_to ",
            "FROM roster r JOIN interviews i ON i.id = r.interview_id WHERE r.center = $1",
            $which
        )
    };
}

/// Nothing else changes in this center's roster, until the transaction is over.
async fn lock(tx: &mut Tx, center: &str) -> Result<(), sqlx::Error> {
    let known = "INSERT INTO centers (center) VALUES ($1) ON CONFLICT (center) DO NOTHING";
    sqlx::query(known).bind(center).execute(&mut **tx).await?;
    let lock = "UPDATE centers SET revision = revision + 1 WHERE center = $1";
    sqlx::query(lock).bind(center).execute(&mut **tx).await.map(drop)
}

/// What is done with a line of a roster.
struct Step<'a> {
    line: u64,
    wanted: Wanted,
    /// Whom it changes; nobody: they are new.
    of: Option<&'a Kept>,
}

/// What a file comes to.
#[derive(Default)]
struct Plan<'a> {
    steps: Vec<Step<'a>>,
    /// Who comes at any time, and is told of again.
    prolonged: Vec<&'a Kept>,
    taken: Vec<(Taken, u64)>,
    unchanged: usize,
    past: usize,
    troubles: Vec<Trouble>,
}

impl<'a> Plan<'a> {
    fn of(rows: &[Row], known: &'a BTreeMap<String, Kept>, now: DateTime<Utc>) -> Self {
        let mut plan = Self::default();
        for row in rows {
            plan.take(row, known.get(&row.reference), now);
        }
        let mine = std::mem::take(&mut plan.taken);
        let named: Vec<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
        let others: Vec<Taken> = known
            .values()
            .filter(|kept| kept.is_expected(now) && !named.contains(&kept.is.reference.as_str()))
            .filter_map(|kept| kept.is.takes())
            .collect();
        for (takes, line) in &mine {
            if let Some(other) = others.iter().find(|other| other.meets(takes)) {
                let what = format!("seat {} is {:?}'s at that time", other.seat, other.reference);
                plan.troubles.push(Trouble { line: *line, what });
            }
        }
        plan.troubles.extend(twice_taken(mine));
        let expected = known.values().filter(|kept| kept.is_expected(now)).count();
        let new = plan.steps.iter().filter(|step| step.of.is_none()).count();
        if expected + new > MOST {
            let what = format!("{expected} are expected in this center already; {MOST} are the most");
            plan.troubles.push(Trouble { line: 1, what });
        }
        plan.troubles.sort_by_key(|trouble| trouble.line);
        plan
    }

    fn take(&mut self, row: &Row, kept: Option<&'a Kept>, now: DateTime<Utc>) {
        let line = row.line;
        let mut wrong = |what: String| self.troubles.push(Trouble { line, what });
        let wanted = kept.map_or_else(|| row.new_one(), |kept| row.over(&kept.is));
        let new = match kept {
            None if wanted.is_past(now) => return self.past += 1,
            None => true,
            Some(kept) if kept.is == wanted => {
                self.unchanged += 1;
                if wanted.starts.is_none() && kept.state == RosterState::Expected {
                    self.prolonged.push(kept);
                }
                if kept.is_expected(now) {
                    self.taken.extend(wanted.takes().map(|takes| (takes, line)));
                }
                return;
            }
            Some(kept) if kept.state == RosterState::Expected => true,
            Some(kept) => {
                let moved = Wanted { seat: wanted.seat.clone(), starts: wanted.starts, ..kept.is.clone() };
                if moved != wanted {
                    return wrong(begun(&wanted.reference));
                }
                false
            }
        };
        if new && let Err(error) = wanted.interview(now).times(now) {
            return wrong(format!("{error:#}"));
        }
        if kept.is_none_or(|kept| kept.state != RosterState::Over) {
            self.taken.extend(wanted.takes().map(|takes| (takes, line)));
        }
        self.steps.push(Step { line, wanted, of: kept });
    }
}

fn begun(reference: &str) -> String {
    format!("the interview of {reference:?} has begun: no more than its seat and time can be changed")
}

/// Takes a roster: all of it, or nothing, and then everything that is wrong with it.
///
/// # Errors
/// The database failed, or there is no chance.
pub(crate) async fn import(
    store: &Store,
    codes: &Codes,
    public_url: &Url,
    center: &str,
    rows: &[Row],
    actor: &Actor,
) -> anyhow::Result<Result<RosterImported, Vec<Trouble>>> {
    let now = now();
    let mut tx = store.write().await?;
    lock(&mut tx, center).await?;
    let mut known = BTreeMap::new();
    for row in sqlx::query(entries!("")).bind(center).fetch_all(&mut *tx).await? {
        let kept = Kept::of(&row)?;
        known.insert(kept.is.reference.clone(), kept);
    }
    let plan = Plan::of(rows, &known, now);
    if !plan.troubles.is_empty() {
        return Ok(Err(plan.troubles));
    }
    let (mut made, mut changed) = (Vec::new(), 0);
    for Step { line, wanted, of } in plan.steps {
        let Some(kept) = of else {
            let created = create_in(&mut tx, codes, public_url, &wanted.interview(now), actor).await?;
            add(&mut tx, center, &wanted, &created.id).await?;
            let (reference, interview_id) = (wanted.reference, created.id);
            made.push(RosterMade { reference, interview_id, code: created.code });
            continue;
        };
        if let Err(what) = change(&mut tx, center, &wanted, kept, now).await? {
            return Ok(Err(vec![Trouble { line, what }]));
        }
        audit::note_in(&mut tx, actor, Deed::ChangedByRoster, &kept.interview_id).await?;
        changed += 1;
    }
    for kept in plan.prolonged {
        let (_, to) = kept.is.window(now);
        let longer = "UPDATE interviews SET window_to = $2 WHERE id = $1 AND attempt = 0 AND window_to < $2";
        sqlx::query(longer).bind(&kept.interview_id).bind(to.map(millis)).execute(&mut *tx).await?;
    }
    audit::note_in(&mut tx, actor, Deed::ImportedRoster, center).await?;
    tx.commit().await?;
    Ok(Ok(RosterImported { made, changed, unchanged: plan.unchanged, past: plan.past }))
}

async fn add(tx: &mut Tx, center: &str, wanted: &Wanted, interview_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO roster (center, reference, interview_id, seat, starts_at, extra_minutes) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(center)
    .bind(&wanted.reference)
    .bind(interview_id)
    .bind(&wanted.seat)
    .bind(wanted.starts.map(millis))
    .bind(wanted.extra_minutes)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Somebody has another seat, another time, or, before their interview begins, another one; or what is in the way meanwhile. The
/// interview is locked before its entry, as whoever erases it does.
async fn change(
    tx: &mut Tx,
    center: &str,
    wanted: &Wanted,
    kept: &Kept,
    now: DateTime<Utc>,
) -> Result<Result<(), String>, sqlx::Error> {
    let id = &kept.interview_id;
    let Some(lifecycle) = lifecycle_store::lock(tx, id).await? else {
        return Ok(Err(format!("the interview of {:?} was erased meanwhile", wanted.reference)));
    };
    let untouched = lifecycle.attempt == 0 && lifecycle.ended_at.is_none();
    if !untouched && kept.state == RosterState::Expected {
        return Ok(Err(begun(&wanted.reference)));
    }
    let new = wanted.interview(now);
    if untouched {
        sqlx::query(
            "UPDATE interviews SET candidate_name = $2, max_minutes = $3, title = $4, language = $5, organiser = $6, contact = $7, \
             agent_name = $8, window_from = $9, window_to = $10 WHERE id = $1",
        )
        .bind(id)
        .bind(&new.candidate_name)
        .bind(new.max_minutes)
        .bind(&new.title)
        .bind(&new.language)
        .bind(said(new.organiser.as_ref()))
        .bind(said(new.contact.as_ref()))
        .bind(&new.agent_name)
        .bind(new.window.from.map_or(0, millis))
        .bind(new.window.to.map_or(i64::MAX, millis))
        .execute(&mut **tx)
        .await?;
    }
    let entry = "UPDATE roster SET seat = $3, starts_at = $4, extra_minutes = $5 WHERE center = $1 AND reference = $2";
    sqlx::query(entry)
        .bind(center)
        .bind(&wanted.reference)
        .bind(&wanted.seat)
        .bind(wanted.starts.map(millis))
        .bind(wanted.extra_minutes)
        .execute(&mut **tx)
        .await?;
    Ok(Ok(()))
}

/// Whom a center expects, and who was there within a day.
pub(crate) async fn of_center(
    store: &Store,
    center: &str,
    now: DateTime<Utc>,
) -> Result<Vec<RosterEntry>, sqlx::Error> {
    let shown = entries!(
        " AND ((i.ended_at IS NULL AND (i.attempt > 0 OR i.window_to > $2)) OR i.ended_at > $2) \
         ORDER BY COALESCE(r.starts_at, 9223372036854775807), r.reference"
    );
    let rows = sqlx::query(shown).bind(center).bind(millis(now - SHOWN)).fetch_all(store.read()).await?;
    rows.iter().map(|row| Ok(Kept::of(row)?.entry())).collect()
}

/// Why somebody is not assigned to a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAssigned {
    /// The roster does not have them.
    NoEntry,
    /// Their interview is over, or the time in which it could begin.
    Over,
}

/// Assigns somebody to that life of a seat; who was assigned to it before is no more. Gives their interview.
pub(crate) async fn assign(
    tx: &mut Tx,
    center: &str,
    reference: &str,
    (seat, life): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Result<String, NotAssigned>, sqlx::Error> {
    lock(tx, center).await?;
    let one = entries!(" AND r.reference = $2");
    let Some(row) = sqlx::query(one).bind(center).bind(reference).fetch_optional(&mut **tx).await? else {
        return Ok(Err(NotAssigned::NoEntry));
    };
    let kept = Kept::of(&row)?;
    if !kept.is_expected(now) {
        return Ok(Err(NotAssigned::Over));
    }
    free(tx, center, seat).await?;
    sqlx::query(
        "UPDATE roster SET assigned_seat = $3, assigned_life = $4, assigned_at = $5 WHERE center = $1 AND reference = $2",
    )
    .bind(center)
    .bind(reference)
    .bind(seat)
    .bind(life)
    .bind(millis(now))
    .execute(&mut **tx)
    .await?;
    Ok(Ok(kept.interview_id))
}

async fn free(tx: &mut Tx, center: &str, seat: &str) -> Result<(), sqlx::Error> {
    let free = "UPDATE roster SET assigned_seat = NULL, assigned_life = NULL, assigned_at = NULL WHERE center = $1 AND assigned_seat = $2";
    sqlx::query(free).bind(center).bind(seat).execute(&mut **tx).await.map(drop)
}

/// Whose interview that life of a seat is to begin, once: it is asked for, and then it is not assigned any more.
pub(crate) async fn take_assigned(
    store: &Store,
    center: &str,
    seat: &str,
    life: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, sqlx::Error> {
    let mut tx = store.write().await?;
    lock(&mut tx, center).await?;
    let assigned = "SELECT interview_id FROM roster WHERE center = $1 AND assigned_seat = $2 AND assigned_life = $3 AND assigned_at > $4";
    let row = sqlx::query(assigned)
        .bind(center)
        .bind(seat)
        .bind(life)
        .bind(millis(now - GOOD_FOR))
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    free(&mut tx, center, seat).await?;
    tx.commit().await?;
    row.try_get("interview_id").map(Some)
}

/// Takes a roster as a file.
///
/// # Errors
/// Everything that is wrong with it, line by line; or the database failed.
pub async fn import_file(
    store: &Store,
    codes: &Codes,
    public_url: &Url,
    center: &str,
    bytes: &[u8],
    actor: &Actor,
) -> anyhow::Result<RosterImported> {
    anyhow::ensure!(is_name(center), "a center's name is {NAME_FORM}");
    let imported = match roster_file::read(bytes) {
        Ok(rows) => import(store, codes, public_url, center, &rows, actor).await?,
        Err(troubles) => Err(troubles),
    };
    imported.map_err(|troubles| {
        let lines: Vec<String> = troubles.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("nothing of the roster was taken:\n{}", lines.join("\n"))
    })
}
