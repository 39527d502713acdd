#!/usr/bin/env bash
# Every test of every language; closes with the line `N passed, N failed`.
#
#   scripts/test.sh [rust|python|node|web|console|openapi|conformance|checks] ...     all of them when none is named
set -uo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT" || exit 1
trap 'exit 130' INT

"$ROOT/scripts/setup.sh" python node browser console || {
    say "0 passed, 1 failed"
    exit 1
}
# shellcheck source=scripts/tally.sh
. "$ROOT/scripts/tally.sh"
export PATH=$VENV/bin:$PATH
# A build whose console got lost is no build.
export WINDLASS_REQUIRE_CONSOLE=1
# What the runners of vectors report; results of an earlier run prove nothing.
export WINDLASS_RESULTS=$LOGS/conformance
rm -rf "$WINDLASS_RESULTS"
mkdir -p "$WINDLASS_RESULTS"
python=$VENV/bin/python

rust_tests() {
    check cargo "rust tests" cargo test --workspace --locked --no-fail-fast
    check one "core and the client by HTTP build for wasm32" \
        cargo build --locked -p windlass-client --target wasm32-unknown-unknown
}

python_tests() {
    check pytest "python tests" "$python" -m pytest bindings-python -q -rfEsxX --color=no
    check one "20 processes killed, nothing lost" "$CARGO_TARGET_DIR/debug/windlass-crash" \
        run --kills 20 --python "$python" testkit/crash_worker.py
    check one "20 processes and their server killed, nothing lost" "$CARGO_TARGET_DIR/debug/windlass-crash" \
        run --served --kills 20 --python "$python" testkit/crash_worker.py
}

node_tests() {
    check node "node tests" node --test --test-reporter=tap bindings-node/test/*.test.mjs
}

console_tests() {
    check node "console tests" node --test --test-concurrency=2 --test-reporter=tap console/test/*.test.mjs
}

web_tests() {
    # A page that hangs ends its file, and not the run.
    check node "browser tests" node --test --test-concurrency=2 --test-timeout=300000 --test-reporter=tap testkit/browser/test/*.test.mjs \
        bindings-wasm/test/*.test.mjs bindings-wasm/test/*/*.test.mjs
}

openapi() {
    check one "what the server describes holds" testkit/openapi/run.sh
}

conformance() {
    check one "conformance complete" "$python" spec/conformance.py --check
}

checks() {
    check one "generated files are current" "$python" spec/generate.py --check
    check one "directions of imports" "$python" scripts/check_layers.py
    check one "core has no SQL and no HTTP" "$python" scripts/check_core.py
    check one "sizes of files" "$python" scripts/check_sizes.py
    check cases "documents and examples run" "$python" scripts/check_docs.py
    check one "the demo, its shop and its console" env DEMO_SECONDS=6 scripts/demo.sh
}

parts=("$@")
[ $# -gt 0 ] || parts=(rust python node web console openapi conformance checks)
for part in "${parts[@]}"; do
    case $part in
        rust) rust_tests ;;
        python) python_tests ;;
        node) node_tests ;;
        web) web_tests ;;
        console) console_tests ;;
        openapi) openapi ;;
        conformance) conformance ;;
        checks) checks ;;
        *)
            say "test: no such part: $part (rust, python, node, web, console, openapi, conformance, checks)" >&2
            exit 2
            ;;
    esac
done
finish
