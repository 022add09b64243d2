/** What the whole lab costs, all three clouds through the vendors' SDKs in the profile instant: operations beside the bare mechanics of
 *  PostgreSQL in the same round, questions a second, memory, and starts. Prints tables and promises nothing.
 *  Bare is: initdb and a start; a base backup brought to disk; a copy and a start; a copy and a start that replays the log to a moment; a
 *  promotion by SQL. A cloud does more: roles, networks, a first backup of what it made, a second start without a trace of the recovery. What of it
 *  is a cloud's manner and not the lab's cost is told by the rows without backups, and by RDS's promotion, which restarts, beside one that does. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrivenCloud } from '../lab/driven/cloud'
import { type DrivenClouds, drivenClouds } from '../lab/driven/clouds'
import { fourInstances } from '../lab/driven/four-instances'
import { cacheDir } from '../lab/fixture'
import { compileLab, type LabProcess, startLabProcess } from '../lab/process'
import { memoryOfAll } from '../support/memory'
import { processesNaming } from '../support/processes'
import { type Bare, openBare, type Took } from './bare-postgres'

const ROUNDS = 5
const ASKERS = 4
const ASKED_MS = 2_000
const block = `127.${90 + (process.pid % 100)}.${process.pid % 251}`
const MIB = 1024 * 1024

let root: string
let stateDir: string
let main: string
let lab: LabProcess
let clouds: DrivenClouds
let bare: Bare

const start = () => startLabProcess(main, ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', 'instant'])

async function startAgain(): Promise<void> {
  lab = await start()
}

async function stopLab(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  lab.child.kill(signal)
  await lab.exited
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'capstan-lab-figures-'))
  stateDir = join(root, 'state')
  chmodSync(root, 0o755)
  main = compileLab(join(root, 'code'))
  lab = await start()
  clouds = drivenClouds({ block, stateDir, ready: lab.ready })
  bare = await openBare()
}, 120_000)
afterAll(async () => {
  await bare.close()
  await stopLab('SIGTERM')
  rmSync(root, { recursive: true, force: true })
}, 60_000)

async function ms(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** As soon as the cloud says so: Azure's own operation, the others' states. */
const waitsFor = (cloud: DrivenCloud, id: string): Promise<unknown> =>
  cloud.name === 'azure' ? clouds.azure.ended() : cloud.rested(id)

/** What is measured, and which bare mechanics it stands beside. */
const ROWS = [
  ['create', 'create'],
  ['create without backups', 'create'],
  ['back up', 'back up'],
  ['restore', 'restore'],
  ['restore to a moment', 'restore to a moment'],
  ['promote', 'promote'],
  ['promote without backups', 'promote and restart'],
] as const satisfies readonly (readonly [string, keyof Took])[]
/** In milliseconds; left out where the cloud has nothing of the kind. */
type Figures = Partial<Record<(typeof ROWS)[number][0], number>>

