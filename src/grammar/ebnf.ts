// An EBNF grammar becomes a byte grammar: each of its rules is a rule, and calls are the stack.

import { charsDfa } from './char-dfa.ts'
import type { CharRanges } from './char-ranges.ts'
import { parseEbnf, type Ebnf } from './ebnf-syntax.ts'
import { GrammarError } from './grammar-error.ts'
import { Rule, seal } from './rule.ts'
import { NEVER, type Term } from './term.ts'
import { Terms } from './terms.ts'
import { textTerm } from './text-term.ts'

const ROOT = 'root'
/** Calls in front of a character, one within the other: each is a frame of the host's stack. */
const MOST_CALLS = 256

/** The grammar of the rule `root`. Throws GrammarError for what cannot be read, has no end, or calls itself at its left. */
export function compileEbnf(text: string): { terms: Terms; start: Term } {
  const trees = parseEbnf(text)
  if (!trees.has(ROOT)) throw new GrammarError('the grammar has no rule "root"')
  for (const [name, tree] of trees) checkCalls(name, tree, trees)
  checkLeft(trees)
  const builder = new Builder()
  const rules = builder.rulesOf(trees)
  for (const [name, { shortest }] of rules)
    if (shortest === NEVER)
      throw new GrammarError(`the rule ${name} has no end: all its alternatives call a rule that never ends`)
  return { terms: builder.terms, start: rules.get(ROOT) ?? builder.terms.nothing }
}

function partsOf(tree: Ebnf): readonly Ebnf[] {
  if (tree.kind === 'seq') return tree.parts
  if (tree.kind === 'either') return tree.options
  return tree.kind === 'repeat' ? [tree.body] : []
}

function checkCalls(rule: string, tree: Ebnf, trees: ReadonlyMap<string, Ebnf>): void {
  if (tree.kind === 'call' && !trees.has(tree.name))
    throw new GrammarError(
      `the rule ${rule} calls ${tree.name} in line ${tree.line}, and there is no such rule`,
    )
  for (const part of partsOf(tree)) checkCalls(rule, part, trees)
}

/** A rule that comes back to itself before a character would be derived for ever. */
function checkLeft(trees: ReadonlyMap<string, Ebnf>): void {
  const empty = rulesThatMayBeEmpty(trees)
  const left = new Map([...trees].map(([name, tree]) => [name, leftCalls(tree, empty)]))
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      const round = [...path.slice(path.indexOf(name)), name].join(' -> ')
      throw new GrammarError(`left recursion is not supported: ${round}; write it as a repetition`)
    }
    if (path.length > MOST_CALLS)
      throw new GrammarError(`more than ${MOST_CALLS} rules call each other before a character, at ${name}`)
    if (done.has(name)) return
    for (const next of left.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of trees.keys()) visit(name, [])
}

function rulesThatMayBeEmpty(trees: ReadonlyMap<string, Ebnf>): ReadonlySet<string> {
  const empty = new Set<string>()
  for (let before = -1; before < empty.size;) {
    before = empty.size
    for (const [name, tree] of trees) if (mayBeEmpty(tree, empty)) empty.add(name)
  }
  return empty
}

function mayBeEmpty(tree: Ebnf, empty: ReadonlySet<string>): boolean {
  switch (tree.kind) {
    case 'text':
      return tree.text === ''
    case 'chars':
      return false
    case 'call':
      return empty.has(tree.name)
    case 'seq':
      return tree.parts.every((part) => mayBeEmpty(part, empty))
    case 'either':
      return tree.options.some((option) => mayBeEmpty(option, empty))
    case 'repeat':
      return tree.least === 0 || mayBeEmpty(tree.body, empty)
  }
}

/** Rules that may be called before any character. */
function leftCalls(tree: Ebnf, empty: ReadonlySet<string>): ReadonlySet<string> {
  if (tree.kind === 'call') return new Set([tree.name])
  const calls = new Set<string>()
  for (const part of partsOf(tree)) {
    for (const name of leftCalls(part, empty)) calls.add(name)
    if (tree.kind === 'seq' && !mayBeEmpty(part, empty)) break
  }
  return calls
}

class Builder {
  readonly terms = new Terms()
  readonly #rules = new Map<string, Rule>()
  readonly #classes = new Map<string, Term>()

  rulesOf(trees: ReadonlyMap<string, Ebnf>): ReadonlyMap<string, Rule> {
    for (const name of trees.keys()) this.#rules.set(name, new Rule(this.terms, name))
    for (const [name, rule] of this.#rules) {
      const tree = trees.get(name)
      if (tree !== undefined) rule.body = this.#term(tree)
    }
    seal(this.terms, [...this.#rules.values()])
    return this.#rules
  }

  #term(tree: Ebnf): Term {
    const { terms } = this
    switch (tree.kind) {
      case 'text':
        return terms.text(tree.text)
      case 'chars':
        return this.#class(tree.ranges)
      case 'call':
        return this.#rules.get(tree.name) ?? terms.nothing
      case 'seq':
        return terms.sequence(...tree.parts.map((part) => this.#term(part)))
      case 'either':
        return terms.either(...tree.options.map((option) => this.#term(option)))
      case 'repeat':
        return terms.repeat(this.#term(tree.body), tree.least, tree.most)
    }
  }

  /** Characters of one byte by themselves, so that nothing is left behind them; others as UTF-8. */
  #class(ranges: CharRanges): Term {
    const key = ranges.join()
    const known = this.#classes.get(key)
    if (known !== undefined) return known
    const { terms } = this
    const short = ranges
      .filter(([low]) => low < 0x80)
      .map(([low, high]) => terms.range(low, Math.min(high, 0x7f)))
    const long = ranges
      .filter(([, high]) => high >= 0x80)
      .map(([low, high]) => [Math.max(low, 0x80), high] as const)
    const made = terms.either(
      ...short,
      long.length === 0 ? terms.nothing : textTerm(terms, { dfa: charsDfa(long), spelling: 'raw' }),
    )
    this.#classes.set(key, made)
    return made
  }
}
