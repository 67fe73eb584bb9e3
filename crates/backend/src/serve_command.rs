//! `adjourn-backend serve`, and its settings, which `check` looks at.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use adjourn_backend::livekit::LiveKit;
use adjourn_backend::proxies::Proxies;
use adjourn_backend::router::router;
use adjourn_backend::state::{App, Options};
use adjourn_backend::store::{Open, Store};
use adjourn_backend::tls::Tls;
use adjourn_backend::{Deadlines, hooks, reconciler, server, settings};
use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use url::Url;

use crate::codes;

/// A database that does not answer keeps a server that stops no longer than this.
const CLOSED: std::time::Duration = std::time::Duration::from_secs(10);
/// How often figures are put together that nobody has fetched.
const UPKEEP: std::time::Duration = std::time::Duration::from_secs(30);

/// The server's settings.
#[derive(clap::Args)]
pub(crate) struct Arguments {
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
    /// The server's certificate (PEM, with those that vouch for it): it speaks TLS itself, and reads both files anew when they change.
    /// Without it, a proxy does.
    #[arg(long, env = "ADJOURN_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, env = "ADJOURN_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Minutes after the end until the agent's report counts as missing.
    #[arg(long, default_value_t = 10.0, env = "ADJOURN_AGENT_DEADLINE_MINUTES")]
    agent_deadline_minutes: f64,
    /// Hours after the end until the client's record counts as missing.
    #[arg(long, default_value_t = 24.0, env = "ADJOURN_CLIENT_DEADLINE_HOURS")]
    client_deadline_hours: f64,
    /// Days after the receipt for which candidates' computers keep what was said; 0: erased at once.
    #[arg(long, default_value_t = 7, env = "ADJOURN_KEEP_DAYS")]
    keep_days: u32,
    /// Days after which an interview that is over, or that nobody began, is erased. Without them it is kept until somebody erases it.
    #[arg(long, env = "ADJOURN_RETAIN_DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retain_days: Option<u32>,
    /// A host that webhooks may go to although its address is private, or without TLS. May be given several times, or
    /// separated by commas.
    #[arg(long = "allow-hook-host", value_delimiter = ',', env = "ADJOURN_ALLOW_HOOK_HOSTS")]
    hook_hosts: Vec<String>,
    /// Logs as JSON lines.
    #[arg(long, env = "ADJOURN_LOG_JSON")]
    log_json: bool,
}

impl Arguments {
    /// Whether it logs as JSON lines.
    pub(crate) fn logs_json(&self) -> bool {
        self.log_json
    }

    /// The server's database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Address under which clients and agents reach the server.
    ///
    /// # Errors
    /// They would not take it.
    pub(crate) fn public_url(&self) -> anyhow::Result<Url> {
        let url = match &self.public_url {
            Some(url) if self.tls_certificate.is_some() && url.scheme() == "http" => {
                anyhow::bail!("this server speaks TLS, and --public-url says http: give it with https")
            }
            Some(url) => url.clone(),
            None if self.tls_certificate.is_some() => format!("https://{}", self.listen).parse()?,
            None => format!("http://{}", self.listen).parse()?,
        };
        settings::public_url(url)
    }

    /// Certificate and key, where the server speaks TLS itself.
    fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let files = self.tls_certificate.as_ref().zip(self.tls_key.as_ref());
        files.map(|(certificate, key)| Tls::read(certificate, key)).transpose()
    }

    /// The LiveKit server.
    ///
    /// # Errors
    /// It is no such address; key or secret are empty.
    pub(crate) fn livekit(&self) -> anyhow::Result<LiveKit> {
        let key = settings::name("LIVEKIT_API_KEY", &self.livekit_key)?;
        let secret = settings::secret("LIVEKIT_API_SECRET", &self.livekit_secret)?;
        Ok(LiveKit::new(self.livekit_url.clone(), key, secret)?)
    }

    /// Hosts that webhooks may go to.
    ///
    /// # Errors
    /// One is no host.
    pub(crate) fn hook_hosts(&self) -> anyhow::Result<hooks::Allowed> {
        hooks::Allowed::parse(self.hook_hosts.iter().map(String::as_str))
    }

    /// How long interviews are kept.
    fn retain(&self, client: chrono::Duration) -> anyhow::Result<Option<chrono::Duration>> {
        let retain = self.retain_days.map(|days| chrono::Duration::days(i64::from(days)));
        anyhow::ensure!(
            retain.is_none_or(|retain| retain >= client),
            "--retain-days {} erases interviews whose records are still waited for: it must be {} at least (--client-deadline-hours {})",
            self.retain_days.unwrap_or_default(),
            (client.num_seconds() as u64).div_ceil(86_400),
            self.client_deadline_hours
        );
        Ok(retain)
    }

    fn options(&self, proxies: Proxies) -> anyhow::Result<Options> {
        let key = |key: &String| settings::bearer("ADJOURN_ORGANISER_KEY", key);
        let client = span(self.client_deadline_hours * 3600.0).context("--client-deadline-hours")?;
        Ok(Options {
            public_url: self.public_url()?,
            organiser_key: self.organiser_key.as_ref().map(key).transpose()?,
            proxies,
            deadlines: Deadlines {
                agent: span(self.agent_deadline_minutes * 60.0).context("--agent-deadline-minutes")?,
                client,
            },
            keep_days: self.keep_days,
            retain: self.retain(client)?,
            hook_hosts: self.hook_hosts()?,
        })
    }
}

/// Serves until it is told to stop.
///
/// # Errors
/// A setting is not usable, the database can't be opened, the address is taken.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let proxies = Proxies::parse(arguments.trusted_proxies.iter().map(String::as_str))?;
    let (options, livekit) = (arguments.options(proxies.clone())?, arguments.livekit()?);
    let tls = arguments.tls()?;
    let Arguments { listen, database, code_key, retain_days, .. } = arguments;
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics can't be kept")?;
    let store = Store::open(&database, Open::OrMake).await?;
    let codes = codes(&store, code_key).await?;
    let app = App::new(store.clone(), codes, livekit, options).await?;
    let listener = server::listen(listen)
        .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
    if let Some(days) = retain_days.filter(|days| *days < 7) {
        tracing::warn!(
            days,
            "interviews are erased so soon that a record that comes late, or a clock that is days ahead, may lose them"
        );
    }
    tracing::info!(%listen, tls = tls.is_some(), "serving");
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
    if let Some(tls) = tls.clone() {
        tokio::spawn(async move { tls.watch().await });
    }
    server::serve(listener, router(app, Some(metrics)), limits, tls, counts, stopped).await;
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
    Ok(())
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
