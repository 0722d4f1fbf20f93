// This module fills the folder that wrangler uploads as static assets: build/site/models/<id>/, one model.

import { copyFileSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../src/weights/manifest.ts'
import { placeReference } from './openapi/write.ts'
import { placePage } from './page.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export const MODELS = `${ROOT}models`

/** Places the packed model in `folder` into the site, alone, beside the reference and the page; returns its id. Hard links where the disk allows. */
export function placeModel(folder: string, site = `${ROOT}build/site`): string {
  const { id } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as Manifest
  const into = `${site}/models/${id}`
  rmSync(`${site}/models`, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  for (const file of readdirSync(folder)) {
    try {
      linkSync(`${folder}/${file}`, `${into}/${file}`)
    } catch {
      copyFileSync(`${folder}/${file}`, `${into}/${file}`)
    }
  }
  placeReference(site)
  placePage(site)
  return id
}
