/** Every operation that changes something, in an order in which each finds what it needs, and how to see that it was done. */
import type { ClientConfig } from 'pg'
import { type DrivenCloud, PASSWORD } from '../driven/cloud'
import { connect, eventually } from '../fixture'
import type { Journal } from './journal'

export interface Operation {
  readonly name: string
  /** Resolves when it was accepted. */
  begin(): Promise<void>
  /** Whether it was done, once nothing is under way. Throws, too, where it was not. */
  holds(): Promise<boolean>
  /** Of which instances it has to be seen that they rest. */
  readonly of: readonly string[]
  /** About how long it is under way: the kill strikes within that. */
  readonly lastsMs: number
}

export const OTHER_PASSWORD = 'Another-Horse-8'

export interface Scene {
  readonly cloud: DrivenCloud
  /** Of `shop`, which is there. */
  readonly journal: Journal
  /** The tests' address. */
  readonly from: string
}

/** As the master. */
export async function ask<Row extends object>({ from }: Scene, login: ClientConfig, sql: string): Promise<Row[]> {
  const client = await connect(from, { ...login, connectionTimeoutMillis: 10_000 })
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

export async function answers(scene: Scene, id: string, password = PASSWORD): Promise<boolean> {
  await scene.cloud.letIn(id)
  await scene.cloud.rested(id)
  const rows = await ask<{ one: number }>(scene, await scene.cloud.login(id, password), 'SELECT 1 AS one')
  return rows[0]?.one === 1
}

/** `shop` is there; afterwards `past` is, too, as it was at a moment. */
export function commonOperations(scene: Scene): readonly Operation[] {
  const { cloud, journal } = scene
  let moment = new Date()
  let backedUpFrom = new Date()
  const is = async (id: string, state: string) => (await cloud.rested(id)) === state
  /** As `shop` was then. */
  const isAsOf = async (id: string, until?: Date): Promise<boolean> => {
    await answers(scene, id)
    const faults = await journal.faultsOf(await cloud.login(id), until)
    if (faults.length > 0) throw new Error(`${id}: ${faults.slice(0, 5).join('; ')}`)
    return true
  }
  const overwrites = cloud.name === 'gcp'
  return [
    op(
      'create',
      ['fresh'],
      1_200,
      () => cloud.create('fresh'),
      () => answers(scene, 'fresh'),
    ),
    op(
      'change the password',
      ['fresh'],
      150,
      () => cloud.changePassword('fresh', OTHER_PASSWORD),
      () => answers(scene, 'fresh', OTHER_PASSWORD),
    ),
    op(
      'restart',
      ['fresh'],
      500,
      () => cloud.restart('fresh'),
      () => answers(scene, 'fresh', OTHER_PASSWORD),
    ),
    op(
      'stop',
      ['fresh'],
      400,
      () => cloud.stop('fresh'),
      () => is('fresh', 'stopped'),
    ),
    op(
      'start',
      ['fresh'],
      500,
      () => cloud.start('fresh'),
      () => answers(scene, 'fresh', OTHER_PASSWORD),
    ),
    op(
      'back up',
      ['shop'],
      800,
      async () => {
        backedUpFrom = new Date()
        await cloud.backUp('shop', 'kept')
      },
      () => cloud.hasBackup('shop', 'kept'),
    ),
    ...(overwrites
      ? []
      : [
          op(
            'remove',
            ['fresh'],
            400,
            () => cloud.remove('fresh'),
            async () => (await cloud.rested('fresh')) === undefined,
          ),
        ]),
    op(
      'restore',
      ['fresh'],
      1_000,
      () => cloud.restore('fresh', 'shop', 'kept'),
      async () => {
        await answers(scene, 'fresh')
        const faults = await journal.faultsOf(await cloud.login('fresh'), backedUpFrom)
        // how far beyond its beginning a backup reaches is its own affair
        return faults.every((fault) => !fault.includes('lost'))
      },
    ),
    op(
      'remove a restored copy',
      ['fresh'],
      400,
      () => cloud.remove('fresh'),
      async () => (await cloud.rested('fresh')) === undefined,
    ),
    op(
      'restart under load',
      ['shop'],
      500,
      () => cloud.restart('shop'),
      () => answers(scene, 'shop'),
    ),
    op(
      'restore to a moment',
      ['past', 'shop'],
      1_800,
      async () => {
        moment = new Date()
        await journal.reaches(3)
        await cloud.restoreToTime('past', 'shop', moment)
      },
      () => isAsOf('past', moment),
    ),
    op(
      'replicate',
      ['reader', 'shop'],
      1_200,
      () => cloud.replicate('reader', 'shop'),
      () => follows(scene, 'reader'),
    ),
    op(
      'promote',
      ['reader', 'shop'],
      600,
      () => cloud.promote('reader'),
      () => writes(scene, 'reader'),
    ),
    op(
      'remove a promoted replica',
      ['reader'],
      400,
      () => cloud.remove('reader'),
      async () => (await cloud.rested('reader')) === undefined,
    ),
    op(
      'remove a backup',
      ['shop'],
      200,
      () => cloud.removeBackup('shop', 'kept'),
      async () => !(await cloud.hasBackup('shop', 'kept')),
    ),
  ]
}

export function op(
  name: string,
  of: readonly string[],
  lastsMs: number,
  begin: () => Promise<void>,
  holds: () => Promise<boolean>,
): Operation {
  return { name, of, lastsMs, begin, holds }
}

/** Whether it gets what is committed to `shop` from now on. */
async function follows(scene: Scene, id: string): Promise<boolean> {
  const { cloud, journal } = scene
  await answers(scene, id)
  const login = await cloud.login(id)
  const before = Math.max(...(await journal.read(await cloud.login('shop'))))
  await journal.reaches(2)
  await eventually(async () => Math.max(...(await journal.read(login))) > before || undefined)
  return true
}

export async function writes(scene: Scene, id: string): Promise<boolean> {
  await answers(scene, id)
  await ask(scene, await scene.cloud.login(id), 'CREATE TABLE IF NOT EXISTS own (n int)')
  return true
}
