// The commands that run a model, on the embedded one: logits as .npy files, and generation that repeats itself.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { command as chat } from '../../cli/chat.ts'
import { command as generate } from '../../cli/generate.ts'
import { command as logits } from '../../cli/logits.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

const scratch = mkdtempSync(join(tmpdir(), 'islet-cli-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const VOCAB = 2048

async function logitsOf(name: string, ...args: string[]): Promise<{ header: string; rows: Float32Array[] }> {
  const out = join(scratch, `${name}.npy`)
  await logits.run([TINY_FOLDER, '--out', out, ...args])
  const bytes = readFileSync(out)
  const start = 10 + bytes.readUInt16LE(8)
  const values = new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer)
  const rows = Array.from({ length: values.length / VOCAB }, (_, i) =>
    values.subarray(i * VOCAB, (i + 1) * VOCAB),
  )
  return { header: bytes.toString('latin1', 0, start), rows }
}

describe('logits', () => {
  it('writes one float32 row a position, the same bits prefilled, fed, and for every chunk size', async () => {
    const whole = await logitsOf('whole', '--ids', '5,6,7,8,9,10,11')
    expect(whole.header).toContain(`'descr': '<f4', 'fortran_order': False, 'shape': (7, ${VOCAB})`)
    expect((whole.header.length % 64) + whole.rows.length).toBe(7)
    const fed = await logitsOf('fed', '--ids', '5,6,7', '--feed', '8,9,10,11')
    const chunked = await logitsOf('chunked', '--ids', '5,6,7,8,9,10,11', '--chunk', '4')
    expect(fed.rows).toEqual(whole.rows)
    expect(chunked.rows).toEqual(whole.rows)
  })

  it('sees only sinks and window when told so', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => 100 + i).join(',')
    const full = await logitsOf('full', '--ids', ids)
    const windowed = await logitsOf('windowed', '--ids', ids, '--window', '16', '--sinks', '2')
    expect(windowed.rows.slice(0, 18)).toEqual(full.rows.slice(0, 18))
    expect(windowed.rows[59]).not.toEqual(full.rows[59])
  })

  it('has a window for each run of layers', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => 100 + i).join(',')
    const whole = await logitsOf('one', '--ids', ids, '--window', '16', '--sinks', '2')
    const alike = await logitsOf('alike', '--ids', ids, '--window', '16,16', '--sinks', '2')
    expect(alike.rows).toEqual(whole.rows)
    const rows = new Map<string, Float32Array[]>()
    for (const windows of ['8,16', '16,8', '8,8,16,16', '8,16,16,16'])
      rows.set(windows, (await logitsOf('deep', '--ids', ids, '--window', windows, '--sinks', '2')).rows)
    expect(rows.get('8,8,16,16')).toEqual(rows.get('8,16'))
    const last = ['8,16', '16,8', '8,16,16,16'].map((windows) => rows.get(windows)?.[59])
    expect(new Set([whole.rows[59], ...last].map((row) => String(row))).size).toBe(4)
    // Within the narrowest window nothing differs.
    expect(rows.get('8,16')?.slice(0, 10)).toEqual(whole.rows.slice(0, 10))
  })

  it.each([
    [['--ids', '1,2,99999'], /outside the vocabulary/],
    [['--ids', '1,x'], /--ids is x/],
    [['--ids', '1', '--kv', 'q3'], /f32, q8/],
    [['--ids', '1', '--chunk', '6'], /multiple of 4/],
    [['--ids', '1', '--window', '8,0'], /--window is 0: give a whole number of at least 1/],
    [['--ids', '1', '--window', '8,'], /--window is : give/],
    [['--ids', '1', '--window', '8,8,8,8,8'], /5 windows for a model of 4 layers/],
  ])('refuses %j', async (args, message) => {
    await expect(logits.run([TINY_FOLDER, '--out', join(scratch, 'bad.npy'), ...args])).rejects.toThrow(
      message,
    )
  })
})

