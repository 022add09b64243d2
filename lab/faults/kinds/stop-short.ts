/** Restores to a moment stop earlier than they were told to, and say that all is well. */
import { time } from '../kind'
import { INSTANCES, type PlainKind } from './acting'

export const STOP_SHORT = 'stop-short'

export const stopShort: PlainKind = {
  ...INSTANCES,
  summary: 'restores of an instance to a moment stop --by too early (5s unless told otherwise), and say nothing of it',
  lasts: true,
  settings: { by: time(5_000) },
  // it is asked whenever one is restored
  effect: { begin: async () => {} },
}
