// Markdown of a model becomes elements of a list: hostile marks, links and HTML stay text, and no text is lost.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { markdownInto, safeLink } from '../../page/views/chat/markdown.ts'
import { rng } from '../helpers/rng.ts'

/** As much of a document as the renderer may use: it has no way to read HTML. */
class FakeNode {
  nodeType = 1
  data = ''
  parentElement: FakeNode | null = null
  childNodes: FakeNode[] = []
  attributes: Record<string, string> = {}
  className = ''
  tagName: string
  constructor(tag: string) {
    this.tagName = tag.toUpperCase()
  }
  appendChild(child: FakeNode): FakeNode {
    child.parentElement = this
    this.childNodes.push(child)
    return child
  }
  remove(): void {
    const { childNodes } = this.parentElement!
    childNodes.splice(childNodes.indexOf(this), 1)
  }
  setAttribute(name: string, value: string): void {
    this.attributes[name] = value
  }
  appendData(more: string): void {
    this.data += more
  }
  get lastChild(): FakeNode | undefined {
    return this.childNodes.at(-1)
  }
  get lastElementChild(): FakeNode | null {
    return this.childNodes.findLast(({ nodeType }) => nodeType === 1) ?? null
  }
  get textContent(): string {
    return this.nodeType === 3 ? this.data : this.childNodes.map((each) => each.textContent).join('')
  }
  set textContent(text: string) {
    this.childNodes = []
    this.appendChild(textNode(text))
  }
  closest(selector: string): FakeNode | null {
    return `.${this.className}` === selector ? this : (this.parentElement?.closest(selector) ?? null)
  }
  querySelector(selector: string): FakeNode | null {
    return all(this).find(({ className }) => `.${className}` === selector) ?? null
  }
}

function textNode(data: string): FakeNode {
  return Object.assign(new FakeNode('#text'), { nodeType: 3, data })
}

function all(node: FakeNode): FakeNode[] {
  return node.childNodes.flatMap((child) => [child, ...all(child)])
}

function depth(node: FakeNode): number {
  return 1 + Math.max(0, ...node.childNodes.map(depth))
}

beforeAll(() => {
  vi.stubGlobal('document', { createElement: (tag: string) => new FakeNode(tag), createTextNode: textNode })
  vi.stubGlobal('Node', { TEXT_NODE: 3 })
})
afterAll(() => vi.unstubAllGlobals())

/** The element that a text becomes, written in pieces of some characters. */
function rendered(text: string, piece = 3): FakeNode {
  const root = new FakeNode('div')
  const markdown = markdownInto(root as unknown as HTMLElement)
  for (let at = 0; at < text.length; at += piece) markdown.write(text.slice(at, at + piece))
  markdown.end()
  return root
}

const tags = (node: FakeNode): string =>
  [...new Set(all(node).map(({ tagName }) => tagName.toLowerCase()))].join(' ')

