/** The shared kinds of faults in RDS's words. */
import { faultTable } from '../../faults/kinds/table'
import { ROUTE53_OPERATIONS } from '../dns/operations'
import { AWS_ERRORS, AwsError, type AwsErrorCode } from '../errors'
import { isQuestion } from '../facts'
import { MODEL_OPERATIONS } from '../generated/model'
import type { AwsState } from '../state'

export const AWS_FAULTS = faultTable<AwsState>({
  throttled: {
    says: 'Throttling: Rate exceeded, before anything is done',
    // the SDK tries again by itself: three times in all
    error: () => new AwsError('Throttling', 'Rate exceeded'),
  },
  errors: {
    codes: Object.keys(AWS_ERRORS),
    otherwise: 'InternalFailure',
    make: (code, message) => new AwsError(code as AwsErrorCode, message),
  },
  busy: {
    says: 'an instance refuses changes (InvalidDBInstanceState) for the time of --tail after it became available',
    operations: ['CreateDBSnapshot', 'ModifyDBInstance', 'PromoteReadReplica', 'RebootDBInstance', 'StopDBInstance'],
  },
  questions: [
    ...Object.keys(MODEL_OPERATIONS).filter(isQuestion),
    ...ROUTE53_OPERATIONS.filter(({ question }) => question).map(({ name }) => name),
  ],
  promises: [
    'CopyDBClusterSnapshot',
    'CopyDBSnapshot',
    'CreateBlueGreenDeployment',
    'CreateDBCluster',
    'CreateDBClusterSnapshot',
    'CreateDBInstance',
    'CreateDBInstanceReadReplica',
    'CreateDBSnapshot',
    'DeleteBlueGreenDeployment',
    'DeleteDBCluster',
    'DeleteDBInstance',
    'FailoverDBCluster',
    'FailoverGlobalCluster',
    'ModifyDBCluster',
    'ModifyDBInstance',
    'PromoteReadReplica',
    'RebootDBInstance',
    'RemoveFromGlobalCluster',
    'RestoreDBClusterFromSnapshot',
    'RestoreDBClusterToPointInTime',
    'RestoreDBInstanceFromDBSnapshot',
    'RestoreDBInstanceToPointInTime',
    'StartDBCluster',
    'StartDBInstance',
    'StopDBCluster',
    'StopDBInstance',
    'SwitchoverGlobalCluster',
    'SwitchoverBlueGreenDeployment',
  ],
  full: 'an instance has no room for its log: PostgreSQL is down, and it is storage-full until the storage grows',
})
