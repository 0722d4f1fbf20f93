// The view under the hood in Chromium: by keyboard alone, for screen readers, as the endpoint says, and silent when closed.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../page/state/memory.ts'
import {
  axeFindings,
  fakeBed,
  named,
  noBrowser,
  overflow,
  pressUntil,
  workerBed,
  type FakeBed,
  type Look,
  type WorkerBed,
} from './harness.ts'

const OPEN = { stored: { hood: true } }
const SLIDER = '[role=slider]'
const TOKEN = '.hood-token'
const SEND = '.chat-composer [type=submit]'

/** Sends a message and waits until the answer has ended and its memory is shown as it lies then. */
async function ask(page: Page, text: string): Promise<void> {
  const settled = page.waitForResponse((response) => response.url().endsWith('/memory'), { timeout: 60_000 })
  await page.getByLabel('Your message').fill(text)
  await page.keyboard.press('Enter')
  await page.locator(SEND).waitFor({ timeout: 60_000 })
  await settled
  await page.waitForTimeout(1000)
}

/** The rows that a report comes to. */
function tableOf({ pages, tokens, page_tokens: size }: Report): string[][] {
  let first = 0
  return pages.map(({ count, memory, storage, reused, shared, in_sight: inSight }) => {
    const from = first
    first += count
    const where = [...(memory ? ['memory'] : []), ...(storage ? ['storage'] : [])].join(' and ')
    const words = [
      where === '' ? 'computed again when needed' : `in ${where}`,
      ...(reused ? ['reused'] : []),
      ...(shared > 0 ? [`shared with ${shared} more`] : []),
      inSight[0] ? 'in sight' : 'out of sight',
    ]
    return [`${from + 1}–${first}`, `${from * size + 1}–${Math.min(first * size, tokens)}`, words.join(', ')]
  })
}

const tip = (page: Page): Promise<string[]> => page.locator('.hood-tip').allTextContents()

