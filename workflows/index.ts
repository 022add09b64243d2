/** Everything a worker may run by name. */
export { instanceLock } from './instance-lock/instance-lock'
export { migrate } from './migrate/migrate'
export { retireSnapshot } from './retire-snapshot/retire-snapshot'
export { listSnapshots } from './snapshot/list-snapshots'
export { snapshot } from './snapshot/snapshot'
