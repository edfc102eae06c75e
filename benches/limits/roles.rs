//! What this program plays beside the benchmark: the simulated Okta, and a bare HTTP server.

use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use rosterd::sim::org::Profile;
use rosterd::sim::{Sim, SimConfig};

/// Plays a role until its input ends.
pub(crate) fn play(role: &str, args: &[String]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let number = |place: usize| args[place].parse::<usize>().expect("a number");
    match role {
        "role-okta" => {
            let sim = runtime.block_on(okta(number(0), number(1), number(2)));
            let app = sim.org().app().id;
            println!("{} {} {app}", sim.base_url(), sim.ssws_token());
            for line in std::io::stdin().lines() {
                if line.is_ok_and(|line| line == "requests") {
                    let requests = sim.requests();
                    sim.forget_requests();
                    println!("{}", requests.len());
                    for request in requests {
                        println!("{request}");
                    }
                }
            }
        }
        "role-hello" => {
            let address = runtime.block_on(hello(number(0)));
            println!("{address}");
            // Ends with the benchmark, which holds the other end.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
        }
        other => panic!("there is no role {other}"),
    }
}

/// An org whose people are all assigned, each in as many groups as everybody else.
async fn okta(people: usize, groups: usize, members: usize) -> Sim {
    let sim = Sim::start(SimConfig::default())
        .await
        .expect("a simulated Okta");
    {
        let mut org = sim.org();
        org.set_provisioning(false);
        let everybody: Vec<_> = (0..people)
            .map(|n| {
                let login = format!("person.{n}@example.test");
                let profile = Profile::new(&login, &format!("Person{n}"), "Okafor")
                    .with("department", "Engineering")
                    .with("title", "Engineer");
                let user = org.create_user(profile, true).expect("a person");
                org.assign_user(user).expect("an assignment");
                user
            })
            .collect();
        for group in 0..groups {
            let id = org.create_group(&group_name(group), "A group to be polled");
            // Each group begins where the one before ended, so that everybody is in as many.
            for place in 0..members.min(people) {
                let person = everybody[(group * members + place) % people];
                org.add_member(id, person).expect("a member");
            }
        }
    }
    sim
}

/// The name of the simulated org's group with this number.
pub(crate) fn group_name(number: usize) -> String {
    format!("Polled {number:04}")
}

/// A server that answers every GET with a body of this length and does nothing else.
async fn hello(length: usize) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let body = "x".repeat(length);
    let router = Router::new().fallback(get(async move || body.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Makes a file one that nobody else reads.
pub(crate) fn only_ours(file: &Path) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}
