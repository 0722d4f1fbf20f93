// Extract, decide, copy-as and the lists in Chromium, by keyboard alone, over scripted servers.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { axeFindings, fakeBed, named, noBrowser, overflow, pressUntil, type FakeBed } from './harness.ts'

type Token = [text: string, forced: boolean]
type Sent = { method: string; path: string; body?: Record<string, unknown> }

const HOSTILE = '<img src=x onerror=alert(1)> <b>&amp;</b>'
const TOKENS: Token[] = [['{"', true], ['team', true], ['": "', true], ['b', false], ['illing', true], ['", "', true], ['note', true], ['": "', true], [HOSTILE, false], ['"}', true]] // prettier-ignore

/** A stream as the server sends it; `hold` is waited for behind so many tokens. */
function streamed(tokens: readonly Token[], hold?: { behind: number; until: Promise<void> }): Response {
  const encoder = new TextEncoder()
  const frame = (data: object | string): Uint8Array =>
    encoder.encode(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  return new Response(
    new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const [at, [text, forced]] of tokens.entries()) {
          if (at === hold?.behind) await hold.until
          const entry = { token: text, logprob: -1, bytes: [], islet_forced: forced, top_logprobs: [] }
          controller.enqueue(frame({ choices: [{ index: 0, delta: { content: text }, logprobs: { content: [entry] } }] })) // prettier-ignore
        }
        controller.enqueue(frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], islet: { session: 'sess_0_a', ignored: ['response_format.json_schema.schema#/a: b'] } })) // prettier-ignore
        controller.enqueue(frame('[DONE]'))
        controller.close()
      },
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  )
}

const refusal = (status: number, message: string, param: string | null = null): Response =>
  Response.json(
    { error: { message, type: 'invalid_request_error', param, code: 'invalid_request' } },
    { status },
  )

const session = (i: number): object => ({
  id: `sess_0_${String(i).padStart(8, '0')}`,
  state: 'done',
  used_at: Math.floor(Date.now() / 1000) - 180,
  tokens: 100 + i,
  cache: { memory: { bytes: 0 }, storage: { bytes: 2_000_000 } },
})

