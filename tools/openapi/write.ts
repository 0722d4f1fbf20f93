// This module writes the OpenAPI document and its page among the static assets; run alone it prints the document.

import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openApiDocument } from './document.ts'
import { referencePage } from './page.ts'

/** Writes both into the folder `reference` of a site. The worker gives these two files out by name, and no other. */
export function placeReference(site: string): void {
  const document = openApiDocument()
  mkdirSync(`${site}/reference`, { recursive: true })
  writeFileSync(`${site}/reference/openapi.json`, JSON.stringify(document))
  // Not .html: the platform redirects from such names.
  writeFileSync(`${site}/reference/docs.page`, referencePage(document))
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${JSON.stringify(openApiDocument(), undefined, 2)}\n`)
