//! `adjourn-backend roster`: whom a test center expects, at the server's own console.

use std::path::PathBuf;

use adjourn_backend::audit::Actor;
use adjourn_backend::import_roster;
use adjourn_backend::store::{Open, Store};
use anyhow::Context as _;
use url::Url;

use crate::{Database, codes, say, settings};

/// Rosters of test centers: whom they expect.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Takes a file (CSV; the first line names its columns: reference, candidate, and seat, starts, minutes, extra_minutes, title, language,
    /// organiser, contact, agent_name): all of it or nothing. Prints reference, interview and code of whoever was not there before.
    Import {
        /// Whose roster it is.
        #[arg(long)]
        center: String,
        /// As the server's.
        #[arg(long, env = "ADJOURN_CODE_KEY", hide_env_values = true)]
        code_key: Option<String>,
        /// Address under which clients reach the server.
        #[arg(long, env = "ADJOURN_PUBLIC_URL")]
        public_url: Url,
        /// The file.
        file: PathBuf,
    },
}

/// Does it.
///
/// # Errors
/// Each with a sentence.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { database, action: Action::Import { center, code_key, public_url, file } } = arguments;
    let public_url = settings::public_url(public_url)?;
    let bytes = std::fs::read(&file).with_context(|| format!("{} can't be read", file.display()))?;
    let store = Store::open(&database.database, Open::Existing).await?;
    let codes = codes(&store, code_key).await?;
    let actor = Actor::command_line();
    let imported = import_roster(&store, &codes, &public_url, &center, &bytes, &actor).await;
    store.close().await;
    let imported = imported.with_context(|| file.display().to_string())?;
    for made in &imported.made {
        say(&format!("{}\t{}\t{}", made.reference, made.interview_id, made.code.expose())).with_context(
            || {
                format!(
                    "the roster was taken all the same: `adjourn-backend code {}` makes another code",
                    made.interview_id
                )
            },
        )?;
    }
    tracing::info!(
        made = imported.made.len(),
        changed = imported.changed,
        unchanged = imported.unchanged,
        "the roster was taken"
    );
    Ok(())
}
