//! How far a seat is locked: from what is really there, not from what was set.

use adjourn_protocol::{LockLevel, Weakness};
use serde::{Deserialize, Serialize};

/// What shows the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compositor {
    /// `cage`, which shows one program and nothing else: the process behind the display's own socket is it.
    Cage,
    /// X11 without a window manager and with no other program in its session: a window of another one could cover this one and read
    /// its keys.
    BareX11,
    /// A desktop.
    Desktop,
}

/// What was seen around the window. What could not be found out is `None`, and never taken for the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Around {
    /// What shows it.
    pub compositor: Option<Compositor>,
    /// It covers the screen.
    pub fullscreen: Option<bool>,
    /// Screens.
    pub monitors: Option<u32>,
    /// Every way out of the page is closed: other pages, new windows, menus, printing, files, downloads.
    pub page_guarded: Option<bool>,
    /// The page can be looked into.
    pub devtools: Option<bool>,
    /// Other consoles can be switched to, with a login of their own.
    pub consoles: Option<bool>,
    /// The computer is one within another, which can record and type.
    pub virtual_machine: Option<bool>,
    /// Somebody sits elsewhere.
    pub remote_session: Option<bool>,
    /// Keyboards.
    pub keyboards: Option<u32>,
    /// Disks that came since the seat began.
    pub new_storage: Option<u32>,
}

impl Around {
    /// What is weak there.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let compositor = match self.compositor {
            Some(Compositor::Cage) => None,
            Some(Compositor::BareX11) => Some(Weakness::BareX11),
            Some(Compositor::Desktop) => Some(Weakness::Desktop),
            None => Some(Weakness::Unknown),
        };
        let unless = |known: Option<bool>, good: bool, what: Weakness| match known {
            Some(known) => (known != good).then_some(what),
            None => Some(Weakness::Unknown),
        };
        let above = |known: Option<u32>, most: u32, what: Weakness| match known {
            Some(known) => (known > most).then_some(what),
            None => Some(Weakness::Unknown),
        };
        let found = [
            compositor,
            unless(self.fullscreen, true, Weakness::NotFullscreen),
            (self.monitors == Some(0)).then_some(Weakness::NoScreen),
            above(self.monitors, 1, Weakness::SecondScreen),
            unless(self.page_guarded, true, Weakness::PageNotGuarded),
            unless(self.devtools, false, Weakness::Devtools),
            unless(self.consoles, false, Weakness::Consoles),
            unless(self.virtual_machine, false, Weakness::VirtualMachine),
            unless(self.remote_session, false, Weakness::RemoteSession),
            above(self.keyboards, 1, Weakness::SecondKeyboard),
            above(self.new_storage, 0, Weakness::NewStorage),
        ];
        found.into_iter().flatten().collect()
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
        compositor: Some(Compositor::Cage),
        fullscreen: Some(true),
        monitors: Some(1),
        page_guarded: Some(true),
        devtools: Some(false),
        consoles: Some(false),
        virtual_machine: Some(false),
        remote_session: Some(false),
        keyboards: Some(1),
        new_storage: Some(0),
    };

    #[test]
    fn a_seat_is_locked_as_far_as_its_weakest_point() {
        assert_eq!((TIGHT.level(), TIGHT.weaknesses()), (LockLevel::Enforced, vec![]));
        let x11 = Some(Compositor::BareX11);
        let desktop = Some(Compositor::Desktop);
        for (around, level, weakness) in [
            (Around { compositor: x11, ..TIGHT }, LockLevel::Detected, Weakness::BareX11),
            (Around { compositor: desktop, ..TIGHT }, LockLevel::Detected, Weakness::Desktop),
            (Around { fullscreen: Some(false), ..TIGHT }, LockLevel::Detected, Weakness::NotFullscreen),
            (Around { monitors: Some(2), ..TIGHT }, LockLevel::Detected, Weakness::SecondScreen),
            (Around { monitors: Some(0), ..TIGHT }, LockLevel::Unsupported, Weakness::NoScreen),
            (Around { page_guarded: Some(false), ..TIGHT }, LockLevel::Unsupported, Weakness::PageNotGuarded),
            (Around { devtools: Some(true), ..TIGHT }, LockLevel::Unsupported, Weakness::Devtools),
            (Around { consoles: Some(true), ..TIGHT }, LockLevel::Unsupported, Weakness::Consoles),
            (Around { virtual_machine: Some(true), ..TIGHT }, LockLevel::Detected, Weakness::VirtualMachine),
            (Around { remote_session: Some(true), ..TIGHT }, LockLevel::Unsupported, Weakness::RemoteSession),
            (Around { keyboards: Some(2), ..TIGHT }, LockLevel::Detected, Weakness::SecondKeyboard),
            (Around { new_storage: Some(1), ..TIGHT }, LockLevel::Detected, Weakness::NewStorage),
        ] {
            assert_eq!((around.level(), around.weaknesses()), (level, vec![weakness]));
        }
        // A seat without any keyboard is one with a touch screen.
        assert_eq!(Around { keyboards: Some(0), ..TIGHT }.level(), LockLevel::Enforced);
        let both = Around { compositor: desktop, remote_session: Some(true), ..TIGHT };
        assert_eq!((both.level(), both.weaknesses().len()), (LockLevel::Unsupported, 2));
    }

    #[test]
    fn what_nobody_knows_is_not_taken_for_the_best() {
        for around in [
            Around { compositor: None, ..TIGHT },
            Around { fullscreen: None, ..TIGHT },
            Around { monitors: None, ..TIGHT },
            Around { page_guarded: None, ..TIGHT },
            Around { devtools: None, ..TIGHT },
            Around { consoles: None, ..TIGHT },
            Around { virtual_machine: None, ..TIGHT },
            Around { remote_session: None, ..TIGHT },
            Around { keyboards: None, ..TIGHT },
            Around { new_storage: None, ..TIGHT },
        ] {
            assert_eq!(
                (around.level(), around.weaknesses()),
                (LockLevel::Unsupported, vec![Weakness::Unknown])
            );
        }
        assert_eq!(Around::default().weaknesses().len(), 10);
    }
}
