//! A seed is a history.

use super::clock;
use super::stub::Stub;
use crate::sim::life::{Happening, Life, Temper};
use crate::sim::org::{GroupType, Habits, Org, UserStatus};
use crate::sim::scim_client::{Auth, ScimHabits, ScimTarget};
use crate::sim::{Sim, SimConfig};

fn lived(seed: u64, steps: usize, temper: Temper) -> (Org, Vec<Happening>) {
    let mut org = Org::seeded(seed, 60, 6, true, clock(), Habits::default());
    let mut life = Life::new(seed, temper);
    let happened = (0..steps).map(|_| life.step(&mut org)).collect();
    (org, happened)
}

fn picture(org: &Org) -> String {
    let users: Vec<_> = org.users().collect();
    let groups: Vec<_> = org
        .groups()
        .map(|group| (group.id, group.name(), group.members()))
        .collect();
    let events: Vec<_> = org.events_from(0).collect();
    format!("{users:?}{groups:?}{events:?}")
}

#[test]
fn the_same_seed_replays_and_another_does_not() {
    let (one, happened) = lived(5, 300, Temper::Wild);
    let (again, _) = lived(5, 300, Temper::Wild);
    assert_eq!(picture(&one), picture(&again));
    let (other, _) = lived(6, 300, Temper::Wild);
    assert_ne!(picture(&one), picture(&other));
    let kinds: std::collections::HashSet<_> = happened.iter().map(std::mem::discriminant).collect();
    assert!(
        kinds.len() >= 12,
        "a wild life has every kind of day: {happened:?}"
    );
}

#[test]
fn the_org_keeps_its_own_rules_through_a_wild_life() {
    for seed in 0..20 {
        let (org, _) = lived(seed, 200, Temper::Wild);
        let everyone = org.group(org.everyone()).unwrap();
        assert_eq!(everyone.members().len(), org.users().count());
        for group in org.groups() {
            assert!(
                group
                    .members()
                    .iter()
                    .all(|member| org.user(*member).is_some()),
                "no dangling member"
            );
        }
        for app_user in org
            .app_users(None)
            .filter(|app_user| app_user.is_assigned())
        {
            assert!(
                !org.user(app_user.user).unwrap().status.is_inactive(),
                "who left is not assigned"
            );
        }
        let mut logins: Vec<_> = org
            .users()
            .map(|user| user.profile.login().to_lowercase())
            .collect();
        logins.sort();
        let before = logins.len();
        logins.dedup();
        assert_eq!(logins.len(), before, "logins are unique");
    }
}

#[test]
fn a_calm_life_deletes_no_group_and_makes_no_twin() {
    let (org, happened) = lived(9, 400, Temper::Calm);
    let harsh = |h: &Happening| {
        matches!(
            h,
            Happening::GroupDeleted(_) | Happening::GroupTwinned(_) | Happening::Recreated(_)
        )
    };
    assert!(!happened.iter().any(harsh));
    assert!(
        org.users()
            .any(|user| user.status == UserStatus::Deprovisioned)
    );
}

#[test]
fn the_demos_cast_is_assigned_and_pushed() {
    let mut org = Org::seeded(1, 200, 12, true, clock(), Habits::default());
    assert_eq!(
        (org.users().count(), org.app_users(None).count()),
        (200, 200)
    );
    let made = org
        .groups()
        .filter(|group| group.kind == GroupType::OktaGroup)
        .count();
    assert_eq!(
        (made, org.mappings().count()),
        (13, 11),
        "twelve and the assigned one; all but one of twelve pushed"
    );
    assert!(
        org.groups()
            .all(|group| group.members().len() > 3 || matches!(group.kind, GroupType::AppGroup(_)))
    );
    assert!(!org.take_tasks().is_empty());
}

#[tokio::test]
async fn a_calm_life_reaches_the_server_without_an_error() {
    let config = SimConfig {
        people: 30,
        groups: 4,
        clock: clock(),
        ..SimConfig::default()
    };
    let sim = Sim::start(config).await.unwrap();
    let stub = Stub::start().await;
    let target = ScimTarget {
        base_url: stub.base_url.clone(),
        auth: Auth::Bearer("t".to_owned()),
    };
    let scim = sim.connect_scim(target, ScimHabits::default());
    sim.settle().await;
    let mut life = Life::new(2, Temper::Calm);
    for _ in 0..60 {
        sim.live(&mut life).await;
    }
    assert_eq!(scim.failed(), []);
    let mappings: Vec<_> = sim.org().mappings().map(|mapping| mapping.id).collect();
    for mapping in &mappings {
        sim.org().push_now(*mapping).unwrap();
    }
    sim.settle().await;
    let org = sim.org();
    assert!(
        org.app_users(None)
            .all(|app_user| app_user.external_id.is_some())
    );
    for mapping in mappings {
        let copy = stub.resource(org.mapping(mapping).unwrap().scim_id.as_deref().unwrap());
        let there: Vec<_> = copy["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["value"].as_str().unwrap())
            .collect();
        let wanted = org.pushed_members(mapping);
        assert_eq!(
            there,
            wanted.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()
        );
        assert!(!wanted.is_empty());
    }
}
