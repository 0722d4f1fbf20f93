// islet perplexity on the embedded model and on a mock: the figures against plain sums over logits, and what it refuses.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countedIds, divergence, scoreText } from '../../cli/lib/score.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import { command as logits } from '../../cli/logits.ts'
import { command as perplexity } from '../../cli/perplexity.ts'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { MockModel } from '../helpers/mock-model.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const VOCAB = 2048
const TEXT = `And God said, Let there be light: and there was light.
And God saw the light, that it was good: and God divided the light from the darkness.
And God called the light Day, and the darkness he called Night. And the evening and the morning were the first day.
`

const scratch = mkdtempSync(join(tmpdir(), 'islet-perplexity-'))
const file = join(scratch, 'genesis.txt')
beforeAll(() => writeFileSync(file, TEXT))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

type Report = {
  tokens: number
  chunks: number
  bytes: number
  nats_per_token: number
  perplexity: number
  bits_per_byte: number
  kv: string
  window: number | null
  against?: Record<string, number>
}

async function printed(...args: string[]): Promise<string> {
  let text = ''
  await perplexity.run([TINY_FOLDER, file, ...args], (part) => void (text += part))
  return text
}

async function report(...args: string[]): Promise<Report> {
  return JSON.parse(await printed('--json', ...args)) as Report
}

/** (ids, vocab) logits of the ids as `islet logits` writes them. */
async function rowsOf(ids: readonly number[]): Promise<Float32Array[]> {
  const out = join(scratch, 'rows.npy')
  await logits.run([TINY_FOLDER, '--ids', ids.join(','), '--out', out])
  const bytes = Uint8Array.from(readFileSync(out)).subarray(128)
  return ids.map((_, i) => new Float32Array(bytes.slice(4 * i * VOCAB, 4 * (i + 1) * VOCAB).buffer))
}

describe('the figures', () => {
  it('are plain sums over the logits of each chunk, its second half alone', async () => {
    const { tokenizer } = await tokenizerOf(TINY_FOLDER)
    const ids = tokenizer.encode(TEXT)
    const context = 20
    let nats = 0
    let tokens = 0
    let bytes = 0
    for (let from = 0; from + context <= ids.length; from += context) {
      const chunk = ids.slice(from, from + context)
      const rows = await rowsOf(chunk)
      for (let i = context / 2 + 1; i < context; i++) {
        const row = [...rows[i - 1]]
        nats -= Math.log(Math.exp(row[chunk[i]]) / row.reduce((sum, logit) => sum + Math.exp(logit), 0))
        bytes += tokenizer.tokenBytes(chunk[i]).length
        tokens++
      }
    }
    const said = await report('--context', String(context))
    expect(said).toMatchObject({ tokens, bytes, chunks: Math.floor(ids.length / context) })
    expect(tokens).toBe(9 * said.chunks)
    expect(said.nats_per_token).toBeCloseTo(nats / tokens, 9)
    expect(said.perplexity).toBeCloseTo(Math.exp(nats / tokens), 6)
    expect(said.bits_per_byte).toBeCloseTo(nats / Math.LN2 / bytes, 9)
    // A model that has read it finds it likely: 2048 tokens at random would be 7.6 nats.
    expect(said.nats_per_token).toBeLessThan(4)
  })

  it('do not depend on the rows of a step, and do on window and precision of the cache', async () => {
    const whole = await report('--context', '40')
    expect(await report('--context', '40', '--chunk', '4')).toEqual(whole)
    expect(whole).toMatchObject({ kv: 'q8', window: null })
    const windowed = await report('--context', '40', '--window', '8', '--sinks', '0')
    expect(windowed.window).toBe(8)
    expect(windowed.nats_per_token).not.toBe(whole.nats_per_token)
    const floats = await report('--context', '40', '--kv', 'f32')
    expect(floats.nats_per_token).not.toBe(whole.nats_per_token)
    expect(floats.nats_per_token).toBeCloseTo(whole.nats_per_token, 1)
  })

  it('read no more than --limit tokens', async () => {
    expect((await report('--context', '20', '--limit', '59')).chunks).toBe(2)
  })

  it('are nothing against the same model', async () => {
    const alone = await report('--context', '40')
    const { against, ...own } = await report('--context', '40', '--against', TINY_FOLDER)
    expect(own).toEqual(alone)
    expect(against).toMatchObject({ mean_kl: 0, same_top: 1, difference: 0, difference_error: 0 })
    expect(against?.['nats_per_token']).toBe(alone.nats_per_token)
  })

  it('come as lines too', async () => {
    const { perplexity: value, tokens } = await report('--context', '40')
    const text = await printed('--context', '40', '--against', TINY_FOLDER)
    expect(text).toContain(`tiny: perplexity ${value.toFixed(4)}, `)
    expect(text).toContain(`over ${tokens} tokens`)
    expect(text).toContain('mean KL 0.000000 +- 0.000000, same likeliest token 100.00 %')
  })
})

describe('scoring', () => {
  const ids = Array.from({ length: 50 }, (_, i) => (i * 37) % 259)

  it('gives every chunk its BOS and an empty cache, and counts second halves', () => {
    const first: number[] = []
    const model = new MockModel({
      onForward: (rows) => {
        for (const { id, position } of rows) if (position === 0) first.push(id)
      },
    })
    const { tokens, chunks } = scoreText(model, ids, { context: 16, bos: 258 })
    expect([tokens, chunks, first]).toEqual([3 * 7, 3, [258, 258, 258]])
    expect(countedIds(ids, 16)).toEqual([0, 16, 32].flatMap((from) => ids.slice(from + 9, from + 16)))
    expect(() => scoreText(model, ids, { context: 64, bos: undefined })).toThrow(/50 tokens.* chunk of 64/)
  })

  it('measures divergence from the other model', () => {
    const p = Float32Array.from([0, Math.log(3)])
    const q = Float32Array.from([1, 1])
    expect(logSumExp(p)).toBeCloseTo(Math.log(4), 7)
    const kl = divergence(p, logSumExp(p), q, logSumExp(q))
    expect(kl).toBeCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 7)
  })
})

describe('refusals', () => {
  it.each([
    [['--context', '600'], /less than one chunk of 600/],
    [['--context', '3'], /--context is 3/],
    [['--limit', '10'], /10 tokens, less than one chunk/],
    [['--kv', 'q3'], /f32, q8/],
    [['--chunk', '6'], /multiple of 4/],
    [['--against', 'no-such-model', '--context', '20'], /there is no model "no-such-model"/],
  ])('%j', async (args, message) => {
    await expect(perplexity.run([TINY_FOLDER, file, ...args], () => undefined)).rejects.toThrow(message)
  })

  it('exits with 2, nothing on standard output, for a file that is not there', () => {
    for (const args of [[TINY_FOLDER, join(scratch, 'none.txt')], [TINY_FOLDER]]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'perplexity', ...args], {
        encoding: 'utf8',
      })
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^islet: (FILE cannot be read|give MODEL and FILE)/)
    }
  })
})
