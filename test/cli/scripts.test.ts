// Scripts that bind each other: their configurations, the order of their deployment, and several models by `npm run deploy` and
// `npm start`.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { experimental_readRawConfig } from 'wrangler'
import { afterAll, describe, expect, it } from 'vitest'
import { cutModel } from '../../src/packing/cut.ts'
import { chainScripts } from '../../tools/chain-scripts.ts'
import { freePort } from '../../tools/free-port.ts'
import { routerScripts } from '../../tools/router-scripts.ts'
import { writeScripts, type Script } from '../../tools/scripts.ts'
import { missingModel, TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT } from '../helpers/worker.ts'

const scratch = mkdtempSync(join(tmpdir(), 'islet-scripts-'))
const running: ChildProcess[] = []
const ports: number[] = []
afterAll(async () => {
  const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)))
  for (const child of running) child.kill('SIGTERM')
  await Promise.all(ended)
  const left = ports.flatMap((port) => [`build/scripts/${port}`, `.wrangler/state-${port}`])
  for (const path of [scratch, ...left.map((path) => join(ROOT, path))])
    rmSync(path, { recursive: true, force: true })
})

type Config = {
  [field: string]: unknown
  vars: Record<string, string>
  durable_objects: { bindings: { name: string; class_name: string; script_name?: string }[] }
}
const read = (path: string): Config => JSON.parse(readFileSync(path, 'utf8')) as Config

describe('a router and its models', () => {
  const { scripts } = routerScripts('islet', [{ folder: TINY_FOLDER }], { WINDOW: '256' })
  const written = writeScripts(scripts, join(scratch, 'router'))
  const [model, router] = written.map(({ config }) => read(config))
  const own = experimental_readRawConfig({ config: join(ROOT, 'wrangler.toml') }).rawConfig

  it('are written in the order in which they are deployed', () => {
    expect(written.map(({ name }) => name)).toEqual(['islet-tiny', 'islet'])
  })

  it('have what wrangler.toml says, but for what is their own', () => {
    for (const config of [model, router])
      for (const field of ['compatibility_date', 'compatibility_flags', 'minify', 'limits', 'observability'] as const)
        expect(config[field]).toEqual(own[field])
    expect(model['migrations']).toEqual(own.migrations)
    expect(model.durable_objects).toEqual(own.durable_objects)
    expect(model.vars).toEqual({ ...own.vars, MODEL: 'tiny', WINDOW: '256' })
  }) // prettier-ignore

  it('bind each other: only the router has an address, and only models have weights', () => {
    expect(router.durable_objects.bindings).toEqual([
      { name: 'LANE_0', class_name: 'LaneObject', script_name: 'islet-tiny' },
    ])
    expect(router.vars).toMatchObject({ MODELS: 'tiny', WINDOW: '256' })
    expect(router).not.toHaveProperty('migrations')
    expect([model['workers_dev'], model['preview_urls'], router['workers_dev']]).toEqual([false, false, undefined]) // prettier-ignore
    const site = (name: string) => readdirSync(join(scratch, 'router', name, 'site/models/tiny'))
    expect(site('islet')).toEqual(['manifest.json'])
    expect(site('islet-tiny')).toEqual(readdirSync(TINY_FOLDER))
    const pages = ['islet', 'islet-tiny'].map((name) =>
      existsSync(join(scratch, 'router', name, 'site/play')),
    )
    expect(pages).toEqual([true, false])
  })

  it('have names of their own, and a model is there once', () => {
    const named = routerScripts('front', [{ folder: TINY_FOLDER, script: 'islet' }]).scripts
    expect(named.map(({ name }) => name)).toEqual(['front', 'islet'])
    expect(() => routerScripts('islet', [{ folder: TINY_FOLDER }, { folder: TINY_FOLDER }])).toThrow('twice')
    const clash = routerScripts('islet', [{ folder: TINY_FOLDER, script: 'islet' }]).scripts
    expect(() => writeScripts(clash, join(scratch, 'clash'))).toThrow('the name islet')
  })
})

describe('a chain of scripts', () => {
  const link = (name: string, next?: string): Script => ({
    name,
    main: 'src/worker.ts',
    objects: {
      LANE: { class: 'LaneObject' },
      ...(next !== undefined && { NEXT: { class: 'LaneObject', script: next } }),
    },
    isPublic: name === 'a',
  })

  it('is deployed from its end, whatever the order of the list', () => {
    const chain = [link('a', 'b'), link('b', 'c'), link('c')]
    for (const list of [chain, chain.toReversed()]) {
      const written = writeScripts(list, join(scratch, 'chain'))
      expect(written.map(({ name }) => name)).toEqual(['c', 'b', 'a'])
      expect(read(written[2].config).durable_objects.bindings[1]).toEqual({
        ...{ name: 'NEXT', class_name: 'LaneObject', script_name: 'b' },
      })
    }
  })

  it('may bind a script that is there already, and never itself', () => {
    expect(writeScripts([link('a', 'elsewhere')], join(scratch, 'one')).map(({ name }) => name)).toEqual([
      'a',
    ])
    expect(() => writeScripts([link('a', 'b'), link('b', 'a')], join(scratch, 'ring'))).toThrow(
      'binds itself',
    )
  })
})

