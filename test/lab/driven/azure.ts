/** Simulated Azure through `@azure/arm-postgresql-flexible`. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgreSQLManagementFlexibleServerClient } from '@azure/arm-postgresql-flexible'
import { done, GROUP, sdk, trusted, wanted } from '../azure/fixture'
import { eventually } from '../fixture'
import { type DrivenCloud, type LabOfNow, PASSWORD } from './cloud'

export interface DrivenAzure extends DrivenCloud {
  readonly sdk: PostgreSQLManagementFlexibleServerClient
  /** Accepts what a poller began, which is waited for by `rested`. */
  begun(poller: Promise<Begun>): Promise<void>
  /** Of what was accepted last. */
  ended(): Promise<void>
}

type Begun = Awaited<Parameters<typeof done>[0]>

const LOCATION = 'eastus'

export function azureDriven(lab: LabOfNow): DrivenAzure {
  const azure = sdk(lab.ready.api, lab.ready.credentials.azure, undefined, 0)
  const { servers, backupsAutomaticAndOnDemand: backups } = azure
  const find = (name: string) => absent(servers.get(GROUP, name))
  const idOf = async (name: string) => (await servers.get(GROUP, name)).id!
  let last: Begun | undefined
  const begun = async (poller: Promise<Begun>): Promise<void> => {
    last = await poller
  }
  const reaches = async (id: string): Promise<void> => {
    await eventually(async () => (await servers.get(GROUP, id)).backup?.earliestRestoreDate)
  }
  const restoreAt = async (id: string, source: string, pointInTimeUTC: Date): Promise<void> => {
    await reaches(source)
    const sourceServerResourceId = await idOf(source)
    await begun(
      servers.beginCreateOrUpdate(GROUP, id, {
        location: LOCATION,
        createMode: 'PointInTimeRestore',
        sourceServerResourceId,
        pointInTimeUTC,
      }),
    )
  }
  return {
    name: 'azure',
    sdk: azure,
    begun,
    reaches,
    ended: async () => void (await done(Promise.resolve(last!))),
    create: (id) => begun(servers.beginCreateOrUpdate(GROUP, id, wanted({ version: '17' }))),
    changePassword: (id, administratorLoginPassword) => begun(servers.beginUpdate(GROUP, id, { administratorLoginPassword })),
    restart: (id) => begun(servers.beginRestart(GROUP, id)),
    stop: (id) => begun(servers.beginStop(GROUP, id)),
    start: (id) => begun(servers.beginStart(GROUP, id)),
    remove: (id) => begun(servers.beginDelete(GROUP, id)),
    backUp: (id, backup) => begun(backups.beginCreate(GROUP, id, backup)),
    removeBackup: (id, backup) => begun(backups.beginDelete(GROUP, id, backup)),
    hasBackup: async (id, backup) => (await absent(backups.get(GROUP, id, backup)))?.completedTime !== undefined,
    async restore(id, source, backup) {
      const { completedTime } = await backups.get(GROUP, source, backup)
      await restoreAt(id, source, new Date(completedTime!))
    },
    restoreToTime: restoreAt,
    async replicate(id, source) {
      const sourceServerResourceId = await idOf(source)
      await begun(servers.beginCreateOrUpdate(GROUP, id, { location: LOCATION, createMode: 'Replica', sourceServerResourceId }))
    },
    promote: (id) =>
      begun(servers.beginUpdate(GROUP, id, { replica: { role: 'None', promoteMode: 'Standalone', promoteOption: 'Planned' } })),
    async rested(id) {
      for (;;) {
        const state = (await find(id))?.state
        if (state === undefined) return undefined
        if (state === 'Stopped') return 'stopped'
        if (state === 'Ready') {
          // one that still does something refuses even to be changed into what it is
          const change = servers.beginUpdate(GROUP, id, {})
          if (await done(change).then(() => true, isBusy)) return 'ready'
        }
        await sleep(30)
      }
    },
    letIn: (id) =>
      begun(
        azure.firewallRules.beginCreateOrUpdate(GROUP, id, 'tests', {
          startIpAddress: `${lab.block}.2`,
          endIpAddress: `${lab.block}.2`,
        }),
      ),
    describe: (id) => servers.get(GROUP, id),
    async list() {
      const found: unknown[] = []
      for await (const server of servers.listByResourceGroup(GROUP)) found.push(server)
      return found
    },
    async login(id, password = PASSWORD) {
      const { fullyQualifiedDomainName: host } = await servers.get(GROUP, id)
      return { host: host!, port: lab.ready.dataPort, user: 'boss', password, database: 'postgres', ssl: trusted(lab) }
    },
  }
}

/** False, for one that is to be asked again. */
function isBusy(error: { code?: string; statusCode?: number }): boolean {
  if (error.code === 'ServerIsBusy' || error.statusCode === 404) return false
  throw error
}

async function absent<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined
    throw error
  }
}
