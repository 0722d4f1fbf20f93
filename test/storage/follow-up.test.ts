// A follow-up: it goes on from the last whole turn of its conversation alone, and is younger than that one.

import { describe, expect, it } from 'vitest'
import { earliest } from '../../src/storage/follow-up.ts'
import { newRecord, type TurnRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const SESSION = 'sess_0_abc'
const chat = { kind: 'chat' as const, messages: [{ role: 'user', content: 'Hi' }] }

function stored(turns: TurnStore, turn: string, createdAt: number, more: Partial<TurnRecord> = {}): void {
  const asked = request({ prompt: chat, sessionKey: 'conv_0_abc', store: true, conversation: [] })
  const prompt = { kind: 'chat' as const, ids: [1], truncatedTokens: 0, tools: false }
  const details = {
    session: SESSION,
    turn: `0_abc_${turn}`,
    createdAt,
    expiresAt: 0,
    model: '',
    echo: undefined,
  }
  turns.insert({ ...newRecord(asked, prompt, details), state: 'done', ...more }, undefined)
}

describe('a follow-up', () => {
  const asked = (follows?: string) => ({ tenant: 'tenant', session: SESSION, ...(follows && { follows: `0_abc_${follows}` }) }) // prettier-ignore

  it('of the last whole turn is younger than it, of another one a conflict', () => {
    const turns = new TurnStore(nodeSql())
    stored(turns, 'one', 1000)
    stored(turns, 'two', 2000)
    stored(turns, 'failed', 3000, { state: 'failed' })
    stored(turns, 'plain', 4000, { conversation: undefined })
    expect(earliest(asked('two'), turns, false)).toBe(2001)
    for (const other of ['one', 'failed', 'plain', 'none'])
      expect(() => earliest(asked(other), turns, false)).toThrow(
        expect.objectContaining({ code: 'conflict' }),
      )
    expect(() => earliest({ ...asked('two'), tenant: 'other' }, turns, false)).toThrow('gone on')
  })

  it('waits for an answer that somebody reads, or that goes on unread', () => {
    const turns = new TurnStore(nodeSql())
    stored(turns, 'one', 1000)
    expect(() => earliest(asked('one'), turns, true)).toThrow('is being made')
    const background = {
      state: 'running' as const,
      request: { ...request({ store: true }), background: true },
    }
    stored(turns, 'two', 2000, background)
    expect(() => earliest(asked('one'), turns, false)).toThrow('is being made')
  })

  it('that follows nothing may begin at any time', () => {
    expect(earliest(asked(), new TurnStore(nodeSql()), true)).toBe(0)
  })
})