describe('a model in stages', async () => {
  const folder = join(scratch, 'tiny')
  cpSync(TINY_FOLDER, folder, { recursive: true })
  await cutModel(folder, 3, { window: { window: 256, sinks: 4 }, chunk: 32, logitRows: 4 })
  const { scripts, id } = chainScripts('islet', folder, { WINDOW: '256' })
  const written = writeScripts(scripts, join(scratch, 'stages'))
  const [first, second, hub] = written.map(({ config }) => read(config))
  const own = experimental_readRawConfig({ config: join(ROOT, 'wrangler.toml') }).rawConfig

  it('is a hub, which is deployed behind the stages that it binds', () => {
    expect([id, written.map(({ name }) => name)]).toEqual([
      'tiny',
      ['islet-stage-1', 'islet-stage-2', 'islet'],
    ])
    expect(hub.durable_objects.bindings).toEqual([
      { name: 'LANE', class_name: 'LaneObject' },
      { name: 'STAGE_1', class_name: 'StageObject', script_name: 'islet-stage-1' },
      { name: 'STAGE_2', class_name: 'StageObject', script_name: 'islet-stage-2' },
    ])
    for (const [stage, config] of [first, second].entries()) {
      expect(config['name']).toBe(`islet-stage-${stage + 1}`)
      expect(config.durable_objects.bindings).toEqual([{ name: 'STAGE', class_name: 'StageObject' }])
      expect(config['migrations']).toEqual([{ tag: 'v1', new_sqlite_classes: ['StageObject'] }])
    }
    expect(hub['migrations']).toEqual(own.migrations)
  })

  it('has an address at the hub alone, which may ask often', () => {
    const scripts = [first, second, hub]
    expect(scripts.map((config) => config['workers_dev'])).toEqual([false, false, undefined])
    const asks = { ...own.limits, subrequests: 10_000_000 }
    expect(scripts.map((config) => config['limits'])).toEqual([own.limits, own.limits, asks])
    for (const config of scripts) expect(config.vars).toEqual({ ...own.vars, MODEL: 'tiny', WINDOW: '256' })
  })

  it('lies among the assets stage by stage', () => {
    const stages = ['islet', 'islet-stage-1', 'islet-stage-2'].map(
      (name) => read(join(scratch, 'stages', name, 'site/models/tiny/manifest.json'))['stage'],
    )
    expect(stages).toMatchObject([{ index: 0 }, { index: 1 }, { index: 2 }])
    const pages = ['islet', 'islet-stage-1'].map((name) =>
      existsSync(join(scratch, 'stages', name, 'site/play')),
    )
    expect(pages).toEqual([true, false])
  })

  it('may be one of several models behind a router', () => {
    const other = join(scratch, 'other')
    cpSync(TINY_FOLDER, other, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(other, 'manifest.json'), 'utf8')) as object
    writeFileSync(join(other, 'manifest.json'), JSON.stringify({ ...manifest, id: 'other' }))
    const { scripts } = routerScripts('islet', [{ folder: other }, { folder, inStages: true }])
    expect(scripts.map(({ name, main, isPublic }) => [name, main, isPublic])).toEqual([
      ['islet', 'src/router.ts', true],
      ['islet-other', 'src/worker.ts', false],
      ['islet-tiny', 'src/chain.ts', false],
      ['islet-tiny-stage-1', 'src/stage.ts', false],
      ['islet-tiny-stage-2', 'src/stage.ts', false],
    ])
    expect(scripts[0].objects['LANE_1']).toEqual({ class: 'LaneObject', script: 'islet-tiny' })
  })

  it('needs its stages, and names that the platform takes', () => {
    expect(() => chainScripts('islet', TINY_FOLDER)).toThrow('--stages')
    const long = chainScripts('n'.repeat(63), folder).scripts.map(({ name }) => name)
    expect(long[2]).toBe(`${'n'.repeat(55)}-stage-2`)
  })
})

const skip = missingModel()
const BOTH = ['--model', 'tiny', '--model', 'smollm2-135m-instruct']

describe.skipIf(skip !== undefined)(`several models${skip === undefined ? '' : ` (${skip})`}`, () => {
  it('are deployed as a script each and a router, which a dry run shows', () => {
    const args = ['scripts/deploy.ts', ...BOTH, '--dry-run']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, expect.any(String)])
    const names = ['islet-tiny', 'islet-smollm2-135m-instruct', 'islet']
    expect(stdout.match(/^islet[a-z0-9-]*$/gm)).toEqual(names)
    expect(stdout.match(/--dry-run: exiting now/g)).toHaveLength(3)
    for (const [place, name] of names.slice(0, 2).entries())
      expect(stdout).toContain(`env.LANE_${place} (LaneObject, defined in ${name})`)
    expect(stdout).toContain('env.MODELS ("tiny,smollm2-135m-instruct")')
  }, 240_000)

  it('are served by npm start, and nothing is written into the tree', async () => {
    const port = await freePort()
    ports.push(port)
    const before = spawnSync('git', ['status', '--short'], { cwd: ROOT, encoding: 'utf8' }).stdout
    const child = spawn(process.execPath, ['scripts/start.ts', '--port', String(port), ...BOTH], {
      cwd: ROOT,
    })
    running.push(child)
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (data: Buffer) => {
        said += data.toString()
        if (said.includes('serves tiny and smollm2-135m-instruct')) resolve()
      })
      child.once('exit', () => reject(new Error(`it ended:\n${said}`)))
    })
    for (const [model, status] of [['tiny', 200], ['smollm2-135m-instruct', 200], ['third', 404]]) {
      const body = JSON.stringify({ model, prompt: 'a', max_tokens: 1 })
      const response = await fetch(`http://localhost:${port}/v1/completions`, { method: 'POST', body })
      expect([model, response.status]).toEqual([model, status])
    } // prettier-ignore
    expect(spawnSync('git', ['status', '--short'], { cwd: ROOT, encoding: 'utf8' }).stdout).toBe(before)
  }, 240_000)
})
