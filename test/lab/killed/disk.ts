/** What the lab has written down beside what lies on its disk and runs: nothing that is named may be missing, and nothing may be there
 *  that no record names. Reads the lab's own memory, since no cloud's API tells about folders. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabState } from '../../../lab/state'
import { processesNaming } from '../../support/processes'

interface Named {
  /** Those of servers that are there; those of servers that are still to be made may be missing. */
  readonly instances: readonly string[]
  readonly snapshots: readonly string[]
  readonly archives: readonly string[]
}

const KNOWN_FILES = ['lab.json', 'credentials.json', 'calls.jsonl', 'lab.lock', 'ca.crt', 'ca.key', 'aws', 'azure', 'gcp']

export function readState(stateDir: string): LabState {
  return JSON.parse(readFileSync(join(stateDir, 'lab.json'), 'utf8')) as LabState
}

/** Of everything that the lab has promised and not done yet, in words. */
export function underWay({ aws, azure, gcp }: LabState): string[] {
  const resources = [
    aws.instances,
    aws.snapshots,
    aws.clusters,
    aws.deployments,
    azure.servers,
    gcp.instances,
    gcp.backups,
  ].flatMap((all) => Object.entries(all as Record<string, { tasks: readonly { kind: string }[] }>))
  return resources.flatMap(([name, { tasks }]) => tasks.map(({ kind }) => `${kind} ${name}`))
}

/** What is wrong, in words; empty when state and disk agree. To be asked when nothing is under way. */
export function disagreements(stateDir: string, labPid: number): string[] {
  const state = readState(stateDir)
  const found = Object.entries(namedBy(state)).flatMap(([cloud, named]) => disagreementsOf(join(stateDir, cloud), cloud, named))
  const strange = readdirSync(stateDir).filter((name) => !KNOWN_FILES.includes(name))
  const instances = Object.entries(namedBy(state)).flatMap(([cloud, named]) =>
    named.instances.map((folder) => join(stateDir, cloud, 'instances', folder, 'data')),
  )
  const stray = processesNaming(stateDir)
    .filter((pid) => pid !== labPid)
    .map(commandOf)
    .filter((command) => command !== '' && !instances.some((folder) => command.includes(folder)))
  return [
    ...found,
    ...strange.map((name) => `${name} lies in the state folder`),
    ...stray.map((command) => `nobody knows of: ${command}`),
  ]
}

function disagreementsOf(folder: string, cloud: string, named: Named): string[] {
  return (['instances', 'snapshots', 'archives'] as const).flatMap((kind) => {
    const place = join(folder, kind)
    const there = existsSync(place) ? readdirSync(place) : []
    const missing = named[kind].filter((name) => !isWhole(join(place, name, 'data'), kind))
    const orphans = there.filter((name) => !named[kind].includes(name))
    return [
      ...missing.map((name) => `${cloud}: ${kind}/${name} is missing, or not whole`),
      ...orphans.map((name) => `${cloud}: ${kind}/${name} is named by nothing`),
    ]
  })
}

function isWhole(data: string, kind: keyof Named): boolean {
  if (kind === 'archives') return existsSync(data)
  const wanted =
    kind === 'instances' ? ['PG_VERSION', 'global/pg_control'] : ['backup_label', 'global/pg_control', '../backup.json']
  return wanted.every((name) => existsSync(join(data, name)))
}

function namedBy({ aws, azure, gcp }: LabState): Record<'aws' | 'azure' | 'gcp', Named> {
  const servers = Object.values(azure.servers)
  const instances = Object.values(gcp.instances)
  const clusters = Object.values(aws.clusters)
  const owners = [...Object.values(aws.instances), ...clusters, ...Object.values(aws.retained)]
  const pointInTime = instances.filter(({ settings }) => settings.backupConfiguration.pointInTimeRecoveryEnabled)
  return {
    aws: {
      instances: [...Object.values(aws.instances).map(({ folder }) => folder), ...clusters.flatMap(({ volume }) => volume ?? [])],
      snapshots: [...Object.values(aws.snapshots).map(({ folder }) => folder), ...aws.doomed.snapshots],
      archives: [...owners.flatMap(({ archive }) => archive ?? []), ...aws.doomed.archives],
    },
    azure: {
      instances: servers.map(({ folder }) => folder),
      snapshots: servers.flatMap(({ backups }) => Object.values(backups).map(({ folder }) => folder)),
      archives: servers.map(({ archive }) => archive),
    },
    gcp: {
      instances: instances.map(({ folder }) => folder),
      snapshots: Object.values(gcp.backups).map(({ folder }) => folder),
      archives: pointInTime.map(({ folder }) => folder),
    },
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return '' // it ended meanwhile
  }
}
