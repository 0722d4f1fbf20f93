// A format that a draft of JSON Schema defines is enforced as a pattern; others are annotations.

import type { CharDfa } from '../char-dfa.ts'
import { GrammarError } from '../grammar-error.ts'
import { patternDfa } from '../regex.ts'
import { madeBy, takeMade, type Made } from '../work-budget.ts'

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = `${OCTET}(\\.${OCTET}){3}`
const H = '[0-9A-Fa-f]{1,4}'
const LS32 = `(${H}:${H}|${IPV4})`
const IPV6 = [
  `(${H}:){6}${LS32}`,
  `::(${H}:){5}${LS32}`,
  `(${H})?::(${H}:){4}${LS32}`,
  `((${H}:)?${H})?::(${H}:){3}${LS32}`,
  `((${H}:){0,2}${H})?::(${H}:){2}${LS32}`,
  `((${H}:){0,3}${H})?::${H}:${LS32}`,
  `((${H}:){0,4}${H})?::${LS32}`,
  `((${H}:){0,5}${H})?::${H}`,
  `((${H}:){0,6}${H})?::`,
].join('|')

const LEAP_YEAR = '((\\d\\d)(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)'
const DATE = [
  '\\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])',
  '\\d{4}-(0[469]|11)-(0[1-9]|[12]\\d|30)',
  '\\d{4}-02-(0[1-9]|1\\d|2[0-8])',
  `${LEAP_YEAR}-02-29`,
].join('|')
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)'

const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
/** No two hyphens in a row, which would be Punycode that nobody checks; six labels of 40 stay below 253 characters. */
const LABEL = '[A-Za-z0-9]([A-Za-z0-9]|-[A-Za-z0-9]){0,19}'
const HOST = `${LABEL}(\\.${LABEL}){0,5}`
const PCHAR = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
const USER = "([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})"
const AUTHORITY = `(${USER}*@)?(\\[(${IPV6})\\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(:\\d{0,5})?`
const TAIL = `(\\?(${PCHAR}|[/?])*)?(#(${PCHAR}|[/?])*)?`
const ABSOLUTE = `[A-Za-z][A-Za-z0-9+.-]*:(//${AUTHORITY}(/${PCHAR}*)*|/(${PCHAR}+(/${PCHAR}*)*)?|${PCHAR}+(/${PCHAR}*)*)${TAIL}`
const SEGMENT_NO_COLON = `(${PCHAR.replace(':@', '@')})+`
const RELATIVE = `(//${AUTHORITY}(/${PCHAR}*)*|/(${PCHAR}+(/${PCHAR}*)*)?|${SEGMENT_NO_COLON}(/${PCHAR}*)*|)${TAIL}`
const POINTER = '(/([^~/]|~[01])*)*'

const PATTERNS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `(${DATE})[Tt]${TIME}`,
  duration:
    'P(\\d+W|(\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)(T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S))?|T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S))',
  email: `${ATEXT}(\\.${ATEXT})*@${LABEL}(\\.${LABEL}){1,5}`,
  hostname: HOST,
  ipv4: IPV4,
  'ip-address': IPV4,
  ipv6: IPV6,
  uri: ABSOLUTE,
  'uri-reference': `${ABSOLUTE}|${RELATIVE}`,
  uuid: '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}',
  'json-pointer': POINTER,
  'relative-json-pointer': `(0|[1-9]\\d*)(#|${POINTER})`,
  color: '#[0-9A-Fa-f]{6}',
}

/** Of these a subset is written, in ASCII: it is valid all the same. */
const SAME_AS: Readonly<Record<string, string>> = {
  'idn-email': 'email',
  'idn-hostname': 'hostname',
  'host-name': 'hostname',
  iri: 'uri',
  'iri-reference': 'uri-reference',
  'uri-template': 'uri-reference',
}

/** Defined by a draft, and not followed. */
const REFUSED = ['regex', 'style', 'phone']

/**
 * Formats that are followed exactly. What is written of others is a part of them, or validators differ: a string outside that part
 * may be of the format all the same.
 */
const EXACT = ['date', 'ipv4', 'ip-address', 'ipv6', 'uuid']

export function isExactFormat(name: string): boolean {
  return EXACT.includes(name)
}

const made = new Map<string, Made<CharDfa>>()

export function isDefinedFormat(name: string): boolean {
  return Object.hasOwn(PATTERNS, name) || Object.hasOwn(SAME_AS, name) || REFUSED.includes(name)
}

/** The strings of a format. Throws GrammarError at `pointer` for one that a draft defines and that is not followed. */
export function formatDfa(name: string, pointer: string): CharDfa {
  const own = Object.hasOwn(SAME_AS, name) ? SAME_AS[name] : name
  const known = made.get(own)
  if (known !== undefined) return takeMade(known)
  if (!Object.hasOwn(PATTERNS, own)) throw new GrammarError(`the format ${name} is not supported`, pointer)
  const dfa = madeBy(() => patternDfa(PATTERNS[own], 'whole', Infinity))
  made.set(own, dfa)
  return dfa.value
}
