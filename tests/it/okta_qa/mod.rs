//! Okta's QA plan for SCIM integrations, case by case: the simulated Okta plays what the tester clicks, in both kinds of
//! app, and the daemon is looked at from outside. Each test bears the number of its case.
//!
//! Not here are C9301, C9302 (password sync), C21902 (OAuth redirects) and C9359–C9361 (profile sourcing): features an
//! integration without them leaves out.

mod assigning;
mod attributes;
mod bulk;
mod connecting;
mod importing;
mod leaving;
mod linking;
mod pushing;
mod rules;

use rosterd::model::run::RunKind;
use rosterd::sim::org::OktaId;
use serde_json::{Value, json};

use crate::support::tenant::{Pushed, Tenant};

/// What a full run must not change: every user and group as SCIM shows them, versions apart, and all memberships.
async fn shown(okta: &Tenant) -> Value {
    let mut all = json!({"teams": okta.daemon.audited().await.into_iter().collect::<Vec<_>>()});
    for kind in ["Users", "Groups"] {
        let mut list = okta.daemon.get(&format!("/{kind}?count=1000")).await;
        for resource in list["Resources"].as_array_mut().unwrap() {
            resource["meta"] = Value::Null;
        }
        all[kind] = list["Resources"].take();
    }
    all
}

/// Pushes settle, and a full run then sees nothing that they had not said.
async fn settled(okta: &Tenant) {
    okta.settle().await;
    let pushed = shown(okta).await;
    okta.daemon.poll(RunKind::Full).await;
    assert_eq!(shown(okta).await, pushed, "the poll agrees with the pushes");
}

/// Two people who are assigned, one who is not, and a group of the first, pushed and mapped to a team of this dialect.
struct Stage {
    logins: [String; 3],
    people: [OktaId; 3],
    group: Pushed,
    name: String,
    team: String,
}

impl Stage {
    async fn set(okta: &Tenant) -> Self {
        let dialect = okta.engine.habits().dialect;
        let (team, name) = (format!("{dialect:?}"), format!("Group {dialect:?}"));
        let logins = ["one", "two", "three"].map(|first| okta.login(first));
        let (one, two) = (okta.hire(&logins[0]).await, okta.hire(&logins[1]).await);
        let three = okta.profile("three");
        let three = okta.sim.org().create_user(three, true).unwrap();
        let group = okta.push_mapped(&name, &team, &[one]).await;
        let stage = Self {
            logins,
            people: [one, two, three],
            group,
            name,
            team,
        };
        stage.holds(okta, &[0]).await;
        stage
    }

    /// Holds who is in the group and in its team: SCIM GET, membership, audit.
    #[track_caller]
    fn holds<'a>(
        &'a self,
        okta: &'a Tenant,
        members: &[usize],
    ) -> impl Future<Output = ()> + use<'a> {
        let logins: Vec<&str> = members.iter().map(|at| self.logins[*at].as_str()).collect();
        let group = okta.daemon.holds_group(&self.group.id, &logins);
        let team = okta.daemon.holds_team(&self.team, &logins);
        async move {
            group.await;
            team.await;
        }
    }
}
