#!/usr/bin/env bash
# Drives OpenPact for the black-box benchmark (../shared/bench/harness.mjs):  driver.sh VERB NAME [ARG]
# Data and logs stay in OPENPACT_BENCH_DIR. All daemons use one private DHT on 127.0.0.1, which ends with the last of them.
set -euo pipefail

verb=${1:?verb} name=${2:?name} arg=${3:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=${OPENPACT_BENCH_DIR:-${TMPDIR:-/tmp}/openpact-bench}
port_base=${OPENPACT_BENCH_PORT:-47800}
data=$state/$name
dht_port=$((port_base + 99))
port=$((port_base + $(printf '%d' "'$name") % 64))
mkdir -p "$state"

openpact() { node "$root/dist/cli/main.js" --data-dir "$data" "$@"; }
network=(--bootstrap "127.0.0.1:$dht_port" --bind 127.0.0.1)
field() { node -e 'process.stdout.write(String(JSON.parse(require("fs").readFileSync(0, "utf8"))[process.argv[1]]))' "$1"; }
running() { [ -f "$1/run/daemon.json" ] && kill -0 "$(field pid < "$1/run/daemon.json")" 2>/dev/null; }

dht_up() {
  (
    flock 9
    if ! { [ -f "$state/dht.pid" ] && kill -0 "$(cat "$state/dht.pid")" 2>/dev/null; }; then
      setsid node "$root/dist/cli/main.js" dht --port "$dht_port" >"$state/dht.log" 2>&1 9>&- &
      echo $! >"$state/dht.pid"
      for _ in $(seq 100); do grep -q "$dht_port" "$state/dht.log" && break; sleep 0.05; done
    fi
  ) 9>"$state/dht.lock"
}

dht_down_if_last() {
  for other in "$state"/*/; do running "$other" && return 0; done
  [ -f "$state/dht.pid" ] && kill "$(cat "$state/dht.pid")" 2>/dev/null
  rm -f "$state/dht.pid"
}

case $verb in
  fresh) rm -rf "$data" ;;
  init) dht_up; openpact "${network[@]}" init --name bench --alias bench >/dev/null ;;
  start) dht_up; openpact "${network[@]}" --port "$port" start >/dev/null ;;
  stop) openpact stop >/dev/null; dht_down_if_last ;;
  kill9) kill -9 "$(field pid < "$data/run/daemon.json")" ;;
  pid) field pid < "$data/run/daemon.json" ;;
  datadir) echo "$data" ;;
  base) echo "http://127.0.0.1:$port" ;;
  info) printf '{"base":"http://127.0.0.1:%s","token":"%s","pact":"bench"}\n' "$port" "$(cat "$data/token")" ;;
  invite) openpact --json --pact bench invite | field token ;;
  join) openpact --json join "$arg" --alias bench >/dev/null ;;
  *) echo "unknown verb: $verb" >&2; exit 2 ;;
esac
