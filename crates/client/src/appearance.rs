//! How the window looks and which language it speaks: what the candidate chose, or else what fits.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::lenient::lenient;

/// A language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Language.ts")]
pub enum Language {
    /// English, which everything else is translated from.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Arabic, from right to left.
    #[serde(rename = "ar")]
    Arabic,
}

impl Language {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::English, Self::German, Self::Spanish, Self::French, Self::Arabic];

    /// How it is written, in HTML's words (as `ui/src/locale.svelte.ts` has it).
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            Self::English | Self::German | Self::Spanish | Self::French => "ltr",
        }
    }

    /// Its tag (BCP 47), which is also the name of its folder in `ui/locales`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Arabic => "ar",
        }
    }

    /// The language of a tag (`de-AT`) or of a system's locale (`de_AT.UTF-8`); none that the window does not speak.
    pub fn of(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_', '.', '@']).next()?;
        Self::ALL.into_iter().find(|language| first.eq_ignore_ascii_case(language.tag()))
    }
}

/// Its colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "Theme.ts")]
pub enum Theme {
    /// As the system has them.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How large captions are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "TextSize.ts")]
pub enum TextSize {
    /// 1.125 rem.
    Small,
    /// 1.375 rem.
    #[default]
    Usual,
    /// 1.75 rem.
    Large,
    /// 2.25 rem.
    Largest,
}

/// What the candidate chose; what is `None` follows the interview, or the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub(crate) language: Option<Language>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) theme: Theme,
    #[serde(deserialize_with = "lenient")]
    pub(crate) text_size: TextSize,
}

/// How the window looks now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Appearance.ts")]
pub struct Appearance {
    /// The language that it speaks.
    pub language: Language,
    /// Its colours.
    pub theme: Theme,
    /// How large captions are.
    pub text_size: TextSize,
}

impl Chosen {
    /// The candidate's own choice goes first, then the interview's language, then the system's.
    pub(crate) fn with(self, interview: Option<Language>, system: Option<Language>) -> Appearance {
        let Self { language, theme, text_size } = self;
        Appearance { language: language.or(interview).or(system).unwrap_or_default(), theme, text_size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_whatever_names_it() {
        for (tag, language) in [
            ("de", Some(Language::German)),
            ("de-AT", Some(Language::German)),
            ("FR_ca.UTF-8", Some(Language::French)),
            ("ar@latin", Some(Language::Arabic)),
            ("deu", None),
            ("C.UTF-8", None),
            ("", None),
        ] {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
        for language in Language::ALL {
            assert_eq!(Language::of(language.tag()), Some(language));
            assert_eq!(serde_json::to_value(language).unwrap(), language.tag());
        }
    }

    #[test]
    fn what_was_chosen_goes_before_the_interview_and_that_before_the_system() {
        let chosen = Chosen { language: Some(Language::Arabic), ..Chosen::default() };
        let (german, french) = (Some(Language::German), Some(Language::French));
        assert_eq!(chosen.with(german, french).language, Language::Arabic);
        assert_eq!(Chosen::default().with(german, french).language, Language::German);
        assert_eq!(Chosen::default().with(None, french).language, Language::French);
        assert_eq!(Chosen::default().with(None, None).language, Language::English);
    }
}
