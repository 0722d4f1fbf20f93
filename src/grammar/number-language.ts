// Number languages are JSON numbers within bounds, as automata over their characters.

import { exploreDfa, intersect, type CharDfa } from './char-dfa.ts'
import { GrammarError } from './grammar-error.ts'
import { patternDfa } from './regex.ts'
import { madeBy, takeMade, type Made } from './work-budget.ts'

/** Made when a grammar first asks: an isolate without one holds none. */
function once(make: () => CharDfa): () => CharDfa {
  let made: CharDfa | undefined
  return () => (made ??= make())
}

/** Digits of a model that loops have an end here. */
export const allIntegers = once(() => patternDfa('0|-?[1-9]\\d{0,15}', 'whole'))
export const allNumbers = once(() =>
  patternDfa('(0|-?[1-9]\\d{0,15}|-0(?=\\.))(\\.\\d{1,16})?([eE][+-]?\\d{1,2})?', 'whole'),
)

/** Each number in one way. */
export const canonicalNumbers = once(() =>
  patternDfa('0|-?[1-9]\\d{0,15}|-?(0|[1-9]\\d{0,15})\\.\\d{0,15}[1-9]', 'whole'),
)
/** Numbers that are no integers. */
export const allFractions = once(() => patternDfa('-?(0|[1-9]\\d{0,15})\\.(?=\\d*[1-9])\\d{1,16}', 'whole'))

/** Where digits are compared, fewer of them, so that what a reader rounds stays on its side. */
const boundedIntegers = once(() => patternDfa('0|-?[1-9]\\d{0,14}', 'whole'))
const boundedNumbers = once(() => patternDfa('(0|-?[1-9]\\d{0,14}|-0(?=\\.))(\\.\\d{1,14})?', 'whole'))
const MOST_DIGITS = 15

const short = new Map<boolean, Made<CharDfa>>()

/** What bounds are laid upon. */
function shortNumbers(isInteger: boolean): CharDfa {
  const known = short.get(isInteger)
  if (known !== undefined) return takeMade(known)
  // Not at the price of these two, which are made once.
  const [numbers, few] = [isInteger ? boundedIntegers() : boundedNumbers(), fewDigits()]
  const made = madeBy(() => intersect(numbers, few))
  short.set(isInteger, made)
  return made.value
}

/** A multiple is followed by its remainder. */
const MAX_MULTIPLE = 10_000

export type Bound = { value: number; isOpen: boolean }
export type NumberRule = { isInteger: boolean; least?: Bound; most?: Bound; multipleOf?: number }

/** The numbers of a rule; empty where there are none. Throws GrammarError for a multiple that cannot be followed. */
export function numberDfa({ isInteger, least, most, multipleOf }: NumberRule): CharDfa {
  if (least === undefined && most === undefined && multipleOf === undefined)
    return isInteger ? allIntegers() : allNumbers()
  let dfa = shortNumbers(isInteger)
  if (least !== undefined) dfa = intersect(dfa, comparedDfa(least, 'above'))
  if (most !== undefined) dfa = intersect(dfa, comparedDfa(most, 'below'))
  if (multipleOf !== undefined) dfa = intersect(dfa, multipleDfa(multipleOf))
  return dfa
}

type Machine<S> = { start: S; step: (state: S, char: string) => S | undefined; isEnd: (state: S) => boolean }

/** The texts of digits, points and minus signs that a machine takes. */
function machineDfa<S>({ start, step, isEnd }: Machine<S>): CharDfa {
  return exploreDfa<S>(
    start,
    {
      isEnd,
      keyOf: (state) => JSON.stringify(state),
      edges(state) {
        const edges: { low: number; high: number; to: S }[] = []
        for (const char of '-.0123456789') {
          const to = step(state, char)
          const code = char.charCodeAt(0)
          if (to !== undefined) edges.push({ low: code, high: code, to })
        }
        return edges
      },
    },
    2 * MAX_MULTIPLE,
  )
}

const fewDigits = once(() =>
  machineDfa<number>({
    start: 0,
    step: (digits, char) => (/\d/.test(char) ? (digits < MOST_DIGITS ? digits + 1 : undefined) : digits),
    isEnd: () => true,
  }),
)

