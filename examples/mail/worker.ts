// This Worker sorts mail, and what webhooks bring: what it is, how sure that is, and what stands in it.

/** What a text may be, and what is taken out of one that is such. */
const FIELDS = {
  bill: {
    amount: { type: 'number', minimum: 0, maximum: 100000 },
    currency: { enum: ['EUR', 'USD', 'GBP'] },
  },
  complaint: { product: { type: 'string', maxLength: 40 }, angry: { type: 'boolean' } },
  other: undefined,
}
type Kind = keyof typeof FIELDS

const QUESTION = {
  type: 'choice' as const,
  instructions: 'What kind of mail is this?',
  choices: Object.keys(FIELDS).map((value) => ({ value })),
}

async function sort(text: string, { ISLET }: Env): Promise<object> {
  const { answers } = await ISLET.decide({ input: text, questions: [QUESTION] })
  const [answer] = answers
  if (answer.type !== 'choice') throw new Error('a choice has no choice')
  const kind = answer.choice as Kind
  const properties = FIELDS[kind]
  const fields = properties && {
    fields: await ISLET.extract({
      messages: [
        { role: 'system', content: `Take ${Object.keys(properties).join(' and ')} out of this ${kind}.` },
        { role: 'user', content: text },
      ],
      schema: {
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
      },
      temperature: 0,
    }),
  }
  return { kind, confidence: answer.confidence, ...fields }
}

export default {
  /** Mail that Email Routing hands on. */
  async email(message: ForwardableEmailMessage, env: Env): Promise<void> {
    const [, ...body] = (await new Response(message.raw).text()).split('\r\n\r\n')
    console.log(JSON.stringify({ from: message.from, ...(await sort(body.join('\n\n'), env)) }))
  },

  /** A webhook: POST {"text": "..."}. */
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== 'POST') return new Response('POST {"text": "..."}\n')
    const { text } = await request.json<{ text: string }>()
    return Response.json(await sort(text, env))
  },
}
