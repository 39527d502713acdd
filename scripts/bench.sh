#!/usr/bin/env bash
# The benchmark, in the release profile; arguments are passed on.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
"$ROOT/scripts/setup.sh" check
exec cargo run --release --locked -p windlass-benches -- "$@"
