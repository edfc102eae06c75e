#!/usr/bin/env bash
# Runs scim2-tester, through scim2-cli, against a daemon on a new and empty store, and fails unless at least 130 checks
# succeeded and none did anything else. Not part of .ci/run, which must not depend on what PyPI serves that day.
#
# tests/scim2-tester.sh [PROGRAM]    PROGRAM: target/debug/rosterd
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rosterd=${1:-target/debug/rosterd}
folder=$(mktemp -d)
daemon=
stop() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

# SCIM2 names an installed scim2 program.
scim2=${SCIM2:-}
if [ -z "$scim2" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet scim2-cli
    scim2=$folder/venv/bin/scim2
fi

export ROSTERD__STORE__URL=sqlite://$folder/rosterd.db
export ROSTERD__SERVER__LISTEN=127.0.0.1:${PORT:-18443}
"$rosterd" serve >"$folder/daemon.log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
    curl -fs "http://$ROSTERD__SERVER__LISTEN/readyz" >/dev/null && break
    kill -0 "$daemon" 2>/dev/null || { cat "$folder/daemon.log" >&2; exit 1; }
    sleep 0.1
done

# By the environment: other users of the machine can see arguments.
SCIM_CLI_HEADERS="Authorization: Bearer $("$rosterd" tokens issue --scope scim)"
export SCIM_CLI_HEADERS
"$scim2" --url "http://$ROSTERD__SERVER__LISTEN/scim/v2" test | tee "$folder/checks.log"

# Every check has a line that begins with its status; what follows is indented.
awk '/^[A-Z]+ [a-z_]+$/ { count[$1]++; all++ }
     END { for (status in count) print count[status], status
           exit !(count["SUCCESS"] >= 130 && count["SUCCESS"] == all) }' "$folder/checks.log"
