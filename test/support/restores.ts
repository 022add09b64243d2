/** What tests of restores do beside the command line: a database with rows, and a look into a copy as its master, from the control plane's address. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CopyAccess, RestoredCopy } from '../../client/restored-copies'
import type { OperationDocument } from '../../contracts/operation'
import { controlAddress } from '../../embedded/worker-program'
import { connect, type Row } from '../../postgres/connect/session'
import { capstan as inProcess } from '../client/recorded-io'
import type { CapstanStack, CommandResult } from './capstan-stack'
import { FIRST, type Target } from './target'

export interface Restored {
  readonly code: number
  readonly operation: OperationDocument
}

/** The tables that the fleet file's checks name, with rows. */
export async function fillItems(target: Target): Promise<void> {
  const migrator = await target.migrator()
  await migrator.execute(FIRST['V1__items.sql']).finally(() => migrator.close())
}

/** A moment in whole milliseconds at which nothing is being committed, with commits on both of its sides. */
export async function moment(): Promise<string> {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
  await pause()
  const at = new Date().toISOString()
  await pause()
  return at
}

/** The first whole second from then on: as fine as clouds restore to. */
export const wholeSecond = (ms: number): string => new Date(Math.ceil(ms / 1000) * 1000).toISOString()

export async function passed(at: string): Promise<void> {
  while (Date.now() <= Date.parse(at)) await sleep(20)
}

/** The command line, in this process: a tenth of the time of one of its own. */
export class RestoreDesk {
  readonly #env: Record<string, string>

  constructor(
    private readonly capstan: CapstanStack,
    private readonly fleet: () => string,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#env = { CAPSTAN_STATE_DIR: join(capstan.dir, 'state'), USER: 'alice', ...env }
  }

  async cli(...words: string[]): Promise<CommandResult> {
    const { exit, out, err } = await inProcess(words, { env: this.#env })
    return { code: exit, stdout: out, stderr: err }
  }

  begin(operation: string, ...more: string[]): Promise<CommandResult> {
    return this.cli('restore', 'stock', '--fleet', this.fleet(), '--json', '--operation', operation, ...more)
  }

  /** To its end. */
  async restore(operation: string, ...more: string[]): Promise<Restored> {
    const { code, stdout, stderr } = await this.begin(operation, ...more)
    if (stdout === '') throw new Error(`capstan restore said nothing (exit ${code}): ${stderr}`)
    return { code, operation: JSON.parse(stdout) as OperationDocument }
  }

  /** Waits until the log reaches the moment; to be planned as `operation`, with whatever the cloud asks for. */
  async reach(operation: string, at: string, ...more: string[]): Promise<void> {
    for (let n = 1; ; n += 1) {
      const planned = await this.restore(`${operation}-p${n}`, '--to', at, '--plan', ...more)
      if (planned.operation.failure?.code !== 'MOMENT_OUT_OF_REACH') break
    }
  }

  async restoreTo(operation: string, at: string, ...more: string[]): Promise<Restored> {
    await this.reach(operation, at, ...more)
    return this.restore(operation, '--to', at, ...more)
  }

  async list(): Promise<RestoredCopy[]> {
    const { code, stdout } = await this.cli('restore', 'list', '--json')
    if (code !== 0) throw new Error(`capstan restore list ended with ${code}: ${stdout}`)
    return (JSON.parse(stdout) as { copies: RestoredCopy[] }).copies
  }

  async access(operation: string): Promise<CopyAccess> {
    const { code, stdout } = await this.cli('restore', 'access', operation, '--json')
    if (code !== 0) throw new Error(`capstan restore access ended with ${code}: ${stdout}`)
    return JSON.parse(stdout) as CopyAccess
  }

  /** In the copy, as its master. */
  async ask<T extends Row>(operation: string, sql: string): Promise<T[]> {
    const { address, dbname, user, password, tls } = await this.access(operation)
    const sourceAddress = controlAddress(this.capstan.stack.block)
    const login = { ...address, database: dbname, user, password, tls, sourceAddress }
    const session = await connect({ ...login, applicationName: 'e2e copy' })
    return session.query<T>(sql).finally(() => session.close())
  }

  async remove(operation: string): Promise<void> {
    const { code, stdout } = await this.cli('restore', 'remove', operation, '--json')
    if (code !== 0) throw new Error(`capstan restore remove ended with ${code}: ${stdout}`)
  }
}
