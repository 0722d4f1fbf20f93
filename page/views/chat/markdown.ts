// Markdown becomes elements of a list as it streams, by DOM calls alone: no text is ever read as HTML.
// The parser loses brackets of what turns out to be no link; they are put back as text.

import * as smd from 'streaming-markdown'
import { copied } from './copy.ts'

export type Markdown = {
  /** Text that follows; what is shown of it may wait for the next characters. */
  write(text: string): void
  /** Shows what waits. */
  end(): void
}

/** Elements by their tokens. Headings begin below those of the page. */
const TAGS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries({
    p: [smd.PARAGRAPH],
    h3: [smd.HEADING_1],
    h4: [smd.HEADING_2],
    h5: [smd.HEADING_3],
    h6: [smd.HEADING_4, smd.HEADING_5, smd.HEADING_6],
    code: [smd.CODE_INLINE, smd.CODE_BLOCK, smd.CODE_FENCE],
    em: [smd.ITALIC_AST, smd.ITALIC_UND],
    strong: [smd.STRONG_AST, smd.STRONG_UND],
    s: [smd.STRIKE],
    a: [smd.LINK, smd.RAW_URL, smd.IMAGE],
    blockquote: [smd.BLOCKQUOTE],
    br: [smd.LINE_BREAK],
    hr: [smd.RULE],
    ul: [smd.LIST_UNORDERED],
    ol: [smd.LIST_ORDERED],
    li: [smd.LIST_ITEM],
    span: [smd.CHECKBOX, smd.EQUATION_BLOCK, smd.EQUATION_INLINE],
    table: [smd.TABLE],
    tr: [smd.TABLE_ROW],
    td: [smd.TABLE_CELL],
  }).flatMap(([tag, tokens]) => tokens.map((token) => [token, tag])),
)

/** What stands around the text of a token that the parser takes for more than it may be. */
const OPENINGS: Readonly<Record<number, string>> = {
  [smd.LINK]: '[',
  [smd.IMAGE]: '![',
  [smd.EQUATION_BLOCK]: '$$',
  [smd.EQUATION_INLINE]: '$',
}
const CLOSINGS: Readonly<Record<number, string>> = { ...OPENINGS, [smd.LINK]: ']', [smd.IMAGE]: ']' }

/** Elements within elements. Deeper ones go into the deepest: the parser counts no further either. */
const DEEPEST = 20

/** Characters that the parser may hold back for what follows. It looks at all of them with each one. */
const LONGEST_PENDING = 2000
const SLICE = 1000

type Place = { node: HTMLElement; token: number; opening?: Text; isLink?: boolean }

/** Only what leads to a page or opens a letter. */
export function safeLink(url: string): string | undefined {
  try {
    const { href } = new URL(url.trim())
    return /^(https?|mailto):/.test(href) ? href : undefined
  } catch {
    return undefined
  }
}

/** Renders into an element, behind what is there. Text that the parser cannot take is shown as it is. */
export function markdownInto(root: HTMLElement): Markdown {
  const renderer = rendererInto(root)
  const parser = smd.parser(renderer)
  let plain: HTMLElement | undefined

  /** The rest of the text, without marks. */
  function giveUp(rest: string): void {
    plain ??= append(root, 'div', 'chat-plain')
    appendText(plain, rest)
  }

  function write(text: string): void {
    if (plain) return giveUp(text)
    for (let at = 0; at < text.length; at += SLICE) {
      smd.parser_write(parser, text.slice(at, at + SLICE))
      if (parser.pending.length > LONGEST_PENDING) return giveUp(parser.pending + text.slice(at + SLICE))
    }
  }

  return {
    write,
    end() {
      if (plain) return
      smd.parser_end(parser)
      // Half a link has nothing that ends it.
      const rest = parser.pending.trimEnd()
      parser.pending = ''
      if (rest !== '') renderer.add_text(undefined, rest)
    },
  }
}

function rendererInto(root: HTMLElement): smd.Renderer<undefined> {
  const places: Place[] = [{ node: root, token: smd.DOCUMENT }]
  const top = (): Place => places[places.length - 1]

  function opened(token: number): Place {
    const { node } = top()
    if (places.length > DEEPEST || !(token in TAGS)) return { node, token }
    if (token === smd.CODE_BLOCK || token === smd.CODE_FENCE) return { node: codeInto(node), token }
    const mark = OPENINGS[token]
    const opening = mark ? node.appendChild(document.createTextNode(mark)) : undefined
    const parent = token === smd.TABLE_ROW ? rowsOf(node) : node
    const isHead = token === smd.TABLE_CELL && node.parentElement!.tagName === 'THEAD'
    const made = append(parent, isHead ? 'th' : TAGS[token])
    if (token === smd.CHECKBOX) made.textContent = '☐ '
    return { node: made, token, opening }
  }

  return {
    data: undefined,
    add_token: (_, token) => void places.push(opened(token)),
    end_token() {
      const { node, token, opening, isLink } = places.pop()!
      if (opening && !isLink) node.parentElement!.appendChild(document.createTextNode(CLOSINGS[token]))
    },
    add_text: (_, text) => appendText(top().node, text),
    set_attr(_, attribute, value) {
      const place = top()
      if (attribute === smd.HREF || attribute === smd.SRC) link(place, value)
      else if (attribute === smd.CHECKED) place.node.textContent = '☑ '
      else if (attribute === smd.START) place.node.setAttribute('start', String(parseInt(value)))
      else place.node.closest('.chat-code')!.querySelector('.chat-lang')!.textContent = value
    },
  }
}

/** An image is a link as well: nothing is loaded because a model names it. Other addresses stay text. */
function link(place: Place, url: string): void {
  const { node, opening } = place
  const href = node.tagName === 'A' ? safeLink(url) : undefined
  place.isLink = true
  if (!href) {
    if (place.token !== smd.RAW_URL) appendText(node, `](${url})`)
    return
  }
  opening?.remove()
  for (const [name, value] of Object.entries({ href, rel: 'noopener noreferrer', target: '_blank' }))
    node.setAttribute(name, value)
  if (node.textContent === '') node.textContent = url
}

/** A block of code under its language and a button that copies it. */
function codeInto(parent: HTMLElement): HTMLElement {
  const block = append(parent, 'div', 'chat-code')
  const bar = append(block, 'div', 'chat-code-bar')
  append(bar, 'span', 'chat-lang')
  const copy = append(bar, 'button', 'button quiet') as HTMLButtonElement
  const code = append(append(block, 'pre'), 'code')
  copy.textContent = 'Copy code'
  copy.onclick = () => void copied(copy, code.textContent)
  return code
}

/** The first row of a table is its head. */
function rowsOf(table: HTMLElement): HTMLElement {
  const last = table.lastElementChild as HTMLElement | null
  return last?.tagName === 'TBODY' ? last : append(table, last ? 'tbody' : 'thead')
}

function append(parent: HTMLElement, tag: string, names = ''): HTMLElement {
  const made = parent.appendChild(document.createElement(tag))
  made.className = names
  return made
}

/** Longer text in one node, so that an answer of 10,000 tokens is not 10,000 nodes. */
function appendText(node: HTMLElement, text: string): void {
  const last = node.lastChild
  if (last?.nodeType === Node.TEXT_NODE) (last as Text).appendData(text)
  else node.appendChild(document.createTextNode(text))
}
