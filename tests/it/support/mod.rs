//! What tests share: stores on both engines, with clocks and seeds of their own, and the daemon on them.

/// A variable for every `rosterd` that is run: it has no configuration file, not even that of a daemon on this host.
pub(crate) const NO_FILE: [(&str, &str); 1] = [("ROSTERD_CONFIG", "/dev/null")];

pub(crate) mod cluster;
pub(crate) mod daemon;
pub(crate) mod postgres;
pub(crate) mod stores;
pub(crate) mod tenant;
