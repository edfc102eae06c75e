-- /status asks for the last good run of a kind, and since when its runs fail: not by walking all of the history.
CREATE INDEX runs_kind ON runs (kind, began_at);
