//! The Management API: paging, filters, visibility, limits and faults.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{START, call, clock, get, org, with};
use crate::sim::access::Role;
use crate::sim::api::{LinkStyle, Rates};
use crate::sim::faults::{Fault, Rule};
use crate::sim::org::{OktaId, Profile};
use crate::sim::{Sim, http_client};

fn user(sim: &Sim, name: &str) -> OktaId {
    sim.org()
        .create_user(
            Profile::new(&format!("{name}@example.test"), name, name),
            true,
        )
        .unwrap()
}

#[tokio::test]
async fn every_page_is_reached_by_next_and_the_last_has_none() {
    let sim = org(&clock()).await;
    let group = sim.org().create_group("G", "");
    for index in 0..5 {
        let user = user(&sim, &format!("u{index}"));
        sim.org().add_member(group, user).unwrap();
    }
    for style in [LinkStyle::Separate, LinkStyle::Combined] {
        sim.set_link_style(style);
        let mut seen = BTreeSet::new();
        let mut page = get(&sim, &format!("/api/v1/groups/{group}/users?limit=2")).await;
        let headers = page.headers.get_all("link").iter().count();
        assert_eq!(headers, if style == LinkStyle::Separate { 2 } else { 1 });
        let mut sizes = Vec::new();
        loop {
            sizes.push(page.ids().len());
            seen.extend(page.ids().into_iter().map(str::to_owned));
            let Some(next) = page.next() else { break };
            assert!(
                next.contains('%'),
                "the cursor is opaque and percent-encoded: {next}"
            );
            page = get(&sim, &next).await;
        }
        assert_eq!((sizes, seen.len()), (vec![2, 2, 1], 5));
    }
    assert_eq!(get(&sim, "/api/v1/groups?after=nonsense").await.status, 400);
}

#[tokio::test]
async fn a_group_listing_filters_as_a_poller_asks() {
    let clock = clock();
    let sim = org(&clock).await;
    let old = sim.org().create_group("old", "");
    let changed = sim.org().create_group("changed", "");
    let ad = sim
        .org()
        .create_app_group(OktaId::parse("0oaActiveDirectory01").unwrap(), "ad");
    let user = user(&sim, "u");
    clock.advance(10_000);
    sim.org().add_member(changed, user).unwrap();
    let filter = |text: &str| with("/api/v1/groups", "filter", text);
    let delta = format!(
        "type eq \"OKTA_GROUP\" and (lastUpdated gt \"{START}\" or lastMembershipUpdated gt \"{START}\")"
    );
    let found = get(&sim, &filter(&delta)).await;
    assert_eq!(
        found.ids(),
        [changed.as_str()],
        "membership moves lastMembershipUpdated"
    );
    assert_eq!(
        found.body[0]["lastUpdated"],
        START.to_string(),
        "and not lastUpdated"
    );
    let found = get(&sim, &filter("type eq \"APP_GROUP\"")).await;
    assert_eq!(found.ids(), [ad.as_str()]);
    assert!(
        found.body[0]["_links"]["source"]["href"]
            .as_str()
            .unwrap()
            .ends_with("0oaActiveDirectory01")
    );
    assert_eq!(
        get(&sim, &filter(&format!("id eq \"{old}\""))).await.ids(),
        [old.as_str()]
    );
    let refused = get(&sim, &filter("profile.name eq \"old\"")).await;
    assert_eq!(
        (refused.status, &refused.body["errorCode"]),
        (400, &json!("E0000031"))
    );
    assert_eq!(
        get(
            &sim,
            &with("/api/v1/groups", "search", "profile.name sw \"ol\"")
        )
        .await
        .ids(),
        [old.as_str()]
    );
    let by_prefix = get(&sim, "/api/v1/groups?q=ch&limit=1").await;
    assert_eq!(
        (by_prefix.ids(), by_prefix.next()),
        (vec![changed.as_str()], None),
        "q is never paged"
    );
}

