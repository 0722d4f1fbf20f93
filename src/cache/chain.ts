// A page is named by its content: the hash of its ids and of the name of the page before it. The chain starts
// from a root that says whose pages and which model's they are, so equal names mean equal keys and values,
// whatever session computed them.

import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { sha256 } from '../lib/sha256.ts'

/** 128 bits of SHA-256 in hex: nobody finds two texts of one name. */
export const NAME_LENGTH = 32

const encoder = new TextEncoder()

/** Where the chain of one tenant and model begins. */
export function chainRoot(facts: readonly unknown[]): string {
  return nameOf(encoder.encode(JSON.stringify(facts)))
}

/**
 * The names of the first `pages` pages of `ids`, which must fill them; `known` are those that are there
 * already, from the front.
 */
export function pageNames(
  root: string,
  ids: readonly number[],
  pages: number,
  known: readonly string[] = [],
): string[] {
  const names = known.slice(0, pages)
  const words = new Uint32Array(PAGE_POSITIONS)
  const bytes = new Uint8Array(NAME_LENGTH + words.byteLength)
  for (let page = names.length; page < pages; page++) {
    for (let i = 0; i < PAGE_POSITIONS; i++) words[i] = ids[page * PAGE_POSITIONS + i]
    encoder.encodeInto(names[page - 1] ?? root, bytes)
    bytes.set(new Uint8Array(words.buffer), NAME_LENGTH)
    names.push(nameOf(bytes))
  }
  return names
}

function nameOf(bytes: Uint8Array): string {
  const hash = sha256()
  hash.update(bytes)
  return hash.hex().slice(0, NAME_LENGTH)
}

/**
 * The id of the run of pages that begins with the page `head`: 52 bits of its name. Where two runs have the same id the later one
 * replaces the other: it is a cache.
 */
export function runId(head: string): number {
  return parseInt(head.slice(0, 13), 16)
}
