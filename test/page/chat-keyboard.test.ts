// The chat in Chromium by keyboard alone, and by those who cannot see it: every feature, in both themes and at 360 pixels.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answered, chatBed, say, texts, type ChatBed } from './chat-bed.ts'
import { axeFindings, named, noBrowser, overflow, pressUntil } from './harness.ts'

const MARKDOWN =
  '# Tides\n\nBy the **moon**: [more](https://example.com/) and `code`.\n\n1. High\n2. Low\n\n```ts\nlet tide = 1\n```\n\n| port | high |\n|---|---|\n| Brest | 6:12 |\n'

describe.skipIf(noBrowser !== undefined)(named('the chat by keyboard alone'), () => {
  let chat: ChatBed
  beforeAll(async () => void (chat = await chatBed()))
  afterAll(() => chat?.close())
  beforeEach(() => chat.fake.script({ tokens: ['Hello', ' there', '.'] }))

  it('sends, breaks lines, stops, goes on, regenerates, switches branches and edits', async () => {
    const { page, context, errors } = await chat.open()
    const { keyboard } = page
    await page.waitForFunction(() => document.activeElement?.id === 'chat-text')

    chat.fake.script({ tokens: Array.from({ length: 60 }, (_, at) => `${at} `), pace: 15 })
    await keyboard.type('Count')
    await keyboard.press('Shift+Enter')
    await say(page, 'to sixty')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent.includes('5 '))
    await keyboard.press('Escape')
    await answered(page)
    expect((await texts(page))[0]).toBe('Count\nto sixty')
    expect((await texts(page))[1]).not.toContain('59')
    expect(await page.textContent('.chat-facts')).toContain('stopped')

    // From the field backwards: Continue is the last button of the answer.
    await pressUntil(page, 'Shift+Tab', '.chat-actions button:last-child')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Continue')
    await keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent.includes('59'))
    await answered(page)
    expect((await texts(page))[1]).toBe(Array.from({ length: 60 }, (_, at) => `${at} `).join(''))

    chat.fake.script({ tokens: ['second'] })
    await page.focus('#chat-text')
    await pressUntil(page, 'Shift+Tab', '.chat-message:not(.chat-user) .chat-actions button:last-child')
    await keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent === 'second')
    await answered(page)
    expect(await page.textContent('.chat-branches .mono')).toBe('2/2')
    expect(await page.textContent('.chat-facts')).toContain('40 tokens reused')
    expect(chat.fake.asked.filter(({ path }) => path.endsWith('/fork'))).toHaveLength(1)

    await page.focus('#chat-text')
    await pressUntil(page, 'Shift+Tab', '[aria-label="Branch before"]')
    await keyboard.press('Enter')
    expect(await page.textContent('.chat-branches .mono')).toBe('1/2')
    expect((await texts(page))[1]).toContain('59')
    // The focus went along.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Next branch')

    chat.fake.script({ tokens: ['third'] })
    await page.focus('#chat-text')
    await keyboard.press('ArrowUp')
    await page.waitForSelector('.chat-editor textarea')
    await keyboard.press('Control+a')
    await say(page, 'Count less')
    await page.waitForFunction(() => document.querySelector('.chat-text')?.textContent === 'third')
    expect((await texts(page))[0]).toBe('Count less')
    expect(await page.textContent('.chat-user .chat-branches .mono')).toBe('2/2')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('chat-text')
    expect(errors).toEqual([])
    await context.close()
  })

  it('searches, opens, renames, exports, deletes and imports conversations', async () => {
    const { page, context } = await chat.open()
    const { keyboard } = page
    for (const text of ['What is a heron?', 'Sum up the tides', 'Name a bakery']) {
      await page.focus('#chat-text')
      await say(page, text)
      await answered(page)
      await pressUntil(page, 'Shift+Tab', '.chat-history-head .primary')
      await keyboard.press('Enter')
    }
    await pressUntil(page, 'Shift+Tab', '[type="search"]')
    await keyboard.type('heron')
    await page.waitForFunction(() => document.querySelectorAll('.chat-row').length === 1)
    await keyboard.press('Tab')
    await keyboard.press('Enter')
    await page.waitForFunction(
      () => document.querySelector('.chat-title')?.textContent === 'What is a heron?',
    )
    expect(await texts(page)).toEqual(['What is a heron?', 'Hello there.'])

    await pressUntil(page, 'Shift+Tab', '.chat-open-row')
    await keyboard.press('F2')
    await keyboard.press('Control+a')
    await say(page, 'Birds')
    await page.waitForFunction(() => document.querySelector('.chat-title')?.textContent === 'Birds')

    await pressUntil(page, 'Shift+Tab', '[type="search"]')
    await keyboard.press('Control+a')
    await keyboard.press('Delete')
    await page.waitForFunction(() => document.querySelectorAll('.chat-row').length === 3)
    await keyboard.press('Tab')
    await keyboard.press('Home')
    await keyboard.press('ArrowDown')
    await keyboard.press('ArrowUp')
    await keyboard.press('End')
    const at = (): Promise<string | undefined> =>
      page.evaluate(() => document.activeElement?.closest('li')?.textContent.replace(/[✎✕]/g, ''))
    expect(await at()).toBe('Birds')

    const saved = page.waitForEvent('download')
    await pressUntil(page, 'Tab', '.chat-files button:first-child')
    await keyboard.press('Enter')
    const file = await (await saved).path()
    const exported = JSON.parse(readFileSync(file, 'utf8')) as { conversations: { title: string }[] }
    expect(exported.conversations.map(({ title }) => title).sort()).toEqual([
      'Birds',
      'Name a bakery',
      'Sum up the tides',
    ])

    await pressUntil(page, 'Shift+Tab', '.chat-open-row')
    page.on('dialog', (dialog) => void dialog.accept())
    await keyboard.press('Delete')
    await page.waitForFunction(() => document.querySelectorAll('.chat-row').length === 2)
    for (const left of [1, 0]) {
      await pressUntil(page, 'Tab', '.chat-open-row')
      await keyboard.press('Delete')
      await page.waitForFunction((rows) => document.querySelectorAll('.chat-row').length === rows, left)
    }

    // The file dialog is the browser's own; what it gives is taken in.
    const chooser = page.waitForEvent('filechooser')
    await pressUntil(page, 'Tab', '.chat-files button:nth-of-type(2)')
    await keyboard.press('Enter')
    await (
      await chooser
    ).setFiles({ name: 'x.json', mimeType: 'application/json', buffer: readFileSync(file) })
    await page.waitForFunction(() => document.querySelectorAll('.chat-row').length === 3)
    expect(await page.textContent('.chat-told')).toBe('Imported 3.')
    await context.close()
  })

  it('says when an answer is there, and not each token', async () => {
    const { page, context } = await chat.open()
    await page.evaluate(() => {
      const said: string[] = []
      Object.assign(globalThis, { said })
      new MutationObserver(() =>
        said.push(document.querySelector('.chat-main > [role=status]')!.textContent),
      ).observe(document.querySelector('.chat-main > [role=status]')!, {
        childList: true,
        characterData: true,
        subtree: true,
      })
    })
    await say(page, 'Hi')
    await answered(page)
    await page.waitForTimeout(100)
    expect(
      await page.evaluate(() => (globalThis as unknown as { said: string[] }).said.filter(Boolean)),
    ).toEqual(['The answer is there.'])
    await context.close()
  })

  it.each([
    { theme: 'light' as const, width: 1280 },
    { theme: 'dark' as const, width: 1280 },
    { theme: 'light' as const, width: 360 },
    { theme: 'dark' as const, width: 360 },
  ])('has no findings of axe, $theme at $width pixels', async ({ theme, width }) => {
    chat.fake.script({ tokens: MARKDOWN.split(/(?<= )/), thoughts: ['They ask.'] })
    const { page, context, errors } = await chat.open({ theme, width, height: 740 })
    expect(await axeFindings(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    await page.focus('#chat-text')
    await say(page, 'What makes the tides?')
    await answered(page)
    expect(await axeFindings(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    if (width === 360) {
      await page.click('.chat-toggle')
      expect(await axeFindings(page)).toEqual([])
      await page.keyboard.press('Escape')
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Chats')
    }
    expect(errors).toEqual([])
    await context.close()
  })

  it('breaks the line by Enter where a finger types', async () => {
    const { page, context } = await chat.open({ touch: true, width: 360 })
    await page.tap('#chat-text')
    await page.keyboard.type('a')
    await page.keyboard.press('Enter')
    await page.keyboard.type('b')
    expect(await page.inputValue('#chat-text')).toBe('a\nb')
    await page.tap('.chat-composer .primary')
    await answered(page)
    expect((await texts(page))[0]).toBe('a\nb')
    await context.close()
  })
})
