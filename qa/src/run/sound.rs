//! Devices that come and go, and what the client makes of them, by the sound server's word.

use std::time::Duration;

use adjourn_client::{Command, Screen, Snapshot, SoundSide};
use adjourn_testbed::Profile;
use anyhow::Context as _;

use super::bed::ScenarioBed;
use super::steps::counted;
use crate::scenario::{Card, Open, Sound};

pub(super) async fn change(bed: &mut ScenarioBed, sound: Sound) -> anyhow::Result<()> {
    match sound {
        Sound::Plug => bed.pulse.plug_headset(Profile::default()).await,
        Sound::PlugAs(profile) => bed.pulse.plug_headset(profile).await,
        Sound::Profile(profile) => bed.pulse.change_profile(profile).await,
        Sound::Unplug => bed.pulse.unplug_headset().await,
        Sound::Default(card) => {
            let (microphone, loudspeaker) = names(card);
            bed.pulse.set_default(microphone, loudspeaker).await
        }
        Sound::Mute(muted) => bed.pulse.mute_microphone(muted).await,
        Sound::MuteLoudspeaker(muted) => bed.pulse.mute_loudspeaker(muted).await,
        Sound::Flat(flat) => bed.pulse.flatten_microphone(flat).await,
        Sound::Echo { db, ms } => bed.pulse.echo(db, ms).await,
    }
}

fn names(card: Card) -> (&'static str, &'static str) {
    match card {
        Card::BuiltIn => (adjourn_testbed::MICROPHONE, adjourn_testbed::SPEAKER),
        Card::Headset => (adjourn_testbed::HEADSET_MICROPHONE, adjourn_testbed::HEADSET_SPEAKER),
    }
}

/// The candidate chooses both; `None`: the system's default.
pub(super) async fn choose(bed: &mut ScenarioBed, card: Option<Card>) -> anyhow::Result<()> {
    let (microphone, loudspeaker) = card.map(names).unzip();
    bed.order(&Command::ChooseDevice { side: SoundSide::Microphone, id: microphone.map(str::to_owned) })
        .await?;
    bed.order(&Command::ChooseDevice { side: SoundSide::Loudspeaker, id: loudspeaker.map(str::to_owned) })
        .await
}

/// Waits until the client records and plays there, and nowhere else.
pub(super) async fn open(bed: &ScenarioBed, open: Open, within: Duration) -> anyhow::Result<()> {
    let microphone = open.microphone.map(|card| names(card).0);
    let loudspeaker = open.loudspeaker.map(|card| names(card).1);
    let right = async || {
        let records = bed.pulse.records_from().await?;
        let plays = bed.pulse.plays_to().await?;
        let there = |names: &[String], name: Option<&str>| match name {
            Some(name) => names.iter().all(|other| other == name) && !names.is_empty(),
            None => true,
        };
        Ok(usize::from(there(&records, microphone) && there(&plays, loudspeaker)))
    };
    let is = counted(within, right, |right| right == 1).await?;
    let (records, plays) = (bed.pulse.records_from().await?, bed.pulse.plays_to().await?);
    anyhow::ensure!(is == 1, "it records from {records:?} and plays to {plays:?} after {within:?}");
    Ok(())
}

/// Waits until the client's microphone is closed, or muted to it.
pub(super) async fn closed(bed: &ScenarioBed, within: Duration) -> anyhow::Result<()> {
    let open = counted(within, async || bed.pulse.recordings().await, |open| open == 0).await?;
    anyhow::ensure!(open == 0, "the microphone is still open");
    Ok(())
}

/// Waits until the screen says this, or does not say it any more.
pub(super) async fn says(
    bed: &mut ScenarioBed,
    id: &str,
    said: bool,
    within: Duration,
) -> anyhow::Result<()> {
    let what = if said { format!("{id:?}") } else { format!("the end of {id:?}") };
    bed.wait(within, &what, |seen| seen.last.as_ref().is_some_and(|s| shows(s, id) == said))
        .await
        .context("what is said on the screen")
}

/// Whether a sentence stands on the screen, by its name.
fn shows(snapshot: &Snapshot, id: &str) -> bool {
    let Snapshot { notices, presence, problem, sound, input, output, screen, .. } = snapshot;
    // The device check shows the devices themselves; in the interview they are behind a button.
    let of_devices =
        [&input.problem, &input.away, &input.muted, &output.problem, &output.away, &output.muted];
    let of_devices = of_devices.into_iter().flatten().filter(|_| *screen == Screen::Checking);
    let line = presence.as_ref().and_then(|presence| presence.line.as_ref());
    let all = notices.iter().chain(line).chain(problem).chain(sound).chain(of_devices);
    all.into_iter().any(|message| message.id() == id)
}
