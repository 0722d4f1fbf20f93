// This agent keeps a list of tasks, in words: its model is the binding, its memory the Durable Object that it is.

import { Agent, routeAgentRequest } from 'agents'
import { generateText, jsonSchema, stepCountIs, tool, type ModelMessage } from 'ai'
import { workersAI } from 'islet/binding'
import { createWorkersAI } from 'workers-ai-provider'

type State = { tasks: string[]; messages: ModelMessage[] }

export class Helper extends Agent<Env, State> {
  override initialState: State = { tasks: [], messages: [] }

  /** POST /agents/helper/NAME with a text; GET gives what it knows. */
  override async onRequest(request: Request): Promise<Response> {
    if (request.method !== 'POST') return Response.json(this.state)
    const { tasks, messages } = this.state
    const asked: ModelMessage[] = [...messages, { role: 'user', content: await request.text() }]
    const provider = createWorkersAI({ binding: workersAI(this.env.ISLET) })
    const { text, responseMessages } = await generateText({
      // The name of the agent keeps its prompts with what is cached of them.
      model: provider(this.env.MODEL, { sessionAffinity: this.name }),
      system: `You keep a list of tasks. It has: ${tasks.join(', ') || 'nothing'}.`,
      messages: asked,
      tools: { add: this.adding() },
      // First a task is added, then that is told.
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
      stopWhen: stepCountIs(2),
      maxOutputTokens: 200,
      abortSignal: request.signal,
    })
    this.setState({ tasks: this.state.tasks, messages: [...asked, ...responseMessages] })
    return Response.json({ text, tasks: this.state.tasks })
  }

  adding() {
    return tool({
      description: 'Adds a task to the list',
      inputSchema: jsonSchema<{ task: string }>({
        type: 'object',
        properties: { task: { type: 'string', minLength: 3, maxLength: 40 } },
        required: ['task'],
        additionalProperties: false,
      }),
      execute: ({ task }) => {
        this.setState({ ...this.state, tasks: [...this.state.tasks, task] })
        return `added: ${task}`
      },
    })
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return (
      (await routeAgentRequest(request, env)) ?? new Response('POST /agents/helper/NAME\n', { status: 404 })
    )
  },
}
