// @openai/agents, unmodified: talk, output types and tools over chat and responses.

import assert from 'node:assert/strict'
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'
import { BASE_URL, checkAlarm, checkTicket, MODEL, QUESTION, scenario, WAKE } from './scenarios.mjs'

setTracingDisabled(true)

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})

for (const useResponses of [false, true]) {
  const over = useResponses ? 'responses' : 'chat'
  const openAIClient = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0 })
  const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses }) })
  let called
  const setAlarm = tool({
    name: 'set_alarm',
    description: 'Sets an alarm.',
    parameters: z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) }),
    execute: async (alarm) => ((called = alarm), 'It is set.'),
  })
  const agent = (more) => new Agent({ name: 'Desk', instructions: 'Be brief.', model: MODEL, ...more })
  const modelSettings = { maxTokens: 80 }

  await scenario('object', `${over}: outputType`, async () =>
    checkTicket((await runner.run(agent({ outputType: Ticket, modelSettings }), QUESTION)).finalOutput),
  )
  await scenario('object', `${over}: outputType, streamed`, async () => {
    const result = await runner.run(agent({ outputType: Ticket, modelSettings }), QUESTION, { stream: true })
    await result.completed
    checkTicket(result.finalOutput)
  })
  for (const toolChoice of ['required', 'set_alarm'])
    await scenario('forced', `${over}: toolChoice ${toolChoice === 'required' ? 'required' : 'named'}`, async () => {
      called = undefined
      const forced = agent({
        tools: [setAlarm],
        modelSettings: { ...modelSettings, toolChoice },
        toolUseBehavior: 'stop_on_first_tool',
      })
      await runner.run(forced, WAKE, { maxTurns: 2 })
      checkAlarm(called)
    }) // prettier-ignore
  await scenario('auto', `${over}: tools`, async () => {
    // Over responses this client throws where the limit cuts free text: a greeting ends before it.
    const free = agent({ tools: [setAlarm], modelSettings: { maxTokens: 600, temperature: 0 } })
    const result = await runner.run(free, 'Say hello.', { maxTurns: 4 })
    assert.equal(typeof result.finalOutput, 'string')
  })
  await scenario('talk', `${over}: run`, async () => {
    const greeting = agent({ modelSettings: { maxTokens: 600, temperature: 0 } })
    assert.ok((await runner.run(greeting, 'Say hello.')).finalOutput.length > 0)
  })
  await scenario('talk', `${over}: run, streamed`, async () => {
    const greeting = agent({ modelSettings: { maxTokens: 600, temperature: 0 } })
    const result = await runner.run(greeting, 'Say hello.', { stream: true })
    let text = ''
    for await (const piece of result.toTextStream()) text += piece
    await result.completed
    assert.equal(text, result.finalOutput)
  })
}
