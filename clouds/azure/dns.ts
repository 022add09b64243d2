/** Azure DNS, by its vendor's client, made on first use: public zones. Record sets have an etag, and are written under the condition that it is still that one. `A` and
 *  `CNAME` of a name are resources of their own: neither takes the other's place in one act. Private zones are of another service. */
import type { DnsManagementClient, DnsManagementClientOptionalParams, RecordSet, RecordType } from '@azure/arm-dns'
import { Failure, failure } from '../../contracts/failures'
import { attempted } from '../attempts'
import { type Changed, type DnsZonePort, nowhere, type Target } from '../dns-port'
import { type FoundSet, soleRecord } from '../dns-record'
import { limitedTo } from '../limit'
import type { CallOptions, ChangeOptions } from '../port'
import { type AzureConfig, credentialOf } from './client'
import { azureFailure, errorCode } from './failures'

export interface AzureZone {
  readonly subscription: string
  readonly resourceGroup: string
  /** Its domain. */
  readonly name: string
}

export interface AzureDnsConfig extends Pick<AzureConfig, 'token' | 'credential'> {
  readonly client?: DnsManagementClientOptionalParams
}

const TIMEOUT_MS = 30_000
/** No record set has it. */
const NO_ETAG = '00000000-0000-0000-0000-000000000000'

export function azureZone({ subscription, resourceGroup, name: zone }: AzureZone, config: AzureDnsConfig): DnsZonePort {
  let made: Promise<DnsManagementClient> | null = null
  const client = (): Promise<DnsManagementClient> => {
    made ??= import('@azure/arm-dns').then(
      // it would send a change again without asking whether it may
      ({ DnsManagementClient: Client }) =>
        new Client(credentialOf(config), subscription, { ...config.client, retryOptions: { maxRetries: 0 } }),
    )
    return made
  }
  const where = `the zone ${zone} of Azure DNS`
  const call = async <T>(action: string, { signal }: CallOptions, act: (sdk: DnsManagementClient) => Promise<T>): Promise<T> => {
    try {
      return await act(await client())
    } catch (error) {
      if (error instanceof Failure) throw error
      const code = errorCode(error)
      if (!signal.aborted && (code === 'ResourceNotFound' || code === 'NotFound')) throw missing(where, resourceGroup, error)
      throw azureFailure(action, error, signal)
    }
  }
  const ask = <T>(
    action: string,
    options: CallOptions,
    act: (sdk: DnsManagementClient, abortSignal: AbortSignal) => Promise<T>,
  ) => attempted('question', options, () => call(action, options, (sdk) => act(sdk, limitedTo(TIMEOUT_MS, options.signal))))
  const relative = (name: string): string => (name === zone ? '@' : name.slice(0, -zone.length - 1))
  const write = async (
    name: string,
    type: RecordType,
    set: RecordSet,
    ifMatch: string,
    options: ChangeOptions,
  ): Promise<Changed> =>
    attempted('change', options, async () => {
      options.signal.throwIfAborted()
      await options.mayChange()
      return call('RecordSets_CreateOrUpdate', options, (sdk) =>
        sdk.recordSets
          // let finish: one that is cut off may still take effect
          .createOrUpdate(resourceGroup, zone, relative(name), type, set, {
            ifMatch,
            abortSignal: AbortSignal.timeout(TIMEOUT_MS),
          })
          .then((): Changed => ({ changed: true, pending: null }))
          .catch((error): Changed => {
            const { statusCode, message: why = '' } = error as { statusCode?: number; message?: string }
            if (errorCode(error) === 'PreconditionFailed' || statusCode === 412) return { changed: false, why }
            throw error
          }),
      )
    })
  return {
    exchangesTypes: false,
    lookUp: async (name, options) => {
      const found = await ask('RecordSets_ListAllByDnsZone', options, async (sdk, abortSignal) => {
        const recordSetNameSuffix = relative(name)
        const sets: FoundSet[] = []
        const listed = sdk.recordSets.listAllByDnsZone(resourceGroup, zone, { recordSetNameSuffix, abortSignal })
        for await (const set of listed) if (set.name?.toLowerCase() === recordSetNameSuffix) sets.push(foundSet(set))
        return sets
      })
      return soleRecord(name, found, where)
    },
    async change({ name, from, to, ttlSeconds }, options) {
      if (from.type !== to.type) throw new Error(`${where} was asked to put a ${to.type} in the place of a ${from.type}`)
      const { etag, metadata } = await ask('RecordSets_Get', options, (sdk, abortSignal) =>
        sdk.recordSets.get(resourceGroup, zone, relative(name), from.type, { abortSignal }),
      )
      if (etag === undefined || etag !== from.version) {
        return { changed: false, why: 'It was written since it was looked up.' }
      }
      // what its owner wrote beside it stays
      const set = { ttl: ttlSeconds, ...(metadata && { metadata }), ...recordsOf(to) }
      return write(name, from.type, set, etag, options)
    },
    isPublished: async () => true,
    async proveChangeable(name, record, options) {
      const set = { ttl: record.ttlSeconds, ...recordsOf(nowhere(record)) }
      const { changed } = await write(name, record.type, set, NO_ETAG, options)
      if (changed) throw new Error(`${where} wrote a record under an etag that none has`)
    },
  }
}

function missing(where: string, resourceGroup: string, cause: unknown): Failure {
  const message = `There is no such name in ${where}, or no such zone in the resource group ${resourceGroup}. Private zones of Azure are another service’s, which endpoints do not know.`
  return failure('CLOUD_REFUSED', message, { cloud: 'azure', zone: where }, { cause })
}

function recordsOf({ type, value }: Target): RecordSet {
  return type === 'A' ? { aRecords: [{ ipv4Address: value }] } : { cnameRecord: { cname: value } }
}

function foundSet(set: RecordSet): FoundSet {
  const { type = '', ttl: ttlSeconds = null, etag: version = null, aRecords = [], cnameRecord, targetResource } = set
  const addresses = aRecords.map(({ ipv4Address = '' }) => ipv4Address)
  const values = cnameRecord?.cname === undefined ? addresses : [cnameRecord.cname]
  const short = type.slice(type.lastIndexOf('/') + 1).toUpperCase()
  return { type: short, ttlSeconds, values, version, special: targetResource?.id === undefined ? null : 'an alias' }
}
