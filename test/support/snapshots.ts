/** What tests of snapshots do at the cloud's own door, as anybody with an account could. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AddTagsToResourceCommand,
  CopyDBSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { labHeaders } from '../../embedded/worker-program'
import type { CapstanStack } from './capstan-stack'

interface Call {
  readonly operation: string
  readonly effect: boolean
  readonly resources: unknown
}

export class SnapshotDesk {
  readonly #rds: RDSClient

  constructor(
    private readonly capstan: CapstanStack,
    region = 'us-east-1',
  ) {
    const { stack } = capstan
    this.#rds = new RDSClient({ region, endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  }

  async all(): Promise<DBSnapshot[]> {
    return (await this.#rds.send(new DescribeDBSnapshotsCommand({}))).DBSnapshots ?? []
  }

  async names(): Promise<string[]> {
    return (await this.all()).map(({ DBSnapshotIdentifier = '' }) => DBSnapshotIdentifier).sort()
  }

  /** Taken by hand, with whatever tags. */
  async take(instance: string, name: string, tags: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#settled(instance)
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    await this.#rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: instance, DBSnapshotIdentifier: name, Tags }))
    await this.#settled(instance)
  }

  /** As somebody does by hand: under the name that it has, with its tags. `from`: the region that it is in. */
  async copyHere(name: string, from: string): Promise<void> {
    const SourceDBSnapshotIdentifier = `arn:aws:rds:${from}:000000000000:snapshot:${name}`
    const request = { SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier: name, CopyTags: true }
    await this.#rds.send(new CopyDBSnapshotCommand(request))
  }

  /** As anybody may who has the right to. */
  async remove(name: string): Promise<void> {
    await this.#rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }))
  }

  /** Whether the lab made it, whatever it lists. */
  async wasMade(name: string): Promise<boolean> {
    const { calls } = (await this.#lab('GET', 'calls')) as { calls: readonly Call[] }
    const made = calls.filter(({ operation, effect }) => operation === 'CreateDBSnapshot' && effect)
    return made.some(({ resources }) => JSON.stringify(resources).includes(name))
  }

  /** Lets its retention be over since yesterday. */
  expire(name: string): Promise<void> {
    return this.keepUntil(name, new Date(Date.now() - 24 * 3_600_000))
  }

  /** As anybody may who wants it kept longer, or not as long. */
  async keepUntil(name: string, instant: Date): Promise<void> {
    const found = (await this.all()).find(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier === name)
    const Tags = [{ Key: 'capstan-expires', Value: instant.toISOString() }]
    await this.#rds.send(new AddTagsToResourceCommand({ ResourceName: found?.DBSnapshotArn ?? name, Tags }))
  }

  /** An instance that holds nothing. */
  async createInstance(id: string): Promise<void> {
    await this.#rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: id,
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        EngineVersion: '15',
        AllocatedStorage: 20,
        MasterUsername: 'boss',
        MasterUserPassword: this.capstan.stack.secrets.shopAdmin,
      }),
    )
    await this.#settled(id)
  }

  /** With all that is in it, and without a last snapshot. */
  async deleteInstance(id: string): Promise<void> {
    await this.#settled(id)
    await this.#rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }))
    for (;;) {
      const { DBInstances = [] } = await this.#rds.send(new DescribeDBInstancesCommand({}))
      if (!DBInstances.some(({ DBInstanceIdentifier }) => DBInstanceIdentifier === id)) return
      await sleep(50)
    }
  }

  /** Ordered in the lab; what it resolves to takes it back. */
  async fault(order: Readonly<Record<string, unknown>>): Promise<() => Promise<void>> {
    const { fault } = (await this.#lab('POST', 'faults', order)) as { fault: { id: string } }
    return async () => {
      await this.#lab('DELETE', `faults/${fault.id}`)
    }
  }

  async #lab(method: string, path: string, body?: object): Promise<unknown> {
    const { lab } = this.capstan.stack
    const answer = await fetch(`${lab.api}/_lab/${path}`, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...labHeaders(lab) },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`the lab refused: ${await answer.text()}`)
    return await answer.json()
  }

  async #settled(instance: string): Promise<void> {
    for (;;) {
      const { DBInstances = [] } = await this.#rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance }))
      const making = (await this.all()).some(({ Status }) => Status === 'creating')
      if (DBInstances[0]?.DBInstanceStatus === 'available' && !making) return
      await sleep(50)
    }
  }
}
