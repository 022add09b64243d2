/** The Cloud SQL instances of a project, of whatever engine and region. */
import { Failure, failure } from '../../contracts/failures'
import { type CloudSqlConfig, type Instance, lazyCloudSql } from '../gcp/client'
import { instanceDescription } from '../gcp/describe'
import type { Discover, FoundInstance } from './found'

export type CloudSqlAccount = Pick<CloudSqlConfig, 'project' | 'endpoint' | 'client'>

export function discoverCloudSql(account: CloudSqlAccount): Discover {
  const { project } = account
  const sql = lazyCloudSql({ ...account, region: '' })
  return async (options) => {
    const asked = sql.ask('instances.list', options, async ({ instances }) => {
      const listed: { found: FoundInstance[]; missing: string[] } = { found: [], missing: [] }
      let pageToken = ''
      do {
        const [page] = await instances.list({ project, ...(pageToken && { pageToken }) })
        listed.found.push(...(page.items ?? []).map(foundInstance))
        listed.missing.push(...(page.warnings ?? []).map(({ code, message }) => `${code}: ${message}`))
        pageToken = page.nextPageToken ?? ''
      } while (pageToken)
      return listed
    })
    const { found, missing } = await asked.catch((error) => {
      throw withoutCredentials(error)
    })
    if (missing.length === 0) return found
    // A region that does not answer is a warning there, beside all the others' instances.
    const message = `Cloud SQL lists only a part of project ${project}: ${missing.join('; ')}.`
    throw failure('CLOUD_UNREACHABLE', message, { cloud: 'gcp', action: 'instances.list' })
  }
}

const NONE = 'No credentials for Google Cloud were found'

/** A person is asking: what they can do about it is said at once, and nothing is tried again. */
function withoutCredentials(error: unknown): unknown {
  if (!(error instanceof Failure) || !error.message.startsWith(NONE)) return error
  const how = 'set CAPSTAN_GCP_TOKEN, or run "gcloud auth application-default login"'
  return failure('CREDENTIALS_REJECTED', `${NONE}: ${how}.`, { cloud: 'gcp' })
}

function foundInstance(raw: Instance): FoundInstance {
  const version = String(raw.databaseVersion ?? 'unknown')
  const { backupConfiguration } = raw.settings ?? {}
  const taken = backupConfiguration?.enabled?.value === true
  const kept = backupConfiguration?.backupRetentionSettings?.retainedBackups?.value
  return {
    ...instanceDescription(raw, []),
    id: `${raw.project}:${raw.name}`,
    region: raw.region ?? '',
    resourceGroup: null,
    engine: version.startsWith('POSTGRES_') ? 'postgres' : version,
    master: 'postgres',
    database: null,
    backupDays: taken ? null : 0,
    backupsKept: taken && typeof kept === 'number' ? kept : null,
    // <project>:<name>
    replicaOf: raw.masterInstanceName || null,
  }
}
