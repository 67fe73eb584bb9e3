//! Making interviews, and further codes for them.

use adjourn_protocol::{InviteLink, Secret, differences, is_plain};
use adjourn_session::Policy;
use anyhow::Context as _;
use chrono::{DateTime, Datelike as _, Duration, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::audit::{self, Actor, Deed};
use crate::codes::{self, Codes};
use crate::store::{Store, Tx, known_time, millis, now, random};
use crate::{lifecycle_store, replacements};

/// Longest text of an interview's description.
const LONGEST: usize = 500;

/// When an interview may be joined.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From when; now if not given.
    #[serde(default)]
    pub from: Option<DateTime<Utc>>,
    /// Until when; a week from its beginning if not given.
    #[serde(default)]
    pub to: Option<DateTime<Utc>>,
}

/// What an organiser asks for. A field that does not exist is refused: what was meant by it would be ignored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInterview {
    /// Title to show.
    #[schema(min_length = 1, max_length = 500)]
    pub title: String,
    /// The candidate's name.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub candidate_name: Option<String>,
    /// Who invites, as the candidate knows them.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub organiser: Option<String>,
    /// How the candidate reaches them, for whatever they need: an address, a number, a sentence.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub contact: Option<String>,
    /// Language tag.
    #[serde(default = "english")]
    #[schema(max_length = 35)]
    pub language: String,
    /// Maximum length in minutes, 1 to 480.
    #[schema(minimum = 1, maximum = 480)]
    pub max_minutes: i64,
    /// When it may be joined.
    #[serde(default)]
    pub window: Window,
    /// Name under which the interviewer's worker is registered.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub agent_name: Option<String>,
    /// So many interviewers may be replaced if they are lost, 0 to 3. A stock agent would begin from the beginning: the interviewer
    /// must be one that reads what was said so far.
    #[serde(default)]
    #[schema(maximum = 3)]
    pub replacements: u8,
    /// Constants that differ from the defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub policy: Policy,
}

fn english() -> String {
    "en".to_owned()
}

/// What an organiser gets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// Random id; also the room's name.
    pub id: String,
    /// Name of the room.
    pub room: String,
    /// The link for the candidate.
    pub link: String,
    /// Its code.
    pub code: Secret,
}

/// Whether it has the form of one (RFC 5646, section 2.1, without its finer rules).
fn is_language_tag(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    text.len() <= 35
        && first.len() >= 2
        && first.chars().all(|c| c.is_ascii_alphabetic())
        && text.split('-').all(part)
}

/// What is said of somebody, if anything is.
pub(crate) fn said(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

impl NewInterview {
    /// From when until when it may be joined, if everything of it is well.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub(crate) fn times(&self, now: DateTime<Utc>) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
        let from = self.window.from.unwrap_or(now);
        let week = || from.checked_add_signed(Duration::days(7));
        let to = self.window.to.or_else(week).context("the window's end is too far away")?;
        check(self, from, to, now)?;
        Ok((from, to))
    }
}

/// What is wrong with a wish, in one sentence.
fn check(
    new: &NewInterview,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    anyhow::ensure!((1..=480).contains(&new.max_minutes), "max_minutes must be 1 to 480");
    anyhow::ensure!(
        new.replacements <= replacements::MOST,
        "replacements must be 0 to {}",
        replacements::MOST
    );
    anyhow::ensure!(!new.title.trim().is_empty(), "title must not be empty");
    for (name, text) in [
        ("title", Some(&new.title)),
        ("candidate_name", new.candidate_name.as_ref()),
        ("organiser", new.organiser.as_ref()),
        ("contact", new.contact.as_ref()),
        ("agent_name", new.agent_name.as_ref()),
    ] {
        let fits = text.is_none_or(|text| text.len() <= LONGEST && !text.contains('\0'));
        anyhow::ensure!(fits, "{name} is longer than {LONGEST} bytes, or no text");
        let plain = text.is_none_or(|text| is_plain(text));
        anyhow::ensure!(plain, "{name} has signs in it that nobody sees; write it in one line");
    }
    let named = new.agent_name.as_ref().is_none_or(|name| !name.trim().is_empty());
    anyhow::ensure!(
        named,
        "agent_name must not be empty; leave it out for an interviewer that takes every room"
    );
    anyhow::ensure!(is_language_tag(&new.language), "language is no language tag, as \"en\" or \"pt-BR\"");
    new.policy.check().context("policy")?;
    anyhow::ensure!(from < to, "the window's end must be after its beginning");
    anyhow::ensure!(to > now, "the window is over already: nobody could join");
    // Of four digits, as everybody reads and writes them.
    anyhow::ensure!(
        from.year() >= 2000 && to.year() <= 9999,
        "the window must be between the years 2000 and 9999"
    );
    Ok(())
}

