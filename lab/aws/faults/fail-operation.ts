/** The call is accepted, and what it promised ends badly: an instance as `failed` or `incompatible-restore`, a snapshot as `failed`, a
 *  change undone. A call that is refused is not struck. */
import { type AwsFaultKind, CALLS } from './kind'

export const failOperation: AwsFaultKind = {
  ...CALLS,
  summary: 'the call is accepted, and what it promised ends as failed',
  operations: [
    'CreateDBInstance',
    'CreateDBSnapshot',
    'DeleteDBInstance',
    'ModifyDBInstance',
    'RebootDBInstance',
    'RestoreDBInstanceFromDBSnapshot',
  ],
  failsPromise: true,
}
