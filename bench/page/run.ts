// `npm run page`: how quick the page is in a headless Chromium, beside an empty page that does the same without it.
//
// Each round has a profile of its own. Milliseconds are wall time: a quiet machine alone gives figures worth keeping.

import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { chatBed } from '../../test/page/chat-bed.ts'
import { conversation, fileOf, tokensOf } from '../../test/page/load.ts'
import { workerBed, type WorkerBed } from '../../test/page/harness.ts'
import { ROOT } from '../../tools/root.ts'
import { findChromium } from '../lib/chromium.ts'
import { MODEL, MODEL_FOLDER } from '../lib/model.ts'
import type { PageResult, PageRow } from '../lib/page-result.ts'
import { describeMachine, median } from '../lib/results.ts'

const USAGE = `npm run page -- [--rounds N] [--save]
  --rounds N   of each measurement (7); the recorded stream takes 40 s and has one
  --save       keeps docs/results/page.json; then npm run docs`

/** A recorded answer. */
const [TOKENS, PER_SECOND, MESSAGES] = [10_000, 250, 2000]

/** The field that takes what a person writes, on either page. */
const FIELD = '#chat-text'

type Stopwatch = { from: number; until: number }

/** A page with a field and nothing else, at an origin of its own. */
async function emptyPage(): Promise<{ url: string; close: () => Promise<void> }> {
  const html =
    '<!doctype html><html lang="en"><title>Empty</title><textarea id="chat-text" aria-label="Text"></textarea><main></main>'
  const server = createServer((_, response) => void response.setHeader('content-type', 'text/html').end(html))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((done) => server.close(() => done())),
  }
}

/** Milliseconds from the navigation until the field has been drawn; then it must take a key. */
async function untilUsable(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext()
  try {
    await context.addInitScript((field) => {
      const seen = new MutationObserver(() => {
        if (document.querySelector(field) === null) return
        seen.disconnect()
        // The picture that has it is made between these two.
        requestAnimationFrame(() => setTimeout(() => Object.assign(globalThis, { drawn: performance.now() })))
      })
      seen.observe(document, { childList: true, subtree: true })
    }, FIELD)
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction(() => 'drawn' in globalThis)
    await page.focus(FIELD)
    await page.keyboard.type('x')
    if ((await page.inputValue(FIELD)) !== 'x') throw new Error('the field took no key')
    return await page.evaluate(() => (globalThis as unknown as { drawn: number }).drawn)
  } finally {
    await context.close()
  }
}

async function usable(bed: WorkerBed, empty: string, rounds: number): Promise<PageRow> {
  const row: PageRow = { what: 'usable before the model is loaded', goalMs: 300, emptyMs: [], ms: [] }
  for (let round = 0; round < rounds; round++) {
    await bed.worker.kill()
    await bed.worker.restart()
    row.emptyMs?.push(await untilUsable(bed.browser, empty))
    row.ms.push(await untilUsable(bed.browser, bed.url))
  }
  return row
}

/** Milliseconds from the key to the first text in an element that a selector names, as the page itself sees both. */
async function untilText(page: Page, selector: string, press: () => Promise<void>): Promise<number> {
  await page.evaluate((wanted) => {
    const watch: Stopwatch = { from: 0, until: 0 }
    Object.assign(globalThis, { watch })
    document.addEventListener('keydown', ({ key }) => key === 'Enter' && (watch.from = performance.now()), {
      capture: true,
      once: true,
    })
    const look = (): void => {
      if (![...document.querySelectorAll(wanted)].some((node) => node.textContent.trim() !== ''))
        return void requestAnimationFrame(look)
      setTimeout(() => (watch.until = performance.now()))
    }
    requestAnimationFrame(look)
  }, selector)
  await press()
  await page.waitForFunction(() => (globalThis as unknown as { watch: Stopwatch }).watch.until > 0)
  return page.evaluate(() => {
    const { from, until } = (globalThis as unknown as { watch: Stopwatch }).watch
    return until - from
  })
}

/** What a page that is empty does with a stream: it appends each piece of text. */
async function appendStream(page: Page, url: string, body: object): Promise<void> {
  await page.evaluate(
    async ([to, json]) => {
      const out = document.querySelector('main')!
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(to, { method: 'POST', headers, body: json })
      let rest = ''
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (!line.startsWith('data: {')) continue
          const frame = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] }
          out.append(frame.choices[0]?.delta.content ?? '')
        }
      }
    },
    [url, JSON.stringify(body)],
  )
}

const chatBody = (model: string, content: string): object => ({
  model,
  stream: true,
  max_tokens: 16,
  messages: [{ role: 'user', content }],
})

async function firstToken(bed: WorkerBed, empty: string, rounds: number): Promise<PageRow> {
  const row: PageRow = { what: 'first token on a warm worker', goalMs: 2000, emptyMs: [], ms: [] }
  const { page, context } = await bed.open({ stored: { panel: false } })
  await page.getByText('Ready', { exact: true }).waitFor({ timeout: 60_000 })
  const bare = await context.newPage()
  await bare.goto(empty)
  for (let round = 0; round <= rounds; round++) {
    const question = `Name the ocean that lies ${round + 3} hours east of here.`
    await bare.bringToFront()
    await bare.evaluate(() => document.querySelector('main')!.replaceChildren())
    await bare.focus(FIELD)
    let answered: Promise<void> | undefined
    const emptyMs = await untilText(bare, 'main', async () => {
      await bare.keyboard.press('Enter')
      answered = appendStream(bare, `${bed.url}/v1/chat/completions`, chatBody(bed.worker.model, question))
    })
    await answered
    await page.bringToFront()
    await page.focus(FIELD)
    await page.keyboard.type(`${question} Say it in one word.`)
    const ms = await untilText(page, '.chat-text', () => page.keyboard.press('Enter'))
    await page.waitForSelector('.chat-facts', { timeout: 60_000 })
    await page.click('.chat-history-head .primary')
    await page.waitForSelector('.chat-starter')
    if (round === 0) continue // the first one compiles what both need
    row.emptyMs?.push(emptyMs)
    row.ms.push(ms)
  }
  await context.close()
  return row
}

