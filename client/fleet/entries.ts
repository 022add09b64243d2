/** From a fleet file that matches its schema to the fleet: units parsed, defaults filled in, names unique. */
import type {
  Checks,
  Connection,
  DatabaseEntry,
  DeclaredLogin,
  FleetVerification,
  GenerationPolicy,
  MigrationPolicy,
  Objectives,
  SqlCheck,
  VerificationPolicy,
} from '../../contracts/fleet'
import type { FleetFile, FleetFileConnection, FleetFileDatabase } from '../../contracts/fleet.schema'
import type { RetentionPolicy } from '../../contracts/generations'
import type { DeclaredSchedule } from '../../contracts/schedule'
import { mixedWithCopies } from './copies-group'
import { refuseSharedNames, refuseSharedPoolers, toEndpoint } from './endpoint'
import { parseGenerations } from './generations'
import { type PricesOf, toFleetVerification, toLimit, toPrices } from './prices'
import { type FleetProblem, mistake, showPath, wrongValue } from './problems'
import { misplacedReplicas } from './replicas'
import { type Mistaken, toSchedules, toSweeps } from './schedules'
import { toSnapshotCopies } from './snapshot-copies'
import type { FieldPath, FleetSource } from './source'
import { misplacedStandbys, toStandbys } from './standbys'
import { parseBytes, parseDurationMs } from './units'

export const POLICY_DEFAULTS = {
  approval: 'none',
  limits: { writeBlockMsMax: 1_000, rewriteRowsMax: 10_000, statementMsMax: null, walBytesMax: null },
  lockTimeoutMs: 1_000,
  lockAttempts: 10,
  bakeSeconds: 10,
  snapshotRetentionHours: 168,
} as const satisfies MigrationPolicy

/** Longest times that make sense; also what PostgreSQL's millisecond settings can hold (2^31 - 1 ms, 24.8 days). */
const SETTING_MS_MAX = 2_147_483_647
const BAKE_SECONDS_MAX = 86_400
/** NAMEDATALEN - 1 of every PostgreSQL that a cloud runs. */
const IDENTIFIER_BYTES_MAX = 63
const RETENTION_HOURS_MAX = 24 * 3_650

export interface Entries {
  readonly entries: readonly DatabaseEntry[]
  /** They are no part of an entry: what an operation works by does not change with the time at which it runs. */
  readonly schedules: readonly DeclaredSchedule[]
  /** Undefined: the file says nothing of it. */
  readonly verification: FleetVerification | undefined
  readonly problems: readonly FleetProblem[]
}

export function toEntries(file: FleetFile, source: FleetSource): Entries {
  const reader = new FieldReader(source)
  const pricesOf = toPrices(file.prices, reader)
  const entries = file.databases.map((database, index) => toEntry(database, ['databases', index], { reader, pricesOf }))
  reader.unique(
    entries.map((entry) => entry.name),
    (index) => ['databases', index, 'name'],
  )
  refuseSharedPoolers(entries, reader)
  refuseSharedNames(entries, reader)
  const mistaken: Mistaken = (path, clause) => reader.problems.push(mistake(source, path, clause))
  const ofDatabases = file.databases.flatMap(({ name, schedules: declared = {} }, index) =>
    toSchedules(name, declared, ['databases', index, 'schedules'], mistaken),
  )
  const schedules = [...ofDatabases, ...(file.orphans === undefined ? [] : toSweeps(entries, file.orphans, mistaken))]
  const verification = toFleetVerification(file, reader)
  return {
    entries,
    schedules,
    verification,
    problems: [
      ...reader.problems,
      ...mixedWithCopies(entries, source),
      ...misplacedStandbys(entries, source),
      ...misplacedReplicas(entries, source),
    ],
  }
}

interface Reading {
  readonly reader: FieldReader
  readonly pricesOf: PricesOf
}

