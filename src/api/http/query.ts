// The query reader takes numbers out of a query, and gives lists a page at a time.

import { IsletError } from '../../lib/errors.ts'
import type { ApiContext } from '../context.ts'
import { preview } from '../validate.ts'

/**
 * A count in the query; undefined when it is not there.
 * @throws IsletError `invalid_request` with the name as `param`.
 */
export function countOf(c: ApiContext, name: string): number | undefined {
  const text = c.req.query(name)
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new IsletError('invalid_request', `${name} must be an integer from 0, not ${preview(text)}`, {
    param: name,
  })
}

/**
 * How many items a page shall have: `limit` of the query, from 1 to `most`.
 * @throws IsletError `invalid_request` with `param: "limit"`.
 */
export function limitOf(c: ApiContext, { usual, most }: { usual: number; most: number }): number {
  const limit = countOf(c, 'limit') ?? usual
  if (limit >= 1 && limit <= most) return limit
  throw new IsletError('invalid_request', `limit must be from 1 to ${most}, not ${limit}`, { param: 'limit' })
}

/** OpenAI's list object of one page. */
export function listObject(data: readonly { id?: unknown }[], hasMore: boolean): object {
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  }
}
