//! A real Postgres server, with every commit synced.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::process::Child;

/// A running server with an empty database.
#[derive(Debug)]
pub struct Postgres {
    process: Child,
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    log: PathBuf,
}

impl Postgres {
    /// Where its programs are: Debian keeps them apart, by version.
    ///
    /// # Errors
    /// It is not installed.
    pub fn programs() -> anyhow::Result<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin| bin.join("initdb").exists())
            .collect();
        let path = std::env::var_os("PATH").unwrap_or_default();
        found.extend(std::env::split_paths(&path).filter(|bin| bin.join("initdb").exists()));
        found.into_iter().next().context("Postgres is not installed: apt-get install postgresql")
    }

    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// Postgres is not installed (`apt-get install postgresql`), or does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let bin = Self::programs()?;
        let data = folder.join("postgres");
        std::fs::create_dir_all(&data)?;
        if rustix::process::geteuid().is_root() {
            // Postgres refuses to run as root: the folder, and the way to it, belong to nobody in particular.
            tokio::process::Command::new("chown").args(["-R", "nobody"]).arg(&data).status().await?;
            let mut above = Some(folder);
            while let Some(folder) = above.filter(|folder| folder.starts_with(std::env::temp_dir())) {
                use std::os::unix::fs::PermissionsExt as _;
                if folder != std::env::temp_dir() {
                    let mut mode = std::fs::metadata(folder)?.permissions();
                    mode.set_mode(mode.mode() | 0o011);
                    std::fs::set_permissions(folder, mode)?;
                }
                above = folder.parent();
            }
        }
        let made = unprivileged(&bin.join("initdb"))
            .args(["--auth=trust", "--username=adjourn", "--encoding=UTF8", "--locale=C"])
            .arg("-D")
            .arg(&data)
            .current_dir("/")
            .output()
            .await
            .context("initdb can't be run")?;
        anyhow::ensure!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        );
        let (port, log) = (super::free_port()?, folder.join("postgres.log"));
        let process = spawn(&bin, &data, port, &log).await?;
        Ok(Self { process, bin, data, port, log })
    }

    /// Its address, as the backend takes it.
    pub fn url(&self) -> String {
        format!("postgres://adjourn@127.0.0.1:{}/postgres", self.port)
    }

    /// Seconds of a core that it used so far, all its processes together.
    pub fn cpu_s(&self) -> f64 {
        let mut sum = self.process.cpu_s();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if super::process::parent(pid) == Some(self.process.pid()) {
                sum += super::process::cpu_s(pid);
            }
        }
        sum
    }

    /// How often its log was flushed to disk so far.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn log_flushes(&self) -> anyhow::Result<f64> {
        let output = Command::new(self.bin.join("psql"))
            .args([&self.url(), "-Atc", "SELECT wal_sync FROM pg_stat_wal"])
            .output()
            .await
            .context("psql can't be run")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    }

    /// Writes a copy of the database into a file, while it is used.
    ///
    /// # Errors
    /// `pg_dump` fails.
    pub async fn dump(&self, to: &Path) -> anyhow::Result<()> {
        let mut dump = Command::new(self.bin.join("pg_dump"));
        dump.args(["--format=custom", "--file"]).arg(to).arg(self.url());
        done(&mut dump).await
    }

    /// Empties the database and puts a copy in its place.
    ///
    /// # Errors
    /// `psql` or `pg_restore` fails.
    pub async fn restore(&self, from: &Path) -> anyhow::Result<()> {
        let mut empty = Command::new(self.bin.join("psql"));
        empty.args([&self.url(), "-qc", "DROP SCHEMA public CASCADE; CREATE SCHEMA public"]);
        done(&mut empty).await?;
        let mut restore = Command::new(self.bin.join("pg_restore"));
        restore.args(["--dbname", &self.url()]).arg(from);
        done(&mut restore).await
    }

    /// Kills every process of it at once, as a power cut would, and starts it again.
    ///
    /// # Errors
    /// It does not start.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.process.kill().await;
        // Each backend is a group of its own, and ends when it notices; until then a new server is refused.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            match spawn(&self.bin, &self.data, self.port, &self.log).await {
                Ok(process) => {
                    self.process = process;
                    return Ok(());
                }
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// Runs a program to its end.
async fn done(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().await.with_context(|| format!("{command:?} can't be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{command:?} failed: {}", said.trim());
    Ok(())
}

async fn spawn(bin: &Path, data: &Path, port: u16, log: &Path) -> anyhow::Result<Child> {
    let mut command = unprivileged(&bin.join("postgres"));
    command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "max_connections=100"])
        .current_dir("/")
        .stdout(std::process::Stdio::null());
    let mut process = Child::start("postgres", &mut command, log)?;
    let ready = "ready to accept connections";
    process.until_it_says(ready, Duration::from_secs(30), "the start of Postgres").await?;
    Ok(process)
}

/// Postgres refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}
