/** The one log that an instance of this lab has: PostgreSQL's own, not cut by hours. */
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import type { DbInstance } from '../state'

export const LOG_FILE = 'error/postgresql.log'

/** @throws AwsError DBLogFileNotFoundFault. */
export function findLog(cloud: AwsCloud, instance: DbInstance, name: string): string {
  const path = name === LOG_FILE ? cloud.servers.logFile(instance.folder) : undefined
  if (path === undefined) throw new AwsError('DBLogFileNotFoundFault', `DBLog File: ${name}, is not found on the DB instance`)
  return path
}
