#!/usr/bin/env bash
# Figures of every file below a folder, one `NAME VALUE` per line, without Windlass: by find, wc and sha256sum.
#
#   totals.sh FOLDER
set -euo pipefail
# Bytes are bytes: words are what white space of ASCII separates, whatever the language of the shell.
export LC_ALL=C
cd "$1"

sha256() { if command -v sha256sum >/dev/null; then xargs -0 sha256sum; else xargs -0 shasum -a 256; fi; }
files() { find . -type f -print0 | sort -z; }

printf 'files %d\n' "$(files | tr -cd '\0' | wc -c)"
printf 'bytes %d\n' "$(files | xargs -0 cat | wc -c)"
printf 'lines %d\n' "$(files | xargs -0 cat | wc -l)"
# grep ends every line, so that the last word of one file and the first of the next are two. What is no
# white space becomes an x, because versions of wc differ in what they take for a letter.
printf 'words %d\n' "$({ files | xargs -0 grep -ah '' || true; } | tr -c '[:space:]' x | wc -w)"
# The hash of all hashes, in the order of the paths. A backslash before a hash marks an odd file name.
hashes=$(mktemp)
trap 'rm -f "$hashes"' EXIT
files | sha256 | sed 's/^\\//' | cut -c1-64 >"$hashes"
printf 'sha256 %s\n' "$(printf '%s\0' "$hashes" | sha256 | cut -c1-64)"
