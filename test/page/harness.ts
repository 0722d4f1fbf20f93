// The page in a real headless Chromium: over the built worker with the embedded model, or over a scripted server in this process.

import axe, { type AxeResults } from 'axe-core'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launch } from '../../bench/lib/browser.ts'
import { createApp } from '../../src/api/app.ts'
import { buildPage } from '../../tools/page.ts'
import { fakeLanes, HELLO, type Fake, type Step } from '../api/helpers.ts'
import { missingChromium } from '../helpers/chromium.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

export type Look = {
  theme?: 'light' | 'dark'
  /** CSS pixels. */
  width?: number
  height?: number
  /** What the page shall find in its storage, by the names of `remembered`. */
  stored?: Record<string, unknown>
  reducedMotion?: boolean
  /** Touch instead of a mouse. */
  touch?: boolean
}

export type Opened = { page: Page; context: BrowserContext; errors: string[] }

/** A browser and where the page is. */
export type Bed = {
  browser: Browser
  url: string
  /** Opens the page in a profile of its own; it is drawn when this returns. Errors of its scripts and of the policy are collected. */
  open: (look?: Look) => Promise<Opened>
  close: () => Promise<void>
}

export type WorkerBed = Bed & { worker: TestWorker }
export type FakeBed = Bed & {
  fake: Fake
  /** Ends all connections and refuses new ones, as a dead server does. */
  down: () => Promise<void>
  /** Listens again, at the same port. */
  up: () => Promise<void>
}

/** Why tests of the page are skipped, or undefined. */
export const noBrowser = missingChromium()

/** The suite's name with why it is skipped, if it is. */
export function named(name: string): string {
  return noBrowser === undefined ? name : `${name} (${noBrowser})`
}

/** The worker as it is built, with the embedded model; `vars` replace those of wrangler.toml. */
export async function workerBed(
  vars: Record<string, string> = {},
  options: { folder?: string; ready?: string } = {},
): Promise<WorkerBed> {
  const { folder = TINY_FOLDER, ...rest } = options
  const worker = await startWorker(folder, vars, rest)
  const browser = await launch()
  return {
    ...bed(browser, worker.url, async () => void (await worker.stop())),
    worker,
  }
}

/**
 * The router with scripted lanes, in this process. `answer` may take a request before it: a Response, or undefined to let the
 * router have it.
 */
export async function fakeBed(
  script: Step[] | Parameters<typeof fakeLanes>[0] = HELLO,
  answer: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined,
): Promise<FakeBed> {
  const { files } = buildPage()
  const fake = fakeLanes(script)
  let ids = 0
  const app = createApp({
    lanes: () => fake.lanes,
    config: { apiKeys: undefined },
    now: () => Date.now(),
    newId: () => `id${ids++}`,
    newSeed: () => 7,
    log: () => undefined,
    page: async (name) => {
      const file = files.get(name)
      return file === undefined ? new Response(null, { status: 404 }) : new Response(Uint8Array.from(file))
    },
  })
  const handle = async (request: Request): Promise<Response> => (await answer(request)) ?? app.fetch(request)
  const server = createServer((incoming, outgoing) => void serve(handle, incoming, outgoing))
  const listen = (port: number): Promise<void> =>
    new Promise((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done))
  const down = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done))
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const browser = await launch()
  return {
    ...bed(browser, `http://127.0.0.1:${port}`, async () => {
      if (server.listening) await down()
    }),
    fake,
    down,
    up: () => listen(port),
  }
}

/** What axe finds in the page as it is: a line for each rule and place; empty when all is well. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(what: Document): Promise<AxeResults> } }
    return axe.run(document)
  })
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
  )
}

/** Presses a key so often until what has the focus matches a selector; fails after `most` presses. */
export async function pressUntil(page: Page, key: string, selector: string, most = 60): Promise<void> {
  for (let presses = 0; presses <= most; presses++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return
    await page.keyboard.press(key)
  }
  const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120))
  throw new Error(`${key} never came to ${selector}; it is at ${at}`)
}

/** The width by which the page is wider than its window: 0, or something sticks out. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

function bed(browser: Browser, url: string, stop: () => Promise<void>): Bed {
  return {
    browser,
    url,
    open: (look = {}) => open(browser, url, look),
    async close() {
      await browser.close()
      await stop()
    },
  }
}

async function open(browser: Browser, url: string, look: Look): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
    colorScheme: look.theme ?? 'light',
    reducedMotion: look.reducedMotion === true ? 'reduce' : 'no-preference',
    hasTouch: look.touch === true,
    isMobile: look.touch === true,
  })
  await context.addInitScript((stored) => {
    if (sessionStorage.getItem('stored') !== null) return // once: what the page stores later stays
    sessionStorage.setItem('stored', '')
    for (const [name, value] of Object.entries(stored))
      localStorage.setItem(`islet.${name}`, JSON.stringify(value))
  }, look.stored ?? {})
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    // A server that is away or says no is no mistake of the page's.
    if (message.type() === 'error' && !/Failed to load resource|net::ERR_/.test(message.text()))
      errors.push(message.text())
  })
  await page.goto(url)
  // The title is one of what comes behind the first drawing, as keys are.
  await page.waitForFunction(() => document.title.includes('·'))
  return { page, context, errors }
}

/** Node's request and response as those of fetch. */
async function serve(
  handle: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  const { method = 'GET', headers, url = '/' } = incoming
  const plain = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const request = new Request(new URL(url, `http://${headers.host}`), {
    method,
    headers: plain,
    signal: gone.signal,
    ...(hasBody && { body: Buffer.concat(chunks) }),
  })
  const response = await handle(request)
  outgoing.writeHead(response.status, [...response.headers].flat())
  if (response.body === null) return void outgoing.end()
  outgoing.flushHeaders()
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
  body.on('error', () => outgoing.destroy())
  outgoing.on('close', () => body.destroy())
  body.pipe(outgoing)
}
