// Counts are what a soak run adds up; some of them must be zero, or the run has failed.

/** Each count with what it means, in the order of the table. */
export const COUNTS = {
  asked: 'turns that clients began',
  answered: 'of these, answers that came whole to their client',
  left: 'times a client left a turn at random',
  abandoned: 'of these, turns that it never came back to',
  readOn: 'times an answer was read on from where it broke off',
  retried: 'times the same request was sent again',
  refused: 'times the lane was full (429), and the client waited',
  conflicts: 'times a client came before the server had seen it leave (409), and waited',
  kills: 'times the process was killed and started again',
  evicted: 'times that nobody asked, and the object was evicted and made anew',
  cut: 'requests that a kill cut off',
  background: 'answers made in the background',
  forks: 'sessions forked',
  deleted: 'sessions and responses deleted, and gone after it',
  probes: "looks at another tenant's sessions and responses, all 404",
  checked: 'answers compared with an undisturbed request',
  hashes: 'of these, compared by the bits of their logits too',
  penalised: 'of these, sampled with a temperature and penalties',
  heavy: 'answers of the tenant that asks for most, with half of the clients',
  light: 'answers of the tenants beside it',
  starved: 'answers that took longer than a minute, of a client that nothing disturbed',
  broken: 'requests that failed without a kill',
  lost: 'answers that a client wanted and did not get',
  wrong: 'answers, probes or deletions that were not as they must be',
} as const

export type CountName = keyof typeof COUNTS

/** Counts that must stay 0. */
export const MUST_BE_ZERO: readonly CountName[] = ['starved', 'broken', 'lost', 'wrong']

/** What a run must come to, or it has shown nothing: counts, and samples of memory. */
export type Least = Partial<Record<CountName | 'samples', number>>

/** In each minute of a run, of which a third has kills. */
const LEAST_A_MINUTE = { checked: 20, hashes: 4, penalised: 5, heavy: 20, light: 20 }
/** What is watched for so long has this many samples: each takes a second and a half and a collection of garbage. */
const LEAST_SAMPLES_A_MINUTE = 8

/** `isOurs`: the run may kill the worker and look at its memory. `killEvery`: seconds, 0 for no kills. */
export function leastOf(minutes: number, killEvery: number, isOurs: boolean): Least {
  const times = Object.entries(LEAST_A_MINUTE).map(([name, count]) => [name, count * minutes])
  const kills =
    killEvery > 0 ? { kills: Math.max(1, Math.floor((minutes * 60) / killEvery / 8)), evicted: 2 } : {}
  const samples = Math.max(40, Math.floor(LEAST_SAMPLES_A_MINUTE * minutes))
  return { ...(Object.fromEntries(times) as Least), ...(isOurs && { ...kills, samples }) }
}

/** What a run has too few of, each as a sentence. */
export function shortfalls(least: Least, counts: Record<CountName, number>, samples: number): string[] {
  return (Object.entries(least) as [CountName | 'samples', number][]).flatMap(([name, needed]) => {
    const [count, what] = name === 'samples' ? [samples, 'samples of memory'] : [counts[name], COUNTS[name]]
    return count >= needed ? [] : [`${count} of at least ${needed}: ${what}`]
  })
}

export function hasFailed(counts: Record<CountName, number>): boolean {
  return MUST_BE_ZERO.some((name) => counts[name] > 0)
}

/** Stories of what went wrong that are kept. */
const MOST_STORIES = 40

export class Counts {
  readonly of = Object.fromEntries(Object.keys(COUNTS).map((name) => [name, 0])) as Record<CountName, number>
  readonly stories: string[] = []
  readonly #tell: (line: string) => void

  constructor(tell: (line: string) => void) {
    this.#tell = tell
  }

  add(name: CountName): void {
    this.of[name] += 1
  }

  /** Counts what must not be, with what happened. */
  blame(name: 'starved' | 'broken' | 'lost' | 'wrong', story: string): void {
    this.add(name)
    this.#tell(`${name}: ${story}`)
    if (this.stories.length < MOST_STORIES) this.stories.push(`${name}: ${story}`)
  }

  get failed(): boolean {
    return hasFailed(this.of)
  }
}
