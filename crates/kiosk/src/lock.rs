//! How far a seat is locked: from what is really there, not from what was set.

use serde::{Deserialize, Serialize};

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockLevel {
    /// It is not known, or something is open.
    Unsupported,
    /// What leaves the window is seen, and not kept from happening.
    Detected,
    /// Nothing leads out of the window.
    Enforced,
}

impl LockLevel {
    /// Its name, as a policy has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Detected => "detected",
            Self::Enforced => "enforced",
        }
    }
}

/// What shows the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compositor {
    /// `cage`, which shows one program and nothing else: the process behind the display's own socket is it.
    Cage,
    /// X11 without a window manager: nothing moves, closes or covers a window, and any program can read the keys.
    BareX11,
    /// A desktop.
    Desktop,
    /// Nobody knows.
    Unknown,
}

/// What was seen around the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// What shows it.
    pub compositor: Compositor,
    /// It covers the screen.
    pub fullscreen: bool,
    /// Screens.
    pub monitors: u32,
    /// Every way out of the page is closed: other pages, new windows, menus, printing, files, downloads.
    pub page_guarded: bool,
    /// The page can be looked into.
    pub devtools: bool,
    /// The computer is one within another, which can record and type.
    pub virtual_machine: bool,
    /// Somebody sits elsewhere.
    pub remote_session: bool,
    /// Keyboards.
    pub keyboards: u32,
    /// Disks that came since the seat began.
    pub new_storage: u32,
}

/// What keeps a seat from a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// A desktop is behind the window.
    Desktop,
    /// What is behind it is not known.
    UnknownCompositor,
    /// Other programs can read what is typed.
    KeysCanBeRead,
    /// It does not cover the screen.
    NotFullscreen,
    /// There is another screen.
    SecondScreen,
    /// There is none.
    NoScreen,
    /// A way out of the page is open.
    PageNotGuarded,
    /// The page can be looked into.
    Devtools,
    /// The computer is one within another.
    VirtualMachine,
    /// Somebody sits elsewhere.
    RemoteSession,
    /// There is another keyboard.
    SecondKeyboard,
    /// A disk was plugged in.
    NewStorage,
}

impl Weakness {
    /// The highest level that it leaves.
    pub fn leaves(self) -> LockLevel {
        match self {
            // Whoever gets behind the window, or sits elsewhere, is not seen either.
            Self::UnknownCompositor
            | Self::PageNotGuarded
            | Self::Devtools
            | Self::RemoteSession
            | Self::NoScreen => LockLevel::Unsupported,
            Self::Desktop
            | Self::KeysCanBeRead
            | Self::NotFullscreen
            | Self::SecondScreen
            | Self::VirtualMachine
            | Self::SecondKeyboard
            | Self::NewStorage => LockLevel::Detected,
        }
    }
}

impl Around {
    /// What is weak there.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let compositor = match self.compositor {
            Compositor::Cage => None,
            Compositor::BareX11 => Some(Weakness::KeysCanBeRead),
            Compositor::Desktop => Some(Weakness::Desktop),
            Compositor::Unknown => Some(Weakness::UnknownCompositor),
        };
        let others = [
            (!self.fullscreen, Weakness::NotFullscreen),
            (self.monitors > 1, Weakness::SecondScreen),
            (self.monitors == 0, Weakness::NoScreen),
            (!self.page_guarded, Weakness::PageNotGuarded),
            (self.devtools, Weakness::Devtools),
            (self.virtual_machine, Weakness::VirtualMachine),
            (self.remote_session, Weakness::RemoteSession),
            (self.keyboards > 1, Weakness::SecondKeyboard),
            (self.new_storage > 0, Weakness::NewStorage),
        ];
        compositor.into_iter().chain(others.into_iter().filter_map(|(is, what)| is.then_some(what))).collect()
    }

    /// How far the seat is locked.
    pub fn level(&self) -> LockLevel {
        self.weaknesses().into_iter().map(Weakness::leaves).min().unwrap_or(LockLevel::Enforced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Around = Around {
        compositor: Compositor::Cage,
        fullscreen: true,
        monitors: 1,
        page_guarded: true,
        devtools: false,
        virtual_machine: false,
        remote_session: false,
        keyboards: 1,
        new_storage: 0,
    };

    #[test]
    fn a_seat_is_locked_as_far_as_its_weakest_point() {
        assert_eq!((TIGHT.level(), TIGHT.weaknesses()), (LockLevel::Enforced, vec![]));
        for (around, level, weakness) in [
            (
                Around { compositor: Compositor::BareX11, ..TIGHT },
                LockLevel::Detected,
                Weakness::KeysCanBeRead,
            ),
            (Around { compositor: Compositor::Desktop, ..TIGHT }, LockLevel::Detected, Weakness::Desktop),
            (
                Around { compositor: Compositor::Unknown, ..TIGHT },
                LockLevel::Unsupported,
                Weakness::UnknownCompositor,
            ),
            (Around { fullscreen: false, ..TIGHT }, LockLevel::Detected, Weakness::NotFullscreen),
            (Around { monitors: 2, ..TIGHT }, LockLevel::Detected, Weakness::SecondScreen),
            (Around { monitors: 0, ..TIGHT }, LockLevel::Unsupported, Weakness::NoScreen),
            (Around { page_guarded: false, ..TIGHT }, LockLevel::Unsupported, Weakness::PageNotGuarded),
            (Around { devtools: true, ..TIGHT }, LockLevel::Unsupported, Weakness::Devtools),
            (Around { virtual_machine: true, ..TIGHT }, LockLevel::Detected, Weakness::VirtualMachine),
            (Around { remote_session: true, ..TIGHT }, LockLevel::Unsupported, Weakness::RemoteSession),
            (Around { keyboards: 2, ..TIGHT }, LockLevel::Detected, Weakness::SecondKeyboard),
            (Around { new_storage: 1, ..TIGHT }, LockLevel::Detected, Weakness::NewStorage),
        ] {
            assert_eq!((around.level(), around.weaknesses()), (level, vec![weakness]));
        }
        // A seat without any keyboard is one with a touch screen.
        assert_eq!(Around { keyboards: 0, ..TIGHT }.level(), LockLevel::Enforced);
        let both = Around { compositor: Compositor::Desktop, remote_session: true, ..TIGHT };
        assert_eq!((both.level(), both.weaknesses().len()), (LockLevel::Unsupported, 2));
    }
}
