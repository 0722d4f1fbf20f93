// These laws say what a host's Sql does with values, rows and errors: what the stores rely on, and no more.
// They run inside of workerd too, so they know node:assert and nothing of vitest.

import assert from 'node:assert/strict'
import { ROW_BYTES } from '../../../src/lib/limits.ts'
import { bound, insertRow, type Sql, type SqlValue } from '../../../src/storage/sql.ts'
import { countedSql, noStorageUse } from '../../../src/storage/storage-use.ts'

/** A law on an empty database. Throws where it is broken. */
export type Law = (sql: Sql) => void

const TABLE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b BLOB)'

/** What a column gives back of a value. */
function through(sql: Sql, column: 'i' | 'r' | 's' | 'b', value: SqlValue): unknown {
  sql.exec(`INSERT OR REPLACE INTO t (id, ${column}) VALUES (1, ?)`, value)
  const rows = sql.exec(`SELECT ${column} AS value FROM t WHERE id = 1`).toArray()
  assert.equal(rows.length, 1)
  return rows[0]['value']
}

const bytesOf = (value: unknown): number[] => {
  assert.ok(value instanceof ArrayBuffer, 'blobs are ArrayBuffers')
  return [...new Uint8Array(value)]
}

const count = (sql: Sql): unknown => sql.exec('SELECT COUNT(*) AS n FROM t').toArray()[0]['n']

function assertThrows(act: () => unknown, message: RegExp): void {
  assert.throws(act, (error) => error instanceof Error && message.test(error.message), String(message))
}

