/** What the lab's mechanics cost beside a plain copy of the same data and the start of a server on it, by turns in one run: a restore of
 *  a snapshot, a restore to a moment (its copy recovers closed, promotes, and is started again), a replica (its primary is backed up for
 *  it), its promotion, and a switchover of the two. Prints a table of paired ratios and promises nothing. */
import { join } from 'node:path'
import { copyFolder } from '../../lab/postgres/copy'
import type { ServerSpec } from '../../lab/postgres/servers'
import { ensureBinaries } from '../../pgserver/binaries'
import { startServer } from '../../pgserver/cluster'
import { ensureEnterable, giveToServer } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import { cacheDir } from '../lab/fixture'
import { type Mechanics, never, openMechanics } from '../lab/mechanics/fixture'

const ROUNDS = 7
const ROWS = ['restore', 'restore to a moment', 'create a replica', 'switch over', 'promote'] as const
type Row = (typeof ROWS)[number]

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

async function ms(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** The copy and the start, with nothing around them. */
async function bare(n: number, address: string): Promise<number> {
  const folder = join(lab.stateDir, 'instances', `bare-${n}`)
  const dataDir = join(folder, 'data')
  const binaries = await ensureBinaries({ major: 17, cacheDir })
  let stop = async (): Promise<void> => {}
  const took = await ms(async () => {
    ensureEnterable(folder, serverUser())
    await copyFolder(join(lab.stateDir, 'snapshots', 'base', 'data'), dataDir, { signal: never })
    giveToServer(dataDir, serverUser())
    const settings = { recovery_init_sync_method: 'syncfs' }
    const server = await startServer({
      ...{ binaries, dataDir, settings, hosts: [address], port: lab.port, logFile: join(folder, 'log') },
    })
    stop = () => server.stop('immediate')
  })
  await stop()
  await lab.servers.remove(`bare-${n}`)
  return took
}

async function mechanics(n: number, source: ServerSpec): Promise<Record<Row, number>> {
  const { servers } = lab
  const [copy, past] = [lab.spec(`copy-${n}`, 17), lab.spec(`past-${n}`, 17, { archive: `past-${n}` })]
  const replica = lab.spec(`replica-${n}`, 17, { replicaOf: source })
  const took = {
    restore: await ms(() => servers.restore(copy, 'base', never)),
    'restore to a moment': await ms(() =>
      servers.restoreToTime(past, { backup: 'base', archive: 'source', target: 'latest', signal: never }),
    ),
    'create a replica': await ms(() => servers.createReplica(replica, source, never)),
    'switch over': await ms(() => servers.switchOver(source, replica, never)),
  }
  // and back, so that the next round finds what this one did
  const { replicaOf: _, ...writer } = replica
  await servers.switchOver(writer, { ...source, replicaOf: writer }, never)
  const promote = await ms(() => servers.promote(replica))
  for (const { folder } of [copy, past, replica]) await servers.remove(folder)
  return { ...took, promote }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

test('lab mechanics', async () => {
  const source = await lab.create('source', 17, { archive: 'source' })
  await lab.ask(source, 'CREATE TABLE stock AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 100000) g')
  await lab.servers.snapshot(source, 'base', never)
  await lab.ask(source, 'UPDATE stock SET name = upper(name)')
  await lab.servers.archiveUpToNow(source, never)
  const spare = lab.spec('spare', 17)
  const pairs: { bare: number; took: Record<Row, number> }[] = []
  for (let n = 0; n <= ROUNDS; n += 1) {
    // who is first changes by turns: the one after finds warm caches
    const first = n % 2 === 0 ? await bare(n, spare.address) : undefined
    const took = await mechanics(n, source)
    const pair = { bare: first ?? (await bare(n, spare.address)), took }
    // the first round warms everything up
    if (n > 0) pairs.push(pair)
  }
  const lines = ROWS.map((row) => {
    const ratios = pairs.map((pair) => pair.took[row] / pair.bare)
    const figures = [median(pairs.map((pair) => pair.took[row])), median(pairs.map((pair) => pair.bare))]
    const cells = figures.map((value) => value.toFixed(0).padStart(7)).join(' ')
    return `${row.padEnd(20)}${cells}   ${median(ratios).toFixed(2)}  ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  })
  process.stdout.write(
    `\n${`${ROUNDS} pairs`.padEnd(20)} lab ms bare ms  ratio to copy and start (median; spread)\n${lines.join('\n')}\n`,
  )
})
