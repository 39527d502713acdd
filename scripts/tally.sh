# shellcheck shell=bash
# Runs checks one after the other, shows one line for each, and keeps count. Sourced by bash.
#
# A check's output goes to a file and is shown when the check fails; what a check says about itself is
# counted from that file. A check that fails without a failed test counts as one failure, and one that
# ran no test at all is a failure too: silence proves nothing.

LOGS=$CACHE/logs-$KEY
mkdir -p "$LOGS"
printf %s "$ROOT" >"$LOGS/clone-path"
PASSED=0
FAILED=0
FAILURES=()

# check KIND NAME COMMAND...: KIND is `cargo`, `pytest`, `node` or `cases` for output with counts in it, `one` for a
# command that passes or fails as a whole.
check() {
    local kind=$1 name=$2 log started code=0 passed=0 failed=0 note
    shift 2
    log=$LOGS/$(printf %s "$name" | tr -c 'a-zA-Z0-9\n' -).log
    started=$SECONDS
    [ -t 1 ] && printf '      %s ...' "$name"
    "$@" </dev/null >"$log" 2>&1 || code=$?
    # Interrupted: the whole run ends, not only this check.
    [ $code -ne 130 ] || exit 130
    if [ "$kind" = one ]; then
        if [ $code = 0 ]; then passed=1; else failed=1; fi
        note=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' | sed 's/^/  of /; s/ passed,.*//')
    else
        read -r passed failed <<<"$(counts "$kind" "$log")"
        note="  $passed passed"
        if [ "$passed" = 0 ] && [ "$failed" = 0 ]; then
            failed=1 note="  no test ran"
        elif [ $code -ne 0 ] && [ "$failed" = 0 ]; then
            failed=1 note="  ended with code $code"
        elif [ "$failed" -gt 0 ]; then
            note="$note, $failed failed"
        fi
    fi
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    [ -t 1 ] && printf '\r\033[K'
    if [ "$failed" = 0 ]; then
        printf 'ok    %s%s  (%d s)\n' "$name" "$note" $((SECONDS - started))
        grep -hE '^(note: |SKIPPED )' "$log" || true
    else
        FAILURES+=("$name")
        printf 'FAIL  %s%s  (%d s)\n' "$name" "$note" $((SECONDS - started))
        printf '      command: %s\n      output:  %s\n' "$*" "$log"
        tail -n "${TAIL:-120}" "$log" | sed 's/^/    | /'
    fi
}

# `PASSED FAILED` as a runner's output tells. A test that was skipped or ignored is a failed one: nothing
# may go unnoticed. But some tests need root, and somebody who is not root is only told.
counts() {
    local strict=1
    if [ "$(id -u)" != 0 ] && [ -z "${CI:-}" ]; then strict=0; fi
    case $1 in
        cargo) # test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out
            # A program that dies has no such line. Some tests are parts of others, which call them by name.
            awk '/^test result: / { p += $4; f += $6 }
                 /^test .* \.\.\. ignored/ && !/ignored, run by another test/ { f++ }
                 /process didn.t exit successfully/ { f++ }
                 END { print p + 0, f + 0 }' "$2"
            ;;
        pytest) # 1 failed, 20 passed, 1 skipped in 3.02s
            awk -v strict="$strict" '/^=* ?([0-9]+ [a-z]+,? ?)+in [0-9.]+s/ { line = $0 }
                 END {
                     n = split(line, words, /[ ,=]+/)
                     for (i = 2; i <= n; i++) {
                         if (words[i] == "passed") p += words[i - 1]
                         if (words[i] ~ /^(failed|errors?|xfailed|xpassed)$/) f += words[i - 1]
                         if (words[i] == "skipped" && strict) f += words[i - 1]
                     }
                     print p + 0, f + 0
                 }' "$2"
            ;;
        node) # TAP ends with `# pass 5`, `# fail 1`, `# cancelled 0`, `# skipped 0`, `# todo 0`
            awk '/^# pass [0-9]+$/ { p = $3 }
                 /^# (fail|cancelled|skipped|todo) [0-9]+$/ { f += $3 }
                 END { print p + 0, f + 0 }' "$2"
            ;;
        cases) # the last line `12 passed, 0 failed`
            awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 } END { print p + 0, f + 0 }' "$2"
            ;;
    esac
}

# The closing line, alone; the exit code says the same.
finish() {
    [ ${#FAILURES[@]} = 0 ] || printf 'failed: %s\n' "${FAILURES[@]}"
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    [ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}