export const VALUE_LAWS: Record<string, Law> = {
  'text comes back as it was, of any script and length'(sql) {
    sql.exec(TABLE)
    const texts = [
      '',
      ' ',
      "'); DROP TABLE t; --",
      'a\n"b"\\',
      'Grüße',
      '\u4e2d\u6587',
      '\u{1f30d}\u{10ffff}',
      '0',
      'null',
    ]
    for (const text of [...texts, 'x'.repeat(ROW_BYTES)]) assert.equal(through(sql, 's', text), text)
  },

  'null is null in every column'(sql) {
    sql.exec(TABLE)
    for (const column of ['i', 'r', 's', 'b'] as const) assert.equal(through(sql, column, null), null)
  },

  'whole numbers stay whole up to the largest safe one'(sql) {
    sql.exec(TABLE)
    for (const size of [0, 1, 255, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      for (const value of size === 0 ? [0] : [size, -size]) {
        assert.equal(through(sql, 'i', value), value)
        assert.equal(sql.exec('SELECT typeof(i) AS kind FROM t').toArray()[0]['kind'], 'integer')
        assert.equal(sql.exec('SELECT i FROM t WHERE i = ?', value).toArray().length, 1)
      }
    }
  },

  'a primary key of 52 bits finds its row and no other'(sql) {
    sql.exec(TABLE)
    const keys = [0xfffffffffffff, 0xffffffffffffe, 0x8000000000000, 1]
    for (const id of keys) insertRow(sql, 'INSERT INTO t', { id, s: String(id) })
    for (const id of keys)
      assert.deepEqual(sql.exec('SELECT id, s FROM t WHERE id = ?', id).toArray(), [{ id, s: String(id) }])
    assert.deepEqual(sql.exec('SELECT id FROM t WHERE id = ?', 0x7ffffffffffff).toArray(), [])
  },

  'fractions come back bit for bit'(sql) {
    sql.exec(TABLE)
    for (const value of [0.5, -0.1, 1 / 3, 5e-324, 1.7976931348623157e308, Math.PI])
      assert.equal(through(sql, 'r', value), value)
  },

  'bytes come back as an ArrayBuffer, whichever way they were given'(sql) {
    sql.exec(TABLE)
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    assert.deepEqual(bytesOf(through(sql, 'b', all)), [...all])
    assert.deepEqual(bytesOf(through(sql, 'b', all.buffer)), [...all])
    assert.deepEqual(bytesOf(through(sql, 'b', all.subarray(3, 7))), [3, 4, 5, 6])
    const large = Uint8Array.from({ length: ROW_BYTES }, (_, i) => i * 31)
    const back = through(sql, 'b', large)
    assert.ok(back instanceof ArrayBuffer && Buffer.compare(new Uint8Array(back), large) === 0)
  },

  'empty bytes are empty or null, and no error'(sql) {
    sql.exec(TABLE)
    for (const empty of [new Uint8Array(), new ArrayBuffer(), Uint8Array.of(1).subarray(1)]) {
      const back = through(sql, 'b', empty)
      if (back !== null) assert.deepEqual(bytesOf(back), [])
    }
  },

  'bytes are copied on both ways'(sql) {
    sql.exec(TABLE)
    const given = Uint8Array.of(1, 2, 3)
    sql.exec('INSERT INTO t (id, b) VALUES (1, ?)', given)
    given.fill(9)
    const read = (): unknown => sql.exec('SELECT b FROM t').toArray()[0]['b']
    const first = read()
    assert.deepEqual(bytesOf(first), [1, 2, 3])
    // As the page store gives megabytes back to the host.
    const taken = (first as ArrayBuffer).transfer(0)
    assert.equal(taken.byteLength, 0)
    assert.deepEqual(bytesOf(read()), [1, 2, 3])
  },

  'rows are plain objects by the names of their columns, in the order asked for'(sql) {
    sql.exec(TABLE)
    for (const [id, s] of ['b', 'a', 'B', 'ä', ''].entries()) insertRow(sql, 'INSERT INTO t', { id, s })
    const rows = sql.exec('SELECT s AS name, id + 0 AS number FROM t ORDER BY s DESC LIMIT ?', 3).toArray()
    assert.deepEqual(
      rows.map((row) => Object.entries(row)),
      [
        ['ä', 3],
        ['b', 0],
        ['a', 1],
      ].map(([name, number]) => Object.entries({ name, number })),
    )
    assert.deepEqual(sql.exec('SELECT id FROM t WHERE id > 9').toArray(), [])
  },

  // But for one with RETURNING: a Durable Object is lost whose call ends before those rows were read, since it cannot commit.
  'a statement is done when exec returns'(sql) {
    sql.exec(TABLE)
    sql.exec('INSERT INTO t (id) VALUES (1), (2), (3)')
    assert.equal(count(sql), 3)
    sql.exec('SELECT id FROM t ORDER BY id')
    sql.exec('UPDATE t SET i = ? WHERE id < ?', 7, 3)
    sql.exec('DELETE FROM t WHERE id = 3')
    assert.deepEqual(sql.exec('SELECT id, i FROM t ORDER BY id').toArray(), [
      { id: 1, i: 7 },
      { id: 2, i: 7 },
    ])
  },

  'RETURNING gives the rows that were inserted, changed or deleted'(sql) {
    sql.exec(TABLE)
    const added = sql.exec('INSERT INTO t (s) VALUES (?), (?) RETURNING id, s', 'a', 'b').toArray()
    assert.deepEqual(added.map(({ s }) => s).sort(), ['a', 'b'])
    const changed = sql.exec(...bound`UPDATE t SET i = ${5} WHERE s = ${'a'} RETURNING s, i`).toArray()
    assert.deepEqual(changed, [{ s: 'a', i: 5 }])
    const gone = sql
      .exec('DELETE FROM t WHERE id NOT IN (SELECT id FROM t WHERE i = ?) RETURNING s', 5)
      .toArray()
    assert.deepEqual(gone, [{ s: 'b' }])
    assert.deepEqual(sql.exec('DELETE FROM t WHERE id = 99 RETURNING id').toArray(), [])
    assert.equal(count(sql), 1)
  },

  'INSERT OR REPLACE puts a whole row in the place of one with its key'(sql) {
    sql.exec(TABLE)
    insertRow(sql, 'INSERT OR REPLACE INTO t', { id: 1, s: 'old', i: 4 })
    insertRow(sql, 'INSERT OR REPLACE INTO t', { s: 'new', id: 1 })
    assert.deepEqual(sql.exec('SELECT id, s, i FROM t').toArray(), [{ id: 1, s: 'new', i: null }])
  },

  'JSON in a column can be asked for'(sql) {
    sql.exec(TABLE)
    const value = { model: 'mö"del', request: { bodyHash: 'ff' }, runs: [2 ** 52 - 1, 1] }
    insertRow(sql, 'INSERT INTO t', { id: 1, s: JSON.stringify(value) })
    const path = "s ->> '$.model' AS model, s ->> '$.request.bodyHash' AS hash, s ->> '$.none' AS none"
    assert.deepEqual(sql.exec(`SELECT ${path} FROM t`).toArray(), [
      { model: 'mö"del', hash: 'ff', none: null },
    ])
    const each = "SELECT value FROM t, json_each(t.s, '$.runs') WHERE t.id > ?"
    assert.deepEqual(sql.exec(each, 0).toArray(), [{ value: 2 ** 52 - 1 }, { value: 1 }])
  },

  'an error is an Error, and changes nothing'(sql) {
    sql.exec('CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id < 100), s TEXT NOT NULL)')
    sql.exec("INSERT INTO t VALUES (1, 'one')")
    assertThrows(() => sql.exec('SELEKT 1'), /syntax error/)
    assertThrows(() => sql.exec('SELECT nope FROM t'), /no such column: nope/)
    assertThrows(() => sql.exec('SELECT 1 FROM nowhere'), /no such table: nowhere/)
    assertThrows(() => sql.exec('CREATE TABLE t (id INTEGER)'), /already exists/)
    assertThrows(() => sql.exec('INSERT INTO t VALUES (?, ?)', 1, 'again'), /UNIQUE constraint failed: t\.id/)
    assertThrows(() => sql.exec('INSERT INTO t VALUES (?, ?)', 2, null), /NOT NULL constraint failed: t\.s/)
    assertThrows(() => sql.exec('INSERT INTO t VALUES (?, ?)', 100, 'x'), /CHECK constraint failed/)
    assertThrows(() => sql.exec("INSERT INTO t VALUES (2, 'a'), (3, 'b'), (1, 'c')"), /UNIQUE/)
    assertThrows(() => sql.exec('UPDATE t SET s = ? WHERE id = ?', 'x', 1, 2), /./)
    assert.deepEqual(sql.exec('SELECT * FROM t').toArray(), [{ id: 1, s: 'one' }])
    sql.exec('CREATE TABLE IF NOT EXISTS t (id INTEGER)')
    sql.exec("INSERT INTO t VALUES (2, 'two')")
    assert.equal(count(sql), 2)
  },
}

/** Laws of a host that counts rows, as billed. */
export const COUNTING_LAWS: Record<string, Law> = {
  'rows read and written are counted, those of an index too'(sql) {
    const use = noStorageUse()
    const counted = countedSql(sql, use)
    const of = (work: () => unknown): [read: number, written: number] => {
      const { rowsRead, rowsWritten } = use
      work()
      return [use.rowsRead - rowsRead, use.rowsWritten - rowsWritten]
    }
    counted.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)')
    assert.equal(of(() => counted.exec("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"))[1], 3)
    assert.deepEqual(
      of(() => counted.exec('SELECT * FROM t').toArray()),
      [3, 0],
    )
    assert.deepEqual(
      of(() => counted.exec('SELECT * FROM t WHERE id = ?', 2).toArray()),
      [1, 0],
    )
    counted.exec('CREATE INDEX t_by_s ON t (s)')
    assert.equal(of(() => counted.exec("INSERT INTO t VALUES (4, 'd')"))[1], 2)
    assert.ok(of(() => counted.exec('DELETE FROM t WHERE id = 4 RETURNING id').toArray())[1] >= 1)
  },
}