/// Makes an interview.
///
/// # Errors
/// A value is out of range, or the database failed.
pub async fn create(
    store: &Store,
    codes: &Codes,
    public_url: &Url,
    new: &NewInterview,
    actor: &Actor,
) -> anyhow::Result<Created> {
    let mut tx = store.write().await?;
    let created = create_in(&mut tx, codes, public_url, new, actor).await?;
    tx.commit().await?;
    Ok(created)
}

/// As [`create`], with whatever else is written.
///
/// # Errors
/// A value is out of range, or the database failed.
pub(crate) async fn create_in(
    tx: &mut Tx,
    codes: &Codes,
    public_url: &Url,
    new: &NewInterview,
    actor: &Actor,
) -> anyhow::Result<Created> {
    let now = now();
    let (from, to) = new.times(now)?;
    let (id, code) = (hex::encode(random::<16>()?), codes::draw()?);
    let link = InviteLink::new(public_url.as_str(), &code)?;
    sqlx::query(
        "INSERT INTO interviews (id, title, candidate_name, language, max_minutes, window_from, window_to, agent_name,
         policy, code_hash, created_at, organiser, contact, replacements)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&id)
    .bind(&new.title)
    .bind(&new.candidate_name)
    .bind(&new.language)
    .bind(new.max_minutes)
    .bind(millis(from))
    .bind(millis(to))
    .bind(&new.agent_name)
    .bind(serde_json::to_string(&differences(&new.policy))?)
    .bind(codes.kept(&code))
    .bind(millis(now))
    .bind(said(new.organiser.as_ref()))
    .bind(said(new.contact.as_ref()))
    .bind(i64::from(new.replacements))
    .execute(&mut **tx)
    .await?;
    add_code(tx, &id, &codes.kept(&code), 1).await?;
    audit::note_in(tx, actor, Deed::Created, &id).await?;
    Ok(Created { room: id.clone(), id, link: link.to_text(), code: Secret::new(code) })
}

async fn add_code(tx: &mut Tx, id: &str, kept: &str, attempt: i64) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO codes (code_hash, interview_id, attempt) VALUES ($1, $2, $3)")
        .bind(kept)
        .bind(id)
        .bind(attempt)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Makes another code for an interview: it goes on at the computer that joins with it, and the one who was in
/// it is told so. `None`: there is no such interview, or it is over.
///
/// # Errors
/// No random numbers, or the database failed.
pub async fn another_code(
    store: &Store,
    codes: &Codes,
    public_url: &Url,
    id: &str,
    actor: &Actor,
) -> anyhow::Result<Option<Created>> {
    let code = codes::draw()?;
    let link = InviteLink::new(public_url.as_str(), &code)?;
    let mut tx = store.write().await?;
    let lifecycle =
        lifecycle_store::lock(&mut tx, id).await?.filter(|lifecycle| lifecycle.ended_at.is_none());
    let Some(lifecycle) = lifecycle else { return Ok(None) };
    if lifecycle.attempt == 0 {
        // Nobody joined, and nobody can any more: a code would open nothing.
        let row = sqlx::query("SELECT window_to FROM interviews WHERE id = $1")
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
        if known_time(&row, "window_to")? < now() {
            return Ok(None);
        }
    }
    add_code(&mut tx, id, &codes.kept(&code), lifecycle.attempt + 1).await?;
    audit::note_in(&mut tx, actor, Deed::MadeCode, id).await?;
    tx.commit().await?;
    let created =
        Created { room: id.to_owned(), id: id.to_owned(), link: link.to_text(), code: Secret::new(code) };
    Ok(Some(created))
}
