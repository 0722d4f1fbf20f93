// The chat in Chromium when it goes badly: reload, kill of the worker and 429 in mid-answer, and hostile text of a model.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { frameOf } from '../../page/state/frames.ts'
import type { Message } from '../../page/state/tree.ts'
import { answered, chatBed, say, texts, type ChatBed } from './chat-bed.ts'
import { named, noBrowser, workerBed } from './harness.ts'

const COUNT = Array.from({ length: 150 }, (_, at) => `${at} `)

describe.skipIf(noBrowser !== undefined)(named('the chat when it goes badly'), () => {
  let chat: ChatBed
  beforeAll(async () => void (chat = await chatBed()))
  afterAll(() => chat?.close())
  beforeEach(() => {
    chat.fake.asked.length = 0
    chat.fake.script({ tokens: COUNT, pace: 15 })
  })

  it('reads an answer on after a reload, without a token twice or left out', async () => {
    const { page, context } = await chat.open()
    await say(page, 'Count')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent.includes('60 '))
    await page.reload()
    await page.waitForSelector('.chat-text')
    expect(await page.textContent('.chat-text')).not.toContain('149')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent.includes('149'))
    await answered(page)
    expect(await texts(page)).toEqual(['Count', COUNT.join('')])
    const paths = chat.fake.asked.map(({ path }) => path)
    expect(paths.filter((path) => path === '/v1/chat/completions')).toHaveLength(1)
    const after = paths.map((path) => Number(/stream\?after=(\d+)/.exec(path)?.[1] ?? -1))
    expect(Math.max(...after)).toBeGreaterThan(20)
    await context.close()
  })

  it('says that the connection broke, and goes on', async () => {
    const { page, context } = await chat.open()
    await say(page, 'Count')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent.includes('20 '))
    chat.fake.breakOff()
    await page.waitForFunction(() =>
      document.querySelector('.chat-notice')?.textContent.includes('The connection broke'),
    )
    await answered(page)
    expect((await texts(page))[1]).toBe(COUNT.join(''))
    await context.close()
  })

  it('says in words that the server is busy, when it tries again, and tries at once when told to', async () => {
    const { page, context } = await chat.open()
    chat.fake.script({ tokens: ['first'] }, { tokens: ['second'] })
    await say(page, 'One')
    await answered(page)
    chat.fake.refuse({ status: 429, after: 50 })
    await say(page, 'Two')
    await page.waitForSelector('.chat-notice')
    expect(await page.textContent('.chat-notice')).toMatch(
      /The server has as much to do as it can take\.\s+It is tried again in (4\d|50) s\./,
    )
    await page.click('.chat-notice button')
    await answered(page, 2)
    expect((await texts(page)).at(-1)).toBe('second')
    await context.close()
  })

  it('shows what a hostile model writes as text', async () => {
    const hostile = [
      '<script>globalThis.pwned = 1</script>',
      '<img src=x onerror="globalThis.pwned = 2">',
      '[click](javascript:globalThis.pwned=3)',
      '![pixel](https://spy.example/pixel.png)',
      '<a href="javascript:globalThis.pwned=4">x</a>',
      '</div><style>body{display:none}</style>',
      '[data](data:text/html,<script>1</script>)',
      '```html"><script>globalThis.pwned = 5</script>\n<b>\n```',
      '[ok](https://example.com/)',
    ].join('\n\n')
    const { page, context, errors } = await chat.open()
    const asked: string[] = []
    page.on('request', (request) => void asked.push(request.url()))
    chat.fake.script({ tokens: [...hostile], pace: 1 })
    await say(page, '<img src=x onerror="globalThis.pwned = 6"> **not bold**')
    await answered(page)
    const seen = await page.evaluate(() => ({
      pwned: (globalThis as { pwned?: number }).pwned,
      tags: [...new Set([...document.querySelectorAll('.chat-messages *')].map(({ tagName }) => tagName))],
      links: [...document.querySelectorAll<HTMLAnchorElement>('.chat-text a[href]')].map(
        ({ href, rel }) => `${href} ${rel}`,
      ),
      text: document.querySelector('.chat-text')!.textContent,
    }))
    expect(seen.pwned).toBeUndefined()
    for (const tag of ['SCRIPT', 'IMG', 'STYLE', 'IFRAME', 'SVG', 'OBJECT'])
      expect(seen.tags).not.toContain(tag)
    expect(seen.links).toEqual([
      'https://spy.example/pixel.png noopener noreferrer',
      'https://example.com/ noopener noreferrer',
    ])
    expect(seen.text).toContain('<script>globalThis.pwned = 1</script>')
    expect(seen.text).toContain('[click](javascript:globalThis.pwned=3)')
    expect((await texts(page))[0]).toContain('<img src=x onerror="globalThis.pwned = 6"> **not bold**')
    expect(asked.filter((url) => url.includes('spy.example'))).toEqual([])
    expect(errors).toEqual([])
    await context.close()
  })

  it('takes no file that is none of its own, and says why', async () => {
    const { page, context } = await chat.open()
    const give = (text: string): Promise<void> =>
      page.setInputFiles('.chat-files input', {
        name: 'x.json',
        mimeType: 'application/json',
        buffer: Buffer.from(text),
      })
    await give('<html>')
    await page.waitForFunction(
      () => document.querySelector('.chat-told')?.textContent === 'This file is not JSON.',
    )
    await give('{"format":"islet-conversations","version":1,"conversations":[{"messages":7}]}')
    await page.waitForFunction(() => document.querySelector('.chat-told')?.textContent.includes('is damaged'))
    expect(await page.$$('.chat-row')).toHaveLength(0)
    await context.close()
  })
})

/** The one answer that the page's history has. */
function storedAnswer(page: Page): Promise<Message> {
  return page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
    const database = await done(indexedDB.open('islet'))
    const rows = await done<{ message: Message }[]>(
      database.transaction('messages').objectStore('messages').getAll(),
    )
    return rows.map(({ message }) => message).find(({ role }) => role === 'assistant')!
  })
}

describe.skipIf(noBrowser !== undefined)(named('the chat over the worker itself'), () => {
  it('outlives the worker: killed in mid-answer, the answer is read on to the same text', async () => {
    const bed = await workerBed()
    try {
      const { page, context } = await bed.open()
      await page.waitForSelector('#chat-text')
      // The small model ends as it likes, and within a second: the kill shall come in the middle.
      await page.route('**/v1/chat/completions', (route) => {
        const body = { ...(route.request().postDataJSON() as object), ignore_eos: true }
        return route.continue({ postData: JSON.stringify(body) })
      })
      await page.focus('#chat-text')
      await say(page, 'Tell me a long story about the sea')
      await page.waitForFunction(() => (document.querySelector('.chat-text')?.textContent.length ?? 0) > 20)
      await bed.worker.kill()
      await page.waitForSelector('.chat-notice')
      await bed.worker.restart()
      await answered(page)
      expect(await page.textContent('.chat-facts')).toMatch(/\d+ tokens/)
      // The server's own telling of the same answer, from its first frame.
      const kept = await storedAnswer(page)
      const again = await fetch(`${bed.url}/v1/sessions/${kept.answer!.session}/stream?after=0`)
      const frames = (await again.text()).split('\n\n').filter((frame) => frame.startsWith('data: '))
      const whole = frames.map((frame) => frameOf(frame.slice(6)).text).join('')
      expect(kept.text).toBe(whole)
      expect(kept.answer).toMatchObject({ frames: frames.length, state: 'length' })
      await context.close()
    } finally {
      await bed.close()
    }
  })
})
