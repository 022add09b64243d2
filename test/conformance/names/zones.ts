/** A zone at each provider of a lab, made by the lab's owner; the ports act by the shipped policies, put together as docs/permissions.md says. */

import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Route53 } from '@aws-sdk/client-route-53'
import { DnsManagementClient, type RecordType } from '@azure/arm-dns'
import { parse } from 'yaml'
import { hostedZone } from '../../../clouds/aws/dns'
import { azureZone } from '../../../clouds/azure/dns'
import type { DnsZonePort } from '../../../clouds/dns-port'
import { managedZone } from '../../../clouds/gcp/dns'
import type { DnsZone } from '../../../contracts/endpoint'
import type { AccessKey } from '../../../lab/credentials'
import type { Lab } from '../../../lab/start'
import type { TestLab } from '../../lab/fixture'

/** Of a test: what its owner puts there. `special`: not a plain one. */
export interface PutRecord {
  readonly type: 'A' | 'AAAA' | 'CNAME'
  readonly values: readonly string[]
  readonly ttl?: number
  readonly special?: boolean
}

export interface ZoneUnderTest {
  readonly zone: DnsZone
  readonly domain: string
  readonly port: DnsZonePort
  /** As somebody who may read and nothing else. */
  readonly reader: DnsZonePort
  /** The call that changes a record. */
  readonly change: string
  readonly question: string
  put(name: string, record: PutRecord): Promise<void>
}

/** A lab in this process, or one of a stack's. */
export interface NamesLab extends Pick<TestLab, 'call'> {
  readonly lab: Pick<Lab, 'api' | 'tlsApi' | 'certificateFile' | 'credentials' | 'nameService'>
}

export type Provider = DnsZone['provider']
const FOLDER = join(__dirname, '../../../infra/policies')

export async function openZone(lab: NamesLab, provider: Provider): Promise<ZoneUnderTest> {
  return { aws: openRoute53, azure: openAzureDns, gcp: openCloudDns }[provider](lab)
}

/** As applications find it: by the lab's name service. */
export function resolverOf({ lab }: Pick<NamesLab, 'lab'>): Resolver {
  const resolver = new Resolver({ timeout: 5_000, tries: 2 })
  resolver.setServers([`${lab.nameService.host}:${lab.nameService.port}`])
  return resolver
}

async function identity<T>(lab: NamesLab, name: string, body: object): Promise<T> {
  const { status, body: said } = await lab.call('PUT', `/_lab/identities/${name}`, body)
  expect({ status, said }).toMatchObject({ status: 200 })
  return said.credentials as T
}

const shipped = (file: string, edit: (text: string) => string): unknown => parse(edit(readFileSync(join(FOLDER, file), 'utf8')))

async function openRoute53(lab: NamesLab): Promise<ZoneUnderTest> {
  const endpoint = lab.lab.api
  const own = new Route53({ region: 'us-east-1', endpoint, credentials: { ...lab.lab.credentials.aws } })
  const domain = 'aws.example'
  const made = await own.createHostedZone({ Name: domain, CallerReference: `${Date.now()}` })
  const id = made.HostedZone?.Id?.replace('/hostedzone/', '') ?? ''
  const as = async (name: string, edit: (text: string) => string) => {
    const policies = [shipped('aws/names.json', (text) => edit(text.replace('ZONE', id)))]
    const credentials = await identity<AccessKey>(lab, name, { cloud: 'aws', policies })
    return hostedZone(id, { region: 'us-east-1', endpoint, credentials, maxAttempts: 3 })
  }
  return {
    zone: { provider: 'aws', id },
    domain,
    port: await as('aws-names', (text) => text),
    reader: await as('aws-names-reader', (text) => text.replace('"route53:ChangeResourceRecordSets", ', '')),
    change: 'ChangeResourceRecordSets',
    question: 'ListResourceRecordSets',
    async put(name, { type, values, ttl = 30, special = false }) {
      const ResourceRecords = values.map((Value) => ({ Value }))
      const more = special ? { SetIdentifier: 'one', Weight: 10 } : {}
      const ResourceRecordSet = { Name: name, Type: type, TTL: ttl, ResourceRecords, ...more }
      const Changes = [{ Action: 'UPSERT' as const, ResourceRecordSet }]
      await own.changeResourceRecordSets({ HostedZoneId: id, ChangeBatch: { Changes } })
    },
  }
}

