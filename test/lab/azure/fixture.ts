/** A lab with the vendor's own SDK on it. The SDK believes that it talks to https://management.azure.com: only the last step, the
 *  socket, is turned to the lab. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorResponse, PostgreSQLManagementFlexibleServerClient, type Server } from '@azure/arm-postgresql-flexible'
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline'
import type { ClientConfig } from 'pg'
import type { AzureCredentials } from '../../../lab/credentials'
import { connect, eventually, openLab, orderFault, type TestLab, untilDown } from '../fixture'

export const GROUP = 'tests'
export const PASSWORD = 'Correct-Horse-7'
const RESOURCE_MANAGER = 'https://management.azure.com'

export interface AzureLab extends TestLab {
  readonly azure: PostgreSQLManagementFlexibleServerClient
  /** A raw call: what the SDK cannot send. */
  raw(method: string, path: string, init?: RawCall): Promise<RawAnswer>
}

export interface RawCall {
  readonly body?: unknown
  readonly text?: string
  readonly headers?: Record<string, string>
  /** Null: no Authorization header. */
  readonly token?: string | null
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: ErrorResponse & Record<string, unknown>
}

export async function openAzure(block?: string): Promise<AzureLab> {
  const lab = await openLab(block)
  const extended = {
    get azure() {
      return sdk(lab.lab.api, lab.lab.credentials.azure)
    },
    async raw(method: string, path: string, { body, text, headers = {}, token }: RawCall = {}): Promise<RawAnswer> {
      const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
      const bearer = token === undefined ? lab.lab.credentials.azure.token : token
      const response = await fetch(`${lab.lab.api}${path}`, {
        method,
        headers: {
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
          ...(content !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(content !== undefined && { body: content }),
      })
      const answer = await response.text()
      return { status: response.status, headers: response.headers, body: answer === '' ? {} : JSON.parse(answer) }
    },
  }
  return Object.defineProperties(lab, Object.getOwnPropertyDescriptors(extended)) as AzureLab
}

export function sdk(api: string, { token, subscriptionId }: AzureCredentials, sent?: string[], maxRetries?: number) {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
  const retryOptions = { ...(maxRetries !== undefined && { maxRetries }) }
  return new PostgreSQLManagementFlexibleServerClient(credential, subscriptionId, {
    httpClient: towards(api, sent),
    retryOptions,
  })
}

/** `sent`: what goes out, as `PUT https://…`. */
function towards(api: string, sent?: string[]): HttpClient {
  const transport = createDefaultHttpClient()
  return {
    async sendRequest(request) {
      const { url } = request
      sent?.push(`${request.method} ${url}`)
      request.url = url.replace(RESOURCE_MANAGER, api)
      request.allowInsecureConnection = true
      return transport.sendRequest(request).finally(() => {
        request.url = url
      })
    },
  }
}

export function serverPath({ lab }: TestLab, name: string, below = ''): string {
  const { subscriptionId } = lab.credentials.azure
  const base = `/subscriptions/${subscriptionId}/resourceGroups/${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers`
  return `${base}/${name}${below}?api-version=2025-08-01`
}

export const wanted = (more: Partial<Server> = {}): Server => ({
  location: 'eastus',
  sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' },
  administratorLogin: 'boss',
  administratorLoginPassword: PASSWORD,
  version: '15',
  storage: { storageSizeGB: 64 },
  ...more,
})

interface Poller<Result> {
  isDone(): boolean
  poll(): Promise<unknown>
  getResult(): Result | undefined
  getOperationState(): { error?: Error }
}

/** As the SDK's own waiting, without its pauses. */
export async function done<Result>(started: Promise<Poller<Result>>): Promise<Result> {
  const poller = await started
  while (!poller.isDone()) {
    await sleep(20)
    await poller.poll()
  }
  const { error } = poller.getOperationState()
  if (error) throw error
  return poller.getResult() as Result
}

/** A server that is there and takes changes. */
export async function createServer(lab: AzureLab, name: string, more: Partial<Server> = {}): Promise<Server> {
  await done(lab.azure.servers.beginCreateOrUpdate(GROUP, name, wanted(more)))
  return rested(lab, name)
}

/** Waits out the time in which a new server looks ready and is not. */
export async function rested(lab: AzureLab, name: string): Promise<Server> {
  await unlessBusy(() => lab.azure.servers.beginUpdate(GROUP, name, {}))
  return eventually(async () => {
    const server = await lab.azure.servers.get(GROUP, name)
    return server.state === 'Ready' ? server : undefined
  })
}

/** Repeats what is refused because the server is busy, and waits for its end. */
export function unlessBusy<Result>(start: () => Promise<Poller<Result>>): Promise<Result> {
  return eventually(async () => {
    try {
      return { result: await done(start()) }
    } catch (error) {
      if ((error as { code?: string }).code === 'ServerIsBusy') return undefined
      throw error
    }
  }).then(({ result }) => result)
}

/** Lets the tests' address in. */
export async function openFirewall(lab: AzureLab, name: string): Promise<void> {
  const rule = { startIpAddress: lab.client, endIpAddress: lab.client }
  await unlessBusy(() => lab.azure.firewallRules.beginCreateOrUpdate(GROUP, name, 'tests', rule))
}

/** As a careful client does: servers certified by the lab are believed, for their own address, and no others. */
export function trusted({ stateDir }: Pick<TestLab, 'stateDir'>): { ca: string } {
  return { ca: readFileSync(join(stateDir, 'ca.crt'), 'utf8') }
}

export async function query<Row extends object>(
  lab: AzureLab,
  server: Server,
  sql: string,
  config: ClientConfig = {},
): Promise<Row[]> {
  const client = await connect(lab.client, {
    host: server.fullyQualifiedDomainName!,
    port: lab.lab.dataPort,
    database: 'postgres',
    password: PASSWORD,
    ssl: trusted(lab),
    ...config,
  })
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

export { eventually, orderFault, untilDown }

/** The call is refused with this code, by a message that holds this text. */
export function refused(call: Promise<unknown>, code: string, message = ''): Promise<void> {
  return expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
}
