/** Every example of the pages and of `--help` does what it says, against one real stack with the shop. What only
 *  a shell understands is typed into one; the rest is given to the command line in this process, which costs a tenth of the time. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { capstan } from '../client/recorded-io'
import { eventually, PATIENCE_MS } from '../support/eventually'
import { labDoor } from '../support/lab'
import { allExamples, commandsOf, type Example, mentionsIn, PAGES, program, ROOT } from './examples'
import { openShop, type Shop } from './shop'

/** What is not run here, and why. Nothing else is left out. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^npm start( |$)|^CAPSTAN_LAB_PROFILE=\w+ npm start$/, 'the whole story: test/e2e/start.test.ts runs it'],
  [/^capstan up$/, 'runs until Ctrl-C: test/e2e/start.test.ts runs it'],
  [
    /^capstan verify-backup (shop( --at now| --random| --by-turns)?|--all --yes)$/,
    'restores a copy each: test/e2e/verify-backup.test.ts does so',
  ],
  [/^capstan restore shop .*--(rows|schema) (?!.*--plan)/, 'restores a copy each: test/e2e/recover-rows-live.crash.ts does so'],
  [
    /^capstan restore shop .*--as replacement$/,
    'waits for an approval, and takes the shop away: test/e2e/replace.test.ts runs it',
  ],
  [/^capstan restore shop .*--in-place( --keep \w+)?( --plan)?$/, 'Cloud SQL alone can: test/e2e/overwrite.crash.ts runs it'],
  [
    /^capstan (restore|verify-backup) shop --snapshot NAME --region \S+( --plan)?$/,
    'needs a copy in another region: test/e2e/restore-elsewhere.nightly.ts restores one, and verifies it',
  ],
  [/^capstan restore shop --to INSTANT /, 'names a moment that a search has found'],
  [/^capstan restore when /, 'asks for hours of a log: test/e2e/recover-rows-live.crash.ts runs it'],
  [/^capstan restore old /, 'needs an instance that was replaced: test/e2e/replace.test.ts looks at one'],
  [
    /^capstan (replicate|standby (compare|pause|resume|reseed|remove|old)|switchover|failover) shop/,
    'needs a standby in another instance: test/e2e/replicate.crash.ts, switchover.crash.ts and failover.crash.ts make one',
  ],
  [/^capstan snapshot shop-azure/, 'needs a new writer in another cloud: test/e2e/old-writer.crash.ts has one'],
  [/^capstan upgrade shop/, 'copies a whole instance: test/e2e/upgrade.crash.ts and upgrade.nightly.ts do so'],
  [/^capstan salvage /, 'needs an old writer that was given up: test/e2e/failover.crash.ts has one'],
  [/^capstan break-glass /, 'needs a switchover whose control plane is gone: test/e2e/break-glass.crash.ts has some'],
  [/^capstan fence lift /, 'needs an instance that is fenced: test/e2e/cloud-fence.crash.ts lifts one'],
  [/^capstan ops orphans( |$)/, 'needs a copy that nobody cares for: test/e2e/orphans.crash.ts removes one'],
  [/^capstan fleet discover /, 'asks an account of a cloud: test/client/discover.test.ts runs it against the lab'],
  [
    /^(CAPSTAN_LAB_KILL_SEED=\d+ )?npm (test|run (lint|bench|test:crash|test:nightly))( |$)|^bash \.ci\/run/,
    'runs this very test, or for minutes',
  ],
  [/^(CAPSTAN_SEED=\d+ )?CAPSTAN_RUNS=\d+ npm run test:nightly/, 'runs for minutes to hours'],
  [/^(CAPSTAN_RECORD_HISTORIES=1 )?npx jest /, 'runs other tests; the longer form changes files of the clone'],
]
/** Run elsewhere: `test/lab/examples.test.ts` runs what the help of `capstan lab` shows. */
const isRunElsewhere = ({ command, source }: Example) => /^capstan lab /.test(source) && command !== 'capstan lab reset'

let shop: Shop
let examples: Example[] = []
const opening = openShop()
opening.catch(() => undefined)
beforeAll(async () => {
  shop = await opening
})
afterAll(async () => (await opening).close())

const ledgerStatus = async (id: string) => (await shop.capstan.ledger.getOperation(id))?.status

/** Where it stands, step by step: what a wait that was in vain leaves to look at. */
async function standing(id: string): Promise<string> {
  const steps = (await shop.capstan.ledger.getOperation(id))?.steps ?? []
  const door = labDoor(shop.capstan)
  const asked = await door.calls((await door.mark()) - 8)
  const { raw } = await shop.capstan.temporal.workflow.getHandle(id).describe()
  return JSON.stringify({
    at: new Date(),
    pending: [...(raw.pendingActivities ?? []), raw.pendingWorkflowTask],
    steps: steps.map(({ id: step, state, attempts, startedAt, detail }) => ({ step, state, attempts, startedAt, detail })),
    asked: asked.map(({ operation, outcome }) => `${operation} ${outcome}`),
  })
}

