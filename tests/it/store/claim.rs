//! `store::Claim`.

use rosterd::store::{Claim, StoreError};

use crate::support::postgres;

#[test]
fn a_file_is_claimed_by_one_and_free_again_when_he_ends() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}",
        folder.path().join("new/rosterd.db").display()
    );
    let first = Claim::take(&url).unwrap();
    assert!(first.is_some(), "also of a store that is yet to be made");
    let second = Claim::take(&url);
    let refused = matches!(&second, Err(StoreError::Open(why)) if why.contains("another rosterd"));
    assert!(refused, "{second:?}");
    let other = format!("sqlite://{}", folder.path().join("other.db").display());
    assert!(Claim::take(&other).unwrap().is_some(), "another file");
    drop(first);
    assert!(Claim::take(&url).unwrap().is_some());
}

#[test]
fn what_is_no_place_for_a_store_cannot_be_claimed() {
    for url in [
        "mysql://host/name",
        "sqlite://",
        "sqlite://:memory:",
        "rosterd.db",
    ] {
        let refused = Claim::take(url);
        assert!(
            matches!(refused, Err(StoreError::Open(_))),
            "{url}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn postgres_takes_several_daemons() {
    if let Some(url) = postgres::new_database().await {
        for _ in 0..2 {
            assert!(Claim::take(&url).unwrap().is_none());
        }
    }
}
