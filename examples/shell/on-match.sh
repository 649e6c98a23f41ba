#!/usr/bin/env bash
# Runs a command for every new entry that a jq filter picks, one after the other, from now on:
#
#   on-match.sh '.type == "knowledge" and .topic == "ci"' ./notify.sh
#
# The command gets the entry as JSON on standard input. Nothing of an entry is ever part of a command line: entries are written by others.
# With ON_MATCH_LIMIT=<n> it ends once n matches or more are done; with ON_MATCH_CURSOR=<file> it goes on where it stopped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/openpact.sh"

filter=$1
shift
pact=$(openpact_pact)
cursor=$(cat "${ON_MATCH_CURSOR:-/dev/null}" 2>/dev/null || true)
[ -n "$cursor" ] || cursor=$(openpact_call GET "$pact/changes?from=head" | jq -r .cursor)
echo "on-match: waiting" >&2

matches=0
while :; do
  # Answers as soon as something happens, or after 25 s.
  if ! page=$(openpact_call GET "$pact/changes?since=$cursor&wait=25"); then
    sleep 2
    continue
  fi
  while IFS= read -r entry; do
    # Whoever may write in the pact has written it: the command must not trust its text. One that fails is not tried again.
    "$@" <<<"$entry" || echo "on-match: the command ended with $?" >&2
    matches=$((matches + 1))
  done < <(jq -c ".entries[] | select($filter)" <<<"$page")
  cursor=$(jq -r .cursor <<<"$page")
  [ -z "${ON_MATCH_CURSOR-}" ] || printf %s "$cursor" >"$ON_MATCH_CURSOR"
  [ -z "${ON_MATCH_LIMIT-}" ] || [ "$matches" -lt "$ON_MATCH_LIMIT" ] || exit 0
done
