// This Worker tags texts that come in a queue: a batch at a time, since Islet reads those of a batch together.

/** Each with what holds for a text that has it. */
const TAGS = {
  urgent: 'The text asks for something that cannot wait.',
  money: 'The text is about money: a price, a payment or a refund.',
  broken: 'The text says that something does not work.',
}
/** A tag is given from this probability on. */
const SURE = 0.5
/** What a full lane answers with: it has room again in a moment. */
const BUSY = /^30(36|40):/
const WAIT_SECONDS = 5

type Job = { id: string; text: string }

const questions = Object.entries(TAGS).map(([name, instructions]) => ({
  type: 'predicate' as const,
  name,
  instructions,
}))

/** All tags are asked for at once: the text is read once for them. */
async function tagsOf(text: string, { ISLET }: Env): Promise<Record<string, number>> {
  const { answers } = await ISLET.decide({ input: text, questions })
  const given = answers.flatMap((answer) =>
    answer.type === 'predicate' && answer.probability >= SURE ? [[answer.name, answer.probability]] : [],
  )
  return Object.fromEntries(given) as Record<string, number>
}

export default {
  async queue(batch: MessageBatch<Job>, env: Env): Promise<void> {
    const tagged = batch.messages.map(async (message) => {
      const { id, text } = message.body
      try {
        await env.TAGGED.put(id, JSON.stringify(await tagsOf(text, env)))
        message.ack()
      } catch (error) {
        const isBusy = BUSY.test((error as Error).message)
        message.retry(isBusy ? { delaySeconds: WAIT_SECONDS } : {})
      }
    })
    await Promise.all(tagged)
  },

  /** POST ["text", ...] gives the ids under which GET /ID gives tags, or 404 as long as there are none. */
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== 'POST') {
      const id = new URL(request.url).pathname.slice(1)
      if (id === '') return new Response('POST ["text", ...]\n')
      const tags = await env.TAGGED.get(id)
      return new Response(tags ?? 'nothing yet\n', { status: tags === null ? 404 : 200 })
    }
    const jobs = (await request.json<string[]>()).map((text) => ({ id: crypto.randomUUID(), text }))
    await env.TEXTS.sendBatch(jobs.map((body) => ({ body })))
    const ids = jobs.map(({ id }) => id)
    return Response.json(ids, { status: 202 })
  },
}
