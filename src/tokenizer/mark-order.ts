// Long runs of combining marks are put in canonical order here: NFC's own sorting takes their square.

import type { Budget, Sliced } from '../lib/sliced.ts'

/** Marks in a row that the engine may sort: some 0.2 ms. */
const LONG_RUN = 512
const RUNS = new RegExp(String.raw`\p{M}{${LONG_RUN},}`, 'gu')
/** Marks between two looks at the budget. */
const STRIDE = 1 << 10
/** Marks of the first and the last class: each moves past at least one of them. */
const [FIRST, LAST] = ['\u0334', '\u0345']

/** A text that is canonically the same, with long runs decomposed and in order. */
export function* withMarksOrdered(text: string, budget: Budget): Sliced<string> {
  let out = ''
  let done = 0
  for (const { 0: run, index } of text.matchAll(RUNS)) {
    out += text.slice(done, index) + (yield* ordered(run, budget))
    done = index + run.length
  }
  return out + text.slice(done)
}

function* ordered(run: string, budget: Budget): Sliced<string> {
  const parts = new Map<string, string[]>() // by character: what it decomposes into
  const classOf = new Map<string, string>() // by mark: one of its class; none for those that stay where they are
  const classes: string[] = []
  const learn = (mark: string): void => {
    if (classOf.has(mark) || !(goesBefore(FIRST, mark) || goesBefore(mark, LAST))) return
    const known = classes.find((other) => !goesBefore(mark, other) && !goesBefore(other, mark))
    classOf.set(mark, known ?? mark)
    if (known !== undefined) return
    classes.push(mark)
    classes.sort((a, b) => (goesBefore(a, b) ? -1 : goesBefore(b, a) ? 1 : 0))
  }
  let out = ''
  let held = new Map<string, string>() // marks by class, in the order in which they stand
  const release = (): void => {
    for (const each of classes) out += held.get(each) ?? ''
    held = new Map()
  }
  let count = 0
  for (const character of run) {
    let marks = parts.get(character)
    if (marks === undefined) {
      marks = Array.from(character.normalize('NFD'))
      parts.set(character, marks)
      marks.forEach(learn)
    }
    for (const mark of marks) {
      const own = classOf.get(mark)
      if (own === undefined) {
        release()
        out += mark
      } else held.set(own, (held.get(own) ?? '') + mark)
    }
    if (++count % STRIDE === 0 && budget.spend(STRIDE)) yield
  }
  release()
  return out
}

/** True where canonical order puts `a` in front of `b` even if they stand the other way round. */
function goesBefore(a: string, b: string): boolean {
  return a !== b && (b + a).normalize('NFD') === a + b
}
