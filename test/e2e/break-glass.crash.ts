/** The control plane stands still right behind the fence: a person finishes the switchover, or takes it back, with the command line and both databases alone; and
 *  whoever wakes up again may do nothing more. One stack for all: each test goes on from where the one before left both. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BreakGlassPapers } from '../../contracts/break-glass'
import type { Session } from '../../postgres/connect/session'
import { capstan as command } from '../client/recorded-io'
import { freezeControlPlane } from '../support/control-plane'
import { eventually, until } from '../support/eventually'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { Switching } from '../support/switching'

let it: Switching
let env: Record<string, string>
let thaw: () => void = () => undefined

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
  const { dir, stack } = it.capstan
  env = {
    ...{ CAPSTAN_STATE_DIR: join(dir, 'nowhere'), CAPSTAN_PAPERS: join(dir, 'state', 'papers'), CAPSTAN_FLEET: it.pair.fleet },
    // nobody is asked there
    ...{ TEMPORAL_ADDRESS: '127.0.0.1:9', CAPSTAN_LEDGER_URL: 'postgres://nobody@127.0.0.1:9/ledger' },
    ...{ CAPSTAN_SECRET_VARIABLES: 'SHOP_', CAPSTAN_JOURNAL_KEY: 'ab'.repeat(32), SHOP_MASTER_PASSWORD: MASTER_PASSWORD },
    ...{ SHOP_ADMIN_PASSWORD: stack.secrets.shopAdmin, SHOP_MIGRATOR_PASSWORD: stack.secrets.shopMigrator },
    ...{ CAPSTAN_LAB_ENDPOINT: stack.lab.api, CAPSTAN_LAB_TOKEN: stack.lab.token ?? '' },
  }
})
afterAll(async () => {
  thaw()
  await it?.close()
})

const journal = (operation: string) => join(it.capstan.dir, `${operation}.jsonl`)
const AGREED = ['--yes', '--confirm', 'stock', '--json'] as const

async function byHand(deed: string, operation: string, ...more: string[]) {
  const words = ['break-glass', deed, operation, '--journal', journal(operation), ...AGREED, ...more]
  return command(words, { env })
}

/** Behind the fence, with the worker's own session inside the source, and before the barrier: the walsender stands still until all is frozen. */
async function frozenBehindTheFence(operation: string): Promise<void> {
  it.capstan.arm('prepareWayBack#1:after')
  const deaths = it.capstan.deaths()
  const started = await it.pair.run('switchover', 'stock', '--unproven', '--operation', operation, '--no-wait')
  expect(started).toMatchObject({ code: 0 })
  await until('the way back to be prepared', async () => it.capstan.deaths() > deaths)
  const [sender] = await it.pair.onSource<{ pid: number }>('SELECT active_pid AS pid FROM pg_replication_slots WHERE active')
  if (sender === undefined) throw new Error('nobody reads the slot')
  process.kill(sender.pid, 'SIGSTOP')
  try {
    // asked as an application: a session of the master's is what a switchover stops at
    await until('the source to be closed', async () => !(await lets(it.pair.source.app)), 20)
    thaw = freezeControlPlane(it.capstan)
  } finally {
    process.kill(sender.pid, 'SIGCONT')
  }
}

const lets = async (open: () => Promise<Session>): Promise<boolean> => {
  const session = await open().catch(() => null)
  await session?.close()
  return session !== null
}

const standingOf = async (operation: string) => {
  const { json, err } = await command(['break-glass', 'show', operation, '--yes', '--json'], { env })
  if (json === null || json === undefined) throw new Error(err)
  return json as { standing: { stage: string }; papers: BreakGlassPapers }
}

/** One that is killed as soon as it says that it has begun this step. */
async function killedAt(step: string, operation: string): Promise<void> {
  const words = ['break-glass', 'finish', operation, '--journal', journal(operation), ...AGREED]
  const child: ChildProcess = spawn(process.execPath, [join(__dirname, '../../bin/capstan.js'), ...words], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const begun = () => existsSync(journal(operation)) && readFileSync(journal(operation), 'utf8').includes(`"step":"${step}"`)
  try {
    await until(`the step ${step}`, async () => begun() || child.exitCode !== null, 5)
    expect(begun()).toBe(true)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function returned(operation: string, outcome: string): Promise<void> {
  const before = it.bank.acknowledged.size
  thaw()
  const waiting = await eventually('the workflow to wait for an operator', async () => {
    const found = await it.capstan.ledger.getOperation(operation)
    return found?.status === 'needs-operator' ? found : undefined
  })
  expect(JSON.stringify(waiting.steps)).toContain('was overtaken by')
  await until('the bank to go on', async () => it.bank.acknowledged.size > before + 50)
  const told = async () => it.pair.cli('break-glass', 'reconcile', journal(operation), '--json')
  const first = await told()
  expect({ code: first.code, ...JSON.parse(first.stdout || '{}'), err: first.stderr }).toMatchObject({
    code: 0,
    ...{ operation, outcome, endpoint: { moved: true } },
  })
  expect(JSON.parse((await told()).stdout)).toMatchObject({ outcome, resolved: [] })
  expect(await it.capstan.ledger.getDocument({ operation, name: 'break-glass-journal' })).toMatchObject({ outcome })
}

test('taken back by hand, the source goes on and the standby follows; the worker that wakes up is refused', async () => {
  await frozenBehindTheFence('back')
  expect((await standingOf('back')).standing.stage).toBe('closed')
  // somebody began to finish it, and thought better of it
  await killedAt('again', 'back')
  const { exit, json, err } = await byHand('revert', 'back')
  expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'revert', endpoint: { moved: true } } })
  await it.writesGoOn()
  expect((await byHand('revert', 'back')).exit).toBe(0)
  expect((await byHand('finish', 'back')).exit).toBe(3)
  await returned('back', 'reverted-by-hand')
  await it.isFollowing('stock', it.pair.name)
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source'])
})

test('finished by hand, killed on the way and begun again, writing is at the standby and nowhere else; the worker that wakes up is refused', async () => {
  await frozenBehindTheFence('onward')
  await killedAt('cross', 'onward')
  const { exit, json, err } = await byHand('finish', 'onward')
  expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'finish', endpoint: { moved: true } } })
  await it.writesGoOn()
  expect((await byHand('finish', 'onward')).exit).toBe(0)
  const { exit: refused, out } = await byHand('revert', 'onward')
  expect({ refused, code: JSON.parse(out).error?.code ?? out }).toMatchObject({ refused: 3 })
  const { standing, papers } = await standingOf('onward')
  expect(standing.stage).toBe('turned')
  await saysDone(papers)
  await returned('onward', 'succeeded-by-hand')
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
  expect(await it.ended('again', 'switchover', it.pair.name, '--to', 'stock', '--unproven')).toMatchObject({
    status: 'succeeded',
    failure: null,
  })
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby', 'source'])
})
