#!/usr/bin/env bash
# In a SQLite-backed Durable Object, rows of `UPDATE … RETURNING` that nobody reads undo the whole request.
#
# Versions: miniflare 5.20261023.2-beta with the workerd that it pins (1.20261023.1), Node 22 or later.
#
# What one would guess: sql.exec() has run the statement when it returns. It has, as far as the object can see: a SELECT right behind it
# shows the new values, and an UPDATE without RETURNING is stored whether its cursor is looked at or not. The cursor of RETURNING looks like
# a convenience that may be left alone, as in most drivers, where the statement is reset when the call returns or the cursor is dropped.
#
# What happens: a statement with RETURNING stays in progress until its last row was read. The request's transaction cannot be committed then
# ("cannot commit transaction - SQL statements in progress: SQLITE_BUSY", on workerd's standard error alone). The caller gets "internal
# error", nothing in the object's code threw, and the write is gone: the next request reads the old values. The same where one row of
# several was read, as with `next()` for the first. `toArray()` or a loop to the end makes the same statement durable.
#
# Output seen:
#   all rows read:  200, then stored 2,2,2
#   no row read:    500 internal error, then stored 2,2,2
#   one row read:   500 internal error, then stored 2,2,2
#   no RETURNING:   200, then stored 3,3,3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact miniflare@5.20261023.2-beta > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > run.mjs <<'JS'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const script = `
  import { DurableObject } from 'cloudflare:workers'
  export class Counter extends DurableObject {
    async fetch(request) {
      const { sql } = this.ctx.storage
      sql.exec('CREATE TABLE IF NOT EXISTS counts (id INTEGER PRIMARY KEY, n INTEGER)')
      const update = 'UPDATE counts SET n = n + 1'
      const steps = {
        '/fill': () => sql.exec('INSERT INTO counts (n) VALUES (1), (1), (1)'),
        '/all': () => sql.exec(update + ' RETURNING id').toArray(),
        '/none': () => sql.exec(update + ' RETURNING id'),
        '/one': () => sql.exec(update + ' RETURNING id').next(),
        '/plain': () => sql.exec(update),
      }
      steps[new URL(request.url).pathname]?.()
      return new Response(sql.exec('SELECT n FROM counts').toArray().map(({ n }) => n).join())
    }
  }
  export default {
    async fetch(request, env) {
      try {
        return await env.COUNTER.get(env.COUNTER.idFromName('one')).fetch(request)
      } catch (error) {
        return new Response(String(error).includes('internal error') ? 'internal error' : String(error), { status: 500 })
      }
    },
  }`
const worker = new Miniflare(
  convertV4MiniflareOptions({
    modules: true,
    script,
    compatibilityDate: '2026-10-23',
    durableObjects: { COUNTER: { className: 'Counter', useSQLite: true } },
  }),
)
const ask = async (path) => {
  const response = await worker.dispatchFetch(`http://localhost${path}`)
  return { status: response.status, text: await response.text() }
}
await ask('/fill')
for (const [name, path] of [
  ['all rows read: ', '/all'],
  ['no row read:   ', '/none'],
  ['one row read:  ', '/one'],
  ['no RETURNING:  ', '/plain'],
]) {
  const { status, text } = await ask(path)
  const stored = (await ask('/look')).text
  console.log(`${name} ${status}${status === 200 ? '' : ` ${text}`}, then stored ${stored}`)
}
await worker.dispose()
JS
node run.mjs 2> workerd.log | tee seen.txt
cat > wanted.txt <<'TXT'
all rows read:  200, then stored 2,2,2
no row read:    500 internal error, then stored 2,2,2
one row read:   500 internal error, then stored 2,2,2
no RETURNING:   200, then stored 3,3,3
TXT
diff wanted.txt seen.txt
grep -q 'SQL statements in progress: SQLITE_BUSY' workerd.log
