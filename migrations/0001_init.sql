-- Portable between SQLite and PostgreSQL: TEXT and BIGINT only, booleans 0/1, times in milliseconds UTC, JSON as TEXT.

-- The one row that the whole organization shares.
CREATE TABLE organization (
    id                      BIGINT PRIMARY KEY CHECK (id = 1),
    store_id                TEXT   NOT NULL,
    created_at              BIGINT NOT NULL,
    -- Okta mode (R4): off = 0/1, on = 1/0, hybrid = 1/1.
    idp_mapping_enabled     BIGINT NOT NULL CHECK (idp_mapping_enabled IN (0, 1)),
    konnect_mapping_enabled BIGINT NOT NULL CHECK (konnect_mapping_enabled IN (0, 1)),
    mode_changed_at         BIGINT,
    -- The Okta org whose answers count (R8); null until the first answer.
    okta_org_id             TEXT,
    -- Null: runs apply. Otherwise no run, kick or hook applies before this instant.
    paused_until            BIGINT,
    paused_by               TEXT,
    -- When a SCIM token was first used (R16: from then on the poll creates nobody without app_id).
    scim_used_at            BIGINT,
    version                 BIGINT NOT NULL,
    CHECK (idp_mapping_enabled + konnect_mapping_enabled > 0)
);

