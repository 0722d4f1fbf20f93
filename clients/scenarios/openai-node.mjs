// The helpers of openai for Node, unmodified: values by a schema, calls, decisions.

import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { zodFunction, zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { ALARM_SCHEMA, BASE_URL, checkAlarm, checkTicket, MODEL, QUESTION, scenario, TICKET_SCHEMA, WAKE } from './scenarios.mjs' // prettier-ignore

const client = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0 })
const ask = { model: MODEL, max_tokens: 80, messages: [{ role: 'user', content: QUESTION }] }
const wake = { model: MODEL, max_tokens: 80, messages: [{ role: 'user', content: WAKE }] }
const input = { model: MODEL, max_output_tokens: 80, input: QUESTION }
const wakeInput = { model: MODEL, max_output_tokens: 80, input: WAKE }

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean().describe('whether the customer is in a hurry'),
  summary: z.string().max(60),
})
const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const tool = {
  type: 'function',
  function: { name: 'set_alarm', description: 'Sets an alarm.', parameters: ALARM_SCHEMA },
}
const flatTool = { type: 'function', name: 'set_alarm', parameters: ALARM_SCHEMA, strict: true }
const named = { type: 'function', function: { name: 'set_alarm' } }
const runnable = {
  type: 'function',
  function: { ...tool.function, parse: JSON.parse, function: (alarm) => (checkAlarm(alarm), 'It is set.') },
}

const text = (completion) => completion.choices[0].message.content
const argumentsOf = (completion) => JSON.parse(completion.choices[0].message.tool_calls[0].function.arguments)
const bySchema = (schema, more = {}) => ({
  ...ask,
  response_format: { type: 'json_schema', json_schema: { name: 'ticket', schema, ...more } },
})

await scenario('object', 'chat.completions.parse', async () => {
  const answer = await client.chat.completions.parse({
    ...ask,
    response_format: zodResponseFormat(Ticket, 'ticket'),
  })
  checkTicket(answer.choices[0].message.parsed)
})
await scenario('object', 'chat.completions.stream, parsed', async () => {
  const stream = client.chat.completions.stream({
    ...ask,
    response_format: zodResponseFormat(Ticket, 'ticket'),
  })
  checkTicket((await stream.finalChatCompletion()).choices[0].message.parsed)
})
await scenario('object', 'parse, cut by max_tokens', async () => {
  const response_format = zodResponseFormat(z.object({ all: z.array(z.string()) }), 'list')
  const answer = await client.chat.completions.parse({ ...ask, max_tokens: 20, response_format })
  assert.ok(Array.isArray(answer.choices[0].message.parsed.all))
})
await scenario('object', 'json_schema, strict', async () =>
  checkTicket(
    JSON.parse(text(await client.chat.completions.create(bySchema(TICKET_SCHEMA, { strict: true })))),
  ),
)
await scenario('object', 'json_schema without strict', async () =>
  checkTicket(JSON.parse(text(await client.chat.completions.create(bySchema(TICKET_SCHEMA))))),
)
await scenario('object', 'json_schema with annotations', async () => {
  const properties = Object.fromEntries(
    Object.entries(TICKET_SCHEMA.properties).map(([name, of]) => [
      name,
      { ...of, title: name, description: 'What it is.', default: null, examples: ['billing'] },
    ]),
  )
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Ticket',
    ...TICKET_SCHEMA,
    properties,
  }
  checkTicket(JSON.parse(text(await client.chat.completions.create(bySchema(schema)))))
})
await scenario('object', 'json_object', async () => {
  const answer = await client.chat.completions.create({ ...ask, response_format: { type: 'json_object' } })
  assert.equal(typeof JSON.parse(text(answer)), 'object')
})
await scenario('object', 'responses.parse', async () => {
  const answer = await client.responses.parse({ ...input, text: { format: zodTextFormat(Ticket, 'ticket') } })
  checkTicket(answer.output_parsed)
})
await scenario('object', 'responses.stream, parsed', async () => {
  const stream = client.responses.stream({ ...input, text: { format: zodTextFormat(Ticket, 'ticket') } })
  checkTicket((await stream.finalResponse()).output_parsed)
})
for (const [name, outputs, check] of [
  ['json', { json: TICKET_SCHEMA }, (said) => checkTicket(JSON.parse(said))],
  ['regex', { regex: '(good|bad)' }, (said) => assert.match(said, /^(good|bad)$/)],
  ['choice', { choice: ['yes', 'no'] }, (said) => assert.match(said, /^(yes|no)$/)],
  ['grammar', { grammar: 'root ::= "<" [a-z]+ ">"' }, (said) => assert.match(said, /^<[a-z]+>$/)],
])
  await scenario('object', `structured_outputs, ${name}`, async () =>
    check(text(await client.chat.completions.create({ ...ask, structured_outputs: outputs }))),
  )

