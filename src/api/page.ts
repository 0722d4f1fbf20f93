// The page handlers give browsers the page at `/` and its files, which the build puts among the assets.

import { IsletError } from '../lib/errors.ts'
import type { ApiContext, ApiDeps } from './context.ts'

/** The files that there can be. No name has a slash or two dots, so no request can make another path of it. */
const TYPES: readonly [RegExp, string][] = [
  [/^page-[A-Z0-9]{8}\.js$/, 'text/javascript'],
  [/^page-[A-Z0-9]{8}\.css$/, 'text/css'],
  [/^sw\.js$/, 'text/javascript'],
]

/** `data:` images are the icon; a base URL of another origin is why `https:` may be asked. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' https: http://localhost:*; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types islet"

/** Handler of GET for one of the page's files; those whose names have a hash may be kept for ever. */
export function getPageFile(deps: ApiDeps) {
  return async function pageFile(c: ApiContext): Promise<Response> {
    const name = c.req.param('name') ?? ''
    const type = TYPES.find(([pattern]) => pattern.test(name))?.[1]
    const response = type && (await servePage(c, deps, name, type))
    if (response) return response
    throw new IsletError('not_found', 'The page has no such file')
  }
}

/** The page, for a browser; undefined for others, or where the deployment was built without it. */
export async function pageFor(c: ApiContext, deps: ApiDeps): Promise<Response | undefined> {
  c.header('vary', 'accept', { append: true })
  const accept = c.req.header('accept') ?? ''
  if (weightOf(accept, 'text/html') <= weightOf(accept, 'application/json')) return undefined
  return servePage(c, deps, 'index.page', 'text/html')
}

async function servePage(
  c: ApiContext,
  deps: ApiDeps,
  name: string,
  type: string,
): Promise<Response | undefined> {
  const file = await deps.page?.(name)
  if (file?.ok === true && file.body !== null)
    return c.body(file.body, 200, {
      'content-type': `${type}; charset=utf-8`,
      'cache-control': name.startsWith('page') ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'service-worker-allowed': '/',
    })
  await file?.body?.cancel()
  return undefined
}

/** How much an Accept header wants a type: the weight of its own range, or of those that hold it; 0 without any. */
function weightOf(accept: string, type: string): number {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map((range) => range.trim().split(/\s*;\s*/))
  for (const wanted of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const found = ranges.find(([name]) => name === wanted)
    if (found) return Number(found.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
  }
  return 0
}
