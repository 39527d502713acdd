# shellcheck shell=bash disable=SC2034
# Where things are, for every script here. Sourced by bash; sets variables and two functions, does nothing.
#
# Caches live outside the clone and belong to one clone: two clones that shared a target directory would
# take each other's build for their own, since cargo tells them apart by time stamps only.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/windlass
KEY=$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
PYTHON=${PYTHON:-python3}
# The interpreter itself, not an environment that happens to be active: PyO3 is compiled again whenever it
# finds another one.
if base=$("$PYTHON" -c 'import sys; from os.path import realpath; print(realpath(getattr(sys, "_base_executable", sys.executable)))' 2>/dev/null); then
    PYTHON=$base
    export PYO3_PYTHON=$base
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target-$KEY}
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME
# A shell that is no login shell often lacks it.
command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

# git refuses a clone that belongs to somebody else, as in a container that runs as root.
if [ -z "${GIT_CONFIG_COUNT:-}" ]; then
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$ROOT
fi

MINIMUM_CARGO=1.95
MINIMUM_PYTHON=3.10
MINIMUM_NODE=20

# The environment of this clone for the chosen Python; empty when there is no Python.
venv_path() {
    local version
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    printf '%s/venv-py%s-%s' "$CACHE" "$version" "$KEY"
}

VENV=$(venv_path) || VENV=

say() { printf '%s\n' "$*"; }
