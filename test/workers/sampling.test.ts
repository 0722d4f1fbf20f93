// Recommended sampling and the rules that look back, in the worker: used, named, kept over a kill, and switched off.

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/weights/manifest.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { SessionClient } from '../helpers/session-client.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const SAMPLING = { temperature: 0.7, top_p: 0.8, repetition_penalty: 1.3 }

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)

type Reply = { choices: { text: string }[]; islet: { sampling?: object } }

describe.skipIf(missing.length > 0)(`sampling (needs ${missing.join(', ') || 'nothing more'})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'islet-sampling-'))
  let worker: TestWorker
  beforeAll(async () => {
    cpSync(TINY_FOLDER, folder, { recursive: true, dereference: true })
    const path = join(folder, 'manifest.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
    writeFileSync(path, JSON.stringify({ ...manifest, sampling: SAMPLING }))
    worker = await startWorker(folder)
  })
  afterAll(async () => {
    await worker?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const asked = async (fields: object, at = worker): Promise<Reply> => {
    const body = {
      model: at.model,
      prompt: 'In the beginning',
      seed: 3,
      max_tokens: 40,
      ignore_eos: true,
      ...fields,
    }
    const response = await fetch(`${at.url}/v1/completions`, { method: 'POST', body: JSON.stringify(body) })
    return (await response.json()) as Reply
  }

  test('what the manifest recommends is used, named, and in the model list', async () => {
    const list = (await (await fetch(`${worker.url}/v1/models`)).json()) as { data: object[] }
    expect(list.data[0]).toMatchObject({ islet: { sampling: SAMPLING } })
    const left = await asked({})
    expect(left.islet.sampling).toEqual(SAMPLING)
    const said = await asked(SAMPLING)
    expect(said.islet.sampling).toEqual({})
    expect(said.choices[0].text).toBe(left.choices[0].text)
    const plain = await asked({ temperature: 1 })
    expect(plain.choices[0].text).not.toBe(left.choices[0].text)
  })

  test.each([
    ['what is recommended', { temperature: undefined }],
    [
      'DRY and a window of penalties',
      { temperature: 1, dry_multiplier: 2, repeat_penalty: 1.3, repeat_last_n: 20 },
    ],
    ['Mirostat', { temperature: 1, mirostat: 2, mirostat_tau: 3, mirostat_eta: 0.3 }],
  ])('an answer with %s goes on over a kill as it would have', async (_, fields) => {
    const body = { prompt: 'And God said', seed: 11, max_tokens: 400, ...fields }
    const whole = await new SessionClient(worker, 'calm').ask(body, false)
    const client = new SessionClient(worker, 'killed')
    const broken = await client.readSome(body, { frames: 150, delay: 0, hash: false })
    await worker.kill()
    await worker.restart()
    const rest = await client.readOn(broken.session, 150)
    expect(broken.text + rest.text).toBe(whole.text)
  })

  test('one variable switches it off', async () => {
    const off = await startWorker(folder, { RECOMMENDED_SAMPLING: 'off' })
    try {
      const left = await asked({}, off)
      expect(left.islet).not.toHaveProperty('sampling')
      expect(left.choices[0].text).toBe((await asked({ temperature: 1 })).choices[0].text)
    } finally {
      await off.stop()
    }
  })
})
