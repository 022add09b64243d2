/** What is done to servers at a time of its own: a full backup each day, at the time of day at which the server was made, and the start of one
 *  that was stopped for seven days. Sources: "Backup and restore", "Stop/start an Azure Database for PostgreSQL flexible server". */
import { nextDaily, Schedule } from '../schedule'
import { type AzureCloud, isSwapped } from './cloud'
import type { AzureServer, AzureState, Job } from './state'
import { addAutomaticBackup, lastAutomatic } from './window'

const STOPPED_MAX_MS = 7 * 86_400_000

export function serverSchedule(state: AzureState, cloud: () => AzureCloud): Schedule<AzureServer> {
  return new Schedule<AzureServer>({
    all: () => Object.values(state.servers),
    at: (server) => dueAt(state, server),
    act: (server) => act(cloud(), server),
    log: (line) => cloud().log(line),
  })
}

/** What starts a stopped server: one that cannot follow its primary any more is made anew. */
export function startOf({ outdated, replicaOf }: AzureServer): Job {
  return outdated && replicaOf !== null ? { kind: 'replicate', source: replicaOf } : { kind: 'start' }
}

function dueAt(azure: AzureState, server: AzureServer): number | undefined {
  const { state, stoppedAt, createdAt, replicaOf, tasks } = server
  // what is under way may be the very thing
  if (tasks.length > 0 || isSwapped(azure, server)) return undefined
  if (state === 'Stopped') return stoppedAt === undefined ? undefined : Date.parse(stoppedAt) + STOPPED_MAX_MS
  // who follows has no backups
  if (state !== 'Ready' || createdAt === null || replicaOf !== null) return undefined
  const last = lastAutomatic(server)
  return last === undefined ? Date.parse(createdAt) : nextDaily(createdAt.slice(11, 16), Date.parse(last))
}

async function act(cloud: AzureCloud, server: AzureServer): Promise<void> {
  if (server.state === 'Stopped') return await startStopped(cloud, server)
  server.tasks.push({ kind: 'back-up', backup: addAutomaticBackup(server), operation: null })
  await cloud.save()
  cloud.tasks.wake(server)
}

/** Nobody asked for it. */
export async function startStopped(cloud: AzureCloud, server: AzureServer): Promise<void> {
  server.state = 'Starting'
  server.tasks.push({ ...startOf(server), operation: null })
  await cloud.save()
  cloud.tasks.wake(server)
}
