import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DBInstance, RDS } from '@aws-sdk/client-rds'
import { Client, type ClientConfig } from 'pg'
import { defaultCacheDir } from '../../lab/config'
import type { AccessKey } from '../../lab/credentials'
import { type Lab, startLab } from '../../lab/start'
import { eventually as lookUntilSeen } from '../support/eventually'

/** A block of 127/8 per test process, so that several run side by side. */
export function ownBlock(): string {
  return `127.${90 + (process.pid % 100)}.${process.pid % 251}`
}

export const cacheDir = defaultCacheDir(process.env)

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface TestLab {
  readonly block: string
  readonly stateDir: string
  readonly lab: Lab
  readonly rds: RDS
  /** `<block>.2`, the address that `group` lets in. */
  readonly client: string
  readonly group: string
  /** What the lab logged. */
  readonly lines: readonly string[]
  call(method: string, path: string, body?: unknown): Promise<Answer>
  restart(): Promise<void>
  remove(): Promise<void>
}

export async function openLab(block = ownBlock()): Promise<TestLab> {
  const root = mkdtempSync(join(tmpdir(), 'capstan-lab-'))
  const { chmodSync } = await import('node:fs')
  chmodSync(root, 0o755)
  const stateDir = join(root, 'state')
  const lines: string[] = []
  const options = { stateDir, cacheDir, block, profile: 'fast', log: (line: string) => lines.push(line) } as const
  let lab = await startLab(options)
  let rds = sdk(lab.api, lab.credentials.aws)
  const test: TestLab = {
    block,
    stateDir,
    get lab() {
      return lab
    },
    get rds() {
      return rds
    },
    client: `${block}.2`,
    group: 'sg-tests',
    lines,
    call: (method, path, body) => callLab(lab, method, path, body),
    async restart() {
      await lab.stop()
      lab = await startLab(options)
      rds = sdk(lab.api, lab.credentials.aws)
    },
    async remove() {
      await lab.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
  await test.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${block}.2/32`] })
  return test
}

/** The lab's own door. */
export async function callLab(
  { api, labToken }: Pick<Lab, 'api' | 'labToken'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const init = {
    method,
    headers: { authorization: `Bearer ${labToken}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
  const response = await fetch(`${api}${path}`, init)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** As if time had passed: what the lab wrote down is changed while it is down. */
export async function whileDown<State>(test: TestLab, change: (state: State) => void): Promise<void> {
  await test.lab.stop()
  const file = join(test.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as State
  change(state)
  writeFileSync(file, JSON.stringify(state))
  await test.restart()
}

export function sdk(endpoint: string, credentials: AccessKey, maxAttempts = 3): RDS {
  return new RDS({ region: 'us-east-1', endpoint, credentials: { ...credentials }, maxAttempts })
}

export const PASSWORD = 'correct-horse-battery'

export async function createInstance(
  test: Pick<TestLab, 'rds' | 'group'>,
  id: string,
  more: Partial<Parameters<RDS['createDBInstance']>[0]> = {},
) {
  await test.rds.createDBInstance({
    DBInstanceIdentifier: id,
    Engine: 'postgres',
    EngineVersion: '15',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DBName: 'shop',
    VpcSecurityGroupIds: [test.group],
    ...more,
  })
  return available(test, id)
}

export async function describe(test: Pick<TestLab, 'rds'>, id: string): Promise<DBInstance> {
  const { DBInstances } = await test.rds.describeDBInstances({ DBInstanceIdentifier: id })
  return DBInstances![0]!
}

/** Where it is reached. @throws when it does not say. */
export function placeOf({ Endpoint }: Pick<DBInstance, 'Endpoint'>): { host: string; port: number } {
  const { Address: host, Port: port } = Endpoint ?? {}
  if (host === undefined || port === undefined) throw new Error('It has no endpoint.')
  return { host, port }
}

/** Waits until the instance is available with nothing pending, and returns its description. */
export async function available(test: Pick<TestLab, 'rds'>, id: string): Promise<DBInstance> {
  return eventually(async () => {
    const instance = await describe(test, id)
    const busy = instance.DBParameterGroups?.[0]?.ParameterApplyStatus === 'applying'
    const pending =
      instance.PendingModifiedValues?.MasterUserPassword !== undefined ||
      instance.VpcSecurityGroups?.some(({ Status }) => Status !== 'active')
    if (['failed', 'incompatible-restore', 'incompatible-parameters'].includes(instance.DBInstanceStatus ?? '')) return instance
    return instance.DBInstanceStatus === 'available' && !busy && !pending ? instance : undefined
  })
}

export async function snapshotAvailable(test: Pick<TestLab, 'rds'>, id: string) {
  return eventually(async () => {
    const { DBSnapshots } = await test.rds.describeDBSnapshots({ DBSnapshotIdentifier: id })
    return DBSnapshots![0]!.Status === 'creating' ? undefined : DBSnapshots![0]!
  })
}

export async function gone(test: Pick<TestLab, 'rds'>, id: string): Promise<true> {
  return eventually(async () => {
    try {
      await describe(test, id)
      return undefined
    } catch (error) {
      if ((error as Error).name === 'DBInstanceNotFoundFault') return true
      throw error
    }
  })
}

export function eventually<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  return lookUntilSeen('what did not come to pass', look)
}

/** A connection whose socket is bound to `from`. */
export async function connect(from: string, config: ClientConfig): Promise<Client> {
  const { Socket } = await import('node:net')
  const stream = () => {
    const socket = new Socket()
    const plain = socket.connect.bind(socket) as (options: object) => typeof socket
    return Object.assign(socket, { connect: (port: number, host: string) => plain({ port, host, localAddress: from }) })
  }
  const client = new Client({ database: 'shop', user: 'boss', password: PASSWORD, ...config, stream })
  client.on('error', () => {})
  await client.connect()
  return client
}

export async function ask<Row extends object>(
  test: Pick<TestLab, 'client'>,
  instance: DBInstance,
  sql: string,
  config: ClientConfig = {},
): Promise<Row[]> {
  const client = await connect(test.client, { ...placeOf(instance), ...config })
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** What begins meanwhile lasts for minutes, as in life, until `act` has seen it, and ends soon afterwards: no machine is too slow for that. */
export async function slowly<Result>(test: Pick<TestLab, 'call'>, act: () => Promise<Result>): Promise<Result> {
  await test.call('PUT', '/_lab/profile', { profile: 'realistic' })
  return act().finally(() => test.call('PUT', '/_lab/profile', { profile: 'fast' }))
}

/** Orders a fault, by the lab's own door. */
export async function orderFault(test: Pick<TestLab, 'call'>, fault: object): Promise<{ id: string }> {
  const { status, body } = await test.call('POST', '/_lab/faults', fault)
  expect({ status, body }).toMatchObject({ status: 200 })
  return (body as { fault: { id: string } }).fault
}

/** Resolves when nobody listens any more where it asks. */
export async function untilDown(ask: () => Promise<unknown>): Promise<void> {
  await eventually(() =>
    ask().then(
      () => undefined,
      ({ code }: { code?: string }) => (code === 'ECONNREFUSED' ? true : undefined),
    ),
  )
}

/** The call is refused under this name, by a message that holds this text. */
export function refused(call: Promise<unknown>, name: string, message = ''): Promise<void> {
  return expect(call).rejects.toMatchObject({ name, message: expect.stringContaining(message) })
}
