//! The program as the system runs it: killed, stopped, reloaded, doubled, and left without its database.

mod doubled;
mod kills;
mod load;
mod outage;
mod process;
mod reload;
mod stopping;
mod storage;
mod systemd;
