//! Whether what an interview needs is there, looked at from where the server stands: for an operator, before the first candidate.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::Deserialize;
use sqlx::Row as _;
use url::Url;

use crate::hooks::{self, Courier};
use crate::livekit::{LiveKit, setup_room};
use crate::store::{Store, now, random};

/// LiveKit sends what happened at once; a receiver that is busy gets it again within some seconds.
const WEBHOOK_WITHIN: Duration = Duration::from_secs(10);
/// Tokens are refused by a clock that is further off than a minute; far less is no accident either.
const CLOCKS_DIFFER: chrono::Duration = chrono::Duration::seconds(5);
/// An answer of our own server takes no longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Interviews work, and something is not as it should be.
    Warning,
    /// Interviews don't work, or something gets lost.
    Bad,
}

/// What was found about one thing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// About what.
    pub about: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// A sentence, and what to do if it is not well.
    pub says: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "well",
            Verdict::Warning => "warning",
            Verdict::Bad => "BAD",
        };
        write!(f, "{verdict}\t{}\t{}", self.about, self.says)
    }
}

fn found(about: &'static str, verdict: Verdict, says: impl Into<String>) -> Finding {
    Finding { about, verdict, says: says.into() }
}

/// What is looked at.
#[derive(Debug)]
pub struct Setup {
    /// The server's database.
    pub store: Store,
    /// The LiveKit server.
    pub livekit: LiveKit,
    /// The address under which clients reach our server.
    pub public_url: Url,
    /// What sends webhooks.
    pub courier: Courier,
}

impl Setup {
    /// Looks at one thing after the other, and tells of each. Gives whether interviews can be held.
    pub async fn look(&self, mut tell: impl FnMut(&Finding)) -> bool {
        let mut works = true;
        let mut told = |finding: Finding| {
            works &= finding.verdict != Verdict::Bad;
            tell(&finding);
            finding.verdict != Verdict::Bad
        };
        told(self.database().await);
        told(self.durability().await);
        let ours = told(self.address().await);
        if told(self.rooms().await) {
            told(self.clocks().await);
            if ours {
                told(self.livekits_webhooks().await);
            }
        }
        match hooks::list(&self.store).await {
            Ok(hooks) if hooks.is_empty() => {
                let says = "There are none: your own system is told nothing, and follows GET /v1/events (or `adjourn-backend hook add`).";
                told(found("webhooks", Verdict::Good, says));
            }
            Ok(hooks) => {
                for hook in hooks {
                    told(self.webhook(&hook.id, &hook.url).await);
                }
            }
            Err(error) => {
                told(found("webhooks", Verdict::Bad, format!("They can't be read: {error}.")));
            }
        }
        works
    }

    async fn database(&self) -> Finding {
        match self.store.takes_more().await {
            Ok(()) => found("database", Verdict::Good, "It takes what is written, and its disk has room."),
            Err(error) => found("database", Verdict::Bad, format!("It takes nothing: {error:#}.")),
        }
    }

    async fn durability(&self) -> Finding {
        const ABOUT: &str = "durability";
        match self.store.loses().await {
            Ok(None) => found(ABOUT, Verdict::Good, "What is acknowledged survives a loss of power."),
            Ok(Some(how)) => found(ABOUT, Verdict::Bad, how),
            Err(error) => found(ABOUT, Verdict::Warning, format!("It could not be found out: {error:#}.")),
        }
    }

    async fn rooms(&self) -> Finding {
        let began = Instant::now();
        match self.livekit.rooms(&[]).await {
            Ok(rooms) => {
                let says = format!(
                    "It answers with our key, within {} ms; rooms that are open: {}.",
                    began.elapsed().as_millis(),
                    rooms.len()
                );
                found("LiveKit", Verdict::Good, says)
            }
            Err(error) => {
                // What it says names the settings.
                let says = format!("{error} Nothing works without it.");
                found("LiveKit", Verdict::Bad, says)
            }
        }
    }

    async fn clocks(&self) -> Finding {
        const ABOUT: &str = "clocks";
        let Some(theirs) = self.livekit.clock().await else {
            return found(ABOUT, Verdict::Warning, "LiveKit's server does not say what time it is.");
        };
        let apart = (theirs - now()).abs();
        if apart <= CLOCKS_DIFFER {
            return found(ABOUT, Verdict::Good, "LiveKit's server and this one have the same time.");
        }
        let says = format!(
            "LiveKit's server is {} s off this one: tokens and webhooks are refused beyond a minute. Let both follow NTP.",
            apart.num_seconds()
        );
        found(ABOUT, Verdict::Bad, says)
    }

