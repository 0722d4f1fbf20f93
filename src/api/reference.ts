// The reference handlers give out the OpenAPI document and its page, which the build puts among the assets.

import { IsletError } from '../lib/errors.ts'
import type { ApiContext, ApiDeps, ReferenceFile } from './context.ts'
import { sentAsset } from './http/asset.ts'

const TYPES: Readonly<Record<ReferenceFile, string>> = {
  'openapi.json': 'application/json',
  'docs.page': 'text/html; charset=utf-8',
}

/** Handler of GET for one of the two files. */
export function getReference(name: ReferenceFile) {
  return (deps: ApiDeps) =>
    async function reference(c: ApiContext): Promise<Response> {
      const response = await sentAsset(c, deps.reference?.(name), {
        'content-type': TYPES[name],
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      })
      if (response) return response
      throw new IsletError(
        'not_found',
        'This deployment was built without its reference: npm run deploy makes it',
      )
    }
}
