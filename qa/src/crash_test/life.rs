//! A process that journals and delivers one interview, as the client does, without LiveKit and sound.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use adjourn_outbox::{Backend, DeliveryEvent, DeliveryOutcome, Outbox};
use adjourn_protocol::{Entry, InviteLink, Line, Record, RecordHead, Role, Turn, sha256};
use anyhow::Context as _;
use chrono::Utc;
use futures_util::future::BoxFuture;

use crate::failing;
use adjourn_testbed::client_info as info;
use adjourn_testbed::{Child, Tools};

/// Lines that the victim writes into the journal of one interview, if not said otherwise.
pub(super) const LINES: usize = 20;

/// The life of a victim: joins (or goes on), writes what is missing of so many lines, commits the record, delivers.
/// Says each step on standard output once it holds.
///
/// # Errors
/// The outbox or the join failed.
#[allow(clippy::print_stdout, reason = "this is a program's answer")]
pub async fn live(link: &str, data: &Path, lines: usize) -> anyhow::Result<()> {
    let _points = failing::begin();
    let link = InviteLink::parse(link)?;
    let (outbox, quarantined) = Outbox::open(data).await?;
    anyhow::ensure!(quarantined.is_empty(), "something was quarantined: {quarantined:?}");
    let join = outbox.join_for(&link).await?;
    println!("joining");
    let granted = match &join.granted {
        Some(granted) => granted.clone(),
        None => {
            let backend = Backend::new(&link.server)?;
            let request = adjourn_protocol::JoinRequest::new(&link.code, &join.join_id, &info());
            let answer = loop {
                match backend.join(&request).await {
                    Ok(answer) => break answer,
                    Err(error) if error.retryable() => tokio::time::sleep(Duration::from_millis(100)).await,
                    Err(error) => return Err(error.into()),
                }
            };
            let head = RecordHead {
                interview_id: answer.interview.id.clone(),
                attempt: answer.interview.attempt,
                room: answer.interview.id.clone(),
                build: "kills".to_owned(),
                policy_sha256: String::new(),
            };
            outbox.granted(&join, &answer, &head).await?;
            outbox.join_for(&link).await?.granted.context("a granted join is not stored")?
        }
    };
    println!("granted");
    let head = granted.head.clone().context("a granted join has no head")?;
    let mut journal = outbox.journal(&join.join_id).await?;
    let written = journal.iter().filter(|entry| entry.line.said().is_some()).count();
    for n in written..lines {
        let now = Utc::now();
        let (id, text) = (format!("item_{n}"), format!("line {n}"));
        let turn = Turn { id, role: Role::Candidate, text, at: now };
        let entry = Entry { at: now, mono_ms: 0, line: Line::Said(turn) };
        outbox.append(&join.join_id, std::slice::from_ref(&entry)).await?;
        println!("said {n}");
        journal.push(entry);
    }
    // A life before may have committed it: a join has one record.
    let body = match outbox.record_of(&link).await? {
        Some((body, _)) => body,
        None => {
            let record = Record::from_journal(head, journal, None, Utc::now());
            outbox.commit(&join.join_id, &record, &[]).await?
        }
    };
    println!("committed {}", sha256(&body));
    loop {
        outbox.deliver_due(&info(), Utc::now(), 0.1, &said).await?;
        if outbox.next_due().await?.is_none() {
            println!("points {}", failing::points());
            println!("done");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[allow(clippy::print_stdout, reason = "this is a program's answer")]
fn said(event: DeliveryEvent) -> BoxFuture<'static, ()> {
    match event.attempt {
        DeliveryOutcome::Delivered { receipt } => println!("delivered {}", receipt.claims.receipt_id),
        DeliveryOutcome::Parked { error } => println!("parked {error}"),
        DeliveryOutcome::Later { .. } => {}
    }
    Box::pin(std::future::ready(()))
}

/// One interview's process, started again after each kill.
pub(super) struct VictimRun {
    pub(super) process: Child,
    pub(super) said: tokio::task::JoinHandle<Vec<String>>,
}

impl VictimRun {
    /// Begins one; `kill_at`: the point at which it dies.
    pub(super) fn begin(
        link: &str,
        data: &Path,
        log: &Path,
        lines: usize,
        kill_at: Option<usize>,
    ) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new(Tools::binary("adjourn-qa")?);
        command.args(["live", "--link", link, "--lines", &lines.to_string(), "--data"]).arg(data);
        command.stdin(Stdio::null());
        if let Some(point) = kill_at {
            command.env("ADJOURN_KILL_AT", point.to_string());
        }
        let (process, _, mut output) = Child::start_talking("a delivering process", &mut command, log)?;
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = output.next_line().await {
                said.push(line);
            }
            said
        });
        Ok(Self { process, said })
    }
}
