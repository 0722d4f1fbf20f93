// The scripts around a deployment: what deploy refuses, and how the smoke run reports a worker that is not well.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { requirePacked, splitArguments } from '../../scripts/deploy.ts'
import { SmokeClient } from '../../scripts/smoke-client.ts'
import { smoke } from '../../scripts/smoke.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('deploy', () => {
  it('keeps its own option and hands the others on', () => {
    expect(splitArguments(['--dry-run', '--model', 'Tiny', '--var', 'WINDOW:512'])).toEqual({
      models: [{ name: 'tiny' }],
      rest: ['--dry-run', '--var', 'WINDOW:512'],
    })
    expect(splitArguments(['--model', 'a', '--model=B@islet']).models).toEqual([
      { name: 'a' },
      { name: 'b', script: 'islet' },
    ])
    expect(() => splitArguments(['--model', 'tiny@islet'])).toThrow('--model')
    expect(splitArguments(['--model=tiny']).rest).toEqual([])
    expect(() => splitArguments(['--model', '../elsewhere'])).toThrow('--model')
    expect(() => splitArguments(['--model'])).toThrow('--model')
    expect(splitArguments(['--model', 'a', '--stages', '4', '--dry-run'])).toEqual({
      models: [{ name: 'a' }],
      stages: 4,
      rest: ['--dry-run'],
    })
    expect(splitArguments(['--stages=auto']).stages).toBe('auto')
    expect(() => splitArguments(['--stages', 'some'])).toThrow('--stages some')
    expect(() => splitArguments(['--model=a', '--model=b', '--stages=3'])).toThrow('for one --model')
  })

  it('refuses a folder that is not packed, or not whole', () => {
    const folder = mkdtempSync(join(tmpdir(), 'islet-deploy-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    expect(() => requirePacked(folder, 'mine')).toThrow('models/mine')
    const file = { file: 'weights-000.bin', length: 4, sha256: '' }
    const manifest = { shards: [file], tokenizer: { ...file, file: 'tokenizer.bin' } }
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'tokenizer.bin'), 'four')
    expect(() => requirePacked(folder, 'mine')).toThrow('weights-000.bin is missing')
    writeFileSync(join(folder, 'weights-000.bin'), 'three')
    expect(() => requirePacked(folder, 'mine')).toThrow('5 bytes instead of 4')
    writeFileSync(join(folder, 'weights-000.bin'), 'four')
    requirePacked(folder, 'mine')
  })
})

describe('smoke', () => {
  it('stops at once where health is an error', async () => {
    let requests = 0
    const url = await serve((_, response) => {
      requests += 1
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}')
    })
    const lines: string[] = []
    expect(await smoke(url, undefined, 5000, (line) => lines.push(line))).toBe(1)
    expect(requests).toBe(1)
    expect(lines.at(-1)).toBe('0 passed, 1 failed')
    expect(lines[0]).toContain('status 500')
  })

  it('waits while the worker loads, but not for ever', async () => {
    const url = await serve((_, response) => {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"state":"loading"}')
    })
    const lines: string[] = []
    expect(await smoke(url, undefined, 1200, (line) => lines.push(line))).toBe(1)
    expect(lines[0]).toContain('not ready after 1.2 s')
  })

  it('takes a stream without [DONE] for broken, and sends its key nowhere else', async () => {
    const elsewhere: string[] = []
    const other = await serve((request, response) => {
      elsewhere.push(request.url ?? '')
      response.end('{}')
    })
    const url = await serve((request, response) => {
      if (request.url === '/v1/models') response.writeHead(302, { location: other }).end()
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"choices":[]}\n\n')
    })
    const client = new SmokeClient(url.slice(0, -1), 'key', 5000)
    await expect(client.stream({ messages: [] })).rejects.toThrow('[DONE]')
    await expect(client.ask('/v1/models')).rejects.toThrow()
    expect(elsewhere).toEqual([])
  })
})
