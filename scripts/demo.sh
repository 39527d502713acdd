#!/usr/bin/env bash
# The main job on real input: every file of a folder becomes a durable task, on a file and through a server.
#
#   scripts/demo.sh [FOLDER]     the sources of this repository when none is named
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
folder=${1:-}
if [ -n "$folder" ] && [ ! -d "$folder" ]; then
    say "demo: $folder is no folder" >&2
    exit 2
fi

"$ROOT/scripts/setup.sh" python
place=$CACHE/demo-$KEY
rm -rf "$place"
mkdir -p "$place"
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
exec "$VENV/bin/python" examples/python/files/main.py "$folder" --place "$place"
