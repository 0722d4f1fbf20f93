// `npm run screenshots`: pictures of chat, extract, decide and the memory view for the documents, on a phone and a desktop, dark and light.
//
// Nothing is staged: a worker with the real model, where it is packed, answers what is asked here, with a fixed seed.

import { existsSync, mkdirSync, statSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { workerBed, type Look } from '../../test/page/harness.ts'
import { ROOT } from '../../tools/root.ts'
import { MODEL, MODEL_FOLDER } from '../lib/model.ts'

const FOLDER = `${ROOT}docs/images`

const SIZES: Record<string, Look> = {
  desktop: { width: 1200, height: 860 },
  phone: { width: 390, height: 780, touch: true },
}

/** Long enough for a machine that is busy, in milliseconds. */
const PATIENCE = 120_000

type Scene = { name: string; stored: Record<string, unknown>; play: (page: Page) => Promise<void> }

const SCENES: readonly Scene[] = [
  {
    name: 'chat',
    stored: { tab: 'chat' },
    async play(page) {
      await ask(page, 'Give me five names for a small bakery by the sea.')
      await ask(page, 'Write a short, friendly sign for its door.')
    },
  },
  {
    name: 'extract',
    stored: { tab: 'extract', panel: false },
    async play(page) {
      await page.getByRole('button', { name: 'Extract', exact: true }).click()
      await page.getByText('Valid by construction', { exact: false }).waitFor({ timeout: PATIENCE })
      await show(page, '.extract-object')
    },
  },
  {
    name: 'decide',
    stored: { tab: 'decide', panel: false },
    async play(page) {
      await page.getByRole('button', { name: 'Decide', exact: true }).click()
      await page.getByText(/decided in \d+ ms/).waitFor({ timeout: PATIENCE })
      await show(page, '.decide-cards')
    },
  },
  {
    name: 'memory',
    stored: { tab: 'chat', hood: true, panel: false },
    async play(page) {
      await ask(page, 'Give me five names for a small bakery by the sea.')
      await ask(page, 'Write a short, friendly sign for its door.')
      await page.waitForSelector('.hood canvas', { timeout: PATIENCE })
      await page.waitForTimeout(1500) // the last report of memory, and its drawing
    },
  },
]

/** Sends a message and waits until its answer is there. */
async function ask(page: Page, text: string): Promise<void> {
  const answers = await page.locator('.chat-facts').count()
  await page.fill('#chat-text', text)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.locator('.chat-facts').nth(answers).waitFor({ timeout: PATIENCE })
}

/** Where all does not fit, what matters comes to the top. */
async function show(page: Page, selector: string): Promise<void> {
  if ((page.viewportSize()?.width ?? 0) > 600) return
  await page
    .locator(selector)
    .first()
    .evaluate((node) => node.scrollIntoView({ block: 'start' }))
}

const packed = existsSync(`${MODEL_FOLDER}/manifest.json`)
if (!packed) console.error(`screenshots: ${MODEL} is not packed: the embedded model stands in for it`)
mkdirSync(FOLDER, { recursive: true })
const bed = await workerBed({}, packed ? { folder: MODEL_FOLDER } : {})
try {
  for (const { name, stored, play } of SCENES)
    for (const [size, look] of Object.entries(SIZES))
      for (const theme of ['light', 'dark'] as const) {
        const { page, context, errors } = await bed.open({ ...look, theme, stored })
        await page.getByText('Ready', { exact: true }).waitFor({ timeout: PATIENCE })
        await seed(page)
        await play(page)
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
        const path = `${FOLDER}/${name}-${size}-${theme}.png`
        await page.screenshot({ path, animations: 'disabled' })
        console.log(`${path.slice(ROOT.length)} ${Math.round(statSync(path).size / 1000)} kB`, ...errors)
        await context.close()
      }
} finally {
  await bed.close()
}

/** Sets the seed as a person does, so that a picture taken again looks the same. */
async function seed(page: Page): Promise<void> {
  const shown = (): Promise<boolean> => page.locator('#sampling-seed').isVisible()
  const wasShown = await shown()
  if (!wasShown) await page.click('#shell-settings')
  await page.fill('#sampling-seed', '7')
  if (wasShown) return
  if ((page.viewportSize()?.width ?? 0) > 600) await page.click('#shell-settings')
  else await page.keyboard.press('Escape')
}
