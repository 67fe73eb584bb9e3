//! `adjourn-backend`: serve, invite, keys, webhooks, audit, backup, erase, openapi.

mod check_command;
mod config_file;
mod hook_command;
mod roster_command;
mod serve_command;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use adjourn_backend::audit::{self, Actor};
use adjourn_backend::organisers::{self, Scope};
use adjourn_backend::store::{Open, Store};
use adjourn_backend::{
    Codes, NewInterview, Window, another_code, create, document, erase, rotate_receipt_key, rotate_tokens,
    settings,
};
use adjourn_kiosk::PolicyKey;
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use url::Url;

/// Reference server for interviews: join codes, records, receipts, room closing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A file (TOML) with settings, named as here: `listen = "127.0.0.1:8080"`. A name that ends with `-file` has the value in a file of its
    /// own: `livekit-secret-file`. What is said here, or in the environment, counts more.
    #[arg(long, global = true, env = "ADJOURN_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until it is interrupted.
    Serve(serve_command::Arguments),
    /// Looks, with the server's settings, at what an interview needs: database, LiveKit, its webhooks, clocks, the public address,
    /// webhooks of ours. Says of each whether it is well, and what to do if not.
    Check(serve_command::Arguments),
    /// Creates an interview and prints its link.
    Invite {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// As the server's.
        #[arg(long, env = "ADJOURN_CODE_KEY", hide_env_values = true)]
        code_key: Option<String>,
        /// Address under which clients reach the server.
        #[arg(long, env = "ADJOURN_PUBLIC_URL")]
        public_url: Url,
        /// Title to show.
        #[arg(long, default_value = "Interview")]
        title: String,
        /// The candidate's name.
        #[arg(long)]
        candidate: Option<String>,
        /// Who invites, as the candidate knows them. Whoever has the link reads this.
        #[arg(long)]
        organiser: Option<String>,
        /// How the candidate reaches them: an address, a number, a sentence. Whoever has the link reads this.
        #[arg(long)]
        contact: Option<String>,
        /// Language of the interview, as a tag. The window speaks en, de, es, fr and ar.
        #[arg(long, default_value = "en")]
        language: String,
        /// Maximum length in minutes.
        #[arg(long, default_value_t = 30)]
        minutes: i64,
        /// Name under which the interviewer's worker is registered.
        #[arg(long, default_value = "interviewer")]
        agent_name: String,
        /// So many interviewers may be replaced if they are lost, 0 to 3 (docs/organisers.md).
        #[arg(long, default_value_t = 0)]
        replacements: u8,
        /// Constants that differ from the defaults, as JSON.
        #[arg(long, default_value = "{}")]
        policy: String,
        /// Print everything as one JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Makes another code for an interview that goes on, and prints its link: for another computer.
    Code {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// As the server's.
        #[arg(long, env = "ADJOURN_CODE_KEY", hide_env_values = true)]
        code_key: Option<String>,
        /// Address under which clients reach the server.
        #[arg(long, env = "ADJOURN_PUBLIC_URL")]
        public_url: Url,
        /// The interview.
        id: String,
    },
    /// Organisers' keys: only their hashes are kept.
    Key {
        #[command(flatten)]
        database: Database,
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Webhooks: where the server tells an organiser's own system what happens.
    Hook(hook_command::Arguments),
    /// Rosters of test centers: whom they expect.
    Roster(roster_command::Arguments),
    /// Makes a new key for signing receipts; new joins get it. Old ones stay while somebody may need them.
    RotateKey {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// Somebody else may have the old ones: they sign nothing and vouch for nothing from now on.
        #[arg(long)]
        revoke: bool,
    },
    /// Ends every upload token at once. Candidates' computers get another one by themselves; interviewers that run can't report
    /// any more.
    RotateTokens {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
    },
    /// Prints who did what: time, whose key, deed, interview or key, address.
    Audit {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// Only what was done with this interview or key.
        #[arg(long)]
        about: Option<String>,
    },
    /// Copies an SQLite database while it is used (Postgres: `pg_dump`).
    Backup {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// The copy; must not exist.
        to: PathBuf,
    },
    /// Erases an interview that is over: everything that was said in it, its receipts, its history.
    Erase {
        /// The server's database.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// The interview.
        id: String,
    },
    /// Makes the key that policies of a test center's seats are signed with; prints its public half for the seats.
    KioskKey {
        /// Where the private half is written; must not exist. Whoever has it decides what every seat does.
        file: PathBuf,
        /// Prints the public half of a key that is there already.
        #[arg(long)]
        public: bool,
    },
    /// Prints the OpenAPI document.
    Openapi,
}

/// What is logged unless it is said otherwise. A webhook's certificate that is not trusted is told once, and not at each try.
const USUAL_LOG: &str = "info,rustls_platform_verifier=off";
/// Of a command that has commands of its own.
#[derive(clap::Args)]
struct Database {
    /// The server's database.
    #[arg(
        long,
        global = true,
        default_value = "adjourn-backend.db",
        env = "ADJOURN_DATABASE",
        hide_env_values = true
    )]
    database: String,
}

