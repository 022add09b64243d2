/** The Cloud SQL instances of a project, of whatever engine and region. */
import { failure } from '../../contracts/failures'
import { type CloudSqlConfig, type Instance, lazyCloudSql } from '../gcp/client'
import { instanceDescription } from '../gcp/describe'
import { type Discover, type FoundInstance, orWithoutCredentials } from './found'

export type CloudSqlAccount = Pick<CloudSqlConfig, 'project' | 'endpoint' | 'token' | 'client'>

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
    const { found, missing } = await orWithoutCredentials(asked, GOOGLE)
    if (missing.length === 0) return found
    // A region that does not answer is a warning there, beside all the others' instances.
    const message = `Cloud SQL lists only a part of project ${project}: ${missing.join('; ')}.`
    throw failure('CLOUD_UNREACHABLE', message, { cloud: 'gcp', action: 'instances.list' })
  }
}

const GOOGLE = {
  cloud: 'Google Cloud',
  how: 'run "gcloud auth application-default login", or name a key\'s file in GOOGLE_APPLICATION_CREDENTIALS',
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
    cluster: false,
    master: 'postgres',
    database: null,
    backupDays: taken ? null : 0,
    backupsKept: taken && typeof kept === 'number' ? kept : null,
    // <project>:<name>
    replicaOf: raw.masterInstanceName || null,
  }
}
