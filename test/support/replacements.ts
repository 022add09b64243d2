/** What tests of replacements do beside the command line: approve as somebody else, and look at what became of both instances. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteDBInstanceCommand, DescribeDBInstancesCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds'
import type { OperationDocument } from '../../contracts/operation'
import { type DeltaReport, REPLACE_DOCUMENTS } from '../../contracts/replace'
import { applicationAddress, controlAddress, labHeaders } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import type { CapstanStack, CommandResult } from './capstan-stack'
import type { Migrating } from './migrating'
import type { RestoreDesk } from './restores'

export class ReplacementDesk {
  readonly #rds: RDSClient

  constructor(
    private readonly it: Pick<Migrating, 'until'> & { readonly capstan: CapstanStack },
    private readonly desk: RestoreDesk,
  ) {
    const { endpoints, lab } = it.capstan.stack
    this.#rds = new RDSClient({ region: 'us-east-1', endpoint: endpoints.labApi, credentials: lab.aws })
  }

  begin(operation: string, at: string, ...more: string[]): Promise<CommandResult> {
    return this.desk.begin(operation, '--to', at, '--as', 'replacement', ...more)
  }

  async operation(id: string): Promise<OperationDocument> {
    const found = await this.it.capstan.ledger.getOperation(id)
    if (found === null) throw new Error(`the ledger has no operation ${id}`)
    return found
  }

  /** Until it asks, or has ended. */
  async asked(id: string): Promise<OperationDocument> {
    await this.it.until(`${id} to ask`, async () => {
      const status = (await this.it.capstan.ledger.getOperation(id))?.status
      return status !== undefined && status !== 'running'
    })
    const document = await this.operation(id)
    if (document.status !== 'awaiting-approval')
      throw new Error(`${id} is ${document.status}: ${JSON.stringify(document.failure)}`)
    return document
  }

  async approve(id: string): Promise<void> {
    const { code, stdout } = await this.desk.cli('ops', 'approve', id, '--by', 'bob', '--json')
    if (code !== 0) throw new Error(`capstan ops approve ended with ${code}: ${stdout}`)
  }

  /** To its end, approved. */
  async replace(operation: string, ...words: string[]): Promise<OperationDocument> {
    const ended = this.desk.begin(operation, '--as', 'replacement', ...words)
    await this.asked(operation)
    await this.approve(operation)
    await ended
    return this.operation(operation)
  }

  async report(operation: string, name: 'report' | 'remainder' = 'report'): Promise<DeltaReport> {
    return (await this.it.capstan.ledger.getDocument({ operation, name: REPLACE_DOCUMENTS[name] })) as DeltaReport
  }

  /** In what took over, as the application and from its address. */
  async appOf(operation: string, tls: 'disable' | 'require' = 'disable'): Promise<Session> {
    return connect({ ...(await this.#address(operation)), ...this.#login(), tls })
  }

  #login() {
    const sourceAddress = applicationAddress(this.it.capstan.stack.block)
    return { database: 'stock', user: 'stock_app', password: 'app-password', applicationName: 'e2e app', sourceAddress }
  }

  async #address(operation: string): Promise<{ host: string; port: number }> {
    const { host, port } = (await this.operation(operation)).steps.find(({ id }) => id === 'copy')?.detail ?? {}
    return { host: String(host), port: Number(port) }
  }

  /** A name of the lab's router, which leads to the place. */
  async leadTo(name: string, { host, port }: { host: string; port: number }): Promise<void> {
    const { lab } = this.it.capstan.stack
    const headers = { 'content-type': 'application/json', ...labHeaders(lab) }
    const body = JSON.stringify({ to: { host, port } })
    const answer = await fetch(`${lab.api}/_lab/router/${name}`, { method: 'PUT', headers, body })
    if (!answer.ok) throw new Error(`the lab refused ${name}: ${await answer.text()}`)
  }

  /** Wherever the name leads, as the application and from its address. */
  async appThrough(name: string): Promise<Session> {
    const { lab } = this.it.capstan.stack
    const answer = await fetch(`${lab.api}/_lab/router/${name}`, { headers: labHeaders(lab) })
    const { host, port } = (await answer.json()) as { host: string; port: number }
    return connect({ host, port, ...this.#login() })
  }

  /** As a person does, in the cloud. */
  async removeByHand(instance: string): Promise<void> {
    await this.#rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: instance, SkipFinalSnapshot: true }))
  }

  /** As a person does, in the cloud, and until its name is that. */
  async renameByHand(instance: string, name: string): Promise<void> {
    const request = { DBInstanceIdentifier: instance, NewDBInstanceIdentifier: name, ApplyImmediately: true }
    await this.#rds.send(new ModifyDBInstanceCommand(request))
    await this.it.until(`${instance} to be called ${name}`, async () => Object.keys(await this.tags()).includes(name))
  }

  /** Through the keyhole of a fenced instance of RDS, as its master. */
  async throughKeyhole({ host, port }: { host: string; port: number }): Promise<Session> {
    const { block, secrets } = this.it.capstan.stack
    const login = { user: 'stock_admin', password: secrets.shopAdmin, applicationName: 'e2e keyhole' }
    return connect({ host, port, database: KEYHOLE, ...login, sourceAddress: controlAddress(block) })
  }

  /** Of each instance of RDS, by name. */
  async tags(): Promise<Record<string, Record<string, string>>> {
    const { DBInstances = [] } = await this.#rds.send(new DescribeDBInstancesCommand({}))
    return Object.fromEntries(
      DBInstances.map(({ DBInstanceIdentifier = '', TagList = [] }) => [
        DBInstanceIdentifier,
        Object.fromEntries(TagList.map(({ Key = '', Value = '' }) => [Key, Value])),
      ]),
    )
  }
}

/** An application that writes without a pause, each commit under a name of its own: sequences go on from the moment that was restored, so that ids are
 *  given out twice. It survives refusals; a commit whose answer never came is in doubt, and not counted. */
export function startJournal(connectApp: () => Promise<Session>): {
  readonly acknowledged: readonly string[]
  stop(): Promise<void>
} {
  const acknowledged: string[] = []
  let stopped = false
  let count = 0
  const loop = async (): Promise<void> => {
    let session: Session | null = null
    while (!stopped) {
      count += 1
      const name = `commit ${count}`
      try {
        session ??= await connectApp()
        await session.query('INSERT INTO public.items (name) VALUES ($1)', [name])
        acknowledged.push(name)
        await sleep(5)
      } catch {
        await session?.close().catch(() => undefined)
        session = null
        await sleep(50)
      }
    }
    await session?.close()
  }
  const loops = [loop(), loop()]
  return {
    acknowledged,
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}
