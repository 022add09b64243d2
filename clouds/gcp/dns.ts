/** Cloud DNS, by its vendor's client, made on first use. A change takes the record away exactly as it was found and puts another in its place: Cloud DNS does all of a
 *  change or nothing. Public and private managed zones have the same API. Requests are sent by the authentication library, as those to Cloud SQL are: the client's
 *  own transport repeats them by itself and cannot be told to end. */
import type { DNS, Record as DnsRecord, Zone } from '@google-cloud/dns'
import { Failure } from '../../contracts/failures'
import { attempted } from '../attempts'
import { type Changed, type DnsZonePort, nowhere, type Target } from '../dns-port'
import { type FoundSet, soleRecord } from '../dns-record'
import type { CallOptions, ChangeOptions } from '../port'
import { bearing, type CallInProgress, type CloudSqlConfig, calls, guard } from './client'
import { apiError, gcpFailure } from './failures'

export interface ManagedZone {
  readonly project: string
  /** Its own name, not its domain. */
  readonly name: string
}

/** `endpoint`: as `http://127.0.0.1:8080`; absent: Google's. */
export type CloudDnsConfig = Pick<CloudSqlConfig, 'endpoint' | 'token'>

const SERVICE = 'Cloud DNS'
const PUBLIC = 'https://dns.googleapis.com'

/** As the client hands a request on. */
interface Handed {
  readonly uri: string
  readonly method?: string
  readonly json?: unknown
  readonly qs?: Readonly<Record<string, unknown>>
}
type Answered = (error: unknown, body?: unknown) => void

interface SetOfRecords {
  readonly name: string
  readonly type: string
  readonly ttl?: number
  readonly rrdatas?: readonly string[]
  readonly routingPolicy?: object
}

export function managedZone({ project, name: zoneName }: ManagedZone, config: CloudDnsConfig): DnsZonePort {
  let made: Promise<Zone> | null = null
  const zone = (): Promise<Zone> => {
    made ??= makeClient(project, config).then(
      (dns) => dns.zone(zoneName),
      (error) => {
        // credentials that could not be had now may be had later
        made = null
        throw error
      },
    )
    return made
  }
  const call = async <T>(
    action: string,
    { signal }: CallOptions,
    of: CallInProgress,
    act: (zone: Zone) => Promise<T>,
  ): Promise<T> => {
    try {
      const client = await zone()
      signal.throwIfAborted()
      return await calls.run(of, () => act(client))
    } catch (error) {
      if (of.refusal) throw of.refusal.error
      throw error instanceof Failure ? error : gcpFailure(action, error, signal, SERVICE)
    }
  }
  const ask = <T>(action: string, options: CallOptions, act: (zone: Zone) => Promise<T>) =>
    attempted('question', options, () => call(action, options, { signal: options.signal }, act))
  const where = `the managed zone ${zoneName} of Cloud DNS`
  type Wanted = Target & { readonly ttlSeconds: number }
  const exchange = (name: string, from: Wanted, to: Wanted, options: ChangeOptions): Promise<Changed> =>
    attempted('change', options, () =>
      // let finish: one that is cut off may still take effect
      call('changes.create', options, { signal: null, mayChange: options.mayChange }, async (client): Promise<Changed> => {
        try {
          const [, answer] = await client.createChange({ delete: recordOf(client, name, from), add: recordOf(client, name, to) })
          return { changed: true, pending: (answer as { id?: string } | undefined)?.id ?? null }
        } catch (error) {
          const { status, message } = apiError(error)
          if (status === 404 || status === 409 || status === 412) return { changed: false, why: message }
          throw error
        }
      }),
    )
  return {
    exchangesTypes: true,
    async lookUp(name, options) {
      const sets = await ask('resourceRecordSets.list', options, async (client) => {
        const [records] = await client.getRecords({ name: `${name}.`, autoPaginate: false })
        return records.map(({ metadata }) => metadata as unknown as SetOfRecords)
      })
      return soleRecord(name, sets.map(foundSet), where)
    },
    change: ({ name, from, to, ttlSeconds }, options) => exchange(name, from, { ...to, ttlSeconds }, options),
    isPublished: (pending, options) =>
      ask('changes.get', options, async (client) => {
        const [metadata] = await client.change(pending).getMetadata()
        return (metadata as { status?: string }).status === 'done'
      }),
    async proveChangeable(name, record, options) {
      const none = { ...nowhere(record), ttlSeconds: record.ttlSeconds }
      const { changed } = await exchange(name, none, none, options)
      if (changed) throw new Error(`${where} took away a record that ${name} cannot have`)
    },
  }
}

async function makeClient(project: string, { endpoint, token }: CloudDnsConfig): Promise<DNS> {
  const { DNS: Client } = await import('@google-cloud/dns')
  const given = { projectId: project, ...(token !== undefined && { authClient: await bearing(token) }) }
  // its types know the authentication library's clients, and not that they are of one kind
  const dns = new Client(given as unknown as ConstructorParameters<typeof Client>[0])
  const client = await dns.authClient.getClient()
  const base = endpoint ?? PUBLIC
  guard(client, new URL(base).hostname)
  const send = (handed: Handed, answered: Answered): void => {
    const { uri: url, method = 'GET', json: data, qs = {} } = handed
    // how many pages the client itself asks for
    const params = Object.fromEntries(Object.entries(qs).filter(([name]) => name !== 'autoPaginate'))
    client.request({ url, method: method as 'GET' | 'POST', params, ...(typeof data === 'object' && { data }) }).then(
      (response) => answered(null, response.data),
      (error: unknown) => answered(error),
    )
  }
  return Object.assign(dns, { baseUrl: `${base}/dns/v1`, makeAuthenticatedRequest: send })
}

function recordOf(zone: Zone, name: string, { type, value, ttlSeconds }: Target & { readonly ttlSeconds: number }): DnsRecord {
  return zone.record(type, { name: `${name}.`, ttl: ttlSeconds, data: type === 'CNAME' ? `${value}.` : value })
}

function foundSet({ type, ttl, rrdatas = [], routingPolicy }: SetOfRecords): FoundSet {
  const special = routingPolicy === undefined ? null : 'one that a routing policy answers'
  return { type, ttlSeconds: ttl ?? null, values: rrdatas, version: null, special }
}
