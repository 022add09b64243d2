/** Real PgBouncers for one test file, where there are any: the package is no part of this program. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { serverUser } from '../../pgserver/server-user'
import { freePort } from '../postgres/support/server'
import { until } from './eventually'

const PLACES = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

function findPgBouncer(): string | null {
  for (const place of PLACES) {
    const file = join(place, 'pgbouncer')
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not there
    }
  }
  return null
}

const pgbouncer = findPgBouncer()

/** Skips what it describes where there is no PgBouncer, and says so; in CI its lack is a failure, since what is skipped is proven by nobody. */
export function describeWithPgBouncer(name: string, tests: () => void): void {
  if (pgbouncer !== null) describe(name, tests)
  else if (process.env.CI) {
    test(name, () => {
      throw new Error('There is no pgbouncer on this machine, and CI may skip nothing: install the package pgbouncer.')
    })
  } else {
    process.stderr.write(`${name}: skipped, since there is no pgbouncer on this machine; the package pgbouncer has it\n`)
    describe.skip(name, tests)
  }
}

export interface TestPooler {
  readonly host: string
  readonly port: number
  readonly log: string
  stop(): Promise<void>
  start(): Promise<void>
}

export interface PoolerStart {
  /** Made for it. */
  readonly folder: string
  /** The file with its databases, which it includes. */
  readonly include: string
  /** Name → password. `boss` may do anything in the console, `watcher` only look. */
  readonly users: Readonly<Record<string, string>>
  readonly settings?: Readonly<Record<string, string>>
}

export async function startPooler({ folder, include, users, settings = {} }: PoolerStart): Promise<TestPooler> {
  if (pgbouncer === null) throw new Error('there is no pgbouncer on this machine')
  const user = serverUser()
  const port = await freePort()
  const log = join(folder, 'log')
  await mkdir(folder, { recursive: true })
  const given = {
    ...{ listen_addr: '127.0.0.1', listen_port: String(port), unix_socket_dir: '', logfile: log, pool_mode: 'transaction' },
    ...{ auth_type: 'scram-sha-256', auth_file: join(folder, 'users'), admin_users: 'boss', stats_users: 'watcher' },
    // a pause that cuts off a connection which is being made is followed by a wait of that many seconds, the default being 15
    server_login_retry: '1',
    ...settings,
  }
  const lines = Object.entries(given).map(([key, value]) => `${key} = ${value}`)
  await writeFile(join(folder, 'pgbouncer.ini'), ['[pgbouncer]', ...lines, `%include ${include}`, ''].join('\n'))
  await writeFile(
    join(folder, 'users'),
    Object.entries(users)
      .map(([name, password]) => `"${name}" "${password}"\n`)
      .join(''),
  )
  await chmod(folder, 0o755)
  if (user.steppedDown) await chown(folder, user.uid, user.gid)
  let child: ChildProcess | undefined
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => socket.destroy(resolve(true) as undefined))
      socket.once('error', () => resolve(false))
    })
  const start = async () => {
    // it refuses to run as root, as PostgreSQL does
    const identity = user.steppedDown ? { uid: user.uid, gid: user.gid } : {}
    const started = spawn(pgbouncer, ['-q', join(folder, 'pgbouncer.ini')], { stdio: 'ignore', ...identity })
    child = started
    await until('a pooler', async () => {
      if (started.exitCode !== null) throw new Error(`pgbouncer ended: ${await readFile(log, 'utf8').catch(() => 'no log')}`)
      return answers()
    })
  }
  await start()
  return {
    ...{ host: '127.0.0.1', port, log, start },
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
