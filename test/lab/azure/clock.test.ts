/** What simulated Azure does by the clock: a backup each day, what they are kept for, and the start of what was stopped for too long. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AzureState } from '../../../lab/azure/state'
import { whileDown } from '../fixture'
import { type AzureLab, createServer, done, eventually, GROUP, openAzure, openFirewall, query } from './fixture'

const DAY_MS = 86_400_000
let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
  await createServer(lab, 'shop')
  await openFirewall(lab, 'shop')
  await eventually(async () => ((await backups()).length === 1 ? true : undefined))
})
afterAll(() => lab.remove())

async function backups() {
  const found = []
  for await (const one of lab.azure.backupsAutomaticAndOnDemand.listByServer(GROUP, 'shop')) found.push(one)
  return found.sort((a, b) => a.completedTime!.getTime() - b.completedTime!.getTime())
}

/** Every moment that the lab wrote down of the server is so much longer ago. */
const passes = (ms: number) =>
  whileDown<{ azure: AzureState }>(lab, ({ azure }) => {
    const server = azure.servers.shop!
    const earlier = (at: string) => new Date(Date.parse(at) - ms).toISOString()
    server.createdAt = earlier(server.createdAt!)
    if (server.stoppedAt !== undefined) server.stoppedAt = earlier(server.stoppedAt)
    for (const backup of Object.values(server.backups)) backup.completedAt = earlier(backup.completedAt!)
  })

const folders = () => readdirSync(join(lab.stateDir, 'azure', 'snapshots')).length

test('a full backup is taken each day, at the time of day at which the server was made', async () => {
  await passes(DAY_MS - 3_600_000)
  expect(await backups()).toHaveLength(1)
  await passes(3_600_000)
  const two = await eventually(async () => {
    const found = await backups()
    return found.length === 2 ? found : undefined
  })
  expect(two).toMatchObject([
    { backupType: 'Full', source: 'Automatic' },
    { backupType: 'Full', source: 'Automatic', name: expect.stringMatching(/^backup_\d+$/) },
  ])
  expect(Date.now() - two[1]!.completedTime!.getTime()).toBeLessThan(DAY_MS / 2)
  // one is enough for a day
  await lab.restart()
  expect(await backups()).toHaveLength(2)
})

test('what no moment within the retention needs goes with the next one', async () => {
  await passes(8 * DAY_MS)
  const left = await eventually(async () => {
    const found = await backups()
    return found.length === 2 && found.at(-1)!.completedTime!.getTime() > Date.now() - DAY_MS ? found : undefined
  })
  // the newest from before the window stays: its beginning is reached from it
  expect(Date.now() - left[0]!.completedTime!.getTime()).toBeGreaterThan(7 * DAY_MS)
  expect(folders()).toBe(2)
})

test('a stopped server is left alone for seven days, without backups, and starts by itself then', async () => {
  await done(lab.azure.servers.beginStop(GROUP, 'shop'))
  await passes(7 * DAY_MS - 3_600_000)
  expect((await lab.azure.servers.get(GROUP, 'shop')).state).toBe('Stopped')
  const before = folders()
  await passes(3_600_000)
  const server = await eventually(async () => {
    const found = await lab.azure.servers.get(GROUP, 'shop')
    return found.state === 'Ready' ? found : undefined
  })
  expect(await query(lab, server, 'SELECT 1 AS one', { user: 'boss' })).toEqual([{ one: 1 }])
  // the one that was due meanwhile is made up for
  await eventually(async () => ((await backups()).at(-1)!.completedTime!.getTime() > Date.now() - DAY_MS ? true : undefined))
  expect(folders()).toBeLessThanOrEqual(before + 1)
})
