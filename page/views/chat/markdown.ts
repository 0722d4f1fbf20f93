// Markdown becomes elements of a list as it streams, by DOM calls alone: no text is ever read as HTML.
// The parser loses brackets of what turns out to be no link; they are put back as text.

import * as smd from 'streaming-markdown'

export type Markdown = {
  /** Text that follows; what is shown of it may wait for the next characters. */
  write(text: string): void
  /** Shows what waits. */
  end(): void
}

/** Headings begin below those of the page. */
const TAGS: Readonly<Record<number, string>> = {
  [smd.PARAGRAPH]: 'p',
  [smd.HEADING_1]: 'h3',
  [smd.HEADING_2]: 'h4',
  [smd.HEADING_3]: 'h5',
  [smd.HEADING_4]: 'h6',
  [smd.HEADING_5]: 'h6',
  [smd.HEADING_6]: 'h6',
  [smd.CODE_INLINE]: 'code',
  [smd.ITALIC_AST]: 'em',
  [smd.ITALIC_UND]: 'em',
  [smd.STRONG_AST]: 'strong',
  [smd.STRONG_UND]: 'strong',
  [smd.STRIKE]: 's',
  [smd.LINK]: 'a',
  [smd.RAW_URL]: 'a',
  [smd.IMAGE]: 'a',
  [smd.BLOCKQUOTE]: 'blockquote',
  [smd.LINE_BREAK]: 'br',
  [smd.RULE]: 'hr',
  [smd.LIST_UNORDERED]: 'ul',
  [smd.LIST_ORDERED]: 'ol',
  [smd.LIST_ITEM]: 'li',
  [smd.CHECKBOX]: 'span',
  [smd.TABLE]: 'table',
  [smd.TABLE_ROW]: 'tr',
  [smd.EQUATION_BLOCK]: 'span',
  [smd.EQUATION_INLINE]: 'span',
}

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
    const { protocol, href } = new URL(url.trim())
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : undefined
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
    plain ??= root.appendChild(element('div', 'chat-plain'))
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
    if (places.length > DEEPEST || !(token in TAGS || isCode(token) || token === smd.TABLE_CELL))
      return { node, token }
    if (isCode(token)) return { node: codeInto(node), token }
    const mark = OPENINGS[token]
    const opening = mark === undefined ? undefined : node.appendChild(document.createTextNode(mark))
    const parent = token === smd.TABLE_ROW ? rowsOf(node) : node
    const tag =
      token === smd.TABLE_CELL ? (node.parentElement?.tagName === 'THEAD' ? 'th' : 'td') : TAGS[token]
    const made = parent.appendChild(element(tag))
    if (token === smd.CHECKBOX) made.textContent = '☐ '
    return { node: made, token, ...(opening && { opening }) }
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

function isCode(token: number): boolean {
  return token === smd.CODE_BLOCK || token === smd.CODE_FENCE
}

/** An image is a link as well: nothing is loaded because a model names it. Other addresses stay text. */
function link(place: Place, url: string): void {
  const { node, opening } = place
  const href = node.tagName === 'A' ? safeLink(url) : undefined
  if (href === undefined) {
    if (place.token !== smd.RAW_URL) appendText(node, `](${url}`)
    if (opening) place.isLink = true
    if (place.token !== smd.RAW_URL) appendText(node, ')')
    return
  }
  place.isLink = true
  opening?.remove()
  node.setAttribute('href', href)
  node.setAttribute('rel', 'noopener noreferrer')
  node.setAttribute('target', '_blank')
  if (node.textContent === '') node.textContent = url
}

/** A block of code under its language and a button that copies it. */
function codeInto(parent: HTMLElement): HTMLElement {
  const block = parent.appendChild(element('div', 'chat-code'))
  const bar = block.appendChild(element('div', 'chat-code-bar'))
  bar.appendChild(element('span', 'chat-lang'))
  const button = bar.appendChild(element('button', 'button quiet chat-copy'))
  button.setAttribute('type', 'button')
  button.textContent = 'Copy code'
  return block.appendChild(element('pre')).appendChild(element('code'))
}

/** The first row of a table is its head. */
function rowsOf(table: HTMLElement): HTMLElement {
  const last = table.lastElementChild as HTMLElement | null
  return last?.tagName === 'TBODY' ? last : table.appendChild(element(last ? 'tbody' : 'thead'))
}

function element(tag: string, names = ''): HTMLElement {
  const made = document.createElement(tag)
  if (names !== '') made.className = names
  return made
}

/** Longer text in one node, so that an answer of 10,000 tokens is not 10,000 nodes. */
function appendText(node: HTMLElement, text: string): void {
  const last = node.lastChild
  if (last?.nodeType === Node.TEXT_NODE) (last as Text).appendData(text)
  else node.appendChild(document.createTextNode(text))
}
