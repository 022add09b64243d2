/** DeleteDBInstanceAutomatedBackup: of an instance that is gone; those of a living one go with its retention. */
import { doomArchive } from '../backups'
import type { Operation } from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { expire } from '../retained-backups'
import { key } from '../state'
import { findBackedUp, isRetained } from './backed-up'
import { automatedBackupView } from './describe-db-instance-automated-backups'

export const deleteDbInstanceAutomatedBackup: Operation<'DeleteDBInstanceAutomatedBackup'> = async (call) => {
  const { cloud, query, region } = call
  await expire(cloud)
  const [resource, arn] = [query.text('DbiResourceId'), query.text('DBInstanceAutomatedBackupsArn')]
  if ((resource === undefined) === (arn === undefined)) {
    throw invalidCombination('One of DbiResourceId and DBInstanceAutomatedBackupsArn must be given.')
  }
  const source = findBackedUp(call, { instance: undefined, resource, arn })
  if (!isRetained(source)) {
    throw new AwsError(
      'InvalidDBInstanceAutomatedBackupState',
      `The automated backup of ${source.id} is active: the instance is there.`,
    )
  }
  delete cloud.state.retained[key(region, source.resourceId)]
  doomArchive(cloud.state, source.archive)
  await cloud.save()
  await cloud.sweepDoomed()
  return { DBInstanceAutomatedBackup: { ...automatedBackupView(cloud, source), Status: 'deleting' } }
}
