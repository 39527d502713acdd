#!/usr/bin/env bash
# Makes this clone ready to build, run and test; says exactly what is missing when it cannot.
#
#   scripts/setup.sh [check|build|tools|python|node|wasm|web|browser|console] ...
#
# check:  looks for a Rust toolchain and a C compiler
# build:  a Rust toolchain and a C compiler, and everything compiled (debug profile)
# tools:  a Python environment with the tools of the tests
# python: build, tools, and the package of this clone in the environment
# node:   build, and the package for Node of this clone, compiled
# wasm:   the wasm32-unknown-unknown target
# web:    wasm, and the package for browsers of this clone, compiled
# browser: Chromium, and what drives it in tests
# console: web, and the console, which a build of the server embeds
#
# Safe to run again: what is there already is only looked at. Missing Debian packages are installed when
# run as root (not with WINDLASS_NO_APT=1); otherwise the command that installs them is printed.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"

missing=()    # what is missing, one line each, with what to do
packages=()   # Debian packages that would mend it

at_least() { # at_least 1.95 1.104.2
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

look() {
    missing=() packages=()
    local found
    if ! command -v cargo >/dev/null; then
        missing+=("cargo (Rust $MINIMUM_CARGO or newer): install it from https://rustup.rs and open a new shell")
    else
        # rustup without a toolchain has a cargo that only complains.
        found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || found=none
        at_least "$MINIMUM_CARGO" "$found" ||
            missing+=("cargo $MINIMUM_CARGO or newer (found $found): rustup update stable (see https://rustup.rs)")
    fi
    # rustc links with cc, and the bundled SQLite is C.
    if ! command -v cc >/dev/null; then
        missing+=("a C compiler named cc: apt-get install gcc libc6-dev")
        packages+=(gcc libc6-dev)
    fi
    if [ "$want_python" = 1 ]; then
        if ! command -v "$PYTHON" >/dev/null; then
            if [ "$PYTHON" = python3 ]; then
                missing+=("Python $MINIMUM_PYTHON or newer: apt-get install python3 python3-venv")
                packages+=(python3 python3-venv)
            else
                missing+=("$PYTHON, which PYTHON names")
            fi
        else
            found=$("$PYTHON" -c 'import platform; print(platform.python_version())')
            if ! at_least "$MINIMUM_PYTHON" "$found"; then
                missing+=("Python $MINIMUM_PYTHON or newer ($PYTHON is $found): set PYTHON=/path/to/python3")
            elif ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
                missing+=("the venv module of $PYTHON: apt-get install python3-venv")
                packages+=(python3-venv)
            fi
        fi
    fi
    [ "$((want_node + want_browser + want_console))" = 0 ] || look_for_node
    [ "$want_browser" = 0 ] || look_for_browser
}

look_for_node() {
    local found
    if ! command -v node >/dev/null; then
        missing+=("Node.js $MINIMUM_NODE or newer: apt-get install nodejs npm, or https://nodejs.org")
        packages+=(nodejs npm)
        return
    fi
    found=$(node --version 2>/dev/null) || found=none
    at_least "$MINIMUM_NODE" "${found#v}" ||
        missing+=("Node.js $MINIMUM_NODE or newer (found $found): see https://nodejs.org")
    if ! command -v npm >/dev/null; then
        missing+=("npm, which comes with Node.js: apt-get install npm")
        packages+=(npm)
    fi
}

look_for_browser() {
    if [ -n "${CHROMIUM:-}" ]; then
        [ -x "$CHROMIUM" ] || missing+=("$CHROMIUM, which CHROMIUM names")
    elif ! command -v chromium chromium-browser google-chrome >/dev/null; then
        missing+=("Chromium, for tests: apt-get install chromium, or set CHROMIUM=/path/to/chromium")
        packages+=(chromium)
    fi
}

refuse_if_missing() {
    look
    if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && [ -z "${WINDLASS_NO_APT:-}" ] && command -v apt-get >/dev/null; then
        say "setup: installing Debian packages: ${packages[*]}"
        if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}"; } </dev/null >"$CACHE/apt.log" 2>&1; then
            say "setup: apt-get failed; the end of $CACHE/apt.log:" >&2
            tail -n 5 "$CACHE/apt.log" >&2
        fi
        hash -r
        look
    fi
    [ ${#missing[@]} -eq 0 ] && return
    {
        say "setup: this machine lacks:"
        printf '  - %s\n' "${missing[@]}"
    } >&2
    exit 1
}

# Environments and builds of clones that are gone.
forget_gone_clones() {
    local mark
    for mark in "$CACHE"/*/clone-path; do
        [ -f "$mark" ] || continue
        [ -d "$(cat "$mark")" ] || rm -rf "$(dirname "$mark")"
    done
}

mark_own() {
    mkdir -p "$1"
    printf '%s' "$ROOT" >"$1/clone-path"
}

build() {
    # A target directory given by the caller may hold another clone's build of these very packages.
    if [ -f "$CARGO_TARGET_DIR/clone-path" ] && [ "$(cat "$CARGO_TARGET_DIR/clone-path")" != "$ROOT" ]; then
        rm -rf "$CARGO_TARGET_DIR"/*/.fingerprint/windlass* "$CARGO_TARGET_DIR"/*/*/.fingerprint/windlass*
    fi
    mark_own "$CARGO_TARGET_DIR"
    say "setup: cargo build --workspace (into $CARGO_TARGET_DIR)"
    cargo build --workspace --locked
}

python_environment() {
    local stamp wanted
    stamp=$VENV/windlass-requirements
    wanted=$(cksum <bindings-python/requirements-dev.txt)
    # An interpreter that was removed leaves a dangling link behind.
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || ! "$VENV/bin/python" -c '' 2>/dev/null; then
        say "setup: Python environment (in $VENV)"
        "$PYTHON" -m venv --clear --prompt windlass "$VENV"
        mark_own "$VENV"
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
            --requirement bindings-python/requirements-dev.txt
        printf '%s' "$wanted" >"$stamp"
    fi
    # `source .venv/bin/activate` is what people know; a folder of that name is somebody's own.
    if [ -L .venv ] || [ ! -e .venv ]; then
        ln -sfn "$VENV" .venv
    fi
}

# What the lock file of a folder names, installed there; nothing when it is.
npm_ci() {
    local stamp=$1/node_modules/windlass-lock wanted
    wanted=$(cksum <"$1/package-lock.json")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
    say "setup: npm ci (in $1)"
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
    printf '%s' "$wanted" >"$stamp"
}

node_package() {
    npm_ci bindings-node
    node bindings-node/build/place-native.mjs >/dev/null
    # Compiled again only when something is newer than what the compile wrote last.
    local last=bindings-node/dist/cjs/package.json
    if [ ! -f "$last" ] || [ -n "$(find bindings-node/ts bindings-node/build bindings-node/*.json -newer "$last" -print -quit)" ]; then
        say "setup: npm run build (in bindings-node)"
        npm run --silent --prefix bindings-node build </dev/null
    fi
    # The same check a user's first line makes: the package loads.
    (cd bindings-node && node -e 'require("windlass")')
}

# The modules of the browser package, in bindings-wasm/dist/wasm. Each is a link of a whole program, so what was
# built of the same sources is taken from the cache.
wasm_modules() {
    local to=bindings-wasm/dist/wasm kept=$CACHE/wasm-$KEY wanted
    local sources=(Cargo.{toml,lock} {core,client-rest,bindings-json,bindings-wasm}/{Cargo.toml,src} bindings-wasm/bindgen bindings-wasm/build/wasm.mjs)
    wanted=$({
        rustc --version
        find "${sources[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum
    } | cksum)
    [ -f "$to/sources" ] && [ "$(cat "$to/sources")" = "$wanted" ] && return
    if [ ! -f "$kept/sources" ] || [ "$(cat "$kept/sources")" != "$wanted" ]; then
        say "setup: node bindings-wasm/build/wasm.mjs (into bindings-wasm/dist)"
        # It fails above the size that a module may have.
        node bindings-wasm/build/wasm.mjs </dev/null
        mark_own "$kept"
        cp "$to"/*.js "$to"/*.wasm "$kept"
        printf '%s' "$wanted" >"$kept/sources"
    fi
    mkdir -p "$to"
    cp "$kept"/*.js "$kept"/*.wasm "$kept/sources" "$to"
}

web_package() {
    wasm_modules
    npm_ci bindings-wasm
    local last=bindings-wasm/dist/.compiled newer=(bindings-wasm/ts bindings-node/ts bindings-wasm/build/assemble.mjs bindings-wasm/package.json bindings-wasm/tsconfig.json)
    if [ ! -f "$last" ] || [ -n "$(find "${newer[@]}" -newer "$last" -print -quit)" ]; then
        say "setup: npm run build (in bindings-wasm)"
        npm run --silent --prefix bindings-wasm build </dev/null
        touch "$last"
    fi
}

# The console's page and its files, in console/dist. It imports the package for browsers.
console_page() {
    npm_ci console
    # Built again only when something is newer than what the build wrote last.
    local last=console/dist/.built newer=(console bindings-wasm/dist)
    if [ ! -f "$last" ] || [ -n "$(find "${newer[@]}" \( -name node_modules -o -path console/dist -o -path console/test \) -prune -o -type f -newer "$last" -print -quit)" ]; then
        say "setup: npm run build (in console)"
        npm run --silent --prefix console build </dev/null
        node scripts/compress.mjs console/dist
        touch "$last"
    fi
}

wasm_target() {
    local lib
    lib=$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib
    [ -d "$lib" ] && return
    if ! command -v rustup >/dev/null; then
        say "setup: the Rust target wasm32-unknown-unknown is missing, and there is no rustup to add it: see https://rustup.rs" >&2
        exit 1
    fi
    say "setup: rustup target add wasm32-unknown-unknown"
    if ! rustup target add wasm32-unknown-unknown </dev/null; then
        say "setup: the Rust target wasm32-unknown-unknown could not be installed (no network?): rustup target add wasm32-unknown-unknown" >&2
        exit 1
    fi
}

want_build=0 want_python=0 want_package=0 want_node=0 want_wasm=0 want_browser=0 want_console=0 want_web=0
for part in "${@:-python}"; do
    case $part in
        check) ;;
        build) want_build=1 ;;
        tools) want_python=1 ;;
        python) want_build=1 want_python=1 want_package=1 ;;
        node) want_build=1 want_node=1 ;;
        wasm) want_wasm=1 ;;
        web) want_wasm=1 want_web=1 ;;
        browser) want_browser=1 ;;
        console) want_wasm=1 want_web=1 want_console=1 ;;
        *)
            say "setup: no such part: $part (check, build, tools, python, node, wasm, web, browser, console)" >&2
            exit 2
            ;;
    esac
done

mkdir -p "$CACHE"
refuse_if_missing
forget_gone_clones
[ $want_wasm = 0 ] || wasm_target
[ $want_web = 0 ] || web_package
# Before the build, which embeds it.
[ $want_console = 0 ] || console_page
[ $want_build = 0 ] || build
[ $want_python = 0 ] || python_environment
[ $want_package = 0 ] || "$VENV/bin/python" scripts/link_package.py
[ $want_node = 0 ] || node_package
[ $want_browser = 0 ] || npm_ci testkit/browser
