-- Without statistics SQLite takes `scim = 1` for a good choice and walks everybody SCIM can see, whatever a filter asks for. Partial
-- indexes serve the lists in order of creation, and leave each filter to the index of its own attribute.
DROP INDEX users_scim;
CREATE INDEX users_seen ON users (seq) WHERE scim = 1 AND deleting = 0;
DROP INDEX idp_groups_scim;
CREATE INDEX idp_groups_seen ON idp_groups (seq) WHERE scim = 1;

-- The guard asks for the lines of the few objects a change touches, not for the whole window (R9).
CREATE INDEX guard_log_object ON guard_log (kind, object, at);