/** The digits of a finite number without an exponent. */
function decimal(value: number): { isNegative: boolean; whole: string; fraction: string } {
  const text = plainDigits(Math.abs(value))
  const [whole, fraction = ''] = text.split('.')
  return { isNegative: value < 0, whole, fraction }
}

function plainDigits(value: number): string {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (match === null) throw new GrammarError(`${value} is no bound`)
  const [, whole, fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  if (shift === 0) return fraction === '' ? whole : `${whole}.${fraction}`
  const digits = whole + fraction
  const point = whole.length + shift
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  return point >= digits.length
    ? digits.padEnd(point, '0')
    : `${digits.slice(0, point)}.${digits.slice(point)}`
}

/** `order` compares the digits so far with the bound's at the same places; `place` counts digits on this side of the point. */
type Compared = {
  isNegative: boolean
  isFraction: boolean
  place: number
  order: -1 | 0 | 1
  isZero: boolean
}

/** Numbers on one side of a bound. */
function comparedDfa({ value, isOpen }: Bound, side: 'above' | 'below'): CharDfa {
  const bound = decimal(value)
  const { whole, fraction } = bound
  /** -1: the magnitude is below the bound's. */
  const magnitude = ({ isFraction, place, order }: Compared): number => {
    if (isFraction) return order !== 0 ? order : /[1-9]/.test(fraction.slice(place)) ? -1 : 0
    if (place !== whole.length) return place < whole.length ? -1 : 1
    return order !== 0 ? order : /[1-9]/.test(fraction) ? -1 : 0
  }
  return machineDfa<Compared>({
    start: { isNegative: false, isFraction: false, place: 0, order: 0, isZero: true },
    step: (state, char) => {
      if (char === '-')
        return state.place === 0 && !state.isNegative ? { ...state, isNegative: true } : undefined
      if (char === '.') {
        if (state.isFraction) return undefined
        const order = state.place !== whole.length ? (state.place < whole.length ? -1 : 1) : state.order
        return { ...state, isFraction: true, place: 0, order }
      }
      const isZero = state.isZero && char === '0'
      const digits = state.isFraction ? fraction : whole
      const other = digits[state.place] ?? (state.isFraction ? '0' : undefined)
      const order = state.order !== 0 || other === undefined ? state.order : compare(char, other)
      const place = Math.min(state.place + 1, digits.length + 1)
      return { ...state, isZero, place, order }
    },
    isEnd: (state) => {
      if (state.place === 0) return false
      const isNegative = state.isNegative && !state.isZero
      const order =
        isNegative !== bound.isNegative && !(state.isZero && value === 0)
          ? isNegative
            ? -1
            : 1
          : isNegative
            ? -magnitude(state)
            : magnitude(state)
      if (order === 0) return !isOpen
      return side === 'above' ? order > 0 : order < 0
    },
  })
}

function compare(a: string, b: string): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Whole multiples, and multiples of decimals, by the remainder of the digits so far. */
function multipleDfa(multiple: number): CharDfa {
  const { whole, fraction } = decimal(multiple)
  const places = fraction.length
  const unit = Number(whole + fraction)
  if (!(multiple > 0) || unit > MAX_MULTIPLE)
    throw new GrammarError(`multipleOf ${multiple}: only up to ${MAX_MULTIPLE} of its last decimal place`)
  return machineDfa<{ rest: number; left: number }>({
    // `left`: decimal places that may still come; -1 before the point.
    start: { rest: 0, left: -1 },
    step: ({ rest, left }, char) => {
      if (char === '-') return { rest, left }
      if (char === '.') return left >= 0 || places === 0 ? undefined : { rest, left: places }
      if (left === 0) return undefined
      return { rest: (rest * 10 + Number(char)) % unit, left: left < 0 ? left : left - 1 }
    },
    isEnd: ({ rest, left }) => (rest * 10 ** (left < 0 ? places : left)) % unit === 0,
  })
}

/** All ways to write these numbers without an exponent. */
export function spellings(values: readonly number[]): CharDfa {
  const ways = values.map((value) => {
    const { isNegative, whole, fraction } = decimal(value)
    const digits = fraction.replace(/0+$/, '')
    const sign = value === 0 ? '-?' : isNegative ? '-' : ''
    return `${sign}${whole}${digits === '' ? '(\\.0+)?' : `\\.${digits}0*`}`
  })
  return patternDfa(ways.join('|'), 'whole', Infinity)
}
