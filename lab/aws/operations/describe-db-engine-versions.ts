/** DescribeDBEngineVersions: those that an instance can be made of. */
import type { Operation } from '../cloud'
import { type FilterTable, filtered } from '../filters'
import type { DBEngineVersion } from '../generated/answers'
import { pageOf } from '../paging'
import { type EngineVersion, engineVersions } from './engine-versions'

const FILTERS: FilterTable<EngineVersion> = {
  'db-parameter-group-family': ({ family }, value) => family === value,
  engine: ({ engine }, value) => engine === value,
  'engine-mode': (_, value) => value === 'provisioned',
  'engine-version': ({ version }, value) => version === value,
  status: (_, value) => value === 'available',
}

export const describeDbEngineVersions: Operation<'DescribeDBEngineVersions'> = async ({ cloud, query }) => {
  const [engine, wanted, family] = [query.text('Engine'), query.text('EngineVersion'), query.text('DBParameterGroupFamily')]
  const found = filtered(query, FILTERS, engineVersions(cloud)).filter(
    (one) =>
      (engine === undefined || one.engine === engine) &&
      (wanted === undefined || one.version === wanted || String(one.major) === wanted) &&
      (family === undefined || one.family === family) &&
      (query.flag('DefaultOnly') !== true || one.isDefault),
  )
  const page = pageOf(query, found, ({ engine: name, version }) => `${name} ${version}`)
  return { Marker: page.marker, DBEngineVersions: page.items.map(versionView) }
}

const NAMES = { postgres: 'PostgreSQL', 'aurora-postgresql': 'Aurora PostgreSQL' } as const

function versionView({ engine, major, version, family }: EngineVersion): DBEngineVersion {
  return {
    Engine: engine,
    EngineVersion: version,
    MajorEngineVersion: String(major),
    DBParameterGroupFamily: family,
    DBEngineDescription: NAMES[engine],
    DBEngineVersionDescription: `${NAMES[engine]} ${version}`,
    ValidUpgradeTarget: [],
    ExportableLogTypes: ['postgresql', 'upgrade'],
    SupportsLogExportsToCloudwatchLogs: true,
    SupportsReadReplica: engine === 'postgres',
    SupportedFeatureNames: [],
    Status: 'available',
    SupportsParallelQuery: false,
    SupportsGlobalDatabases: false,
    SupportsBabelfish: false,
    SupportsLimitlessDatabase: false,
    SupportsIntegrations: false,
    SupportedEngineModes: ['provisioned'],
  }
}
