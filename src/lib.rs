//! rosterd keeps one organization's roster (users, teams, roles, system accounts) in step with Okta.
//!
//! Okta pushes users and groups over SCIM 2.0; rosterd also polls Okta's groups on a schedule and repairs what the
//! pushes missed; admins map Okta groups to teams; while Okta is enabled, membership is read-only.
//!
//! # The map
//!
//! Imports point downwards only; `tests/it/layers.rs` holds this table.
//!
//! | layer | modules |
//! |---|---|
//! | the program | `main` → [`cli`] → [`daemon`] |
//! | doors | [`http`] (what comes in), [`tasks`] (what runs by itself) |
//! | use cases | [`service`]: one function = one transaction = one policy decision |
//! | parts | [`store`] (all SQL), [`okta`] (the outbound client), [`reconcile`] and [`scim`] (pure) |
//! | words | [`model`], [`config`] |
//!
//! [`sim`] is a simulated Okta: it speaks to rosterd over the network only, as Okta does.
//!
//! # Where to start
//!
//! Start at [`service`]: each public function there is one thing the daemon can do. [`reconcile`] and [`scim`] never do
//! I/O. Only [`store`] knows SQL. Time and randomness are arguments everywhere ([`model::time`], [`model::random`]).

pub mod cli;
pub mod config;
pub mod daemon;
pub mod http;
pub mod model;
pub mod okta;
pub mod reconcile;
pub mod scim;
pub mod service;
pub mod sim;
pub mod store;
pub mod tasks;
