//! The demo's cast: believable people and groups, the same for the same seed.

use std::sync::Arc;

use super::{Habits, OktaId, Org, Profile};
use crate::model::random::{Random, SeededRandom};
use crate::model::time::Clock;

const FIRST_NAMES: &[&str] = &[
    "Amara", "Anders", "Anika", "Arjun", "Astrid", "Bashir", "Beatriz", "Bruno", "Camille",
    "Carlos", "Chidi", "Chloe", "Dalia", "Daniel", "Davide", "Elena", "Emeka", "Emil", "Fatima",
    "Felix", "Freya", "Gabriel", "Giulia", "Hana", "Hannes", "Ibrahim", "Ines", "Ingrid", "Ivan",
    "Jamal", "Jana", "Jonas", "Julia", "Kaito", "Karin", "Kwame", "Laila", "Lars", "Leonie",
    "Liam", "Lucia", "Malik", "Marta", "Mateo", "Mei", "Milan", "Mira", "Nadia", "Niklas", "Noor",
    "Olga", "Omar", "Oscar", "Paula", "Pavel", "Priya", "Rafael", "Rana", "Rosa", "Samir", "Sanna",
    "Sofia", "Stefan", "Tariq", "Teresa", "Thandi", "Tomas", "Uma", "Viktor", "Wanda", "Yara",
    "Yusuf", "Zoe",
];

const LAST_NAMES: &[&str] = &[
    "Abebe",
    "Almeida",
    "Andersson",
    "Bakker",
    "Banerjee",
    "Becker",
    "Bianchi",
    "Brandt",
    "Castillo",
    "Chen",
    "Costa",
    "Dahl",
    "Diallo",
    "Duarte",
    "Eriksen",
    "Farah",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Grant",
    "Haddad",
    "Hansen",
    "Hoffmann",
    "Ibarra",
    "Ito",
    "Jansen",
    "Kaya",
    "Keller",
    "Khan",
    "Kowalska",
    "Larsen",
    "Laurent",
    "Lindqvist",
    "Lopez",
    "Marino",
    "Mbeki",
    "Mehta",
    "Meyer",
    "Moreau",
    "Nakamura",
    "Ndiaye",
    "Nguyen",
    "Novak",
    "Nowak",
    "Okafor",
    "Olsen",
    "Osei",
    "Park",
    "Pereira",
    "Petrov",
    "Rahman",
    "Rossi",
    "Santos",
    "Sato",
    "Schmidt",
    "Silva",
    "Singh",
    "Sorensen",
    "Suzuki",
    "Tanaka",
    "Torres",
    "Varga",
    "Virtanen",
    "Wagner",
    "Weber",
    "Yilmaz",
    "Zhang",
];

const GROUPS: &[(&str, &str, &str)] = &[
    ("Platform Admins", "Run the platform", "Platform"),
    ("Platform Engineering", "Build the platform", "Platform"),
    ("API Owners", "Own the published APIs", "Product"),
    ("API Viewers", "Read the published APIs", "Product"),
    ("Data Engineering", "Pipelines and warehouse", "Data"),
    ("Security", "Security and compliance", "Security"),
    ("Site Reliability", "On call", "Platform"),
    ("Mobile", "The mobile applications", "Product"),
    ("Payments", "The payments service", "Product"),
    ("Partner Integrations", "Work with partners", "Partners"),
    ("Finance", "Finance and controlling", "Finance"),
    ("Contractors", "People on a contract", "Partners"),
];

const TITLES: &[&str] = &[
    "Engineer",
    "Senior Engineer",
    "Lead",
    "Analyst",
    "Manager",
    "Architect",
    "Specialist",
];

impl Org {
    /// An org of `people` active people and `groups` groups. With `rollout` all are assigned to the app and every group
    /// but the last is pushed; without it the app's provisioning is off and nobody is assigned yet. The same seed on the
    /// same clock makes the same org.
    pub fn seeded(
        seed: u64,
        people: usize,
        groups: usize,
        rollout: bool,
        clock: Arc<dyn Clock>,
        habits: Habits,
    ) -> Self {
        let mut org = Self::new(clock, Arc::new(SeededRandom::new(seed)), habits);
        let group_ids: Vec<OktaId> = (0..groups).map(|index| org.cast_group(index)).collect();
        let assigned = org.create_group("rosterd users", "Everybody who may use rosterd");
        // Assigned first, so that every member is assigned as they come in. It is not pushed: the same group for both
        // is unsupported.
        if rollout {
            let _present = org.assign_group(assigned);
        } else {
            org.set_provisioning(false);
        }
        for _ in 0..people {
            let Some(person) = org.hire() else { continue };
            let _present = org.add_member(assigned, person);
            for group in pick(&group_ids, org.random.clone().as_ref()) {
                let _present = org.add_member(group, person);
            }
        }
        let pushed = if rollout {
            groups.saturating_sub(1).max(1)
        } else {
            0
        };
        for group in group_ids.iter().take(pushed) {
            let _mapping = org.push_group(*group);
        }
        org
    }

    /// Hires somebody new with a name nobody has yet; `None` only if no free login was found.
    pub fn hire(&mut self) -> Option<OktaId> {
        let random = Arc::clone(&self.random);
        for attempt in 0..50 {
            let (first, last) = (
                choose(FIRST_NAMES, random.as_ref()),
                choose(LAST_NAMES, random.as_ref()),
            );
            let suffix = if attempt < 5 {
                String::new()
            } else {
                random.below(100_000).to_string()
            };
            let login = format!(
                "{}.{}{suffix}@example.test",
                first.to_lowercase(),
                last.to_lowercase()
            );
            if self.user_by_login(&login).is_some() {
                continue;
            }
            let (_, _, department) =
                GROUPS[usize::try_from(random.below(GROUPS.len() as u64)).unwrap_or(0)];
            let profile = Profile::new(&login, first, last)
                .with("title", choose(TITLES, random.as_ref()))
                .with("department", department)
                .with("employeeNumber", &format!("{:05}", random.below(100_000)))
                .with("locale", "en-US");
            return self.create_user(profile, true).ok();
        }
        None
    }

    fn cast_group(&mut self, index: usize) -> OktaId {
        let (name, description, _) = GROUPS[index % GROUPS.len()];
        if index < GROUPS.len() {
            self.create_group(name, description)
        } else {
            self.create_group(&format!("{name} {}", index / GROUPS.len() + 1), description)
        }
    }
}

fn choose(list: &[&'static str], random: &dyn Random) -> &'static str {
    let index = usize::try_from(random.below(list.len() as u64)).unwrap_or(0);
    list.get(index).copied().unwrap_or("Anna")
}

/// One to three of the groups.
fn pick(groups: &[OktaId], random: &dyn Random) -> Vec<OktaId> {
    if groups.is_empty() {
        return Vec::new();
    }
    (0..=random.below(3))
        .filter_map(|_| {
            groups
                .get(usize::try_from(random.below(groups.len() as u64)).unwrap_or(0))
                .copied()
        })
        .collect()
}
