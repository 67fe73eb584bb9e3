//! Somebody else in the room who hears the candidate: what the way from a mouth to an ear is measured with.

use std::io::Write as _;

use adjourn_audio::{DeviceChoice, Host as _, System};
use adjourn_room::{Joined, LiveKitTransport, RoomEvent, Sound, Transport as _};
use anyhow::Context as _;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::super::bed::ScenarioBed;
use super::super::{baseline, subject::Subject};
use adjourn_testbed::{Child, Tools, token};

/// Its name in the room.
const NAME: &str = "ear";
/// It hears somebody within this.
const HEARS: std::time::Duration = std::time::Duration::from_secs(30);

/// What it tells, a line each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// A voice comes, and is played.
    Hears,
}

/// Hears a room, and plays it at the system's loudspeaker as the candidate's client does, until it is killed.
///
/// # Errors
/// The room can't be entered, or there is no loudspeaker.
pub async fn listen(url: &str, token: &str) -> anyhow::Result<()> {
    adjourn_room::load_sdk(None)?;
    let (_playback, mut speaker) = System.playback(DeviceChoice::SystemDefault, None).await?;
    // The room is left when it is dropped.
    let Joined { room: _room, mut events, .. } = LiveKitTransport.connect(url, token).await?;
    while let Some(event) = events.recv().await {
        if let RoomEvent::Sound(Sound { mut frames, .. }) = event {
            let mut queue = speaker.voice().context("too many voices")?;
            tokio::spawn(async move {
                let mut told = false;
                while let Some(frame) = frames.next().await {
                    queue.push(&frame);
                    if !std::mem::replace(&mut told, true) {
                        tell(Told::Hears);
                    }
                }
            });
        }
    }
    anyhow::bail!("the room is gone")
}

fn tell(told: Told) {
    let line = serde_json::to_string(&told).unwrap_or_default();
    // Whoever does not read it any more wants nothing of it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Starts one of the same make as the candidate's client; it hears them when this returns.
pub(super) async fn start(bed: &ScenarioBed, subject: Subject) -> anyhow::Result<Child> {
    let room = &bed.invitation.id;
    let ours = subject == Subject::Adjourn;
    let mut command = if ours {
        let mut command = Command::new(Tools::binary("adjourn-qa")?);
        command.arg("ear").env("ADJOURN_LIVEKIT_LIBRARY", &bed.tools.library);
        command.env("LIVEKIT_URL", &bed.livekit.url).env("ADJOURN_TOKEN", token(room, NAME)?);
        command
    } else {
        baseline::listener(&bed.livekit, room, NAME)?
    };
    bed.pulse.give(&mut command);
    let log = bed.folder.join("ear.log");
    let (mut child, input, mut lines) = Child::start_talking("the ear", &mut command, &log)?;
    // The browser's driver ends with its input.
    child.keep(input);
    let heard = async {
        while let Some(line) = lines.next_line().await? {
            let hears = if ours {
                matches!(serde_json::from_str(&line), Ok(Told::Hears))
            } else {
                baseline::hears(&line)
            };
            if hears {
                return Ok(());
            }
        }
        anyhow::bail!("the ear ended")
    };
    tokio::time::timeout(HEARS, heard)
        .await
        .with_context(|| format!("nobody was heard within {HEARS:?}; see {}", log.display()))??;
    // What it tells later is read, too: it would end where nobody does.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(child)
}