async function until(id: string, statuses: readonly (string | undefined)[]): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (let status = await ledgerStatus(id); !statuses.includes(status); status = await ledgerStatus(id)) {
    if (Date.now() > deadline) throw new Error(`${id} is ${status}, not ${statuses.join(' or ')}: ${await standing(id)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
const ENDED = ['succeeded', 'failed', 'rejected', 'aborted']
const ended = (id: string) => until(id, ENDED)

/** What leads to the state that an example needs. */
async function prepare(args: readonly string[], exit = 0): Promise<void> {
  const { exit: found, out, err } = await capstan(args, { env: shop.env })
  if (found !== exit) throw new Error(`capstan ${args.join(' ')} ended with ${found}: ${err || out}`)
}

let operations = 0
function fresh(what: string): string {
  operations += 1
  return `${what}-${operations}`
}

/** The operation that stands for OPERATION, in the state that the example needs. */
interface Scene {
  readonly id: string
  /** Afterwards: the instance is free again. */
  readonly leave: () => Promise<void>
}

const NOBODY: Scene = { id: 'OPERATION', leave: async () => undefined }

async function awaitingApproval(): Promise<Scene> {
  const id = fresh('awaiting')
  await prepare(['migrate', 'shop', '--fleet', shop.fleet('approval'), '--no-wait', '--operation', id])
  await until(id, ['awaiting-approval'])
  const leave = async () => {
    // what was approved goes on until somebody stops it, once the ledger has heard of the approval; what is ending already refuses
    await until(id, ['running', ...ENDED])
    if ((await ledgerStatus(id)) === 'running') {
      const { exit, err } = await capstan(['ops', 'abort', id], { env: shop.env })
      if (exit !== 0 && !err.includes('OPERATION_CLOSED')) throw new Error(`${id} could not be aborted (${exit}): ${err}`)
    }
    await ended(id)
  }
  return { id, leave }
}

async function orphaned(): Promise<Scene> {
  const scene = await awaitingApproval()
  await shop.capstan.temporal.workflow.getHandle(scene.id).terminate()
  return scene
}

async function parked(): Promise<Scene> {
  const id = fresh('parked')
  const door = labDoor(shop.capstan)
  await door.order({ kind: 'fail', operation: 'DeleteDBInstance', code: 'AccessDenied', times: 100 })
  await prepare(['migrate', 'shop', '--fleet', shop.fleet('failing'), '--operation', id], 6)
  await door.withdrawAll()
  return { id, leave: () => ended(id) }
}

/** The migration that an example asks for by that id; who asks again joins it. */
async function finished(): Promise<Scene> {
  const id = 'migrate-shop-build-812'
  await prepare(['migrate', 'shop', '--operation', id])
  return { ...NOBODY, id }
}

/** One copy for all that is told of one; removing it comes last. */
async function restored(): Promise<Scene> {
  const id = 'restore-shop-build-812'
  await prepare(['restore', 'shop', '--to', await restorable(), '--keep', '2h', '--operation', id])
  return { ...NOBODY, id }
}

/** A moment that the log of the shop's instance holds: the shop is younger than what examples name. */
let held: string | undefined

async function restorable(): Promise<string> {
  if (held !== undefined) return held
  const at = new Date().toISOString()
  await eventually('a moment that can be restored', async () => {
    const { exit } = await capstan(['restore', 'shop', '--to', at, '--plan'], { env: shop.env })
    return exit === 0 ? true : undefined
  })
  held = at
  return at
}

async function restoring(): Promise<Scene> {
  await restorable()
  return NOBODY
}

async function lab(): Promise<Scene> {
  const door = labDoor(shop.capstan)
  for (const id of ['f1', 'f2']) await door.order({ kind: 'throttle', operation: 'DeleteDBSnapshot', id })
  const leave = async () => {
    await door.withdrawAll()
    await prepare(['lab', 'profile', 'fast'])
  }
  return { ...NOBODY, leave }
}

/** What was only started holds the instance's lock until it has ended. */
async function changing(): Promise<Scene> {
  const leave = async () => {
    for (const { id } of await shop.capstan.ledger.listOperations({ limit: 100, statuses: ['running'] })) await ended(id)
  }
  return { ...NOBODY, leave }
}

const plain = async () => NOBODY

interface Act {
  readonly of: RegExp
  readonly scene: () => Promise<Scene>
  /** They only look, or wait for nobody: several at once. */
  readonly together?: boolean
}

/** In this order: from a shop at version 2 to one at version 7, to an empty lab. */
const ACTS: readonly Act[] = [
  { of: /^capstan restore .*--plan$/, scene: restoring },
  {
    of: /^capstan (?!.*OPERATION)(fleet|migrations (info|validate)|snapshot list|standby list|fence list|.* --plan$|ops (list|fences)|status)/,
    scene: plain,
    together: true,
  },
  { of: /^capstan (scout|verify|recover) /, scene: plain, together: true },
  { of: /^capstan snapshot/, scene: plain },
  { of: /^capstan verify-backup --all/, scene: plain },
  // from here on there is a proven restore, which scout would know of
  { of: /^capstan restore (?!.*OPERATION)/, scene: restoring },
  { of: /^capstan restore/, scene: restored },
  { of: /^capstan schedule/, scene: changing },
  { of: /^capstan ops abort .*--close-record/, scene: orphaned },
  { of: /^capstan ops (approve|reject|abort)/, scene: awaitingApproval },
  { of: /^capstan ops resolve/, scene: parked },
  { of: /^capstan migrations apply/, scene: plain },
  { of: /^capstan migrate/, scene: changing },
  { of: /^capstan ops (show|watch|evidence)/, scene: finished, together: true },
  { of: /^capstan lab (?!reset)/, scene: lab },
  { of: /^capstan lab reset/, scene: plain },
]
const own = () => ({ CAPSTAN_STATE_DIR: join(shop.capstan.dir, 'own') })

/** What an example before it has started is in its way. */
async function stopped(): Promise<Scene> {
  await shop.type('capstan down', own())
  return NOBODY
}

/** With a state folder of their own, beside all the others. */
const OWN: readonly Act[] = [
  { of: /^capstan up /, scene: stopped },
  { of: /^capstan down/, scene: plain },
  { of: /^capstan reset/, scene: plain },
]

const actOf = ({ command }: Example) => [...OWN, ...ACTS].find(({ of }) => of.test(command))

function typed({ command }: Example, id: string): string {
  const urls = [shop.url, shop.copyUrl]
  const moment = held === undefined ? command : command.replace('--to 5m', `--to ${held}`)
  return moment.replaceAll('OPERATION', id).replace(/postgres:\/\/migrator@\S+/g, () => `'${urls.shift() ?? shop.url}'`)
}

test('every example is run here, run elsewhere, or left out for a reason that is given', async () => {
  const all = await allExamples()
  const leftOut = all.filter((one) => NOT_RUN.some(([pattern]) => pattern.test(one.command)))
  const others = all.filter((one) => !leftOut.includes(one) && !isRunElsewhere(one))
  examples = others.filter((one) => actOf(one) !== undefined)
  expect(others.filter((one) => !examples.includes(one))).toEqual([])
  expect(examples.length).toBeGreaterThan(50)
  for (const [pattern] of NOT_RUN)
    expect([pattern, leftOut.some(({ command }) => pattern.test(command))]).toEqual([pattern, true])
})

/** What is wrong with it; null: it ended as it is said to. */
async function wrongWith(example: Example, { scene }: Act, env: Readonly<Record<string, string>>): Promise<object | null> {
  const { id, leave } = await scene()
  const line = typed(example, id)
  const { code, stdout, stderr } = await shop.type(line, env)
  await leave()
  return code === example.exit
    ? null
    : { line, source: example.source, said: example.exit, code, stderr, stdout: stdout.slice(0, 500) }
}

async function playAll(acts: readonly Act[], env: Readonly<Record<string, string>> = {}): Promise<object[]> {
  const wrong: object[] = []
  for (const act of acts) {
    const mine = examples.filter((example) => actOf(example) === act)
    const lane = async () => {
      for (let example = mine.shift(); example !== undefined; example = mine.shift()) {
        const found = await wrongWith(example, act, env)
        if (found !== null) wrong.push(found)
      }
    }
    await Promise.all(act.together ? [lane(), lane()] : [lane()])
  }
  return wrong
}

test('they do what they say', async () => {
  const lanes = [playAll(ACTS), playAll(OWN, own()).finally(stopped)]
  // Both are waited for even when one fails: what the other has started has to be stopped.
  await Promise.allSettled(lanes)
  expect((await Promise.all(lanes)).flat()).toEqual([])
}, 1_200_000)

/** Words → the command they name, and what is left of them. */
function named(words: readonly string[]): { command: Command; rest: readonly string[] } {
  let command: Command = program
  let at = 0
  for (; at < words.length; at += 1) {
    const next = command.commands.find((one) => one.name() === words[at])
    if (next === undefined) break
    command = next
  }
  return { command, rest: words.slice(at) }
}

test.each([...PAGES, 'docs/ARCHITECTURE.md', 'docs/deploy.md'])(
  'what %s calls a command is one, with options that there are',
  (page) => {
    for (const mention of mentionsIn(readFileSync(join(ROOT, page), 'utf8'))) {
      const { command, rest } = named(mention.split(/\s+/))
      expect([mention, command === program]).toEqual([mention, false])
      const meant = { snapshot: 'take', restore: 'copy' }[command.name()]
      const of = command.commands.find((one) => one.name() === meant) ?? command
      const known = of.options.flatMap(({ long, short }) => [long, short])
      for (const option of rest.filter((word) => /^--?\w/.test(word))) expect(known).toContain(option)
    }
  },
)

test('docs/commands.md shows every command', () => {
  const page = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8')
  const leaves = commandsOf(program).filter((words) => named(words).command.commands.length === 0)
  for (const words of leaves) {
    // what may be left out is shown without
    const shown = words
      .join(' ')
      .replace(/^snapshot take$/, 'snapshot shop')
      .replace(/^restore copy$/, 'restore shop')
      .replace(/^lab fault add$/, 'lab fault drop-response')
    expect([shown, new RegExp(`^ {4}capstan ${shown}( |$)`, 'm').test(page)]).toEqual([shown, true])
  }
})
