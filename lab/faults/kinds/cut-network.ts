/** Nobody reaches an instance's PostgreSQL: established sessions are ended, new ones refused. The API and the lab itself still do. */
import { INSTANCES, type PlainKind } from './acting'

export const cutNetwork: PlainKind = {
  ...INSTANCES,
  summary: 'connections to an instance are ended, and new ones refused',
  lasts: true,
  effect: {
    async begin(patient) {
      // a cut instance lets no network in: its specification says so by now
      await patient.configure()
      await patient.endSessions()
    },
    // whoever was on the way in while the rules changed
    hold: (patient) => patient.endSessions(),
    end: (patient) => patient.configure(),
  },
}
