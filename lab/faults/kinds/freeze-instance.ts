/** Every process of an instance's PostgreSQL is stopped (SIGSTOP), and later continued: connections hang, none breaks. The API goes on
 *  answering; what it has to do in the instance waits. */
import { INSTANCES, type PlainKind } from './acting'

export const freezeInstance: PlainKind = {
  ...INSTANCES,
  summary: 'an instance’s PostgreSQL stands still (SIGSTOP), then goes on (SIGCONT)',
  lasts: true,
  effect: {
    async begin(patient) {
      patient.freeze()
    },
    async end(patient) {
      if (patient.isFrozen()) return
      patient.thaw()
      // network rules may have changed meanwhile
      await patient.configure()
    },
  },
}
