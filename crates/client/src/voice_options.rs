//! What the candidate wants done with their own voice: which processing, and whether it is heard only while a key is held.

use adjourn_room::Stages;
use adjourn_session::SoundProcessing;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::processing::stages;

/// A stage of the processing that a person has a word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "VoiceStage.ts")]
pub enum VoiceStage {
    /// What the loudspeaker plays is taken out of what the microphone hears.
    Echo,
    /// Steady noise is turned down.
    Noise,
    /// A quiet voice is turned up.
    Gain,
}

impl VoiceStage {
    const ALL: [Self; 3] = [Self::Echo, Self::Noise, Self::Gain];

    fn of(self, stages: Stages) -> bool {
        match self {
            Self::Echo => stages.echo,
            Self::Noise => stages.noise,
            Self::Gain => stages.gain,
        }
    }
}

/// One stage, as the screen shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "StageOption.ts")]
pub struct StageOption {
    /// Which.
    pub stage: VoiceStage,
    /// The candidate wants it.
    pub on: bool,
    /// Whether it can be had: the organiser does not want it, or the loudspeaker needs none.
    pub possible: bool,
}

/// What the candidate can choose about their own voice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "VoiceOptions.ts")]
pub struct VoiceOptions {
    /// The voice is heard only while the space key is held.
    pub push_to_talk: bool,
    /// It is held.
    pub talking: bool,
    /// The stages of the processing.
    pub stages: Vec<StageOption>,
}

/// What is to be done to the voice: what the organiser and the loudspeaker allow, and the candidate wants (all but `without`).
pub(crate) fn wanted_stages(policy: SoundProcessing, headphones: bool, without: &[VoiceStage]) -> Stages {
    let possible = stages(policy, headphones);
    let on = |stage: VoiceStage| stage.of(possible) && !without.contains(&stage);
    Stages {
        echo: on(VoiceStage::Echo),
        noise: on(VoiceStage::Noise),
        gain: on(VoiceStage::Gain),
        high_pass: possible.high_pass,
    }
}

impl VoiceOptions {
    /// `talking`: the key is held, if one is to be (`None`: the voice is always heard).
    pub(crate) fn of(
        talking: Option<bool>,
        without: &[VoiceStage],
        policy: SoundProcessing,
        headphones: bool,
    ) -> Self {
        let possible = stages(policy, headphones);
        let option = |stage: VoiceStage| StageOption {
            stage,
            on: !without.contains(&stage),
            possible: stage.of(possible),
        };
        Self {
            push_to_talk: talking.is_some(),
            talking: talking == Some(true),
            stages: VoiceStage::ALL.map(option).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_on_where_everybody_wants_it() {
        let full = SoundProcessing::Full;
        let all = wanted_stages(full, false, &[]);
        assert!(all.echo && all.noise && all.gain && all.high_pass);
        let without = [VoiceStage::Noise];
        let some = wanted_stages(full, false, &without);
        assert_eq!(some, Stages { noise: false, ..all });
        assert!(!wanted_stages(SoundProcessing::Off, false, &without).any());
        assert!(!wanted_stages(full, true, &without).echo, "headphones make no echo");
        let shown = VoiceOptions::of(None, &without, SoundProcessing::EchoOnly, true);
        assert!(!shown.talking && !shown.push_to_talk);
        let shown: Vec<_> = shown.stages.iter().map(|option| (option.on, option.possible)).collect();
        assert_eq!(shown, [(true, false), (false, false), (true, false)]);
    }
}
