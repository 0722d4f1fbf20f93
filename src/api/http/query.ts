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

/** A page of items that are all there: how many of them, behind which, and in which order. */
export type Paging = { limit: number; after: string | undefined; newestFirst: boolean }

const ITEMS = { usual: 20, most: 100 }

/**
 * `limit`, `after` and `order` of the query, the newest first unless that is `asc`.
 * @throws IsletError `invalid_request` with the name as `param`.
 */
export function pagingOf(c: ApiContext): Paging {
  const order = c.req.query('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc')
    throw refuse('order', `must be "asc" or "desc", not ${preview(order)}`)
  return { limit: limitOf(c, ITEMS), after: c.req.query('after'), newestFirst: order === 'desc' }
}

/**
 * The list object of a page of items, which come oldest first.
 * @throws IsletError `invalid_request` with `param: "after"` for what is no item's id.
 */
export function pageOf(items: readonly { id: string }[], { limit, after, newestFirst }: Paging): object {
  const ordered = newestFirst ? items.toReversed() : items
  const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1
  if (after !== undefined && from === 0)
    throw refuse('after', `must be the id of an item, not ${preview(after)}`)
  return listObject(ordered.slice(from, from + limit), from + limit < ordered.length)
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
