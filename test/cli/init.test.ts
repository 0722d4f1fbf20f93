// What `islet init` writes: into which folders, under which name, and what becomes of a package.json that npm made.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { command as init } from '../../cli/init.ts'
import { idOfModel } from '../../cli/lib/packed-model.ts'
import { nameOf } from '../../cli/lib/project.ts'
import { placePacked } from '../../cli/lib/place.ts'
import { ROOT } from '../../tools/root.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'islet-init-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const written = (path: string): string => readFileSync(join(folder, path), 'utf8')
const started = (...more: string[]): Promise<void> => init.run([folder, '--no-install', ...more])

test('an empty folder gets an app and a lane of one name, with the model that was asked for', async () => {
  await started('--model', TINY_FOLDER)
  const app = JSON.parse(written('wrangler.jsonc')) as Record<string, unknown>
  const lane = JSON.parse(written('lane/wrangler.jsonc')) as Record<string, unknown>
  expect(lane['name']).toBe(`${String(app['name'])}-lane`)
  expect(app['durable_objects']).toEqual({
    bindings: [{ name: 'LANE', class_name: 'Lane', script_name: lane['name'] }],
  })
  expect([lane['workers_dev'], lane['preview_urls'], 'assets' in app]).toEqual([false, false, false])
  expect(written('src/options.ts')).toContain('model: "tiny"')
  const { scripts, dependencies, devDependencies } = JSON.parse(written('package.json')) as Record<
    string,
    Record<string, string>
  >
  expect(scripts['start']).toContain(`islet place ${JSON.stringify(TINY_FOLDER)} assets && wrangler dev`)
  const own = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    devDependencies: Record<string, string>
  }
  expect([dependencies['hono'], devDependencies['wrangler']]).toEqual([
    own.devDependencies['hono'],
    own.devDependencies['wrangler'],
  ])
})

test('what npm and git leave in a folder is no content, and what npm wrote stays', async () => {
  mkdirSync(join(folder, '.git'))
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"dependencies": {"islet": "file:../islet.tgz"}}')
  await started('--model', TINY_FOLDER)
  expect(written('package.json')).toContain('"islet": "file:../islet.tgz"')
})

test.each([
  ['src/old.ts', 'x', 'is not empty: it has src'],
  ['.env', 'x', 'is not empty: it has .env'],
  ['package.json', '{"scripts": {"test": "mine"}}', 'is not empty: its package.json has scripts'],
])('a folder with %s is refused in words, and left alone', async (path, text, message) => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
  await expect(started('--model', TINY_FOLDER)).rejects.toThrow(message)
  expect([written(path), existsSync(join(folder, 'wrangler.jsonc'))]).toEqual([text, false])
})

test('names of folders become names of Workers', () => {
  expect(['/a/My App!', '/a/--', '/a/islet_2'].map(nameOf)).toEqual(['my-app', 'my-islet', 'islet-2'])
  expect(nameOf(`/a/${'x'.repeat(60)}`)).toHaveLength(40)
})

test('a model is known by its name, its manifest or its file', async () => {
  expect(await idOfModel('smollm2-135m-instruct')).toBe('smollm2-135m-instruct')
  expect(await idOfModel(TINY_FOLDER)).toBe('tiny')
  const file = join(folder, 'My Model_Q4.gguf')
  writeFileSync(file, '')
  expect(await idOfModel(file)).toBe('my-model_q4')
  await expect(idOfModel('nothing')).rejects.toThrow('there is no model "nothing"')
})

test('a model is placed alone', async () => {
  const assets = join(folder, 'assets')
  mkdirSync(join(assets, 'models/older'), { recursive: true })
  expect(await placePacked(TINY_FOLDER, assets)).toBe('tiny')
  expect(existsSync(join(assets, 'models/older'))).toBe(false)
  for (const file of ['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    expect(readFileSync(join(assets, 'models/tiny', file))).toEqual(readFileSync(join(TINY_FOLDER, file)))
})
