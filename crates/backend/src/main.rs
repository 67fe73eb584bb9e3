//! `adjourn-backend`: serve, invite, keys, webhooks, audit, backup, erase, openapi.

mod hook_command;

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use adjourn_backend::audit::{self, Actor};
use adjourn_backend::livekit::LiveKit;
use adjourn_backend::organisers::{self, Scope};
use adjourn_backend::proxies::Proxies;
use adjourn_backend::router::router;
use adjourn_backend::state::{App, Options};
use adjourn_backend::store::{Open, Store};
use adjourn_backend::{
    Codes, Deadlines, NewInterview, Window, another_code, create, document, erase, hooks, reconciler,
    rotate_receipt_key, rotate_tokens, server, settings,
};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use metrics_exporter_prometheus::PrometheusBuilder;
use url::Url;

/// Reference server for interviews: join codes, records, receipts, room closing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until it is interrupted.
    Serve {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:8080", env = "ADJOURN_LISTEN")]
        listen: SocketAddr,
        /// SQLite file (made if it does not exist), or `postgres://…`.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE", hide_env_values = true)]
        database: String,
        /// Address under which clients and agents reach this server.
        #[arg(long, env = "ADJOURN_PUBLIC_URL")]
        public_url: Option<Url>,
        /// LiveKit server, as clients reach it.
        #[arg(long, env = "LIVEKIT_URL")]
        livekit_url: Url,
        /// LiveKit API key.
        #[arg(long, env = "LIVEKIT_API_KEY")]
        livekit_key: String,
        /// LiveKit API secret; better given by the environment.
        #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true)]
        livekit_secret: String,
        /// A part of the key that codes are kept with, so that a copy of the database opens no interview. Set it before the
        /// first interview is made, for every command.
        #[arg(long, env = "ADJOURN_CODE_KEY", hide_env_values = true)]
        code_key: Option<String>,
        /// A key for creating and ending interviews over HTTP, besides those of `key add`.
        #[arg(long, env = "ADJOURN_ORGANISER_KEY", hide_env_values = true)]
        organiser_key: Option<String>,
        /// A proxy before this server, by address or network: its `X-Forwarded-For` is believed. May be given several times,
        /// or separated by commas.
        #[arg(long = "trusted-proxy", value_delimiter = ',', env = "ADJOURN_TRUSTED_PROXIES")]
        trusted_proxies: Vec<String>,
        /// Minutes after the end until the agent's report counts as missing.
        #[arg(long, default_value_t = 10.0, env = "ADJOURN_AGENT_DEADLINE_MINUTES")]
        agent_deadline_minutes: f64,
        /// Hours after the end until the client's record counts as missing.
        #[arg(long, default_value_t = 24.0, env = "ADJOURN_CLIENT_DEADLINE_HOURS")]
        client_deadline_hours: f64,
        /// Days after the receipt for which candidates' computers keep what was said; 0: erased at once.
        #[arg(long, default_value_t = 7, env = "ADJOURN_KEEP_DAYS")]
        keep_days: u32,
        /// A host that webhooks may go to although its address is private, or without TLS. May be given several times, or
        /// separated by commas.
        #[arg(long = "allow-hook-host", value_delimiter = ',', env = "ADJOURN_ALLOW_HOOK_HOSTS")]
        hook_hosts: Vec<String>,
        /// Logs as JSON lines.
        #[arg(long, env = "ADJOURN_LOG_JSON")]
        log_json: bool,
    },
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
        /// The server's database.
        #[arg(
            long,
            global = true,
            default_value = "adjourn-backend.db",
            env = "ADJOURN_DATABASE",
            hide_env_values = true
        )]
        database: String,
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Webhooks: where the server tells an organiser's own system what happens.
    Hook(hook_command::Arguments),
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
    /// Prints the OpenAPI document.
    Openapi,
}

/// A database that does not answer keeps a server that stops no longer than this.
const CLOSED: std::time::Duration = std::time::Duration::from_secs(10);
/// What is logged unless it is said otherwise. A webhook's certificate that is not trusted is told once, and not at each try.
const USUAL_LOG: &str = "info,rustls_platform_verifier=off";
/// How often figures are put together that nobody has fetched.
const UPKEEP: std::time::Duration = std::time::Duration::from_secs(30);

