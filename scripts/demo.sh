#!/usr/bin/env bash
# The main job on real input: every file of a folder becomes a durable task, on a file and through a server.
# Then a shop takes stock, drawn in the terminal, and the console stays open on its orders, until Ctrl-C. What was made
# is removed.
#
#   scripts/demo.sh [FOLDER]     the sources of this repository when none is named
#
# DEMO_SECONDS= is how long the console stays open; without a terminal 5 s when it is not set.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
folder=${1:-}
if [ -n "$folder" ] && [ ! -d "$folder" ]; then
    say "demo: $folder is no folder" >&2
    exit 2
fi
seconds=${DEMO_SECONDS:-}
if [ -z "$seconds" ] && ! { [ -t 0 ] && [ -t 1 ]; }; then
    seconds=5
fi
if [ -n "$seconds" ] && ! [[ $seconds =~ ^[0-9]+([.][0-9]+)?$ ]]; then
    say "demo: DEMO_SECONDS is no number of seconds: $seconds" >&2
    exit 2
fi

"$ROOT/scripts/setup.sh" console python
place=$CACHE/demo-$KEY
rm -rf "$place"
mkdir -p "$place"
# Ctrl-C is for what runs then; this script only clears away after it.
trap 'rm -rf "$place"' EXIT
trap : INT
printf '%s' "$ROOT" >"$place/clone-path"

if [ -z "$folder" ]; then
    # A copy of the sources: what a build or an editor leaves beside them is not counted.
    folder=$place/files
    mkdir "$folder"
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -z | while IFS= read -r -d '' file; do
            [ ! -f "$file" ] || printf '%s\0' "$file"
        done
    else
        find . -type f -not -path './.*' -print0
    fi | tar --null -T - -cf - | tar -xf - -C "$folder"
fi
"$VENV/bin/python" examples/python/files/main.py "$folder" --place "$place"

say
say "and a shop: its stocktake as it goes on, its orders in the console of its server"
"$VENV/bin/python" examples/python/shop/main.py --store "sqlite:$place/served.db" --logs "$place" \
    ${seconds:+--seconds "$seconds"}
