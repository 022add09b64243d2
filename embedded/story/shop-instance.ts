/** The shop's RDS instance in the lab, made as anybody would make one: with the vendor's SDK. Only the network rules are set
 *  through the lab's own door, since they belong to another service (EC2) that the lab does not play. */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBInstanceCommand,
  type DBInstance,
  DBInstanceNotFoundFault,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  InvalidDBInstanceStateFault,
  RDSClient,
} from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import type { Stack } from '../stack'
import { applicationAddress, controlAddress, labHeaders } from '../worker-program'
import type { ShopAddress } from './shop-database'

export const SHOP = 'shop'
export const SHOP_ADMIN = 'shop_admin'
const POLL_MS = 50
const TIMEOUT_MS = 120_000

export class ShopCloud {
  readonly #rds: RDSClient
  readonly #stack: Stack

  constructor(stack: Stack) {
    this.#stack = stack
    const { region, accessKeyId, secretAccessKey } = stack.lab.aws
    this.#rds = new RDSClient({ region, endpoint: stack.lab.api, credentials: { accessKeyId, secretAccessKey } })
  }

  /** Whether the instance exists, in whatever state. */
  async exists(): Promise<boolean> {
    return (await this.#describe()) !== null
  }

  /** Removes the shop and the snapshots that earlier runs took of it. Safe to repeat. */
  async remove(): Promise<void> {
    const remaining = async (): Promise<DBInstance | null> => {
      const instance = await this.#describe()
      if (instance !== null && instance.DBInstanceStatus !== 'deleting') await this.#delete()
      return instance
    }
    await this.#until('removed', async () => (await remaining()) === null)
    const { DBSnapshots = [] } = await this.#rds.send(new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: SHOP }))
    for (const { DBSnapshotIdentifier, SnapshotType } of DBSnapshots) {
      if (SnapshotType !== 'manual') continue
      await this.#rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier }))
    }
  }

  /** Removes everything that is in the lab, whoever made it. */
  async emptyLab(): Promise<void> {
    await this.#lab('POST', 'reset')
  }

  async create(): Promise<ShopAddress> {
    const { block, secrets } = this.#stack
    const control = `${controlAddress(block)}/32`
    // 127.0.0.1 is you: psql and every other client on this machine come from there. The canary does not let you in.
    await this.#putSecurityGroup('sg-shop', [control, `${applicationAddress(block)}/32`, '127.0.0.1/32'])
    await this.#putSecurityGroup('sg-canary', [control])
    await this.#rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: SHOP,
        DBInstanceClass: 'db.t4g.medium',
        Engine: 'postgres',
        EngineVersion: '15',
        AllocatedStorage: 20,
        DBName: SHOP,
        MasterUsername: SHOP_ADMIN,
        MasterUserPassword: secrets.shopAdmin,
        VpcSecurityGroupIds: ['sg-shop'],
        BackupRetentionPeriod: 1,
      }),
    )
    let address: ShopAddress | null = null
    await this.#until('available', async () => {
      const instance = await this.#describe()
      const { Address: host, Port: port } = instance?.Endpoint ?? {}
      if (instance?.DBInstanceStatus === 'available' && host !== undefined && port !== undefined) address = { host, port }
      return address !== null
    })
    if (address === null) throw new Error('an available instance has an endpoint')
    return address
  }

  /** Identifiers of instances that an operation made and should have removed. */
  async leftovers(): Promise<readonly string[]> {
    const { DBInstances = [] } = await this.#rds.send(new DescribeDBInstancesCommand({}))
    return DBInstances.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier).filter((id) => id.startsWith('cap-'))
  }

  close(): void {
    this.#rds.destroy()
  }

  async #describe(): Promise<DBInstance | null> {
    try {
      const { DBInstances = [] } = await this.#rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: SHOP }))
      return DBInstances[0] ?? null
    } catch (error) {
      if (error instanceof DBInstanceNotFoundFault) return null
      throw error
    }
  }

  /** Refused while something else is being done to the instance: then later. */
  async #delete(): Promise<void> {
    try {
      const command = new DeleteDBInstanceCommand({
        DBInstanceIdentifier: SHOP,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      })
      await this.#rds.send(command)
    } catch (error) {
      if (!(error instanceof DBInstanceNotFoundFault) && !(error instanceof InvalidDBInstanceStateFault)) throw error
    }
  }

  async #putSecurityGroup(id: string, cidrs: readonly string[]): Promise<void> {
    await this.#lab('PUT', `security-groups/${id}`, { cidrs })
  }

  async #lab(method: 'POST' | 'PUT', path: string, body?: object): Promise<void> {
    const { lab } = this.#stack
    const answer = await fetch(`${lab.api}/_lab/${path}`, {
      method,
      headers: { ...labHeaders(lab), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`the lab refused ${method} ${path}: ${answer.status} ${await answer.text()}`)
  }

  async #until(what: string, reached: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS
    while (!(await reached())) {
      if (Date.now() > deadline)
        throw failure('CLOUD_BUSY', `The shop's instance was not ${what} within two minutes; see the lab's log.`)
      await sleep(POLL_MS)
    }
  }
}