describe('generate and chat', () => {
  async function json(...args: string[]): Promise<Record<string, unknown>> {
    let printed = ''
    await generate.run(
      [TINY_FOLDER, '--prompt', 'And God said', '--json', ...args],
      (text) => (printed += text),
    )
    return JSON.parse(printed) as Record<string, unknown>
  }

  it('repeats itself for a seed, and differs for another', async () => {
    const first = await json('--max-tokens', '24', '--seed', '7')
    expect(await json('--max-tokens', '24', '--seed', '7')).toEqual(first)
    expect((await json('--max-tokens', '24', '--seed', '8'))['ids']).not.toEqual(first['ids'])
    expect(first).toMatchObject({
      model: 'tiny',
      usage: { completion_tokens: (first['ids'] as number[]).length },
    })
  })

  it('prints the text as it comes, the same as in JSON', async () => {
    let printed = ''
    const args = ['--prompt', 'And God said', '--max-tokens', '12', '--temperature', '0']
    await generate.run([TINY_FOLDER, ...args], (text) => (printed += text))
    expect(printed).toBe(`${String((await json('--max-tokens', '12', '--temperature', '0'))['text'])}\n`)
  })

  describe('held to a form', () => {
    const file = (name: string, text: string): string => {
      const path = join(scratch, name)
      writeFileSync(path, text)
      return path
    }
    const SCHEMA = file(
      'schema.json',
      '{"type":"object","properties":{"mood":{"enum":["good","bad"]},"days":{"type":"integer","format":"count","maximum":9}},"required":["mood"]}',
    )
    const LINES = file('lines.gbnf', 'root ::= "- " [a-z]+ "."')

    it.each([
      [['--schema', SCHEMA], /^\{\s*"mood":\s*"(good|bad)"(,\s*"days":\s*-?\d+)?\s*\}$/],
      [['--regex', '[1-9][0-9]{0,3} days'], /^[1-9][0-9]{0,3} days$/],
      [['--grammar', LINES], /^- [a-z]+\.$/],
      [['--choice', 'yes,no,not at all'], /^(yes|no|not at all)$/],
    ])('%j', async (args, form) => {
      const { text, finish_reason } = await json(...args, '--max-tokens', '40')
      expect(text).toMatch(form)
      expect(finish_reason).toBe('stop')
    })

    it('says when the limit closed it, and what of the schema had no effect', async () => {
      let [printed, noted] = ['', '']
      const args = ['--prompt', 'And God said', '--grammar', LINES, '--max-tokens', '4']
      await generate.run(
        [TINY_FOLDER, ...args],
        (text) => (printed += text),
        (text) => (noted += text),
      )
      expect(printed).toMatch(/^- [a-z]+\.\n$/)
      expect(noted).toBe(
        'islet: the limit of 4 tokens closed this text early; --max-tokens N leaves it more room\n',
      )
      expect(await json('--grammar', LINES, '--max-tokens', '4')).toHaveProperty('closed_early', true)
      expect(await json('--schema', SCHEMA)).toMatchObject({
        ignored: ['grammar#/properties/days/format: count'],
      })
    })

    const BAD = file('bad.json', '{"properties":{"a":{"pattern":"(?<=a)b"}}}')
    it.each([
      [['--schema', BAD], `--schema ${BAD}#/properties/a/pattern: `],
      [['--schema', join(scratch, 'none.json')], '--schema cannot be read'],
      [['--schema', LINES], `--schema ${LINES}: the schema is not JSON`],
      [['--regex', '('], '--regex: '],
      [['--choice', 'a,'], '--choice#/1: a choice is empty'],
      [['--grammar', BAD], `--grammar ${BAD}: `],
      [['--regex', 'a', '--choice', 'a'], 'give one of --schema, --regex, --grammar, --choice'],
      [['--regex', 'a{50}', '--max-tokens', '5'], 'max_tokens: there is room for 5 tokens'],
    ])('refuses %j as the caller’s mistake', async (args, message) => {
      await expect(json(...args)).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(message) }),
      )
    })
  })

  it('names the widest of several windows', async () => {
    expect(await json('--max-tokens', '4', '--window', '32,64', '--sinks', '0')).toMatchObject({
      window: 64,
      sinks: 0,
      out_of_sight: 0,
    })
  })

  it('chats line by line until an empty one', async () => {
    let printed = ''
    async function* lines(): AsyncGenerator<string> {
      yield* ['In the beginning', 'Go on.', '', 'never read']
    }
    await chat.run(
      [TINY_FOLDER, '--max-tokens', '8', '--temperature', '0'],
      (text) => (printed += text),
      lines(),
    )
    expect(printed.split('\n').filter((line) => line !== '').length).toBeGreaterThanOrEqual(2)
  })
})
