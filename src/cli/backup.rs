//! `rosterd backup`: a copy of an SQLite store while a daemon writes to it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

use super::args::BackupArgs;
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::store::Location;

/// Copies the store.
pub(super) fn run(context: &Context, args: &BackupArgs) -> Result<Exit, Failure> {
    session::with(context, async |session| {
        if let Location::Server(place) = session.service.store.location() {
            return Err(Failure::new(
                Exit::Refused,
                format!("{place} is a PostgreSQL store: back it up with `pg_dump --format=custom`"),
            ));
        }
        copy(session, &args.file).await
    })
}

async fn copy(session: &Session, file: &Path) -> Result<Exit, Failure> {
    // The copy holds hashes of tokens and everybody's data: nobody else reads it, from its first byte on. And what is
    // there already is not written over.
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(
                Exit::Refused,
                format!("{} is there already: name another file", file.display()),
            ),
            _ => Failure::failed(format!("cannot write {}: {error}", file.display())),
        })?;
    let done = session.service.store.back_up(file).await;
    let bytes = match done.map_err(Failure::from).and_then(|()| settle(file)) {
        Ok(bytes) => bytes,
        Err(failure) => {
            // Half a copy is worse than none.
            let _ = fs::remove_file(file);
            return Err(failure);
        }
    };
    let output = &session.output;
    if output.is_json() {
        output.json(&json!({ "file": file, "bytes": bytes }))?;
    }
    output.say(&format!("{} bytes in {}", bytes, file.display()));
    Ok(Exit::Done)
}

/// Waits until the copy is on the disk, and says how long it is.
fn settle(file: &Path) -> Result<u64, Failure> {
    let synced = || {
        let opened = fs::File::open(file)?;
        opened.sync_all()?;
        opened.metadata().map(|known| known.len())
    };
    synced().map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
}
