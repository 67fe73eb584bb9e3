//! Which device the candidate wants, and what is used while it is not there.

use adjourn_audio::{Device, DeviceChoice};
use serde::{Deserialize, Serialize};

use crate::snapshot::DeviceList;

/// A chosen device, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) id: String,
    /// Its name, for when it is not there to be asked.
    pub(crate) name: String,
}

/// A wish, and whether the system's default device stands in for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    chosen: Option<Chosen>,
    away: bool,
}

impl Wanted {
    pub(crate) fn new(chosen: Option<Chosen>) -> Self {
        Self { chosen, away: false }
    }

    /// A device by its id; its name is looked up in the list.
    pub(crate) fn by_id(id: Option<String>, list: &DeviceList) -> Self {
        let chosen = id.filter(|id| !id.is_empty()).map(|id| {
            let name = list.devices.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
            Chosen { name: name.unwrap_or_else(|| id.clone()), id }
        });
        Self::new(chosen)
    }

    pub(crate) fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    /// Name of the chosen device, while another one stands in for it.
    pub(crate) fn away(&self) -> Option<&str> {
        self.chosen.as_ref().filter(|_| self.away).map(|chosen| chosen.name.as_str())
    }

    /// What to open now.
    pub(crate) fn to_open(&self) -> DeviceChoice {
        match &self.chosen {
            Some(chosen) if !self.away => DeviceChoice::Named(chosen.id.clone()),
            Some(_) | None => DeviceChoice::SystemDefault,
        }
    }

    /// The chosen one is not there. Gives whether the default one can be tried instead: it was not before.
    pub(crate) fn stands_in(&mut self) -> bool {
        self.chosen.is_some() && !std::mem::replace(&mut self.away, true)
    }

    /// These devices there are now. Gives whether the chosen one is back, so that it is to be opened again.
    pub(crate) fn comes_back(&mut self, found: &[Device]) -> bool {
        let chosen = self.chosen.as_ref();
        let there = chosen.is_some_and(|chosen| found.iter().any(|device| device.id == chosen.id));
        self.away && there && std::mem::replace(&mut self.away, false)
    }
}
