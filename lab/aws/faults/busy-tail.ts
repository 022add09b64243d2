/** An instance says `available`, and refuses changes for a while still. */
import { time } from '../../faults/kind'
import { type AwsFaultKind, CALLS } from './kind'

export const busyTail: AwsFaultKind = {
  ...CALLS,
  summary: 'an instance refuses changes (InvalidDBInstanceState) for the time of --tail after it became available',
  operations: ['CreateDBSnapshot', 'ModifyDBInstance', 'RebootDBInstance'],
  times: null,
  takesDelay: false,
  settings: { tail: time(5_000) },
  keepsBusy: ({ settings }, { availableAt }, now) =>
    availableAt !== undefined && now < Date.parse(availableAt) + Number(settings.tail),
}
