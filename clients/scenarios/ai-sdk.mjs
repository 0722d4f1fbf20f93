// The AI SDK, unmodified, through each provider that can talk to an OpenAI server.

import assert from 'node:assert/strict'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { experimental_decide, experimental_extract, generateObject, generateText, isStepCount, Output, streamObject, streamText, tool } from 'ai' // prettier-ignore
import { z } from 'zod'
import { readingOn } from './islet-fetch.mjs'
import {
  BASE_URL,
  BREAK_ONCE,
  checkAlarm,
  checkTicket,
  MODEL,
  QUESTION,
  scenario,
  WAKE,
} from './scenarios.mjs'

globalThis.AI_SDK_LOG_WARNINGS = false

const openai = createOpenAI({ baseURL: BASE_URL, apiKey: 'none' })
const compatible = createOpenAICompatible({
  name: 'islet',
  baseURL: BASE_URL,
  supportsStructuredOutputs: true,
  includeUsage: true,
})
const plain = createOpenAICompatible({ name: 'islet', baseURL: BASE_URL, includeUsage: true })

const schema = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean().describe('whether the customer is in a hurry'),
  summary: z.string().max(60),
})
const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const set_alarm = tool({ description: 'Sets an alarm.', inputSchema: Alarm })
const running = tool({ description: 'Sets an alarm.', inputSchema: Alarm, execute: async () => 'It is set.' })
const limits = { maxOutputTokens: 80, maxRetries: 0 }

/** Why a scenario of a schema cannot hold without supportsStructuredOutputs. */
const NO_SCHEMA = 'the client sends no schema: this provider needs supportsStructuredOutputs: true'

for (const [provider, model, miss] of [
  ['openai-compatible', compatible(MODEL)],
  ['openai-compatible without supportsStructuredOutputs', plain(MODEL), NO_SCHEMA],
  ['openai .chat', openai.chat(MODEL)],
  ['openai responses', openai(MODEL)],
]) {
  const ask = { model, prompt: QUESTION, ...limits }
  const wake = { model, prompt: WAKE, ...limits }
  const run = (kind, name, body, why) => scenario(kind, `${provider}: ${name}`, body, why)

  await run(
    'object',
    'generateObject',
    async () => checkTicket((await generateObject({ ...ask, schema })).object),
    miss,
  )
  await run('object', 'streamObject', async () => {
    const { partialObjectStream, object } = streamObject({ ...ask, schema, onError: () => undefined })
    object.catch(() => undefined)
    for await (const part of partialObjectStream) assert.equal(typeof part, 'object')
    checkTicket(await object)
  }, miss) // prettier-ignore
  await run('object', 'Output.object', async () => {
    checkTicket((await generateText({ ...ask, output: Output.object({ schema }) })).output)
  }, miss) // prettier-ignore
  await run('object', 'streamText, Output.object', async () => {
    const stream = streamText({ ...ask, output: Output.object({ schema }), onError: () => undefined })
    const output = stream.output
    output.catch(() => undefined)
    for await (const part of stream.partialOutputStream) assert.equal(typeof part, 'object')
    checkTicket(await output)
  }, miss) // prettier-ignore
  await run('object', 'Output.choice', async () => {
    const { output } = await generateText({ ...ask, output: Output.choice({ options: ['good', 'bad'] }) })
    assert.ok(['good', 'bad'].includes(output))
  }, miss) // prettier-ignore
  await run('object', 'Output.array', async () => {
    const { output } = await generateText({ ...ask, output: Output.array({ element: z.enum(['a', 'b']) }) })
    assert.ok(output.every((letter) => ['a', 'b'].includes(letter)))
  }, miss) // prettier-ignore
  await run('object', 'Output.json', async () => {
    assert.notEqual((await generateText({ ...ask, output: Output.json() })).output, undefined)
  })
  await run('object', 'Output.object, cut by maxOutputTokens', async () => {
    const output = Output.object({ schema: z.object({ all: z.array(z.string()) }) })
    assert.ok(Array.isArray((await generateText({ ...ask, maxOutputTokens: 20, output })).output.all))
  }, miss) // prettier-ignore

  await run('forced', 'toolChoice required', async () => {
    const { toolCalls } = await generateText({ ...wake, tools: { set_alarm }, toolChoice: 'required' })
    checkAlarm(toolCalls[0].input)
  })
  await run('forced', 'toolChoice named', async () => {
    const toolChoice = { type: 'tool', toolName: 'set_alarm' }
    const { toolCalls } = await generateText({ ...wake, tools: { set_alarm }, toolChoice })
    checkAlarm(toolCalls[0].input)
  })
  await run('forced', 'streamText, toolChoice required', async () => {
    const stream = streamText({
      ...wake,
      tools: { set_alarm },
      toolChoice: 'required',
      onError: () => undefined,
    })
    checkAlarm((await stream.toolCalls)[0].input)
  })
  await run('auto', 'tools', async () => {
    const { text, toolCalls } = await generateText({ ...wake, tools: { set_alarm } })
    for (const { input } of toolCalls) checkAlarm(input)
    assert.ok(text.length > 0 || toolCalls.length > 0)
  })
  await run('auto', 'two steps, the first one forced', async () => {
    const { steps } = await generateText({
      ...wake,
      tools: { set_alarm: running },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'auto' }),
      stopWhen: isStepCount(2),
    })
    assert.equal(steps.length, 2)
    checkAlarm(steps[0].toolCalls[0].input)
  })
  const hello = { ...limits, model, prompt: 'Say hello.', maxOutputTokens: 16 }
  await run('talk', 'generateText', async () => {
    const { text, usage, finishReason } = await generateText({ ...hello, system: 'Be brief.' })
    assert.ok(text.length > 0 && usage.outputTokens > 0)
    assert.ok(['stop', 'length'].includes(finishReason))
  })
  await run('talk', 'streamText, usage', async () => {
    const stream = streamText(hello)
    let text = ''
    for await (const piece of stream.textStream) text += piece
    assert.equal(text, await stream.text)
    assert.ok((await stream.usage).outputTokens > 0)
  })
  await run('talk', 'streamText, aborted, and the next answer', async () => {
    const left = new AbortController()
    const stream = streamText({ ...hello, maxOutputTokens: 2000, abortSignal: left.signal, onError: () => undefined }) // prettier-ignore
    for await (const piece of stream.textStream) if (piece.length > 0) left.abort()
    assert.ok((await generateText(hello)).text.length > 0)
  })
  await run('talk', 'sampling and stop sequences', async () => {
    // Over responses it has no seed, and no stop sequences.
    const asked = { ...hello, ...(provider === 'openai responses' ? { temperature: 0 } : { seed: 42, temperature: 0.9, topP: 0.95 }) } // prettier-ignore
    assert.equal((await generateText(asked)).text, (await generateText(asked)).text)
    if (provider === 'openai responses') return
    const stopSequences = ['.', '!', '?', '\n', 'a']
    assert.doesNotMatch((await generateText({ ...hello, stopSequences })).text, /[.!?\na]/)
  })
  await run('errors', 'a parameter out of range', async () => {
    await assert.rejects(generateText({ ...hello, temperature: 9 }), (error) => error.statusCode === 400)
  })
  await run('errors', 'a broken connection, tried again', async () => {
    const headers = { [BREAK_ONCE]: crypto.randomUUID() }
    assert.ok((await generateText({ ...hello, maxRetries: 1, headers })).text.length > 0)
  })
  await run('other', 'reasoning low', async () => {
    assert.equal(
      typeof (await generateText({ ...ask, maxOutputTokens: 16, reasoning: 'low' })).text,
      'string',
    )
  })
}

