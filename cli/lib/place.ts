// This file puts a packed model among the assets of a Worker, alone, beside the page and the reference.

import { copyFile, cp, link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readManifest } from './model.ts'

/** Page and reference, as the package has them. */
const SITE = fileURLToPath(new URL('../../site/', import.meta.url))

/** Places the packed model in `folder` into `assets`; gives its id. Hard links where the disk allows. */
export async function placePacked(folder: string, assets: string): Promise<string> {
  const { id } = await readManifest(folder)
  const into = join(assets, 'models', id)
  await rm(join(assets, 'models'), { recursive: true, force: true })
  await mkdir(into, { recursive: true })
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    // Stages are folders, and parts of what is placed.
    if (!entry.isFile()) continue
    const [from, to] = [join(folder, entry.name), join(into, entry.name)]
    await link(from, to).catch(() => copyFile(from, to))
  }
  for (const part of ['play', 'reference']) {
    await rm(join(assets, part), { recursive: true, force: true })
    // A checkout has none: its own build makes them.
    await cp(join(SITE, part), join(assets, part), { recursive: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      },
    )
  }
  return id
}
