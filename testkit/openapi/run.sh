#!/usr/bin/env bash
# A fuzzing client reads the description of a real server and asks it everything: no 500, no status, content
# type or shape that the description does not know, what is wrong refused and what is right taken.
#
#   testkit/openapi/run.sh [SEED [SECONDS]]      1 and 75 when left out
#
# The client lives in an environment of its own, outside the clone. Server and client are on loopback, and both
# are gone at the end.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
here=$ROOT/testkit/openapi
seed=${1:-1}
seconds=${2:-75}

client=$CACHE/openapi-$KEY
wanted=$({ cat "$here/requirements.txt" && "$PYTHON" --version; } | cksum)
if [ ! -f "$client/installed" ] || [ "$(cat "$client/installed")" != "$wanted" ]; then
    say "openapi: installing the client"
    "$PYTHON" -m venv --clear "$client"
    printf '%s' "$ROOT" >"$client/clone-path"
    "$client/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    printf '%s' "$wanted" >"$client/installed"
fi

folder=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
"$CARGO_TARGET_DIR/debug/windlass" serve --store memory: --listen 127.0.0.1:0 >"$folder/said" 2>"$folder/log" &
server=$!
for _ in $(seq 100); do
    url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$folder/said" "$folder/log" -h | head -n 1) && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [ -z "${url:-}" ]; then
    cat "$folder/said" "$folder/log" >&2
    say "openapi: the server did not start" >&2
    exit 1
fi

cd "$folder"
env -u HTTP_PROXY -u http_proxy -u ALL_PROXY -u all_proxy \
    PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks \
    "$client/bin/st" --config-file "$here/schemathesis.toml" run "$url/api/v1/openapi.json" --url "$url" \
    --workers 1 --no-color --seed "$seed" --max-time "$seconds" --request-timeout 10
kill -0 "$server" || {
    say "openapi: the server is gone" >&2
    tail -n 20 "$folder/log" >&2
    exit 1
}
if grep -q "panicked at" "$folder/log"; then
    grep -A5 "panicked at" "$folder/log" >&2
    exit 1
fi
