/** Every process of an instance's PostgreSQL is killed outright, as by a power cut; it recovers by itself. */
import { INSTANCES, type PlainKind } from './acting'

export const crashInstance: PlainKind = {
  ...INSTANCES,
  summary: 'an instance’s PostgreSQL is killed (-9) and recovers by itself',
  effect: { begin: (patient) => patient.crash() },
}
