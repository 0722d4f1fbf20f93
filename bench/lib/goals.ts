// What the project wants to reach, one entry for each chart and section of docs/performance.md; and how a measured number stands.

/** Everything of the goals but the measured number. `goal` and `stretch` are in `unit`; a goal without a number is to be reported. */
export type Goal = {
  title: string
  what: string
  against: string
  unit: 'x' | 'MB' | 'ms'
  sense: 'at least' | 'at most'
  goal?: number
  stretch?: number
}

const DECODE_256 = 'decode, 64 tokens at 256'
const PREFILL_256 = 'prefill, 256 tokens'
const SAME = 'llama.cpp, the same Q4_1 file'
const SAME_FILE = 'llama.cpp, the same file, ours in Node'
const BEST = "llama.cpp's best of Q4_1 and Q4_0"

export const GOALS = {
  'decode-256-same': goal('Decode, same file', DECODE_256, SAME, 1.7, 2),
  'decode-256-best': goal("Decode, llama.cpp's best", DECODE_256, BEST, 1.5, 1.65),
  'decode-1024-best': goal(
    "Decode at 1024, llama.cpp's best",
    'decode, 64 tokens at 1024',
    'the same best',
    1.75,
    2,
  ),
  'prefill-same': goal('Prefill, same file', 'prefill, 256 and 1024 tokens', SAME, 1.6, 2),
  'prefill-256-best': goal("Prefill, llama.cpp's best", PREFILL_256, BEST, 0.68, 0.75),
  'prefill-1024-best': goal("Prefill of 1024, llama.cpp's best", 'prefill, 1024 tokens', BEST, 0.75, 0.85),
  wllama: goal(
    'WebAssembly peers',
    'decode and prefill at 256',
    'wllama 2.4.0 and 3.8.1, headless Chromium, one thread',
    8,
  ),
  window: goal(
    'A long session',
    'decode at 10,000 with a window of 1024',
    'at 1,100, 20 pairs in turns',
    0.97,
  ),
  sessions: goal(
    'Four sessions together',
    'four sessions at 256 decoding in one isolate, all tokens',
    "llama.cpp's best single decode",
    1.5,
  ),
  'sessions-4': together(4, 1.55, 1.65),
  'sessions-8': together(8, 1.45, 1.55),
  'sessions-16': together(16, 1.2, 1.3),
  gap: {
    title: 'Gaps beside a prompt',
    what: 'gap between two tokens of a session while a prompt of 1,000 ids is read beside it, median',
    against: 'the clock',
    unit: 'ms',
    sense: 'at most',
    goal: 50,
    stretch: 35,
  },
  'gap-longest': {
    title: 'The longest gap',
    what: 'the longest of these gaps, the median of all tries',
    against: 'the clock',
    unit: 'ms',
    sense: 'at most',
    goal: 100,
    stretch: 80,
  },
  'gap-prompt': {
    title: 'The prompt itself',
    what: 'first token of that prompt',
    against: 'the same alone, in turns',
    unit: 'x',
    sense: 'at most',
    goal: 1.15,
  },
  'gemma-decode': goal('Gemma 3 270M, decode', DECODE_256, SAME_FILE, 1.2, 1.4),
  'gemma-prefill': goal('Gemma 3 270M, prefill', PREFILL_256, SAME_FILE, 0.65, 0.8),
  hosts: {
    title: 'Hosts',
    what: `${DECODE_256} in Node, Chromium and workerd`,
    against: 'each other, fastest over slowest',
    unit: 'x',
    sense: 'at most',
    goal: 1.3,
  },
  kernels: {
    title: 'Kernels',
    what: 'each matrix kernel',
    against: 'the machine: loading the same bytes with nothing computed, and dots with nothing loaded',
    unit: 'x',
    sense: 'at least',
  },
  memory: {
    title: 'Memory',
    what: 'peak of the isolate at a window of 1024',
    against: 'the 128 MB of an isolate',
    unit: 'MB',
    sense: 'at most',
    goal: 114.5,
  },
  persist: {
    title: 'Persisting',
    what: 'decode, 256 tokens at 256, stored',
    against: 'the same with nothing stored, 20 pairs in turns',
    unit: 'x',
    sense: 'at most',
    goal: 1.03,
  },
  restore: {
    title: 'Restoring',
    what: 'restoring 1,008 positions of KV from storage, how often faster',
    against: 'their prefill',
    unit: 'x',
    sense: 'at least',
    goal: 40,
  },
  cold: {
    title: 'A cold object',
    what: 'cold object to first token, 32 tokens of prompt, hashes checked',
    against: 'streaming the same bytes from the assets into linear memory',
    unit: 'x',
    sense: 'at most',
    goal: 2,
  },
  'cold-slow': {
    title: 'A cold object behind a link of 100 MB/s',
    what: 'cold object to first token, 256 tokens of prompt, assets at 100 MB/s',
    against: "the weights' last byte where they only stream into linear memory",
    unit: 'x',
    sense: 'at most',
    goal: 1.3,
    stretch: 1.15,
  },
} as const satisfies Record<string, Goal>

export type GoalId = keyof typeof GOALS

/** A number measured for a goal, in the goal's unit; `label` tells it from the others of the same goal. */
export type Measure = { goal: GoalId; label: string; value: number }

export type Verdict = 'stretch goal met' | 'met' | 'not met' | 'reported'

export function verdict({ goal: id, value }: Measure): Verdict {
  const { sense, goal: least, stretch }: Goal = GOALS[id]
  const reaches = (wanted: number): boolean => (sense === 'at least' ? value >= wanted : value <= wanted)
  if (least === undefined) return 'reported'
  if (stretch !== undefined && reaches(stretch)) return 'stretch goal met'
  return reaches(least) ? 'met' : 'not met'
}

/** `1.70 x`, `117.9 MB`, `42.0 ms`; three digits where the goal needs them to be told from 1. */
export function inUnit(id: GoalId, value: number): string {
  const { unit, goal: wanted }: Goal = GOALS[id]
  if (unit !== 'x') return `${value.toFixed(1)} ${unit}`
  return `${value.toFixed(wanted !== undefined && Math.abs(wanted - 1) < 0.05 ? 3 : 2)} x`
}

function together(count: number, least: number, stretch: number): ReturnType<typeof goal> {
  const what = `${count} sessions at 256 decoding in one isolate, all tokens`
  return goal(
    `${count} sessions together`,
    what,
    "llama.cpp's best batch of as many sequences",
    least,
    stretch,
  )
}

function goal(
  title: string,
  what: string,
  against: string,
  least: number,
  stretch?: number,
): Goal & { unit: 'x'; sense: 'at least' } {
  return { title, what, against, unit: 'x', sense: 'at least', goal: least, stretch }
}