/** Milliseconds of the longest task of a page's main thread while something runs, by the browser's own trace. */
async function longestTask(browser: Browser, page: Page, run: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] })
  await run()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[]
  }
  const mains = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  )
  const isMain = ({ pid, tid }: TraceEvent): boolean =>
    mains.some((main) => main.pid === pid && main.tid === tid)
  const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && isMain(event))
  if (tasks.length < 1000) throw new Error(`the trace has ${tasks.length} tasks`)
  return tasks.reduce((longest, { dur = 0 }) => Math.max(longest, dur / 1000), 0)
}

type TraceEvent = { name: string; pid: number; tid: number; dur?: number; args?: { name?: string } }

async function streamed(empty: string): Promise<PageRow> {
  const chat = await chatBed()
  try {
    const recorded = { tokens: tokensOf(TOKENS), pace: 1000 / PER_SECOND }
    chat.fake.script(recorded)
    const { page, context } = await chat.open({ stored: { panel: false } })
    await page.focus(FIELD)
    const ms = await longestTask(chat.bed.browser, page, async () => {
      await page.keyboard.type('Tell me everything about the tides')
      await page.keyboard.press('Enter')
      await page.waitForSelector('.chat-facts', { timeout: 100_000 })
    })
    await context.close()
    const bareContext = await chat.bed.browser.newContext()
    const bare = await bareContext.newPage()
    await bare.goto(empty)
    const emptyMs = await longestTask(chat.bed.browser, bare, () =>
      appendStream(bare, `${chat.fake.url}/v1/chat/completions`, chatBody('small-model', 'tides')),
    )
    await bareContext.close()
    const what = `longest task while ${TOKENS} tokens come at ${PER_SECOND} a second`
    return { what, goalMs: 50, emptyMs: [emptyMs], ms: [ms] }
  } finally {
    await chat.close()
  }
}

async function opened(empty: string, rounds: number): Promise<PageRow> {
  const row: PageRow = { what: `${MESSAGES} messages open`, goalMs: 200, emptyMs: [], ms: [] }
  const chat = await chatBed()
  try {
    const { page } = await chat.open({ stored: { panel: false } })
    const long = conversation('long', MESSAGES)
    const texts = long.messages.map(({ text }) => text)
    await page.setInputFiles('.chat-files input', fileOf([long]))
    await page.waitForSelector('.chat-row')
    const bare = await (await chat.bed.browser.newContext()).newPage()
    await bare.goto(empty)
    for (let round = 0; round < rounds; round++) {
      const ms = await page.evaluate(async () => {
        const started = performance.now()
        document.querySelector<HTMLElement>('.chat-open-row')!.click()
        while (!document.querySelector('.chat-message')) await new Promise(requestAnimationFrame)
        await new Promise(requestAnimationFrame)
        await new Promise((done) => setTimeout(done))
        return performance.now() - started
      })
      await page.click('.chat-history-head .primary')
      await page.waitForSelector('.chat-starter')
      const emptyMs = await bare.evaluate(async (list) => {
        const started = performance.now()
        const nodes = list.map((text) => {
          const node = document.createElement('p')
          node.textContent = text
          return node
        })
        document.querySelector('main')!.replaceChildren(...nodes)
        await new Promise(requestAnimationFrame)
        await new Promise((done) => setTimeout(done))
        return performance.now() - started
      }, texts)
      row.ms.push(ms)
      row.emptyMs?.push(emptyMs)
    }
    return row
  } finally {
    await chat.close()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      save: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return console.log(USAGE)
  const rounds = Number(values.rounds)
  const machine = await describeMachine()
  const packed = existsSync(`${MODEL_FOLDER}/manifest.json`)
  if (!packed) console.error(`page: ${MODEL} is not packed: the embedded model stands in for it`)
  const empty = await emptyPage()
  const bed = await workerBed({}, packed ? { folder: MODEL_FOLDER } : {})
  const rows: PageRow[] = []
  try {
    rows.push(await usable(bed, empty.url, rounds), await firstToken(bed, empty.url, rounds))
  } finally {
    await bed.close()
  }
  rows.push(await streamed(empty.url), await opened(empty.url, rounds))
  await empty.close()
  for (const { what, goalMs, emptyMs = [], ms } of rows)
    console.log(
      `${what}: ${median(ms).toFixed(1)} ms (empty page ${median(emptyMs).toFixed(1)}; goal < ${goalMs})`,
    )
  const result: PageResult = {
    chromium: findChromium().version,
    machine,
    model: bed.worker.model,
    rows,
  }
  if (values.save === true)
    writeFileSync(`${ROOT}docs/results/page.json`, `${JSON.stringify(result, undefined, 1)}\n`)
  if (rows.some(({ ms, goalMs }) => median(ms) >= goalMs)) process.exitCode = 1
}

await main()
