//! rosterd's own API over HTTP, on both stores: who may ask, how it stands, runs, and what Okta saw.

mod caller;
mod doors;
mod requests;
mod runs;
mod status;
