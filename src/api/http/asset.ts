// This file sends an asset of the build with headers of its own.

import type { ApiContext } from '../context.ts'

/** The asset that was asked for; undefined where the deployment has none. */
export async function sentAsset(
  c: ApiContext,
  asked: Promise<Response> | undefined,
  headers: Record<string, string>,
): Promise<Response | undefined> {
  const asset = await asked
  if (asset?.ok === true && asset.body) return c.body(asset.body, 200, headers)
  await asset?.body?.cancel()
  return undefined
}
