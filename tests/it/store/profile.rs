//! `store::profile`, as it is looked up.

use rosterd::store::profile::{self, Profile};
use rosterd::store::users;
use serde_json::json;

use super::setup::{user, write};
use super::users::new_user;
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r18_what_is_compared_is_stored_beside_what_was_sent(store) {
        let made = user(&store, "first@x", None).await;
        let attributes = json!({
            "userName": "MIRA@X",
            "displayName": "Straße",
            "name": {"givenName": "MIRA", "familyName": "Ökafor"},
            "emails": [{"type": "Home"}, {"value": "A@X"}, {"value": "B@X", "type": "WORK", "primary": true}],
        });
        let attributes = attributes.as_object().expect("an object");
        let profile = Profile::of("MIRA@X", Some("Ext"), attributes);
        write(&store, async |tx| users::update_with_profile(tx, &made, &profile).await).await;
        let of = async |statement| store.texts(statement).await;
        assert_eq!(
            of("SELECT user_name || ' ' || display_name || ' ' || given_name || ' ' || family_name || ' ' || email FROM users")
                .await,
            ["MIRA@X Straße MIRA Ökafor B@X"]
        );
        assert_eq!(
            of("SELECT user_name_fold || ' ' || display_name_fold || ' ' || given_name_fold || ' ' || family_name_fold \
                || ' ' || email_fold FROM users")
            .await,
            ["mira@x strasse mira ökafor b@x"]
        );
        assert_eq!(of("SELECT external_id FROM users").await, ["Ext"], "as sent");
        assert_eq!(of("SELECT folded FROM users").await, [profile::folded(attributes)]);
        assert_eq!(of("SELECT value_fold FROM user_emails ORDER BY ordinal").await, ["", "a@x", "b@x"]);
        assert_eq!(of("SELECT type_fold FROM user_emails ORDER BY ordinal").await, ["home", "", "work"]);
    }

    async fn what_a_profile_does_not_name_is_not_there(store) {
        let made = user(&store, "first@x", None).await;
        let bare = Profile::of("first@x", None, json!({"userName": "first@x"}).as_object().expect("an object"));
        write(&store, async |tx| users::update_with_profile(tx, &made, &bare).await).await;
        let absent = "SELECT COUNT(*) FROM users WHERE COALESCE(display_name, given_name, family_name, email, \
                      external_id, display_name_fold, given_name_fold, family_name_fold, email_fold) IS NULL";
        assert_eq!(store.number(absent).await, 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM user_emails").await, 0);
        let full = new_user("first@x", None).profile;
        assert!(full.folded.contains("mira okafor") && !full.folded.contains("Okafor"), "{}", full.folded);
    }
}
