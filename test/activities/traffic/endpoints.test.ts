/** One suite over every kind of endpoint that moves: a program of the worker's folder, and the lab's router. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../../activities/act'
import type { EndpointAccess } from '../../../activities/deps'
import type { TrafficActivities } from '../../../activities/traffic/contract'
import { createTrafficActivities } from '../../../activities/traffic/traffic'
import type { Endpoint, HostPort } from '../../../contracts/endpoint'
import type { DatabaseEntry } from '../../../contracts/fleet'
import { type Ledger, openLedger } from '../../../ledger/ledger'
import { openLab, type TestLab } from '../../lab/fixture'
import { failureOf } from '../../postgres/support/apply'
import { startTestServer, type TestServer } from '../../postgres/support/server'

let server: TestServer
let ledger: Ledger
let lab: TestLab
let folder: string
beforeAll(async () => {
  server = await startTestServer(17)
  const at = (await server.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
  lab = await openLab()
  folder = await mkdtemp(join(tmpdir(), 'capstan-endpoints-'))
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
  await lab?.remove()
  await rm(folder, { recursive: true, force: true })
})

interface Under {
  readonly traffic: TrafficActivities
  readonly ref: { readonly operation: string; readonly step: string; readonly bundle: string }
  act<T>(work: () => Promise<T>, how?: Partial<Act>): Promise<T>
}

async function under(endpoint: Endpoint | null, access: Partial<EndpointAccess> = {}): Promise<Under> {
  const role = { user: 'it', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  const database = {
    ...{ name: 'shop', cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'shop', database: 'shop' },
    ...{ environment: 'test', labels: {}, connections: { admin: role, migrator: role }, migrations: null },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
    ...(endpoint && { endpoint }),
  } as const satisfies DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [] })
  const { api, labToken: token } = lab.lab
  const endpoints = { commands: { folder, path: process.env.PATH ?? '' }, labRouter: { api, token }, ...access }
  const act: Act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  return {
    traffic: createTrafficActivities({ ledger, endpoints, resolveSecret: async () => '' }),
    ref: { operation: 'op-one', step: 'endpoint', bundle },
    act: (work, how = {}) => runAct({ ...act, ...how }, work),
  }
}

async function program(name: string, lines: readonly string[]): Promise<void> {
  await writeFile(join(folder, name), ['#!/bin/sh', ...lines, ''].join('\n'))
  await chmod(join(folder, name), 0o755)
}

/** An endpoint that leads to `at` when it is made. */
interface Kind {
  readonly name: string
  make(at: HostPort): Promise<Endpoint>
}

let made = 0
const KINDS: readonly Kind[] = [
  {
    name: 'command',
    async make(at) {
      const name = `endpoint-${++made}`
      await writeFile(join(folder, `${name}.now`), `${at.host}:${at.port}\n`)
      await program(`where-${name}`, [`cat ${name}.now`])
      await program(`move-${name}`, [
        // nothing of ours is in its environment, and the rest it is told
        `env | cut -d= -f1 | sort | grep -v -e PWD -e SHLVL -e '^_$' > ${name}.env`,
        `echo "$CAPSTAN_DIRECTION $CAPSTAN_OPERATION $CAPSTAN_DATABASE $1" >> ${name}.log`,
        `echo "$CAPSTAN_TO_HOST:$CAPSTAN_TO_PORT" > ${name}.now`,
      ])
      return { kind: 'command', move: [`move-${name}`, 'a b; $(c)'], check: [`where-${name}`], timeoutMs: 60_000 }
    },
  },
  {
    name: 'lab-router',
    async make(to) {
      const name = `shop-${++made}`
      const { status } = await lab.call('PUT', `/_lab/router/${name}`, { to })
      expect(status).toBe(200)
      return { kind: 'lab-router', name }
    },
  },
]

const place = (host: number): HostPort => ({ host: `${lab.block}.${host}`, port: 5432 })

describe.each(KINDS)('an endpoint of the kind $name', ({ make, name }) => {
  test('moves, and back, as often as it is asked', async () => {
    const [from, to] = [place(30), place(31)]
    const { traffic, ref, act } = await under(await make(from))
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ kind: name, at: from })
    const move = { ...ref, from, to }
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    expect(await act(() => traffic.moveEndpoint(move))).toMatchObject({ moved: 'moved' })
    expect(await act(() => traffic.moveEndpoint(move))).toMatchObject({ moved: 'already-there' })
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: to })
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'moved' })
    expect(await act(() => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: from })
  })

  test('that leads elsewhere is left there', async () => {
    const elsewhere = place(32)
    const { traffic, ref, act } = await under(await make(elsewhere))
    const move = { ...ref, from: place(30), to: place(31) }
    await failureOf(
      act(() => traffic.moveEndpoint(move)),
      'ENDPOINT_DRIFTED',
    )
    await failureOf(
      act(() => traffic.moveBack(move)),
      'ENDPOINT_DRIFTED',
    )
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: elsewhere })
  })

  test('is not moved by an attempt that may not act any more', async () => {
    const [from, to] = [place(30), place(31)]
    const { traffic, ref, act } = await under(await make(from))
    await failureOf(
      act(() => traffic.moveEndpoint({ ...ref, from, to }), { isCurrent: async () => false }),
      'HEARTBEAT_GAP',
    )
    expect(await act(() => traffic.whereTo(ref))).toMatchObject({ at: from })
  })
})

