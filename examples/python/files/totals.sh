#!/usr/bin/env bash
# Figures of every file below a folder, one `NAME VALUE` per line, without Windlass: by find, wc and sha256sum.
#
#   totals.sh FOLDER
set -euo pipefail
# Bytes are bytes: words are what white space of ASCII separates, whatever the language of the shell.
export LC_ALL=C
cd "$1"

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-64; }
export -f sha256
files() { find . -type f -print0 | sort -z; }

printf 'files %d\n' "$(files | tr -cd '\0' | wc -c)"
printf 'bytes %d\n' "$(files | xargs -0 cat | wc -c)"
printf 'lines %d\n' "$(files | xargs -0 cat | wc -l)"
# The last word of one file and the first of the next are two. What is no white space becomes an x,
# because versions of wc differ in what they take for a letter.
printf 'words %d\n' "$(files | xargs -0 sh -c 'for file; do cat "$file"; echo; done' sh | tr -c '[:space:]' x | wc -w)"
# The hash of all hashes, in the order of the paths.
printf 'sha256 %s\n' "$(files | xargs -0 bash -c 'for file; do sha256 <"$file"; done' bash | sha256)"