#[derive(Subcommand)]
enum KeyAction {
    /// Makes a key and prints it, once.
    Add {
        /// Whose it is.
        name: String,
        /// What it allows.
        #[arg(long, value_delimiter = ',', default_value = "create,read,end,operate")]
        scopes: Vec<Scope>,
        /// It is for this test center alone: its seats tell how they are (seat), its staff sees them (center).
        #[arg(long)]
        center: Option<String>,
        /// And for this seat of it alone: a copy of its key shows and asks nothing as another seat.
        #[arg(long, requires = "center")]
        seat: Option<String>,
        /// It ends by itself after so many days.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
    },
    /// Refuses a key from now on.
    Remove {
        /// Whose it is.
        name: String,
    },
    /// Prints whose keys there are.
    List,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence, its causes after it. Who reads no error gets none.
            let _ = writeln!(std::io::stderr(), "Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let given = std::env::args_os().collect();
    let arguments = config_file::with_file(given, |name| std::env::var_os(name), &Arguments::command())?;
    let arguments = Arguments::parse_from(arguments);
    log(matches!(&arguments.command, Command::Serve(serve) if serve.logs_json()));
    match arguments.command {
        Command::Serve(arguments) => serve_command::run(arguments).await?,
        Command::Check(arguments) => check_command::run(arguments).await?,
        Command::Key { database, action } => {
            let store = Store::open(&database.database, Open::Existing).await?;
            match action {
                KeyAction::Add { name, scopes, center, seat, days } => {
                    let center = match (center, seat) {
                        (Some(center), Some(seat)) => Some(organisers::of_seat(&center, &seat)),
                        (center, _) => center,
                    };
                    let key = organisers::add(&store, &name, &scopes, center.as_deref(), days).await?;
                    if let Err(error) = say(key.expose()) {
                        // Nobody has seen it: it is of no use, and would take the name.
                        organisers::remove(&store, &name).await?;
                        return Err(error.context("there is no new key"));
                    }
                }
                KeyAction::Remove { name } => organisers::remove(&store, &name).await?,
                KeyAction::List => {
                    for key in organisers::list(&store).await? {
                        let until = key.expires_at.map_or("until it is removed".to_owned(), |at| {
                            format!("until {}", at.format("%Y-%m-%d %H:%M UTC"))
                        });
                        let center = key.center.map(|center| format!("\t{center}")).unwrap_or_default();
                        say(&format!("{}\t{}\t{until}{center}", key.name.escape_debug(), key.scopes))?;
                    }
                }
            }
            store.close().await;
        }
        Command::Hook(arguments) => hook_command::run(arguments).await?,
        Command::Roster(arguments) => roster_command::run(arguments).await?,
        Command::RotateKey { database, revoke } => {
            let store = Store::open(&database, Open::Existing).await?;
            let kid = rotate_receipt_key(&store, revoke, chrono::Utc::now()).await?;
            store.close().await;
            say(&kid).context("the key was rotated all the same")?;
        }
        Command::RotateTokens { database } => {
            let store = Store::open(&database, Open::Existing).await?;
            rotate_tokens(&store).await?;
            store.close().await;
        }
        Command::Audit { database, about } => {
            let store = Store::open(&database, Open::AsItIs).await?;
            for entry in audit::log(&store, about.as_deref()).await? {
                say(&entry.to_string())?;
            }
        }
        Command::Backup { database, to } => Store::open(&database, Open::AsItIs).await?.backup(&to).await?,
        Command::Invite {
            database,
            code_key,
            public_url,
            title,
            candidate,
            organiser,
            contact,
            language,
            minutes,
            agent_name,
            replacements,
            policy,
            json,
        } => {
            let public_url = settings::public_url(public_url)?;
            let store = Store::open(&database, Open::Existing).await?;
            let policy = serde_json::from_str(&policy).context("--policy is not usable")?;
            let new = NewInterview {
                title,
                candidate_name: candidate,
                organiser,
                contact,
                language,
                max_minutes: minutes,
                window: Window::default(),
                agent_name: Some(agent_name),
                replacements,
                policy,
            };
            let codes = codes(&store, code_key).await?;
            let created = create(&store, &codes, &public_url, &new, &Actor::command_line()).await?;
            store.close().await;
            let id = &created.id;
            let answer = if json { serde_json::to_string(&created)? } else { created.link.clone() };
            say(&answer).with_context(|| {
                format!("the interview {id} was made, but nobody has its link: `adjourn-backend code {id}` makes another one")
            })?;
        }
        Command::Code { database, code_key, public_url, id } => {
            let public_url = settings::public_url(public_url)?;
            let store = Store::open(&database, Open::Existing).await?;
            let codes = codes(&store, code_key).await?;
            let created = another_code(&store, &codes, &public_url, &id, &Actor::command_line()).await?;
            store.close().await;
            let link = created.context("there is no such interview, or it is over")?.link;
            say(&link).context("the code was made, but nobody has it: make another one")?;
        }
        Command::Erase { database, id } => {
            let store = Store::open(&database, Open::Existing).await?;
            erase(&store, &id).await?;
            store.close().await;
        }
        Command::KioskKey { file, public: true } => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("{} can't be read", file.display()))?;
            say(PolicyKey::parse(&text).with_context(|| file.display().to_string())?.public().as_json())?;
        }
        Command::KioskKey { file, public: false } => {
            let key = PolicyKey::generate()?;
            write_alone(&file, key.to_text().expose())?;
            say(key.public().as_json())
                .context("the key was made all the same: `kiosk-key --public` prints its public half")?;
        }
        Command::Openapi => match writeln!(std::io::stdout(), "{}", document().to_pretty_json()?) {
            // The reader had enough (`| head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.context("the document can't be written")?,
        },
    }
    Ok(())
}

