/** A stop of an instance is said to be over before it is: its PostgreSQL goes on, with whoever is connected, until the fault ends. Its network rules hold
 *  for whoever comes anew. */
import { INSTANCES, type PlainKind } from './acting'

export const LINGER = 'linger'

export const linger: PlainKind = {
  ...INSTANCES,
  summary: 'an instance that is stopped says so while its PostgreSQL still runs, and goes only when this ends',
  lasts: true,
  // it is asked whenever one is stopped
  effect: { begin: async () => {}, end: (patient) => patient.stopAtLast() },
}
