// The handlers of /v1/conversations make, show, change and delete a tenant's conversations and their items.

import { IsletError } from '../../lib/errors.ts'
import type { Json } from '../../protocol/generation.ts'
import { conversationOf, sessionOfConversation } from '../../protocol/ids.ts'
import { limitsOf, type ApiContext, type ApiDeps } from '../context.ts'
import { heldIn, type HeldItems } from '../dialects/responses/held.ts'
import { newItems, type KeptItem } from '../dialects/responses/items.ts'
import type { Held } from '../dialects/responses/object.ts'
import { readBody } from '../http/body.ts'
import { findModel } from '../models.ts'
import { listObject, pageOf, pagingOf } from '../http/query.ts'
import { preview, validate } from '../validate.ts'
import { addSchema, createSchema, updateSchema } from './schema.ts'

type Handler = (c: ApiContext) => Promise<Response>

/** Handler of POST /v1/conversations; a body may be left out. */
export function postConversation(deps: ApiDeps): Handler {
  return async function conversationMade(c) {
    const fields = validate(createSchema, c.req.raw.body === null ? {} : await bodyOf(c, deps))
    const held = { created: Math.floor(deps.now() / 1000), metadata: fields.metadata ?? {} }
    const items = newItems(fields.items ?? [], deps.newId())
    // A key of its own: conversations of a tenant are spread over the lanes.
    const session = await keep(c, deps, { items, held, sessionKey: deps.newId(), model: fields.model })
    return c.json(conversationObject(conversationOf(session), held))
  }
}

/** Handler of GET /v1/conversations/:id. */
export function getConversation(deps: ApiDeps): Handler {
  return async function conversation(c) {
    const { id, held } = await heldBy(c, deps)
    return c.json(conversationObject(id, held))
  }
}

/** Handler of POST /v1/conversations/:id: other metadata. */
export function updateConversation(deps: ApiDeps): Handler {
  return async function conversationChanged(c) {
    const { metadata = {} } = validate(updateSchema, await bodyOf(c, deps))
    const before = await heldBy(c, deps)
    const held = { ...before.held, metadata }
    await keep(c, deps, { ...before, held, follows: before.turn })
    return c.json(conversationObject(before.id, held))
  }
}

/** Handler of DELETE /v1/conversations/:id: its session goes, with its responses. */
export function deleteConversation(deps: ApiDeps): Handler {
  return async function conversationDeleted(c) {
    const { id } = await heldBy(c, deps)
    await deps.lanes(c).remove(c.var.tenant, sessionOfConversation(id))
    return c.json({ id, object: 'conversation.deleted', deleted: true })
  }
}

/** Handler of POST /v1/conversations/:id/items: behind those that are there. */
export function addItems(deps: ApiDeps): Handler {
  return async function itemsAdded(c) {
    const { items: given } = validate(addSchema, await bodyOf(c, deps))
    const before = await heldBy(c, deps)
    const added = newItems(given, deps.newId())
    await keep(c, deps, { ...before, items: [...before.items, ...added], follows: before.turn })
    return c.json(listObject(added, false))
  }
}

/** Handler of GET /v1/conversations/:id/items, newest first unless `order=asc`. */
export function listItems(deps: ApiDeps): Handler {
  return async function items(c) {
    const paging = pagingOf(c)
    return c.json(pageOf((await heldBy(c, deps)).items, paging))
  }
}

/** Handler of GET /v1/conversations/:id/items/:item. */
export function getItem(deps: ApiDeps): Handler {
  return async function item(c) {
    return c.json(itemIn(c, await heldBy(c, deps)))
  }
}

/** Handler of DELETE /v1/conversations/:id/items/:item; gives the conversation. */
export function deleteItem(deps: ApiDeps): Handler {
  return async function itemDeleted(c) {
    const before = await heldBy(c, deps)
    const gone = itemIn(c, before)
    await keep(c, deps, {
      ...before,
      items: before.items.filter((item) => item !== gone),
      follows: before.turn,
    })
    return c.json(conversationObject(before.id, before.held))
  }
}

function heldBy(c: ApiContext, deps: ApiDeps): Promise<HeldItems> {
  return heldIn((id) => deps.lanes(c).turn(c.var.tenant, id), c.req.param('id') ?? '')
}

function itemIn(c: ApiContext, { id, items }: HeldItems): KeptItem {
  const wanted = c.req.param('item') ?? ''
  const item = items.find((each) => each.id === wanted)
  if (item !== undefined) return item
  throw new IsletError('not_found', `There is no item ${preview(wanted)} in the conversation ${preview(id)}`)
}

type Kept = {
  items: KeptItem[]
  held: Held
  session?: string
  follows?: string
  sessionKey?: string
  model?: string
}

/** Writes what a conversation holds; gives its session. */
async function keep(c: ApiContext, deps: ApiDeps, kept: Kept): Promise<string> {
  const { items, held, session, follows, sessionKey = '' } = kept
  const lanes = deps.lanes(c)
  const { id: model } = await findModel(lanes, kept.model, session)
  const reply: Json = { kind: 'conversation', held }
  const { tenant } = c.var
  return lanes.keepConversation({ tenant, sessionKey, model, session, follows, conversation: items, reply })
}

async function bodyOf(c: ApiContext, deps: ApiDeps): Promise<Record<string, unknown>> {
  return (await readBody(c.req.raw, limitsOf(deps).maxBodyBytes)).fields
}

function conversationObject(id: string, { created, metadata }: Held): object {
  return { id, object: 'conversation', created_at: created, metadata }
}