#[derive(Subcommand)]
enum KeyAction {
    /// Makes a key and prints it, once.
    Add {
        /// Whose it is.
        name: String,
        /// What it allows.
        #[arg(long, value_delimiter = ',', default_value = "create,read,end,operate")]
        scopes: Vec<Scope>,
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
    let arguments = Arguments::parse();
    log(matches!(arguments.command, Command::Serve { log_json: true, .. }));
    match arguments.command {
        Command::Serve {
            listen,
            database,
            public_url,
            livekit_url,
            livekit_key,
            livekit_secret,
            code_key,
            organiser_key,
            trusted_proxies,
            agent_deadline_minutes,
            client_deadline_hours,
            keep_days,
            hook_hosts,
            log_json: _,
        } => {
            let public_url = match public_url {
                Some(url) => url,
                None => format!("http://{listen}").parse()?,
            };
            let public_url = settings::public_url(public_url)?;
            let deadlines = Deadlines {
                agent: span(agent_deadline_minutes * 60.0).context("--agent-deadline-minutes")?,
                client: span(client_deadline_hours * 3600.0).context("--client-deadline-hours")?,
            };
            let livekit_key = settings::name("LIVEKIT_API_KEY", &livekit_key)?;
            let livekit_secret = settings::secret("LIVEKIT_API_SECRET", &livekit_secret)?;
            let organiser_key =
                organiser_key.map(|key| settings::bearer("ADJOURN_ORGANISER_KEY", &key)).transpose()?;
            let proxies = Proxies::parse(trusted_proxies.iter().map(String::as_str))?;
            let hook_hosts = hooks::Allowed::parse(hook_hosts.iter().map(String::as_str))?;
            let metrics = PrometheusBuilder::new().install_recorder().context("metrics can't be kept")?;
            let livekit = LiveKit::new(livekit_url, livekit_key, livekit_secret)?;
            let store = Store::open(&database, Open::OrMake).await?;
            let codes = codes(&store, code_key).await?;
            let options = Options {
                public_url,
                organiser_key,
                proxies: proxies.clone(),
                deadlines,
                keep_days,
                hook_hosts,
            };
            let app = App::new(store.clone(), codes, livekit, options).await?;
            let listener = server::listen(listen).with_context(|| {
                format!("cannot listen on {listen}; choose another address with --listen")
            })?;
            tracing::info!(%listen, "serving");
            let stopping = app.stop();
            let reconciler = tokio::spawn(reconciler::run(app.clone()));
            let hooks = tokio::spawn(app.clone().send_hooks());
            // Figures that nobody fetches must not grow.
            let figures = metrics.clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    figures.run_upkeep();
                }
            });
            let stopped = async move {
                stop().await;
                stopping.cancel();
            };
            let limits = server::Limits::for_this_process();
            let counts = move |from: IpAddr| !from.is_loopback() && !proxies.trusts(from);
            server::serve(listener, router(app, Some(metrics)), limits, counts, stopped).await;
            let close = async {
                for (name, work) in [("reconciler", reconciler), ("hooks", hooks)] {
                    if let Err(error) = work.await {
                        tracing::error!(%error, name, "it did not end by itself");
                    }
                }
                store.close().await;
            };
            if tokio::time::timeout(CLOSED, close).await.is_err() {
                tracing::warn!("the database does not answer: it is left as it is");
            }
        }
        Command::Key { database, action } => {
            let store = Store::open(&database, Open::Existing).await?;
            match action {
                KeyAction::Add { name, scopes, days } => {
                    let key = organisers::add(&store, &name, &scopes, days).await?;
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
                        say(&format!("{}\t{}\t{until}", key.name.escape_debug(), key.scopes))?;
                    }
                }
            }
            store.close().await;
        }
        Command::Hook(arguments) => hook_command::run(arguments).await?,
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

/// A span of time that was given in seconds.
fn span(seconds: f64) -> anyhow::Result<chrono::Duration> {
    let span =
        std::time::Duration::try_from_secs_f64(seconds).ok().and_then(|s| chrono::Duration::from_std(s).ok());
    span.filter(|span| *span <= chrono::Duration::days(365)).context("must be 0 to a year")
}

/// Ends with Ctrl-C or SIGTERM. SIGHUP, which log rotation sends, ends nothing: there is nothing to open or to read anew.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            let goes_on = async {
                while hangup.recv().await.is_some() {
                    tracing::info!("SIGHUP: there is nothing to read anew; it goes on");
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
                () = goes_on => {}
            }
            return;
        }
    }
    // Without a handler the default action ends the process.
    let _ = interrupt.await;
}