await scenario('forced', 'tool_choice named', async () =>
  checkAlarm(
    argumentsOf(await client.chat.completions.create({ ...wake, tools: [tool], tool_choice: named })),
  ),
)
await scenario('forced', 'tool_choice required', async () =>
  checkAlarm(
    argumentsOf(await client.chat.completions.create({ ...wake, tools: [tool], tool_choice: 'required' })),
  ),
)
await scenario('forced', 'tool_choice required, parallel_tool_calls false', async () => {
  const asked = { ...wake, tools: [tool], tool_choice: 'required', parallel_tool_calls: false }
  const answer = await client.chat.completions.create(asked)
  assert.equal(answer.choices[0].message.tool_calls.length, 1)
  checkAlarm(argumentsOf(answer))
})
await scenario('forced', 'allowed_tools', async () => {
  const tool_choice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named] } }
  checkAlarm(argumentsOf(await client.chat.completions.create({ ...wake, tools: [tool], tool_choice })))
})
await scenario('forced', 'parse with zodFunction', async () => {
  const tools = [zodFunction({ name: 'set_alarm', parameters: Alarm })]
  const answer = await client.chat.completions.parse({ ...wake, tools, tool_choice: named })
  checkAlarm(answer.choices[0].message.tool_calls[0].function.parsed_arguments)
})
await scenario('forced', 'stream, named', async () => {
  const stream = client.chat.completions.stream({ ...wake, tools: [tool], tool_choice: named })
  checkAlarm(argumentsOf(await stream.finalChatCompletion()))
})
await scenario('forced', 'runTools, named', async () => {
  const runner = client.chat.completions.runTools({ ...wake, tools: [runnable], tool_choice: named })
  checkAlarm(JSON.parse((await runner.finalFunctionToolCall()).arguments))
})
await scenario('forced', 'functions, function_call named', async () => {
  const asked = { ...wake, functions: [tool.function], function_call: { name: 'set_alarm' } }
  checkAlarm(
    JSON.parse((await client.chat.completions.create(asked)).choices[0].message.function_call.arguments),
  )
})
await scenario('forced', 'responses, named', async () => {
  const asked = { ...wakeInput, tools: [flatTool], tool_choice: { type: 'function', name: 'set_alarm' } }
  checkAlarm(JSON.parse((await client.responses.create(asked)).output[0].arguments))
})
await scenario('forced', 'responses.parse with zodResponsesFunction, required', async () => {
  const tools = [zodResponsesFunction({ name: 'set_alarm', parameters: Alarm })]
  const answer = await client.responses.parse({ ...wakeInput, tools, tool_choice: 'required' })
  checkAlarm(answer.output[0].parsed_arguments)
})
await scenario('forced', 'responses.stream, required', async () => {
  const stream = client.responses.stream({ ...wakeInput, tools: [flatTool], tool_choice: 'required' })
  checkAlarm(JSON.parse((await stream.finalResponse()).output[0].arguments))
})

await scenario('auto', 'tools', async () => {
  const { message } = (await client.chat.completions.create({ ...wake, tools: [tool] })).choices[0]
  for (const call of message.tool_calls ?? []) checkAlarm(JSON.parse(call.function.arguments))
  assert.ok(message.content !== null || message.tool_calls.length > 0)
})
await scenario('auto', 'runTools', async () => {
  // This helper throws where the limit cuts free text.
  const asked = { ...wake, max_tokens: 600, temperature: 0, tools: [runnable] }
  const runner = client.chat.completions.runTools(asked, { maxChatCompletions: 2 })
  await runner.done()
  assert.ok(runner.messages.length > 1)
})
await scenario('auto', 'functions', async () => {
  const { message } = (await client.chat.completions.create({ ...wake, functions: [tool.function] }))
    .choices[0]
  if (message.function_call != null) checkAlarm(JSON.parse(message.function_call.arguments))
  else assert.equal(typeof message.content, 'string')
})
await scenario('auto', 'responses', async () => {
  const { output } = await client.responses.create({ ...wakeInput, tools: [flatTool] })
  for (const item of output) if (item.type === 'function_call') checkAlarm(JSON.parse(item.arguments))
  assert.ok(output.length > 0)
})

await scenario('decision', 'decisions.create', async () => {
  const { answers } = await client.decisions.create({
    model: MODEL,
    input: QUESTION,
    questions: [
      { type: 'predicate', name: 'refund', instructions: 'The customer asks for money back.' },
      {
        type: 'choice',
        name: 'team',
        instructions: 'Which team should handle this?',
        choices: [{ value: 'billing' }, { value: 'technical' }],
      },
      { type: 'score', instructions: 'How urgent is it?', levels: [{ label: 'not' }, { label: 'very' }] },
    ],
  })
  assert.deepEqual(
    answers.map(({ type, name }) => [type, name]),
    [['predicate', 'refund'], ['choice', 'team'], ['score', null]], // prettier-ignore
  )
  assert.ok(answers[0].probability > 0 && answers[0].probability < 1)
  assert.ok(['billing', 'technical'].includes(answers[1].choice))
  assert.ok(answers[2].score >= 0 && answers[2].score <= 1)
})
await scenario('other', 'reasoning_effort low', async () => {
  const answer = await client.chat.completions.create({ ...ask, max_tokens: 8, reasoning_effort: 'low' })
  assert.equal(typeof text(answer), 'string')
})
await scenario('other', 'responses, reasoning.effort low', async () => {
  const answer = await client.responses.create({
    ...input,
    max_output_tokens: 16,
    reasoning: { effort: 'low' },
  })
  assert.equal(typeof answer.output_text, 'string')
})
