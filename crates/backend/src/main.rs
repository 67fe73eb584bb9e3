//! `adjourn-backend`: serve, invite, openapi.

#![allow(clippy::print_stdout, reason = "an entry point's answer goes to standard output")]

use std::net::SocketAddr;
use std::path::PathBuf;

use adjourn_backend::app::App;
use adjourn_backend::livekit::LiveKit;
use adjourn_backend::{NewInterview, create, document, store};
use adjourn_outbox::Secret;
use anyhow::Context as _;
use clap::{Parser, Subcommand};
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
        /// SQLite file; made if it does not exist.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE")]
        database: PathBuf,
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
        /// Key for creating and ending interviews over HTTP; without it only `invite` creates them.
        #[arg(long, env = "ADJOURN_ORGANISER_KEY", hide_env_values = true)]
        organiser_key: Option<String>,
    },
    /// Creates an interview and prints its link.
    Invite {
        /// SQLite file of the server.
        #[arg(long, default_value = "adjourn-backend.db", env = "ADJOURN_DATABASE")]
        database: PathBuf,
        /// Address under which clients reach the server.
        #[arg(long, env = "ADJOURN_PUBLIC_URL")]
        public_url: Url,
        /// Title to show.
        #[arg(long, default_value = "Interview")]
        title: String,
        /// The candidate's name.
        #[arg(long)]
        candidate: Option<String>,
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
    /// Prints the OpenAPI document.
    Openapi,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().command {
        Command::Serve {
            listen,
            database,
            public_url,
            livekit_url,
            livekit_key,
            livekit_secret,
            organiser_key,
        } => {
            let public_url = match public_url {
                Some(url) => url,
                None => format!("http://{listen}").parse()?,
            };
            let pool = store::open(&database).await?;
            let livekit = LiveKit::new(livekit_url, livekit_key, Secret::new(livekit_secret))?;
            let app = App::new(pool, public_url, livekit, organiser_key.map(Secret::new)).await?;
            let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
                format!("cannot listen on {listen}; choose another address with --listen")
            })?;
            tracing::info!(%listen, "serving");
            let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).with_graceful_shutdown(stop()).await?;
        }
        Command::Invite { database, public_url, title, candidate, minutes, agent_name, policy, json } => {
            let pool = store::open(&database).await?;
            let policy = serde_json::from_str(&policy).context("--policy is not usable")?;
            let new = NewInterview {
                title,
                candidate_name: candidate,
                language: "en".to_owned(),
                max_minutes: minutes,
                from: None,
                to: None,
                agent_name: Some(agent_name),
                policy,
            };
            let created = create(&pool, &public_url, &new).await?;
            if json {
                println!("{}", serde_json::to_string(&created)?);
            } else {
                println!("{}", created.link);
            }
        }
        Command::Openapi => println!("{}", document().to_pretty_json()?),
    }
    Ok(())
}

/// Ends with Ctrl-C or SIGTERM.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the default action ends the process.
    let _ = interrupt.await;
}
