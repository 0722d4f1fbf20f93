// This list has the routes to what is stored: responses, conversations and sessions.

import {
  addItems,
  deleteConversation,
  deleteItem,
  getConversation,
  getItem,
  listItems,
  postConversation,
  updateConversation,
} from './conversations/handlers.ts'
import { addSchema, createSchema, updateSchema } from './conversations/schema.ts'
import type { Access } from './http/auth.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses.ts'
import {
  deleteSession,
  deleteSessions,
  forkSession,
  getMemory,
  getSession,
  listSessions,
  streamSession,
} from './sessions.ts'
import type { Route } from './route.ts'

/** Answers can be read on by whoever may ask for one, and by whoever may read what is stored. */
const BY_ID: Access = ['infer', 'read']

export const STORED_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/responses/:id',
    handler: getResponse,
    summary: 'a stored response as it stands; `?stream=true&starting_after=N` reads it on',
    access: BY_ID,
  },
  {
    method: 'DELETE',
    path: '/v1/responses/:id',
    handler: deleteResponse,
    summary: 'deletes a stored response',
    access: ['operate'],
  },
  {
    method: 'POST',
    path: '/v1/responses/:id/cancel',
    handler: cancelResponse,
    summary: 'ends a response that runs or waits',
    access: ['infer'],
  },
  {
    method: 'GET',
    path: '/v1/responses/:id/input_items',
    handler: listInputItems,
    summary: 'the conversation up to the answer',
    access: ['read'],
  },
  {
    method: 'GET',
    path: '/v1/sessions',
    handler: listSessions,
    summary: 'the sessions of this key',
    access: ['read'],
  },
  {
    method: 'POST',
    path: '/v1/conversations',
    handler: postConversation,
    summary: 'a new conversation, with items or without',
    body: createSchema,
    access: ['infer'],
  },
  {
    method: 'GET',
    path: '/v1/conversations/:id',
    handler: getConversation,
    summary: 'one conversation: when it began, and its metadata',
    access: BY_ID,
  },
  {
    method: 'POST',
    path: '/v1/conversations/:id',
    handler: updateConversation,
    summary: 'other metadata',
    body: updateSchema,
    access: ['infer'],
  },
  {
    method: 'DELETE',
    path: '/v1/conversations/:id',
    handler: deleteConversation,
    summary: 'deletes a conversation with its responses',
    access: ['operate'],
  },
  {
    method: 'POST',
    path: '/v1/conversations/:id/items',
    handler: addItems,
    summary: 'puts items behind those that are there',
    body: addSchema,
    access: ['infer'],
  },
  {
    method: 'GET',
    path: '/v1/conversations/:id/items',
    handler: listItems,
    summary: 'the items, newest first unless `order=asc`',
    access: BY_ID,
  },
  {
    method: 'GET',
    path: '/v1/conversations/:id/items/:item',
    handler: getItem,
    summary: 'one item',
    access: BY_ID,
  },
  {
    method: 'DELETE',
    path: '/v1/conversations/:id/items/:item',
    handler: deleteItem,
    summary: 'takes an item out',
    access: ['infer'],
  },
  {
    method: 'DELETE',
    path: '/v1/sessions',
    handler: deleteSessions,
    summary: 'deletes all sessions of this key',
    access: ['operate'],
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id',
    handler: getSession,
    summary: 'one session: its state, tokens, window and cache',
    access: ['read'],
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id/memory',
    handler: getMemory,
    summary: 'where the keys and values of a session lie, page by page',
    access: ['read'],
  },
  {
    method: 'DELETE',
    path: '/v1/sessions/:id',
    handler: deleteSession,
    summary: 'deletes a session with its turns',
    access: ['operate'],
  },
  {
    method: 'POST',
    path: '/v1/sessions/:id/fork',
    handler: forkSession,
    summary: 'a new session that begins as this one stands',
    access: ['infer'],
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id/stream',
    handler: streamSession,
    summary: '`?after=N` reads the last answer on, without its first N frames',
    // A HEAD would take the turn from whoever reads it.
    head: false,
    access: BY_ID,
  },
]
