/** The mechanics that a managed PostgreSQL is made of, with nothing around them: what the lab's clouds are measured against. */
import { join } from 'node:path'
import { backUp } from '../../lab/postgres/backup'
import { copyFolder } from '../../lab/postgres/copy'
import type { ServerSpec } from '../../lab/postgres/servers'
import { withAdministrator } from '../../lab/postgres/session'
import { ensureBinaries } from '../../pgserver/binaries'
import { initCluster, type RunningServer, startServer } from '../../pgserver/cluster'
import { ensureEnterable, giveToServer } from '../../pgserver/reach'
import { createFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import { cacheDir } from '../lab/fixture'
import { ADMINISTRATOR_PASSWORD, never, openMechanics } from '../lab/mechanics/fixture'

/** In milliseconds. */
export type Took = Record<'create' | 'back up' | 'restore' | 'restore to a moment' | 'promote' | 'promote and restart', number>

export interface Bare {
  round(n: number): Promise<Took>
  close(): Promise<void>
}

const DURABLE: Settings = process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}

export async function openBare(): Promise<Bare> {
  const lab = await openMechanics()
  const binaries = await ensureBinaries({ major: 17, cacheDir })
  const source = await lab.create('source', 17, { archive: 'source' })
  const folder = (name: string): string => join(lab.stateDir, 'instances', name)
  const asAdministrator = <Result>({ address: host }: ServerSpec, use: Parameters<typeof withAdministrator<Result>>[1]) => {
    const login = { user: 'labadmin', password: ADMINISTRATOR_PASSWORD, database: 'labadmin' }
    return withAdministrator({ host, port: lab.port, ...login, from: lab.options.administratorAddress }, use)
  }
  const serve = (name: string, address: string, settings: Settings = {}, recovered = false): Promise<RunningServer> => {
    const [dataDir, logFile] = [join(folder(name), 'data'), join(folder(name), 'log')]
    const all = { ...DURABLE, ...settings }
    return startServer({ binaries, dataDir, hosts: [address], port: lab.port, settings: all, logFile, recovered })
  }
  const copy = async (from: string, name: string): Promise<void> => {
    ensureEnterable(folder(name), serverUser())
    await copyFolder(join(lab.stateDir, 'snapshots', from, 'data'), join(folder(name), 'data'), { signal: never })
    giveToServer(join(folder(name), 'data'), serverUser())
  }
  return {
    async round(n) {
      const spare = lab.spec(`made-${n}`, 17)
      const running: RunningServer[] = []
      const create = await ms(async () => {
        const dataDir = join(folder(spare.folder), 'data')
        await initCluster({ binaries, dataDir, superuser: 'labadmin', password: ADMINISTRATOR_PASSWORD, walSegmentMib: 1 })
        running.push(await serve(spare.folder, spare.address))
      })
      const backup = join(lab.stateDir, 'snapshots', `bare-${n}`, 'data')
      const backedUp = await ms(() =>
        asAdministrator(source, (client) => backUp(client, join(folder('source'), 'data'), backup, never)),
      )
      const copied = lab.spec(`copied-${n}`, 17)
      const restore = await ms(async () => {
        await copy(`bare-${n}`, copied.folder)
        running.push(await serve(copied.folder, copied.address))
      })
      await lab.ask(source, `CREATE TABLE since_${n} ()`)
      await lab.servers.archiveUpToNow(source, never)
      const past = lab.spec(`past-${n}`, 17)
      const toAMoment = await ms(async () => {
        await copy(`bare-${n}`, past.folder)
        createFile(join(folder(past.folder), 'data', 'recovery.signal'), '', serverUser())
        const restore_command = `cp '${join(lab.stateDir, 'archives', 'source', 'data').replaceAll("'", `'\\''`).replaceAll('%', '%%')}'/"%f" "%p"`
        running.push(await serve(past.folder, past.address, { restore_command, hot_standby: 'off' }, true))
      })
      const reader = lab.spec(`reader-${n}`, 17)
      await lab.servers.createReplica(reader, source, never)
      const promote = await ms(() => asAdministrator(reader, (client) => client.query('SELECT pg_promote(true, 60)')))
      const restart = await ms(() => lab.servers.restart(reader))
      await Promise.all(running.map((server) => server.stop('immediate')))
      for (const one of [spare, copied, past, reader]) await lab.servers.remove(one.folder)
      await lab.servers.removeSnapshot(`bare-${n}`)
      return {
        create,
        'back up': backedUp,
        restore,
        'restore to a moment': toAMoment,
        promote,
        'promote and restart': promote + restart,
      }
    },
    close: () => lab.remove(),
  }
}

async function ms(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