#[tokio::test]
async fn deactivated_people_are_left_out_of_the_plain_list_only() {
    let sim = org(&clock()).await;
    let (here, gone) = (user(&sim, "here"), user(&sim, "gone"));
    let group = sim.org().create_group("G", "");
    sim.org().add_member(group, gone).unwrap();
    sim.org().deactivate(gone).unwrap();
    assert_eq!(get(&sim, "/api/v1/users").await.ids(), [here.as_str()]);
    assert_eq!(get(&sim, "/api/v1/users?q=go").await.body, json!([]));
    let filter = with("/api/v1/users", "filter", "status eq \"DEPROVISIONED\"");
    assert_eq!(get(&sim, &filter).await.ids(), [gone.as_str()]);
    let search = with(
        "/api/v1/users",
        "search",
        "profile.login eq \"GONE@example.test\"",
    );
    assert_eq!(get(&sim, &search).await.ids(), [gone.as_str()]);
    let members = get(&sim, &format!("/api/v1/groups/{group}/users")).await;
    assert_eq!(
        members.body[0]["status"], "DEPROVISIONED",
        "members are listed whatever their status"
    );
    assert_eq!(
        get(&sim, "/api/v1/users/gone@example.test").await.body["id"],
        gone.as_str()
    );
    sim.org().delete_user(gone).unwrap();
    let read = get(&sim, &format!("/api/v1/users/{gone}")).await;
    assert_eq!(
        (read.status, &read.body["errorCode"]),
        (404, &json!("E0000007"))
    );
    assert_eq!(get(&sim, &filter).await.body, json!([]), "no tombstone");
}

#[tokio::test]
async fn searches_lag_and_reads_by_id_do_not() {
    let clock = clock();
    let sim = org(&clock).await;
    sim.org().set_search_lag(1000);
    let group = sim.org().create_group("G", "");
    let filter = with("/api/v1/groups", "filter", &format!("id eq \"{group}\""));
    assert_eq!(get(&sim, &filter).await.body, json!([]));
    assert_eq!(
        get(&sim, &format!("/api/v1/groups/{group}")).await.status,
        200
    );
    clock.advance(1000);
    sim.org().rename_group(group, "H").unwrap();
    assert_eq!(get(&sim, &filter).await.body[0]["profile"]["name"], "G");
    assert_eq!(
        get(&sim, &format!("/api/v1/groups/{group}")).await.body["profile"]["name"],
        "H"
    );
    clock.advance(1000);
    assert_eq!(get(&sim, &filter).await.body[0]["profile"]["name"], "H");
}

#[tokio::test]
async fn every_answer_carries_rate_headers_a_date_and_a_request_id_and_the_bucket_runs_dry() {
    let clock = clock();
    let sim = org(&clock).await;
    sim.limiter().set(Rates {
        groups: 4,
        ..Rates::WORKFORCE
    });
    let first = get(&sim, "/api/v1/groups").await;
    let header = |got: &super::Got, name: &str| got.headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        header(&first, "x-rate-limit-limit"),
        "2",
        "a token gets half"
    );
    assert_eq!(header(&first, "x-rate-limit-remaining"), "1");
    assert_eq!(
        header(&first, "x-rate-limit-reset"),
        (START.as_millis() / 1000 + 60).to_string()
    );
    assert_eq!(header(&first, "date"), "Mon, 23 Nov 2026 10:00:00 GMT");
    assert!(first.headers.contains_key("x-okta-request-id"));
    get(&sim, "/api/v1/groups").await;
    let dry = get(&sim, "/api/v1/groups").await;
    assert_eq!(
        (dry.status, &dry.body["errorCode"]),
        (429, &json!("E0000047"))
    );
    assert!(
        !dry.headers.contains_key("retry-after"),
        "none is documented"
    );
    clock.advance(60_000);
    assert_eq!(get(&sim, "/api/v1/groups").await.status, 200);
    sim.limiter().set(Rates {
        concurrency: 0,
        ..Rates::WORKFORCE
    });
    let crowded = get(&sim, "/api/v1/groups").await;
    assert_eq!(
        (crowded.status, header(&crowded, "x-rate-limit-limit")),
        (429, "0".to_owned())
    );
}