-- Orders of creation. A row is numbered in its own transaction, so that no number appears behind one already read.
CREATE TABLE counters (
    name  TEXT   PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE users (
    id                TEXT   PRIMARY KEY,
    seq               BIGINT NOT NULL UNIQUE,
    origin            TEXT   NOT NULL CHECK (origin IN ('okta', 'local')),
    -- SCIM has spoken of him and may see him (R12).
    scim              BIGINT NOT NULL CHECK (scim IN (0, 1)),
    okta_id           TEXT   UNIQUE,
    -- What edges call him: the Okta id, else our id (R11, R15).
    member_key        TEXT   NOT NULL UNIQUE,
    user_name         TEXT   NOT NULL,
    user_name_fold    TEXT   NOT NULL UNIQUE,
    external_id       TEXT,
    display_name      TEXT,
    display_name_fold TEXT,
    given_name        TEXT,
    given_name_fold   TEXT,
    family_name       TEXT,
    family_name_fold  TEXT,
    email             TEXT,
    email_fold        TEXT,
    -- The SCIM attributes as sent (id, meta, active and groups are made when read), and a copy for comparison:
    -- attribute names in lower case, strings folded (R18).
    resource          TEXT   NOT NULL,
    folded            TEXT   NOT NULL,
    password_hash     TEXT,
    -- The three facts of R13, and their effect.
    entitled          BIGINT NOT NULL CHECK (entitled IN (0, 1)),
    status            TEXT,
    blocked           BIGINT NOT NULL CHECK (blocked IN (0, 1)),
    pending           BIGINT NOT NULL CHECK (pending IN (0, 1)),
    active            BIGINT NOT NULL CHECK (active IN (0, 1)),
    -- SCIM deleted him, R5 keeps the row (R12).
    deleting          BIGINT NOT NULL CHECK (deleting IN (0, 1)),
    -- Since when no full run has found him in a mapped group (R16).
    absent_since      BIGINT,
    absent_runs       BIGINT NOT NULL,
    -- Sessions begun, and tokens made, before these instants are void (R13).
    sessions_from     BIGINT NOT NULL,
    tokens_from       BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    version           BIGINT NOT NULL
);
CREATE INDEX users_external_id ON users (external_id);
CREATE INDEX users_display_name ON users (display_name_fold);
CREATE INDEX users_family_name ON users (family_name_fold);
CREATE INDEX users_given_name ON users (given_name_fold);
CREATE INDEX users_email ON users (email_fold);
CREATE INDEX users_updated_at ON users (updated_at);
CREATE INDEX users_scim ON users (scim, seq);

CREATE TABLE user_emails (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ordinal    BIGINT NOT NULL,
    value      TEXT,
    value_fold TEXT,
    type_fold  TEXT,
    is_primary BIGINT NOT NULL CHECK (is_primary IN (0, 1)),
    PRIMARY KEY (user_id, ordinal)
);
CREATE INDEX user_emails_value ON user_emails (value_fold);

-- A group has up to two sides (R17). A row with neither is gone: it stays while mappings point to it and binds nothing new.
CREATE TABLE idp_groups (
    id               TEXT   PRIMARY KEY,
    seq              BIGINT NOT NULL UNIQUE,
    scim             BIGINT NOT NULL CHECK (scim IN (0, 1)),
    scim_name        TEXT,
    scim_name_fold   TEXT,
    external_id      TEXT,
    resource         TEXT   NOT NULL,
    folded           TEXT   NOT NULL,
    okta_id          TEXT   UNIQUE,
    okta_type        TEXT,
    okta_name        TEXT,
    okta_description TEXT,
    okta_source      TEXT,
    okta_created_at  BIGINT,
    -- When its members were last read whole; null: never ("reading", unknown).
    members_read_at  BIGINT,
    joined_by        TEXT   CHECK (joined_by IN ('push_mapping', 'name', 'admin')),
    -- An admin parted them: names do not join them again.
    parted           BIGINT NOT NULL CHECK (parted IN (0, 1)),
    -- A preview asked for its members although no mapping does.
    preview          BIGINT NOT NULL CHECK (preview IN (0, 1)),
    member_count     BIGINT NOT NULL,
    mapping_seq      BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    version          BIGINT NOT NULL
);
CREATE INDEX idp_groups_scim ON idp_groups (scim, seq);
CREATE INDEX idp_groups_scim_name ON idp_groups (scim_name_fold);
CREATE INDEX idp_groups_okta_name ON idp_groups (okta_name);
CREATE INDEX idp_groups_external_id ON idp_groups (external_id);

-- Who is in which IdP group, by users.member_key; the user need not exist (R15).
CREATE TABLE edges (
    group_id TEXT   NOT NULL,
    member   TEXT   NOT NULL,
    channel  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (group_id, member)
);
CREATE INDEX edges_member ON edges (member, group_id);

CREATE TABLE teams (
    id          TEXT   PRIMARY KEY,
    seq         BIGINT NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    description TEXT,
    system_team BIGINT NOT NULL CHECK (system_team IN (0, 1)),
    labels      TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX teams_name ON teams (name);

-- IdP group -> team. `bind_key` is the bound group's id, else '=' and the name as written: (team, bind_key) is unique (R17).
CREATE TABLE mappings (
    id         TEXT   PRIMARY KEY,
    seq        BIGINT NOT NULL UNIQUE,
    team_id    TEXT   NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    group_id   TEXT   REFERENCES idp_groups (id),
    written    TEXT   NOT NULL,
    bind_key   TEXT   NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (team_id, bind_key)
);
CREATE INDEX mappings_group ON mappings (group_id, team_id);
CREATE INDEX mappings_written ON mappings (written);

-- origin okta: follows from edges and mappings, whoever is active and whatever the mode (R1); local: given by an admin.
CREATE TABLE memberships (
    team_id TEXT   NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    origin  TEXT   NOT NULL CHECK (origin IN ('okta', 'local')),
    since   BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id, origin)
);
CREATE INDEX memberships_user ON memberships (user_id, team_id);

-- What a push or poll took and somebody still has (R5, R9). team_id '' : his activity.
CREATE TABLE withheld (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    team_id    TEXT   NOT NULL,
    cause      TEXT   NOT NULL CHECK (cause IN ('last_admin', 'guard')),
    run_id     TEXT,
    kept_by    TEXT,
    since      BIGINT NOT NULL,
    PRIMARY KEY (user_id, team_id, cause)
);
CREATE INDEX withheld_run ON withheld (run_id);
CREATE INDEX withheld_team ON withheld (team_id, user_id);

-- Membership that counts, the one reading of R1.
CREATE VIEW effective_memberships AS
SELECT m.team_id AS team_id, m.user_id AS user_id
  FROM memberships m
  JOIN users u ON u.id = m.user_id
 CROSS JOIN organization o
 WHERE u.active = 1
   AND ((m.origin = 'okta' AND o.idp_mapping_enabled = 1)
     OR (m.origin = 'local' AND (o.konnect_mapping_enabled = 1 OR u.origin = 'local')))
UNION
SELECT w.team_id, w.user_id
  FROM withheld w
  JOIN users u ON u.id = w.user_id
 CROSS JOIN organization o
 WHERE w.team_id <> '' AND u.active = 1 AND o.idp_mapping_enabled = 1;

-- When a push last named an object, kept only while a run or a held plan older than it is left (R7).
-- kind: user (existence), facts, profile (object: member_key) · edge (object: group, member) · members (object: group).
CREATE TABLE stamps (
    kind   TEXT   NOT NULL,
    object TEXT   NOT NULL,
    member TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (kind, object, member)
);
CREATE INDEX stamps_at ON stamps (at);

-- Objects the next run of either kind reads by id (R7). kind: user, group (Okta ids) · login (our user id, looked up by userName).
CREATE TABLE rereads (
    kind   TEXT   NOT NULL,
    object TEXT   NOT NULL,
    reason TEXT   NOT NULL,
    since  BIGINT NOT NULL,
    PRIMARY KEY (kind, object)
);

CREATE TABLE runs (
    id           TEXT   PRIMARY KEY,
    -- full, delta, hook; scim: the open list of what pushes had withheld (R9).
    kind         TEXT   NOT NULL CHECK (kind IN ('full', 'delta', 'hook', 'scim')),
    channel      TEXT   NOT NULL,
    actor        TEXT   NOT NULL,
    dry_run      BIGINT NOT NULL CHECK (dry_run IN (0, 1)),
    state        TEXT   NOT NULL CHECK (state IN ('running', 'applied', 'held', 'approved', 'rejected', 'superseded', 'failed', 'interrupted', 'planned')),
    began_at     BIGINT NOT NULL,
    ended_at     BIGINT,
    epoch        BIGINT NOT NULL,
    -- JSON: counts of what was read, changed, held, skipped; the unknown objects (R8); why it was held.
    summary      TEXT   NOT NULL,
    error        TEXT,
    decided_by   TEXT,
    successor    TEXT
);
CREATE INDEX runs_state ON runs (state, began_at);
CREATE INDEX runs_began ON runs (began_at);

CREATE TABLE run_changes (
    run_id      TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    ordinal     BIGINT NOT NULL,
    -- Names the change whichever run finds it, so that a held or muted one is known again (R9).
    change_key  TEXT   NOT NULL,
    -- The change as JSON (reconcile::Change) and what became of it.
    change      TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    outcome     TEXT   NOT NULL CHECK (outcome IN ('planned', 'applied', 'held', 'muted', 'skipped', 'approved', 'rejected', 'left_out', 'superseded')),
    observed_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);
CREATE INDEX run_changes_key ON run_changes (change_key);

CREATE TABLE mutes (
    change_key TEXT   PRIMARY KEY,
    until      BIGINT NOT NULL,
    run_id     TEXT   NOT NULL
);

-- `rosterd sync` asks the daemon here.
CREATE TABLE sync_requests (
    id         TEXT   PRIMARY KEY,
    kind       TEXT   NOT NULL CHECK (kind IN ('full', 'delta')),
    dry_run    BIGINT NOT NULL CHECK (dry_run IN (0, 1)),
    actor      TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    run_id     TEXT
);

-- Single values of the poller: watermarks, last answers, counts of skipped runs.
CREATE TABLE marks (
    name  TEXT   PRIMARY KEY,
    value TEXT   NOT NULL,
    at    BIGINT NOT NULL
);

-- Who polls; checked in every transaction that applies.
CREATE TABLE lease (
    name       TEXT   PRIMARY KEY,
    holder     TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What left and joined, for the sliding window of R9. class: poll, push, hand.
-- kind user: he was made inactive (delta -1) · team: left (one row each) or joined (a sum) · group: edges that went (a sum).
CREATE TABLE guard_log (
    id      TEXT   PRIMARY KEY,
    at      BIGINT NOT NULL,
    class   TEXT   NOT NULL CHECK (class IN ('poll', 'push', 'hand')),
    kind    TEXT   NOT NULL CHECK (kind IN ('user', 'team', 'group')),
    object  TEXT   NOT NULL,
    user_id TEXT   NOT NULL,
    delta   BIGINT NOT NULL,
    counted BIGINT NOT NULL CHECK (counted IN (0, 1))
);
CREATE INDEX guard_log_at ON guard_log (at);

-- Problems that no other row tells of (identity_conflict, group_ambiguous, guard_push, …).
CREATE TABLE problems (
    code   TEXT   NOT NULL,
    object TEXT   NOT NULL,
    detail TEXT   NOT NULL,
    since  BIGINT NOT NULL,
    PRIMARY KEY (code, object)
);

CREATE TABLE tokens (
    id           TEXT   PRIMARY KEY,
    scope        TEXT   NOT NULL CHECK (scope IN ('scim', 'status', 'manage')),
    name         TEXT   NOT NULL,
    -- SHA-256 of the whole token in hex; the token itself is nowhere.
    hash         TEXT   NOT NULL UNIQUE,
    created_by   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);

CREATE TABLE audit (
    id          TEXT   PRIMARY KEY,
    at          BIGINT NOT NULL,
    channel     TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    object_kind TEXT   NOT NULL,
    object_id   TEXT   NOT NULL,
    before      TEXT,
    after       TEXT,
    request_id  TEXT
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object_kind, object_id, at);

CREATE TABLE scim_requests (
    id          TEXT   PRIMARY KEY,
    at          BIGINT NOT NULL,
    token_id    TEXT,
    method      TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    status      BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    skipped     TEXT   NOT NULL,
    error       TEXT,
    request_id  TEXT
);
CREATE INDEX scim_requests_at ON scim_requests (at);

-- The predefined teams; their ids are fixed so that every store has the same.
INSERT INTO counters (name, value) VALUES ('users', 0), ('groups', 0), ('teams', 8), ('mappings', 0);
INSERT INTO teams (id, seq, name, description, system_team, labels, created_at, updated_at, version) VALUES
    ('01800000-0000-7000-8000-000000000001', 1, 'organization-admin', 'Organization Admin: full control of every entity and of the organization''s settings.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000002', 2, 'organization-admin-readonly', 'Organization Admin (Read Only): sees everything in the organization and changes nothing.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000003', 3, 'control-plane-admin', 'Control Plane Admin: creates and manages control planes.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000004', 4, 'portal-admin', 'Portal Admin: manages the content, settings and service links of every Dev Portal.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000005', 5, 'analytics-admin', 'Analytics Admin: makes, edits and deletes reports and dashboards and sees the summary.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000006', 6, 'analytics-viewer', 'Analytics Viewer: sees the analytics summary, dashboards and reports.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000007', 7, 'api-product-admin', 'API Product Admin: creates and manages API products and publishes their versions.', 1, '{}', 0, 0, 1),
    ('01800000-0000-7000-8000-000000000008', 8, 'api-product-developer', 'API Product Developer: creates and manages versions of API products.', 1, '{}', 0, 0, 1);