test('without an endpoint a person is told what to do', async () => {
  const { traffic, ref, act } = await under(null)
  expect(await act(() => traffic.whereTo(ref))).toMatchObject({ kind: 'none', at: null })
  const [from, to] = [place(30), place(31)]
  const forward = await act(() => traffic.moveEndpoint({ ...ref, from, to }))
  expect(forward.moved).toBe('by-hand')
  expect(forward.summary).toContain(`point applications to ${to.host}:5432, not to ${from.host}:5432`)
  const back = await act(() => traffic.moveBack({ ...ref, from, to }))
  expect(back.summary).toContain(`point applications to ${from.host}:5432, not to ${to.host}:5432`)
})

describe('a program', () => {
  test('is given what it has to know and nothing of the worker, and no shell reads its arguments', async () => {
    process.env.CAPSTAN_LEDGER_URL = 'postgres://secret'
    try {
      const endpoint = await KINDS[0]?.make(place(30))
      if (endpoint?.kind !== 'command') throw new Error('the first kind is the command')
      const { traffic, ref, act } = await under(endpoint)
      await act(() => traffic.moveEndpoint({ ...ref, from: place(30), to: place(31) }))
      await act(() => traffic.moveBack({ ...ref, from: place(30), to: place(31) }))
      const name = `endpoint-${made}`
      expect(await readFile(join(folder, `${name}.log`), 'utf8')).toBe(
        'forward op-one shop a b; $(c)\nback op-one shop a b; $(c)\n',
      )
      const told = 'ACTION DATABASE DEADLINE DIRECTION FROM_HOST FROM_PORT OPERATION TO_HOST TO_PORT'.split(' ')
      const names = [...told.map((one) => `CAPSTAN_${one}`), 'LANG', 'PATH']
      expect((await readFile(join(folder, `${name}.env`), 'utf8')).trim().split('\n').sort()).toEqual(names)
    } finally {
      delete process.env.CAPSTAN_LEDGER_URL
    }
  })

  const asking = async (
    check: readonly string[],
    more: { timeoutMs?: number; access?: Partial<EndpointAccess> } & Partial<Pick<Act, 'signal' | 'log'>> = {},
  ) => {
    const { traffic, ref, act } = await under(
      { kind: 'command', move: check, check, timeoutMs: more.timeoutMs ?? 60_000 },
      more.access,
    )
    const { signal, log } = more
    return act(() => traffic.whereTo(ref), { ...(signal && { signal }), ...(log && { log }) })
  }

  test('is one of the worker’s folder or is not run', async () => {
    await mkdir(join(folder, 'a-folder'))
    await writeFile(join(folder, 'no-program'), 'echo 127.0.0.1:5432\n', { mode: 0o644 })
    await symlink('/bin/echo', join(folder, 'leads-out'))
    for (const [name, why] of [
      ['/bin/echo', 'is no file name'],
      ['../echo', 'is no file name'],
      ['..', 'is no file name'],
      ['missing', 'is not in the folder'],
      ['leads-out', 'leads out of the folder'],
      ['a-folder', 'is no file that this worker may run'],
      ['no-program', 'is no file that this worker may run'],
    ] as const) {
      const refused = await failureOf(asking([name, '127.0.0.1:5432']), 'ENDPOINT_REFUSED')
      expect(refused.message).toContain(why)
    }
    const none = await failureOf(asking(['where'], { access: { commands: null } }), 'ENDPOINT_REFUSED')
    expect(none.message).toContain('set its CAPSTAN_ENDPOINT_COMMANDS')
  })

  test('says by its status whether to try again, and what it said is in the worker’s log alone, in bounds', async () => {
    const logged: string[] = []
    const log: Act['log'] = (_message, { said }) => logged.push(String(said))
    await program('fails', ['echo "no such zone" >&2', 'exit 3'])
    expect((await failureOf(asking(['fails'], { log }), 'ENDPOINT_REFUSED')).message).toBe(
      'The program fails ended with status 3. What it said is in the log of this worker.',
    )
    expect(logged.splice(0)).toEqual(['no such zone'])
    await program('later', ['exit 75'])
    expect((await failureOf(asking(['later']), 'ENDPOINT_UNREACHABLE')).message).toContain('asks to try again. What')
    await program('talks', ['head -c 3000000 /dev/zero | tr "\\0" x', 'exit 1'])
    expect((await failureOf(asking(['talks'], { log }), 'ENDPOINT_REFUSED')).message).not.toContain('xx')
    expect(logged.splice(0)).toEqual([`…${'x'.repeat(500)}`])
    await program('nowhere', ['echo somewhere'])
    const nowhere = await failureOf(asking(['nowhere'], { log }), 'ENDPOINT_REFUSED')
    expect(nowhere.message).toContain('as host:port, and printed something else')
    expect([nowhere.message.includes('somewhere'), logged]).toEqual([false, ['somewhere']])
    await program('not-to-be-started', [])
    await writeFile(join(folder, 'not-to-be-started'), '#!/does/not/exist\n')
    expect((await failureOf(asking(['not-to-be-started']), 'ENDPOINT_REFUSED')).message).toContain('could not be started')
  })

  test('that goes on too long is ended with all that it started', async () => {
    await program('hangs', ['sleep 600 & echo $! > hangs.pid', 'trap "" TERM', 'wait', 'sleep 600'])
    const running = async () => {
      const pid = Number(await readFile(join(folder, 'hangs.pid'), 'utf8').catch(() => ''))
      return pid > 0 && existsSync(`/proc/${pid}`)
    }
    const late = await failureOf(asking(['hangs'], { timeoutMs: 1_000 }), 'ENDPOINT_UNREACHABLE')
    expect(late.message).toContain('had not ended after 1 s, and was ended')
    while (await running()) await new Promise((resolve) => setTimeout(resolve, 20))

    // nor is one waited for that left its group with the output
    await program('leaves', ['setsid sleep 600 & echo $! > leaves.pid', 'echo 127.0.0.1:5432'])
    expect(await asking(['leaves'])).toMatchObject({ at: { host: '127.0.0.1', port: 5432 } })
    process.kill(Number(await readFile(join(folder, 'leaves.pid'), 'utf8')), 'SIGKILL')

    await rm(join(folder, 'hangs.pid'), { force: true })
    const aborted = new AbortController()
    const asked = asking(['hangs'], { signal: aborted.signal })
    while (!(await running())) await new Promise((resolve) => setTimeout(resolve, 20))
    aborted.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    while (await running()) await new Promise((resolve) => setTimeout(resolve, 20))
  })
})

