/** Everything that people get wrong, over every door: each answered in one plain sentence, with the right exit code, and with nothing left
 *  half-made. What is said is in the snapshot, to be read as a whole: `npx jest test/bad-input -u` after a sentence was mended. */
import { FAILURE_KINDS, FAILURES } from '../../contracts/failures'
import { type CliRun, capstan } from '../client/recorded-io'
import { DATABASES } from './cases/databases'
import { ENVIRONMENT } from './cases/environment'
import { FENCES } from './cases/fences'
import { FLAGS } from './cases/flags'
import { FLEET_FILES } from './cases/fleet-files'
import { FLEET_VALUES } from './cases/fleet-values'
import { LAB } from './cases/lab'
import { MIGRATION_FILES } from './cases/migration-files'
import { MIGRATION_SQL } from './cases/migration-sql'
import { OPERATIONS } from './cases/operations'
import { RECOVER } from './cases/recover'
import { REPLICATE } from './cases/replicate'
import { RESTORES } from './cases/restores'
import { SCHEDULES } from './cases/schedules'
import { SCOUT } from './cases/scout'
import { SNAPSHOTS } from './cases/snapshots'
import { UPGRADES } from './cases/upgrades'
import { URLS } from './cases/urls'
import { VERIFY } from './cases/verify'
import { VERIFY_BACKUPS } from './cases/verify-backup'
import { type BadInput, SECRET } from './support/bad-input'
import { recordOperations } from './support/operations'
import { brokenRules } from './support/tone'
import { openWorlds, type Worlds } from './support/world'

const DOORS: Readonly<Record<string, readonly BadInput[]>> = {
  'the fleet file': FLEET_FILES,
  'values in the fleet file': FLEET_VALUES,
  'migration files': MIGRATION_FILES,
  'SQL in migrations': MIGRATION_SQL,
  flags: FLAGS,
  'database URLs': URLS,
  'the environment': ENVIRONMENT,
  databases: DATABASES,
  'decisions about operations': OPERATIONS,
  snapshots: SNAPSHOTS,
  restores: RESTORES,
  'verify-backup': VERIFY_BACKUPS,
  standbys: REPLICATE,
  upgrades: UPGRADES,
  fences: FENCES,
  schedules: SCHEDULES,
  scout: SCOUT,
  verify: VERIFY,
  recover: RECOVER,
  'the lab': LAB,
}

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
  await recordOperations(worlds.ledger)
})
afterAll(async () => {
  await worlds?.stop()
})

/** Standard error as its sentences, without the mark before and the code behind. */
function sentencesOf(err: string): { code: string; sentences: string[] } {
  const [, text = err, code = ''] =
    /^✘ (?:defect: )?([\s\S]*) \[(\w+)\]\n(?: {2}CAPSTAN_DEBUG=1 shows where it arose\.\n)?$/.exec(err) ?? []
  return { code, sentences: text.split('\n').map((line, index) => (index === 0 ? line : line.replace(/^ {2}/, ''))) }
}

interface Told {
  readonly run: CliRun
  readonly code: string
  readonly sentences: string[]
}

/** Standard output, where a program reads it, in the same form. */
function sentencesOfJson(out: string): { code: string; sentences: string[] } {
  const { error } = JSON.parse(out) as { error: { code: string; message: string } }
  return { code: error.code, sentences: error.message.split('\n') }
}

async function tell(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Told> {
  const run = await capstan(args, { env })
  return { run, ...(run.out.startsWith('{') ? sentencesOfJson(run.out) : sentencesOf(run.err)) }
}

function checkPlain(one: BadInput, { run, code, sentences }: Told): void {
  expect({ exit: run.exit, code, out: one.progress ? '' : run.out }).toEqual({ exit: one.exit, code: one.code, out: '' })
  expect(run.out).not.toContain(SECRET)
  expect(sentences).toHaveLength(one.problems ?? 1)
}

/** One document on standard output, and nothing that a terminal would obey. */
function checkJson(one: BadInput, { exit, out, err }: CliRun): string {
  expect({ exit, err }).toEqual({ exit: one.exit, err: '' })
  expect(out).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*\n$/u)
  expect(out).not.toContain(SECRET)
  const document = { version: 1, error: { code: one.code, message: expect.any(String), facts: expect.any(Object) } }
  expect(JSON.parse(out)).toEqual(document)
  return (JSON.parse(out) as { error: { message: string } }).error.message
}

describe.each(Object.entries(DOORS))('%s', (_door, cases) => {
  const table: string[] = []

  test.each(cases.map((one) => [one.title, one] as const))('%s is told in one sentence for each problem', async (_title, one) => {
    const world = worlds.next()
    const { args, env = {} } = await one.given(world)
    const plain = await tell(args, env)
    const sentences = plain.sentences.map((sentence) => worlds.normalised(sentence, world))
    table.push(`${one.title} · exit ${plain.run.exit} ${plain.code}`, ...sentences.map((sentence) => `    ${sentence}`), '')
    if (one.machine) checkJson(one, plain.run)
    else checkPlain(one, plain)
    expect(sentences.join('\n')).toContain(one.names)
    expect(sentences.flatMap((sentence) => brokenRules(sentence, one).map((rule) => `${rule}: ${sentence}`))).toEqual([])
    if (one.once || one.machine) return
    const message = checkJson(one, await capstan([...args, '--json'], { env }))
    expect(worlds.normalised(message, world)).toBe(sentences.join('\n'))
  })

  test('each sentence reads as it was read', () => {
    expect(`\n${table.join('\n')}`).toMatchSnapshot()
  })
})

test('each case has the exit code of its kind, and a title of its own', () => {
  for (const cases of Object.values(DOORS)) {
    for (const { exit, code } of cases) expect([code, exit]).toEqual([code, FAILURE_KINDS[FAILURES[code]].exit])
    expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
  }
  expect(Object.values(DOORS).flat().length).toBeGreaterThanOrEqual(80)
})

test('nothing is left half-made: no operation, no bundle, nothing in the database', async () => {
  const ids = await worlds.ledger.listOperationIds({ limit: 1000 })
  expect(ids.filter((id) => !id.startsWith('given-'))).toEqual([])
  expect(await worlds.leftInDatabase()).toEqual([])
})
