/** A cloud that is opened later: tests are registered with it before there is one. */
import type { OpenCloud } from './cloud-under-test'
import type { Suite } from './suite'

export type Opened = OpenCloud & Pick<Suite, 'shop'>

/** As `opened` has it whenever it is asked. */
export function onceOpen(opened: () => Opened): Opened {
  return {
    get shop() {
      return opened().shop
    },
    get adapter() {
      return opened().adapter
    },
    get account() {
      return opened().account
    },
    get elsewhere() {
      return opened().elsewhere
    },
    get region() {
      return opened().region
    },
    get classes() {
      return opened().classes
    },
    get storageGib() {
      return opened().storageGib
    },
    get masterName() {
      return opened().masterName
    },
    get admitted() {
      return opened().admitted
    },
    get nobody() {
      return opened().nobody
    },
    get lookEveryMs() {
      return opened().lookEveryMs
    },
    get faults() {
      return opened().faults
    },
    get publish() {
      return opened().publish
    },
    query: (...asked) => opened().query(...asked),
    ownParameters: (instance) => opened().ownParameters(instance),
    unprotect: (instance) => opened().unprotect(instance),
    close: () => opened().close(),
  }
}
