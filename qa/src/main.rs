//! `adjourn-qa`: scenarios on real parts, and what tries to break them.

#![allow(clippy::print_stdout, reason = "an entry point's answer goes to standard output")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use adjourn_cli::{headless, logging};
use adjourn_qa::run::{Subject, app_bench, audio_bench};
use adjourn_qa::{
    bench, center, crash_test, demo, devices, failing, fuzz, guarantees, hostile, kiosk, loadtest, matrix,
    run, scenario, webhook_test,
};
use clap::{Parser, Subcommand};

/// What a device's thread does is done without an allocation, in every scenario: one would end the client. (Nothing is looked at in a
/// release build.)
#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// Writes a line of the answer. Who reads may have enough (`| head`): then there is nobody left to work for.
macro_rules! answer {
    ($($text:tt)*) => {
        match writeln!(std::io::stdout(), $($text)*) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => return Err(error.into()),
        }
    };
}

/// Scenarios on real parts, and what tries to break them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The client of `adjourn-cli headless`, with the points at which the testbed makes it fail.
    #[command(hide = true)]
    Headless(headless::Options),
    /// Runs one scenario on real parts.
    Run {
        /// Its id.
        id: String,
        /// Seed, for scenarios with chance in them.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print the JSON line only.
        #[arg(long)]
        json: bool,
        /// With the client for Windows, under Wine (`cargo xtask qa` makes it).
        #[arg(long)]
        windows: bool,
        /// A further file of scenarios.
        #[arg(long)]
        file: Option<PathBuf>,
        /// Keep the run's files here.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Runs many scenarios and writes a table, JUnit and a page with timelines. Goes on where it was broken
    /// off, as long as the commit is the same.
    Matrix {
        #[command(flatten)]
        options: matrix::Options,
        /// Print one JSON line per run instead of the table.
        #[arg(long)]
        json: bool,
    },
    /// Lists the scenarios that can be run.
    #[command(alias = "rows")]
    Scenarios {
        /// A further file of scenarios.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// The whole interview on real parts; without a window it prints one JSON line.
    Demo {
        /// Folder for what it leaves behind.
        #[arg(long)]
        folder: PathBuf,
        /// Open the window instead, for a person to take part.
        #[arg(long)]
        window: bool,
        /// An adjourn-backend to use instead of the one built here.
        #[arg(long)]
        backend: Option<PathBuf>,
    },
    /// Many clients at once against the real backend: records a second, and what an outage does.
    #[command(alias = "herd")]
    Loadtest {
        /// Interviews, each with one record.
        #[arg(long, default_value_t = 2_000)]
        interviews: usize,
        /// Bytes of a record.
        #[arg(long, default_value_t = 20_000)]
        size: usize,
        /// Requests under way at most.
        #[arg(long, default_value_t = 64)]
        clients: usize,
        /// Backends on a Postgres; 0: one on SQLite.
        #[arg(long, default_value_t = 0)]
        replicas: usize,
        /// Seconds for which every backend is gone, after the first ten; needs --offered.
        #[arg(long, default_value_t = 0.0, requires = "offered", value_parser = outage)]
        outage: f64,
        /// Records a second that become due; 0: all at once.
        #[arg(long, default_value_t = 0.0, value_parser = rate)]
        offered: f64,
        /// Another backend than the one built here: `target/release/adjourn-backend`.
        #[arg(long)]
        backend: Option<PathBuf>,
    },
    /// Hostile candidates against the real backend: what well-behaved ones notice of each kind.
    Hostile {
        /// On Postgres; else on SQLite.
        #[arg(long)]
        postgres: bool,
        /// Seconds of each kind.
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3_600))]
        seconds: u32,
        /// Only these kinds.
        #[arg(long, value_delimiter = ',')]
        attacks: Vec<hostile::Attack>,
    },
    /// How long one line of the journal takes to be on this disk.
    Append {
        /// Lines.
        #[arg(long, default_value_t = 2_000)]
        lines: usize,
        /// A folder on the disk.
        #[arg(long, default_value = ".")]
        folder: PathBuf,
    },
    /// What sound this computer has, as the client sees it: lists it, listens for two seconds, plays the chime, and listens for it.
    Devices {
        /// Id of a microphone; the system's default without.
        #[arg(long)]
        microphone: Option<String>,
        /// Id of a loudspeaker.
        #[arg(long)]
        loudspeaker: Option<String>,
    },
    /// How late a candidate hears what was said, there and back, with what it costs; beside LiveKit's own web client.
    BenchAudio {
        /// Chirps of each run on an idle machine.
        #[arg(long, default_value_t = 150)]
        chirps: usize,
        /// Chirps of each run to somebody else's ear, one way.
        #[arg(long, default_value_t = 150)]
        one_way: usize,
        /// Chirps of each run under load, and after it.
        #[arg(long, default_value_t = 40)]
        loaded: usize,
        /// Rounds of ours, peer's, peer's, ours.
        #[arg(long, default_value_t = 1)]
        rounds: usize,
        /// The peer as well.
        #[arg(long)]
        peer: bool,
        /// The voice is processed, on both sides.
        #[arg(long)]
        processing: bool,
        /// Seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder of the results.
        #[arg(long, default_value = "target/bench")]
        out: PathBuf,
    },
    /// What the window costs, beside LiveKit's own web client: opening it, a call in which nobody speaks.
    BenchApp {
        /// Times that each is opened.
        #[arg(long, default_value_t = 20)]
        openings: usize,
        /// Rounds of calls of ours, peer's, peer's, ours.
        #[arg(long, default_value_t = 2)]
        rounds: usize,
        /// Seconds of each call that are measured.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The peer as well.
        #[arg(long, alias = "peer")]
        baseline: bool,
        /// Folder of the results.
        #[arg(long, default_value = "target/bench")]
        out: PathBuf,
    },
    /// Requests that schemathesis makes up from the OpenAPI document: no server error, nothing of another interview.
    Fuzz {
        /// Examples for each operation, in each of three parts.
        #[arg(long, default_value_t = 350)]
        examples: usize,
        /// Seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// SIGKILLs the delivering process, the backend or Postgres again and again, and counts what is lost or double.
    #[command(alias = "kills")]
    CrashTest {
        /// Who is killed.
        victim: crash_test::Victim,
        /// How often.
        #[arg(long, default_value_t = 200)]
        count: usize,
        /// Seed of the moments.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Webhooks of many interviews to a receiver that fails three requests of ten, while it and the server are killed again and
    /// again: what never arrived, and what came in the wrong order.
    WebhookTest {
        /// Interviews; each has two events.
        #[arg(long, default_value_t = 10_000)]
        interviews: usize,
        /// SIGKILLs of the server, and as many of the receiver.
        #[arg(long, default_value_t = 50)]
        kills: usize,
        /// On Postgres instead of SQLite.
        #[arg(long)]
        postgres: bool,
        /// Seed of the moments.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Who is told of an interview's end, whatever fails: scenarios of the section `guarantees`, and a table in Markdown of what came
    /// of them, for docs/ending-interviews.md.
    Guarantees {
        /// Runs of each.
        #[arg(long, default_value_t = 3)]
        repeat: usize,
        /// Seed of the first run of each.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Runs at once.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Folder of the results.
        #[arg(long, default_value = "target/matrix")]
        out: PathBuf,
    },
    /// Many seats of one center: how soon whoever watches it sees a change, and what that costs the server.
    Center {
        /// Seats.
        #[arg(long, default_value_t = 500)]
        seats: usize,
        /// For so many seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Seed of which seat changes.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Another backend than the one built here: `target/release/adjourn-backend`.
        #[arg(long)]
        backend: Option<PathBuf>,
    },
    /// One seat of a test center and many candidates, one after the other, whose interviews end by chance: is it ever stuck, what of them is
    /// left, what is lost.
    Kiosk {
        /// Candidates.
        #[arg(long, visible_alias = "cycles", default_value_t = 100)]
        candidates: usize,
        /// A seat that is a computer of its own: the packages on a Debian with systemd, in a container (as root).
        #[arg(long, requires_all = ["system", "packages"])]
        unit: bool,
        /// That Debian.
        #[arg(long, env = "ADJOURN_SEAT_SYSTEM")]
        system: Option<PathBuf>,
        /// Folder of the packages.
        #[arg(long, env = "ADJOURN_PACKAGES")]
        packages: Option<PathBuf>,
        /// Seed of what becomes of them.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Somebody in a room who only hears.
    #[command(hide = true)]
    Ear {
        /// The room's server.
        #[arg(long, env = "LIVEKIT_URL")]
        url: String,
        /// What lets into the room.
        #[arg(long, env = "ADJOURN_TOKEN", hide_env_values = true)]
        token: String,
    },
    /// The organiser's own server, which writes down what webhooks tell it.
    #[command(hide = true)]
    Organiser {
        /// Its address.
        listen: std::net::SocketAddr,
        /// Where it writes down what came.
        file: PathBuf,
    },
    /// The receiver that is killed.
    #[command(hide = true)]
    WebhookReceiver {
        /// Its port on this computer.
        port: u16,
        /// Seed of its failures.
        seed: u64,
        /// Where it writes down what came.
        file: PathBuf,
    },
    /// The life of one that is killed: joins, writes, commits, delivers.
    #[command(hide = true)]
    Live {
        /// Join link.
        #[arg(long)]
        link: String,
        /// Folder of the outbox.
        #[arg(long)]
        data: PathBuf,
        /// Lines of the journal.
        #[arg(long)]
        lines: usize,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    logging::to_stderr();
    let arguments = Arguments::parse();
    // Ctrl-C drops the work, and with it every process that it started.
    let result = tokio::select! {
        result = work(arguments.command) => result,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            adjourn_testbed::tell!("adjourn-qa: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() {
    // The headless client handles signals itself; for everything else they end the work.
    if std::env::args().nth(1).as_deref() == Some("headless") {
        std::future::pending::<()>().await;
    }
    if let Err(error) = adjourn_client::told_to_end().await {
        adjourn_testbed::tell!("adjourn-qa: no signals: {error}");
        std::future::pending::<()>().await;
    }
}

/// Seconds that somebody waits for.
fn outage(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("it is a number of seconds from 0 to a day".to_owned()),
    }
}

/// A number of things a second.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        Ok(_) | Err(_) => Err("it is a number from 0".to_owned()),
    }
}

async fn work(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Headless(options) => {
            let _points = failing::begin();
            headless::run(options).await?;
            tracing::info!(points = failing::points(), "ended");
            // At once: a slow disk that is still closing must not hold the process.
            std::process::exit(0)
        }
        Command::Run { id, seed, json, windows, file, keep } => {
            let scenario = scenario::find_in(&id, file.as_deref())?;
            if let Some(folder) = &keep {
                run::new_or_empty(folder)?;
            }
            let line = run::run(&scenario, Subject::of(windows), seed, keep.as_deref()).await?;
            answer!("{}", serde_json::to_string(&line)?);
            if !json {
                for failure in &line.failures {
                    adjourn_testbed::tell!("{id}: {failure}");
                }
            }
            Ok(line.verdict == "pass")
        }
        Command::Matrix { options, json } => {
            let matrix = matrix::run(&options, |what| adjourn_testbed::tell!("matrix: {what}")).await?;
            if json {
                for scenario in &matrix.scenarios {
                    for (_, line) in &scenario.runs {
                        answer!("{}", serde_json::to_string(line)?);
                    }
                    for line in &scenario.baseline {
                        answer!("{}", serde_json::json!({ "baseline": line }));
                    }
                }
            } else {
                answer!("{}", matrix.table().trim_end());
            }
            adjourn_testbed::tell!("matrix: {}", matrix.folder.join("index.html").display());
            Ok(matrix.passed())
        }
        Command::Scenarios { file } => {
            for scenario in scenario::all(file.as_deref())? {
                let bound =
                    scenario.expect.bound.map_or_else(|| "goes on".to_owned(), |s| format!("≤ {s} s"));
                answer!("{:8} {:20} {:40} {bound}", scenario.section, scenario.id, scenario.expect.outcome);
            }
            Ok(true)
        }
        Command::Demo { folder, window: true, backend } => {
            run::new_or_empty(&folder)?;
            demo::window(folder, backend, |step| adjourn_testbed::tell!("demo: {step}")).await?;
            Ok(true)
        }
        Command::Demo { folder, window: false, backend } => {
            run::new_or_empty(&folder)?;
            let line = demo::headless(folder, backend, |step| adjourn_testbed::tell!("demo: {step}")).await?;
            answer!("{}", serde_json::to_string(&line)?);
            Ok(true)
        }
        Command::Loadtest { interviews, size, clients, replicas, outage, offered, backend } => {
            let options =
                loadtest::Options { interviews, size, clients, replicas, outage, offered, program: backend };
            let found = loadtest::run(&options).await?;
            answer!("{}", serde_json::to_string(&found)?);
            Ok(found.lost == 0 && found.double == 0)
        }
        Command::Hostile { postgres, seconds, attacks } => {
            let found = hostile::run(postgres, seconds, &attacks, |attack| {
                adjourn_testbed::tell!("hostile: {attack:?}")
            })
            .await?;
            answer!("{}", serde_json::to_string(&found)?);
            Ok(true)
        }
        Command::CrashTest { victim, count, seed } => {
            let said = std::cell::Cell::new(0);
            let kills = crash_test::run(victim, count, seed, |so_far| {
                // A line for every hundred, on a way that may take half an hour.
                if so_far.kills / 100 > said.get() {
                    said.set(so_far.kills / 100);
                    adjourn_testbed::tell!("crash-test: {} of {count}, {:.0} s", so_far.kills, so_far.took_s);
                }
            })
            .await?;
            answer!("{}", serde_json::to_string(&kills)?);
            Ok(kills.lost + kills.missing + kills.double + kills.failed == 0)
        }
        Command::Append { lines, folder } => {
            answer!("{}", serde_json::to_string(&bench::append(&folder, lines).await?)?);
            Ok(true)
        }
        Command::Devices { microphone, loudspeaker } => {
            let look = tokio::task::spawn_blocking(|| devices::look(microphone, loudspeaker));
            answer!("{}", serde_json::to_string_pretty(&look.await??)?);
            Ok(true)
        }
        Command::BenchAudio { chirps, one_way, loaded, rounds, peer, processing, seed, out } => {
            if peer {
                run::baseline::check()?;
            }
            let options =
                audio_bench::Options { chirps, one_way, loaded, rounds, peer, processing, seed, out };
            answer!("{}", serde_json::to_string(&audio_bench::run(&options).await?)?);
            Ok(true)
        }
        Command::BenchApp { openings, rounds, seconds, baseline, out } => {
            if baseline {
                run::baseline::check()?;
            }
            let options = app_bench::Options { openings, rounds, seconds, peer: baseline, out };
            answer!("{}", serde_json::to_string(&app_bench::run(&options).await?)?);
            Ok(true)
        }
        Command::Fuzz { examples, seed } => {
            let fuzz = fuzz::run(examples, seed, |part| adjourn_testbed::tell!("fuzz: {part}")).await?;
            answer!("{}", serde_json::to_string(&fuzz)?);
            Ok(fuzz.server_errors == 0 && fuzz.leaks == 0 && fuzz.panics == 0 && fuzz.failures.is_empty())
        }
        Command::Guarantees { repeat, seed, jobs, out } => {
            let section = Some(guarantees::SECTION.to_owned());
            let options = matrix::Options { section, repeat, seed, jobs, out, ..matrix::Options::default() };
            let matrix = matrix::run(&options, |what| adjourn_testbed::tell!("guarantees: {what}")).await?;
            answer!("{}", guarantees::table(&matrix.scenarios).trim_end());
            Ok(matrix.passed())
        }
        Command::WebhookTest { interviews, kills, postgres, seed } => {
            let report = webhook_test::run(interviews, kills, postgres, seed, |so_far| {
                adjourn_testbed::tell!("webhook-test: {so_far}");
            });
            let report = report.await?;
            answer!("{}", serde_json::to_string(&report)?);
            Ok(report.lost + report.disordered == 0)
        }
        Command::Center { seats, seconds, seed, backend } => {
            let report = center::run(backend, seats, seconds, seed).await?;
            answer!("{}", serde_json::to_string(&report)?);
            Ok(report.lost == 0 && report.refused == 0)
        }
        Command::Kiosk { candidates, unit, system, packages, seed } => {
            let parts = system.as_deref().zip(packages.as_deref()).filter(|_| unit);
            let computer = parts.map(|(system, packages)| kiosk::Computer { system, packages });
            let report =
                kiosk::run(computer, candidates, seed, |so_far| adjourn_testbed::tell!("kiosk: {so_far}"));
            let report = report.await?;
            answer!("{}", serde_json::to_string(&report)?);
            Ok(report.failures.is_empty())
        }
        Command::Ear { url, token } => audio_bench::listen(&url, &token).await.map(|()| true),
        Command::Organiser { listen, file } => {
            let listener = tokio::net::TcpListener::bind(listen).await?;
            answer!("ready");
            run::organiser::serve(listener, &file).await.map(|()| true)
        }
        Command::WebhookReceiver { port, seed, file } => {
            webhook_test::receive(port, seed, &file).await.map(|()| true)
        }
        Command::Live { link, data, lines } => crash_test::live(&link, &data, lines).await.map(|()| true),
    }
}
