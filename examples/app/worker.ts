// This app has a model of its own for the people who sign in: Islet is mounted behind the app's door, in the same script.

import { Hono } from 'hono'
import { jwt } from 'hono/jwt'
import { createIslet } from 'islet/worker'

/** What a token of this app says. */
type Token = { sub: string; admin?: boolean }
type App = { Bindings: Env; Variables: { jwtPayload: Token } }

const islet = createIslet<Env>((env) => ({
  model: env.MODEL,
  reserveMB: 4, // of the isolate, for the app
  bindings: { lane: 'MIND', assets: 'FILES' },
  caller(c) {
    const { sub, admin } = c.get('jwtPayload') as Token
    return {
      tenant: `user ${sub}`,
      scopes: admin === true ? ['infer', 'read', 'operate'] : ['infer', 'read'],
    }
  },
}))

export class Mind extends islet.Lane {}

const app = new Hono<App>()
app.get('/', (c) => c.text('POST /notes with a text and a token; /ai/v1 is the base URL of chats\n'))
for (const path of ['/ai/*', '/notes'])
  app.use(path, (c, next) => jwt({ secret: c.env.SECRET, alg: 'HS256' })(c, next))
app.route('/ai', islet.app)

/** A note with what the model makes of it: a direct call, for the same person. */
app.post('/notes', async (c) => {
  const text = await c.req.text()
  const about = await islet.binding(c.env, { tenant: `user ${c.get('jwtPayload').sub}` }).extract({
    prompt: `Give this note a title and say what it is about:\n${text}`,
    schema: {
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 3, maxLength: 40 },
        topic: { enum: ['work', 'home', 'other'] },
      },
      required: ['title', 'topic'],
      additionalProperties: false,
    },
    temperature: 0,
  })
  return c.json({ text, about })
})

export default app
