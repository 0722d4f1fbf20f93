// The header check reads the comment on top of each source file: its first sentence must be one.
//
// A header begins with a sentence that says what the file is for. It ends within the first line (110 columns), begins with a
// capital, and has a subject and a finite verb as far as a list of verbs can tell. CONTRIBUTING.md, "How we write", has examples.

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = '{src,page,assembly,cli}/**/*.{ts,tsx}'
const COLUMNS = 110

/** Third person and plural of the verbs that headers use. A verb that is missing here is added, if it is one. */
const VERBS = new Set(
  (
    'is are has have does do can may must gathers gather words word holds hold says say turns turn runs run reads read writes ' +
    'write gives give keeps keep knows know takes take makes make puts put names name lists list checks ' +
    'check finds find chooses choose computes compute multiplies multiply adds add normalise normalises ' +
    'quantises quantise converts convert decodes decode encodes encode parses parse renders render cuts ' +
    'cut merges merge applies apply tidies tidy gets get fetches fetch opens open packs pack streams ' +
    'stream lays lay counts count plans plan serves serve stores store restores restore sends send ' +
    'receives receive routes route maps map builds build compiles compile instantiates instantiate ' +
    'defines define describes describe decides decide picks pick selects select samples sample shows ' +
    'show tells tell prints print fits fit exports export lets let shares share scales scale works work ' +
    'uses use changes change comes come goes go stands stand sees see spreads spread begins begin ends ' +
    'end starts start stops stop loads load waits wait drives drive answers answer asks ask calls call ' +
    'continues continue resumes resume collects collect validates validate authenticates authenticate ' +
    'admits admit owns own measures measure predicts predict helps help joins join splits split shifts ' +
    'shift replaces replace returns return yields yield meets meet mean means refuses refuse throws ' +
    'throw handles handle creates create copies copy moves move evicts evict forks fork limits limit ' +
    'marks mark records record reports report represents represent schedules schedule translates ' +
    'translate updates update wraps wrap carries carry covers cover deletes delete derives derive ' +
    'embeds embed enforces enforce estimates estimate expands expand exposes expose follows follow ' +
    'forwards forward grows grow identifies identify implements implement includes include interprets ' +
    'interpret logs log looks look needs need offers offer orders order passes pass places place ' +
    'prepares prepare produces produce protects protect provides provide publishes publish pulls pull ' +
    'queries query ranks rank rebuilds rebuild removes remove repeats repeat resolves resolve retries ' +
    'retry rotates rotate saves save searches search sets set signs sign sorts sort summarises ' +
    'summarise supplies supply tracks track transforms transform tries try verifies verify watches ' +
    'watch weighs weigh paces pace caches cache charges charge claims claim closes close commits commit ' +
    'compares compare connects connect consumes consume contains contain controls control depends ' +
    'depend detects detect divides divide feeds feed fills fill flushes flush formats format frees free ' +
    'generates generate groups group guards guard hands hand hashes hash hides hide inherits inherit ' +
    'leases lease leaves leave lies lie links link notices notice narrows narrow'
  ).split(' '),
)

/** Words after which a verb of the list is a noun, an infinitive, or the verb of a relative clause. */
const NO_VERB_AFTER = new Set(
  (
    'a an the of in on by to for from with without at its their our no each every all any some one two three this that which who what ' +
    'whose where when how why if as than into over between other same'
  ).split(' '),
)

/** Words that open a clause with a verb of its own. */
const RELATIVE = new Set('that which who what whose where when how why if whether while because'.split(' '))
/** After a verb at the very beginning these open its object: there is no subject. */
const OPENS_OBJECT = new Set('a an the what which its one each every all'.split(' '))
const NO_SUBJECT = new Set('what which who whose where when how why'.split(' '))

/** The comment that a file begins with, a line each, without the slashes; empty where it begins with code. */
export function headerLines(text: string): string[] {
  const lines = text.replace(/^#!.*\n/, '').split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//'))
  return lines.slice(0, end === -1 ? lines.length : end).map((line) => line.replace(/^\/\/ ?/, ''))
}

/** The first sentence of a header, up to the stop that a space or the end of the paragraph follows. */
export function firstSentence(header: readonly string[]): string {
  const blank = header.indexOf('')
  const paragraph = header.slice(0, blank === -1 ? header.length : blank).join(' ')
  return /^.*?[.?!](?= |$)/.exec(paragraph)?.[0] ?? paragraph
}

/** What is wrong with a file's header; undefined if nothing is. */
export function headerProblem(text: string): string | undefined {
  const header = headerLines(text)
  if (header.length === 0) return 'does not start with a comment that says what it is for'
  const sentence = firstSentence(header)
  if (!header[0].startsWith(sentence) || `// ${sentence}`.length > COLUMNS)
    return `has a first sentence that does not end within ${COLUMNS} columns: ${sentence}`
  if (!/[.?!]$/.test(sentence)) return `has a first sentence without a full stop: ${sentence}`
  if (!/^[A-Z]/.test(sentence)) return `has a first sentence without a capital: ${sentence}`
  return hasVerb(sentence) ? undefined : `has a first sentence without subject and verb: ${sentence}`
}

/** True where a verb stands before the first relative clause, or behind it a second one beside the clause's own. */
export function hasVerb(sentence: string): boolean {
  const words: string[] = sentence.toLowerCase().match(/[a-z][a-z'.-]*/g) ?? []
  const [first = '', second = ''] = words
  if (NO_SUBJECT.has(first) || (VERBS.has(first) && OPENS_OBJECT.has(second))) return false
  const isVerb = (word: string, at: number): boolean =>
    at > 0 && VERBS.has(word.replace(/[.]$/, '')) && !NO_VERB_AFTER.has(words[at - 1])
  const clause = words.findIndex((word, at) => at > 0 && RELATIVE.has(word))
  const main = clause === -1 ? words.length : clause
  // The word after `that` is a verb whatever the list says, if it looks like one.
  const own = (word: string, at: number): boolean =>
    at === main + 1 && /^(that|which|who)$/.test(words[main]) && word.endsWith('s')
  const behind = words.filter((word, at) => at > main && (isVerb(word, at) || own(word, at))).length
  return words.slice(0, main).some(isVerb) || behind > 1
}

/** The files that the rule is for, from the root, sorted. */
export function headedFiles(): string[] {
  return globSync(SOURCES, { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
}

function main(): number {
  const problems = headedFiles().flatMap((file) => {
    const problem = headerProblem(readFileSync(`${ROOT}${file}`, 'utf8'))
    return problem === undefined ? [] : [`${file} ${problem}`]
  })
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  return problems.length > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
