//! `adjourn-backend hook`: webhooks, at the server's own console.

use adjourn_backend::audit::Actor;
use adjourn_backend::hooks::{self, Allowed, Courier, Hook, Since, Wish};
use adjourn_backend::store::{Open, Store};
use adjourn_protocol::EventKind;
use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::{Database, say};

/// Webhooks: where the server tells an organiser's own system what happens.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// As the server's.
    #[arg(long = "allow-hook-host", global = true, value_delimiter = ',', env = "ADJOURN_ALLOW_HOOK_HOSTS")]
    hosts: Vec<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Makes a webhook and prints its id and its secret, once. It is sent what happens from now on.
    Add {
        /// Where events are sent: https.
        url: String,
        /// Which; all without it. interview.started, interview.ended, interview.complete, interview.erased, report.received,
        /// report.missing, report.late, judgement.received.
        #[arg(long, value_delimiter = ',')]
        kinds: Vec<EventKind>,
        /// Sends the report with interview.complete, report.late and judgement.received: what was said goes there, and what the candidate
        /// needs. Without it, events tell nothing of that.
        #[arg(long)]
        with_report: bool,
    },
    /// Prints which webhooks there are, and how they do.
    List,
    /// Removes a webhook, and what was still to be sent there.
    Remove {
        /// Its id.
        id: String,
    },
    /// Sends an event that tells of nothing, and prints what was answered.
    Test {
        /// Its id.
        id: String,
    },
    /// Makes a new secret and prints it. For a day deliveries are signed with those before it, too.
    Rotate {
        /// Its id.
        id: String,
    },
    /// Sends what happened since then once more; a webhook that was stopped begins again.
    Replay {
        /// Its id.
        id: String,
        /// A time, as 2026-01-31T08:00:00Z. Events are kept for 30 days.
        #[arg(long)]
        since: DateTime<Utc>,
    },
}

/// Does it.
///
/// # Errors
/// Each with a sentence.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { database, hosts, action } = arguments;
    let allowed = Allowed::parse(hosts.iter().map(String::as_str))?;
    let how =
        if matches!(action, Action::List | Action::Test { .. }) { Open::AsItIs } else { Open::Existing };
    let store = Store::open(&database.database, how).await?;
    let actor = Actor::command_line();
    match action {
        Action::Add { url, kinds, with_report } => {
            let wish = Wish { url: &url, kinds: &kinds, with_report };
            let made = hooks::add(&store, &allowed, wish, &actor).await?;
            if let Err(error) = say(&format!("{}\t{}", made.id, made.secret.expose())) {
                // Nobody has seen the secret.
                hooks::remove(&store, &made.id, &actor).await?;
                return Err(error.context("there is no new webhook"));
            }
        }
        Action::List => {
            for hook in hooks::list(&store).await? {
                say(&line(&hook))?;
            }
        }
        Action::Remove { id } => hooks::remove(&store, &id, &actor).await?,
        Action::Test { id } => {
            let tried = hooks::test(&store, &Courier::new(allowed)?, &id).await?;
            say(&format!("{} ({} ms)", tried.said, tried.milliseconds))?;
            anyhow::ensure!(tried.delivered, "the event was not taken");
        }
        Action::Rotate { id } => {
            let made = hooks::rotate(&store, &id, &actor).await?;
            say(made.secret.expose()).context(
                "the secret was made all the same: make another one; what the receiver has is good for a day",
            )?;
        }
        Action::Replay { id, since } => {
            let again = hooks::replay(&store, &id, Since::Time(since), &actor).await?;
            say(&format!("{again} events are sent once more"))?;
        }
    }
    store.close().await;
    Ok(())
}

/// One line: id, address, kinds, how it does.
fn line(hook: &Hook) -> String {
    let newer = (hook.newer_kinds > 0).then(|| format!("{} of a newer version", hook.newer_kinds));
    let kinds: Vec<String> = hook.kinds.iter().map(|kind| kind.as_str().to_owned()).chain(newer).collect();
    let kinds = if kinds.is_empty() { "all".to_owned() } else { kinds.join(",") };
    let kinds = if hook.with_report { format!("{kinds}, with report") } else { kinds };
    let how = match (&hook.stopped_at, &hook.failing_since, &hook.delivered_at) {
        (Some(at), ..) => format!("stopped since {}", at.format("%Y-%m-%d %H:%M UTC")),
        (None, Some(at), _) => format!("nothing arrives since {}", at.format("%Y-%m-%d %H:%M UTC")),
        (None, None, Some(at)) => format!("delivered {}", at.format("%Y-%m-%d %H:%M UTC")),
        (None, None, None) => "nothing sent yet".to_owned(),
    };
    let why = hook.last_error.as_deref().unwrap_or_default();
    format!(
        "{}\t{}\t{kinds}\t{how}\t{} waiting\t{} given up\t{}",
        hook.id,
        hook.url,
        hook.waiting,
        hook.given_up,
        why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>()
    )
}
