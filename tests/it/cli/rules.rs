//! Mappings, the switch and groups on the command line: the rules' words and exit codes.

use rosterd::model::actor::Channel;
use rosterd::scim::{group, user};
use rosterd::service::{Service, provision};
use serde_json::json;

use super::host::Host;
use crate::rules::cast::cx;

/// Okta pushes a user and a group with him in it.
async fn push(service: &Service, name: &str, okta_id: &str, in_group: &str) -> String {
    let body = json!({ "userName": name, "externalId": okta_id }).to_string();
    let received = user::parse(body.as_bytes()).unwrap();
    let made = provision::create_user(service, &cx(Channel::Scim), &received)
        .await
        .unwrap();
    let members = json!([{ "value": made.resource.id }]);
    let body = json!({ "displayName": in_group, "members": members }).to_string();
    let doc = group::parse(body.as_bytes()).unwrap();
    let made = provision::create_group(service, &cx(Channel::Scim), &doc)
        .await
        .unwrap();
    made.resource.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_the_way_in_and_out_of_okta() {
    let mut hosts = vec![Host::sqlite().await];
    hosts.extend(Host::postgres().await);
    for host in hosts {
        let refused = host.run(&["okta", "enable", "--yes"]);
        assert_eq!(refused.code, 5, "{refused:?}");
        assert!(refused.err.contains("rosterd mappings add"), "{refused:?}");

        let service = host.service().await;
        push(&service, "mira@x", "00u11111111111111111", "Admins").await;
        service.store.close().await;
        host.run(&["admin", "create", "root@x", "--name", "Root"]);
        host.run(&["teams", "create", "core"]);
        let added = host.json(&["mappings", "add", "Admins", "core"]);
        assert_eq!(added["state"], "bound", "{added}");
        let twice = host.run(&["mappings", "add", "Admins", "core"]);
        assert_eq!(twice.code, 5, "{twice:?}");
        let waiting = host.run(&["mappings", "add", "Later", "core"]);
        assert_eq!(waiting.code, 0, "{waiting:?}");
        assert!(
            waiting.err.contains("once exactly one group"),
            "{waiting:?}"
        );
        assert_eq!(waiting.out.lines().count(), 1, "the id alone");

        let asked = host.run(&["okta", "enable"]);
        assert_eq!(asked.code, 2, "nobody is there to be asked: {asked:?}");
        assert!(asked.err.contains("core  mira@x"), "{asked:?}");
        assert_eq!(host.json(&["status"])["okta"]["mode"], "off");
        let enabled = host.json(&["okta", "enable", "--yes"]);
        assert_eq!(enabled["gains"][0]["user_name"], "mira@x", "{enabled}");
        assert_eq!(host.json(&["status"])["okta"]["mode"], "on");
        assert_eq!(host.run(&["okta", "enable", "--yes"]).code, 0);

        let id = added["id"].as_str().unwrap();
        let last = host.run(&["mappings", "remove", id]);
        assert_eq!(last.code, 5, "{last:?}");
        assert!(last.err.contains("rosterd okta disable"), "{last:?}");
        assert_eq!(
            host.run(&["mappings", "remove", waiting.out.trim()]).code,
            0
        );

        let disabled = host.run(&["okta", "disable", "--keep", "--yes"]);
        assert_eq!(disabled.code, 0, "{disabled:?}");
        let mira = host.json(&["users", "show", "mira@x"]);
        let kept = mira["teams"].as_array().unwrap();
        assert!(
            kept.iter()
                .any(|row| row["origin"] == "local" && row["counts"] == true),
            "{mira}"
        );
        assert_eq!(host.run(&["mappings", "remove", id]).code, 0);
        assert_eq!(host.json(&["mappings", "list"]), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_groups_are_listed_with_their_sides_and_only_a_joined_one_is_parted() {
    let host = Host::sqlite().await;
    let service = host.service().await;
    let group = push(&service, "mira@x", "00u11111111111111111", "Admins").await;
    service.store.close().await;
    let listed = host.json(&["groups", "list", "--name", "dmin"]);
    assert_eq!(listed[0]["id"], group.as_str());
    assert_eq!(host.json(&["groups", "list", "--name", "other"]), json!([]));
    let refused = host.run(&["groups", "part", &group]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let refused = host.run(&["groups", "join", &group, &group]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let mira = host.run(&["users", "show", "mira@x"]);
    assert!(mira.out.contains("Admins"), "{mira:?}");
}
