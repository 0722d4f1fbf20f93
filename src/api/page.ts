// The page handlers give browsers the page at `/` and its files, which the build puts among the assets.

import { IsletError } from '../lib/errors.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { sentAsset } from './http/asset.ts'

/** The names that there can be: without a slash or two dots, so no request can make another path of one. */
const NAMES = /^(page-[A-Z0-9]{8}|sw)\.(js|css)$/

/** `data:` images are the icon; a base URL of another origin is why `https:` may be asked. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' https: http://localhost:*; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types islet"

/** Handler of GET for one of the page's files. */
export function getPageFile(deps: ApiDeps) {
  return async function pageFile(c: ApiContext): Promise<Response> {
    const name = c.req.param('name') ?? ''
    const [, , kind] = NAMES.exec(name) ?? []
    const response = kind && (await fileOf(deps, c, name, kind === 'js' ? 'javascript' : kind))
    if (response) return response
    throw new IsletError('not_found', 'The page has no such file')
  }
}

/** The page for a browser; undefined for others, or where the deployment was built without it. */
export async function pageFor(deps: ApiDeps, c: ApiContext): Promise<Response | undefined> {
  c.header('vary', 'accept', { append: true })
  const wanted = weightOf(c, 'text/html') > weightOf(c, 'application/json')
  return wanted ? fileOf(deps, c, 'index.page', 'html') : undefined
}

/**
 * A file with its headers; those whose names have a hash may be kept for ever. The page belongs to a whole origin: its files
 * have absolute paths, and it is not there where the app is mounted below one.
 */
function fileOf(deps: ApiDeps, c: ApiContext, name: string, kind: string): Promise<Response | undefined> {
  return sentAsset(c, c.env?.base ? undefined : deps.page?.(name), {
    'content-type': `text/${kind}; charset=utf-8`,
    'cache-control': name.startsWith('page') ? 'public, max-age=31536000, immutable' : 'no-cache',
    'content-security-policy': POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'service-worker-allowed': '/',
  })
}

/** How much the Accept header wants a type by its own name; 0 without it. */
function weightOf(c: ApiContext, type: string): number {
  const ranges = c.req.header('accept')?.toLowerCase().split(',')
  const range = ranges?.find((one) => one.trim().startsWith(type))
  return range === undefined ? 0 : Number(/;\s*q=([^;\s]*)/.exec(range)?.[1] ?? 1)
}