function toEntry(file: FleetFileDatabase, path: FieldPath, reading: Reading): DatabaseEntry {
  const { reader } = reading
  const prices = reading.pricesOf(file)
  const common = {
    name: file.name,
    account: file.account,
    region: file.region,
    instance: file.instance,
    database: reader.identifier(file.database, [...path, 'database']),
    environment: file.environment,
    labels: file.labels ?? {},
    connections: {
      admin: toConnection(file.connections.admin, [...path, 'connections', 'admin'], reader),
      migrator: toConnection(file.connections.migrator, [...path, 'connections', 'migrator'], reader),
    },
    migrations: file.migrations ?? null,
    checks: toChecks(file.checks ?? {}, [...path, 'checks'], reader),
    policy: {
      ...toPolicy(file.policy ?? {}, [...path, 'policy'], reader),
      ...toSnapshotCopies(file, [...path, 'policy', 'snapshotCopies'], reading),
    },
    ...(file.objectives && { objectives: toObjectives(file.objectives, [...path, 'objectives'], reader) }),
    ...(file.verification && { verification: toVerification(file, [...path, 'verification'], reading) }),
    ...(prices && { prices }),
    ...(file.manifest && { manifest: { minutesMax: file.manifest.maxMinutes } }),
    ...(file.endpoint && {
      endpoint: toEndpoint({ endpoint: file.endpoint, around: file }, [...path, 'endpoint'], reader),
    }),
    ...(file.standbys && { standbys: toStandbys(file.standbys, [...path, 'standbys'], reader) }),
    ...(file.replicas && { replicas: file.replicas }),
  }
  switch (file.cloud) {
    case 'aws': {
      const { securityGroups, instanceClass = null } = file.canary
      const aurora = file.aurora === true ? ({ aurora: true } as const) : {}
      return { ...common, cloud: file.cloud, ...aurora, canary: { securityGroups, instanceClass } }
    }
    case 'azure': {
      const { cloud, resourceGroup, copiesResourceGroup, canary } = file
      const apart = copiesResourceGroup === undefined ? {} : { copiesResourceGroup }
      return { ...common, cloud, resourceGroup, ...apart, canary: { networks: canary.networks } }
    }
    case 'gcp': {
      const { networks, instanceClass = null } = file.canary
      return { ...common, cloud: file.cloud, canary: { networks, instanceClass } }
    }
  }
}

function toConnection(file: FleetFileConnection, path: FieldPath, reader: FieldReader): Connection {
  const user = reader.identifier(file.user, [...path, 'user'])
  return { user, secret: file.secret, host: file.host ?? null, port: file.port ?? null, tls: file.tls ?? 'require' }
}

function toChecks(file: NonNullable<FleetFileDatabase['checks']>, path: FieldPath, reader: FieldReader): Checks {
  const checks: Checks = { rowCounts: file.rowCounts ?? [], invariants: file.invariants ?? [], smoke: file.smoke ?? [] }
  const placed = (field: 'invariants' | 'smoke') =>
    checks[field].map((check: SqlCheck, index) => ({ id: check.id, path: [...path, field, index, 'id'] }))
  const all = [...placed('invariants'), ...placed('smoke')]
  reader.unique(
    all.map((one) => one.id),
    (index) => all[index]?.path ?? path,
  )
  for (const [index, table] of checks.rowCounts.entries()) {
    for (const name of table.split('.')) reader.identifier(name, [...path, 'rowCounts', index])
  }
  reader.unique(checks.rowCounts, (index) => [...path, 'rowCounts', index])
  return checks
}

function toPolicy(file: NonNullable<FleetFileDatabase['policy']>, path: FieldPath, reader: FieldReader): MigrationPolicy {
  const limits = file.limits ?? {}
  const defaults = POLICY_DEFAULTS
  const limitsPath = [...path, 'limits']
  return {
    approval: file.approval ?? defaults.approval,
    limits: {
      writeBlockMsMax: orNull(limits.writeBlock, defaults.limits.writeBlockMsMax, (text) =>
        reader.duration(text, [...limitsPath, 'writeBlock'], { ...MS, min: 0 }),
      ),
      rewriteRowsMax: limits.rewriteRows === undefined ? defaults.limits.rewriteRowsMax : limits.rewriteRows,
      statementMsMax: orNull(limits.statement, defaults.limits.statementMsMax, (text) =>
        reader.duration(text, [...limitsPath, 'statement'], MS),
      ),
      walBytesMax: orNull(limits.wal, defaults.limits.walBytesMax, (text) => reader.bytes(text, [...limitsPath, 'wal'])),
    },
    lockTimeoutMs:
      file.lockTimeout === undefined ? defaults.lockTimeoutMs : reader.duration(file.lockTimeout, [...path, 'lockTimeout'], MS),
    lockAttempts: file.lockAttempts ?? defaults.lockAttempts,
    bakeSeconds: file.bake === undefined ? defaults.bakeSeconds : reader.duration(file.bake, [...path, 'bake'], SECONDS),
    ...toRetention(file.snapshotRetention, [...path, 'snapshotRetention'], reader),
    ...(file.failover && {
      failover: { allowLossMs: reader.duration(file.failover.allowLoss, [...path, 'failover', 'allowLoss'], { ...MS, min: 0 }) },
    }),
  }
}

function toRetention(
  file: NonNullable<FleetFileDatabase['policy']>['snapshotRetention'],
  path: FieldPath,
  reader: FieldReader,
): RetentionPolicy {
  if (file === undefined) return { snapshotRetentionHours: POLICY_DEFAULTS.snapshotRetentionHours }
  if (typeof file === 'string') return { snapshotRetentionHours: reader.duration(file, path, HOURS) }
  const snapshotGenerations = reader.generations(file, path)
  return { snapshotRetentionHours: snapshotGenerations.daily * 24, snapshotGenerations }
}

