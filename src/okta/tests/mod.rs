//! The client against a scripted server: each test says what Okta answers, then looks at what was asked.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod calls;
mod dpop;
mod keys;
mod listings;
mod script;
mod tls;
mod tokens;
mod tools;
mod waits;
