/** What the lab's API costs over the bare mechanics: creating, taking a snapshot and restoring through the vendor's SDK, profile instant,
 *  beside what each of them is made of, by turns in one run. `create, with roles` counts the roles and the database of RDS among the
 *  mechanics. Prints a table of paired ratios and promises nothing. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RDS } from '@aws-sdk/client-rds'
import { RDS as RDS_FLAVOUR } from '../../lab/aws/flavour'
import { defaultCacheDir } from '../../lab/config'
import { backUp } from '../../lab/postgres/backup'
import { copyFolder } from '../../lab/postgres/copy'
import { withAdministrator } from '../../lab/postgres/session'
import { scramVerifier } from '../../lab/postgres/verifier'
import { type Lab, startLab } from '../../lab/start'
import { ensureBinaries } from '../../pgserver/binaries'
import { initCluster, type RunningServer, startServer } from '../../pgserver/cluster'
import { isFree } from '../../pgserver/free-port'
import { ensureEnterable, giveToServer } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import { sdk } from '../lab/fixture'

const ROUNDS = 7
/** A poll through the SDK costs some 5 ms of processor: asked more often, the asking is what is measured. */
const POLL_MS = 50
const block = `127.${90 + (process.pid % 100)}.${process.pid % 251}`
const cacheDir = defaultCacheDir(process.env)
const { signal } = new AbortController()
const PASSWORD = 'correct-horse-battery'

let root: string
let lab: Lab
let rds: RDS
let port: number
const running: RunningServer[] = []

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'capstan-lab-bench-'))
  chmodSync(root, 0o711)
  lab = await startLab({ stateDir: join(root, 'state'), cacheDir, block, profile: 'instant' })
  rds = sdk(lab.api, lab.credentials.aws)
  port = lab.dataPort
  if (!(await isFree(`${block}.201`, port))) throw new Error(`port ${port} of ${block}.201 is taken`)
})
afterAll(async () => {
  await Promise.all(running.map((server) => server.stop('immediate')))
  await lab.stop()
  rmSync(root, { recursive: true, force: true })
})

async function ms(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const instanceIs = async (id: string): Promise<void> => {
  for (;;) {
    const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier: id })
    const status = DBInstances?.[0]?.DBInstanceStatus
    if (status === 'available') return
    if (status === 'failed' || status === 'incompatible-restore') throw new Error(`${id} is ${status}`)
    await sleep(POLL_MS)
  }
}

const throughTheLab = {
  async create(n: number) {
    await rds.createDBInstance({
      DBInstanceIdentifier: `i${n}`,
      Engine: 'postgres',
      EngineVersion: '15',
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      MasterUsername: 'boss',
      MasterUserPassword: PASSWORD,
      BackupRetentionPeriod: 0,
    })
    await instanceIs(`i${n}`)
  },
  async snapshot(n: number) {
    await rds.createDBSnapshot({ DBInstanceIdentifier: `i${n}`, DBSnapshotIdentifier: `s${n}` })
    for (;;) {
      const { DBSnapshots } = await rds.describeDBSnapshots({ DBSnapshotIdentifier: `s${n}` })
      if (DBSnapshots?.[0]?.Status === 'available') return await instanceIs(`i${n}`)
      await sleep(POLL_MS)
    }
  },
  async restore(n: number) {
    await rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: `r${n}`, DBSnapshotIdentifier: `s${n}` })
    await instanceIs(`r${n}`)
  },
}

const folder = (name: string): string => join(root, 'bare', name)
const binaries = () => ensureBinaries({ major: 15, cacheDir })
const settings = { shared_buffers: '64MB', recovery_init_sync_method: 'syncfs' }

async function serve(name: string, host: string): Promise<void> {
  const dataDir = join(folder(name), 'data')
  const logFile = join(folder(name), 'log')
  running.push(await startServer({ binaries: await binaries(), dataDir, hosts: [host], port, settings, logFile }))
}

const login = () => ({ host: `${block}.201`, port, user: 'boss', password: PASSWORD, database: 'postgres', from: '127.0.0.1' })

const bare = {
  async create(n: number) {
    await initCluster({
      binaries: await binaries(),
      dataDir: join(folder(`i${n}`), 'data'),
      superuser: 'boss',
      password: PASSWORD,
    })
    await serve(`i${n}`, `${block}.201`)
  },
  /** The roles and the database of RDS: part of creating, and of what a snapshot copies. */
  async bootstrap() {
    const master = { name: 'master', verifier: scramVerifier(PASSWORD), database: 'postgres' }
    await withAdministrator(login(), async (client) => {
      await client.query('CREATE ROLE rdsadmin SUPERUSER')
      for (const statement of RDS_FLAVOUR.bootstrap(master, 15)) await client.query(statement)
    })
  },
  async snapshot(n: number) {
    await withAdministrator(login(), (client) =>
      backUp(client, join(folder(`i${n}`), 'data'), join(folder(`s${n}`), 'data'), signal),
    )
  },
  async restore(n: number) {
    ensureEnterable(folder(`r${n}`), serverUser())
    await copyFolder(join(folder(`s${n}`), 'data'), join(folder(`r${n}`), 'data'), { signal })
    giveToServer(join(folder(`r${n}`), 'data'), serverUser())
    await serve(`r${n}`, `${block}.202`)
  },
}

async function clean(n: number): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop('immediate')))
  for (const id of [`i${n}`, `r${n}`]) await rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
  while ((await rds.describeDBInstances({})).DBInstances?.length) await sleep(POLL_MS)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const ROWS = ['create', 'create, with roles', 'snapshot', 'restore'] as const

test('lab', async () => {
  const pairs = Object.fromEntries(ROWS.map((row) => [row, [] as { lab: number; bare: number }[]]))
  for (let n = 0; n <= ROUNDS; n += 1) {
    // who is first changes by turns: the one after finds warm caches
    const turns = n % 2 === 0 ? (['bare', 'lab'] as const) : (['lab', 'bare'] as const)
    const took = { lab: {} as Record<string, number>, bare: {} as Record<string, number> }
    for (const work of ['create', 'snapshot', 'restore'] as const) {
      for (const side of turns) took[side][work] = await ms(() => (side === 'lab' ? throughTheLab : bare)[work](n))
      if (work !== 'create') continue
      took.bare['create, with roles'] = (took.bare.create ?? 0) + (await ms(() => bare.bootstrap()))
      took.lab['create, with roles'] = took.lab.create ?? 0
    }
    // the first round warms everything up
    if (n > 0) for (const row of ROWS) pairs[row]?.push({ lab: took.lab[row] ?? 0, bare: took.bare[row] ?? 0 })
    await clean(n)
  }
  const lines = ROWS.map((row) => {
    const found = pairs[row] ?? []
    const ratios = found.map((pair) => pair.lab / pair.bare)
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)]
    const figures = [median(found.map((pair) => pair.lab)), median(found.map((pair) => pair.bare))]
    const cells = figures.map((value) => value.toFixed(0).padStart(7)).join(' ')
    const best = Math.min(...found.map((pair) => pair.lab)) / Math.min(...found.map((pair) => pair.bare))
    return `${row.padEnd(20)}${cells}   ${median(ratios).toFixed(2)}  ${low.toFixed(2)} to ${high.toFixed(2)}  ${best.toFixed(2)}`
  })
  process.stdout.write(
    `\n${`${ROUNDS} pairs`.padEnd(20)} lab ms bare ms  ratio (median; spread; best over best)\n${lines.join('\n')}\n`,
  )
})