    /// Whether our own server is reached by its public address, and is the one of this database.
    async fn address(&self) -> Finding {
        const ABOUT: &str = "address";
        let url = &self.public_url;
        let known = match self.kids().await {
            Ok(known) => known,
            Err(error) => return found(ABOUT, Verdict::Bad, format!("The database can't be read: {error}.")),
        };
        let says = match served(url).await {
            Ok(served) if served.is_disjoint(&known) => format!(
                "Another server than the one of this database answers at {url}: check --public-url, the proxy before it, and --database."
            ),
            Ok(_) => {
                return found(ABOUT, Verdict::Good, format!("The server of this database answers at {url}."));
            }
            Err(why) => format!(
                "{url} is not reached from here: {}. Start the server (`adjourn-backend serve`), and check --public-url, DNS, the certificate \
                 and the proxy before it.",
                why.trim_end_matches('.')
            ),
        };
        found(ABOUT, Verdict::Bad, says)
    }

    async fn kids(&self) -> Result<HashSet<String>, sqlx::Error> {
        let rows = sqlx::query("SELECT kid FROM receipt_keys").fetch_all(self.store.read()).await?;
        rows.iter().map(|row| row.try_get("kid")).collect()
    }

    /// Makes a room and takes it away again: LiveKit tells our server of it, or not.
    async fn livekits_webhooks(&self) -> Finding {
        const ABOUT: &str = "LiveKit's webhooks";
        let room = match random::<8>() {
            Ok(random) => setup_room(&hex::encode(random)),
            Err(error) => return found(ABOUT, Verdict::Warning, format!("{error:#}.")),
        };
        if let Err(error) = self.livekit.create_check_room(&room).await {
            return found(ABOUT, Verdict::Bad, format!("No room can be made: {error}."));
        }
        let began = Instant::now();
        let mut arrived = false;
        while !arrived && began.elapsed() < WEBHOOK_WITHIN {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let row = sqlx::query("SELECT 1 FROM webhooks WHERE event_id = $1").bind(&room);
            arrived = row.fetch_optional(self.store.read()).await.is_ok_and(|row| row.is_some());
        }
        let took = began.elapsed();
        if let Err(error) = self.livekit.delete_room(&room).await {
            tracing::info!(%error, "the room of this check goes by itself");
        }
        if arrived {
            return found(ABOUT, Verdict::Good, format!("They arrive, within {} ms.", took.as_millis()));
        }
        let says = format!(
            "None came within {} s. In livekit.yaml: `webhook: {{api_key: <the key of LIVEKIT_API_KEY>, urls: [\"{}\"]}}`. Without them an \
             end is found by looking, up to 15 s later, and with several LiveKit servers a second interviewer may come.",
            WEBHOOK_WITHIN.as_secs(),
            self.public_url.as_str().trim_end_matches('/').to_owned() + "/v1/livekit/webhook"
        );
        found(ABOUT, Verdict::Warning, says)
    }

    async fn webhook(&self, id: &str, url: &str) -> Finding {
        match hooks::test(&self.store, &self.courier, id).await {
            Ok(tried) if tried.delivered => found(
                "webhook",
                Verdict::Good,
                format!("{url} took an event within {} ms.", tried.milliseconds),
            ),
            Ok(tried) => {
                found("webhook", Verdict::Warning, format!("{url} did not take an event: {}", tried.said))
            }
            Err(error) => found("webhook", Verdict::Warning, format!("{url} could not be tried: {error:#}.")),
        }
    }
}

/// The keys that a server says are its own.
async fn served(url: &Url) -> Result<HashSet<String>, String> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        kid: String,
    }
    let address = format!("{}/.well-known/jwks.json", url.as_str().trim_end_matches('/'));
    let http =
        reqwest::Client::builder().timeout(ANSWER_WITHIN).build().map_err(|error| error.to_string())?;
    let answer = http.get(address).send().await.map_err(|error| hooks::because(&error, ANSWER_WITHIN))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("it answers {status}"));
    }
    let keys: Keys = answer.json().await.map_err(|_| "what answers is no server of ours".to_owned())?;
    Ok(keys.keys.into_iter().map(|key| key.kid).collect())
}
