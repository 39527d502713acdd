#!/usr/bin/env bash
# Installs the peers that the benchmark is compared with, outside the clone, and prints their folder.
#
# Says exactly what is missing when it cannot: a comparison without its peer is no comparison. Safe to run
# again: what is there already is only looked at.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
here=$ROOT/benches/peers
peers=$CACHE/peers-$KEY

fail() {
    say "peers: $1" >&2
    [ ! -f "${log:-}" ] || tail -n 20 "$log" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null || fail "$PYTHON is missing: apt-get install python3 python3-venv"
command -v node >/dev/null || fail "node 20 or newer is missing: apt-get install nodejs npm"
command -v npm >/dev/null || fail "npm is missing: apt-get install npm"
mkdir -p "$peers"
printf '%s' "$ROOT" >"$peers/clone-path"
log=$peers/install.log

wanted=$({ cat "$here/requirements.txt" "$here/package.json" "$here/package-lock.json" && node --version && "$PYTHON" --version; } | cksum)
if [ -f "$peers/installed" ] && [ "$(cat "$peers/installed")" = "$wanted" ]; then
    say "$peers"
    exit 0
fi

say "peers: installing huey" >&2
rm -rf "$peers/python" "$peers/node"
"$PYTHON" -m venv "$peers/python" >"$log" 2>&1 || fail "no Python environment: apt-get install python3-venv"
"$peers/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" \
    >"$log" 2>&1 || fail "pip could not install huey; $log ends with:"

say "peers: installing plainjob, and building better-sqlite3 (a minute or two)" >&2
mkdir "$peers/node"
cp "$here/package.json" "$here/package-lock.json" "$peers/node/"
# Its install script would download a binary from outside the registry; it is built from source instead.
(cd "$peers/node" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 ||
    fail "npm could not install plainjob; $log ends with:"
gyp=$(npm root -g 2>/dev/null)/npm/node_modules/node-gyp/bin/node-gyp.js
[ -f "$gyp" ] || fail "npm has no node-gyp beside it (looked for $gyp): reinstall npm"
# The headers of this node where its package put them, else node-gyp downloads them.
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
headers=()
[ ! -f "$prefix/include/node/node.h" ] || headers=("--nodedir=$prefix")
(cd "$peers/node/node_modules/better-sqlite3" && node "$gyp" rebuild --release "${headers[@]}") >"$log" 2>&1 ||
    fail "better-sqlite3 could not be built (it needs g++, make and the headers of node: apt-get install \
build-essential libnode-dev); $log ends with:"
(cd "$peers/node" && node -e 'require("better-sqlite3")(":memory:")') >"$log" 2>&1 ||
    fail "better-sqlite3 was built and does not load; $log ends with:"
printf '%s' "$wanted" >"$peers/installed"
say "$peers"
