#!/usr/bin/env bash
# Builds the Python package as a wheel, in the release profile, into bindings-python/dist.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
"$ROOT/scripts/setup.sh" tools console
WINDLASS_REQUIRE_CONSOLE=1 cargo build --release --locked -p windlass-python
python=$VENV/bin/python
# A copy is packaged, so that the clone's own package keeps the module that is built with the tests.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z bindings-python README.md LICENSE-MIT LICENSE-APACHE |
    tar --null -T - -cf - | tar -xf - -C "$work"
cp "$work"/LICENSE-* "$work/bindings-python/"
"$python" "$work/bindings-python/place_native.py" --profile release
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$work/dist" "$work/bindings-python"
mkdir -p bindings-python/dist
cp "$work"/dist/*.whl bindings-python/dist/
say "ready: pip install bindings-python/dist/$(basename "$work"/dist/*.whl)"
