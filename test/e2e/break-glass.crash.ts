/** The control plane stands still, or is killed, right behind the fence: a person finishes the switchover, or takes it back, with the command line and both databases
 *  alone; and whoever wakes up again, or comes in its place, may do nothing more. One stack for all: each test goes on from where the one before left both. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BreakGlassPapers } from '../../contracts/break-glass'
import { ByHand } from '../support/by-hand'
import { freezeControlPlane, type MortalControlPlane, mortalControlPlane } from '../support/control-plane'
import { until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching
let hand: ByHand
let mortal: MortalControlPlane
let thaw: () => void = () => undefined

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
  mortal = mortalControlPlane(it.capstan)
  hand = new ByHand(it, { CAPSTAN_PAPERS: join(it.capstan.dir, 'state', 'papers') })
})
afterAll(async () => {
  thaw()
  await it?.close()
})

/** One that is killed as soon as it says that it has begun this step. */
async function killedAt(step: string, operation: string): Promise<void> {
  const journal = hand.journal(operation)
  const child: ChildProcess = spawn(
    process.execPath,
    [join(__dirname, '../../bin/capstan.js'), ...hand.words('finish', operation)],
    {
      env: { ...process.env, ...hand.env },
      stdio: 'ignore',
    },
  )
  const ended = once(child, 'exit')
  const begun = () => existsSync(journal) && readFileSync(journal, 'utf8').includes(`"step":"${step}"`)
  try {
    await until(`the step ${step}`, async () => begun() || child.exitCode !== null, 5)
    expect(begun()).toBe(true)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

const OVERTAKEN = 'was overtaken by'

test('taken back by hand, the source goes on and the standby follows; the worker that wakes up is refused', async () => {
  await hand.behindTheFence('back', async () => {
    thaw = freezeControlPlane(it.capstan)
  })
  expect((await hand.standing('back')).standing.stage).toBe('closed')
  // somebody began to finish it, and thought better of it
  await killedAt('again', 'back')
  const { exit, json, err } = await hand.run('revert', 'back')
  expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'revert', endpoint: { moved: true } } })
  await it.writesGoOn()
  expect((await hand.run('revert', 'back')).exit).toBe(0)
  expect((await hand.run('finish', 'back')).exit).toBe(3)
  thaw()
  await hand.reconciled('back', 'reverted-by-hand', OVERTAKEN)
  await it.isFollowing('stock', it.pair.name)
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source'])
})

test('worker, Temporal and ledger are killed: finished by hand, killed on the way and begun again, writing is at the standby and nowhere else; the next worker is refused', async () => {
  await hand.behindTheFence('onward', mortal.kill)
  await killedAt('cross', 'onward')
  const { exit, json, err } = await hand.run('finish', 'onward')
  expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'finish', endpoint: { moved: true } } })
  await it.writesGoOn()
  expect((await hand.run('finish', 'onward')).exit).toBe(0)
  const { exit: refused, out } = await hand.run('revert', 'onward')
  expect({ refused, code: JSON.parse(out).error?.code ?? out }).toMatchObject({ refused: 3 })
  const { standing, papers } = await hand.standing('onward')
  expect(standing.stage).toBe('turned')
  await saysDone(papers)
  await mortal.comeBack()
  await hand.reconciled('onward', 'succeeded-by-hand', OVERTAKEN)
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby'])
  await it.isFollowing(it.pair.name, 'stock')
})

/** What the papers ask, on each side: that all of the way is done. */
async function saysDone({ forward }: BreakGlassPapers): Promise<void> {
  const asked = forward.filter(({ done, where }) => done !== undefined && !where.includes('capstan_fence'))
  const undone = ['back-off', 'forward-on', 'let-own-in']
  for (const { id, done = '', where } of asked.filter((step) => !undone.includes(step.id))) {
    const on = where.startsWith('source') ? it.pair.onSource : it.pair.onStandby
    const [row] = await on<Record<string, boolean>>(done)
    expect([id, Object.values(row ?? {})]).toEqual([id, [true]])
  }
}

test('afterwards the same command moves writing back', async () => {
  expect(await it.ended('again', 'switchover', it.pair.name, '--to', 'stock')).toMatchObject({
    status: 'succeeded',
    failure: null,
  })
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby', 'source'])
})