async function throughTheCloud(cloud: DrivenCloud): Promise<Figures> {
  const timed = async (id: string, begin: () => Promise<void>): Promise<number> => {
    const took = await ms(async () => {
      await begin()
      await waitsFor(cloud, id)
    })
    await cloud.rested(id)
    return took
  }
  const create = await timed('source', () => cloud.create('source'))
  const plain = cloud.createWithoutBackups && (await timed('plain', () => cloud.createWithoutBackups!('plain')))
  const backUp = await timed('source', () => cloud.backUp('source', 'kept'))
  await cloud.hasBackup('source', 'kept')
  if (cloud.name === 'gcp') {
    await cloud.create('copy')
    await cloud.rested('copy')
  }
  const restore = await timed('copy', () => cloud.restore('copy', 'source', 'kept'))
  const at = new Date()
  await sleep(300)
  await cloud.reaches('source', at)
  const toAMoment = await timed('past', () => cloud.restoreToTime('past', 'source', at))
  await cloud.replicate('reader', 'source')
  await cloud.rested('reader')
  const promote = await timed('reader', () => cloud.promote('reader'))
  let promotePlain: number | undefined
  if (cloud.promoteWithoutBackups) {
    await cloud.replicate('other', 'source')
    await cloud.rested('other')
    promotePlain = await timed('other', () => cloud.promoteWithoutBackups!('other'))
  }
  await cloud.removeBackup('source', 'kept')
  await cloud.rested('source')
  const made = [
    'copy',
    'past',
    'reader',
    ...(plain === undefined ? [] : ['plain']),
    ...(promotePlain === undefined ? [] : ['other']),
  ]
  for (const id of [...made, 'source']) {
    await cloud.remove(id)
    await cloud.rested(id)
  }
  return {
    ...{ create, 'back up': backUp, restore, 'restore to a moment': toAMoment, promote },
    ...(plain !== undefined && { 'create without backups': plain }),
    ...(promotePlain !== undefined && { 'promote without backups': promotePlain }),
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const print = (lines: readonly string[]): void => void process.stdout.write(`\n${lines.join('\n')}\n`)

test('operations', async () => {
  const rounds: { bare: Took; aws: Figures; azure: Figures; gcp: Figures }[] = []
  for (let n = 0; n <= ROUNDS; n += 1) {
    const round = {
      bare: await bare.round(n),
      aws: await throughTheCloud(clouds.aws),
      azure: await throughTheCloud(clouds.azure),
      gcp: await throughTheCloud(clouds.gcp),
    }
    // the first round warms everything up
    if (n > 0) rounds.push(round)
  }
  const cells = ROWS.map(([row, mechanics]) => {
    const base = median(rounds.map(({ bare }) => bare[mechanics]))
    const others = (['aws', 'azure', 'gcp'] as const).map((name) => {
      const took = rounds.flatMap(({ bare, [name]: { [row]: figure } }) =>
        figure === undefined ? [] : [[figure, figure / bare[mechanics]] as const],
      )
      if (took.length === 0) return '       -     -'
      const [figure, ratio] = [median(took.map(([one]) => one)), median(took.map(([, one]) => one))]
      return `${figure.toFixed(0).padStart(8)} ${ratio.toFixed(2).padStart(5)}`
    })
    return `${row.padEnd(24)}${base.toFixed(0).padStart(8)} ${others.join(' ')}`
  })
  print([`${`median of ${ROUNDS}`.padEnd(25)}bare ms   aws ms ratio azure ms ratio   gcp ms ratio`, ...cells])
}, 900_000)

test('questions, memory and starts', async () => {
  await stopLab('SIGTERM')
  const empty = []
  for (let n = 0; n < ROUNDS; n += 1) {
    empty.push(await ms(startAgain))
    if (n < ROUNDS - 1) await stopLab('SIGTERM')
  }
  clouds = drivenClouds({ block, stateDir, ready: lab.ready })
  await Promise.all(Object.values(clouds).map(fourInstances))
  const lines = []
  for (const cloud of Object.values(clouds)) {
    const asked = [await perSecond(() => cloud.describe('writer')), await perSecond(() => cloud.list())]
    lines.push(`${cloud.name.padEnd(20)}${asked.map((rate) => rate.toFixed(0).padStart(9)).join('')}`)
  }
  print([`a second, by ${ASKERS}      describe     list`, ...lines])
  const all = memoryOfAll(processesNaming(stateDir))
  const servers = memoryOfAll(processesNaming(stateDir).filter((pid) => pid !== lab.child.pid))
  const restarts = []
  await stopLab('SIGKILL')
  restarts.push(await ms(startAgain))
  await stopLab('SIGTERM')
  restarts.push(await ms(startAgain))
  print([
    ...(all === null || servers === null
      ? ['memory: this system does not say']
      : [
          `memory of an idle instance   ${(servers / 12 / MIB).toFixed(1)} MiB`,
          `memory of the lab itself     ${((all - servers) / MIB).toFixed(0)} MiB`,
        ]),
    `start of an empty lab        ${median(empty).toFixed(0)} ms`,
    `with 12 running instances    ${restarts[0]?.toFixed(0)} ms`,
    `with 12 stopped instances    ${restarts[1]?.toFixed(0)} ms`,
  ])
}, 900_000)

async function perSecond(ask: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + ASKED_MS
  const counts = await Promise.all(
    Array.from({ length: ASKERS }, async () => {
      let count = 0
      for (; performance.now() < until; count += 1) await ask()
      return count
    }),
  )
  return counts.reduce((a, b) => a + b, 0) / (ASKED_MS / 1_000)
}