async function openAzureDns(lab: NamesLab): Promise<ZoneUnderTest> {
  const { tlsApi: endpoint, certificateFile, credentials } = lab.lab
  const client = { endpoint, tlsOptions: { ca: readFileSync(certificateFile, 'utf8') } }
  const { subscriptionId: subscription, token } = credentials.azure
  const getToken = async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 })
  const own = new DnsManagementClient({ getToken }, subscription, { ...client, retryOptions: { maxRetries: 0 } })
  const [domain, resourceGroup] = ['azure.example', 'names']
  await own.zones.createOrUpdate(resourceGroup, domain, { location: 'global' })
  const as = async (name: string, edit: (text: string) => string) => {
    const role = shipped('azure/names.role.json', (text) => edit(text.replaceAll('SUBSCRIPTION', subscription)))
    const scope = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/dnsZones/${domain}`
    const given = await identity<{ token: string }>(lab, name, { cloud: 'azure', assignments: [{ scope, role }] })
    return azureZone({ subscription, resourceGroup, name: domain }, { token: given.token, client })
  }
  return {
    zone: { provider: 'azure', subscription, resourceGroup, name: domain },
    domain,
    port: await as('azure-names', (text) => text),
    reader: await as('azure-names-reader', (text) => text.replaceAll('/write"', '/nothing"')),
    change: 'RecordSets_CreateOrUpdate',
    question: 'RecordSets_ListAllByDnsZone',
    async put(name, { type, values, ttl = 30, special = false }) {
      const records = {
        A: { aRecords: values.map((ipv4Address) => ({ ipv4Address })) },
        AAAA: { aaaaRecords: values.map((ipv6Address) => ({ ipv6Address })) },
        CNAME: { cnameRecord: { cname: values[0] ?? '' } },
      }[type]
      const alias = { targetResource: { id: `/subscriptions/${subscription}/resourceGroups/web/providers/x/y/z` } }
      const set = { ttl, metadata: { owner: 'somebody' }, ...(special ? alias : records) }
      await own.recordSets.createOrUpdate(resourceGroup, domain, name.slice(0, -domain.length - 1), type as RecordType, set)
    },
  }
}

async function openCloudDns(lab: NamesLab): Promise<ZoneUnderTest> {
  const { api: endpoint, credentials } = lab.lab
  const { projectId: project, accessToken } = credentials.gcp
  const [domain, zone] = ['gcp.example', 'internal-example']
  const call = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
    const url = `${endpoint}/dns/v1/projects/${project}/managedZones${path}`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(await answer.text())
  }
  await call('', { name: zone, dnsName: `${domain}.`, description: 'of tests' })
  const as = async (name: string, edit: (text: string) => string) => {
    const bindings = [{ role: shipped('gcp/names.role.yaml', edit) }]
    const { accessToken: token } = await identity<{ accessToken: string }>(lab, name, { cloud: 'gcp', bindings })
    return managedZone({ project, name: zone }, { endpoint, token })
  }
  return {
    zone: { provider: 'gcp', project, name: zone },
    domain,
    port: await as('gcp-names', (text) => text),
    reader: await as('gcp-names-reader', (text) => text.replace('  - dns.changes.create\n', '')),
    change: 'dns.changes.create',
    question: 'dns.resourceRecordSets.list',
    async put(name, { type, values, ttl = 30, special = false }) {
      const rrdatas = type === 'CNAME' ? values.map((value) => `${value}.`) : values
      const policy = { routingPolicy: { wrr: { items: [{ weight: 1, rrdatas }] } } }
      await call(`/${zone}/changes`, { additions: [{ name: `${name}.`, type, ttl, ...(special ? policy : { rrdatas }) }] })
    },
  }
}
