//! Thousands of requests that schemathesis makes up from the OpenAPI document, as an organiser and as a candidate:
//! nothing may be answered with a server error, or with what belongs to another interview.

mod righter;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use adjourn_outbox::Backend;
use adjourn_protocol::{InviteLink, Secret};
use anyhow::Context as _;
use serde::Serialize;

use adjourn_testbed::{BackendServer, Invitation, ORGANISER, Testbed, Tools, join};

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fuzz {
    /// Requests that the backend answered.
    pub requests: u64,
    /// Of them, with a status of 500 and above.
    pub server_errors: u64,
    /// Answers to the candidate that hold something of another interview.
    pub leaks: usize,
    /// Records that were made up and read as such.
    pub read: u64,
    /// Panics in the backend's log.
    pub panics: usize,
    /// What schemathesis found, by its own words; empty is good.
    pub failures: Vec<String>,
    /// What it drew its chances from.
    pub seed: u64,
}

/// In the record of an interview that is not the candidate's.
const CANARY: &str = "CANARY-9b2d";

/// Lets schemathesis loose, with so many examples for each operation and each of the two.
///
/// # Errors
/// A part does not start.
pub async fn run(examples: usize, seed: u64, progress: impl Fn(&str)) -> anyhow::Result<Fuzz> {
    let python = Tools::fuzz_python()?;
    let testbed = Testbed::builder().start().await?;
    let backend = &testbed.backend;
    let (mine, token) = joined(backend, "0123456789abcdef0123456789abcdef").await?;
    let (theirs, their_token) = joined(backend, "fedcba9876543210fedcba9876543210").await?;
    let link = InviteLink::parse(&theirs.link)?;
    let record = serde_json::json!({"outcome": "finished", "transcript": [{"id": "i", "role": "candidate", "text": CANARY}]});
    Backend::new(&link.server)?.deliver(&theirs.id, 1, &their_token, record.to_string().into_bytes()).await?;
    let asked = righter::begin(&backend.url).await?;
    let mut fuzz = Fuzz { seed, ..Fuzz::default() };
    let runs = [
        ("the organiser", ORGANISER, &theirs.id),
        ("the candidate", token.expose(), &mine.id),
        ("the candidate, at another one's", token.expose(), &theirs.id),
    ];
    for (number, (who, bearer, id)) in runs.into_iter().enumerate() {
        progress(&format!("as {who}"));
        let har = testbed.folder().join(format!("{number}.har"));
        // Without this, random ids never get past "there is no such interview".
        let settings = format!("[parameters]\n\"path.id\" = \"{id}\"\n\"path.attempt\" = 1\n");
        std::fs::write(testbed.folder().join("schemathesis.toml"), settings)?;
        let output = schemathesis(&python, &asked, bearer, examples, seed, testbed.folder(), &har).await?;
        for what in ["= FAILURES =", "= ERRORS ="] {
            if let Some((_, failures)) = output.split_once(what) {
                fuzz.failures.push(format!("as {who}: {failures}"));
            }
        }
        anyhow::ensure!(output.contains("= SUMMARY ="), "schemathesis did not run: {output}");
        let answers = answers(&har)?;
        if bearer != ORGANISER {
            fuzz.leaks += answers.iter().filter(|answer| answer.leaks(&theirs.id)).count();
        }
    }
    let metrics = reqwest::get(format!("{}/metrics", backend.url)).await?.text().await?;
    fuzz.read = metrics
        .lines()
        .filter(|line| line.starts_with("adjourn_records_received{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum::<u64>()
        // The one that was delivered above.
        .saturating_sub(1);
    for line in metrics.lines().filter(|line| line.starts_with("adjourn_request_seconds_count{")) {
        let count: u64 = line.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        fuzz.requests += count;
        if line.contains("status=\"5") {
            fuzz.server_errors += count;
            fuzz.failures.push(line.to_owned());
        }
    }
    // A request that panics is answered all the same, and other work is begun again.
    let log = std::fs::read_to_string(backend.log())?;
    fuzz.panics = log.matches("panicked at").count();
    anyhow::ensure!(fuzz.read > 0, "no record that was made up was read");
    anyhow::ensure!(backend.status(&mine.id).await.is_ok(), "the backend does not answer any more");
    Ok(fuzz)
}

async fn joined(backend: &BackendServer, join_id: &str) -> anyhow::Result<(Invitation, Secret)> {
    let invitation = backend.invite("{}").await?;
    let answer = join(&invitation.link, join_id).await?;
    Ok((invitation, answer.client_token))
}

async fn schemathesis(
    python: &Path,
    url: &str,
    bearer: &str,
    examples: usize,
    seed: u64,
    folder: &Path,
    har: &Path,
) -> anyhow::Result<String> {
    let program: PathBuf = python.with_file_name("schemathesis");
    let output = tokio::process::Command::new(program)
        .args(["run", &format!("{url}/openapi.json"), "-H", &format!("Authorization: Bearer {bearer}")])
        .args([
            "-c",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["-n", &examples.to_string(), "--seed", &seed.to_string(), "--phases", "coverage,fuzzing"])
        // A stream of events has no end to wait for.
        .args(["--exclude-path", "/v1/interviews/{id}/events"])
        .args(["--continue-on-failure", "--report", "har", "--report-har-path"])
        .arg(har)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await
        .context("schemathesis can't be run")?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// What was answered.
struct Answer {
    url: String,
    status: u64,
    body: String,
}

impl Answer {
    /// Whether somebody without the right to it got something of that interview.
    fn leaks(&self, id: &str) -> bool {
        self.body.contains(CANARY) || (self.url.contains(id) && (200..300).contains(&self.status))
    }
}

/// All answers, as schemathesis wrote them down (HTTP Archive 1.2).
fn answers(path: &Path) -> anyhow::Result<Vec<Answer>> {
    let text = std::fs::read(path).with_context(|| format!("{} is missing", path.display()))?;
    let archive: serde_json::Value = serde_json::from_slice(&text)?;
    let entries = archive["log"]["entries"].as_array().context("the archive has no entries")?;
    let answers: Vec<Answer> = entries
        .iter()
        .map(|entry| Answer {
            url: entry["request"]["url"].as_str().unwrap_or_default().to_owned(),
            status: entry["response"]["status"].as_u64().unwrap_or_default(),
            body: entry["response"]["content"]["text"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    anyhow::ensure!(answers.iter().any(|answer| !answer.body.is_empty()), "no answer was written down");
    Ok(answers)
}