describe('the lab’s router', () => {
  /** Says its name to whoever connects. */
  async function instance(host: number, name: string, port: number): Promise<Server> {
    const listening = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.write(name)
    })
    await new Promise<void>((resolve) => listening.listen(port, `${lab.block}.${host}`, resolve))
    return listening
  }
  const greeting = async (at: HostPort) => {
    const socket = connect({ host: at.host, port: at.port })
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
    const said = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(data.toString())).once('close', () => resolve('')),
    )
    return { said, ended, socket }
  }

  test('hands new connections to where it was moved, ends the old ones, and is the same after the lab was started again', async () => {
    const { dataPort: port } = lab.lab
    const [old, fresh] = [await instance(40, 'old', port), await instance(41, 'fresh', port)]
    const [from, to] = [40, 41].map((host) => ({ host: `${lab.block}.${host}`, port }))
    const { body } = await lab.call('PUT', '/_lab/router/shop', { to: from })
    const at = { host: String(body.host), port: Number(body.port) }
    const before = await greeting(at)
    expect(before.said).toBe('old')

    expect((await lab.call('POST', '/_lab/router/shop', { from, to })).status).toBe(200)
    await before.ended
    const after = await greeting(at)
    expect(after.said).toBe('fresh')
    after.socket.destroy()
    expect((await lab.call('POST', '/_lab/router/shop', { from, to })).status).toBe(200)
    expect((await lab.call('POST', '/_lab/router/shop', { from, to: from })).status).toBe(409)

    await lab.restart()
    expect((await lab.call('GET', '/_lab/router/shop')).body).toMatchObject({ ...at, to })
    const again = await greeting(at)
    expect(again.said).toBe('fresh')
    again.socket.destroy()

    expect((await lab.call('GET', '/_lab/router/other')).body.error).toContain('The router has no name "other"; there are:')
    expect((await lab.call('PUT', '/_lab/router/Shop', { to })).status).toBe(422)
    expect((await lab.call('PUT', '/_lab/router/out', { to: { host: '10.0.0.1', port: 5432 } })).status).toBe(422)
    for (const one of [old, fresh]) one.close()
    await lab.call('POST', '/_lab/reset')
    expect((await lab.call('GET', '/_lab/router')).body).toEqual({ version: 1, names: [] })
    expect((await greeting(at)).said).toBe('')
  })

  test('that is away is asked again later, and an unknown name is refused', async () => {
    const { traffic, ref, act } = await under({ kind: 'lab-router', name: 'unknown' })
    await failureOf(
      act(() => traffic.whereTo(ref)),
      'ENDPOINT_REFUSED',
    )
    const away = await under({ kind: 'lab-router', name: 'shop' }, { labRouter: { api: `http://${lab.block}.1:1`, token: 'x' } })
    await failureOf(
      away.act(() => away.traffic.whereTo(away.ref)),
      'ENDPOINT_UNREACHABLE',
    )
    const none = await under({ kind: 'lab-router', name: 'shop' }, { labRouter: null })
    await failureOf(
      none.act(() => none.traffic.whereTo(none.ref)),
      'ENDPOINT_REFUSED',
    )
  })
})