#[tokio::test]
async fn a_group_scoped_role_filters_without_a_word_and_a_read_only_one_cannot_write() {
    let sim = org(&clock()).await;
    let seen = sim.org().create_group("seen", "");
    let hidden = sim.org().create_group("hidden", "");
    let (inside, outside) = (user(&sim, "inside"), user(&sim, "outside"));
    sim.org().add_member(seen, inside).unwrap();
    sim.access()
        .add_ssws(sim.ssws_token(), Role::Groups([seen].into()));
    assert_eq!(
        get(&sim, "/api/v1/groups").await.ids(),
        [seen.as_str()],
        "not even Everyone"
    );
    assert_eq!(
        get(&sim, &format!("/api/v1/groups/{hidden}")).await.status,
        404,
        "as if it were deleted"
    );
    assert_eq!(get(&sim, "/api/v1/users").await.ids(), [inside.as_str()]);
    assert_eq!(
        get(&sim, &format!("/api/v1/users/{outside}")).await.status,
        404
    );
    sim.access().add_ssws(sim.ssws_token(), Role::ReadOnly);
    let refused = call(
        &sim,
        Method::DELETE,
        &format!("/api/v1/groups/{seen}"),
        None,
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["errorCode"]),
        (403, &json!("E0000006"))
    );
    sim.access().revoke_ssws(sim.ssws_token());
    let refused = get(&sim, "/api/v1/groups").await;
    assert_eq!(
        (refused.status, &refused.body["errorCode"]),
        (401, &json!("E0000011"))
    );
}

#[tokio::test]
async fn faults_spoil_answers_as_scripted() {
    let sim = org(&clock()).await;
    for name in ["a", "b", "c"] {
        sim.org().create_group(name, "");
    }
    let path = "/api/v1/groups?limit=2";
    for (fault, status, code) in [
        (Fault::InternalError, 500, "E0000009"),
        (Fault::Unavailable, 503, "E0000010"),
        (Fault::Forbidden, 403, "E0000006"),
        (Fault::RateLimited, 429, "E0000047"),
    ] {
        sim.faults().add(Rule::next(1, fault));
        let got = get(&sim, path).await;
        assert_eq!(
            (got.status, got.body["errorCode"].as_str()),
            (status, Some(code))
        );
    }
    sim.faults().add(Rule::next(1, Fault::EmptyList));
    let empty = get(&sim, path).await;
    assert_eq!(
        (empty.status, empty.body.clone(), empty.next()),
        (200, json!([]), None)
    );
    sim.faults().add(Rule::next(
        1,
        Fault::NextElsewhere("https://evil.example".to_owned()),
    ));
    assert!(
        get(&sim, path)
            .await
            .next()
            .unwrap()
            .starts_with("https://evil.example/api/v1/groups?")
    );
    sim.faults().add(Rule::next(1, Fault::RepeatedPage));
    assert_eq!(
        get(&sim, path).await.next().unwrap(),
        format!("{}{path}", sim.base_url())
    );
    let org_id = get(&sim, "/.well-known/okta-organization").await.body["id"].clone();
    assert_eq!(org_id, sim.org().id().as_str());
    sim.faults().add(Rule::next(1, Fault::WrongOrg));
    assert_ne!(
        get(&sim, "/.well-known/okta-organization").await.body["id"],
        org_id
    );

    let client = http_client().unwrap();
    let send = || {
        let request = client
            .get(format!("{}{path}", sim.base_url()))
            .timeout(Duration::from_millis(300));
        request
            .header("authorization", format!("SSWS {}", sim.ssws_token()))
            .send()
    };
    sim.faults().add(Rule::next(1, Fault::TruncatedBody));
    let cut_off = send().await.unwrap();
    assert_eq!(cut_off.status(), 200);
    assert!(cut_off.bytes().await.is_err(), "half a body is no body");
    sim.faults().add(Rule::next(1, Fault::Cut));
    assert!(send().await.is_err_and(|error| !error.is_timeout()));
    sim.faults().add(Rule::next(1, Fault::Hang));
    assert!(send().await.is_err_and(|error| error.is_timeout()));
    assert_eq!(send().await.unwrap().status(), 200);
    sim.stop().await;
}

#[tokio::test]
async fn the_log_always_has_a_next_and_goes_on_from_it() {
    let sim = org(&clock()).await;
    user(&sim, "a");
    let filter = "eventType sw \"user.lifecycle.\"";
    let first = get(
        &sim,
        &with(
            "/api/v1/logs?since=2026-11-23T09:00:00.000Z",
            "filter",
            filter,
        ),
    )
    .await;
    let kinds = |got: &super::Got| -> Vec<String> {
        got.body
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["eventType"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        kinds(&first),
        ["user.lifecycle.create", "user.lifecycle.activate"]
    );
    let empty = get(&sim, &first.next().unwrap()).await;
    assert_eq!(empty.body, json!([]));
    user(&sim, "b");
    let more = get(&sim, &empty.next().unwrap()).await;
    assert_eq!(kinds(&more).len(), 2);
    assert_eq!(more.body[0]["target"][0]["type"], "User");
}
