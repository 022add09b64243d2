/** What is told of an instance, by what its cloud says of it. That the clouds say so is shown in test/conformance and test/e2e/scout.test.ts. */
import { fitting } from '../../activities/health/examine'
import { judgeInstance, type Surveyed } from '../../activities/health/judge-instance'
import { commandsFor } from '../../activities/health/vendor-commands'
import type { InstanceDescription, NetworkExposure, SnapshotDescription } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { HealthFinding, HealthReport } from '../../contracts/health'

const found: InstanceDescription = {
  ...{ cloud: 'aws', account: 'a', region: 'r', name: 'shop', instanceId: 'shop-1', state: 'ready', cloudState: 'ready' },
  ...{ endpoint: null, engineVersion: '17', instanceClass: 'small', deletionProtected: true, replicaOf: null, tags: {} },
  storage: { sizeGib: 20, encrypted: true, key: null },
  growsToGib: null,
  snapshots: { hoursMax: null, outliveInstance: true },
  automaticBackups: { taken: true, log: true },
}
const exposure: NetworkExposure = { publicAddress: true, wideRules: [], undecided: [], clearText: null }
const connection = { user: 'boss', secret: 'env:X', host: null, port: null, tls: 'require' } as const
const entry: DatabaseEntry = {
  ...{ name: 'shop', account: 'p', region: 'r', instance: 'shop', database: 'shop', environment: 'test', labels: {} },
  connections: { admin: connection, migrator: connection },
  migrations: null,
  checks: { rowCounts: [], invariants: [], smoke: [] },
  policy: {
    approval: 'none',
    limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    ...{ lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
  },
  ...{ cloud: 'azure', resourceGroup: 'group', canary: { networks: [] } },
}
const NOW = new Date('2026-11-28T12:00:00.000Z')

function judged(differing: Partial<Surveyed>): { findings: string[]; notKnown: string[]; commands: string[] } {
  const given = { entry, found, exposure, snapshots: [], deletionProtection: true, now: NOW, ...differing }
  const { findings, notKnown } = judgeInstance(given)
  return {
    findings: findings.map(({ check, severity, message }) => `${check} ${severity}: ${message}`),
    notKnown: notKnown.map(({ check, why }) => `${check}: ${why}`),
    commands: findings.map(({ command }) => command),
  }
}

test('an instance with which nothing is wrong has no findings, and nothing is unknown', () => {
  expect(judged({})).toEqual({ findings: [], notKnown: [], commands: [] })
})

test('each wide rule is named; whoever rents anything of the cloud is a lesser matter than the internet', () => {
  const wideRules = [
    { name: "it's all", range: '0.0.0.0-255.255.255.255', whom: 'internet' },
    { name: 'AllowAllAzure', range: '0.0.0.0-0.0.0.0', whom: 'customers' },
  ] as const
  const { findings, commands } = judged({ exposure: { ...exposure, wideRules, clearText: true } })
  expect(findings).toEqual([
    "public-endpoint critical: Its network rules let in the internet, or much of it: 0.0.0.0-255.255.255.255 (it's all), and it takes connections in clear text.",
    'public-endpoint warning: Its network rules let in whatever runs in that cloud, of every customer: 0.0.0.0-0.0.0.0 (AllowAllAzure).',
  ])
  const id = '/subscriptions/p/resourceGroups/group/providers/Microsoft.DBforPostgreSQL/flexibleServers/shop/firewallRules'
  expect(commands).toEqual([
    `az resource delete --ids '${id}/it'\\''s all' # first let in the networks of whoever connects`,
    `az resource delete --ids ${id}/AllowAllAzure # first let in the networks of whoever connects`,
  ])
})

test('rules of an address that is not on the internet are no finding, and what was not looked into is not known', () => {
  const wideRules = [{ name: '', range: '0.0.0.0/0', whom: 'internet' }] as const
  expect(judged({ exposure: { ...exposure, publicAddress: false, wideRules } }).findings).toEqual([])
  const { findings, notKnown } = judged({ exposure: { ...exposure, undecided: ['authorized network ::/0'] } })
  expect(findings).toEqual([
    'public-endpoint warning: It has an address on the internet; who may use it is up to authorized network ::/0.',
  ])
  expect(notKnown).toEqual([expect.stringContaining('authorized network ::/0, which was not looked into')])
})

const snapshot = (createdAt: string, state: SnapshotDescription['state'] = 'ready'): SnapshotDescription => ({
  ...{ name: 's', instance: 'shop', instanceId: 'shop-1', state, cloudState: state, createdAt, engineVersion: '17' },
  storage: found.storage,
  owner: null,
})

test('without backups of its cloud the newest complete snapshot is what could be restored', () => {
  const bare = { ...found, automaticBackups: { taken: false, log: false } }
  const none = judged({ found: bare, snapshots: [snapshot('2026-11-28T11:00:00.000Z', 'changing')] })
  expect(none.findings).toEqual([expect.stringMatching(/^backups critical: .*no snapshot that somebody took\.$/)])
  const old = judged({ found: bare, snapshots: [snapshot('2026-11-20T11:00:00.000Z'), snapshot('2026-11-01T11:00:00.000Z')] })
  expect(old.findings).toEqual([
    expect.stringMatching(/^backups critical: .*newest snapshot that somebody took is of 2026-11-20T11/),
  ])
  const fresh = judged({ found: bare, snapshots: [snapshot('2026-11-28T11:00:00.000Z')] })
  expect(fresh.findings).toEqual([expect.stringMatching(/^backups warning: /)])
  const between = judged({ found: { ...found, automaticBackups: { taken: true, log: false } } })
  expect(between.findings).toEqual(['backups warning: Its cloud takes backups, but keeps no log between them.'])
})

test('of a replica, its source is named instead; where there is no deletion protection, it is not known', () => {
  const replica = { ...found, replicaOf: 'primary', automaticBackups: { taken: false, log: false } }
  expect(judged({ found: replica })).toMatchObject({ findings: [], notKnown: [expect.stringContaining('backups of primary')] })
  const unprotected = { ...found, deletionProtected: false }
  expect(judged({ found: unprotected, deletionProtection: false })).toMatchObject({
    findings: [],
    notKnown: [expect.stringMatching(/^deletion-protection: /)],
  })
  expect(judged({ found: unprotected }).findings).toEqual(['deletion-protection warning: It is not protected from deletion.'])
})

test("a report that is too much for a worker's answer loses the least of its findings, and says how many", () => {
  const finding = (message: string): HealthFinding => ({
    ...{ check: 'replica-identity', severity: 'note', database: 'shop', object: null, why: 'w', command: 'c' },
    message,
  })
  const report: HealthReport = {
    ...{ at: NOW.toISOString(), engineVersion: '17.5', role: 'boss', standby: false, databases: [], notKnown: [] },
    findings: ['first', 'second', 'third'].map(finding),
  }
  expect(fitting(report)).toBe(report)
  const cut = fitting(report, Buffer.byteLength(JSON.stringify({ ...report, findings: report.findings.slice(0, 1) })) + 10)
  expect(cut.findings.map(({ message }) => message)).toEqual(['first'])
  expect(cut.notKnown).toEqual([{ check: 'replica-identity', database: null, why: expect.stringMatching(/^2 more findings, /) }])
})

test('what is not known, and the databases, are cut as well, however many of them there are', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => `database_${index}`)
  const report: HealthReport = {
    ...{ at: NOW.toISOString(), engineVersion: '17.5', role: 'boss', standby: false, findings: [] },
    databases: many.map((name) => ({ name, looked: true, why: null })),
    notKnown: many.map((database) => ({ check: 'sequences', database, why: 'The role boss may not see them.' })),
  }
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
  expect(bytes(report)).toBeGreaterThan(2_000_000)
  const cut = fitting(report)
  expect(bytes(cut)).toBeLessThan(1_001_000)
  const more = many.length - cut.notKnown.length + 1
  expect(cut.notKnown.at(-1)).toEqual({
    check: 'sequences',
    database: null,
    why: expect.stringContaining(`${more} more things that are not known`),
  })
  expect(cut.databases.at(-1)).toMatchObject({ name: '…', looked: false, why: expect.stringMatching(/^\d+ more databases, /) })
  const fewer = fitting({ ...report, notKnown: report.notKnown.slice(0, 5_000) })
  expect(fewer.notKnown).toHaveLength(5_000)
  const without = many.length - fewer.databases.length + 1
  expect(fewer.databases.at(-1)?.why).toContain(`${without} more databases`)
})

test('who removes an instance of Google’s is told to have its backups stay first', () => {
  const commands = commandsFor({ ...entry, cloud: 'gcp', canary: { networks: [], instanceClass: null } } as DatabaseEntry)
  expect(commands.remove(true).map((command) => command.replace(/ #.*/, ''))).toEqual([
    'gcloud sql instances patch shop --project p --retain-backups-on-delete',
    'gcloud sql instances patch shop --project p --no-deletion-protection',
    expect.stringContaining('gcloud sql instances delete shop --project p --enable-final-backup'),
  ])
  expect(commands.remove(false)).toHaveLength(2)
})
