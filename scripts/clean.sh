#!/usr/bin/env bash
# Removes this clone's build, Python environment and logs from the caches.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
for mark in "$CACHE"/*/clone-path; do
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$ROOT" ]; then
        say "removing $(dirname "$mark")"
        rm -rf "$(dirname "$mark")"
    fi
done
[ ! -L "$ROOT/.venv" ] || rm "$ROOT/.venv"