describe.skipIf(noBrowser !== undefined)(named('under the hood'), () => {
  let bed: WorkerBed
  beforeAll(async () => void (bed = await workerBed({ WINDOW: '64' })))
  afterAll(() => bed?.close())

  /** The page with answers of 90 tokens, the same each time: what the tiny model says may else end at once. */
  async function opened(look: Look = {}): ReturnType<WorkerBed['open']> {
    const made = await bed.open(look)
    await made.page.route('**/v1/chat/completions', (route) => {
      const body = {
        ...(route.request().postDataJSON() as object),
        max_tokens: 90,
        ignore_eos: true,
        seed: 7,
      }
      return route.continue({ postData: JSON.stringify(body) })
    })
    return made
  }

  it('is there by keyboard alone: pages in words, tokens with what else could have stood there', async () => {
    const { page, context, errors } = await opened()
    await pressUntil(page, 'Tab', '.shell-hood-bar')
    await page.keyboard.press('Enter')
    await pressUntil(page, 'Shift+Tab', '#chat-text')
    await page.keyboard.type('In the beginning God created the heaven and the earth. What did he do then?')
    await page.keyboard.press('Enter')
    await page.locator(SLIDER).waitFor({ timeout: 60_000 })
    await page.locator('.hood-isolate .hood-bar').waitFor({ timeout: 60_000 })
    await page.locator(SEND).waitFor({ timeout: 60_000 })

    await pressUntil(page, 'Tab', SLIDER)
    const said = (): Promise<string | null> => page.locator(SLIDER).getAttribute('aria-valuetext')
    const words: (string | null)[] = []
    for (const key of ['Home', 'ArrowRight', 'End']) {
      await page.keyboard.press(key)
      words.push(await said())
      expect(await tip(page)).toEqual([words.at(-1)])
    }
    expect(words[0]).toMatch(/^Page 1, tokens 1 to 16: in memory/)
    expect(words[1]).toMatch(/^Page 2, tokens 17 to 32: /)
    await page.keyboard.press('Escape')
    expect(await tip(page)).toEqual([])

    await pressUntil(page, 'Tab', TOKEN)
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    const focused = page.locator(`${TOKEN}:focus`)
    expect(await focused.getAttribute('data-at')).toBe('1')
    const others = page.getByRole('tooltip')
    const shown = await others.locator('> div').allTextContents()
    expect(shown.length).toBeGreaterThanOrEqual(5)
    for (const line of shown) expect(line).toMatch(/ %$/)
    expect(await others.locator('.hood-chosen').count()).toBe(1)
    expect(await focused.getAttribute('aria-describedby')).toBe(await others.getAttribute('id'))
    await page.keyboard.press('Escape')
    expect(await others.count()).toBe(0)
    // One stop for all tokens: the next Tab leaves them.
    await page.keyboard.press('Shift+Tab')
    expect(await page.evaluate((token) => document.activeElement?.matches(token), TOKEN)).toBe(false)
    expect(errors).toEqual([])
    await context.close()
  })

  it('says in its table what the endpoint says, and in its sum', async () => {
    const { page, context } = await opened(OPEN)
    await ask(page, 'Once upon a time')
    const session = await page.evaluate(async () => {
      const listed = await fetch('/v1/sessions?limit=1')
      return ((await listed.json()) as { data: { id: string }[] }).data[0].id
    })
    const asked = async (): Promise<Report> =>
      (await (await fetch(`${bed.url}/v1/sessions/${session}/memory`)).json()) as Report
    await page.getByText('The same as a table').click()
    const rows = (): Promise<string[][]> =>
      page
        .locator('.hood-table tbody tr')
        .evaluateAll((all) => all.map((row) => [...row.children].map(({ textContent }) => textContent ?? '')))
    // The page asks once more when an answer has ended.
    await expect.poll(async () => String(await rows()) === String(tableOf(await asked()))).toBe(true)
    const report = await asked()
    expect(await rows()).toEqual(tableOf(report))
    const first = report.pages.reduce((sum, { count }) => sum + count, 0)
    expect(first).toBeGreaterThan(5)
    expect(await page.locator('.hood-sum').textContent()).toContain(
      `${report.tokens} tokens in ${first} pages`,
    )
    expect(await page.locator(SLIDER).getAttribute('aria-valuemax')).toBe(String(first))
    const free = await page.locator('.hood-parts li').last().textContent()
    const { isolate } = report
    const used = isolate ? isolate.weights + isolate.pool + isolate.scratch + isolate.heap : NaN
    expect(free).toContain(`${((128e6 - used) / 1e6).toFixed(0)} MB`)
    await context.close()
  })

  it('moves while an answer grows, by what its own stream tells, and shows what is reused', async () => {
    const { page, context } = await opened(OPEN)
    const asked: { memory?: unknown; logprobs?: unknown }[] = []
    page.on('request', (request) => {
      if (!request.url().endsWith('/v1/chat/completions')) return
      const { islet, logprobs } = request.postDataJSON() as {
        islet?: { memory?: unknown }
        logprobs?: unknown
      }
      asked.push({ memory: islet?.memory, logprobs })
    })
    await page.evaluate(() => {
      const seen = ((globalThis as { seen?: Set<string> }).seen = new Set<string>())
      const note = (): void => {
        const most = document.querySelector('[role=slider]')?.getAttribute('aria-valuemax')
        if (most) seen.add(most)
      }
      new MutationObserver(note).observe(document, { subtree: true, attributes: true, childList: true })
    })
    await ask(page, 'A long story, please')
    const seen = await page.evaluate(() =>
      [...((globalThis as { seen?: Set<string> }).seen ?? [])].map(Number),
    )
    expect(seen.length).toBeGreaterThan(2)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(asked).toEqual([{ memory: true, logprobs: true }])
    await ask(page, 'And then?')
    await page.getByText('The same as a table').click()
    expect(await page.locator('.hood-table tbody tr').first().textContent()).toContain('reused')
    await context.close()
  })

  it('asks and draws nothing while it is closed', async () => {
    const { page, context } = await opened()
    const asked: string[] = []
    page.on('request', (request) => asked.push(`${request.url()} ${request.postData() ?? ''}`))
    await page.getByLabel('Your message').fill('Hello')
    await page.keyboard.press('Enter')
    await page.locator(SEND).waitFor({ timeout: 60_000 })
    await page.waitForTimeout(800)
    expect(asked.some((one) => one.includes('/v1/chat/completions'))).toBe(true)
    expect(asked.filter((one) => /\/memory |"memory"|"logprobs":true/.test(one))).toEqual([])
    expect(await page.locator('canvas').count()).toBe(0)
    await context.close()
  })

  const LOOKS: [string, Look][] = [
    ['light', { theme: 'light' }],
    ['dark', { theme: 'dark' }],
    ['light, 360 px, less motion', { theme: 'light', width: 360, height: 740, reducedMotion: true }],
    ['dark, 360 px', { theme: 'dark', width: 360, height: 740 }],
  ]
  it.each(LOOKS)('has no findings of axe, and sticks out nowhere: %s', async (_, look) => {
    const { page, context, errors } = await opened({ ...OPEN, ...look })
    expect(await axeFindings(page)).toEqual([])
    await ask(page, 'Once upon a time')
    await page.getByText('The same as a table').click()
    await page.locator(TOKEN).first().focus()
    await page.getByRole('tooltip').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.locator(SLIDER).focus()
    await page.locator('.hood-tip').waitFor()
    expect(await axeFindings(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    expect(errors).toEqual([])
    await context.close()
  })
})

describe.skipIf(noBrowser !== undefined)(named('under the hood of a server that is not ready'), () => {
  let bed: FakeBed
  beforeAll(async () => {
    bed = await fakeBed(undefined, ({ url }) => {
      const loading = {
        status: 'loading',
        state: 'loading',
        model: 'm',
        loaded_bytes: 33e6,
        total_bytes: 81e6,
      }
      return url.endsWith('/health') ? Response.json(loading, { status: 503 }) : undefined
    })
  })
  afterAll(() => bed?.close())

  it('shows how far a cold start has come, and what there will be to see', async () => {
    const { page, context } = await bed.open(OPEN)
    const bar = page.locator('.hood-load progress')
    await bar.waitFor()
    expect(await bar.evaluate((element: HTMLProgressElement) => [element.value, element.max])).toEqual([
      33e6, 81e6,
    ])
    expect(await page.locator('.hood-load').textContent()).toBe('Loading the model: 33 MB of 81 MB')
    expect(await page.locator('.hood-memory').textContent()).toContain('Nothing yet.')
    await context.close()
  })
})
