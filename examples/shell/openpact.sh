# Functions for shells and scripts. Source it: `. openpact.sh`. Needs curl and jq.
# OPENPACT_HOME (~/.openpact) says where the daemon is, OPENPACT_PACT which pact (the active one), OPENPACT_TOKEN who speaks.

# openpact_url: where the daemon listens.
openpact_url() {
  jq -er .url "${OPENPACT_HOME:-$HOME/.openpact}/run/daemon.json" 2>/dev/null && return
  echo 'openpact: no daemon is running; start it with `openpact start`' >&2
  return 7
}

# openpact_call METHOD PATH [JSON]: one request; the answer on stdout. A failure: its code and help on stderr, status 1.
openpact_call() {
  local url token answer status
  url=$(openpact_url) || return
  token=${OPENPACT_TOKEN:-$(cat "${OPENPACT_HOME:-$HOME/.openpact}/token")}
  # The token goes through standard input, where other users of this machine cannot see it; the body through a pipe of its own.
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl -sS -K - -X "$1" -H 'Content-Type: application/json' -w '\n%{http_code}' ${3+--data-binary @<(printf %s "$3")} "$url$2") || return 7
  status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
  if [ "$status" -ge 400 ]; then
    jq -r '"openpact: \(.message) [\(.error)]\n  \(.help)"' <<<"$answer" >&2
    return 1
  fi
  printf '%s\n' "$answer"
}

# openpact_pact: path of the pact that is meant.
openpact_pact() {
  local id=${OPENPACT_PACT-} pacts
  if [ -z "$id" ]; then
    pacts=$(openpact_call GET /v1/pacts) || return
    id=$(jq -er '.entries[] | select(.active).id' <<<"$pacts") || return
  fi
  printf '/v1/pacts/%s' "$(jq -rn --arg id "$id" '$id | @uri')"
}

# openpact_record TOPIC CONTENT: records knowledge; its id on stdout.
openpact_record() {
  local pact entry
  pact=$(openpact_pact) || return
  entry=$(openpact_call POST "$pact/knowledge" "$(jq -cn --arg t "$1" --arg c "$2" '{topic: $t, content: $c}')") || return
  jq -r .id <<<"$entry"
}

# openpact_known TOPIC: what is known on a topic, one line each: who, when, whether it is confirmed, what.
openpact_known() {
  local pact page
  pact=$(openpact_pact) || return
  page=$(openpact_call GET "$pact/knowledge?topic=$(jq -rn --arg t "$1" '$t | @uri')") || return
  jq -r '.entries[] | [.author, .timestamp, (if .confirmed then "confirmed" else "not confirmed" end), .payload.content] | @tsv' <<<"$page"
}

# openpact_claim: claims the most urgent task that is free; its state on stdout. Status 1 when there is none.
openpact_claim() {
  local pact page id state
  pact=$(openpact_pact) || return
  page=$(openpact_call GET "$pact/tasks?ready=true&limit=10") || return
  for id in $(jq -r '.entries[].id' <<<"$page"); do
    # Somebody may be faster: then the next one.
    state=$(openpact_call PUT "$pact/tasks/$id/claim" '{}' 2>/dev/null) || continue
    [ "$(jq -r '.status + " " + (.pending // false | tostring)' <<<"$state")" = 'claimed false' ] || continue
    printf '%s\n' "$state"
    return
  done
  return 1
}