/// The codes of an open database, with the part of their key that is not in it.
async fn codes(store: &Store, own: Option<String>) -> anyhow::Result<Codes> {
    let own = own.map(|own| settings::secret("ADJOURN_CODE_KEY", &own)).transpose()?;
    Codes::of(store, own.as_ref()).await
}

/// Writes a file that its owner alone can read.
///
/// # Errors
/// There is one of that name, or it can't be written.
fn write_alone(file: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unwritten = || format!("{} can't be written", file.display());
    let mut open = options.open(file).with_context(unwritten)?;
    if let Err(error) = writeln!(open, "{text}").and_then(|()| open.sync_all()) {
        // Half of it is nothing, and would be in the way.
        let removed = std::fs::remove_file(file);
        return Err(error)
            .with_context(unwritten)
            .with_context(|| format!("removed again: {}", removed.is_ok()));
    }
    Ok(())
}

/// Writes a line of a command's answer.
///
/// # Errors
/// Nobody reads it, or the disk is full.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("the answer can't be written")
}

fn log(json: bool) {
    let wanted =
        std::env::var(tracing_subscriber::EnvFilter::DEFAULT_ENV).ok().filter(|it| !it.trim().is_empty());
    let read = wanted.as_deref().map(tracing_subscriber::EnvFilter::try_new);
    let unreadable = read.as_ref().and_then(|read| read.as_ref().err()).map(ToString::to_string);
    let filter = read.and_then(Result::ok).unwrap_or_else(|| USUAL_LOG.into());
    // A line that can't be written is lost, and nothing else: to say so on the same stream would panic.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .log_internal_errors(false);
    if json {
        log.json().init()
    } else {
        log.init()
    }
    if let Some(error) = unreadable {
        tracing::warn!(%error, "RUST_LOG is not usable; what is logged is `info`");
    }
}
