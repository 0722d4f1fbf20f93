// The time is written as Python's strftime writes it, in English whatever the host's language.

const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const DAY = 86_400_000

/** The time in the host's zone. */
export function strftime(now: Date, format: string): string {
  return format.replaceAll(/%([-_0^#]?)([a-zA-Z%])/g, (all, flag: string, directive: string) => {
    const text = directiveText(now, directive)
    if (text === undefined) return all
    if (flag === '-') return text.replace(/^[0 ]+(?=.)/, '')
    if (flag === '_') return text.replace(/^0+(?=.)/, (zeros) => ' '.repeat(zeros.length))
    if (flag === '0') return text.replace(/^ +/, (spaces) => '0'.repeat(spaces.length))
    return flag === '^' || flag === '#' ? text.toUpperCase() : text
  })
}

function two(value: number, fill = '0'): string {
  return String(value).padStart(2, fill)
}

function dayOfYear(now: Date): number {
  const midnight = (month: number, day: number): number => Date.UTC(now.getFullYear(), month, day)
  return Math.round((midnight(now.getMonth(), now.getDate()) - midnight(0, 1)) / DAY)
}

function isoWeek(now: Date): { year: number; week: number } {
  const thursday = new Date(
    Date.UTC(now.getFullYear(), now.getMonth(), now.getDate() + 4 - (now.getDay() || 7)),
  )
  const year = thursday.getUTCFullYear()
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1 }
}

const COMPOUND: Readonly<Record<string, string>> = {
  ...{ c: '%a %b %e %H:%M:%S %Y', x: '%m/%d/%y', X: '%H:%M:%S', D: '%m/%d/%y', F: '%Y-%m-%d' },
  ...{ T: '%H:%M:%S', R: '%H:%M', r: '%I:%M:%S %p' },
}

function directiveText(now: Date, directive: string): string | undefined {
  const compound = COMPOUND[directive]
  if (compound !== undefined) return strftime(now, compound)
  const [day, hour, year] = [now.getDay(), now.getHours(), now.getFullYear()]
  const half = hour % 12 || 12
  const texts: Readonly<Record<string, () => string>> = {
    a: () => DAYS[day].slice(0, 3),
    A: () => DAYS[day],
    w: () => String(day),
    u: () => String(day || 7),
    d: () => two(now.getDate()),
    e: () => two(now.getDate(), ' '),
    b: () => MONTHS[now.getMonth()].slice(0, 3),
    h: () => MONTHS[now.getMonth()].slice(0, 3),
    B: () => MONTHS[now.getMonth()],
    m: () => two(now.getMonth() + 1),
    y: () => two(year % 100),
    Y: () => String(year),
    C: () => two(Math.floor(year / 100)),
    H: () => two(hour),
    k: () => two(hour, ' '),
    I: () => two(half),
    l: () => two(half, ' '),
    p: () => (hour < 12 ? 'AM' : 'PM'),
    P: () => (hour < 12 ? 'am' : 'pm'),
    M: () => two(now.getMinutes()),
    S: () => two(now.getSeconds()),
    f: () => String(now.getMilliseconds() * 1000).padStart(6, '0'),
    // A time without a zone, as datetime.now() gives, prints none.
    z: () => '',
    Z: () => '',
    j: () => String(dayOfYear(now) + 1).padStart(3, '0'),
    U: () => two(Math.floor((dayOfYear(now) + 7 - day) / 7)),
    W: () => two(Math.floor((dayOfYear(now) + 7 - ((day + 6) % 7)) / 7)),
    V: () => two(isoWeek(now).week),
    G: () => String(isoWeek(now).year),
    s: () => String(Math.floor(now.getTime() / 1000)),
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
  }
  return texts[directive]?.()
}