await scenario('talk', 'openai-compatible: a completion model', async () => {
  const asked = { model: compatible.completionModel(MODEL), prompt: 'Once upon a time', ...limits }
  assert.equal(typeof (await generateText({ ...asked, maxOutputTokens: 16 })).text, 'string')
})
await scenario('decision', 'openai: experimental_decide', async () => {
  const { answers } = await experimental_decide({
    model: openai.decisionModel(MODEL),
    state: QUESTION,
    questions: {
      refund: { type: 'boolean', instructions: 'The customer asks for money back.' },
      team: { type: 'choice', criteria: { billing: 'invoices, payments', technical: null } },
      urgency: { type: 'score', instructions: 'How urgent is it?', criteria: ['not urgent', 'urgent'] },
    },
  })
  assert.ok(['billing', 'technical'].includes(answers.team.choice))
  assert.ok(answers.urgency.score >= 0 && answers.urgency.score <= 1)
  assert.ok(answers.refund.type === 'boolean')
})
await scenario('decision', 'openai: experimental_decide, state of JSON', async () => {
  const { answers } = await experimental_decide({
    model: openai.decisionModel(MODEL),
    state: { text: QUESTION, stars: 1 },
    questions: { team: { type: 'choice', criteria: { billing: 'invoices, payments', technical: null } } },
  })
  assert.ok(['billing', 'technical'].includes(answers.team.choice))
})
await scenario('object', 'openai: experimental_extract', async () => {
  const { answers } = await experimental_extract({
    model: openai.extractionModel(MODEL),
    state: QUESTION,
    fields: {
      topic: { type: 'text', instructions: 'What it is about.' },
      times: { type: 'number', integer: true },
    },
    maxOutputTokens: 300,
    maxRetries: 0,
  })
  assert.deepEqual(Object.keys(answers).sort(), ['times', 'topic'])
})

/** Streams whose connection breaks behind so many bytes, whoever asks. */
const breaking = async (input, init) => {
  const response = await fetch(input, init)
  let left = 8000
  const cut = new TransformStream({
    transform(bytes, controller) {
      controller.enqueue(bytes.subarray(0, left))
      left -= bytes.length
      if (left < 0) controller.error(new TypeError('terminated'))
    },
  })
  return new Response(response.body.pipeThrough(cut), response)
}
const broken = { baseURL: BASE_URL, apiKey: 'none', fetch: readingOn({ fetch: breaking, wait: 50 }) }
for (const [provider, calm, model] of [
  ['openai-compatible', compatible(MODEL), createOpenAICompatible({ name: 'islet', ...broken })(MODEL)],
  ['openai .chat', openai.chat(MODEL), createOpenAI(broken).chat(MODEL)],
  ['openai responses', openai(MODEL), createOpenAI(broken)(MODEL)],
]) {
  await scenario(
    'other',
    `${provider}: a stream that breaks again and again, through islet/fetch`,
    async () => {
      const ask = { prompt: QUESTION, temperature: 0, maxOutputTokens: 60, maxRetries: 0 }
      const whole = await streamText({ ...ask, model: calm }).text
      assert.ok(whole.length > 20)
      assert.equal(await streamText({ ...ask, model }).text, whole)
    },
  )
}
