#!/usr/bin/env bash
# The benchmark: builds what it needs in the release profile and measures, workers of Python and of Node
# included, in about three minutes once built. Arguments are passed on; `benches/run.sh --help` lists them.
#
# With `--only http` it measures what goes through a server, with wrk, which it installs as root on Debian.
#
# With `--long` it measures what takes longer: peers, which it installs first, a file with a million finished
# tasks, memory, idle workers. A peer that cannot be installed ends the run.
#
# The databases lie in a folder of their own beside the build: on a disk, not in memory.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
cd "$ROOT"

packages=(-p windlass-benches)
http=0
case " $* " in
    *http*)
        http=1
        packages+=(-p windlass-server)
        if ! command -v wrk >/dev/null && [ "$(id -u)" = 0 ] && [ -z "${WINDLASS_NO_APT:-}" ] && command -v apt-get >/dev/null; then
            say "bench: installing the Debian package wrk"
            { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq wrk; } </dev/null >/dev/null 2>&1 || true
            hash -r
        fi
        if ! command -v wrk >/dev/null; then
            say "bench: wrk is missing: apt-get install wrk" >&2
            exit 1
        fi
        ;;
esac
with_python=0
if command -v "$PYTHON" >/dev/null; then
    packages+=(-p windlass-python)
    with_python=1
else
    say "bench: $PYTHON is missing: Python's workers are left out" >&2
fi
with_node=0
if command -v node >/dev/null && command -v npm >/dev/null; then
    packages+=(-p windlass-node)
    with_node=1
    [ -d bindings-node/node_modules/typescript ] || npm ci --prefix bindings-node --no-audit --no-fund --loglevel=error </dev/null
else
    say "bench: node or npm is missing: what Node does is left out" >&2
fi
cargo build --release --locked "${packages[@]}"

folder=$(mktemp -d "$CARGO_TARGET_DIR/bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
case $(stat -f -c %T "$folder" 2>/dev/null || true) in
    tmpfs | ramfs)
        say "bench: $CARGO_TARGET_DIR lies in memory; set CARGO_TARGET_DIR to a folder on a disk" >&2
        exit 1
        ;;
esac

arguments=(--dir "$folder")
if [ $with_python = 1 ]; then
    # A copy of the package with the module of this profile: the clone's own holds the debug build.
    mkdir "$folder/python"
    cp -R bindings-python/python/windlass "$folder/python/"
    rm -f "$folder/python/windlass/_native".*so "$folder/python/windlass/_native.pyd"
    for library in libwindlass_python.so:_native.abi3.so libwindlass_python.dylib:_native.abi3.so windlass_python.dll:_native.pyd; do
        built=$CARGO_TARGET_DIR/release/${library%%:*}
        [ ! -f "$built" ] || cp "$built" "$folder/python/windlass/${library##*:}"
    done
    export PYTHONPATH=$folder/python PYTHONDONTWRITEBYTECODE=1
    arguments+=(--python "$(command -v "$PYTHON")" --python-worker "$ROOT/benches/python_worker.py")
    say "$(cargo --version | cut -d' ' -f1,2 | sed 's/cargo/Rust/'), $("$PYTHON" --version)"
fi
if [ $with_node = 1 ]; then
    # The package with the addon of this profile, and compiled from what is here now.
    mkdir "$folder/node"
    cp bindings-node/package.json bindings-node/native.cjs "$folder/node/"
    bindings-node/node_modules/.bin/tsc -p bindings-node/tsconfig.esm.json --outDir "$folder/node/dist/esm"
    for library in libwindlass_node.so libwindlass_node.dylib windlass_node.dll; do
        built=$CARGO_TARGET_DIR/release/$library
        [ ! -f "$built" ] || cp "$built" "$folder/node/windlass.node"
    done
    arguments+=(--node-package "$folder/node" --node-work "$ROOT/benches/node_work.mjs")
    say "Node $(node --version)"
fi
for argument in "$@"; do
    if [ "$argument" = --long ] && [ $http = 0 ]; then
        peers=$("$ROOT/benches/peers/install.sh")
        arguments+=(--peers "$peers" --peer-programs "$ROOT/benches/peers" --rounds 3 --within 1200)
        say "node $(node --version), $(sed 's/.*"\(plainjob\|better-sqlite3\)": "\(.*\)".*/\1 \2/;t;d' benches/peers/package.json | paste -sd, | sed 's/,/, /'), $(grep '^huey' benches/peers/requirements.txt)"
    elif [ "$argument" = --long ]; then
        arguments+=(--rounds 1)
    fi
done
"$CARGO_TARGET_DIR/release/windlass-bench" "${arguments[@]}" "$@"
