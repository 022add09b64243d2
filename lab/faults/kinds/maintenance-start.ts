/** The cloud starts a stopped instance by itself, for maintenance that it does not let anybody miss; nobody asked for it. It stays as it is where it is not
 *  stopped, and whoever ordered it is told so. */
import { INSTANCES, type PlainKind } from './acting'

export const maintenanceStart: PlainKind = {
  ...INSTANCES,
  summary: 'a stopped instance is started by its cloud, for maintenance',
  effect: { begin: (patient) => patient.startUnasked() },
}
