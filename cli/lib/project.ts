// A project is the Worker that `islet init` writes: an app of one file, and a lane in a script of its own.

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { IsletError } from '../../src/lib/errors.ts'

export type Project = {
  /** Of the Worker; the lane's is `NAME-lane`. */
  name: string
  /** Of the model. */
  id: string
  /** What `islet place` is given. */
  model: string
}

type PackageFile = {
  name?: string
  version?: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  [field: string]: unknown
}

/** What npm install leaves in a folder, and git. */
const NPMS = ['package.json', 'package-lock.json', 'node_modules', '.git']
const COMPATIBILITY = '2026-10-23'

/** Wrangler asks for this Node, a project on an older one gets one of its own. */
const WRANGLER_NODE = 22

/** Throws `conflict` where the folder holds anything but what npm install leaves there. */
export async function checkEmpty(folder: string): Promise<void> {
  const [first] = (await readdir(folder)).filter((name) => !NPMS.includes(name))
  if (first !== undefined)
    throw new IsletError(
      'conflict',
      `${folder} is not empty: it has ${first}. Give the name of a new folder`,
      {
        param: 'FOLDER',
      },
    )
  const { scripts } = await readPackage(folder)
  if (scripts !== undefined)
    throw new IsletError(
      'conflict',
      `${folder} is not empty: its package.json has scripts. Give the name of a new folder`,
      {
        param: 'FOLDER',
      },
    )
}

/** A name that a Worker may have, of that of a folder. */
export function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
  return name === '' ? 'my-islet' : name
}

/** Writes the files of a project; gives their names. */
export async function writeProject(folder: string, project: Project): Promise<string[]> {
  const files = filesOf(project)
  files.set('package.json', packageOf(project, await readPackage(folder)))
  for (const [name, text] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return [...files.keys()]
}

async function readPackage(folder: string): Promise<PackageFile> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  return JSON.parse(text) as PackageFile
}

/** Versions are those that this package was tested with; what npm wrote of islet itself stays. */
function packageOf({ name, model }: Project, there: PackageFile): string {
  const own = ownPackage()
  const { hono, wrangler, node } = own.devDependencies ?? {}
  const place = `islet place ${JSON.stringify(model)} assets`
  const isOld = Number.parseInt(process.versions.node) < WRANGLER_NODE
  const made: PackageFile = {
    name,
    private: true,
    type: 'module',
    ...there,
    scripts: {
      start: `${place} && wrangler dev -c wrangler.jsonc -c lane/wrangler.jsonc`,
      deploy: `${place} && wrangler deploy -c lane/wrangler.jsonc && wrangler deploy -c wrangler.jsonc`,
      types: 'wrangler types -c wrangler.jsonc -c lane/wrangler.jsonc',
    },
    dependencies: { islet: own.version ?? '*', hono, ...there.dependencies },
    devDependencies: { wrangler, ...(isOld && { node }), ...there.devDependencies },
    allowScripts: { esbuild: true, workerd: true, ...(isOld && { node: true }) },
  }
  return `${JSON.stringify(made, undefined, 2)}\n`
}

/** package.json of this package: in a checkout two folders above this file, in the package three. */
function ownPackage(): PackageFile {
  const paths = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url))
  for (const path of paths.filter((path) => existsSync(path))) {
    const found = JSON.parse(readFileSync(path, 'utf8')) as PackageFile
    if (found.version !== undefined) return found
  }
  throw new IsletError('internal_error', 'this package has no package.json')
}

function filesOf({ name, id }: Project): Map<string, string> {
  return new Map([
    [
      'src/index.ts',
      `// Your Worker: Islet's HTTP API and page are mounted in it; what else it does is up to you.

import { Hono } from 'hono'
import { createIslet } from 'islet/worker'
import { options } from './options.ts'

/** Hashes of keys, a secret: npx wrangler secret put API_KEYS. Without it only localhost is served. */
type Bindings = Env & { API_KEYS?: string }

const islet = createIslet<Bindings>((env) => ({ ...options, apiKeys: env.API_KEYS }))

/** Other Workers may bind this one as a service. */
export class WorkersAI extends islet.WorkersAI {}

const app = new Hono<{ Bindings: Bindings }>()

app.get('/hello', async (c) => {
  const { choices } = await islet.binding(c.env).chat({
    messages: [{ role: 'user', content: 'Say hello.' }],
    max_tokens: 40,
  })
  return c.text(choices[0].message.content ?? '')
})

app.route('/', islet.app)

export default app
`,
    ],
    [
      'src/options.ts',
      `// What the app and the lane both know: the model, and how it is served.

import type { LaneOptions } from 'islet/worker'

export const options: LaneOptions = { model: ${JSON.stringify(id)}, window: 1024 }
`,
    ],
    [
      'lane/index.ts',
      `// The lane: the model and its sessions, in an isolate of their own. Only Workers that bind this one reach it.

import { createLane } from 'islet/worker'
import { options } from '../src/options.ts'

export class Lane extends createLane<Env>(options) {}

/** The app has the manifest and the page from here. */
export default {
  fetch: (request: Request, env: { ASSETS: Fetcher }): Promise<Response> => env.ASSETS.fetch(request),
}
`,
    ],
    [
      'wrangler.jsonc',
      json({
        name,
        main: 'src/index.ts',
        compatibility_date: COMPATIBILITY,
        compatibility_flags: ['enable_request_signal'],
        minify: true,
        durable_objects: {
          bindings: [{ name: 'LANE', class_name: 'Lane', script_name: `${name}-lane` }],
        },
        services: [{ binding: 'ASSETS', service: `${name}-lane` }],
        observability: { enabled: true },
      }),
    ],
    [
      'lane/wrangler.jsonc',
      json({
        name: `${name}-lane`,
        main: 'index.ts',
        compatibility_date: COMPATIBILITY,
        minify: true,
        workers_dev: false,
        preview_urls: false,
        assets: { directory: '../assets', binding: 'ASSETS', run_worker_first: true },
        durable_objects: { bindings: [{ name: 'LANE', class_name: 'Lane' }] },
        migrations: [{ tag: 'v1', new_sqlite_classes: ['Lane'] }],
        limits: { cpu_ms: 300_000 },
        observability: { enabled: true },
      }),
    ],
    [
      'tsconfig.json',
      json({
        compilerOptions: {
          target: 'ES2024',
          module: 'ESNext',
          moduleResolution: 'Bundler',
          lib: ['ES2024'],
          types: [],
          strict: true,
          allowImportingTsExtensions: true,
          noEmit: true,
          skipLibCheck: true,
        },
        include: ['worker-configuration.d.ts', 'src', 'lane'],
      }),
    ],
    ['.gitignore', 'node_modules/\nassets/\nmodels/\n.wrangler/\n.dev.vars*\n'],
  ])
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
