// The command `islet decide` answers the questions of a file as the endpoint of decisions does.

import { scoredPrompts } from '../src/api/decisions/prompts.ts'
import { decisionReply } from '../src/api/decisions/reply.ts'
import { parseDecision } from '../src/api/decisions/schema.ts'
import { readBody } from '../src/api/http/body.ts'
import { IsletError } from '../src/lib/errors.ts'
import { openLocal } from './lib/local.ts'
import { windowOption } from './lib/options.ts'
import { printOut, readFileArguments, readText, type Print } from './lib/text-command.ts'

const usage = `decide MODEL F.json [--window W] [--sinks S]

Answers the questions of F.json, which holds the body of a POST /v1/decisions ("-" is standard input; "model" may be left
out), and prints the reply as JSON. Without --window each prompt may be as long as the trained context.`

const options = { window: { type: 'string' }, sinks: { type: 'string' } } as const

/** Bytes of a body, as for the endpoint. */
const MOST_BYTES = 8_000_000

export const command = { name: 'decide', summary: 'answer typed questions about an input', usage, run }

async function run(argv: string[], print: Print = printOut): Promise<void> {
  const { model, file, values } = readFileArguments(argv, options, usage)
  const body = await readText(file, 'F.json')
  const { fields, changed } = await readBody(
    new Request('http://localhost/v1/decisions', { method: 'POST', body }),
    MOST_BYTES,
  )
  const order = parseDecision(fields, changed)
  const local = await openLocal(model, windowOption(values.window, values.sinks))
  if (order.model !== undefined && order.model.toLowerCase() !== local.id.toLowerCase()) {
    throw new IsletError('model_not_found', `F.json asks ${order.model}, and this is ${local.id}`, {
      param: 'model',
    })
  }
  for await (const event of local.score(scoredPrompts(order)))
    if (event.type === 'scores')
      print(`${JSON.stringify(decisionReply(order, local.id, event), undefined, 2)}\n`)
}