describe.skipIf(noBrowser !== undefined)(named('extract, decide, copy-as and lists'), () => {
  let bed: FakeBed
  let sent: Sent[] = []
  let reply: (request: Sent) => Response | undefined
  beforeAll(async () => {
    bed = await fakeBed(undefined, async (request) => {
      const { pathname, search } = new URL(request.url)
      const text = request.method === 'POST' ? await request.clone().text() : ''
      const seen = { method: request.method, path: pathname + search, ...(text !== '' && { body: JSON.parse(text) as Record<string, unknown> }) } // prettier-ignore
      if (pathname.startsWith('/v1/') && !pathname.startsWith('/v1/models')) sent.push(seen)
      return reply(seen)
    })
  })
  afterAll(() => bed?.close())
  beforeEach(() => {
    sent = []
    reply = () => undefined
  })

  const open = async (tab: string, more: object = {}, sections: readonly string[] = []) => {
    const opened = await bed.open({ stored: { tab, sections }, ...more })
    await opened.page.waitForSelector(`.${tab}`)
    return opened
  }
  /** Opens a section of the panel by keyboard. */
  const unfold = (page: Page, title: string) =>
    page.locator('.shell-section > summary', { hasText: title }).press('Enter')
  const textOf = (page: Page, selector: string) => page.locator(selector).first().innerText()
  const askedFor = (path: string) => sent.filter((request) => request.path === path)

  describe('extract', () => {
    it('fills the object in while it comes, greys what was forced, and keeps hostile text as text', async () => {
      let letGo = (): void => undefined
      const until = new Promise<void>((done) => (letGo = done))
      reply = ({ path }) => (path === '/v1/chat/completions' ? streamed(TOKENS, { behind: 5, until }) : undefined) // prettier-ignore
      const { page, context, errors } = await open('extract')
      await pressUntil(page, 'Tab', '#extract-schema')
      await page.keyboard.press('Control+Enter')
      await page.waitForFunction(
        () => document.querySelector('.extract-object dd')?.textContent === 'billing',
      )
      // Half of it is there, and told as such.
      expect(await page.locator('.extract-object dl > div').count()).toBe(1)
      expect(await page.locator('.extract-object').getAttribute('aria-busy')).toBe('true')
      expect(await page.locator('.extract-object dd .extract-forced').allInnerTexts()).toEqual(['illing'])
      letGo()
      await page.waitForFunction(() => document.body.innerText.includes('Valid by construction'))
      expect(await page.locator('.extract-object dt').allInnerTexts()).toEqual(['team', 'note'])
      expect(await page.locator('.extract-object dd').last().innerText()).toBe(HOSTILE)
      expect(await page.locator('.extract-object img, .extract-object b').count()).toBe(0)
      expect(await textOf(page, '.extract-object ~ .bench-small')).toContain(
        '10 tokens, 8 of them forced by the schema',
      )
      await pressUntil(page, 'Tab', '.extract-tools button[aria-pressed]')
      await page.keyboard.press('Space')
      expect(await textOf(page, '.extract-object pre')).toBe(TOKENS.map(([text]) => text).join(''))
      expect(errors).toEqual([])
      const [{ body }] = askedFor('/v1/chat/completions')
      expect(body).toMatchObject({
        stream: true,
        logprobs: true,
        islet: { logprobs: 'forced' },
        response_format: { type: 'json_schema' },
      })
      await context.close()
    })

    it('stops, and tries another seed', async () => {
      reply = ({ path }) =>
        path === '/v1/chat/completions' ? streamed(TOKENS, { behind: 3, until: new Promise(() => undefined) }) : undefined // prettier-ignore
      const { page, context } = await open('extract')
      await pressUntil(page, 'Tab', '.extract .button.primary')
      await page.keyboard.press('Enter')
      await page.waitForSelector('.extract-object dt')
      await page.keyboard.press('Escape')
      await page.waitForFunction(() => document.body.innerText.includes('Stopped.'))
      reply = ({ path }) => (path === '/v1/chat/completions' ? streamed(TOKENS) : undefined)
      await page.locator('.extract button', { hasText: 'Try another seed' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.body.innerText.includes('Valid by construction'))
      const [first, second] = askedFor('/v1/chat/completions')
      expect(first.body?.['temperature']).toBe(0)
      expect(second.body?.['temperature']).toBeGreaterThan(0)
      expect(second.body?.['seed']).toBeTypeOf('number')
      await context.close()
    })

    it('says where a schema is no JSON, and where the server does not take it', async () => {
      const { page, context } = await open('extract')
      await page.locator('#extract-schema').fill('{"type": "object",\n "properties": {},}')
      expect(await textOf(page, '#extract-fault')).toContain('Line 2: } does not fit here. A comma too many?')
      expect(await page.locator('.extract .button.primary').isDisabled()).toBe(true)
      expect(await page.locator('#extract-fault[role=alert]').count()).toBe(0)

      const schema =
        '{\n "type": "object",\n "properties": {\n  "a": {"type": "string", "pattern": "(?<=a)b"}\n }\n}'
      await page.locator('#extract-schema').fill(schema)
      expect(await page.locator('#extract-fault').count()).toBe(0)
      const param = 'response_format.json_schema.schema#/properties/a/pattern'
      reply = ({ path }) => (path === '/v1/chat/completions' ? refusal(400, 'response_format.json_schema.schema: look-behind is not supported', param) : undefined) // prettier-ignore
      await page.keyboard.press('Control+Enter')
      await page.waitForSelector('#extract-fault[role=alert]')
      expect(await textOf(page, '#extract-fault')).toContain('Line 4: The server does not take this: look-behind is not supported') // prettier-ignore
      expect(await page.locator('.extract-editor mark').textContent()).toBe('"(?<=a)b"')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      expect(await page.evaluate(() => {
        const { value, selectionStart, selectionEnd } = document.activeElement as HTMLTextAreaElement
        return value.slice(selectionStart, selectionEnd)
      })).toBe('"(?<=a)b"') // prettier-ignore
      // An edit takes it back.
      await page.locator('#extract-schema').fill(`${schema} `)
      expect(await page.locator('#extract-fault').count()).toBe(0)
      await context.close()
    })

    it('says in words what else goes wrong', async () => {
      reply = ({ path }) =>
        path === '/v1/chat/completions' ? refusal(400, 'messages: far too long') : undefined
      const { page, context } = await open('extract')
      await page.locator('.extract .button.primary').press('Enter')
      await page.waitForSelector('.bench-wrong')
      expect(await textOf(page, '.bench-wrong')).toBe('messages: far too long')
      reply = ({ path }) => (path === '/v1/chat/completions' ? streamed(TOKENS.slice(0, 4)) : undefined)
      await page.locator('.extract .button.primary').press('Enter')
      await page.waitForFunction(() => document.querySelector('.bench-wrong')?.textContent?.includes('broke off') === true) // prettier-ignore
      await context.close()
    })
  })

  const decision = (body: Record<string, unknown> | undefined, yes: number): Response => {
    const questions = body?.['questions'] as { type: string; choices?: { value: string }[]; levels?: { label: string }[] }[] // prettier-ignore
    const share = (count: number) => (_: unknown, i: number) => (i === 0 ? yes : (1 - yes) / (count - 1))
    return Response.json({
      answers: questions.map(({ type, choices = [], levels = [] }) => {
        if (type === 'predicate') return { type, probability: yes }
        if (type === 'choice')
          return { type, choice: choices[0].value, probabilities: choices.map(({ value }, i) => ({ value, probability: share(choices.length)(value, i) })) } // prettier-ignore
        return { type, score: 0.4, probabilities: levels.map(({ label }, value) => ({ label, value, probability: share(levels.length)(label, value) })) } // prettier-ignore
      }),
      usage: { input_tokens: 120, input_tokens_details: { cached_tokens: 80 } },
      islet: { reliability: questions.map(({ type }) => (type === 'score' ? 'near_chance' : 'measured')) },
    })
  }

  describe('decide', () => {
    it('asks twice and shows both probabilities of each option', async () => {
      reply = ({ path, body }) =>
        path === '/v1/decisions' ? decision(body, body?.['islet'] === undefined ? 0.75 : 0.25) : undefined
      const { page, context, errors } = await open('decide')
      await pressUntil(page, 'Tab', '.decide .button.primary')
      await page.keyboard.press('Enter')
      await page.waitForSelector('.decide-answer')
      expect(askedFor('/v1/decisions').map(({ body }) => body?.['islet'])).toEqual([undefined, { calibration: 'none' }]) // prettier-ignore
      const rows = await page.locator('.decide-answer').first().locator('tbody tr').allInnerTexts()
      expect(rows.map((row) => row.split(/\s+/).join(' '))).toEqual(['billing 75 % 25 %', 'technical 13 % 38 %', 'sales 13 % 38 %']) // prettier-ignore
      const notes = await page.locator('.decide-note').allInnerTexts()
      expect(notes).toEqual([expect.stringContaining('Near chance')])
      expect(await page.locator('[role=status]').allInnerTexts()).toContainEqual(
        expect.stringMatching(/^3 decided in \d+ ms: 120 tokens, 80 of them computed before\.$/),
      )
      expect(errors).toEqual([])
      await context.close()
    })

    it('adds, edits and removes questions of the three forms by keyboard', async () => {
      reply = ({ path, body }) => (path === '/v1/decisions' ? decision(body, 0.52) : undefined)
      const { page, context } = await open('decide')
      for (let left = 3; left > 0; left--) {
        await page.locator('.decide-card .line > button').first().focus()
        await page.keyboard.press('Enter')
        await page.waitForFunction(
          (count) => document.querySelectorAll('.decide-card').length === count,
          left - 1,
        )
        // The focus stays near.
        expect(await page.evaluate(() => document.activeElement?.closest('.decide') !== null)).toBe(true)
      }
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Statement')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.activeElement?.matches('.line > input') === true)
      expect(await page.locator('.decide .button.primary').isDisabled()).toBe(true)
      await page.keyboard.type(HOSTILE)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await page.keyboard.type('It is <i>so</i>.')
      await page.locator('.decide [aria-label="Add a question"] button').nth(1).press('Enter')
      // The new card takes the focus a moment later, which would catch what is filled in before.
      await page.waitForFunction(() =>
        document.querySelectorAll('.decide-card')[1]?.contains(document.activeElement),
      )
      for (const [i, label] of [HOSTILE, 'other'].entries())
        await page.getByLabel(`Name of option ${i + 1} of Choice 2`).fill(label)
      await page.keyboard.press('Control+Enter')
      await page.waitForFunction(() => document.querySelectorAll('.decide-answer').length === 2)
      expect(askedFor('/v1/decisions')[0].body?.['questions']).toEqual([
        { type: 'predicate', name: HOSTILE, instructions: 'It is <i>so</i>.' },
        { type: 'choice', choices: [{ value: HOSTILE }, { value: 'other' }] },
      ])
      expect(await textOf(page, '.decide-note')).toContain('Near even odds')
      expect(await page.locator('.decide-answer tbody th').allInnerTexts()).toContain(HOSTILE)
      expect(await page.locator('.decide img, .decide i').count()).toBe(0)
      // An answer is of the question as it was asked.
      await page.getByLabel('Words of Statement 1').fill('Something else.')
      expect(await page.locator('.decide-answer').count()).toBe(1)
      await context.close()
    })

    it('names the question that the server does not take', async () => {
      reply = ({ path }) => (path === '/v1/decisions' ? refusal(400, 'questions[1].instructions is empty', 'questions[1].instructions') : undefined) // prettier-ignore
      const { page, context } = await open('decide')
      await page.locator('.decide .button.primary').press('Enter')
      await page.waitForSelector('.bench-wrong')
      expect(await page.locator('.decide-card').nth(1).innerText()).toContain('The server does not take this')
      await context.close()
    })
  })

  describe('copy as', () => {
    it('is the request as it would be sent, and follows each edit', async () => {
      const { page, context, errors } = await open('extract')
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.locator('.extract textarea').first().fill(`It's ${HOSTILE}`)
      await unfold(page, 'Copy as code')
      const program = () => textOf(page, '.copyas pre')
      expect(await program()).toMatch(/^curl -N 'http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions'/)
      expect(await program()).toContain(String.raw`It'\''s ${HOSTILE}`)
      await pressUntil(page, 'Tab', '.copyas select')
      for (const [id, words] of [
        ['openai-node', 'client.chat.completions.create'],
        ['openai-python', 'from openai import OpenAI'],
        ['ai-sdk', 'createOpenAICompatible'],
      ]) {
        // prettier-ignore
        await page.keyboard.press('ArrowDown')
        expect(await page.locator('.copyas select').inputValue()).toBe(id)
        expect(await program()).toContain(words)
      }
      await pressUntil(page, 'Tab', '.copyas button')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.body.innerText.includes('Copied'))
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await page.locator('.copyas pre').textContent()) // prettier-ignore
      expect(await page.locator('.copyas img, .copyas b').count()).toBe(0)
      // Without JSON there is no request.
      await page.locator('#extract-schema').fill('{')
      expect(await page.locator('.copyas pre').count()).toBe(0)
      expect(errors).toEqual([])
      await context.close()
    })
  })

  describe('lists', () => {
    it('show sessions a page at a time, and delete one by keyboard', async () => {
      reply = ({ method, path }) => {
        if (path === '/v1/sessions?limit=20') return Response.json({ data: [...Array(20).keys()].map(session), has_more: true }) // prettier-ignore
        if (path === '/v1/sessions?limit=20&after=sess_0_00000019') return Response.json({ data: [20, 21].map(session), has_more: false }) // prettier-ignore
        return method === 'DELETE' ? Response.json({ deleted: true }) : undefined
      }
      const { page, context, errors } = await open('extract')
      await unfold(page, 'Sessions and models')
      await page.waitForSelector('.lists li')
      expect(await textOf(page, '.lists li')).toMatch(/…00000000 3 minutes ago\s+100 tokens · 0 B in memory, 2\.0 MB stored/) // prettier-ignore
      const more = page.locator('.lists button', { hasText: 'Show more' })
      await more.focus()
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.querySelectorAll('.lists li').length === 22)
      expect(await more.count()).toBe(0)
      await page.getByRole('button', { name: 'Delete session …00000003' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.querySelectorAll('.lists li').length === 21)
      expect(askedFor('/v1/sessions/sess_0_00000003')).toMatchObject([{ method: 'DELETE' }])
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Sessions')
      expect(errors).toEqual([])
      await context.close()
    })

    it('tell of the model what the server says', async () => {
      reply = ({ path }) =>
        path === '/api/show' ? Response.json({ capabilities: ['completion', 'embedding'] }) : undefined
      const { page, context } = await open('extract')
      await unfold(page, 'Sessions and models')
      await page.waitForFunction(() => document.body.innerText.includes('chat and text, vectors of texts'))
      expect(await textOf(page, '.lists dl')).toMatch(/Recommended\s+no sampling of its own/)
      await context.close()
    })

    it('say what is deleted before everything is', async () => {
      reply = ({ method, path }) =>
        path.startsWith('/v1/sessions') ? Response.json(method === 'DELETE' ? { deleted: 1 } : { data: [session(1)], has_more: false }) : undefined // prettier-ignore
      const { page, context } = await open('extract')
      await unfold(page, 'Sessions and models')
      await page.waitForSelector('.lists li')
      const ask = page.locator('.lists button', { hasText: 'Delete everything' })
      await ask.focus()
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog', { name: 'Delete everything?' })
      expect(await dialog.innerText()).toContain('all sessions of this key')
      expect(await axeFindings(page)).toEqual([])
      await page.keyboard.press('Escape')
      // It stays in the document until the browser has told the page that it is closed.
      await page.waitForFunction(() => document.querySelector('dialog') === null)
      expect(sent.filter(({ method }) => method === 'DELETE')).toEqual([])
      await ask.press('Enter')
      await pressUntil(page, 'Tab', 'dialog .bad')
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.body.innerText.includes('All is deleted.'))
      expect(sent.filter(({ method }) => method === 'DELETE')).toEqual([
        { method: 'DELETE', path: '/v1/sessions' },
      ])
      expect(await page.locator('.lists li').count()).toBe(0)
      await context.close()
    })

    it('say in words that the server does not answer for them', async () => {
      reply = ({ path }) =>
        path.startsWith('/v1/sessions') ? refusal(500, 'something went wrong') : undefined
      const { page, context } = await open('extract')
      await unfold(page, 'Sessions and models')
      await page.waitForSelector('.lists .bench-wrong')
      expect(await textOf(page, '.lists .bench-wrong')).toBe('something went wrong')
      await context.close()
    })
  })

  const look = ['light', 'dark'].flatMap((theme) => [1280, 360].map((width) => ({ theme: theme as 'light' | 'dark', width }))) // prettier-ignore
  describe.each(look)('%o', (at) => {
    it.each(['extract', 'decide'])('%s has no findings of axe, and nothing sticks out', async (tab) => {
      reply = ({ path, body }) =>
        path === '/v1/decisions' ? decision(body, 0.75) : path === '/v1/chat/completions' ? streamed(TOKENS) : undefined // prettier-ignore
      const { page, context } = await open(tab, at, ['code', 'lists'])
      expect(await axeFindings(page)).toEqual([])
      await page.locator(`.${tab} .button.primary`).press('Enter')
      await page.waitForSelector(tab === 'decide' ? '.decide-answer' : '.extract-object')
      if (tab === 'extract') await page.locator('#extract-schema').fill('{]')
      await page.waitForTimeout(300)
      expect(await axeFindings(page)).toEqual([])
      expect(await overflow(page)).toBe(0)
      await context.close()
    })
  })
})
