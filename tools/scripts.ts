// This module writes a folder for each of several scripts that bind each other: its configuration and its assets.
// A router in front of models is one use of it; scripts that each hold some layers of one model are another.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { experimental_readRawConfig } from 'wrangler'
import { IsletError } from '../src/lib/errors.ts'
import { ROOT } from './root.ts'
import { placeFiles, placePages } from './site.ts'

/** One script: what of wrangler.toml is not its own it has from there. */
export type Script = {
  name: string
  /** Its entry, from the root. */
  main: string
  /** The folder of the packed model among its assets. */
  model?: string
  /** Folders of models of which it has the manifest alone. */
  manifests?: readonly string[]
  /** In place of those of wrangler.toml; undefined: the script has none of this name. */
  vars?: Readonly<Record<string, string | undefined>>
  /** Classes of Durable Objects by the names of their bindings; `script`: another of the list has the class. */
  objects: Readonly<Record<string, { class: string; script?: string }>>
  /** Beside those of wrangler.toml. */
  limits?: Readonly<Record<string, number>>
  /** Whether it is asked from outside: the others have no address, and the bindings to them are the permission. */
  isPublic: boolean
}

/** The platform's limit for the name of a script. */
export const MAX_NAME = 63

/** The variables of wrangler.toml. */
export function configuredVars(): Partial<Record<string, string>> {
  const { rawConfig } = experimental_readRawConfig({ config: `${ROOT}wrangler.toml` })
  return rawConfig.vars as Record<string, string>
}

/** A script that is written: where its configuration lies. */
export type WrittenScript = { name: string; config: string }

/** Of wrangler.toml: what a script that nobody asks from outside has no use for. */
const FOR_CLIENTS = ['analytics_engine_datasets', 'ratelimits', 'routes', 'route']
/** What each script has of its own. */
const OWN = ['name', 'main', 'assets', 'durable_objects', 'migrations', 'vars', 'limits']

/**
 * Writes the scripts below `into`, which is emptied first. They come back in the order in which they can be deployed: each behind those
 * whose classes it binds. Throws `conflict` for two of one name, and where there is no such order.
 */
export function writeScripts(scripts: readonly Script[], into: string): WrittenScript[] {
  const ordered = inOrder(scripts)
  const { rawConfig } = experimental_readRawConfig({ config: `${ROOT}wrangler.toml` })
  rmSync(into, { recursive: true, force: true })
  return ordered.map((script) => {
    const folder = `${into}/${script.name}`
    const site = `${folder}/site`
    mkdirSync(site, { recursive: true })
    if (script.model !== undefined) placeFiles(script.model, site)
    if (script.isPublic) placePages(site)
    for (const model of script.manifests ?? []) placeFiles(model, site, ['manifest.json'])
    const config = `${folder}/wrangler.json`
    writeFileSync(config, `${JSON.stringify(configOf(script, rawConfig, folder), null, 2)}\n`)
    return { name: script.name, config }
  })
}

type Base = { assets: object; vars: Record<string, string>; limits: object }

function configOf(script: Script, base: object, folder: string): object {
  const { name, main, vars = {}, objects, limits, isPublic } = script
  const dropped = isPublic ? OWN : [...OWN, ...FOR_CLIENTS]
  const shared = Object.entries(base).filter(([field]) => !dropped.includes(field))
  const { assets, vars: usual, limits: given } = base as Base
  const bindings = Object.entries(objects).map(([binding, { class: className, script: other }]) => ({
    name: binding,
    class_name: className,
    ...(other !== undefined && { script_name: other }),
  }))
  const own = Object.values(objects).flatMap(({ class: className, script: other }) =>
    other === undefined ? className : [],
  )
  return {
    name,
    main: relative(folder, `${ROOT}${main}`),
    ...Object.fromEntries(shared),
    assets: { ...assets, directory: 'site' },
    durable_objects: { bindings },
    ...(own.length > 0 && { migrations: [{ tag: 'v1', new_sqlite_classes: own }] }),
    ...(!isPublic && { workers_dev: false, preview_urls: false }),
    vars: { ...usual, ...vars },
    limits: { ...given, ...limits },
  }
}

function inOrder(scripts: readonly Script[]): Script[] {
  const byName = new Map(scripts.map((script) => [script.name, script]))
  if (byName.size < scripts.length) {
    const twice = scripts.find((script) => byName.get(script.name) !== script)
    throw new IsletError('conflict', `two scripts would have the name ${twice?.name}`)
  }
  const ordered: Script[] = []
  const entered = new Set<Script>()
  const visit = (script: Script): void => {
    if (ordered.includes(script)) return
    if (entered.has(script)) throw new IsletError('conflict', `${script.name} binds itself through others`)
    entered.add(script)
    for (const { script: other } of Object.values(script.objects)) {
      const bound = other === undefined ? undefined : byName.get(other)
      if (bound !== undefined) visit(bound)
    }
    ordered.push(script)
  }
  scripts.forEach(visit)
  return ordered
}
