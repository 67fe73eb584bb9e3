//! Processes that end with their owner.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::leftovers;

/// Lines of a process's standard output.
pub type LineReader = Lines<BufReader<ChildStdout>>;

/// Most of a process's last word that is put into a message, in characters.
const LONGEST_SAID: usize = 400;
/// Most of a log in which that is looked for, in bytes: its end.
const MOST_READ: u64 = 4 << 20;

/// Seconds since 1970, with fractions: one clock for all processes of one machine.
pub fn unix_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A process in a group of its own; the whole group is killed when this is dropped.
#[derive(Debug)]
pub struct Child {
    inner: tokio::process::Child,
    pid: Pid,
    name: String,
    log: PathBuf,
    /// Kept open, for one that ends when it is closed.
    input: Option<ChildStdin>,
    /// Where what it says begins in its log: before that is what an earlier one said.
    begins: u64,
}

impl Child {
    /// Starts `command` with its standard error in `log`.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        // Added to, not begun anew: of a process that is started again, how the first one ended is worth most.
        let file = std::fs::File::options().append(true).create(true).open(log);
        let file = file.with_context(|| format!("{} can't be written", log.display()))?;
        let begins = file.metadata()?.len();
        leftovers::sweep();
        leftovers::mark(command);
        let inner = command
            .process_group(0)
            .kill_on_drop(true)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        let pid = inner.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = pid.with_context(|| format!("{name} ended at once"))?;
        Ok(Self { inner, pid, name: name.to_owned(), log: log.to_owned(), input: None, begins })
    }

    /// As [`Self::start`], with standard input and output to talk to.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start_talking(
        name: &str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<(Self, ChildStdin, LineReader)> {
        let (mut child, input) = Self::start_ordered(name, command.stdout(Stdio::piped()), log)?;
        let output = child.inner.stdout.take().context("no standard output")?;
        Ok((child, input, BufReader::new(output).lines()))
    }

    /// As [`Self::start`], with standard input to give orders by.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start_ordered(
        name: &str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<(Self, ChildStdin)> {
        let mut child = Self::start(name, command.stdin(Stdio::piped()), log)?;
        let input = child.inner.stdin.take().context("no standard input")?;
        Ok((child, input))
    }

    /// Keeps its standard input open for as long as it lives.
    pub fn keep(&mut self, input: ChildStdin) {
        self.input = Some(input);
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Seconds of a core that it used so far.
    pub fn cpu_s(&self) -> f64 {
        cpu_s(self.pid())
    }

    /// Signals the process (not its group).
    ///
    /// # Errors
    /// It is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid, signal).with_context(|| format!("{} is gone", self.name))
    }

    /// Signals any process.
    ///
    /// # Errors
    /// It is gone.
    pub fn signal_pid(pid: i32, signal: Signal) -> anyhow::Result<()> {
        kill_process(Pid::from_raw(pid).context("no such process")?, signal).context("the process is gone")
    }

    /// What it said in its log so far.
    pub(crate) fn said(&self) -> String {
        said_since(&self.log, self.begins)
    }

    /// The line of that which tells most: the last error, else the last line; of a long one its beginning.
    fn said_last(&self) -> String {
        // Of one that says very much, the end.
        let length = std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        let said = said_since(&self.log, self.begins.max(length.saturating_sub(MOST_READ)));
        let error = |line: &&str| {
            let words = ["ERROR", "rror:", "panicked", "FATAL"];
            line.starts_with("E: ") || words.iter().any(|word| line.contains(word))
        };
        let lines = || said.lines().rev().filter(|line| !line.trim().is_empty());
        let line = lines().take(200).find(error).or_else(|| lines().next()).unwrap_or("nothing");
        match line.char_indices().nth(LONGEST_SAID) {
            Some((cut, _)) => format!("{}… (see {})", &line[..cut], self.log.display()),
            None => line.to_owned(),
        }
    }

    /// Waits until it says `word` in its log.
    ///
    /// # Errors
    /// It does not in time, or ended.
    pub(crate) async fn until_it_says(
        &mut self,
        word: &str,
        limit: Duration,
        what: &str,
    ) -> anyhow::Result<()> {
        let (log, begins) = (self.log.clone(), self.begins);
        until(self, limit, what, || std::future::ready(said_since(&log, begins).contains(word))).await
    }

    /// Whether it still runs.
    pub fn running(&mut self) -> bool {
        matches!(self.inner.try_wait(), Ok(None))
    }

    /// Waits until it ended by itself.
    ///
    /// # Errors
    /// It does not end in time, or with an error.
    pub async fn finished(&mut self, limit: Duration) -> anyhow::Result<()> {
        let status = tokio::time::timeout(limit, self.inner.wait())
            .await
            .with_context(|| format!("{} does not end", self.name))??;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }

    /// Waits until it ended, however.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn ended(&mut self, limit: Duration) -> anyhow::Result<std::process::ExitStatus> {
        let status = tokio::time::timeout(limit, self.inner.wait()).await;
        Ok(status.with_context(|| format!("{} does not end", self.name))??)
    }

    /// Kills the whole group and waits for the process.
    pub async fn kill(&mut self) {
        self.kill_group();
        // Killed: it can't refuse to end.
        let _ = self.inner.wait().await;
    }

    fn kill_group(&self) {
        // An empty group is what we want.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }

    /// What of its group still runs, by process id. What ended and was not yet collected by its parent does not run.
    pub fn group(&self) -> Vec<i32> {
        let names = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
        let processes = names.filter_map(|name| name.to_str()?.parse().ok());
        let group = self.pid.as_raw_nonzero().to_string();
        processes
            .filter(|process| {
                // State, parent, group.
                let stat = stat(*process);
                stat.get(2) == Some(&group) && runs(&stat)
            })
            .collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// What stands in a log from there on.
pub(super) fn said_since(log: &Path, begins: u64) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut bytes = Vec::new();
    // One that is not there yet says nothing yet.
    if let Ok(mut file) = std::fs::File::open(log) {
        let _ = file.seek(SeekFrom::Start(begins)).and_then(|_| file.read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A file that some program writes, as text, whatever bytes are in it; nothing if it is not there yet.
pub(crate) fn text_of(file: &Path) -> String {
    said_since(file, 0)
}

/// Writes one line to a process.
///
/// # Errors
/// It is gone.
pub async fn tell(input: &mut ChildStdin, line: &str) -> anyhow::Result<()> {
    input.write_all(format!("{line}\n").as_bytes()).await?;
    Ok(input.flush().await?)
}

/// Looks every 10 ms until there is something; `None`: not in time.
pub async fn look<T>(limit: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(value) = found() {
            return Some(value);
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The lines of a file that somebody writes, as far as they are whole: those that are a `T`, and the others.
pub(super) fn whole_lines<T: serde::de::DeserializeOwned>(file: &Path) -> (Vec<T>, Vec<String>) {
    let text = text_of(file);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let (mut read, mut others) = (Vec::new(), Vec::new());
    for line in whole.lines() {
        match serde_json::from_str(line) {
            Ok(value) => read.push(value),
            Err(_) => others.push(line.to_owned()),
        }
    }
    (read, others)
}

/// Runs a tool to its end.
///
/// # Errors
/// It is not installed, or what it said when it failed.
pub(super) fn run(command: &mut std::process::Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{program}` is not installed"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "`{program}` failed: {}", said.trim());
    Ok(())
}

/// Puts other text into a file in one step, for a process that reads it again and again.
pub(super) fn replace(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text)?;
    Ok(std::fs::rename(new, file)?)
}

/// Runs `curl` as far as it is prepared, with its output as errors; gives the body of the answer.
///
/// # Errors
/// What the server or curl said.
pub(crate) async fn curl(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output =
        command.args(["-sS", "--fail-with-body"]).output().await.context("`curl` is not installed")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].concat();
    anyhow::bail!("{}", String::from_utf8_lossy(&said).trim())
}

/// Waits until `ready` says yes.
///
/// # Errors
/// It does not in time, or the process ended.
pub(crate) async fn until<F, R>(
    child: &mut Child,
    limit: Duration,
    what: &str,
    mut ready: F,
) -> anyhow::Result<()>
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + limit;
    while !ready().await {
        anyhow::ensure!(
            child.running(),
            "{} ended before {what}; it said last: {}",
            child.name,
            child.said_last()
        );
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "{what} did not happen within {limit:?}; {} said last: {}",
            child.name,
            child.said_last()
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Ok(())
}

/// Keeps so many cores busy with nothing, until they are dropped. What they say is in `folder`.
///
/// # Errors
/// There is no shell.
pub fn busy_cores(cores: usize, folder: &Path) -> anyhow::Result<Vec<Child>> {
    let busy = |core| {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        Child::start("a busy core", &mut command, &folder.join(format!("busy-{core}.log")))
    };
    (0..cores).map(busy).collect()
}

/// Seconds of a core that a process used so far, with its children that ended; 0 if it is gone.
pub fn cpu_s(pid: i32) -> f64 {
    let ticks: u64 = stat(pid).iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// When a process began, in clock ticks since the computer did; `None` if it is gone, or ended and was not collected.
pub(crate) fn began(pid: i32) -> Option<String> {
    let stat = stat(pid);
    stat.get(19).filter(|_| runs(&stat)).cloned()
}

/// Whether a process with this state runs: one that ended and was not collected does not.
fn runs(stat: &[String]) -> bool {
    stat.first().is_some_and(|state| !matches!(state.as_str(), "Z" | "X"))
}

/// The parent of a process.
pub fn parent(pid: i32) -> Option<i32> {
    stat(pid).get(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` after the name, which may hold spaces (proc(5)).
fn stat(pid: i32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').map(str::to_owned).collect()
}
