/** What the suites of blue/green deployments ask. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BlueGreenDeployment, CreateBlueGreenDeploymentRequest, Parameter, RDS } from '@aws-sdk/client-rds'
import type { Client } from 'pg'
import { connect, eventually, type TestLab } from '../fixture'

export function deploymentsOf(rds: () => RDS) {
  const describe = async (id: string): Promise<BlueGreenDeployment> =>
    (await rds().describeBlueGreenDeployments({ BlueGreenDeploymentIdentifier: id })).BlueGreenDeployments![0]!
  const reaches = (id: string, ...statuses: string[]): Promise<BlueGreenDeployment> =>
    eventually(async () => {
      const found = await describe(id)
      return statuses.includes(found.Status!) ? found : undefined
    })
  const gone = (id: string): Promise<true> =>
    eventually(() =>
      describe(id).then(
        () => undefined,
        ({ name }: Error) => (name === 'BlueGreenDeploymentNotFoundFault' ? true : undefined),
      ),
    )
  /** Of `shop`, unless another source is named. */
  const create = (name: string, more: Partial<CreateBlueGreenDeploymentRequest> = {}) =>
    rds().createBlueGreenDeployment({ BlueGreenDeploymentName: name, Source: arnOf('shop'), ...more })
  const created = async (name: string, more: Partial<CreateBlueGreenDeploymentRequest> = {}) => {
    const { BlueGreenDeployment } = await create(name, more)
    return reaches(idOf(BlueGreenDeployment!), 'AVAILABLE')
  }
  const switchOver = (BlueGreenDeploymentIdentifier: string, SwitchoverTimeout?: number) =>
    rds().switchoverBlueGreenDeployment({ BlueGreenDeploymentIdentifier, SwitchoverTimeout })
  const remove = (BlueGreenDeploymentIdentifier: string, DeleteTarget?: boolean) =>
    rds().deleteBlueGreenDeployment({ BlueGreenDeploymentIdentifier, DeleteTarget })
  return { describe, reaches, gone, create, created, switchOver, remove }
}

export const arnOf = (id: string): string => `arn:aws:rds:us-east-1:000000000000:db:${id}`
export const idOf = ({ BlueGreenDeploymentIdentifier }: BlueGreenDeployment): string => BlueGreenDeploymentIdentifier!

/** A parameter group for 17 with one parameter. */
export async function makeGroup({ rds }: TestLab, DBParameterGroupName: string, parameter: Parameter): Promise<void> {
  const group = { DBParameterGroupName, DBParameterGroupFamily: 'postgres17', Description: 'for blue or green' }
  await rds.createDBParameterGroup(group)
  await rds.modifyDBParameterGroup({ DBParameterGroupName, Parameters: [parameter] })
}

export const nameIn = (arn: string | undefined): string => arn!.split(':').at(-1)!

/** Of all writers of a suite: no number is written twice. */
let next = 1

/** Clients that know an address, write there whenever they are let, and remember what was acknowledged. */
export class Writers {
  readonly acknowledged: number[] = []
  /** By what they were refused, or cut off. */
  readonly met = new Set<string>()
  #stopped = false
  #done: Promise<unknown>
  /** How often each of the clients was refused, or cut off. */
  readonly #refusals: number[]

  constructor(
    private readonly from: string,
    private readonly at: { host: string; port: number },
    count = 2,
  ) {
    this.#refusals = Array.from({ length: count }, () => 0)
    this.#done = Promise.all(this.#refusals.map((_, client) => this.#write(client)))
  }

  /** Resolves once so many more commits were acknowledged. */
  async reach(more: number): Promise<void> {
    const wanted = this.acknowledged.length + more
    await eventually(async () => (this.acknowledged.length >= wanted ? true : undefined))
  }

  /** Resolves once each of the clients was refused, or cut off, since it was asked. */
  async areRefused(): Promise<void> {
    const before = [...this.#refusals]
    await eventually(async () => (this.#refusals.every((times, client) => times > before[client]!) ? true : undefined))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #write(number: number): Promise<void> {
    let client: Client | undefined
    while (!this.#stopped) {
      try {
        client ??= await connect(this.from, { ...this.at, connectionTimeoutMillis: 5_000, query_timeout: 10_000 })
        const id = next++
        await client.query(`INSERT INTO journal VALUES (${id})`)
        this.acknowledged.push(id)
      } catch (error) {
        this.met.add(String((error as { code?: string }).code))
        this.#refusals[number]! += 1
        void client?.end().catch(() => {})
        client = undefined
        await sleep(20)
      }
      await sleep(2)
    }
    await client?.end().catch(() => {})
  }
}
