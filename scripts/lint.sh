#!/usr/bin/env bash
# Formatting, lints and types; closes with the line `N passed, N failed`.
set -uo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT" || exit 1
trap 'exit 130' INT

"$ROOT/scripts/setup.sh" python node console || {
    say "0 passed, 1 failed"
    exit 1
}
# shellcheck source=scripts/tally.sh
. "$ROOT/scripts/tally.sh"

check one "cargo fmt" cargo fmt --all --check
check one "clippy, warnings denied" cargo clippy --workspace --all-targets --locked -- -D warnings
for part in rest engine rules dynamic worker; do
    check one "clippy, what a browser loads: $part" cargo clippy --locked -p windlass-wasm --features "$part" \
        --target wasm32-unknown-unknown -- -D warnings
done
check one "ruff check" "$VENV/bin/python" -m ruff check .
check one "ruff format" "$VENV/bin/python" -m ruff format --check .
check one "mypy, the package" "$VENV/bin/python" -m mypy --config-file bindings-python/pyproject.toml
export MYPYPATH=bindings-python/python
check one "mypy, the scripts" "$VENV/bin/python" -m mypy --strict scripts spec
check one "mypy, the examples" "$VENV/bin/python" -m mypy --strict examples/python/files
check one "mypy, the shop" "$VENV/bin/python" -m mypy --strict examples/python/shop
check one "tsc, the package for Node" npm run --silent --prefix bindings-node check
check one "tsc, the package for browsers" npm run --silent --prefix bindings-wasm check
check one "tsc, the console" npm run --silent --prefix console check
finish
