// This module fills the folder that wrangler uploads as static assets: build/site/models/<id>/, one model.

import { copyFileSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../src/weights/manifest.ts'
import { placeReference } from './openapi/write.ts'
import { placePage } from './page.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export const MODELS = `${ROOT}models`

/** Places the packed model in `folder` into the site, alone, beside the reference and the page; returns its id. */
export function placeModel(folder: string, site = `${ROOT}build/site`): string {
  rmSync(`${site}/models`, { recursive: true, force: true })
  const id = placeFiles(folder, site)
  placePages(site)
  return id
}

/** Places the reference and the page into the site. */
export function placePages(site: string): void {
  placeReference(site)
  placePage(site)
}

/**
 * Places files of the packed model in `folder`, all of them if none are named; returns its id. Hard links where the disk allows.
 */
export function placeFiles(folder: string, site: string, files = filesIn(folder)): string {
  const { id } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as Manifest
  const into = `${site}/models/${id}`
  mkdirSync(into, { recursive: true })
  for (const file of files) {
    try {
      linkSync(`${folder}/${file}`, `${into}/${file}`)
    } catch {
      copyFileSync(`${folder}/${file}`, `${into}/${file}`)
    }
  }
  return id
}

/** Without its stages, which are folders. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}