const ALLOWED =
  /^(#text|p|h[3-6]|code|em|strong|s|a|blockquote|br|hr|ul|ol|li|span|table|thead|tbody|tr|th|td|div|pre|button)$/i

describe('what markdown becomes', () => {
  it.each([
    ['a *b* **c** `d` ~~e~~', 'p #text em strong code s'],
    ['# One\n\n###### Six\n', 'h3 #text h6'],
    ['- a\n- b\n', 'ul li #text'],
    ['> a\n', 'blockquote p #text'],
    ['a\nb', 'p #text br'],
    ['---\n', 'hr'],
  ])('%j', (text, expected) => {
    expect(tags(rendered(text))).toBe(expected)
  })

  it('a block of code has its language and a button, and keeps every character', () => {
    const root = rendered('```ts\nlet a = [1]\n\n  <b>&amp;\n```\nafter')
    expect(root.querySelector('.chat-lang')!.textContent).toBe('ts')
    expect(all(root).find(({ tagName }) => tagName === 'CODE')!.textContent).toBe('let a = [1]\n\n  <b>&amp;')
    expect(root.querySelector('.button quiet')!.textContent).toBe('Copy code')
  })

  it('a table has a head and a body', () => {
    const root = rendered('| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n')
    const of = (tag: string): string[] =>
      all(root)
        .filter(({ tagName }) => tagName === tag)
        .map(({ textContent }) => textContent.trim())
    expect([of('TH'), of('TD')]).toEqual([
      ['a', 'b'],
      ['1', '2', '3', '4'],
    ])
  })

  it('a list begins where it says, and a task has its box', () => {
    expect(all(rendered('3. a\n4. b\n')).find(({ tagName }) => tagName === 'OL')!.attributes).toEqual({
      start: '3',
    })
    expect(rendered('- [x] a\n- [ ] b\n').textContent).toMatch(/☑\s+a\s*☐\s+b/)
  })

  it('is the same whatever the pieces that it comes in', () => {
    const text =
      '# T\n\nA *b* [c](https://d.e) and `f`.\n\n1. g\n2. h\n\n```x\ny\n```\n\n| i |\n|---|\n| j |\n'
    const shape = (node: FakeNode): unknown => [
      node.tagName,
      node.data,
      node.attributes,
      node.childNodes.map(shape),
    ]
    for (const piece of [1, 2, 7, 1000]) expect(shape(rendered(text, piece))).toEqual(shape(rendered(text)))
  })
})

describe('links', () => {
  it('go to pages and letters alone', () => {
    expect(safeLink('https://a.b/c')).toBe('https://a.b/c')
    expect(safeLink(' HTTP://a.b ')).toBe('http://a.b/')
    expect(safeLink('mailto:a@b.c')).toBe('mailto:a@b.c')
    for (const url of [
      'javascript:alert(1)',
      ' java\nscript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,<script>1</script>',
      'vbscript:x',
      'file:///etc/passwd',
      'blob:https://a.b/c',
      '//a.b',
      '/v1/sessions',
      'x',
      '',
    ])
      expect(safeLink(url), url).toBeUndefined()
  })

  it('open by themselves, and tell nobody where from', () => {
    const [link] = all(rendered('see [the docs](https://a.b/c) now')).filter(({ tagName }) => tagName === 'A')
    expect(link.attributes).toEqual({ href: 'https://a.b/c', rel: 'noopener noreferrer', target: '_blank' })
    expect(rendered('see [the docs](https://a.b/c) now').textContent).toBe('see the docs now')
  })

  it.each([
    '[click](javascript:alert(1)) x',
    '![i](javascript:x) x',
    '[a](data:text/html,hi) x',
    'array[0] = x',
    'a [b] c',
    'a [b](c',
    'an [unclosed',
    '![pic] x',
  ])('that are none stay text: %s', (text) => {
    const root = rendered(text)
    expect(all(root).some(({ attributes }) => 'href' in attributes)).toBe(false)
    expect(root.textContent).toBe(text)
  })

  it('of images load nothing', () => {
    const root = rendered('![a cat](https://spy.example/pixel.png)')
    expect(tags(root)).toBe('p a #text')
    expect(root.textContent).toBe('a cat')
  })
})

describe('hostile text', () => {
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '<svg/onload=alert(1)>',
    '<style>body{display:none}</style>',
    '</div></body><iframe src=//evil>',
    '&lt;script&gt;',
  ])('stays text: %s', (text) => {
    const root = rendered(text)
    expect(root.textContent).toBe(text)
    expect(tags(root)).toBe('p #text')
  })

  it('cannot nest without end', () => {
    for (const text of ['> '.repeat(3000), '- '.repeat(3000), '*_'.repeat(3000), '['.repeat(3000)])
      expect(depth(rendered(`${text}x`))).toBeLessThan(40)
  })

  it('cannot make the parser look at the same characters over and over', () => {
    const started = performance.now()
    const long = `[a](${'x'.repeat(300_000)}`
    expect(rendered(long, 5).textContent).toBe(long)
    rendered(`\`\`\`${'y'.repeat(300_000)}`, 5)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('of any kind ends, makes allowed elements alone, and loses no word', () => {
    const marks = [
      '*',
      '_',
      '**',
      '`',
      '```',
      '\n',
      '\n\n',
      '> ',
      '- ',
      '1. ',
      '# ',
      '|',
      '|---|',
      '[',
      ']',
      '(',
      ')',
      '![',
      '$',
      '$$',
      '\\',
      '\\(',
      '~~',
      '<br>',
      '<',
      'http://',
      ' ',
      '    ',
      '\t',
      '- [ ] ',
      '---\n',
    ]
    for (let seed = 1; seed <= 400; seed++) {
      const random = rng(seed).uniform
      const words: string[] = []
      let text = ''
      for (let at = 0; at < 60; at++) {
        if (random() < 0.5) text += marks[Math.floor(random() * marks.length)]
        else {
          const word = `w${at}x`
          words.push(word)
          text += word
        }
      }
      const root = rendered(text, 1 + Math.floor(random() * 9))
      const shown = root.textContent
      for (const node of all(root)) expect(node.tagName, text).toMatch(ALLOWED)
      const missing = words.filter(
        (word) =>
          !shown.includes(word) && !all(root).some(({ attributes }) => attributes['href']?.includes(word)),
      )
      expect(missing, JSON.stringify(text)).toEqual([])
    }
  })
})
