/** A replacement whose endpoint a program of the worker's folder moves: it fails, it is killed with its worker, and it is called again. The instance is used up by
 *  the last test. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAt, migrating } from '../support/migrating'
import { ReplacementDesk } from '../support/replacements'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, ROWS } from '../support/target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

const folder = mkdtempSync(join(tmpdir(), 'capstan-endpoint-'))
const file = (name: string) => join(folder, name)
const calls = () => (existsSync(file('calls')) ? readFileSync(file('calls'), 'utf8').trim().split('\n') : [])
const leads = () => readFileSync(file('leads'), 'utf8').trim()

function program(name: string, lines: readonly string[]): void {
  writeFileSync(file(name), ['#!/bin/sh', ...lines, ''].join('\n'))
  chmodSync(file(name), 0o755)
}

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant', CAPSTAN_ENDPOINT_COMMANDS: folder } }))
let desk: RestoreDesk
let replacing: ReplacementDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet, SOON)
  replacing = new ReplacementDesk(it, desk)
  program('where', ['test ! -e broken || exit 9', 'cat leads'])
  // as a pooler's configuration: compared, and set in one act
  program('move', [
    'echo "$CAPSTAN_DIRECTION" >> calls',
    'call=$(wc -l < calls)',
    'if [ "$call" -eq 1 ]; then kill -9 $PPID; exit 0; fi',
    'if [ "$call" -eq 2 ]; then exit 75; fi',
    'if [ "$call" -eq 3 ]; then exit 9; fi',
    'grep -qxF "$CAPSTAN_FROM_HOST:$CAPSTAN_FROM_PORT" leads || exit 9',
    'echo "$CAPSTAN_TO_HOST:$CAPSTAN_TO_PORT" > leads.new && mv leads.new leads',
  ])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(async () => {
  fleet = it.target.fleet(FIRST, '', (yaml) => `${yaml}    endpoint: { kind: command, move: [move], check: [where] }\n`)
  writeFileSync(file('leads'), `${it.target.host}:${it.target.port}\n`)
  await fillItems(it.target)
})

test('a program that cannot say where the endpoint leads, behind the fence: all is taken back, and it was never called to move', async () => {
  const at = await moment()
  await desk.reach('unsure', at)
  const ended = replacing.begin('unsure', at)
  await replacing.asked('unsure')
  writeFileSync(file('broken'), '')
  await replacing.approve('unsure')
  expect((await ended).code).toBe(3)
  rmSync(file('broken'))
  const operation = await replacing.operation('unsure')
  expect(operation.failure).toMatchObject({ code: 'ENDPOINT_REFUSED', message: expect.stringContaining('where') })
  expect([isAt(operation, 'fence', 'undone'), isAt(operation, 'copy', 'undone')]).toEqual([true, true])
  expect(calls()).toEqual([])
  const app = await it.target.app()
  await app.query(`INSERT INTO public.items (name) VALUES ('after')`).finally(() => app.close())
  expect(await it.target.tagged('unsure')).toEqual([])
  expect(await it.locked()).toBe(false)
})

test('one that dies with its worker, asks for another time, and refuses: it is called again, waits for a person, and moves once', async () => {
  const from = leads()
  const at = await moment()
  await desk.reach('cut', at)
  const ended = replacing.begin('cut', at)
  await replacing.asked('cut')
  const deaths = it.capstan.deaths()
  await replacing.approve('cut')
  await it.until('a person to be needed', async () => (await replacing.operation('cut')).status === 'needs-operator')
  expect([it.capstan.deaths() - deaths, calls(), leads()]).toEqual([1, ['forward', 'forward', 'forward'], from])
  const waiting = await replacing.operation('cut')
  expect(waiting.steps.find(({ id }) => id === 'move')?.detail.summary).toContain('ended with status 9')
  // past the point of no return the fence stays up, whoever asks
  expect((await desk.cli('ops', 'abort', 'cut', '--by', 'bob')).code).not.toBe(0)
  await expect(it.target.app()).rejects.toThrow()
  expect((await ended).code).toBe(6)

  // it has moved, and nobody hears of it: the next attempt sees that it leads there, and calls nothing
  it.capstan.arm('moveEndpoint#2:after')
  expect((await desk.cli('ops', 'resolve', 'cut', 'retry', '--by', 'bob')).code).toBe(0)
  await it.until('the end', async () => (await replacing.operation('cut')).finishedAt !== null)
  expect(it.capstan.disarm('moveEndpoint#2:after')).toBe(false)
  const operation = await replacing.operation('cut')
  expect([operation.status, operation.verdict, operation.failure]).toEqual(['succeeded', 'pass', null])
  expect(calls()).toHaveLength(4)
  const { host, port } = operation.steps.find(({ id }) => id === 'copy')?.detail ?? {}
  expect(leads()).toBe(`${String(host)}:${String(port)}`)
  const app = await replacing.appOf('cut')
  const rows = await app.query('SELECT count(*)::int AS n FROM public.items').finally(() => app.close())
  expect(rows).toEqual([{ n: ROWS }])
})
