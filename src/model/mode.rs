//! Okta mode: who owns membership (R3, R4).

use serde::{Deserialize, Serialize};

/// Who owns membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OktaMode {
    /// Local memberships count; what follows from Okta is kept and does not count.
    Off,
    /// Okta's memberships count, and local ones of local users.
    On,
    /// Both count; Okta's are read-only.
    Hybrid,
}

impl OktaMode {
    /// The mode of (`idp_mapping_enabled`, `konnect_mapping_enabled`); both false is no mode.
    pub fn from_flags(idp: bool, konnect: bool) -> Option<Self> {
        match (idp, konnect) {
            (false, true) => Some(Self::Off),
            (true, false) => Some(Self::On),
            (true, true) => Some(Self::Hybrid),
            (false, false) => None,
        }
    }

    /// (`idp_mapping_enabled`, `konnect_mapping_enabled`).
    pub fn flags(self) -> (bool, bool) {
        match self {
            Self::Off => (false, true),
            Self::On => (true, false),
            Self::Hybrid => (true, true),
        }
    }

    /// Whether memberships that follow from Okta count.
    pub fn derived_counts(self) -> bool {
        self != Self::Off
    }

    /// The mode's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Hybrid => "hybrid",
        }
    }
}
