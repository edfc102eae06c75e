//! The connection and its credential.

use std::time::Duration;

use rosterd::service::tokens::{self, Scope};
use rosterd::sim::scim_client::{Auth, ScimTarget};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::daemon::admin;
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

on_each_store! {
    async fn c9340_wrong_credentials_are_an_error_when_they_are_saved(store) {
        let okta = Tenant::new(store).await;
        let right = okta.daemon.target();
        let Auth::Bearer(token) = right.auth.clone() else { panic!("a bearer token") };
        let (cut, other) = (token[..token.len() - 1].to_owned(), token.replace("rst_scim_", "rst_manage_"));
        let rows = okta.daemon.audit_rows().await;
        for auth in [
            Auth::Bearer("wrong".to_owned()), Auth::Bearer(String::new()), Auth::Bearer(cut.clone()), Auth::Bearer(other),
            Auth::Header(cut.clone()), Auth::Header("non-token".to_owned()),
            Auth::Basic { user: "okta".to_owned(), password: cut },
        ] {
            okta.engine.set_target(ScimTarget { auth, ..right.clone() });
            let shown = okta.engine.test_connection().await.unwrap_err();
            assert!(shown.starts_with("Errors reported by remote server: ") && shown.contains("token"), "{shown}");
            assert!(!shown.contains(&token[..20]), "no credential is shown");
        }
        for auth in [Auth::Bearer(token.clone()), Auth::Header(token.clone()), Auth::Basic { user: "okta".to_owned(), password: token }] {
            okta.engine.set_target(ScimTarget { auth, ..right.clone() });
            assert_eq!(okta.engine.test_connection().await, Ok(()));
        }
        assert_eq!(okta.daemon.audit_rows().await, rows);
    }

    async fn c9341_a_new_token_is_accepted_and_the_old_one_no_more_once_revoked(store) {
        let okta = Tenant::new(store).await;
        let service = &okta.daemon.service;
        let old = okta.daemon.target();
        let mut previous = tokens::list(service).await.unwrap().into_iter().next().unwrap().id;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let issued = tokens::issue(service, &admin(), Scope::Scim, "rotated", None).await.unwrap();
            let auth = Auth::Bearer(issued.secret.expose_secret().to_owned());
            okta.engine.set_target(ScimTarget { auth, ..old.clone() });
            assert_eq!(okta.engine.test_connection().await, Ok(()));
            tokens::revoke(service, &admin(), &previous).await.unwrap();
            // A revocation holds within a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
            previous = issued.token.id;
            let login = okta.login("mira");
            let mira = okta.hire(&login).await;
            // The test's own requests still bear the first token.
            okta.daemon.scim("GET", "/Users", None).await.is_error(401);
            let user = okta.scim_id(mira);
            let names = okta.daemon.store.texts("SELECT user_name FROM users").await;
            assert!(names.contains(&login), "{names:?}");
            okta.engine.set_target(old.clone());
            let shown = okta.engine.test_connection().await.unwrap_err();
            assert!(shown.starts_with("Errors reported by remote server: "), "{shown}");
            okta.sim.org().deactivate(mira).unwrap();
            okta.sim.settle().await;
            assert_eq!(okta.engine.failed().len(), 1, "what goes out with the revoked token fails and waits for the admin");
            let auth = Auth::Bearer(issued.secret.expose_secret().to_owned());
            okta.engine.set_target(ScimTarget { auth, ..old.clone() });
            okta.engine.retry_failed();
            okta.settle().await;
            let audit: Vec<(String, Value, Value)> = okta.daemon.audit(&user).await;
            assert!(audit.iter().any(|(action, ..)| action == "user.deactivated"), "{audit:?}");
        }
    }
}
