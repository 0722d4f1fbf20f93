// The handlers of /tokenize, /detokenize, /apply-template and input_tokens ask a lane for tokens alone.

import { limitsOf, type ApiContext, type ApiDeps } from '../context.ts'
import { countedPrompt } from '../dialects/anthropic/count.ts'
import { parseChat } from '../dialects/chat/schema.ts'
import { responsesDialect } from '../dialects/responses/dialect.ts'
import { readBody, type Body } from '../http/body.ts'
import { clientLeft } from '../http/respond.ts'
import { findModel } from '../models.ts'
import { validate } from '../validate.ts'
import { askTokens, countTokens, type Tokens } from './ask.ts'
import { applyTemplateSchema, detokenizeSchema, tokenizeSchema } from './schema.ts'

type Handler = (c: ApiContext) => Promise<Response>

/** Handler of POST /tokenize: `content` to ids, each with what it prints where `with_pieces` asks for it. */
export function postTokenize(deps: ApiDeps): Handler {
  return async function tokenize(c) {
    const fields = validate(tokenizeSchema, (await bodyOf(c, deps)).fields)
    const { content: text, add_special: bos = false, parse_special: names = true } = fields
    const pieces = fields.with_pieces ?? false
    const task = { kind: 'encode' as const, text, bos, names, pieces }
    return answered(
      c,
      await askTokens(c, deps, { model: await modelOf(c, deps, fields.model), task }),
      (heard) => ({
        tokens: pieces ? heard.ids.map((id, at) => ({ id, piece: heard.pieces[at] })) : heard.ids,
      }),
    )
  }
}

/** Handler of POST /detokenize: `tokens` to their text. */
export function postDetokenize(deps: ApiDeps): Handler {
  return async function detokenize(c) {
    const fields = validate(detokenizeSchema, (await bodyOf(c, deps)).fields)
    const task = { kind: 'decode' as const, ids: fields.tokens }
    const model = await modelOf(c, deps, fields.model)
    return answered(c, await askTokens(c, deps, { model, task }), ({ text }) => ({ content: text }))
  }
}

/** Handler of POST /apply-template: a chat's prompt as text. */
export function postApplyTemplate(deps: ApiDeps): Handler {
  return async function applyTemplate(c) {
    const { fields, changed } = await bodyOf(c, deps)
    const { model: named, add_generation_prompt: opening } = validate(applyTemplateSchema, fields)
    const model = await modelOf(c, deps, named)
    const { add_generation_prompt: _, ...chat } = fields
    const { prompt } = parseChat({ ...chat, model }, deps.newSeed, changed).order
    if (prompt.kind !== 'chat') throw new Error('a chat has a prompt of another kind')
    const task = { kind: 'render' as const, prompt, opening: opening ?? true }
    return answered(c, await askTokens(c, deps, { model, task }), ({ text }) => ({ prompt: text }))
  }
}

/** Handler of POST /v1/responses/input_tokens: the number of a response's input, all of its body counted. */
export function postInputTokens(deps: ApiDeps): Handler {
  return async function inputTokens(c) {
    const { fields, changed } = await bodyOf(c, deps)
    const asked = responsesDialect.parse(fields, deps.newSeed, changed)
    const named = await modelOf(c, deps, asked.order.model)
    const { prompt, session } = await asked.prompt((id) => deps.lanes(c).turn(c.var.tenant, id))
    const model = asked.order.model === undefined ? await modelOf(c, deps, undefined, session) : named
    const count = await countTokens(c, deps, model, { prompt, places: asked.order.places })
    if (count === undefined) return clientLeft()
    return c.json({ object: 'response.input_tokens', input_tokens: count })
  }
}

/** Handler of POST /v1/messages/count_tokens: the number of tokens that a message's prompt has. */
export function postCountTokens(deps: ApiDeps): Handler {
  return async function messageTokens(c) {
    const { fields, changed } = await bodyOf(c, deps)
    const { model, prompt } = countedPrompt(fields, changed)
    const count = await countTokens(c, deps, await modelOf(c, deps, model), { prompt })
    return count === undefined ? clientLeft() : c.json({ input_tokens: count })
  }
}

function bodyOf(c: ApiContext, deps: ApiDeps): Promise<Body> {
  return readBody(c.req.raw, limitsOf(deps).maxBodyBytes)
}

/** The model that a body names, or the one that has the session. */
async function modelOf(c: ApiContext, deps: ApiDeps, ...named: [string?, string?]): Promise<string> {
  const [id, session] = named
  return (await findModel(deps.lanes(c), id, session)).id
}

function answered(c: ApiContext, heard: Tokens | undefined, reply: (heard: Tokens) => object): Response {
  return heard === undefined ? clientLeft() : c.json(reply(heard))
}
