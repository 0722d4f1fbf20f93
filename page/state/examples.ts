// Examples are what a person may begin with in extract and decide; small models do them decently.

import type { Question, QuestionType } from './questions.ts'

/** A text with its object, shown to the model in front of the real one. */
export type Shot = { text: string; answer: string }
export type ExtractExample = { title: string; text: string; schema: string; shot?: Shot }

const text = { type: 'string', maxLength: 60 }
const positive = (type: string) => ({ type, minimum: 0, maximum: 9999 })

/** The worked example is its text and the values of its object. */
function extract(
  title: string,
  text: string,
  properties: object,
  shot?: [string, ...unknown[]],
): ExtractExample {
  const required = Object.keys(properties)
  // What stands deeper than a property stays in its line.
  const schema = JSON.stringify({ type: 'object', properties, required }, null, 2).replace(
    /\n {6,}|\n {4}(?=\}|"\w+",?\n)|\n {2}(?=\])/g,
    ' ',
  )
  if (shot === undefined) return { title, text, schema }
  const values = required.map((name, i) => `"${name}": ${JSON.stringify(shot[i + 1])}`)
  return { title, text, schema, shot: { text: shot[0], answer: `{${values.join(', ')}}` } }
}

const MAIL = 'My card was charged twice for the March invoice. Please pay me back today!'
const REVIEW = 'The hotel was dirty, the staff were rude and the breakfast was cold.'

export const EXTRACT_EXAMPLES: readonly ExtractExample[] = [
  extract('Mail to a ticket', `From: Anna Keller\nSubject: Charged twice\n\n${MAIL}`, {
    from: text,
    subject: text,
    problem: text,
    team: { enum: ['billing', 'technical', 'sales'] },
    urgent: { type: 'boolean' },
  }),
  extract(
    'Invoice line',
    '4 x desk chair at 89.50 EUR each',
    {
      item: text,
      quantity: positive('integer'),
      price: positive('number'),
      currency: { enum: ['EUR', 'USD', 'GBP'] },
    },
    ['10 x desk lamp at 29.90 GBP each', 'desk lamp', 10, 29.9, 'GBP'],
  ),
  extract(
    'Contact',
    'Anna Keller\nHead of Sales, Hill Ltd\nanna@hill.example\n+44 20 1234567',
    {
      name: text,
      role: text,
      company: text,
      email: { type: 'string', format: 'email' },
      phone: text,
    },
    [
      'Tom Reed\nEngineer, Lake Ltd\ntom@lake.example\n+44 20 7654321',
      ...['Tom Reed', 'Engineer', 'Lake Ltd', 'tom@lake.example', '+44 20 7654321'],
    ],
  ),
  extract(
    'Event with a date',
    'Baking workshop on 2026-03-14 at 18:30 in the Town Library.',
    {
      title: text,
      date: { type: 'string', format: 'date' },
      time: { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' },
      place: text,
    },
    [
      'Evening of songs on 2025-12-20 at 17:00 in the Town Hall.',
      ...['Evening of songs', '2025-12-20', '17:00', 'the Town Hall'],
    ],
  ),
  extract(
    'Sentiment with reasons',
    REVIEW,
    {
      sentiment: { enum: ['positive', 'negative'] },
      about: text,
      reasons: { type: 'array', items: text, minItems: 1, maxItems: 3 },
    },
    [
      'The concert was wonderful, the seats were comfortable and the band was great.',
      ...['positive', 'concert', ['the seats were comfortable', 'the band was great']],
    ],
  ),
]

export type DecideExample = { title: string; text: string; questions: readonly Question[] }

/** An option is its label with its meaning behind a colon. */
const question = (
  type: QuestionType,
  name: string,
  instructions: string,
  ...options: string[]
): Question => ({
  type,
  name,
  instructions,
  options: options.map((option) => {
    const [label, description = ''] = option.split(': ')
    return { label, description }
  }),
})

export const DECIDE_EXAMPLES: readonly DecideExample[] = [
  {
    title: 'Mail to support',
    text: MAIL,
    questions: [
      question('choice', 'topic', 'What is this text about?', 'billing: invoices, payments and charges', 'technical: errors and things that do not work', 'sales: prices, offers and buying more'), // prettier-ignore
      question('predicate', 'refund', 'The customer asks for money back.'),
      question('score', 'urgency', 'How urgent is this message?', 'not urgent', 'soon', 'emergency'),
    ],
  },
  {
    title: 'Sentiment',
    text: REVIEW,
    questions: [
      question('choice', 'sentiment', 'How does the writer feel?', 'positive: praise, thanks and pleasure', 'negative: complaints, anger and disappointment'), // prettier-ignore
      question('predicate', 'again', 'The guest would come again.'),
    ],
  },
  {
    title: 'Spam?',
    text: 'You have won 1,000,000 dollars! Click here for your prize.',
    questions: [
      question('choice', 'kind', 'What kind of message is this?', 'spam: advertising, prizes and fraud', 'personal: news from friends and colleagues'), // prettier-ignore
      question('predicate', 'money', 'The message promises money.'),
    ],
  },
]
