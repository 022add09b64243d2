/** What a blue/green deployment may not be asked for: the wrong part of the request, the error's name, and a part of its message. */
import type { CreateBlueGreenDeploymentRequest } from '@aws-sdk/client-rds'

type Refusal = [wrong: Partial<CreateBlueGreenDeploymentRequest>, name: string, message: string]

/** While `shop` has one already, called `upgrade`. */
export const WRONG_SOURCES: readonly Refusal[] = [
  [{ BlueGreenDeploymentName: 'Upgrade' }, 'BlueGreenDeploymentAlreadyExistsFault', ''],
  [{ BlueGreenDeploymentName: 'no--name' }, 'InvalidParameterValue', 'BlueGreenDeploymentName'],
  [{ Source: 'shop' }, 'InvalidParameterValue', 'ARN'],
  [{ Source: 'arn:aws:rds:eu-west-1:000000000000:db:shop' }, 'InvalidParameterValue', 'ARN'],
  [{ Source: 'arn:aws:rds:us-east-1:000000000000:db:nobody' }, 'DBInstanceNotFoundFault', ''],
  [{ Source: 'arn:aws:rds:us-east-1:000000000000:cluster:nobody' }, 'DBClusterNotFoundFault', ''],
  [{}, 'SourceDatabaseNotSupportedFault', 'upgrade'],
  [{ TargetEngineVersion: '15' }, 'InvalidParameterCombination', 'downgrade'],
  [{ TargetEngineVersion: '9' }, 'InvalidParameterCombination', 'find version'],
  [
    { Source: 'arn:aws:rds:us-east-1:000000000000:db:plain', TargetEngineVersion: '17' },
    'SourceDatabaseNotSupportedFault',
    'upgrades no DB instance',
  ],
  [{ Source: 'arn:aws:rds:us-east-1:000000000000:db:shop-reader' }, 'SourceDatabaseNotSupportedFault', 'read replica'],
  [{ Source: 'arn:aws:rds:us-east-1:000000000000:db:plain' }, 'InvalidDBInstanceStateFault', 'Automated backups'],
]

/** Of a source that may have one. */
export const WRONG_TARGETS: readonly Refusal[] = [
  [{ TargetDBInstanceClass: 'db.huge' }, 'InvalidParameterValue', 'class'],
  [{ TargetDBParameterGroupName: 'nobody' }, 'DBParameterGroupNotFoundFault', ''],
  [{ TargetDBParameterGroupName: 'default.postgres15' }, 'InvalidParameterCombination', 'postgres17'],
  [{ TargetDBClusterParameterGroupName: 'some' }, 'InvalidParameterCombination', 'DB cluster'],
  [{ TargetAllocatedStorage: 1 }, 'InvalidParameterValue', 'storage'],
  [
    { TargetResourceConfigurations: [{ SourceArn: 'arn:aws:rds:us-east-1:000000000000:db:free' }] },
    'InvalidParameterCombination',
    '',
  ],
  [{ Tags: [{ Key: 'aws:mine', Value: '' }] }, 'InvalidParameterValue', 'tag'],
]
