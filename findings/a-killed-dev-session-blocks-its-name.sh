#!/usr/bin/env bash
# A `wrangler dev` that was killed keeps its Worker's name for up to 90 s: the session that is started in its place serves, and other sessions do not reach it.
#
# Versions: wrangler 4.155.0 with the miniflare that it pins, Node 22 or later.
#
# What one would guess: two sessions of `wrangler dev` find each other's Workers by the development registry, a file for each name. One that
# is started again under its name takes the file over, so that a service binding of the other works once it says that it is ready.
#
# What happens: a session that is ended by SIGKILL (or a power cut, or a container that is stopped) cannot remove its file. The next session
# of that name sees the file of another instance whose time stamp is younger than 90 s, and does not register: it only notes so at the
# level `debug`, and tries again when those 90 s are over. Until then it answers at its own port, and calls of the
# other session fail ("Network connection lost") since the file has the old address. Removing the file before the start helps.
#
# Output seen:
#   before             hello from 1
#   killed, restarted  by its own port: hello from 2; by the other session's binding: an error, 20 s later too
#   file removed       hello from 3
set -euo pipefail
folder=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill -9 -- "-$pid" 2> /dev/null || true; done
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact wrangler@4.155.0 > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > greeter.mjs <<'JS'
import { WorkerEntrypoint } from 'cloudflare:workers'
export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(`hello from ${this.env.SERIAL}`)
  }
}
JS
cat > asker.mjs <<'JS'
export default {
  async fetch(request, env) {
    try {
      const response = await env.GREETER.fetch(request)
      return new Response(response.ok ? await response.text() : 'an error')
    } catch {
      return new Response('an error')
    }
  },
}
JS
echo '{ "name": "greeter", "main": "greeter.mjs", "compatibility_date": "2026-10-23" }' > greeter.json
echo '{ "name": "asker", "main": "asker.mjs", "compatibility_date": "2026-10-23", "services": [{ "binding": "GREETER", "service": "greeter" }] }' > asker.json

port() { node -e "const s = require('net').createServer().listen(0, () => { console.log(s.address().port); s.close() })"; }
export WRANGLER_SEND_METRICS=false WRANGLER_REGISTRY_PATH="$folder/registry"

# session NAME PORT [ARGUMENT...]: starts one in a group of its own, and waits until it answers.
session() {
  local name=$1 port=$2
  shift 2
  setsid node_modules/.bin/wrangler dev -c "$name.json" --port "$port" --inspector-port "$(port)" \
    --show-interactive-dev-session=false "$@" > "$name.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 300); do
    curl -s -o /dev/null "http://localhost:$port/" && return
    sleep 0.2
  done
  cat "$name.log"
  exit 1
}

asker=$(port)
greeter=$(port)
session greeter "$greeter" --var SERIAL:1
first=${pids[-1]}
session asker "$asker"
ask() { curl -s "http://localhost:$1/"; }
for _ in $(seq 50); do
  before=$(ask "$asker")
  [ "$before" = 'hello from 1' ] && break
  sleep 0.2
done

kill -9 -- "-$first"
sleep 1
greeter=$(port)
session greeter "$greeter" --var SERIAL:2
second=${pids[-1]}
own=$(ask "$greeter")
soon=$(ask "$asker")
sleep 20
later=$(ask "$asker")

kill -9 -- "-$second"
sleep 1
rm "$WRANGLER_REGISTRY_PATH/greeter"
greeter=$(port)
session greeter "$greeter" --var SERIAL:3
for _ in $(seq 50); do
  removed=$(ask "$asker")
  [ "$removed" = 'hello from 3' ] && break
  sleep 0.2
done

echo "before             $before"
echo "killed, restarted  by its own port: $own; by the other session's binding: $soon, 20 s later: $later"
echo "file removed       $removed"
[ "$before" = 'hello from 1' ] && [ "$own" = 'hello from 2' ] && [ "$soon" = 'an error' ] && [ "$later" = 'an error' ] &&
  [ "$removed" = 'hello from 3' ]
