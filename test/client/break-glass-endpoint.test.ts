/** What leads applications is moved by hand too, of each kind, by the program itself as it was compiled; and what cannot be moved is told, and left where it is. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Leader, leadApplications } from '../../client/break-glass/endpoint'
import { parseFleet } from '../../client/fleet/parse-fleet'
import type { BreakGlassDeed, BreakGlassPapers, LeadingByHand } from '../../contracts/break-glass'
import type { Endpoint, HostPort } from '../../contracts/endpoint'
import { openZone } from '../conformance/names/zones'
import { openLab, ownBlock, type TestLab } from '../lab/fixture'
import { until } from '../support/eventually'
import { smallest } from './fleet-file'

const PROGRAM = join(__dirname, '..', '..', 'dist', 'workers', 'endpoint-by-hand.js')

let lab: TestLab
let folder: string
beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  folder = await mkdtemp(join(tmpdir(), 'capstan-by-hand-'))
})
afterAll(async () => {
  await lab?.remove()
  await rm(folder, { recursive: true, force: true })
})

const BLOCK = ownBlock()
const SOURCE = { host: `${BLOCK}.30`, port: 5432 }
const STANDBY = { host: `${BLOCK}.31`, port: 5432 }
const [AT_SOURCE, AT_STANDBY] = [`${BLOCK}.30:5432`, `${BLOCK}.31:5432`]
const PATH = process.env.PATH ?? ''

interface By {
  readonly env?: Readonly<Record<string, string>>
  readonly kind?: Endpoint['kind']
  readonly at?: HostPort | null
  readonly isCurrent?: Leader['isCurrent']
}

function led(deed: BreakGlassDeed, endpoint: string, { env = {}, kind, at = SOURCE, isCurrent = async () => true }: By) {
  const fleet = { ...parseFleet(`${smallest}    endpoint: ${endpoint}\n`, 'fleet.yaml'), file: '/f', folder: '/' }
  const declared = fleet.databases[0]?.endpoint?.kind ?? 'none'
  const papers = {
    ...{ operation: 'switchover-shop-1', endpoint: { kind: kind ?? declared, at } },
    sides: { source: { name: 'shop', ...SOURCE }, standby: { name: 'shop-azure', ...STANDBY } },
  } as BreakGlassPapers
  return leadApplications({ deed, papers, fleet, env, isCurrent })
}

const labRouter = () => ({ CAPSTAN_LAB_ENDPOINT: lab.lab.api, CAPSTAN_LAB_TOKEN: lab.lab.labToken })
let names = 0
async function routed(to: HostPort): Promise<{ name: string; where: () => Promise<unknown> }> {
  const name = `by-hand-${++names}`
  await lab.call('PUT', `/_lab/router/${name}`, { to })
  return { name, where: async () => (await lab.call('GET', `/_lab/router/${name}`)).body.to }
}

test('the lab’s router is led to the standby, and back, as often as it is asked', async () => {
  const { name, where } = await routed(SOURCE)
  const endpoint = `{ kind: lab-router, name: ${name} }`
  const by = { env: labRouter() }
  expect(await led('revert', endpoint, by)).toEqual({ moved: true, said: `the endpoint leads to ${AT_SOURCE}` })
  expect(await led('finish', endpoint, by)).toEqual({ moved: true, said: `the endpoint leads to ${AT_STANDBY} now` })
  expect(await led('finish', endpoint, { ...by, at: null })).toMatchObject({ moved: true })
  expect(await where()).toEqual(STANDBY)
  expect(await led('revert', endpoint, by)).toMatchObject({ moved: true })
  expect(await where()).toEqual(SOURCE)
})

test('one that somebody led elsewhere, or whose mover was overtaken, is left where it is, and told', async () => {
  const elsewhere = { host: `${BLOCK}.32`, port: 5432 }
  const drifted = await routed(elsewhere)
  const env = labRouter()
  expect(await led('finish', `{ kind: lab-router, name: ${drifted.name} }`, { env })).toEqual({
    moved: false,
    said: expect.stringContaining('somebody else moved it'),
  })
  expect(await drifted.where()).toEqual(elsewhere)
  const overtaken = await routed(SOURCE)
  const endpoint = `{ kind: lab-router, name: ${overtaken.name} }`
  for (const isCurrent of [async () => false, async () => Promise.reject(new Error('no answer'))])
    expect(await led('finish', endpoint, { env, isCurrent })).toMatchObject({ moved: false })
  expect(await overtaken.where()).toEqual(SOURCE)
})

test.each<[string, Record<string, string>, string]>([
  ['{ kind: none }', {}, `point applications to ${AT_STANDBY}, not to ${AT_SOURCE}`],
  ['{ kind: lab-router, name: shop }', {}, 'set its CAPSTAN_LAB_ENDPOINT and CAPSTAN_LAB_TOKEN'],
  ['{ kind: lab-router, name: shop }', { CAPSTAN_LAB_ENDPOINT: 'http://127.0.0.1:9' }, 'belong together'],
  ['{ kind: command, move: [move], check: [where] }', {}, 'set its CAPSTAN_ENDPOINT_COMMANDS'],
  [
    '{ kind: pgbouncer, poolers: [{ host: 127.0.0.1, port: 9, user: boss, secret: env:A }], file: shop.ini }',
    {},
    'CAPSTAN_PGBOUNCER_FILES',
  ],
])('what this command was given nothing for is left to a person: %s, %j', async (endpoint, env, said) => {
  expect(await led('finish', endpoint, { env })).toEqual({ moved: false, said: expect.stringContaining(said) })
})

test('papers that speak of another kind of endpoint than the fleet file move none', async () => {
  const { name, where } = await routed(SOURCE)
  const endpoint = `{ kind: lab-router, name: ${name} }`
  expect(await led('finish', endpoint, { env: labRouter(), kind: 'dns' })).toEqual({
    moved: false,
    said: expect.stringMatching(
      /papers speak of an endpoint of the kind "?dns"?, and the fleet file of one of the kind lab-router/,
    ),
  })
  expect(await where()).toEqual(SOURCE)
})

async function program(name: string, ...lines: string[]): Promise<void> {
  await writeFile(join(folder, name), ['#!/bin/sh', ...lines, ''].join('\n'))
  await chmod(join(folder, name), 0o755)
}

const COMMAND = '{ kind: command, move: [move], check: [where] }'

test('a program of the operator’s folder moves it, and is told nothing of ours', async () => {
  await writeFile(join(folder, 'now'), `${AT_SOURCE}\n`)
  await program('where', 'cat now')
  await program('move', 'env > told', 'echo "$CAPSTAN_TO_HOST:$CAPSTAN_TO_PORT" > now')
  const env = { PATH, CAPSTAN_ENDPOINT_COMMANDS: folder, CAPSTAN_JOURNAL_KEY: 'ab'.repeat(32), SHOP_SECRET: 'pw' }
  expect(await led('finish', COMMAND, { env })).toMatchObject({ moved: true })
  expect(await readFile(join(folder, 'now'), 'utf8')).toBe(`${AT_STANDBY}\n`)
  const told = await readFile(join(folder, 'told'), 'utf8')
  expect(told).toContain('CAPSTAN_OPERATION=switchover-shop-1')
  expect(told).not.toMatch(/JOURNAL|SECRET/)
})

test('whoever started it is killed: a program that is under way ends with it', async () => {
  await writeFile(join(folder, 'now'), `${AT_SOURCE}\n`)
  await program('where', 'cat now')
  await program('move', 'echo $$ > began', 'exec sleep 60')
  const endpoint = { kind: 'command', move: ['move'], check: ['where'], timeoutMs: 60_000 } as const
  const leading: LeadingByHand = {
    ...{ operation: 'switchover-shop-1', deed: 'finish', database: { name: 'shop', endpoint } },
    ...{ from: SOURCE, to: STANDBY },
  }
  const env = { PATH, CAPSTAN_ENDPOINT_COMMANDS: folder }
  const child: ChildProcess = fork(PROGRAM, [], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  child.on('message', (said: { ask?: number }) => child.send({ answer: said.ask, current: true }))
  const ended = once(child, 'exit')
  child.send(leading)
  const began = async () => Number(await readFile(join(folder, 'began'), 'utf8').catch(() => '0'))
  await until('the program to begin', async () => (await began()) > 0)
  child.disconnect()
  await ended
  const pid = await began()
  await until('it to be gone', async () => !runs(pid))
  expect(await readFile(join(folder, 'now'), 'utf8')).toBe(`${AT_SOURCE}\n`)
})

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a name is led there by the cloud’s own SDK, with the credentials that this command has; and who resolved it before is told', async () => {
  const zone = await openZone(lab, 'aws')
  const name = `shop.${zone.domain}`
  await zone.put(name, { type: 'A', values: [SOURCE.host], ttl: 30 })
  if (zone.zone.provider !== 'aws') throw new Error('it is another one')
  const endpoint = `{ kind: dns, provider: aws, zone: ${zone.zone.id}, name: ${name}, ttl: 30s }`
  const { accessKeyId, secretAccessKey } = lab.lab.credentials.aws
  const env = {
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_ENDPOINT_URL_ROUTE_53: lab.lab.api },
    ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true' },
  }
  const moved = await led('finish', endpoint, { env })
  expect(moved).toEqual({
    moved: true,
    said: expect.stringMatching(/leads to [\d.]+31:5432 now; whoever resolved .* up to 30 s$/),
  })
  expect(await led('finish', endpoint, { env })).toMatchObject({ moved: true })
})
