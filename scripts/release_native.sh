#!/usr/bin/env bash
# Builds what a release has for one target that is compiled for it: the Python wheel, into `release`, and
# the addon for Node, which `bindings-node/build/package.mjs addon --target TRIPLE` packs afterwards.
#
#   scripts/release_native.sh TRIPLE [PROFILE]
#
# Runs on the target's own system; for Linux within a manylinux or musllinux container, so that the wheel
# asks for no newer C library than its name says. PROFILE is `dist` unless named. Needs cargo, or rustup's
# installer to fetch RUST_VERSION with; PYTHON (default `python`) is 3.10 or newer with pip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${1:?the triple of the target}
profile=${2:-dist}
python=${PYTHON:-python}

if ! command -v cargo >/dev/null; then
    curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
fi
if [ -n "${RUST_VERSION:-}" ]; then
    rustup toolchain install "$RUST_VERSION" --profile minimal --target "$target"
    export RUSTUP_TOOLCHAIN=$RUST_VERSION
fi

case $target in
    # A library that is loaded brings no C library of its own.
    *-musl) export RUSTFLAGS="-C target-feature=-crt-static ${RUSTFLAGS:-}" ;;
    # Python's symbols are there once it has loaded the module.
    *-apple-darwin) export RUSTFLAGS="-C link-arg=-undefined -C link-arg=dynamic_lookup ${RUSTFLAGS:-}" ;;
esac
PYO3_PYTHON=$("$python" -c 'import sys; print(sys.executable)')
export PYO3_PYTHON
cargo build --locked --profile "$profile" --target "$target" -p windlass-python -p windlass-node

# A copy is packaged, so that the clone's own package keeps its module.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R bindings-python LICENSE-MIT LICENSE-APACHE README.md "$work"
cp LICENSE-MIT LICENSE-APACHE "$work/bindings-python"
rm -f "$work"/bindings-python/python/windlass/_native.*.so "$work"/bindings-python/python/windlass/_native.pyd
"$python" -m venv "$work/venv"
[ -d "$work/venv/Scripts" ] && scripts=$work/venv/Scripts || scripts=$work/venv/bin
grep -E '^(setuptools|wheel)==' bindings-python/requirements-dev.txt >"$work/needs.txt"
"$scripts/python" -m pip install --quiet --disable-pip-version-check --requirement "$work/needs.txt"
"$scripts/python" "$work/bindings-python/place_native.py" --profile "$profile" \
    --target-dir "${CARGO_TARGET_DIR:-target}/$target"
"$scripts/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$work/dist" "$work/bindings-python"
mkdir -p release
case $target in
    *-linux-*)
        # Only where it is: the containers have it.
        if command -v auditwheel >/dev/null; then
            auditwheel repair --wheel-dir release "$work"/dist/*.whl
        else
            cp "$work"/dist/*.whl release
        fi
        ;;
    *) cp "$work"/dist/*.whl release ;;
esac
ls release
