// A route is one endpoint: its method and path, its handler, and what documents say of it.

import type * as z from 'zod/mini'
import type { ApiContext, ApiDeps } from './context.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { Access } from './http/auth.ts'

export type Route = {
  /** GET answers HEAD too, unless `head` is false. */
  method: 'GET' | 'POST' | 'DELETE'
  /** As Hono reads it: `:id` is a parameter, braces hold its pattern. */
  path: string
  handler: (deps: ApiDeps) => (c: ApiContext) => Response | Promise<Response>
  /** One sentence for the documents, in Markdown. */
  summary: string
  /** The schema of the body, where there is one that is read. */
  body?: z.ZodMiniObject
  /** How errors at this path are worded, whoever finds them; OpenAI's without it. */
  errorBody?: Dialect['errorBody']
  head?: false
  /** Who may ask; without it a key that may operate. */
  access?: Access
}