function toObjectives(file: NonNullable<FleetFileDatabase['objectives']>, path: FieldPath, reader: FieldReader): Objectives {
  const read = (field: 'rpo' | 'rto' | 'verifyEvery', unit: WholeUnit): number | null => {
    const text = file[field]
    return text === undefined ? null : reader.duration(text, [...path, field], unit)
  }
  return { rpoMs: read('rpo', MS), rtoMs: read('rto', MS), verifyEveryHours: read('verifyEvery', HOURS) }
}

function toVerification(file: FleetFileDatabase, path: FieldPath, { reader, pricesOf }: Reading): VerificationPolicy {
  const { maxHours, maxCost, volumeGib, neverActs, logins } = file.verification ?? {}
  const { admin, migrator } = file.connections
  const pathOf = (index: number): FieldPath => [...path, 'logins', index, 'user']
  const declared = (logins ?? []).map(({ user, secret, tls, sql }, index): DeclaredLogin => {
    reader.roleOfAnApplication(user, pathOf(index), admin.user)
    return { user, secret, tls: tls ?? migrator.tls ?? 'require', sql: sql ?? null }
  })
  reader.unique(
    declared.map(({ user }) => user),
    pathOf,
  )
  const { cloud, region } = file
  const unpriced =
    pricesOf(file) === undefined ? `left out where prices has nothing for ${cloud} ${region}: nobody could keep it` : null
  const costMicrosMax = maxCost === undefined ? null : toLimit(maxCost, [...path, 'maxCost'], reader, unpriced)
  return {
    ...(maxHours !== undefined && { hoursMax: maxHours }),
    ...(costMicrosMax !== null && { costMicrosMax }),
    ...(volumeGib !== undefined && { volumeGib }),
    ...(neverActs !== undefined && { neverActs }),
    ...(logins !== undefined && { logins: declared }),
  }
}

function orNull<T>(value: T | null | undefined, otherwise: number | null, read: (value: T) => number): number | null {
  if (value === undefined) return otherwise
  return value === null ? null : read(value)
}

interface WholeUnit {
  readonly unitMs: number
  readonly min: number
  readonly max: number
  readonly rule: string
}
const MS: WholeUnit = { unitMs: 1, min: 1, max: SETTING_MS_MAX, rule: 'whole milliseconds, at most 24 days' }
const SECONDS: WholeUnit = { unitMs: 1_000, min: 0, max: BAKE_SECONDS_MAX, rule: 'whole seconds, at most a day' }
const HOURS: WholeUnit = { unitMs: 3_600_000, min: 1, max: RETENTION_HOURS_MAX, rule: 'whole hours, from 1h to 3650d' }

/** Reads what the schema cannot say, and gathers the problems. */
class FieldReader {
  readonly problems: FleetProblem[] = []
  readonly #source: FleetSource
  constructor(source: FleetSource) {
    this.#source = source
  }

  duration(text: string, path: FieldPath, unit: WholeUnit): number {
    const value = (parseDurationMs(text) ?? Number.NaN) / unit.unitMs
    if (Number.isInteger(value) && value >= unit.min && value <= unit.max) return value
    this.problems.push(wrongValue(this.#source, path, unit.rule))
    return unit.min
  }

  wrong(path: FieldPath, rule: string): void {
    this.problems.push(wrongValue(this.#source, path, rule))
  }

  /** PostgreSQL would cut a longer one, and perhaps find another of that name. */
  identifier(text: string, path: FieldPath): string {
    if (Buffer.byteLength(text) > IDENTIFIER_BYTES_MAX) this.problems.push(wrongValue(this.#source, path))
    return text
  }

  generations(file: Readonly<Record<string, unknown>>, path: FieldPath): GenerationPolicy {
    const { policy, problems } = parseGenerations(file)
    for (const { name, rule } of problems)
      this.problems.push(wrongValue(this.#source, name === null ? path : [...path, name], rule))
    return policy
  }

  /** A copy's master has another password than the instance's. */
  roleOfAnApplication(user: string, path: FieldPath, master: string): void {
    this.identifier(user, path)
    if (user === master)
      this.problems.push(wrongValue(this.#source, path, 'a role of an application: a copy keeps no password of its master'))
  }

  bytes(text: string, path: FieldPath): number {
    const value = parseBytes(text)
    if (value !== null && Number.isInteger(value)) return value
    this.problems.push(wrongValue(this.#source, path, 'a whole number of bytes, at most 8191TB'))
    return 0
  }

  unique(values: readonly string[], pathOf: (index: number) => FieldPath, another = 'another'): void {
    for (const [index, value] of values.entries()) {
      const first = values.indexOf(value)
      if (first === index) continue
      const other = this.#source.placeOf(pathOf(first))
      this.problems.push(
        wrongValue(this.#source, pathOf(index), `${another}, since ${showPath(pathOf(first))} on line ${other.line} is the same`),
      )
    }
  }
}
