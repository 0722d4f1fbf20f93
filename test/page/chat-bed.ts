// The page over a fake API at another origin, for tests of the chat in Chromium.

import { type Page } from 'playwright-core'
import { fakeIslet, type FakeIslet } from './fake-islet.ts'
import { fakeBed, type FakeBed, type Look, type Opened } from './harness.ts'

export type ChatBed = {
  bed: FakeBed
  fake: FakeIslet
  open: (look?: Look) => Promise<Opened>
  close: () => Promise<void>
}

/** The policy of the page lets it ask `localhost` at any port. */
export async function chatBed(): Promise<ChatBed> {
  const fake = await fakeIslet()
  const bed = await fakeBed()
  const base = fake.url.replace('127.0.0.1', 'localhost')
  return {
    bed,
    fake,
    async open(look = {}) {
      const opened = await bed.open({ ...look, stored: { base, ...look.stored } })
      await opened.page.waitForSelector('#chat-text')
      return opened
    },
    async close() {
      await bed.close()
      await fake.close()
    },
  }
}

/** Types into what has the focus, and presses Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await page.keyboard.type(text)
  await page.keyboard.press('Enter')
}

/** Waits until the last answer is there, with its figures. */
export async function answered(page: Page, count = 1): Promise<void> {
  await page.waitForFunction((wanted) => {
    const answers = document.querySelectorAll('.chat-message:not(.chat-user)')
    return answers.length >= wanted && [...answers].at(-1)?.querySelector('.chat-facts') != null
  }, count)
}

/** Texts of the messages that are shown. */
export function texts(page: Page): Promise<string[]> {
  return page.$$eval('.chat-bubble, .chat-text', (nodes) => nodes.map((node) => node.textContent))
}
